"""BIL-2, BIL-3. Invoices and credit notes: immutable once issued, but for what is left to pay of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.chain import content_of, link
from models.column import Instant, Name, json_column, new_id, one_of, table
from models.document_series import DocumentKind, Number
from models.draft import Draft
from models.invoice_line import InvoiceLine, InvoiceTax

ISSUED = action("invoice.issued", "An invoice was issued")
CREDITED = action("invoice.credited", "A credit note was issued")
MUTABLE = frozenset({"left_cents", "paid_at", "cancelled_at", "vat_check_at"})
"""The only columns of a document that change: they say what became of it, and stand on no paper."""
UNSEALED = MUTABLE | {"hash"}


class InvoiceStatus(StrEnum):
    """BIL-3. State of an invoice."""

    OPEN = "OPEN"
    OVERDUE = "OVERDUE"
    PAID = "PAID"
    CANCELLED = "CANCELLED"


class Invoice(SQLModel, table=True):
    """BIL-2. A document as it was issued: seller, buyer and texts are those of its day, and triggers keep them."""

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("owner_id", "position"),
        UniqueConstraint("series", "sequence"),
        Index("ix_invoice_issued", "owner_id", "issued_on", "id"),
        Index("ix_invoice_due", "owner_id", "due_on", "id"),
        Index("ix_invoice_corrects", "corrects_id"),
        Index(
            "ix_invoice_open",
            "owner_id",
            "position",
            sqlite_where=text("left_cents > 0"),
            postgresql_where=text("left_cents > 0"),
        ),
        Index(
            "ix_invoice_overdue",
            "overdue_at",
            "id",
            sqlite_where=text("left_cents > 0"),
            postgresql_where=text("left_cents > 0"),
        ),
        Index(
            "ix_invoice_vat_check",
            "vat_check_at",
            "id",
            sqlite_where=text("vat_check_at IS NOT NULL"),
            postgresql_where=text("vat_check_at IS NOT NULL"),
        ),
    )
    activity_type: ClassVar[str] = "Invoice"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_id: UUID
    """No reference: documents are kept longer than profiles."""
    kind: DocumentKind = Field(sa_type=one_of(DocumentKind, "document_kind"))
    series: str = Field(max_length=24)
    sequence: int
    number: str = Field(sa_type=Name(35), unique=True)
    position: int = Field(sa_type=BigInteger)
    """Of the entry that booked it: the lowest is the oldest of its owner."""
    issued_on: date
    issued_at: datetime = Field(sa_type=Instant)
    due_on: date
    overdue_at: datetime = Field(sa_type=Instant)
    """The end of the day on which it is due."""
    corrects_id: UUID | None = Field(default=None, foreign_key="invoice.id")
    seller: dict[str, Any] = Field(sa_type=json_column())
    buyer: dict[str, Any] = Field(sa_type=json_column())
    net_cents: int = Field(sa_type=BigInteger)
    tax_cents: int = Field(sa_type=BigInteger)
    gross_cents: int = Field(sa_type=BigInteger)
    treatment: str = Field(max_length=40)
    """BIL-7. Why the VAT is what it is."""
    previous_hash: str = Field(max_length=64)
    hash: str = Field(max_length=64)
    left_cents: int = Field(sa_type=BigInteger)
    """What is left to pay; zero on a credit note."""
    paid_at: datetime | None = Field(default=None, sa_type=Instant)
    cancelled_at: datetime | None = Field(default=None, sa_type=Instant)
    vat_check_at: datetime | None = Field(default=None, sa_type=Instant)
    """BIL-7. When VIES is asked again: there is VAT on it because VIES did not tell. None where that is settled."""

    def settle(self, cents: int, at: datetime) -> None:
        """BIL-3. So much of it is paid; what is taken back is below zero."""
        left = self.left_cents - cents
        if not 0 <= left <= self.gross_cents:
            raise AssertionError(f"{self.number} has {self.left_cents} cents left, and {cents} are to be settled")
        self.left_cents = left
        if left:
            self.paid_at = None
        elif self.paid_at is None:
            self.paid_at = at


@dataclass(frozen=True, slots=True)
class Parties:
    """BIL-2. Who sells and who buys, as a document says for ever."""

    seller: dict[str, Any]
    buyer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Document:
    """A document and what stands on it."""

    invoice: Invoice
    lines: tuple[InvoiceLine, ...]
    taxes: tuple[InvoiceTax, ...]
    draft: Draft
    """What it was made of."""


@dataclass(frozen=True, slots=True)
class Dates:
    """BIL-3. When a document is due."""

    due_on: date
    overdue_at: datetime


def issue(
    record: Record,
    draft: Draft,
    number: Number,
    *,
    owner_id: UUID,
    position: int,
    parties: Parties,
    dates: Dates,
    corrects: Invoice | None = None,
) -> Document:
    """BIL-2. The document of a draft, under a number that was drawn for it, chained to the one before."""
    kind = DocumentKind.INVOICE if corrects is None else DocumentKind.CREDIT_NOTE
    owed, told = (draft.gross_cents, ISSUED) if corrects is None else (0, CREDITED)
    issued = Invoice(
        owner_id=owner_id,
        kind=kind,
        series=number.series,
        sequence=number.sequence,
        number=number.text,
        position=position,
        issued_on=number.issued_on,
        issued_at=record.now,
        due_on=dates.due_on,
        overdue_at=dates.overdue_at,
        corrects_id=corrects.id if corrects else None,
        seller=parties.seller,
        buyer=parties.buyer,
        net_cents=draft.net_cents,
        tax_cents=draft.tax_cents,
        gross_cents=draft.gross_cents,
        treatment=draft.treatment,
        previous_hash=number.previous_hash,
        hash="",
        left_cents=owed,
        paid_at=None if owed else record.now,
    )
    lines, taxes = _lines(issued.id, draft), _taxes(issued.id, draft)
    issued.hash = link(number.previous_hash, sealed_content(issued, lines, taxes))
    record.happened(told, issued, number=issued.number, cents=issued.gross_cents)
    return Document(issued, lines, taxes, draft)


def sealed_content(invoice: Any, lines: Sequence[Any], taxes: Sequence[Any]) -> dict[str, Any]:
    """BIL-1. What the hash of a document is made of: all of it but what changes later."""
    return {
        "document": content_of(invoice, table(Invoice), without=UNSEALED),
        "lines": [content_of(line, table(InvoiceLine)) for line in lines],
        "taxes": [content_of(tax, table(InvoiceTax)) for tax in taxes],
    }


def status_of(
    cancelled_at: datetime | None, left_cents: int, overdue_at: datetime, business_now: datetime
) -> InvoiceStatus:
    """BIL-3. What a document is at an instant; a credit note has nothing to be paid."""
    if cancelled_at is not None:
        return InvoiceStatus.CANCELLED
    if left_cents == 0:
        return InvoiceStatus.PAID
    return InvoiceStatus.OVERDUE if overdue_at <= business_now else InvoiceStatus.OPEN


def due(issued_on: date, terms: timedelta) -> date:
    """BIL-3. The last day on which what is issued on a day can be paid in time."""
    return issued_on + timedelta(days=terms.days)


def _lines(invoice_id: UUID, draft: Draft) -> tuple[InvoiceLine, ...]:
    return tuple(
        InvoiceLine(
            invoice_id=invoice_id,
            position=position,
            charge_id=line.charge_id,
            subscription_id=line.subscription_id,
            kind=line.kind,
            label_en=line.label_en,
            label_fr=line.label_fr,
            quantity=line.quantity,
            unit_cents=line.unit_cents,
            net_cents=line.net_cents,
            tax_cents=line.tax_cents,
            rate_bp=line.rate_bp,
            territory=line.territory,
            period_start=line.period_start,
            period_end=line.period_end,
            explanation=line.explanation,
            corrects_line_id=line.corrects_line_id,
        )
        for position, line in enumerate(draft.lines, start=1)
    )


def _taxes(invoice_id: UUID, draft: Draft) -> tuple[InvoiceTax, ...]:
    return tuple(
        InvoiceTax(
            invoice_id=invoice_id,
            position=position,
            rate_bp=tax.rate_bp,
            territory=tax.territory,
            base_cents=tax.base_cents,
            tax_cents=tax.tax_cents,
            mention_en=tax.mention_en,
            mention_fr=tax.mention_fr,
        )
        for position, tax in enumerate(draft.taxes, start=1)
    )
