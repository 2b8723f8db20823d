"""BIL-4. A forecast: what will be invoiced at today's prices, month by month, and when the balance turns negative."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from models.discount import Discount, in_force
from models.money import Money, TaxedAmount
from models.period import after
from models.term import Item, Priced, span, term
from models.vat import tax_of


@dataclass(frozen=True, slots=True)
class Goes:
    """What renews itself: from when on, and at which price."""

    item: Item
    price: Priced
    anchor: date
    renews_on: date
    invoicing_day: int | None
    discounts: tuple[Discount, ...] = ()


@dataclass(frozen=True, slots=True)
class Month:
    """What is invoiced in a month, and the balance at its end, without any payment."""

    month: date
    charge: TaxedAmount
    balance_after: Money


@dataclass(frozen=True, slots=True)
class Outlook:
    """Months to come."""

    months: tuple[Month, ...]
    negative_on: date | None
    top_up_needed: Money


def forecast(
    today: date,
    months: int,
    balance_cents: int,
    rate_bp: int,
    pending: Iterable[tuple[date, int]],
    goes: Iterable[Goes],
) -> Outlook:
    """BIL-4, BIL-6. From this month on; what is invoiced on one day is one document, whose VAT is rounded once."""
    first = today.replace(day=1)
    ends = after(first, months)
    nets: dict[date, int] = {}
    for day, net_cents in (*pending, *(each for going in goes for each in _renewals(going, ends))):
        nets[max(day, today)] = nets.get(max(day, today), 0) + net_cents
    shown: list[Month] = []
    left, lowest, negative_on = balance_cents, balance_cents, today if balance_cents < 0 else None
    for number in range(months):
        month, next_month = after(first, number), after(first, number + 1)
        days = [day for day in sorted(nets) if month <= day < next_month]
        taxes = [tax_of(nets[day], rate_bp) for day in days]
        for day, tax_cents in zip(days, taxes, strict=True):
            left -= nets[day] + tax_cents
            lowest = min(lowest, left)
            negative_on = negative_on or (day if left < 0 else None)
        shown.append(Month(month, _sum(days, nets, taxes, rate_bp), Money(left)))
    return Outlook(tuple(shown), negative_on, Money(max(0, -lowest)))


def _sum(days: Sequence[date], nets: dict[date, int], taxes: Sequence[int], rate_bp: int) -> TaxedAmount:
    return TaxedAmount(sum(nets[day] for day in days), sum(taxes), rate_bp)


def _renewals(going: Goes, ends: date) -> Iterator[tuple[date, int]]:
    """The days on which it renews, and what that costs."""
    day = going.renews_on
    while day < ends:
        days = span(going.anchor, going.invoicing_day, day, going.item.period)
        yield day, term(going.item, going.price, days, tuple(in_force(going.discounts, day))).net_cents
        day = days.ends_before
