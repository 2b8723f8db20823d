"""BIL-3, BIL-6. What is left of each credit, what each credit settled, and in which order credits settle debts."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.column import Instant, new_id


class Credit(SQLModel, table=True):
    """BIL-3. What is left of an entry that credited a profile.

    Below zero it is what an entry without a document (money that went back to its payer) still has to be covered with.
    """

    __tablename__ = "credit"
    __table_args__ = (
        Index(
            "ix_credit_open",
            "owner_id",
            "position",
            sqlite_where=text("left_cents <> 0"),
            postgresql_where=text("left_cents <> 0"),
        ),
    )

    entry_id: UUID = Field(foreign_key="journal_entry.id", primary_key=True)
    owner_id: UUID
    position: int = Field(sa_type=BigInteger)
    """Of the entry: the lowest is the oldest."""
    left_cents: int = Field(sa_type=BigInteger)
    non_refundable: bool = False
    """BIL-6. It can only pay invoices, and is spent first."""


class Allocation(SQLModel, table=True):
    """BIL-3. So much of a credit went to an invoice, or to a debit without one; below zero it is taken back."""

    __tablename__ = "allocation"
    __table_args__ = (
        CheckConstraint("(invoice_id IS NULL) <> (debit_id IS NULL)", name="one_debt"),
        Index("ix_allocation_owner", "owner_id", "position", "id"),
        Index("ix_allocation_entry", "entry_id"),
        Index("ix_allocation_invoice", "invoice_id"),
        Index("ix_allocation_debit", "debit_id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_id: UUID
    position: int = Field(sa_type=BigInteger)
    """Of the entry that caused it."""
    entry_id: UUID = Field(foreign_key="journal_entry.id")
    """Of the credit."""
    invoice_id: UUID | None = Field(default=None, foreign_key="invoice.id")
    debit_id: UUID | None = Field(default=None, foreign_key="journal_entry.id")
    cents: int = Field(sa_type=BigInteger)
    booked_at: datetime = Field(sa_type=Instant)


@dataclass(frozen=True, slots=True)
class Open:
    """Something with an amount left: a credit, or a debt."""

    key: UUID
    cents: int
    position: int
    invoices_only: bool = False
    """Of a credit: it pays no debt but invoices."""
    is_invoice: bool = True


@dataclass(frozen=True, slots=True)
class Match:
    """So much of a credit for a debt."""

    credit: UUID
    debt: UUID
    cents: int


def matched(credits: Iterable[Open], debts: Iterable[Open], *, first: Collection[UUID] = ()) -> list[Match]:
    """BIL-3, BIL-6. Which credit settles which debt: what can only pay invoices is spent first, then the oldest.

    The oldest debt is settled first; `first` are debts that come before all others.
    """
    debtors = sorted(debts, key=lambda debt: (debt.key not in first, debt.position))
    open_cents = {debt.key: debt.cents for debt in debtors}
    matches: list[Match] = []
    for credit in sorted(credits, key=lambda each: (not each.invoices_only, each.position)):
        left = credit.cents
        for debt in debtors:
            if left == 0:
                break
            cents = min(left, open_cents[debt.key]) if debt.is_invoice or not credit.invoices_only else 0
            if cents > 0:
                matches.append(Match(credit.key, debt.key, cents))
                open_cents[debt.key] -= cents
                left -= cents
    return matches


def spendable(credits: Sequence[Credit]) -> int:
    """What may leave the balance otherwise than by an invoice."""
    return sum(credit.left_cents for credit in credits if not credit.non_refundable)
