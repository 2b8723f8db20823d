"""BIL-16, BIL-17. Discounts: percentages off the list price, one after the other, as a dated policy."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from models.money import nearest

WHOLE = Decimal(100)


class DiscountKind(StrEnum):
    """BIL-17. Where a discount comes from, in the order in which they apply."""

    PROGRAM = "PROGRAM"
    REFERRAL = "REFERRAL"


ORDER = tuple(DiscountKind)


@dataclass(frozen=True, slots=True)
class Discount:
    """A percentage off; on periods that begin before its end."""

    kind: DiscountKind
    percent: Decimal
    ends_before: date | None = None
    """The first day on which a period that begins has it no more."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a discount made of the price before it, to the cent, for explanations: nothing is computed from it."""

    discount: Discount
    cents: int


def in_force(discounts: Iterable[Discount], starts_on: date) -> list[Discount]:
    """BIL-17. Those that a period beginning on this day has, in the order in which they apply."""
    held = [each for each in discounts if each.ends_before is None or starts_on < each.ends_before]
    return sorted(held, key=lambda each: ORDER.index(each.kind))


def discounted(list_cents: int, percents: Iterable[Decimal | int]) -> int:
    """BIL-17. The price after percentages off, each of what the one before left; rounded once, half a cent up."""
    left = Fraction(list_cents)
    for percent in percents:
        if not 0 <= percent <= WHOLE:
            raise ValueError(f"{percent} % is no part of a price")
        left *= Fraction(WHOLE - percent) / 100
    return nearest(left.numerator, left.denominator)


def steps(list_cents: int, discounts: Sequence[Discount]) -> list[Step]:
    """BIL-17. The way from the list price to what is charged; the last step is what `discounted` says."""
    percents = [each.percent for each in discounts]
    return [Step(each, discounted(list_cents, percents[: place + 1])) for place, each in enumerate(discounts)]
