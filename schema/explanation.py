"""BIL-14, BIL-17. How the amount of a line came about, as sentences made of its figures when it is read."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from models.discount import DiscountKind
from models.money import Money, percent
from models.profile import Locale
from schema.message import speaker

LISTED = "List price {price}, in force since {since}."
AGREED = "Agreed price {price}."
CAPPED = "Done at once: {together} together, of which {most} at most are charged, in proportion."
WHOLE = "A whole period of {days} days."
PART = "{days} of the {period} days of a period."
FIRST_MONTHS = "The first {months} months at once."
SURCHARGED = "The first {months} months at once, {percent} % more without a commitment."
REFUNDED = "Given back of {number}: {days} of {period} days of {price}."
GIVEN_BACK = "Given back of {number}."
OF_PROGRAM = "Program, {percent} % off: {price}."
OF_REFERRAL = "Referral, {percent} % off: {price}."
UNDISCOUNTED = "No discount."
TAXED = "VAT at {rate} %, rounded once on the document."
UNTAXED = "No VAT."
ROUNDED = "Rounded to the cent, half a cent up."
Say = Callable[..., str]
Told = Mapping[str, Any]


def explained(locale: Locale, line: Any) -> str:
    """The sentences about a line, in the order in which its amount was made."""
    return " ".join(_sentences(speaker(locale), line.explanation, line.rate_bp))


def _sentences(say: Say, told: Told, rate_bp: int) -> Iterator[str]:
    if "refund_of" in told:
        yield _refund(say, told)
    else:
        yield from _price(say, told)
        if "most_cents" in told:
            yield say(CAPPED, together=Money(told["together_cents"]), most=Money(told["most_cents"]))
        yield from _days(say, told)
        yield from _discounts(say, told)
    yield say(TAXED, rate=percent(rate_bp).normalize()) if rate_bp else say(UNTAXED)
    yield say(ROUNDED)


def _price(say: Say, told: Told) -> Iterator[str]:
    if "list_cents" in told:
        price = Money(told["list_cents"])
        since = told.get("since")
        yield say(LISTED, price=price, since=date.fromisoformat(since)) if since else say(AGREED, price=price)


def _days(say: Say, told: Told) -> Iterator[str]:
    if told.get("surcharge_percent"):
        yield say(SURCHARGED, months=told["months"], percent=told["surcharge_percent"])
    elif told.get("months"):
        yield say(FIRST_MONTHS, months=told["months"])
    if "days" in told:
        days, period = told["days"], told.get("period_days", told["days"])
        yield say(WHOLE, days=days) if days == period else say(PART, days=days, period=period)


def _discounts(say: Say, told: Told) -> Iterator[str]:
    for each in told.get("discounts", ()):
        off, price = Decimal(each["percent"]).normalize(), Money(each["cents"])
        of_program = each["kind"] == DiscountKind.PROGRAM
        yield say(OF_PROGRAM, percent=off, price=price) if of_program else say(OF_REFERRAL, percent=off, price=price)
    if told.get("discounts") == []:
        yield say(UNDISCOUNTED)


def _refund(say: Say, told: Told) -> str:
    """Of a credit note: what was charged, by which document, and for how many days it goes back."""
    number = told["refund_of"]
    if "days" not in told:
        return say(GIVEN_BACK, number=number)
    price = Money(told["net_cents"])
    return say(REFUNDED, number=number, days=told["days"], period=told["period_days"], price=price)
