"""BIL-1. The journal: balanced entries in whole cents, kept for ever. What is wrong is mended by another entry.

A line debits an account where it is positive, and credits it where it is negative; the lines of an entry sum to zero.
An entry that moves a profile's balance carries its place in the profile's row of entries, and the balance after it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.column import Instant, json_column, new_id, one_of


class LedgerAccount(StrEnum):
    """The accounts of the books."""

    CUSTOMERS = "CUSTOMERS"
    REVENUE_HOSTING = "REVENUE_HOSTING"
    REVENUE_SERVER = "REVENUE_SERVER"
    REVENUE_OPTION = "REVENUE_OPTION"
    REVENUE_INTERVENTION = "REVENUE_INTERVENTION"
    REVENUE_SUPPORT = "REVENUE_SUPPORT"
    VAT = "VAT"
    PAYMENT_CLEARING = "PAYMENT_CLEARING"
    BANK = "BANK"
    COMMISSIONS_PENDING = "COMMISSIONS_PENDING"
    COMMISSIONS_DUE = "COMMISSIONS_DUE"
    WRITE_OFF = "WRITE_OFF"
    ADJUSTMENTS = "ADJUSTMENTS"


class EntryKind(StrEnum):
    """Why money moves. The last two are the provider's own: they move no profile's balance."""

    PAYMENT = "PAYMENT"
    INVOICE = "INVOICE"
    CREDIT_NOTE = "CREDIT_NOTE"
    PRORATA_REFUND = "PRORATA_REFUND"
    COMMISSION = "COMMISSION"
    PAYMENT_REVERSAL = "PAYMENT_REVERSAL"
    ADJUSTMENT = "ADJUSTMENT"
    SETTLEMENT = "SETTLEMENT"
    COMMISSION_PENDING = "COMMISSION_PENDING"


class LedgerEntryKind(StrEnum):
    """The kinds that customers see: those that move a balance."""

    PAYMENT = EntryKind.PAYMENT.value
    INVOICE = EntryKind.INVOICE.value
    CREDIT_NOTE = EntryKind.CREDIT_NOTE.value
    PRORATA_REFUND = EntryKind.PRORATA_REFUND.value
    COMMISSION = EntryKind.COMMISSION.value
    PAYMENT_REVERSAL = EntryKind.PAYMENT_REVERSAL.value
    ADJUSTMENT = EntryKind.ADJUSTMENT.value


class Unbalanced(AssertionError):
    """BIL-1. The lines of an entry do not sum to zero: a defect of the code, and nothing is booked."""


@dataclass(frozen=True, slots=True)
class Posting:
    """BIL-1. One line of an entry to be: an account, and by how much it is debited, or credited below zero."""

    account: LedgerAccount
    cents: int
    rate_bp: int | None = None
    territory: str | None = None


class JournalEntry(SQLModel, table=True):
    """BIL-1. A movement of money, as it was booked; triggers keep it so."""

    __tablename__ = "journal_entry"
    __table_args__ = (
        UniqueConstraint("owner_id", "position"),
        CheckConstraint(
            "(owner_id IS NULL) = (position = 0) AND (owner_id IS NULL) = (balance_after_cents IS NULL)"
            " AND (owner_id IS NULL) = (non_refundable_after_cents IS NULL)",
            name="whole",
        ),
        Index("ix_journal_entry_owner", "owner_id", "position", "id"),
        Index("ix_journal_entry_recorded", "recorded_at", "id"),
        Index("ix_journal_entry_source", "source_type", "source_id"),
    )
    activity_type: ClassVar[str] = "LedgerEntry"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: EntryKind = Field(sa_type=one_of(EntryKind, "entry_kind"))
    owner_id: UUID | None = None
    """Whose balance it moves. No reference: the books outlive the profile."""
    position: int = Field(default=0, sa_type=BigInteger)
    """1, 2, 3… of the owner; 0 where there is none."""
    amount_cents: int = Field(sa_type=BigInteger)
    """As the owner sees it: a payment is positive, an invoice negative."""
    balance_after_cents: int | None = Field(default=None, sa_type=BigInteger)
    non_refundable_after_cents: int | None = Field(default=None, sa_type=BigInteger)
    booked_at: datetime = Field(sa_type=Instant)
    recorded_at: datetime = Field(sa_type=Instant)
    source_type: str | None = Field(default=None, max_length=40)
    """What it comes from, by the name of its type in the API."""
    source_id: UUID | None = None
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=json_column())


class JournalLine(SQLModel, table=True):
    """BIL-1. One account of an entry; triggers keep it as it is."""

    __tablename__ = "journal_line"
    __table_args__ = (Index("ix_journal_line_account", "account", "entry_id"),)

    entry_id: UUID = Field(foreign_key="journal_entry.id", primary_key=True)
    position: int = Field(primary_key=True)
    account: LedgerAccount = Field(sa_type=one_of(LedgerAccount, "ledger_account"))
    cents: int = Field(sa_type=BigInteger)
    rate_bp: int | None = None
    """Of VAT, in hundredths of a percent."""
    territory: str | None = Field(default=None, max_length=20)


def check_balanced(postings: Iterable[Posting]) -> None:
    """BIL-1. Raises Unbalanced where debits and credits differ."""
    if difference := sum(posting.cents for posting in postings):
        raise Unbalanced(f"an entry is out of balance by {difference} cents")


def amount_of(postings: Iterable[Posting]) -> int:
    """What an entry is to its customer: what the account of the customers is credited."""
    return -sum(posting.cents for posting in postings if posting.account is LedgerAccount.CUSTOMERS)


def lines_of(entry_id: UUID, postings: Sequence[Posting]) -> list[JournalLine]:
    """The lines of an entry, in the order of its postings."""
    return [
        JournalLine(
            entry_id=entry_id,
            position=position,
            account=posting.account,
            cents=posting.cents,
            rate_bp=posting.rate_bp,
            territory=posting.territory,
        )
        for position, posting in enumerate(postings, start=1)
    ]
