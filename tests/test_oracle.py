"""BIL-5 to BIL-7, BIL-17. The pure rules of money and days, compared with what their text says: `tests/oracle.py`."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from app.catalogue_file import shipped
from models.charge import RevenueKind
from models.clock import civil_day, day_start
from models.discount import Discount, DiscountKind, discounted, in_force
from models.period import after, cut, days, first_period, next_on, period_at, pro_rata, stub
from models.price import MONTHS, BillingPeriod
from models.term import Item, Priced, span, term
from models.vat import Buyer, VatTable, line_taxes, refund_of, taxes, treatment
from tests import oracle, oracle_calendar

PARIS = ZoneInfo("Europe/Paris")
VAT = shipped().vat
TABLE = VatTable(VAT.rows if VAT else ())
TODAY = date(2026, 11, 28)
PERIODS = st.sampled_from(BillingPeriod)
INVOICING_DAYS = st.none() | st.integers(1, 28)
CENTS = st.integers(1, 2_000_000)
RATES = st.sampled_from([0, 850, 1_700, 1_900, 2_000, 2_550, 2_700])
EDGES = [date(2028, 2, 29), date(2027, 2, 28), *(date(2026, month, 31) for month in (1, 3, 5, 7, 8, 10, 12))]
DAYS = st.sampled_from(EDGES) | st.dates(date(2024, 1, 1), date(2036, 12, 31))
SHORT = st.dates(date(2025, 1, 1), date(2032, 12, 31))
NIGHTS = [
    date(2026, 3, 29),
    date(2026, 10, 25),
    date(2027, 3, 28),
    date(2027, 10, 31),
    date(2028, 3, 26),
    date(2028, 10, 29),
]
"""The days on which clocks are changed: some that are known, so that the oracle is held to something too."""


def lines() -> Any:
    """The lines of a document."""
    line = st.builds(oracle.Taxed, st.integers(0, 100_000), RATES, st.sampled_from(["FR", "DE"]))
    return st.lists(line, min_size=1, max_size=12)


# Periods


@given(DAYS, PERIODS, st.integers(0, 1_600))
@example(date(2026, 1, 31), BillingPeriod.MONTHLY, 28)
@example(date(2028, 2, 29), BillingPeriod.YEARLY, 1_461)
def test_the_period_that_holds_a_day(anchor: date, period: BillingPeriod, ahead: int) -> None:
    """BIL-6. Anchor + n months, clamped to the month's end and never drifting."""
    day = anchor + timedelta(days=ahead)
    begins, over = oracle_calendar.period_of(anchor, MONTHS[period], day)
    assert period_at(anchor, period, day) == (begins, over)
    assert days(begins, over) == oracle_calendar.length(begins, over)


@given(DAYS, PERIODS)
def test_the_first_period(anchor: date, period: BillingPeriod) -> None:
    """BIL-6."""
    assert first_period(anchor, period) == (anchor, oracle_calendar.later(anchor, MONTHS[period]))


@given(DAYS, st.integers(0, 120))
def test_so_many_months_later(anchor: date, months: int) -> None:
    """BIL-6."""
    assert after(anchor, months) == oracle_calendar.later(anchor, months)


@given(DAYS, INVOICING_DAYS, SHORT, PERIODS)
@example(date(2026, 1, 31), None, date(2026, 2, 28), BillingPeriod.MONTHLY)
@example(date(2028, 2, 29), None, date(2029, 2, 28), BillingPeriod.YEARLY)
@example(date(2026, 1, 31), 28, date(2026, 1, 31), BillingPeriod.MONTHLY)
@example(date(2026, 1, 31), None, date(2026, 4, 28), BillingPeriod.MONTHLY)
def test_where_a_period_ends(anchor: date, day: int | None, begins: date, period: BillingPeriod) -> None:
    """BIL-5, BIL-6. A whole period, or the days to where whole ones begin: the invoicing day, else the anchor's."""
    assume(begins >= anchor)
    found = span(anchor, day, begins, period)
    assert found.starts_on == begins
    assert found.ends_before == oracle_calendar.ends(begins, day or anchor.day, MONTHS[period])


@given(SHORT, st.integers(1, 28))
def test_the_next_invoicing_day(day: date, invoicing_day: int) -> None:
    """BIL-5. Found day by day."""
    expected = day
    while expected.day != invoicing_day:
        expected += timedelta(days=1)
    assert next_on(invoicing_day, day) == expected


# Nights


