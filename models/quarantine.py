"""BIL-10. What providers told that fits none of our payments: kept for people to look at, and booked by nobody."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.column import Instant, new_id, one_of
from models.payment_provider import ProviderState


class QuarantinedNotice(SQLModel, table=True):
    """BIL-10. Of what is told again there is one row."""

    __tablename__ = "quarantined_notice"
    __table_args__ = (
        UniqueConstraint(
            "provider",
            "payment_id",
            "reference",
            "state",
            "amount_cents",
            "currency",
            name="uq_quarantined_notice_told",
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    provider: str = Field(max_length=40)
    payment_id: UUID
    """The key that was told, whether or not there is such a payment."""
    reference: str = Field(max_length=200)
    state: ProviderState = Field(sa_type=one_of(ProviderState, "provider_state"))
    amount_cents: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    problem: str = Field(max_length=20)
    """UNKNOWN, or what differs."""
    seen_at: datetime = Field(sa_type=Instant)
