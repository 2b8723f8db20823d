"""What the rules say of amounts, once more: written from their text alone, in fractions, for tests to compare with.

Nothing here is fast, and nothing is taken from `models/`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from tests.oracle_calendar import later, length

UNION = {
    "AT": "20", "BE": "21", "BG": "20", "CY": "19", "CZ": "21", "DE": "19", "DK": "25", "EE": "24", "ES": "21",
    "FI": "25.5", "GR": "24", "HR": "25", "HU": "27", "IE": "23", "IT": "22", "LT": "21", "LU": "17", "LV": "21",
    "MT": "18", "NL": "21", "PL": "23", "PT": "23", "RO": "21", "SE": "25", "SI": "22", "SK": "23",
}  # fmt: skip
"""BIL-7. What consumers of the other member states pay, at the end of 2026."""
ABROAD = "CH", "US", "GB", "JP", "CA", "SN", "NO"
REDUCED, UNTAXED = ("971", "972", "974"), ("973", "976")
"""BIL-7. Guadeloupe, Martinique, Réunion; Guyane, Mayotte."""
EXPORTED = "975", "977", "978", "986", "987", "988"


def half_up(exact: Fraction) -> int:
    """The nearest whole number; of a half the one that is farther from zero, so a credit mirrors its charge."""
    whole, rest = divmod(abs(exact), 1)
    nearest = int(whole) + (1 if rest >= Fraction(1, 2) else 0)
    return nearest if exact >= 0 else -nearest


# BIL-6. Pro rata


def refund(net: int, starts_on: date, ends_before: date, day: date) -> int:
    """What goes back of a period that is left on a day, which belongs to what follows."""
    left = length(min(max(day, starts_on), ends_before), ends_before)
    return half_up(Fraction(net * left, length(starts_on, ends_before)))


def share(net: int, starts_on: date, ends_before: date, months: int) -> int:
    """BIL-5. The price of days that are a part of the period that would have begun there."""
    return half_up(Fraction(net * length(starts_on, ends_before), length(starts_on, later(starts_on, months))))


# BIL-6. VAT


@dataclass(frozen=True)
class Taxed:
    """An amount at a rate, in hundredths of a percent, of a territory."""

    net_cents: int
    rate_bp: int
    territory: str = "FR"


def vat(base: int, rate_bp: int) -> int:
    """The VAT on an amount."""
    return half_up(Fraction(base * rate_bp, 10_000))


def vat_by_group(lines: Sequence[Taxed]) -> dict[tuple[int, str], tuple[int, int]]:
    """Of each rate and territory what is taxed, and the VAT on that: on the document's total, not per line."""
    bases: dict[tuple[int, str], int] = {}
    for line in lines:
        bases[line.rate_bp, line.territory] = bases.get((line.rate_bp, line.territory), 0) + line.net_cents
    return {key: (base, vat(base, key[0])) for key, base in bases.items()}


def vat_of_lines(lines: Sequence[Taxed]) -> list[int]:
    """The VAT of a group brought to its lines: what is cut off goes to the largest rests, the first of equals."""
    found = [0] * len(lines)
    for key, (base, tax) in vat_by_group(lines).items():
        sign = -1 if base < 0 else 1
        places = [place for place, line in enumerate(lines) if (line.rate_bp, line.territory) == key]
        exact = {place: sign * Fraction(lines[place].net_cents * key[0], 10_000) for place in places}
        cut = {place: exact[place].__floor__() for place in places}
        missing = sign * tax - sum(cut.values())
        by_rest = sorted(places, key=lambda place: (cut[place] - exact[place], place))
        for turn, place in enumerate(by_rest):
            found[place] = sign * (cut[place] + (1 if turn < missing else 0))
    return found


@dataclass
class Refunded:
    """A line, and what went back of it: never more than it is, net and VAT alike; the last takes the remainder."""

    net_left: int
    tax_left: int
    rate_bp: int

    def give_back(self, net: int) -> int:
        """The VAT that goes back with so much of it."""
        tax = self.tax_left if net == self.net_left else min(vat(net, self.rate_bp), self.tax_left)
        self.net_left, self.tax_left = self.net_left - net, self.tax_left - tax
        return tax


# BIL-7. Who pays which VAT


def rate_of(country: str, postal_code: str, *, business: bool, vies_valid: bool, one_stop_shop: bool = True) -> int:
    """The rate in hundredths of a percent. Territory is looked at before VIES."""
    place = postal_code[:3] if country == "FR" else ""
    if place in EXPORTED:
        return 0
    if business and place in UNTAXED:
        return 0
    if business and place in REDUCED:
        return 850
    if country in ("FR", "MC"):
        return 2_000
    if country not in UNION:
        return 0
    if business and vies_valid:
        return 0
    return int(Fraction(UNION[country]) * 100) if one_stop_shop else 2_000


# BIL-17. Discounts


def discounted(list_cents: int, percents: Sequence[Fraction]) -> int:
    """The price after percentages off, one after the other, rounded once."""
    exact = Fraction(list_cents)
    for percent in percents:
        exact *= 1 - percent / 100
    return half_up(exact)


def in_order(discounts: Sequence[tuple[str, Fraction, date | None]], begins: date) -> list[Fraction]:
    """The percentages of a period that begins on a day: program, then referral; none that has ended by then."""
    holding = [each for each in discounts if each[2] is None or begins < each[2]]
    return [percent for kind in ("PROGRAM", "REFERRAL") for name, percent, _ in holding if name == kind]
