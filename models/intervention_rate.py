"""CAT-2. What a technician's work on a server costs, and at most when several things are done at once."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from models.column import new_id, one_of
from models.fee import Fee
from models.money import nearest
from models.plan import CODE_LENGTH, NAME_LENGTH, PlanKind
from models.price import DatedPrice

MOST_AT_ONCE = {
    PlanKind.DEDICATED: Fee.INTERVENTIONS_DEDICATED,
    PlanKind.GOLD: Fee.INTERVENTIONS_GOLD,
}
"""The cap of a family."""


class InterventionRate(SQLModel, table=True):
    """CAT-2. A kind of work on a server."""

    __tablename__ = "intervention_rate"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    code: str = Field(max_length=CODE_LENGTH, unique=True)
    position: int
    name_en: str = Field(max_length=NAME_LENGTH)
    name_fr: str = Field(max_length=NAME_LENGTH)
    available: bool = True


class InterventionPrice(DatedPrice, table=True):
    """CAT-2, CAT-4. What this work costs from an instant on, on a server of one family."""

    __tablename__ = "intervention_price"
    __table_args__ = (UniqueConstraint("intervention_rate_id", "kind", "valid_from"),)

    intervention_rate_id: UUID = Field(foreign_key="intervention_rate.id")
    kind: PlanKind = Field(sa_type=one_of(PlanKind, "intervention_price_kind"))


def together_cents(prices_cents: Sequence[int], most_cents: int) -> int:
    """CAT-2. What interventions done at once cost: their sum, up to the cap of the server's family."""
    return min(sum(prices_cents), most_cents)


def shares(prices_cents: Sequence[int], most_cents: int) -> list[int]:
    """CAT-2. What each of them costs when they are done at once: the cap, in proportion, to the last cent."""
    whole, together = sum(prices_cents), together_cents(prices_cents, most_cents)
    shared, before, seen = [], 0, 0
    for cents in prices_cents:
        seen += cents
        upto = nearest(together * seen, whole) if whole else 0
        shared.append(upto - before)
        before = upto
    return shared
