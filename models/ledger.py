"""BIL-1, BIL-3. What a profile has and owes, and the only verbs that move it: every movement is a balanced entry.

A purse is read under the profile's lock, so that what is decided on it is still true when it is written.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from models.activity import Record, action
from models.credit import Allocation, Credit, Open, matched, spendable
from models.invoice import Invoice
from models.journal import EntryKind, JournalEntry, JournalLine, Posting, amount_of, check_balanced, lines_of
from models.money import Money
from models.refusal import Code, Refusal

BOOKED = {
    EntryKind.PAYMENT: action("ledger.payment", "A payment was received"),
    EntryKind.COMMISSION: action("ledger.commission", "A commission was credited"),
    EntryKind.PAYMENT_REVERSAL: action("ledger.payment_reversal", "A payment was taken back"),
    EntryKind.ADJUSTMENT: action("ledger.adjustment", "The balance was corrected"),
}
"""The facts of entries without a document; those with one are told by it."""


@dataclass(eq=False)
class InsufficientBalance(Refusal):
    """BIL-6. The balance, less what can only pay invoices, is too small."""

    code = Code.INSUFFICIENT_BALANCE
    message = "The balance does not cover it: {missing} is missing."
    missing: Money


@dataclass(frozen=True, slots=True)
class Booked:
    """BIL-1. What one movement adds: the entry, its lines, what is left of it, and what settled what."""

    entry: JournalEntry
    lines: tuple[JournalLine, ...]
    credit: Credit | None
    allocations: tuple[Allocation, ...]


@dataclass(frozen=True, slots=True)
class EntryOf:
    """An entry of a profile, as facts are about it."""

    activity_type: ClassVar[str] = JournalEntry.activity_type
    id: UUID
    owner_id: UUID


@dataclass(frozen=True, slots=True)
class Source:
    """What an entry comes from."""

    kind: str
    key: UUID


@dataclass(slots=True)
class Purse:
    """BIL-3. The balance of a profile and what it is made of: credits with something left, and debts."""

    owner_id: UUID
    position: int = 0
    """Of the last entry."""
    balance_cents: int = 0
    booked_at: datetime | None = None
    credits: list[Credit] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    """Those with something left to pay."""

    @property
    def non_refundable_cents(self) -> int:
        """BIL-6. The part that can only pay invoices."""
        return sum(each.left_cents for each in self.credits if each.non_refundable)

    @property
    def due_cents(self) -> int:
        """What is left to pay of the invoices."""
        return sum(each.left_cents for each in self.invoices)

    def check_spendable(self, cents: int) -> None:
        """BIL-6. Raises InsufficientBalance where so much cannot leave the balance."""
        available = min(spendable(self.credits), self.balance_cents)
        if cents > available:
            raise InsufficientBalance(Money(cents - max(0, available)))

    def book(
        self,
        record: Record,
        kind: EntryKind,
        postings: Sequence[Posting],
        *,
        source: Source | None = None,
        invoice: Invoice | None = None,
        offsets: Invoice | None = None,
        first: Collection[UUID] = (),
        drawn_from: Credit | None = None,
        non_refundable: bool = False,
        **facts: Any,
    ) -> Booked:
        """BIL-1, BIL-3. Add an entry, and settle what can be settled.

        `invoice` is the debt that it is; `offsets` the invoice that a credit goes to first; `first` those that it
        was paid for; `drawn_from` the credit that a debit without an invoice takes back first.
        """
        check_balanced(postings)
        amount = amount_of(postings)
        at = self._moment(record)
        entry = JournalEntry(
            kind=kind,
            owner_id=self.owner_id,
            position=self.position + 1,
            amount_cents=amount,
            balance_after_cents=self.balance_cents + amount,
            non_refundable_after_cents=0,
            booked_at=at,
            recorded_at=record.real_now,
            source_type=source.kind if source else None,
            source_id=source.key if source else None,
            facts=facts,
        )
        credit = self._opened(entry, invoice, non_refundable)
        allocations = self._drawn(at, credit, drawn_from) if credit and drawn_from else []
        allocations += self._settle(at, {offsets.id} if offsets else set(first))
        self.position, self.balance_cents, self.booked_at = self.position + 1, self.balance_cents + amount, at
        entry.non_refundable_after_cents = self.non_refundable_cents
        if kind in BOOKED:
            record.happened(BOOKED[kind], EntryOf(entry.id, self.owner_id), cents=amount)
        return Booked(entry, tuple(lines_of(entry.id, postings)), credit, tuple(allocations))

    def take_back(self, record: Record, credit: Credit, invoice: Invoice, cents: int) -> Allocation:
        """BIL-3. Undo a settlement: the invoice is open again, and the credit is there to be used otherwise."""
        at = self._moment(record)
        invoice.settle(-cents, at)
        credit.left_cents += cents
        if invoice not in self.invoices:
            self.invoices.append(invoice)
        if credit not in self.credits:
            self.credits.append(credit)
        return self._allocation(at, credit, -cents, invoice_id=invoice.id)

    def _moment(self, record: Record) -> datetime:
        """Now, but never before the last entry."""
        return record.now if self.booked_at is None else max(record.now, self.booked_at)

    def _drawn(self, at: datetime, debit: Credit, credit: Credit) -> list[Allocation]:
        cents = min(credit.left_cents, -debit.left_cents)
        if cents <= 0:
            return []
        credit.left_cents -= cents
        debit.left_cents += cents
        return [self._allocation(at, credit, cents, debit_id=debit.entry_id)]

    def _allocation(self, at: datetime, credit: Credit, cents: int, **debt: UUID) -> Allocation:
        """With the entry that is being booked."""
        return Allocation(
            owner_id=self.owner_id,
            position=self.position + 1,
            entry_id=credit.entry_id,
            cents=cents,
            booked_at=at,
            **debt,
        )

    def _opened(self, entry: JournalEntry, invoice: Invoice | None, non_refundable: bool) -> Credit | None:
        """The new debt, or the credit; an entry that moves nothing leaves neither."""
        if invoice is not None:
            if invoice.left_cents != -entry.amount_cents:
                raise AssertionError(f"{invoice.number} is not what is booked for it")
            if invoice.left_cents:
                self.invoices.append(invoice)
            return None
        if entry.amount_cents == 0:
            return None
        credit = Credit(
            entry_id=entry.id,
            owner_id=self.owner_id,
            position=entry.position,
            left_cents=entry.amount_cents,
            non_refundable=non_refundable and entry.amount_cents > 0,
        )
        self.credits.append(credit)
        return credit

    def _settle(self, at: datetime, first: Collection[UUID]) -> list[Allocation]:
        credits = {each.entry_id: each for each in self.credits}
        invoices = {each.id: each for each in self.invoices}
        had = [Open(key, each.left_cents, each.position, each.non_refundable) for key, each in credits.items()]
        owed = [Open(key, each.left_cents, each.position) for key, each in invoices.items() if each.left_cents]
        owed += [
            Open(key, -each.left_cents, each.position, is_invoice=False)
            for key, each in credits.items()
            if each.left_cents < 0
        ]
        made = []
        for match in matched([each for each in had if each.cents > 0], owed, first=first):
            credits[match.credit].left_cents -= match.cents
            invoice = invoices.get(match.debt)
            if invoice is not None:
                invoice.settle(match.cents, at)
            else:
                credits[match.debt].left_cents += match.cents
            debt = {"debit_id" if invoice is None else "invoice_id": match.debt}
            made.append(self._allocation(at, credits[match.credit], match.cents, **debt))
        return made
