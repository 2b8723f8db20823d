"""BIL-8. Bank transfers that came in, as people recorded them: matched to whom they are of, or kept until they are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.column import Instant, new_id
from models.document_series import DIGITS, SANDBOX, SeriesKind, prefix_of
from models.money import LARGEST_CENTS, InvalidAmount
from models.refusal import Code, Refusal
from models.setting import Figures

KEPT = action("bank_transfer.kept", "A bank transfer was recorded that fits nobody, or several")
RECORDED = action("bank_transfer.recorded", "A bank transfer was recorded")
ASSIGNED = action("bank_transfer.assigned", "A bank transfer was assigned to its payer")
REFERENCE_LENGTH = 140
QUOTED_LENGTH = 1_000
REASON_LENGTH = 500


class RecordedOtherwise(Refusal):
    """BIL-8. One reference of the bank is one transfer."""

    code = Code.CONFLICT
    message = "A transfer with this reference was recorded with other values."


class AssignedAlready(Refusal):
    """BIL-8. What was booked is somebody's."""

    code = Code.CONFLICT
    message = "This transfer was assigned to somebody else, or as something else."


class NotYet(Refusal):
    """BIL-8. What has come in has its day."""

    code = Code.INVALID
    message = "This day is yet to come."


@dataclass(eq=False)
class TextNeeded(Refusal):
    """BIL-8. Every transfer has a reference of the bank and a reason why it is recorded."""

    code = Code.INVALID
    message = "From 1 to {most} characters are needed here."
    most: int


class BankTransfer(SQLModel, table=True):
    """BIL-8. Money that came in, once for each reference of the bank."""

    __tablename__ = "bank_transfer"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("(owner_id IS NULL) = (payment_id IS NULL)", name="matched"),
        Index("ix_bank_transfer_owner", "owner_id", "id"),
        Index(
            "ix_bank_transfer_unmatched",
            "recorded_at",
            "id",
            sqlite_where=text("payment_id IS NULL"),
            postgresql_where=text("payment_id IS NULL"),
        ),
    )
    activity_type: ClassVar[str] = "BankTransfer"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    bank_reference: str = Field(max_length=REFERENCE_LENGTH, unique=True)
    amount_cents: int = Field(sa_type=BigInteger)
    value_on: date
    quoted: str = Field(max_length=QUOTED_LENGTH)
    """What the payer wrote."""
    reason: str = Field(max_length=REASON_LENGTH)
    """Why it was recorded, or assigned, by whoever did."""
    recorded_at: datetime = Field(sa_type=Instant)
    owner_id: UUID | None = None
    """Whose it is; no reference: payments are kept longer than profiles."""
    payment_id: UUID | None = Field(default=None, foreign_key="payment.id", unique=True)
    """What it was booked as; None while nobody knows whose it is."""

    def check_same(self, cents: int, value_on: date, quoted: str) -> None:
        """BIL-8. The same reference once more: raises RecordedOtherwise where the rest is not the same."""
        if (self.amount_cents, self.value_on, self.quoted) != (cents, value_on, quoted):
            raise RecordedOtherwise().at("bank_reference")

    def match(self, record: Record, owner_id: UUID, payment_id: UUID) -> None:
        """BIL-8. Whose it is, and as what it was booked."""
        self.owner_id, self.payment_id = owner_id, payment_id
        record.happened(RECORDED, _of(self, owner_id), cents=self.amount_cents, reason=self.reason)

    def keep(self, record: Record) -> None:
        """BIL-8. It fits nobody, or several: people look at it."""
        record.happened(KEPT, _of(self, self.id), cents=self.amount_cents, reason=self.reason)

    def assign(self, record: Record, owner_id: UUID, payment_id: UUID, reason: str) -> None:
        """BIL-8. People have found out whose it is."""
        if self.payment_id is not None:
            raise AssignedAlready
        self.owner_id, self.payment_id = owner_id, payment_id
        record.happened(ASSIGNED, _of(self, owner_id), cents=self.amount_cents, reason=reason)


class BankTransferCandidate(SQLModel, table=True):
    """BIL-8, ALE-4. Whose an unmatched transfer may be: their days stand still until that is known."""

    __tablename__ = "bank_transfer_candidate"
    __table_args__ = (Index("ix_bank_transfer_candidate_owner", "owner_id", "transfer_id"),)

    transfer_id: UUID = Field(foreign_key="bank_transfer.id", primary_key=True)
    owner_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE", primary_key=True)


@dataclass(frozen=True, slots=True)
class _Of:
    """A transfer, as facts are about it: of whose it is, and of nobody while that is not known."""

    activity_type: ClassVar[str] = BankTransfer.activity_type
    id: UUID
    owner_id: UUID


def _of(transfer: BankTransfer, owner_id: UUID) -> _Of:
    return _Of(transfer.id, owner_id)


def transfer_came(
    record: Record, *, cents: int, value_on: date, today: date, quoted: str, bank_reference: str, reason: str
) -> BankTransfer:
    """BIL-8. A transfer as the bank tells it. Raises InvalidAmount, NotYet, TextNeeded."""
    if not 0 < cents < LARGEST_CENTS:
        raise InvalidAmount().at("amount")
    if value_on > today:
        raise NotYet().at("value_on")
    return BankTransfer(
        bank_reference=needed(bank_reference, REFERENCE_LENGTH, "bank_reference"),
        amount_cents=cents,
        value_on=value_on,
        quoted=_shortened(quoted),
        reason=needed(reason, REASON_LENGTH, "reason"),
        recorded_at=record.now,
    )


def needed(text: str, most: int, *path: str) -> str:
    """BIL-8. A text without the spaces around it. Raises TextNeeded where nothing is left, or too much."""
    found = text.strip()
    if not 0 < len(found) <= most:
        raise TextNeeded(most).at(*path)
    return found


def invoice_numbers(text: str, figures: Figures, *, sandbox: bool) -> Iterator[str]:
    """BIL-8. The numbers of invoices in a text, however they are separated, as they are printed; each once."""
    prefix = prefix_of(SeriesKind.INVOICE, figures)
    gap = r"[\s./_:-]{0,3}"
    found = re.finditer(
        rf"(?<![A-Z0-9])(TEST{gap})?{prefix}{gap}([0-9]{{4}}){gap}([0-9]{{{DIGITS},9}})(?![0-9])",
        text.upper(),
        re.ASCII,
    )
    printed = dict.fromkeys(
        f"{prefix}{year}-{number}" for test, year, number in (each.groups() for each in found) if sandbox or not test
    )
    yield from (f"{SANDBOX}{each}" if sandbox else each for each in printed)


def _shortened(quoted: str) -> str:
    """What the payer wrote; raises TextNeeded where it is longer than banks carry."""
    found = quoted.strip()
    if len(found) > QUOTED_LENGTH:
        raise TextNeeded(QUOTED_LENGTH).at("text")
    return found
