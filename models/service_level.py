"""What the provider commits to: how soon it answers, how soon it repairs, how much it is there."""

from decimal import Decimal
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.column import new_id


class ServiceLevel(SQLModel, table=True):
    """The commitments of some plans."""

    __tablename__ = "service_level"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    code: str = Field(max_length=40, unique=True)
    response_minutes: int
    repair_minutes: int
    availability_hundredths: int
    """Hundredths of a percent: 9,995 is 99.95 %."""


def percent(hundredths: int) -> Decimal:
    """A percentage with two decimals."""
    return Decimal(hundredths).scaleb(-2)
