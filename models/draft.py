"""BIL-2, BIL-6, BIL-14. A document before it has a number: its lines, its VAT, its sums, and what is booked for it.

Nothing is read here and nothing written, so that a preview and the document cannot differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol
from uuid import UUID

from models.charge import RevenueKind
from models.journal import LedgerAccount, Posting
from models.refusal import Code, Refusal
from models.vat import Treatment, line_taxes, refund_of, taxes

REVENUE = {
    RevenueKind.HOSTING: LedgerAccount.REVENUE_HOSTING,
    RevenueKind.SERVER: LedgerAccount.REVENUE_SERVER,
    RevenueKind.OPTION: LedgerAccount.REVENUE_OPTION,
    RevenueKind.INTERVENTION: LedgerAccount.REVENUE_INTERVENTION,
    RevenueKind.SUPPORT: LedgerAccount.REVENUE_SUPPORT,
}


class NothingLeft(Refusal):
    """BIL-6. All refunds of a line together never exceed it."""

    code = Code.CONFLICT
    message = "No more is left of this line than was given back already."


class Ordered(Protocol):
    """A charge, whether it is a row yet or not."""

    @property
    def kind(self) -> RevenueKind: ...
    @property
    def label_en(self) -> str: ...
    @property
    def label_fr(self) -> str: ...
    @property
    def quantity(self) -> int: ...
    @property
    def unit_cents(self) -> int: ...
    @property
    def net_cents(self) -> int: ...
    @property
    def period_start(self) -> date | None: ...
    @property
    def period_end(self) -> date | None: ...
    @property
    def explanation(self) -> dict[str, Any]: ...


class Issued(Ordered, Protocol):
    """A line of a document, as it was issued."""

    @property
    def id(self) -> UUID: ...
    @property
    def subscription_id(self) -> UUID | None: ...
    @property
    def tax_cents(self) -> int: ...
    @property
    def rate_bp(self) -> int: ...
    @property
    def territory(self) -> str: ...


@dataclass(frozen=True, slots=True)
class DraftLine:
    """BIL-6. A line, with its VAT."""

    kind: RevenueKind
    label_en: str
    label_fr: str
    quantity: int
    unit_cents: int
    net_cents: int
    rate_bp: int
    territory: str
    tax_cents: int = 0
    period_start: date | None = None
    period_end: date | None = None
    explanation: dict[str, Any] = field(default_factory=dict)
    charge_id: UUID | None = None
    subscription_id: UUID | None = None
    corrects_line_id: UUID | None = None

    @property
    def gross_cents(self) -> int:
        return self.net_cents + self.tax_cents


@dataclass(frozen=True, slots=True)
class DraftTax:
    """BIL-6. The VAT at one rate."""

    rate_bp: int
    territory: str
    base_cents: int
    tax_cents: int
    mention_en: str | None = None
    mention_fr: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """BIL-2. What a document will say."""

    treatment: str
    lines: tuple[DraftLine, ...]
    taxes: tuple[DraftTax, ...]

    @property
    def net_cents(self) -> int:
        return sum(line.net_cents for line in self.lines)

    @property
    def tax_cents(self) -> int:
        return sum(tax.tax_cents for tax in self.taxes)

    @property
    def gross_cents(self) -> int:
        return self.net_cents + self.tax_cents

    def debited(self) -> tuple[Posting, ...]:
        """BIL-1. What an invoice books: the customer owes the sum, which is revenue and VAT."""
        return (
            Posting(LedgerAccount.CUSTOMERS, self.gross_cents),
            *self._revenue(),
            *(
                Posting(LedgerAccount.VAT, -tax.tax_cents, tax.rate_bp, tax.territory)
                for tax in self.taxes
                if tax.tax_cents
            ),
        )

    def credited(self) -> tuple[Posting, ...]:
        """BIL-1. What a credit note books: an invoice, the other way round."""
        return tuple(Posting(each.account, -each.cents, each.rate_bp, each.territory) for each in self.debited())

    def _revenue(self) -> list[Posting]:
        sums: dict[tuple[LedgerAccount, int, str], int] = {}
        for line in self.lines:
            key = REVENUE[line.kind], line.rate_bp, line.territory
            sums[key] = sums.get(key, 0) + line.net_cents
        return [Posting(account, -cents, rate_bp, where) for (account, rate_bp, where), cents in sums.items()]


@dataclass(frozen=True, slots=True)
class Returned:
    """BIL-6. So much of a line that goes back."""

    line: Issued
    net_cents: int
    refunded_net: int = 0
    """What earlier credit notes gave back of it."""
    refunded_tax: int = 0
    label_en: str | None = None
    label_fr: str | None = None
    period_start: date | None = None
    period_end: date | None = None
    explanation: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Remainder:
    """BIL-7. What is left of a line, to be invoiced once more, of the same charge."""

    id: UUID | None
    subscription_id: UUID | None
    kind: RevenueKind
    label_en: str
    label_fr: str
    quantity: int
    unit_cents: int
    net_cents: int
    period_start: date | None
    period_end: date | None
    explanation: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Taxed:
    net_cents: int
    rate_bp: int
    territory: str


def draft(charges: Sequence[Ordered], treatment: Treatment) -> Draft:
    """BIL-6. The invoice of these charges: VAT is computed once for each rate, and then shared out to the lines."""
    bases = [_Taxed(charge.net_cents, treatment.rate_bp, treatment.territory) for charge in charges]
    lines = [
        DraftLine(
            kind=charge.kind,
            label_en=charge.label_en,
            label_fr=charge.label_fr,
            quantity=charge.quantity,
            unit_cents=charge.unit_cents,
            net_cents=charge.net_cents,
            rate_bp=treatment.rate_bp,
            territory=treatment.territory,
            tax_cents=tax_cents,
            period_start=charge.period_start,
            period_end=charge.period_end,
            explanation=charge.explanation,
            charge_id=getattr(charge, "id", None),
            subscription_id=getattr(charge, "subscription_id", None),
        )
        for charge, tax_cents in zip(charges, line_taxes(bases), strict=True)
    ]
    groups = [
        DraftTax(
            group.rate_bp,
            group.territory,
            group.base_cents,
            group.tax_cents,
            treatment.mention_en,
            treatment.mention_fr,
        )
        for group in taxes(bases)
    ]
    return Draft(treatment.kind.value, tuple(lines), tuple(groups))


def correction(returned: Sequence[Returned], treatment: str, mentions: dict[tuple[int, str], Any]) -> Draft:
    """BIL-6. The credit note of what goes back of some lines, at their own rates, to their last cent of VAT.

    `mentions` are those of the document that is corrected, by rate and territory. Raises NothingLeft.
    """
    lines = [_given_back(each) for each in returned]
    sums: dict[tuple[int, str], list[int]] = {}
    for line in lines:
        base = sums.setdefault((line.rate_bp, line.territory), [0, 0])
        base[0] += line.net_cents
        base[1] += line.tax_cents
    groups = (
        DraftTax(rate_bp, where, net_cents, tax_cents, *mentions.get((rate_bp, where), (None, None)))
        for (rate_bp, where), (net_cents, tax_cents) in sums.items()
    )
    return Draft(treatment, tuple(lines), tuple(groups))


def remainder(line: Any, net_cents: int) -> Remainder:
    """BIL-7. So much of a line of a document, as something to be invoiced."""
    whole = net_cents == line.net_cents
    return Remainder(
        id=line.charge_id,
        subscription_id=line.subscription_id,
        kind=line.kind,
        label_en=line.label_en,
        label_fr=line.label_fr,
        quantity=line.quantity if whole else 1,
        unit_cents=line.unit_cents if whole else net_cents,
        net_cents=net_cents,
        period_start=line.period_start,
        period_end=line.period_end,
        explanation=line.explanation,
    )


def _given_back(each: Returned) -> DraftLine:
    line = each.line
    if not 0 < each.net_cents <= line.net_cents - each.refunded_net:
        raise NothingLeft
    return DraftLine(
        kind=line.kind,
        label_en=each.label_en or line.label_en,
        label_fr=each.label_fr or line.label_fr,
        quantity=1,
        unit_cents=each.net_cents,
        net_cents=each.net_cents,
        rate_bp=line.rate_bp,
        territory=line.territory,
        tax_cents=refund_of(
            line.net_cents, line.tax_cents, each.refunded_net, each.refunded_tax, each.net_cents, line.rate_bp
        ),
        period_start=each.period_start or line.period_start,
        period_end=each.period_end or line.period_end,
        explanation=line.explanation if each.explanation is None else each.explanation,
        subscription_id=line.subscription_id,
        corrects_line_id=line.id,
    )