def test_the_oracle_knows_the_nights_on_which_clocks_are_changed() -> None:
    found = [oracle_calendar.last_sunday(year, month) for year in (2026, 2027, 2028) for month in (3, 10)]
    assert found == NIGHTS


@given(st.sampled_from(NIGHTS), st.integers(-36 * 60, 36 * 60))
@example(date(2026, 10, 25), 0)
@example(date(2026, 3, 29), 60)
def test_the_civil_day_around_both_nights(night: date, minutes: int) -> None:
    """BIL-6. Dates are those of the provider's zone, whatever becomes of its clocks."""
    instant = datetime.combine(night, datetime.min.time(), UTC) + timedelta(minutes=minutes)
    assert civil_day(instant, PARIS) == oracle_calendar.civil(instant)


@given(
    st.sampled_from(NIGHTS).flatmap(lambda night: st.dates(night - timedelta(days=2), night + timedelta(days=2))) | DAYS
)
def test_where_a_day_begins(day: date) -> None:
    """BIL-6."""
    begins = day_start(day, PARIS)
    assert begins == oracle_calendar.midnight(day)
    assert oracle_calendar.civil(begins) == day
    assert oracle_calendar.civil(begins - timedelta(microseconds=1)) == day - timedelta(days=1)


@given(CENTS, st.sampled_from(NIGHTS), st.integers(0, 20), st.integers(1, 20))
def test_a_night_of_another_length_is_one_day_of_a_period(net: int, night: date, before: int, behind: int) -> None:
    """BIL-6. By day, not by hour."""
    begins, over = night - timedelta(days=before), night + timedelta(days=behind)
    found = cut(net, begins, over, night)
    assert (found.days_left, found.days) == (behind, before + behind)
    assert found.refund_cents == oracle.half_up(Fraction(net * behind, before + behind))


# Pro rata


@given(CENTS, DAYS, PERIODS, st.integers(0, 366))
@example(6_000, date(2026, 3, 10), BillingPeriod.YEARLY, 257)
@example(6_000, date(2027, 6, 1), BillingPeriod.YEARLY, 214)
def test_what_goes_back(net: int, begins: date, period: BillingPeriod, used: int) -> None:
    """BIL-6. Round half up of net × days left ÷ days; what was used is the rest, never rounded apart."""
    over = oracle_calendar.later(begins, MONTHS[period])
    day = begins + timedelta(days=used)
    found = cut(net, begins, over, day)
    assert found.refund_cents == oracle.refund(net, begins, over, day)
    assert found.used_cents == net - oracle.refund(net, begins, over, day)


@given(CENTS, st.integers(1, 366), st.data())
def test_a_share_of_a_price(net: int, whole: int, data: st.DataObject) -> None:
    """BIL-6."""
    part = data.draw(st.integers(0, whole))
    assert pro_rata(net, part, whole) == oracle.half_up(Fraction(net * part, whole))


@given(CENTS, SHORT, PERIODS, st.integers(1, 28))
@example(2_200, date(2026, 12, 5), BillingPeriod.MONTHLY, 1)
@example(6_000, date(2026, 12, 5), BillingPeriod.YEARLY, 1)
def test_the_days_to_an_invoicing_day(net: int, paid_until: date, period: BillingPeriod, invoicing_day: int) -> None:
    """BIL-5. A share of the period that would have begun there, over its real length."""
    found, months = stub(net, paid_until, period, invoicing_day), MONTHS[period]
    over = oracle_calendar.ends(paid_until, invoicing_day, months)
    if paid_until.day == invoicing_day:
        assert found is None
    else:
        assert found is not None
        assert (found.starts_on, found.ends_before) == (paid_until, over)
        assert found.net_cents == oracle.share(net, paid_until, over, months)


# Discounts


DISCOUNT = st.tuples(
    st.sampled_from(DiscountKind),
    st.decimals(0, 100, places=2),
    st.none() | st.dates(date(2026, 6, 1), date(2027, 6, 1)),
)


@given(
    CENTS, st.lists(DISCOUNT, max_size=3, unique_by=lambda each: each[0]), st.dates(date(2026, 6, 1), date(2027, 6, 1))
)
@example(24_000, [(DiscountKind.REFERRAL, Decimal(10), None), (DiscountKind.PROGRAM, Decimal(50), None)], TODAY)
def test_discounts_apply_in_their_order(
    list_cents: int, given_: list[tuple[DiscountKind, Decimal, date | None]], begins: date
) -> None:
    """BIL-17, SPEC 17. List price, program, referral; on periods that start before its end. VAT comes after."""
    holding = in_force([Discount(*each) for each in given_], begins)
    percents = oracle.in_order([(kind.value, Fraction(percent), over) for kind, percent, over in given_], begins)
    assert [Fraction(each.percent) for each in holding] == percents
    assert discounted(list_cents, [each.percent for each in holding]) == oracle.discounted(list_cents, percents)


