"""ACC-6, BIL-6. Changing plan or period: what goes back of the old one, what the new one costs, what is in the way.

The quote and the command read a `Situation` and ask `decide_plan_change`; so what is shown is what happens.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from models.account import AccountAction, AccountStatus, obstacle_to
from models.discount import Discount
from models.opening import Offer, PlanUnavailable, Standing, is_sold, of_free, of_standing
from models.period import cut
from models.price import BillingPeriod
from models.quote import Caution
from models.refusal import Code, NotFound, Refusal
from models.setting import Figures
from models.term import Term, span, term
from models.vat import refund_of

PLAN = ("plan_id",)
GIGABYTE = 10**9


class SamePlan(Refusal):
    """ACC-6. There is nothing to change."""

    code = Code.PLAN_UNAVAILABLE
    message = "The account is on this plan already, and paid for in this way."


@dataclass(eq=False)
class PlanTooSmall(Refusal):
    """ACC-6. What is on the account does not fit on the plan."""

    code = Code.PLAN_TOO_SMALL
    message = "More disk space is in use than this plan has: {used} of {quota} GB."
    disk_used_bytes: Decimal
    disk_quota_bytes: Decimal

    @property
    def figures(self) -> dict[str, Any]:
        return {"used": _gigabytes(self.disk_used_bytes), "quota": _gigabytes(self.disk_quota_bytes)}


def _gigabytes(size: Decimal) -> Decimal:
    return round(size / GIGABYTE, 2).normalize()


@dataclass(frozen=True, slots=True)
class PlanWishes:
    """ACC-6. What somebody wants for an account."""

    account_id: UUID
    plan_id: UUID
    period: BillingPeriod


@dataclass(frozen=True, slots=True)
class Line:
    """BIL-6. The line of the invoice that a period was charged by, and what earlier credit notes gave back of it."""

    id: UUID
    invoice_id: UUID
    number: str
    """Of the invoice."""
    net_cents: int
    tax_cents: int
    rate_bp: int
    refunded_net: int = 0
    refunded_tax: int = 0


@dataclass(frozen=True, slots=True)
class Paid:
    """A period that is not over: what was charged for it, which is on an invoice or waits for one."""

    starts_on: date
    ends_before: date
    charge_id: UUID
    net_cents: int
    label_en: str
    label_fr: str
    explanation: dict[str, Any]
    line: Line | None = None
    """None while it is not invoiced."""


@dataclass(frozen=True, slots=True)
class Running:
    """What runs for the account."""

    id: UUID
    plan_id: UUID
    period: BillingPeriod
    discounts: tuple[Discount, ...] = ()
    paid: tuple[Paid, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanSituation:
    """Everything that a change depends on, read at one instant."""

    today: date
    standing: Standing
    contract: Refusal | None
    status: AccountStatus
    holder: str
    """The name of the account."""
    on_server: bool
    free: bool
    """The account is on a free plan."""
    lapsed: bool
    """BIL-4. Its subscription ended with its period."""
    plan_id: UUID | None
    offer: Offer | None
    running: Running | None = None
    disk_used_bytes: Decimal | None = None
    """Asked where the wanted plan has less space."""
    free_accounts: int = 0
    paying_accounts: int = 0
    """Both without this one."""
    invoicing_day: int | None = None
    transfer_id: UUID | None = None
    """ACC-8. The transfer by which it is offered."""


@dataclass(frozen=True, slots=True)
class GivenBack:
    """BIL-6. So much of a line that goes back by a credit note."""

    line: Line
    net_cents: int
    tax_cents: int
    starts_on: date
    ends_before: date
    label_en: str
    label_fr: str
    explanation: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CutCharge:
    """SPEC 17. A charge that is not invoiced yet, cut to the days used; of none of them nothing is left."""

    charge_id: UUID
    net_cents: int
    ends_before: date
    explanation: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PlanChange:
    """ACC-6. What a change comes to."""

    terms: tuple[Term, ...]
    given_back: tuple[GivenBack, ...]
    cuts: tuple[CutCharge, ...]
    blockers: tuple[Refusal, ...]
    cautions: tuple[Caution, ...]

    @property
    def refund_cents(self) -> int:
        """VAT included."""
        return sum(each.net_cents + each.tax_cents for each in self.given_back)


def decide_plan_change(wishes: PlanWishes, found: PlanSituation, figures: Figures) -> PlanChange:
    """ACC-6, BIL-14. What it costs, what goes back and what stands in its way; nothing else computes a figure of it."""
    offer = found.offer
    to_free = offer is not None and offer.free
    terms = tuple(_terms(wishes, found))
    refunded = found.running is not None and offer is not None and not to_free
    paid = found.running.paid if found.running is not None and refunded else ()
    given_back = tuple(given_back_of(found.today, paid))
    cuts = tuple(cuts_of(found.today, paid))
    blockers = (
        *of_standing(found.standing, found.contract, billable=bool(terms)),
        *_of_state(found),
        *_of_plan(wishes, found),
        *_of_space(found),
        *(of_free(found.free_accounts, found.paying_accounts, figures) if to_free and not found.free else ()),
    )
    cautions = _cautions(found, terms, cuts)
    return PlanChange(terms, given_back, cuts, blockers, cautions)


def _terms(wishes: PlanWishes, found: PlanSituation) -> Iterator[Term]:
    """The first period of the new plan; the day of change belongs to it. Discounts survive."""
    offer = found.offer
    if offer is None or offer.free or offer.price is None or not is_sold(offer):
        return
    days = span(found.today, found.invoicing_day, found.today, wishes.period)
    discounts = found.running.discounts if found.running else ()
    yield term(offer.item(found.holder, wishes.period), offer.price, days, discounts)


def given_back_of(today: date, paid: tuple[Paid, ...]) -> Iterator[GivenBack]:
    """BIL-6. Of each period that is invoiced, the share of its days from today on; never more than is left of it."""
    for each in paid:
        if each.line is None:
            continue
        left = cut(each.net_cents, each.starts_on, each.ends_before, max(today, each.starts_on))
        line = each.line
        net_cents = min(left.refund_cents, line.net_cents - line.refunded_net)
        if net_cents > 0:
            tax_cents = refund_of(
                line.net_cents, line.tax_cents, line.refunded_net, line.refunded_tax, net_cents, line.rate_bp
            )
            yield GivenBack(
                line,
                net_cents,
                tax_cents,
                max(today, each.starts_on),
                each.ends_before,
                each.label_en,
                each.label_fr,
                {
                    "refund_of": line.number,
                    "net_cents": each.net_cents,
                    "days": left.days_left,
                    "period_days": left.days,
                },
            )


def cuts_of(today: date, paid: tuple[Paid, ...]) -> Iterator[CutCharge]:
    """SPEC 17. What is not invoiced yet is charged for the days used only."""
    for each in paid:
        if each.line is None:
            left = cut(each.net_cents, each.starts_on, each.ends_before, max(today, each.starts_on))
            used_days = left.days - left.days_left
            told = {**each.explanation, "days": used_days, "period_days": left.days}
            yield CutCharge(each.charge_id, left.used_cents if used_days else 0, max(today, each.starts_on), told)


def _of_state(found: PlanSituation) -> Iterator[Refusal]:
    if (obstacle := obstacle_to(AccountAction.CHANGE_PLAN, found.status, None, found.transfer_id)) is not None:
        yield obstacle
    if found.on_server:
        yield PlanUnavailable().at(*PLAN)


def _of_plan(wishes: PlanWishes, found: PlanSituation) -> Iterator[Refusal]:
    offer, running = found.offer, found.running
    if offer is None:
        yield NotFound().at(*PLAN)
    elif not is_sold(offer):
        yield PlanUnavailable().at(*PLAN)
    elif (running is not None and (running.plan_id, running.period) == (wishes.plan_id, wishes.period)) or (
        offer.free and found.plan_id == wishes.plan_id and not found.lapsed
    ):
        yield SamePlan().at(*PLAN)


def _of_space(found: PlanSituation) -> Iterator[Refusal]:
    """ACC-6. What is on it has to fit."""
    if found.offer is None or found.disk_used_bytes is None:
        return
    quota = Decimal(found.offer.disk_gigabytes * GIGABYTE)
    if found.disk_used_bytes > quota:
        yield PlanTooSmall(found.disk_used_bytes, quota).at(*PLAN)


def _cautions(found: PlanSituation, terms: tuple[Term, ...], cuts: tuple[CutCharge, ...]) -> tuple[Caution, ...]:
    if found.offer is not None and found.offer.free:
        return (Caution.NOT_REFUNDED, Caution.RESTRICTED) if found.running else (Caution.RESTRICTED,)
    return (*((Caution.NO_REFUND,) if terms else ()), *((Caution.CUT,) if cuts else ()))
