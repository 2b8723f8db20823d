"""BIL-2. Charges: what was ordered and is not invoiced yet, so that several orders land on one invoice."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.column import Instant, json_column, new_id, one_of

LABEL_LENGTH = 200
CUT = action("charge.cut", "A charge was cut to the days used")
DROPPED = action("charge.dropped", "A charge was dropped")


class RevenueKind(StrEnum):
    """What is sold, as the books tell it apart."""

    HOSTING = "HOSTING"
    SERVER = "SERVER"
    OPTION = "OPTION"
    INTERVENTION = "INTERVENTION"
    SUPPORT = "SUPPORT"


class ChargeStatus(StrEnum):
    """What became of a charge."""

    PENDING = "PENDING"
    INVOICED = "INVOICED"
    DROPPED = "DROPPED"


class Charge(SQLModel, table=True):
    """BIL-2. One line of an invoice to come, VAT excluded."""

    __tablename__ = "charge"
    __table_args__ = (
        Index(
            "ix_charge_due",
            "due_at",
            "id",
            sqlite_where=text("status = 'PENDING'"),
            postgresql_where=text("status = 'PENDING'"),
        ),
        Index(
            "ix_charge_pending",
            "owner_id",
            "ordered_at",
            "id",
            sqlite_where=text("status = 'PENDING'"),
            postgresql_where=text("status = 'PENDING'"),
        ),
        Index("ix_charge_subscription", "subscription_id"),
    )
    activity_type: ClassVar[str] = "Charge"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_id: UUID = Field(foreign_key="profile.id")
    subscription_id: UUID | None = Field(default=None, foreign_key="subscription.id")
    kind: RevenueKind = Field(sa_type=one_of(RevenueKind, "revenue_kind"))
    label_en: str = Field(max_length=LABEL_LENGTH)
    label_fr: str = Field(max_length=LABEL_LENGTH)
    quantity: int = 1
    unit_cents: int = Field(sa_type=BigInteger)
    """What one costs, VAT excluded, after discounts; the line's net where it is not a whole multiple."""
    net_cents: int = Field(sa_type=BigInteger)
    """What is charged, VAT excluded, after discounts."""
    period_start: date | None = None
    period_end: date | None = None
    """The first day that it does not cover."""
    explanation: dict[str, Any] = Field(default_factory=dict, sa_type=json_column())
    """How the amount came about: see `models/explanation.py`."""
    ordered_at: datetime = Field(sa_type=Instant)
    due_at: datetime = Field(sa_type=Instant)
    """When it is to be invoiced."""
    status: ChargeStatus = Field(default=ChargeStatus.PENDING, sa_type=one_of(ChargeStatus, "charge_status"))
    invoice_line_id: UUID | None = None

    def cut(
        self, record: Record, *, net_cents: int, unit_cents: int, period_end: date, explanation: dict[str, Any]
    ) -> None:
        """BIL-6. Charge the days used only: what was not invoiced yet is not refunded, but never charged."""
        self._check_pending()
        before = self.net_cents
        self.net_cents, self.unit_cents, self.period_end = net_cents, unit_cents, period_end
        self.explanation = explanation
        record.happened(CUT, self, changes={"net_cents": (before, net_cents)})

    def drop(self, record: Record) -> None:
        """BIL-6. Nothing of it was used: it is charged to nobody."""
        self._check_pending()
        self.status = ChargeStatus.DROPPED
        record.happened(DROPPED, self, cents=self.net_cents)

    def invoiced(self, line_id: UUID) -> None:
        """BIL-2. It stands on a document now."""
        self._check_pending()
        self.status, self.invoice_line_id = ChargeStatus.INVOICED, line_id

    def invoiced_again(self, line_id: UUID) -> None:
        """BIL-7. It stands on another document, since the one before was credited."""
        if self.status is not ChargeStatus.INVOICED:
            raise AssertionError(f"a charge that is {self.status.lower()} was not invoiced before")
        self.invoice_line_id = line_id

    def _check_pending(self) -> None:
        if self.status is not ChargeStatus.PENDING:
            raise AssertionError(f"a charge that is {self.status.lower()} stays as it is")
