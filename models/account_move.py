"""ACC-7. Moving an account between the public cloud and a server of its owner: what that costs, and what is in the way.

The quote and the command read a `MoveSituation` and ask `decide_move`; so what the customer is told is what happens.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from models.account import AccountStatus, under_way
from models.obstacle import IsSuspended, Obstacle, UnderWay
from models.opening import Offer, PlanUnavailable, Standing, is_sold, of_free, of_standing
from models.plan_change import GIGABYTE, PlanChange, PlanTooSmall, Running, cuts_of, given_back_of
from models.price import BillingPeriod
from models.quote import Caution
from models.refusal import Code, NotFound, Refusal
from models.server import ServerAction, ServerStatus, obstacle_to_server
from models.setting import Figures
from models.term import Term, span, term

SERVER, PLAN = ("server_id",), ("plan_id",)


class NoPlace(Refusal):
    """ACC-7. An account is at one place."""

    code = Code.INVALID
    message = "Name a server of the owner, or a plan with its period; not both."


class ThereAlready(Refusal):
    """ACC-7. There is nothing to move."""

    code = Code.CONFLICT
    message = "The account is there already."


class OfferedMeanwhile(Refusal):
    """ACC-8. What is offered to somebody stays as it was offered."""

    code = Code.CONFLICT
    message = "The account, or a server that it comes from or goes to, is offered to somebody."


@dataclass(frozen=True, slots=True)
class MoveWishes:
    """ACC-7. Where an account is to go: to a server, or to the public cloud on a plan."""

    account_id: UUID
    server_id: UUID | None = None
    plan_id: UUID | None = None
    period: BillingPeriod | None = None

    @property
    def names_one_place(self) -> bool:
        """Whether it is said, and said once."""
        to_cloud = self.plan_id is not None and self.period is not None
        return (self.server_id is not None) != to_cloud and (self.plan_id is None) == (self.period is None)


@dataclass(frozen=True, slots=True)
class Machine:
    """A server of the owner's."""

    status: ServerStatus
    is_offered: bool


@dataclass(frozen=True, slots=True)
class MoveSituation:
    """Everything that a move depends on, read at one instant."""

    today: date
    standing: Standing
    contract: Refusal | None
    status: AccountStatus
    holder: str
    """The name of the account."""
    is_offered: bool
    """It is, or the server that it is on."""
    server_id: UUID | None
    plan_id: UUID | None
    """Where it is."""
    moving: bool = False
    """An earlier move is not answered yet."""
    failed: bool = False
    """The machines could not do the last move: it may be asked for again, and nothing is charged for that."""
    target: Machine | None = None
    """Where it is to go; None for a server that the owner has not."""
    offer: Offer | None = None
    running: Running | None = None
    disk_used_bytes: Decimal | None = None
    """Asked where it goes to a plan."""
    free_accounts: int = 0
    paying_accounts: int = 0
    """Both without this one."""
    invoicing_day: int | None = None

    def is_at(self, wishes: MoveWishes) -> bool:
        """Whether that is where it is."""
        return wishes.server_id == self.server_id and (self.server_id is not None or self.plan_id == wishes.plan_id)


def decide_move(wishes: MoveWishes, found: MoveSituation, figures: Figures) -> PlanChange:
    """ACC-7, BIL-14. What goes back, what it costs and what is in the way; nothing else computes a figure of it."""
    again = found.failed and found.is_at(wishes)
    terms = () if again else tuple(_terms(wishes, found))
    paid = found.running.paid if found.running is not None and not again else ()
    cuts = tuple(cuts_of(found.today, paid))
    blockers = (
        *of_standing(found.standing, found.contract, billable=bool(terms)),
        *_of_state(found),
        *(() if again else _of_place(wishes, found, figures)),
    )
    cautions = (*((Caution.NO_REFUND,) if terms else ()), *((Caution.CUT,) if cuts else ()))
    return PlanChange(terms, tuple(given_back_of(found.today, paid)), cuts, blockers, cautions)


def _terms(wishes: MoveWishes, found: MoveSituation) -> Iterator[Term]:
    """The first period of the plan, from the day of the move on; on a server the server is paid for."""
    offer, period = found.offer, wishes.period
    if offer is None or period is None or offer.free or offer.price is None or not is_sold(offer):
        return
    days = span(found.today, found.invoicing_day, found.today, period)
    yield term(offer.item(found.holder, period), offer.price, days)


def _of_state(found: MoveSituation) -> Iterator[Refusal]:
    obstacle: Obstacle | None = IsSuspended() if found.status is AccountStatus.SUSPENDED else under_way(found.status)
    if obstacle is None and found.moving:
        obstacle = UnderWay()
    if obstacle is not None:
        yield obstacle
    if found.is_offered or (found.target is not None and found.target.is_offered):
        yield OfferedMeanwhile()


def _of_place(wishes: MoveWishes, found: MoveSituation, figures: Figures) -> Iterator[Refusal]:
    if wishes.server_id is not None:
        yield from _of_server(wishes.server_id, found)
    elif found.server_id is None:
        yield ThereAlready().at(*PLAN)
    elif found.offer is None:
        yield NotFound().at(*PLAN)
    elif not is_sold(found.offer):
        yield PlanUnavailable().at(*PLAN)
    else:
        yield from _of_plan(found.offer, found, figures)


def _of_server(server_id: UUID, found: MoveSituation) -> Iterator[Refusal]:
    if found.target is None:
        yield NotFound().at(*SERVER)
    elif server_id == found.server_id:
        yield ThereAlready().at(*SERVER)
    elif (obstacle := obstacle_to_server(ServerAction.OPEN_ACCOUNT, found.target.status)) is not None:
        yield obstacle.at(*SERVER)


def _of_plan(offer: Offer, found: MoveSituation, figures: Figures) -> Iterator[Refusal]:
    """ACC-3, ACC-6. What is on it has to fit, and free accounts are limited."""
    quota = Decimal(offer.disk_gigabytes * GIGABYTE)
    if found.disk_used_bytes is not None and found.disk_used_bytes > quota:
        yield PlanTooSmall(found.disk_used_bytes, quota).at(*PLAN)
    if offer.free:
        yield from (each.at(*PLAN) for each in of_free(found.free_accounts, found.paying_accounts, figures))
