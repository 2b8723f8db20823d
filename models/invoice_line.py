"""BIL-2, BIL-6. What stands on a document: its lines, and its VAT by rate. Triggers keep both as they were issued."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.charge import LABEL_LENGTH, RevenueKind
from models.column import json_column, new_id, one_of

MENTION_LENGTH = 400


class InvoiceLine(SQLModel, table=True):
    """BIL-6. A line of a document."""

    __tablename__ = "invoice_line"
    __table_args__ = (
        UniqueConstraint("invoice_id", "position"),
        Index("ix_invoice_line_charge", "charge_id"),
        Index("ix_invoice_line_corrects", "corrects_line_id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    invoice_id: UUID = Field(foreign_key="invoice.id")
    position: int
    charge_id: UUID | None = Field(default=None, foreign_key="charge.id")
    subscription_id: UUID | None = None
    kind: RevenueKind = Field(sa_type=one_of(RevenueKind, "revenue_kind"))
    label_en: str = Field(max_length=LABEL_LENGTH)
    label_fr: str = Field(max_length=LABEL_LENGTH)
    quantity: int
    unit_cents: int = Field(sa_type=BigInteger)
    net_cents: int = Field(sa_type=BigInteger)
    tax_cents: int = Field(sa_type=BigInteger)
    """Its share of the VAT of its rate, which is rounded once on the document."""
    rate_bp: int
    territory: str = Field(max_length=20)
    period_start: date | None = None
    period_end: date | None = None
    """The first day that it does not cover."""
    explanation: dict[str, Any] = Field(default_factory=dict, sa_type=json_column())
    corrects_line_id: UUID | None = Field(default=None, foreign_key="invoice_line.id")
    """Of a credit note: the line that is given back, or a part of it."""


class InvoiceTax(SQLModel, table=True):
    """BIL-6, BIL-7. The VAT of a document at one rate, and what is printed where there is none."""

    __tablename__ = "invoice_tax"

    invoice_id: UUID = Field(foreign_key="invoice.id", primary_key=True)
    position: int = Field(primary_key=True)
    rate_bp: int
    territory: str = Field(max_length=20)
    base_cents: int = Field(sa_type=BigInteger)
    tax_cents: int = Field(sa_type=BigInteger)
    mention_en: str | None = Field(default=None, max_length=MENTION_LENGTH)
    mention_fr: str | None = Field(default=None, max_length=MENTION_LENGTH)
