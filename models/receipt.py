"""BIL-2. Receipts: the number of each payment that came in, chained like invoices, and kept as issued."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.chain import content_of, link
from models.column import Instant, Name, new_id, one_of, table
from models.document_series import Number
from models.money import Currency
from models.payment import Payment


class Receipt(SQLModel, table=True):
    """BIL-2. One for each payment that came in; triggers keep it."""

    __tablename__ = "receipt"
    __table_args__ = (UniqueConstraint("series", "sequence"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    payment_id: UUID = Field(foreign_key="payment.id", unique=True)
    owner_id: UUID
    """No reference: receipts are kept longer than profiles."""
    entry_id: UUID = Field(foreign_key="journal_entry.id", unique=True)
    series: str = Field(max_length=24)
    sequence: int
    number: str = Field(sa_type=Name(35), unique=True)
    issued_on: date
    issued_at: datetime = Field(sa_type=Instant)
    amount_cents: int = Field(sa_type=BigInteger)
    currency: Currency = Field(sa_type=one_of(Currency, "receipt_currency"))
    previous_hash: str = Field(max_length=64)
    hash: str = Field(max_length=64)


def receipt_of(payment: Payment, number: Number, at: datetime) -> Receipt:
    """BIL-2. The receipt of a payment that came in, under a number that was drawn for it."""
    if payment.entry_id is None:
        raise AssertionError("there is no receipt for what did not come in")
    made = Receipt(
        payment_id=payment.id,
        owner_id=payment.owner_id,
        entry_id=payment.entry_id,
        series=number.series,
        sequence=number.sequence,
        number=number.text,
        issued_on=number.issued_on,
        issued_at=at,
        amount_cents=payment.amount_cents,
        currency=payment.currency,
        previous_hash=number.previous_hash,
        hash="",
    )
    made.hash = link(number.previous_hash, sealed_receipt(made))
    return made


def sealed_receipt(receipt: Any) -> dict[str, Any]:
    """BIL-1. What the hash of a receipt is made of: all of it."""
    return {"receipt": content_of(receipt, table(Receipt), without={"hash"})}
