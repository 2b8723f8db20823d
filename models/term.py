"""BIL-4, BIL-5, BIL-6. Terms: one period of what is subscribed to, before it is one, with its price.

Nothing else prices a period: a preview shows a term, and the command, or the clock, charges the same one.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from models.charge import RevenueKind
from models.discount import Discount, discounted, in_force, steps
from models.period import after, days, next_on, pro_rata
from models.plan import first_months_cents
from models.price import MONTHS, BillingPeriod

LABELS = {
    BillingPeriod.MONTHLY: ("{name}, one month, {holder}", "{name}, un mois, {holder}"),
    BillingPeriod.YEARLY: ("{name}, one year, {holder}", "{name}, un an, {holder}"),
}
PART = ("{name}, part of a period, {holder}", "{name}, partie d’une période, {holder}")
FIRST = ("{name}, first months, {holder}", "{name}, premiers mois, {holder}")


@dataclass(frozen=True, slots=True)
class Priced:
    """CAT-4. A price that is in force, or one that was agreed on, which has no version."""

    id: UUID | None
    cents: int
    since: date | None


@dataclass(frozen=True, slots=True)
class Item:
    """What is paid for, how often, and for which account or server."""

    kind: RevenueKind
    name_en: str
    name_fr: str
    holder: str
    period: BillingPeriod
    plan_id: UUID | None = None
    option_id: UUID | None = None
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class Span:
    """BIL-5, BIL-6. The days of a period, and where it would end were it a whole one."""

    starts_on: date
    ends_before: date
    whole_ends: date

    @property
    def whole(self) -> bool:
        return self.ends_before == self.whole_ends


@dataclass(frozen=True, slots=True)
class FirstMonths:
    """CAT-1. The first invoice of a server paid by the month covers several."""

    months: int
    surcharge_percent: int
    committed: bool


@dataclass(frozen=True, slots=True)
class Term:
    """BIL-6. A period to be, at its price: what a charge says of it."""

    item: Item
    price: Priced
    span: Span
    discounts: tuple[Discount, ...] = ()
    """Those in force on its first day, in the order in which they apply."""
    first: FirstMonths | None = None

    @property
    def starts_on(self) -> date:
        return self.span.starts_on

    @property
    def ends_before(self) -> date:
        return self.span.ends_before

    @property
    def kind(self) -> RevenueKind:
        return self.item.kind

    @property
    def label_en(self) -> str:
        return self._label(0, self.item.name_en)

    @property
    def label_fr(self) -> str:
        return self._label(1, self.item.name_fr)

    @property
    def list_cents(self) -> int:
        """Before discounts, of everything, for a whole period."""
        one = self.price.cents
        if self.first is not None:
            one = first_months_cents(
                one,
                months=self.first.months,
                surcharge_percent=self.first.surcharge_percent,
                committed=self.first.committed,
            )
        return self.item.quantity * one

    @property
    def net_cents(self) -> int:
        """BIL-6, BIL-17. After discounts, for the days that it has."""
        whole = discounted(self.list_cents, [each.percent for each in self.discounts])
        if self.span.whole:
            return whole
        return pro_rata(whole, days(self.starts_on, self.ends_before), days(self.starts_on, self.span.whole_ends))

    @property
    def quantity(self) -> int:
        """How many times the unit price; 1 where it is no whole multiple."""
        times = self.item.quantity * (self.first.months if self.first else 1)
        return times if self.span.whole and self.net_cents % times == 0 else 1

    @property
    def unit_cents(self) -> int:
        return self.net_cents // self.quantity

    @property
    def period_start(self) -> date:
        return self.starts_on

    @property
    def period_end(self) -> date:
        return self.ends_before

    @property
    def explanation(self) -> dict[str, Any]:
        """How the amount came about: figures only, of which a reader's sentence is made."""
        told: dict[str, Any] = {
            "list_cents": self.list_cents,
            "since": self.price.since.isoformat() if self.price.since else None,
            "days": days(self.starts_on, self.ends_before),
            "period_days": days(self.starts_on, self.span.whole_ends),
            "discounts": [
                {"kind": step.discount.kind.value, "percent": str(step.discount.percent), "cents": step.cents}
                for step in steps(self.list_cents, self.discounts)
            ],
        }
        if self.first is not None:
            told["months"] = self.first.months
            told["surcharge_percent"] = 0 if self.first.committed else self.first.surcharge_percent
        return told

    def _label(self, language: int, name: str) -> str:
        form = FIRST if self.first else LABELS[self.item.period] if self.span.whole else PART
        return form[language].format(name=name, holder=self.item.holder)


def term(item: Item, price: Priced, span: Span, discounts: tuple[Discount, ...] = ()) -> Term:
    """BIL-17. A period at this price, with the discounts that its first day has."""
    return Term(item, price, span, tuple(in_force(discounts, span.starts_on)))


def first_months(
    item: Item, price: Priced, day: date, first: FirstMonths, discounts: tuple[Discount, ...] = ()
) -> Term:
    """CAT-1. The first period of a server that is paid by the month."""
    ends_before = after(day, first.months)
    return Term(item, price, Span(day, ends_before, ends_before), tuple(in_force(discounts, day)), first)


def span(anchor: date, invoicing_day: int | None, starts_on: date, period: BillingPeriod) -> Span:
    """BIL-5, BIL-6. The period that begins on a day: a whole one, or the days up to where whole ones begin.

    Whole ones begin on the invoicing day, else on the day of the month that the anchor has.
    """
    if invoicing_day is not None:
        begins, whole_ends = next_on(invoicing_day, starts_on), after(starts_on, MONTHS[period])
        return Span(starts_on, whole_ends if begins == starts_on else begins, whole_ends)
    number = 12 * (starts_on.year - anchor.year) + starts_on.month - anchor.month
    own = after(anchor, number)
    if own == starts_on:
        whole_ends = after(anchor, number + MONTHS[period])
        return Span(starts_on, whole_ends, whole_ends)
    return Span(starts_on, own if own > starts_on else after(anchor, number + 1), after(starts_on, MONTHS[period]))
