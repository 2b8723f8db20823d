"""A customer's books in memory, by the text of the rules: what is owed, what was credited, and what settled what."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from tests.oracle import Refunded, Taxed, vat_by_group, vat_of_lines


@dataclass(eq=False)
class Charge:
    """BIL-2. What was ordered: it waits for its invoice, stands on one, or was dropped."""

    net: int
    starts_on: date
    ends_before: date
    ordered_at: datetime
    due_at: datetime
    line: "Line | None" = None
    dropped: bool = False
    rate_bp: int | None = None
    """BIL-14. The VAT that it was quoted with."""
    quoted: tuple[int, int] | None = None
    """What it was quoted at, net and VAT; None where it was not alone, or is cut since."""

    @property
    def pending(self) -> bool:
        return self.line is None and not self.dropped

    @property
    def figures(self) -> tuple[date, date, int]:
        return self.starts_on, self.ends_before, self.net


@dataclass(eq=False)
class Document:
    """An invoice, or a credit note of one."""

    kind: str
    day: date
    net: int
    tax: int
    position: int
    left: int = 0
    """To pay."""
    credited: int = 0
    """VAT included, by credit notes."""

    @property
    def gross(self) -> int:
        return self.net + self.tax

    @property
    def shown(self) -> tuple[str, date, int, int, int, bool]:
        """What is compared: the last is whether it is cancelled."""
        return self.kind, self.day, self.net, self.tax, self.left, 0 < self.gross == self.credited


@dataclass(eq=False)
class Line:
    """A line of an invoice, and what is left of it."""

    document: Document
    left: Refunded
    net: int


@dataclass
class Credit:
    """Money that settles invoices; what came of a refund settles nothing else, and is spent first."""

    left: int
    position: int
    bound: bool


@dataclass
class Books:
    """BIL-1, BIL-3. A balance, and what it is made of."""

    balance: int = 0
    position: int = 0
    documents: list[Document] = field(default_factory=list)
    credits: list[Credit] = field(default_factory=list)

    @property
    def bound(self) -> int:
        """BIL-6. The part that can only pay invoices."""
        return sum(each.left for each in self.credits if each.bound)

    def pay(self, cents: int) -> None:
        """BIL-8."""
        self._credit(cents, bound=False, first=None)

    def invoice(self, charges: Sequence[Charge], day: date, rate_bp: int) -> Document:
        """BIL-2, BIL-3. One invoice of all of them; it debits the balance, and takes what credit there is."""
        taxed = [Taxed(each.net, rate_bp) for each in charges]
        net, tax = sum(each.net for each in charges), sum(tax for _, tax in vat_by_group(taxed).values())
        self.position += 1
        made = Document("INVOICE", day, net, tax, self.position, left=net + tax)
        for charge, line_tax in zip(charges, vat_of_lines(taxed), strict=True):
            charge.line = Line(made, Refunded(charge.net, line_tax, rate_bp), charge.net)
        self.documents.append(made)
        self.balance -= made.gross
        self._settle(None)
        return made

    def give_back(self, lines: Sequence[tuple[Line, int]], day: date) -> int:
        """BIL-6. A credit note of so much of some lines of one invoice; it offsets that debt first."""
        corrected = lines[0][0].document
        tax = sum(line.left.give_back(net) for line, net in lines)
        net = sum(net for _, net in lines)
        corrected.credited += net + tax
        self.documents.append(Document("CREDIT_NOTE", day, net, tax, self.position + 1))
        self._credit(net + tax, bound=True, first=corrected)
        return net + tax

    def _credit(self, cents: int, *, bound: bool, first: Document | None) -> None:
        self.position += 1
        self.balance += cents
        self.credits.append(Credit(cents, self.position, bound))
        self._settle(first)

    def _settle(self, first: Document | None) -> None:
        """Refunds first, then the oldest credit; the debt that is named first, then the oldest."""
        debts = sorted(
            (each for each in self.documents if each.left), key=lambda each: (each is not first, each.position)
        )
        for debt in debts:
            for credit in sorted(self.credits, key=lambda each: (not each.bound, each.position)):
                cents = min(credit.left, debt.left)
                credit.left, debt.left = credit.left - cents, debt.left - cents
