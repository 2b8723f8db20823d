"""BIL-7, BIL-6. VAT: which rate a customer pays and why, and what it is on a document, on its lines and on refunds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from models.money import nearest
from models.territory import territory

WHOLE_BP = 10_000
SELLER = "FR"
"""The territory whose rate is paid where the one-stop shop is not used."""
ELSEWHERE = "*"
"""In the table, every territory that it does not name."""
UNKNOWN = "–"
"""In a mention, the number of a seller who has none in the settings."""


class VatTreatment(StrEnum):
    """BIL-7. Why a rate is what it is."""

    STANDARD = "STANDARD"
    ONE_STOP_SHOP = "ONE_STOP_SHOP"
    REVERSE_CHARGE = "REVERSE_CHARGE"
    EXEMPT = "EXEMPT"
    EXPORT = "EXPORT"


class Audience(StrEnum):
    """BIL-7. Who pays: a taxable person, or not."""

    BUSINESS = "BUSINESS"
    CONSUMER = "CONSUMER"


class Rate(Protocol):
    """A dated row of the table, however it was read."""

    @property
    def territory(self) -> str: ...
    @property
    def audience(self) -> Audience: ...
    @property
    def treatment(self) -> VatTreatment: ...
    @property
    def rate_bp(self) -> int: ...
    @property
    def mention_en(self) -> str | None: ...
    @property
    def mention_fr(self) -> str | None: ...
    @property
    def valid_from(self) -> date: ...


@dataclass(frozen=True, slots=True)
class Buyer:
    """BIL-7. What decides about VAT, of a customer."""

    country: str
    postal_code: str | None = None
    is_business: bool = False
    vat_number: str | None = None
    vat_valid: bool | None = None
    """What VIES says of the number; None where that is not known."""

    @property
    def territory(self) -> str:
        return territory(self.country, self.postal_code)


@dataclass(frozen=True, slots=True)
class VatTable:
    """BIL-7. The rates, whether consumers of the Union pay their own country's, and the number of the seller."""

    rates: Sequence[Rate]
    one_stop_shop: bool = True
    seller_vat_number: str | None = None

    def rate(self, where: str, audience: Audience, day: date) -> Rate | None:
        """The newest row that has begun, of a territory that the table names."""
        rows = [each for each in self.rates if each.territory == where and each.audience is audience]
        begun = [each for each in rows if each.valid_from <= day]
        return max(begun, key=lambda each: each.valid_from, default=None)


@dataclass(frozen=True, slots=True)
class Treatment:
    """BIL-7. What a document says of VAT."""

    kind: VatTreatment
    rate_bp: int
    territory: str
    mention_en: str | None = None
    mention_fr: str | None = None
    needs_check: bool = False
    """VIES has to be asked first: the answer may be that no VAT is charged."""


class NoRate(Exception):
    """The table has no rate for a territory on a day: it is incomplete, and nothing can be invoiced there."""


def treatment(buyer: Buyer, day: date, table: VatTable) -> Treatment:
    """BIL-7. How a customer is taxed on a day. Territory is looked at before VIES.

    Without a number that VIES calls valid, a business of another member state pays as its consumers do.
    """
    where = buyer.territory
    audience = Audience.BUSINESS if buyer.is_business else Audience.CONSUMER
    found = _row(table, where, audience, day)
    unsure = False
    if found.treatment is VatTreatment.REVERSE_CHARGE and not (buyer.vat_number and buyer.vat_valid):
        unsure = buyer.vat_number is not None and buyer.vat_valid is None
        found = _row(table, where, Audience.CONSUMER, day)
    if found.treatment is VatTreatment.ONE_STOP_SHOP and not table.one_stop_shop:
        where, found = SELLER, _row(table, SELLER, Audience.CONSUMER, day)
    return Treatment(
        found.treatment,
        found.rate_bp,
        where,
        _filled(found.mention_en, buyer, table),
        _filled(found.mention_fr, buyer, table),
        unsure,
    )


def _row(table: VatTable, where: str, audience: Audience, day: date) -> Rate:
    """A territory that the table names by then has its own rows or none: a gap makes nobody a foreigner."""
    named = any(each.territory == where and each.valid_from <= day for each in table.rates)
    found = table.rate(where if named else ELSEWHERE, audience, day)
    if found is None:
        raise NoRate(f"no VAT rate for {where}, {audience.lower()}, on {day}")
    return found


def _filled(mention: str | None, buyer: Buyer, table: VatTable) -> str | None:
    """The mention with the numbers of both sides, where it has places for them."""
    if mention is None:
        return None
    seller, number = table.seller_vat_number or UNKNOWN, buyer.vat_number or UNKNOWN
    return mention.replace("{seller}", seller).replace("{buyer}", number)


# On documents


class Taxed(Protocol):
    """A line of a document, however it was read."""

    @property
    def net_cents(self) -> int: ...
    @property
    def rate_bp(self) -> int: ...
    @property
    def territory(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Group:
    """BIL-6. The lines of a document at one rate of one territory."""

    rate_bp: int
    territory: str
    places: tuple[int, ...]
    """Which lines of the document they are."""
    nets_cents: tuple[int, ...]

    @property
    def base_cents(self) -> int:
        return sum(self.nets_cents)

    @property
    def tax_cents(self) -> int:
        """Rounded once, on the base."""
        return tax_of(self.base_cents, self.rate_bp)


def tax_of(base_cents: int, rate_bp: int) -> int:
    """BIL-6. The VAT on an amount, half a cent up."""
    return nearest(base_cents * rate_bp, WHOLE_BP)


def taxes(lines: Sequence[Taxed]) -> list[Group]:
    """BIL-6. VAT is per rate group on the document's total, not per line. In the order in which the rates come."""
    groups: dict[tuple[int, str], list[int]] = {}
    for place, line in enumerate(lines):
        groups.setdefault((line.rate_bp, line.territory), []).append(place)
    return [
        Group(rate_bp, where, tuple(places), tuple(lines[place].net_cents for place in places))
        for (rate_bp, where), places in groups.items()
    ]


def shares(group: Group) -> tuple[int, ...]:
    """BIL-6. The group's VAT brought to its lines, to the cent: the largest remainders round up, the first of equals.

    No line is a cent or more from its own VAT, and together they are the group's.
    """
    exact = [divmod(net * group.rate_bp, WHOLE_BP) for net in group.nets_cents]
    taxed = [whole for whole, _ in exact]
    by_remainder = sorted(range(len(exact)), key=lambda place: -exact[place][1])
    for place in by_remainder[: group.tax_cents - sum(taxed)]:
        taxed[place] += 1
    return tuple(taxed)


def line_taxes(lines: Sequence[Taxed]) -> list[int]:
    """BIL-6. The VAT of each line of a document, in their order."""
    taxed = [0] * len(lines)
    for group in taxes(lines):
        for place, cents in zip(group.places, shares(group), strict=True):
            taxed[place] = cents
    return taxed


def refund_of(line_net: int, line_tax: int, refunded_net: int, refunded_tax: int, refund_net: int, rate_bp: int) -> int:
    """BIL-6. The VAT that goes back with a part of a line: at its original rate, never more than is left of it.

    The last refund takes the remainder, so all of them are the line, net and VAT alike.
    """
    left_net, left_tax = line_net - refunded_net, line_tax - refunded_tax
    if not 0 <= refund_net <= left_net or left_tax < 0:
        raise ValueError(f"{refund_net} of the {left_net} cents that are left of a line cannot be refunded")
    return left_tax if refund_net == left_net else min(tax_of(refund_net, rate_bp), left_tax)