@given(CENTS, DAYS, INVOICING_DAYS, PERIODS, st.lists(DISCOUNT, max_size=2, unique_by=lambda each: each[0]))
def test_what_a_period_costs(
    list_cents: int,
    begins: date,
    day: int | None,
    period: BillingPeriod,
    given_: list[tuple[DiscountKind, Decimal, date | None]],
) -> None:
    """BIL-5, BIL-6, BIL-17. A whole one its price after discounts; the days to an invoicing day their share."""
    made = term(
        Item(RevenueKind.HOSTING, "Small", "Small", "shop", period),
        Priced(None, list_cents, None),
        span(begins, day, begins, period),
        tuple(Discount(*each) for each in given_),
    )
    over = oracle_calendar.ends(begins, day or begins.day, MONTHS[period])
    percents = oracle.in_order([(kind.value, Fraction(percent), end) for kind, percent, end in given_], begins)
    price = oracle.discounted(list_cents, percents)
    if over == oracle_calendar.later(begins, MONTHS[period]):
        assert made.net_cents == price
    elif not percents:
        assert made.net_cents == oracle.share(list_cents, begins, over, MONTHS[period])
    assert (made.starts_on, made.ends_before) == (begins, over)
    assert 0 <= made.net_cents <= list_cents


# VAT


@given(lines())
def test_vat_is_of_each_group_s_total(document: list[oracle.Taxed]) -> None:
    """BIL-6. Per rate group on the document total, not per line; and no cent drifts between lines and document."""
    found = {(each.rate_bp, each.territory): (each.base_cents, each.tax_cents) for each in taxes(document)}
    assert found == oracle.vat_by_group(document)
    assert line_taxes(document) == oracle.vat_of_lines(document)


@given(lines(), st.data())
def test_refunds_of_a_line_are_the_line_in_the_end(document: list[oracle.Taxed], data: st.DataObject) -> None:
    """BIL-6. At the original rate; never more than the line, net and VAT alike; the last takes the remainder."""
    place = data.draw(st.integers(0, len(document) - 1))
    line, tax = document[place], line_taxes(document)[place]
    left, back = oracle.Refunded(line.net_cents, tax, line.rate_bp), [0, 0]
    parts = data.draw(st.lists(st.integers(1, 100_000), max_size=5))
    for wanted in (*parts, line.net_cents):
        net = min(wanted, left.net_left)
        if not net:
            break
        found = refund_of(line.net_cents, tax, back[0], back[1], net, line.rate_bp)
        assert found == left.give_back(net)
        back = [back[0] + net, back[1] + found]
    assert back == [line.net_cents, tax if line.net_cents else 0]


@given(
    st.sampled_from(["FR", "MC", *oracle.UNION, *oracle.ABROAD]),
    st.sampled_from(
        ["75011", "97110", "97200", "97400", "97300", "97600", "97500", "97700", "98600", "98700", "98800"]
    ),
    st.booleans(),
    st.sampled_from([None, False, True]),
    st.booleans(),
)
def test_who_pays_which_vat(country: str, code: str, business: bool, valid: bool | None, one_stop_shop: bool) -> None:
    """BIL-7. Of the table that is shipped, today."""
    postal_code = code if country == "FR" else "10115"
    buyer = Buyer(
        country, postal_code, is_business=business, vat_number="number" if business else None, vat_valid=valid
    )
    table = VatTable(TABLE.rates, one_stop_shop)
    expected = oracle.rate_of(
        country, postal_code, business=business, vies_valid=bool(valid), one_stop_shop=one_stop_shop
    )
    assert treatment(buyer, TODAY, table).rate_bp == expected


@pytest.mark.parametrize(
    ("net", "left", "whole", "back"), [(6_000, 108, 365, 1_775), (2_200, 13, 30, 953), (60_000, 71, 365, 11_671)]
)
def test_the_oracle_knows_the_worked_examples(net: int, left: int, whole: int, back: int) -> None:
    """SPEC 12."""
    over = date(2026, 1, 1) + timedelta(days=whole)
    assert oracle.refund(net, date(2026, 1, 1), over, over - timedelta(days=left)) == back
