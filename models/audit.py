"""BIL-1. Verification: every figure of the books computed again from what was booked, and every chain followed.

Pure, and fed row by row: what is kept in between is what is open of one profile, and the head of one series.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from models.chain import NO_HASH, link
from models.document_series import DocumentKind, printed
from models.invoice import sealed_content
from models.journal import EntryKind, LedgerAccount
from models.ledger_seal import sealed
from models.money import percent
from models.receipt import sealed_receipt
from models.vat import line_taxes, tax_of

DOCUMENTED = frozenset({EntryKind.INVOICE, EntryKind.CREDIT_NOTE, EntryKind.PRORATA_REFUND})


class Broken(Exception):
    """BIL-1. The books are not what was booked: where, and what differs."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what


def expect(where: str, what: str, found: object, computed: object) -> None:
    """Raises Broken where a figure is not what it is computed to be."""
    if found != computed:
        raise Broken(where, f"{what} is {found}, and should be {computed}")


def check_entry(entry: Any, lines: Sequence[Any]) -> None:
    """BIL-1. An entry is balanced, and its amount is what its customer's account says."""
    where = f"entry {entry.id}"
    expect(where, "places of lines", [line.position for line in lines], list(range(1, len(lines) + 1)))
    if not lines:
        raise Broken(where, "it has no lines")
    expect(where, "sum of its lines", sum(line.cents for line in lines), 0)
    customers = -sum(line.cents for line in lines if line.account is LedgerAccount.CUSTOMERS)
    expect(where, "amount", entry.amount_cents, customers if entry.owner_id else 0)


@dataclass
class OwnerAudit:
    """BIL-1, BIL-3. One profile's entries in order, with what each settled: what is left follows from them."""

    owner_id: UUID
    position: int = 0
    balance: int = 0
    booked_at: Any = None
    credits: dict[UUID, int] = field(default_factory=dict)
    """What is left of each credit, below zero what a debit without a document still needs; nothing is dropped."""
    bound: set[UUID] = field(default_factory=set)
    """Of those the ones that can only pay invoices."""
    invoices: dict[UUID, int] = field(default_factory=dict)
    """What is left to pay."""

    def entry(self, entry: Any, document: Any, credit: Any, allocations: Sequence[Any]) -> None:
        """The next entry, its document, its credit, and what was settled with it."""
        where = f"profile {self.owner_id}, entry {entry.position}"
        expect(where, "place", entry.position, self.position + 1)
        self.position, self.balance = entry.position, self.balance + entry.amount_cents
        expect(where, "balance after it", entry.balance_after_cents, self.balance)
        if self.booked_at is not None and entry.booked_at < self.booked_at:
            raise Broken(where, "it was booked before the one before it")
        self.booked_at = entry.booked_at
        self._open(where, entry, document, credit)
        for allocation in allocations:
            self._settle(where, allocation)
        self._check_rest(where, entry)

    def _open(self, where: str, entry: Any, document: Any, credit: Any) -> None:
        if entry.kind in DOCUMENTED:
            if document is None:
                raise Broken(where, "its document is missing")
            expect(where, "owner of its document", document.owner_id, self.owner_id)
            expect(where, "place that its document names", document.position, entry.position)
            debit = entry.kind is EntryKind.INVOICE
            expect(where, "kind of its document", document.kind is DocumentKind.INVOICE, debit)
            expect(where, "amount", entry.amount_cents, -document.gross_cents if debit else document.gross_cents)
        if entry.kind is EntryKind.INVOICE:
            if document.gross_cents:
                self.invoices[document.id] = document.gross_cents
        elif entry.amount_cents:
            if credit is None:
                raise Broken(where, "what is left of it is missing")
            expect(where, "place that its credit names", credit.position, entry.position)
            self.credits[entry.id] = entry.amount_cents
            if credit.non_refundable:
                self.bound.add(entry.id)
            if entry.kind is EntryKind.PRORATA_REFUND:
                expect(where, "whether it can only pay invoices", credit.non_refundable, True)

    def _settle(self, where: str, allocation: Any) -> None:
        if allocation.entry_id not in self.credits:
            self.credits[allocation.entry_id] = 0
        self.credits[allocation.entry_id] -= allocation.cents
        if allocation.invoice_id is not None:
            self.invoices[allocation.invoice_id] = self.invoices.get(allocation.invoice_id, 0) - allocation.cents
        else:
            self.credits[allocation.debit_id] = self.credits.get(allocation.debit_id, 0) + allocation.cents
            if allocation.entry_id in self.bound:
                raise Broken(where, f"allocation {allocation.id} spends a refund on what is no invoice")

    def _check_rest(self, where: str, entry: Any) -> None:
        """After each entry nothing is both owed and had, and the balance is what is left of all."""
        for key, cents in self.invoices.items():
            if cents < 0:
                raise Broken(where, f"invoice {key} is settled by {-cents} cents too much")
        had = sum(cents for cents in self.credits.values() if cents > 0)
        owed = sum(self.invoices.values())
        bound = sum(cents for key, cents in self.credits.items() if key in self.bound)
        expect(where, "balance by what is left", sum(self.credits.values()) - owed, self.balance)
        expect(where, "part that can only pay invoices", entry.non_refundable_after_cents, bound)
        if had and owed:
            raise Broken(where, f"{had} cents are had and {owed} cents are owed at once")
        self.credits = {key: cents for key, cents in self.credits.items() if cents}
        self.invoices = {key: cents for key, cents in self.invoices.items() if cents}
        self.bound &= set(self.credits)

    def close(self, credits: Iterable[Any], invoices: Iterable[Any]) -> None:
        """At the end: what the tables say is left."""
        where = f"profile {self.owner_id}"
        expect(where, "what is left of its credits", {row.entry_id: row.left_cents for row in credits}, self.credits)
        expect(where, "what is left of its invoices", {row.id: row.left_cents for row in invoices}, self.invoices)


