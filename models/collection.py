"""BIL-9. Collecting: an invoice that a card on file pays by itself, and when that is tried again."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.column import Instant
from models.payment import Payment

WAITS = action("payment.collection_waits", "An automatic debit waits for another payment")


class Collection(SQLModel, table=True):
    """BIL-9. Of an invoice that was issued while its owner had a default card with automatic debit."""

    __tablename__ = "collection"
    __table_args__ = (
        Index(
            "ix_collection_due",
            "due_at",
            "invoice_id",
            sqlite_where=text("due_at IS NOT NULL"),
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        Index("ix_collection_payment", "payment_id"),
        Index("ix_collection_waits", "waits_for"),
    )

    invoice_id: UUID = Field(foreign_key="invoice.id", primary_key=True)
    owner_id: UUID
    began_at: datetime = Field(sa_type=Instant)
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it is tried; None while a payment is under way, and once there is nothing to try."""
    attempts: int = 0
    payment_id: UUID | None = Field(default=None, foreign_key="payment.id")
    """The last one."""
    waits_for: UUID | None = Field(default=None, foreign_key="payment.id")
    """A payment of somebody else's that is under way: what becomes of it decides whether this goes on."""

    def wait_for(self, record: Record, payment: Payment) -> None:
        """BIL-9. Nobody pays twice: the customer is paying it, or another collection is."""
        self.waits_for, self.due_at = payment.id, None
        record.happened(WAITS, payment, invoice_id=str(self.invoice_id))

    def go_on(self, record: Record) -> None:
        """BIL-9. What it waited for is over: what is left is collected, if anything is."""
        self.waits_for, self.due_at = None, record.now

    def try_with(self, payment_id: UUID) -> None:
        """BIL-9. A payment is under way."""
        self.attempts, self.payment_id, self.due_at = self.attempts + 1, payment_id, None

    def retry(self, days: tuple[int, ...], now: datetime) -> datetime | None:
        """BIL-9. When it is tried again, so many days after it was tried first; None where that was the last time."""
        if self.attempts > len(days):
            return None
        self.due_at = max(now, self.began_at + timedelta(days=days[self.attempts - 1]))
        return self.due_at
