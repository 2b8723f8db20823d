"""ACC-8. Handing over: what goes back to the sender, what the recipient pays, and what stands in the way of either.

Quotes and the command read a `Situation` and ask `decide_handover`; so what is shown is what happens. Each side is
shown its own half of the answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from models.discount import Discount
from models.obstacle import Obstacle
from models.opening import Standing, of_free, of_standing
from models.period import after
from models.plan_change import CutCharge, GivenBack, Paid, cuts_of, given_back_of
from models.profile import ProfileSuspended
from models.quote import Caution
from models.refusal import Refusal
from models.setting import Figures
from models.term import Item, Priced, Term, span, term
from models.transfer import BeingRenewed, NotInvoicedYet, SenderNotReady, TransferMode, UnpaidInvoice


@dataclass(frozen=True, slots=True)
class Held:
    """A subscription that goes with what is handed over."""

    id: UUID
    item: Item
    price: Priced
    """In force today, or agreed on."""
    anchor: date
    ends_before: date
    """Where what is paid ends."""
    paid: tuple[Paid, ...] = ()
    """Its periods that are charged and not over."""
    committed_until: date | None = None


@dataclass(frozen=True, slots=True)
class Receiving:
    """Of whoever is to have it."""

    standing: Standing
    contract: Refusal | None
    free_accounts: int = 0
    paying_accounts: int = 0
    invoicing_day: int | None = None
    discounts: tuple[Discount, ...] = ()
    """BIL-17. Their own; those of the sender do not go with it."""


@dataclass(frozen=True, slots=True)
class Handing:
    """Everything that handing something over depends on, read at one instant."""

    today: date
    mode: TransferMode
    obstacles: tuple[Obstacle, ...]
    """Of the state that it is in."""
    sender_suspended: bool
    unpaid: bool
    """An invoice of the sender for it is not paid."""
    free: bool
    """It is an account on a free plan."""
    held: tuple[Held, ...] = ()
    recipient: Receiving | None = None
    """None while nobody is asked about."""


@dataclass(frozen=True, slots=True)
class Opened:
    """ACC-8. The first period of a subscription of the recipient; the commitment that it goes on with."""

    term: Term
    committed_until: date | None
    discounts: tuple[Discount, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """ACC-8. A subscription whose paid period the recipient has until its end; then it goes on from this anchor."""

    id: UUID
    anchor: date


@dataclass(frozen=True, slots=True)
class Handover:
    """ACC-8. What handing over comes to, for both sides."""

    opened: tuple[Opened, ...]
    kept: tuple[Kept, ...]
    given_back: tuple[GivenBack, ...]
    cuts: tuple[CutCharge, ...]
    sender_blockers: tuple[Refusal, ...]
    recipient_blockers: tuple[Refusal, ...]
    sender_cautions: tuple[Caution, ...]
    recipient_cautions: tuple[Caution, ...]

    @property
    def terms(self) -> tuple[Term, ...]:
        """What the recipient is charged."""
        return tuple(each.term for each in self.opened)

    @property
    def refund_cents(self) -> int:
        """What the sender gets back, VAT included."""
        return sum(each.net_cents + each.tax_cents for each in self.given_back)


def decide_handover(found: Handing, figures: Figures) -> Handover:
    """ACC-8, BIL-14. What it comes to and what stands in the way; nothing else computes a figure of it."""
    billed_now = found.mode is TransferMode.BILL_AT_ACCEPTANCE
    paid = tuple(each for held in found.held for each in held.paid) if billed_now else ()
    opened = tuple(_opened(found)) if billed_now else ()
    kept = () if billed_now else tuple(Kept(each.id, grid(each.anchor, each.ends_before)) for each in found.held)
    cuts = tuple(cuts_of(found.today, paid))
    given_back = sorted(given_back_of(found.today, paid), key=lambda each: each.line.invoice_id)
    blockers = tuple(_of_sender(found))
    return Handover(
        opened=opened,
        kept=kept,
        given_back=tuple(given_back),
        cuts=cuts,
        sender_blockers=blockers,
        recipient_blockers=(*((SenderNotReady(),) if blockers else ()), *_of_recipient(found, figures)),
        sender_cautions=(
            Caution.STAYS_BEHIND,
            *((Caution.CUT,) if cuts else ()),
            *((Caution.PERIOD_GOES_WITH_IT,) if kept else ()),
        ),
        recipient_cautions=_of_receiving(opened, kept, free=found.free),
    )


def grid(anchor: date, ends_before: date) -> date:
    """BIL-6. What periods that follow are counted from: the same day as before where that is where this one ends."""
    months = 12 * (ends_before.year - anchor.year) + ends_before.month - anchor.month
    return anchor if after(anchor, months) == ends_before else ends_before


def _opened(found: Handing) -> Iterator[Opened]:
    """The recipient's first periods, at list price with their own discounts; the day of acceptance is the first."""
    recipient = found.recipient
    if recipient is None:
        return
    for held in found.held:
        days = span(found.today, recipient.invoicing_day, found.today, held.item.period)
        binding = held.committed_until is not None and held.committed_until > found.today
        yield Opened(
            term(held.item, held.price, days, recipient.discounts),
            held.committed_until if binding else None,
            recipient.discounts,
        )


def _of_sender(found: Handing) -> Iterator[Refusal]:
    yield from found.obstacles
    if any(held.ends_before <= found.today for held in found.held):
        yield BeingRenewed()
    if found.sender_suspended:
        yield ProfileSuspended()
    if found.unpaid:
        yield UnpaidInvoice()
    waiting = any(each.line is None for held in found.held for each in held.paid)
    if found.mode is TransferMode.KEEP_END_DATE and waiting:
        yield NotInvoicedYet()


def _of_recipient(found: Handing, figures: Figures) -> Iterator[Refusal]:
    """ACC-3, PRO-12, BIL-19. What would keep the recipient from opening it."""
    recipient = found.recipient
    if recipient is None:
        return
    yield from of_standing(recipient.standing, recipient.contract, billable=bool(found.held))
    if found.free:
        yield from of_free(recipient.free_accounts, recipient.paying_accounts, figures)


def _of_receiving(opened: tuple[Opened, ...], kept: tuple[Kept, ...], *, free: bool) -> tuple[Caution, ...]:
    if free:
        return (Caution.RESTRICTED,)
    return (*((Caution.NO_REFUND,) if opened else ()), *((Caution.PAID_UNTIL_ITS_END,) if kept else ()))