@dataclass
class SeriesAudit:
    """BIL-2. One series in order: numbers, dates, sums, VAT and the chain."""

    name: str
    sequence: int = 0
    issued_on: date = date.min
    hash: str = NO_HASH

    def document(self, invoice: Any, lines: Sequence[Any], taxes: Sequence[Any], postings: Sequence[Any]) -> None:
        """The next document, and the lines of the entry that booked it."""
        where = f"document {invoice.number}"
        self._follow(where, invoice, sealed_content(invoice, lines, taxes))
        check_sums(where, invoice, lines, taxes)
        check_booked(where, invoice, lines, taxes, postings)

    def receipt(self, receipt: Any) -> None:
        """The next receipt."""
        self._follow(f"receipt {receipt.number}", receipt, sealed_receipt(receipt))

    def _follow(self, where: str, issued: Any, content: Mapping[str, Any]) -> None:
        """The number, the date and the hash that come after those before."""
        expect(where, "number in its series", issued.sequence, self.sequence + 1)
        expect(where, "printed number", issued.number, printed(self.name, issued.sequence))
        if issued.issued_on < self.issued_on:
            raise Broken(where, f"it is dated {issued.issued_on}, before the number before it")
        expect(where, "hash of the one before", issued.previous_hash, self.hash)
        expect(where, "hash", issued.hash, link(self.hash, content))
        self.sequence, self.issued_on, self.hash = issued.sequence, issued.issued_on, issued.hash

    def close(self, series: Any) -> None:
        """At the end: how far the counter says that the series has come."""
        where = f"series {self.name}"
        if series is None:
            raise Broken(where, "its counter is missing")
        expect(where, "last number", series.last_sequence, self.sequence)
        expect(where, "last date", series.last_issued_on, self.issued_on)
        expect(where, "last hash", series.last_hash, self.hash)


def check_sums(where: str, invoice: Any, lines: Sequence[Any], taxes: Sequence[Any]) -> None:
    """BIL-6. The sums of a document are those of its lines, VAT by rate, and every share is what it has to be."""
    expect(where, "net", invoice.net_cents, sum(line.net_cents for line in lines))
    expect(where, "VAT", invoice.tax_cents, sum(tax.tax_cents for tax in taxes))
    expect(where, "gross", invoice.gross_cents, invoice.net_cents + invoice.tax_cents)
    groups: Mapping[tuple[int, str], list[Any]] = defaultdict(list)
    for line in lines:
        groups[line.rate_bp, line.territory].append(line)
    expect(where, "rates", {(tax.rate_bp, tax.territory) for tax in taxes}, set(groups))
    for tax in taxes:
        of_rate = groups[tax.rate_bp, tax.territory]
        at = f"at {percent(tax.rate_bp)} %"
        expect(where, f"base {at}", tax.base_cents, sum(line.net_cents for line in of_rate))
        expect(where, f"shares {at}", sum(line.tax_cents for line in of_rate), tax.tax_cents)
        if invoice.kind is DocumentKind.INVOICE:
            expect(where, f"VAT {at}", tax.tax_cents, tax_of(tax.base_cents, tax.rate_bp))
    if invoice.kind is DocumentKind.INVOICE:
        expect(where, "shares of VAT", [line.tax_cents for line in lines], line_taxes(lines))
        expect(where, "whether it is paid", invoice.paid_at is not None, invoice.left_cents == 0)
    else:
        expect(where, "amount left to pay", invoice.left_cents, 0)


def check_booked(where: str, invoice: Any, lines: Sequence[Any], taxes: Sequence[Any], postings: Sequence[Any]) -> None:
    """BIL-1. What was booked for a document is what it says."""
    sign = 1 if invoice.kind is DocumentKind.INVOICE else -1
    computed: dict[tuple[str, int | None, str | None], int] = defaultdict(int)
    computed[LedgerAccount.CUSTOMERS.value, None, None] += sign * invoice.gross_cents
    for line in lines:
        computed[f"REVENUE_{line.kind.value}", line.rate_bp, line.territory] -= sign * line.net_cents
    for tax in taxes:
        computed[LedgerAccount.VAT.value, tax.rate_bp, tax.territory] -= sign * tax.tax_cents
    booked: dict[tuple[str, int | None, str | None], int] = defaultdict(int)
    for posting in postings:
        booked[posting.account.value, posting.rate_bp, posting.territory] += posting.cents
    if not postings:
        raise Broken(where, "it was not booked")
    expect(where, "what was booked", _without_nothing(booked), _without_nothing(computed))


def _without_nothing(sums: Mapping[Any, int]) -> dict[Any, int]:
    return {key: cents for key, cents in sums.items() if cents}


@dataclass
class SealAudit:
    """BIL-1. The seals of the journal in order."""

    position: int = 0
    hash: str = NO_HASH

    def seal(self, seal: Any, entry: Any, lines: Sequence[Any]) -> None:
        """The next seal, and the entry that it is of."""
        where = f"seal {seal.position}"
        expect(where, "place", seal.position, self.position + 1)
        expect(where, "hash of the one before", seal.previous_hash, self.hash)
        if entry is None:
            raise Broken(where, "its entry is missing")
        expect(where, f"hash of entry {entry.id}", seal.hash, sealed(self.hash, entry, lines))
        self.position, self.hash = seal.position, seal.hash
