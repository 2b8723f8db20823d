"""BIL-10. What the practice system's payment provider remembers: what it was asked to take, by our key."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from models.column import Instant, json_column


class SandboxCharge(SQLModel, table=True):
    """BIL-10. Asked twice with one key, it is one. What became of it follows from the card and the time."""

    __tablename__ = "sandbox_charge"

    key: UUID = Field(primary_key=True)
    card: str = Field(max_length=80)
    amount_cents: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    asked_at: datetime = Field(sa_type=Instant)
    confirmed_at: datetime | None = Field(default=None, sa_type=Instant)
    cancelled_at: datetime | None = Field(default=None, sa_type=Instant)
    refunds: dict[str, Any] = Field(default_factory=dict, sa_type=json_column())
    """Cents that were sent back, by the key of each refund."""
