"""CAT-1, CAT-2, CAT-4. Prices, without a database: which is in force, what may be added, and what follows from them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLError

from models.intervention_rate import together_cents
from models.money import InvalidAmount, Money, cents_of
from models.plan import cores, first_months_cents
from models.price import BillingPeriod, Price, PriceRefused, begins, in_force
from models.service_level import percent
from schema.scalar import SCALARS, Url


@dataclass(frozen=True)
class Row:
    cents: int
    valid_from: datetime


def day(year: int, month: int = 1) -> datetime:
    return datetime(year, month, 1, tzinfo=UTC)


OLD, NEW = Row(600, day(2020)), Row(700, day(2027))
NOW = day(2026)


@pytest.mark.parametrize(
    ("at", "row"), [(day(2019), None), (day(2020), OLD), (day(2026, 12), OLD), (day(2027), NEW), (day(2090), NEW)]
)
def test_the_newest_price_that_has_begun_is_in_force(at: datetime, row: Row | None) -> None:
    assert in_force([NEW, OLD], at) is row
    assert in_force([OLD, NEW], at) is row


def test_what_is_the_same_adds_nothing() -> None:
    assert begins([OLD], cents=600, valid_from=day(2020), now=NOW) is None
    assert begins([OLD], cents=600, valid_from=day(2030), now=NOW) is None
    assert begins([OLD, NEW], cents=600, valid_from=day(2020), now=day(2028)) is None
    assert begins([NEW], cents=700, valid_from=day(2020), now=NOW) is None


def test_what_is_new_is_sold_from_now_on_at_the_latest() -> None:
    assert begins([], cents=600, valid_from=day(2020), now=NOW) == day(2020)
    assert begins([], cents=600, valid_from=day(2027), now=NOW) == NOW


def test_another_price_begins_later_than_now() -> None:
    assert begins([OLD], cents=700, valid_from=day(2027), now=NOW) == day(2027)
    assert begins([OLD, NEW], cents=800, valid_from=day(2026, 6), now=NOW) == day(2026, 6)


@pytest.mark.parametrize(
    ("rows", "valid_from", "why"),
    [
        ([OLD], day(2020), "6.50 instead of 6.00 from the same instant"),
        ([OLD, NEW], day(2027), "6.50 instead of 7.00 from the same instant"),
        ([OLD], NOW, "6.50 instead of 6.00 from an instant that has passed"),
        ([OLD], day(2019), "6.50 instead of 6.00 from an instant that has passed"),
    ],
)
def test_what_was_published_or_has_passed_is_never_edited(rows: list[Row], valid_from: datetime, why: str) -> None:
    with pytest.raises(PriceRefused, match=why):
        begins(rows, cents=650, valid_from=valid_from, now=NOW)


@pytest.mark.parametrize(
    ("period", "cents", "monthly"),
    [
        (BillingPeriod.MONTHLY, 600, "6.00"),
        (BillingPeriod.YEARLY, 6_000, "5.00"),
        (BillingPeriod.YEARLY, 442_800, "369.00"),
        (BillingPeriod.YEARLY, 20_000, "16.67"),
        (BillingPeriod.YEARLY, 40_000, "33.33"),
        (BillingPeriod.YEARLY, 6, "0.01"),
        (BillingPeriod.YEARLY, 5, "0.00"),
    ],
)
def test_a_price_is_brought_back_to_a_month_to_the_cent(period: BillingPeriod, cents: int, monthly: str) -> None:
    assert Price(period, cents).monthly.amount == Decimal(monthly)
    assert Price(period, cents).total == Money(cents)


def test_a_server_without_commitment_costs_more_for_its_first_months() -> None:
    """The worked example of the rules."""
    terms = {"months": 3, "surcharge_percent": 20}
    assert first_months_cents(40_900, **terms, committed=True) == 122_700
    assert first_months_cents(40_900, **terms, committed=False) == 147_240


def test_interventions_at_once_are_capped() -> None:
    """The worked example of the rules: processor, memory and graphics processor."""
    assert together_cents([40_000, 20_000, 20_000], 60_000) == 60_000
    assert together_cents([80_000, 40_000, 40_000], 120_000) == 120_000
    assert together_cents([20_000, 20_000], 60_000) == 40_000


@pytest.mark.parametrize(
    ("cents", "amount"), [(0, "0.00"), (5, "0.05"), (-2_640, "-26.40"), (10**15 - 1, "9999999999999.99")]
)
def test_money_is_shown_with_two_decimals_and_read_back(cents: int, amount: str) -> None:
    assert str(Money(cents).amount) == amount
    assert cents_of(Decimal(amount)) == cents


@pytest.mark.parametrize("amount", ["0.001", "12.345", "1e-9", "10000000000000", "NaN", "Infinity", "-Infinity"])
def test_a_part_of_a_cent_or_more_than_there_is_is_no_amount(amount: str) -> None:
    with pytest.raises(InvalidAmount):
        cents_of(Decimal(amount))


def test_shares_and_percentages_are_exact() -> None:
    assert [format(cores(figure), "f") for figure in (250, 1_000, 16_000, 10)] == ["0.25", "1", "16", "0.01"]
    assert [str(percent(figure)) for figure in (9_995, 9_970, 10_000)] == ["99.95", "99.70", "100.00"]


@pytest.mark.parametrize(("given", "read"), [("12.50", "12.50"), ("-0.05", "-0.05"), ("7", "7"), ("0" * 15, "0")])
def test_a_decimal_is_read_from_a_string_and_written_as_one(given: str, read: str) -> None:
    scalar: Any = SCALARS[Decimal]
    assert scalar.parse_value(given) == Decimal(read)
    assert scalar.serialize(Decimal(read)) == read


@pytest.mark.parametrize(
    "given", [12.5, 12, True, None, "", "1e3", "NaN", "1,5", "+1", " 1", "1.", ".5", "٣", "1" * 16]
)
def test_what_is_not_exact_is_no_decimal(given: Any) -> None:
    scalar: Any = SCALARS[Decimal]
    with pytest.raises(GraphQLError, match="Decimal is a"):
        scalar.parse_value(given)


def test_an_address_is_whole() -> None:
    scalar: Any = SCALARS[Url]
    assert scalar.parse_value("https://example.org/a?b=c#d") == "https://example.org/a?b=c#d"
    for given in ("", "/a", "//example.org", "javascript:alert(1)", "ftp://example.org", "https://", "http://[", 1):
        with pytest.raises(GraphQLError, match="URL is"):
            scalar.parse_value(given)
