"""ACC-1, ACC-3. Opening an account: what it costs and what stands in its way, decided in one place.

The quote and the command read a `Situation` and ask `decide_opening`; so what is shown is what is charged.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from models.account_name import check_name
from models.charge import RevenueKind
from models.held_name import NameTaken
from models.obstacle import Obstacle
from models.plan import PlanKind
from models.price import BillingPeriod
from models.profile import EmailNotVerified, ProfileSuspended
from models.quote import Caution
from models.refusal import Code, LimitReached, NotFound, Refusal
from models.setting import Figures
from models.term import Item, Priced, Term, span, term

PLAN = ("target", "public_cloud", "plan_id")
SERVER = ("target", "server_id")


class PlanUnavailable(Refusal):
    """ACC-1. Sold no more, of another family, or on quotation."""

    code = Code.PLAN_UNAVAILABLE
    message = "This plan cannot be taken here."


class FreeAccountsReached(LimitReached):
    """ACC-3. One free account, two beside a paying one."""

    message = "A profile has {limit} free accounts at most, and this one has {used}."


class IdentityIncomplete(Refusal):
    """PRO-2. An invoice needs somebody to be made out to."""

    code = Code.IDENTITY_INCOMPLETE
    message = "Complete the profile first: an invoice needs a name, an address and a country."


class WeakServicePassword(Refusal):
    """ACC-1, PRO-4. The password of the service users is one like any other."""

    code = Code.INVALID
    message = "This password is too weak, or too long: take several words that have nothing to do with each other."


def is_identified(
    organization: str | None,
    first: str | None,
    last: str | None,
    street: Sequence[str],
    city: str | None,
    country: str | None,
) -> bool:
    """PRO-2. Whether an invoice can be made out: to a name, at an address, in a country."""
    return all((organization or (first and last), street, city, country))


@dataclass(frozen=True, slots=True)
class Wishes:
    """ACC-1. What somebody wants: a name, and a plan with its period, or a server."""

    name: str
    plan_id: UUID | None = None
    period: BillingPeriod = BillingPeriod.MONTHLY
    server_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan as it is offered now, with its price for the wanted period."""

    id: UUID
    kind: PlanKind
    name_en: str
    name_fr: str
    free: bool
    available: bool
    price: Priced | None = None
    disk_gigabytes: int = 0

    def item(self, holder: str, period: BillingPeriod) -> Item:
        """What is paid for on it."""
        return Item(RevenueKind.HOSTING, self.name_en, self.name_fr, holder, period, plan_id=self.id)


@dataclass(frozen=True, slots=True)
class Standing:
    """PRO-1, PRO-2, PRO-12. What is asked of whoever it will be invoiced to."""

    email_verified: bool
    suspended: bool
    identified: bool
    """There is a name, an address and a country to make an invoice out to."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that an opening depends on, read at one instant."""

    today: date
    standing: Standing
    contract: Refusal | None
    """What the acceptance of contracts says."""
    name_taken: bool
    offer: Offer | None = None
    """Of the plan that is wanted; None where there is no such plan."""
    server_found: bool = False
    """The server that is wanted is the owner's."""
    server_obstacle: Obstacle | None = None
    free_accounts: int = 0
    paying_accounts: int = 0
    invoicing_day: int | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """ACC-1. What opening an account comes to."""

    terms: tuple[Term, ...]
    blockers: tuple[Refusal, ...]
    cautions: tuple[Caution, ...]


def decide_opening(wishes: Wishes, found: Situation, figures: Figures) -> Opening:
    """ACC-1, BIL-14. What it costs and what stands in its way; nothing else computes a figure of it."""
    offer = found.offer if wishes.plan_id is not None else None
    terms = tuple(_terms(wishes, found))
    blockers = (
        *of_standing(found.standing, found.contract, billable=bool(terms)),
        *_of_place(wishes, found, offer),
        *_of_name(wishes.name, found, figures),
        *_of_limit(found, offer, figures),
    )
    restricted = offer is not None and offer.free
    cautions = (Caution.NO_REFUND,) if terms else (Caution.RESTRICTED,) if restricted else ()
    return Opening(terms, blockers, cautions)


def _terms(wishes: Wishes, found: Situation) -> Iterator[Term]:
    """BIL-4, BIL-5. The first period, from today on."""
    offer = found.offer if wishes.plan_id is not None else None
    if offer is None or offer.free or offer.price is None or not is_sold(offer):
        return
    days = span(found.today, found.invoicing_day, found.today, wishes.period)
    yield term(offer.item(wishes.name, wishes.period), offer.price, days)


def is_sold(offer: Offer) -> bool:
    """Whether an account can be opened on it: in the public cloud, on sale, free or at a price."""
    return offer.kind is PlanKind.PUBLIC_CLOUD and offer.available and (offer.free or offer.price is not None)


def of_standing(standing: Standing, contract: Refusal | None, *, billable: bool) -> Iterator[Refusal]:
    """PRO-1, PRO-2, PRO-12, BIL-19. Of whoever it is invoiced to."""
    if not standing.email_verified:
        yield EmailNotVerified()
    if standing.suspended:
        yield ProfileSuspended()
    if contract is not None:
        yield contract
    if billable and not standing.identified:
        yield IdentityIncomplete()


def _of_place(wishes: Wishes, found: Situation, offer: Offer | None) -> Iterator[Refusal]:
    if wishes.server_id is not None:
        if not found.server_found:
            yield NotFound().at(*SERVER)
        elif found.server_obstacle is not None:
            yield found.server_obstacle.at(*SERVER)
    elif offer is None:
        yield NotFound().at(*PLAN)
    elif not is_sold(offer):
        yield PlanUnavailable().at(*PLAN)


def _of_name(name: str, found: Situation, figures: Figures) -> Iterator[Refusal]:
    """ACC-2."""
    try:
        check_name(name, least=figures.account_name_least, most=figures.account_name_most)
    except Refusal as refusal:
        yield refusal.at("name")
    else:
        if found.name_taken:
            yield NameTaken().at("name")


def _of_limit(found: Situation, offer: Offer | None, figures: Figures) -> Iterator[Refusal]:
    if offer is not None and offer.free:
        yield from (each.at(*PLAN) for each in of_free(found.free_accounts, found.paying_accounts, figures))


def of_free(free: int, paying: int, figures: Figures) -> Iterator[FreeAccountsReached]:
    """ACC-3. Whether one more account may be free, beside these; one that is being deleted counts until it is gone."""
    limit = figures.free_accounts_beside_paying if paying else figures.free_accounts
    if free >= limit:
        yield FreeAccountsReached(limit, free)
