"""CAT-2. Single amounts of the price list, dated as all its prices are."""

from enum import StrEnum

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from models.column import one_of
from models.price import DatedPrice


class Fee(StrEnum):
    """What is charged once, or capped."""

    URGENT_TICKET = "URGENT_TICKET"
    INTERVENTIONS_DEDICATED = "INTERVENTIONS_DEDICATED"
    """CAT-2. The most that interventions done at once cost on a dedicated server."""
    INTERVENTIONS_GOLD = "INTERVENTIONS_GOLD"


class FeePrice(DatedPrice, table=True):
    """CAT-4. A single amount from an instant on."""

    __tablename__ = "fee_price"
    __table_args__ = (UniqueConstraint("fee", "valid_from"),)

    fee: Fee = Field(sa_type=one_of(Fee, "fee"))
