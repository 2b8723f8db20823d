"""BIL-5, BIL-6. Periods, without a database: the worked examples, and naive counting that has to agree."""

import calendar
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.clock import civil_day, day_start
from models.money import nearest
from models.period import after, cut, days, first_period, next_on, period_at, pro_rata, stub
from models.price import BillingPeriod

PARIS = ZoneInfo("Europe/Paris")
MONTHLY, YEARLY = BillingPeriod.MONTHLY, BillingPeriod.YEARLY
DAYS = st.dates(date(2019, 1, 1), date(2045, 12, 31))
CENTS = st.integers(0, 10**9)
PERIODS = st.sampled_from(BillingPeriod)


def counted(start: date, end: date) -> int:
    """The days of a period, one by one."""
    number, day = 0, start
    while day < end:
        number, day = number + 1, day + timedelta(days=1)
    return number


def half_up(exact: Fraction) -> int:
    """Another way to round: through decimals, far more of them than could matter."""
    decimals = Decimal(exact.numerator * 2 // exact.denominator) / 2
    return int(decimals.quantize(Decimal(1), ROUND_HALF_UP))


# Worked examples


@pytest.mark.parametrize(
    ("net", "start", "period", "left_on", "of", "refund"),
    [
        (6_000, date(2026, 3, 10), YEARLY, date(2026, 11, 22), (108, 365), 1_775),
        (2_200, date(2026, 11, 5), MONTHLY, date(2026, 11, 22), (13, 30), 953),
        (60_000, date(2026, 2, 1), YEARLY, date(2026, 11, 22), (71, 365), 11_671),
        (6_000, date(2027, 6, 1), YEARLY, date(2028, 1, 1), (152, 366), 2_492),
    ],
)
def test_the_worked_examples_of_what_is_given_back(
    net: int, start: date, period: BillingPeriod, left_on: date, of: tuple[int, int], refund: int
) -> None:
    left = cut(net, *first_period(start, period), left_on)
    assert (left.days_left, left.days) == of
    assert left.refund_cents == refund
    assert left.used_cents == net - refund


@pytest.mark.parametrize(
    ("net", "period", "of", "cents"), [(2_200, MONTHLY, (27, 31), 1_916), (6_000, YEARLY, (27, 365), 444)]
)
def test_the_worked_examples_of_an_invoicing_day(
    net: int, period: BillingPeriod, of: tuple[int, int], cents: int
) -> None:
    aligned = stub(net, date(2026, 12, 5), period, 1)
    assert aligned is not None
    assert (aligned.starts_on, aligned.ends_before) == (date(2026, 12, 5), date(2027, 1, 1))
    assert (aligned.days, aligned.period_days) == of
    assert aligned.net_cents == cents


def test_what_ends_on_the_invoicing_day_needs_no_bringing_there() -> None:
    assert stub(2_200, date(2026, 12, 5), MONTHLY, 5) is None
    assert next_on(28, date(2026, 2, 28)) == date(2026, 2, 28)
    assert next_on(1, date(2026, 12, 2)) == date(2027, 1, 1)


@pytest.mark.parametrize("invoicing_day", [0, 29, 31, -1])
def test_an_invoicing_day_is_one_that_every_month_has(invoicing_day: int) -> None:
    with pytest.raises(ValueError, match="not a day of every month"):
        next_on(invoicing_day, date(2026, 1, 1))


# The ends of months, leap years and clock changes


@pytest.mark.parametrize("day", [29, 30, 31])
def test_an_anchor_at_the_end_of_a_month_never_drifts(day: int) -> None:
    anchor = date(2023, 1, day)
    for months in range(1, 120):
        found = after(anchor, months)
        last = calendar.monthrange(found.year, found.month)[1]
        assert found.day == min(day, last)
        assert (found.year - 2023) * 12 + found.month - 1 == months


def test_the_29th_of_february_comes_back_in_leap_years() -> None:
    anchor = date(2024, 2, 29)
    assert [after(anchor, 12 * year) for year in range(1, 5)] == [
        date(2025, 2, 28),
        date(2026, 2, 28),
        date(2027, 2, 28),
        date(2028, 2, 29),
    ]
    assert days(*period_at(anchor, YEARLY, date(2027, 6, 1))) == 366
    assert period_at(anchor, MONTHLY, date(2024, 3, 29)) == (date(2024, 3, 29), date(2024, 4, 29))


@pytest.mark.parametrize(
    ("night", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_a_night_of_another_length_is_a_day_like_any_other(night: date, hours: int) -> None:
    """BIL-6. Days are the calendar's in the zone of billing, not twenty-four hours."""
    begins, ends = day_start(night, PARIS), day_start(night + timedelta(days=1), PARIS)
    assert ends - begins == timedelta(hours=hours)
    assert civil_day(begins, PARIS) == civil_day(ends - timedelta(microseconds=1), PARIS) == night
    assert civil_day(begins - timedelta(microseconds=1), PARIS) == night - timedelta(days=1)
    assert days(night, civil_day(ends, PARIS)) == 1
    whole = first_period(night.replace(day=1), MONTHLY)
    left = cut(3_100, *whole, civil_day(ends, PARIS))
    assert left.days == calendar.monthrange(night.year, night.month)[1]
    assert left.days_left == left.days - night.day


def test_an_evening_in_utc_is_the_next_day_in_paris() -> None:
    assert civil_day(datetime(2026, 11, 21, 23, 30, tzinfo=UTC), PARIS) == date(2026, 11, 22)
    assert civil_day(datetime(2026, 7, 21, 22, 30, tzinfo=UTC), PARIS) == date(2026, 7, 22)


# Properties


@given(DAYS, PERIODS, st.integers(0, 1_500))
def test_periods_follow_one_another_without_gap_or_overlap(anchor: date, period: BillingPeriod, later: int) -> None:
    day = anchor + timedelta(days=later)
    start, end = period_at(anchor, period, day)
    assert start <= day < end
    assert days(start, end) == counted(start, end)
    assert period_at(anchor, period, end)[0] == end
    if start > anchor:
        assert period_at(anchor, period, start - timedelta(days=1))[1] == start


@given(CENTS, DAYS, PERIODS, st.data())
def test_what_is_given_back_and_what_was_used_are_what_was_charged(
    net: int, start: date, period: BillingPeriod, data: st.DataObject
) -> None:
    start, end = first_period(start, period)
    day = data.draw(st.dates(start, end + timedelta(days=40)))
    left = cut(net, start, end, day)
    assert left.refund_cents + left.used_cents == net
    assert 0 <= left.refund_cents <= net
    assert left.refund_cents == half_up(Fraction(net * max(0, counted(day, end)), counted(start, end)))
    if day == start:
        assert left.used_cents == 0
    if day >= end:
        assert left.refund_cents == 0


@given(CENTS, DAYS, PERIODS, st.integers(1, 28))
def test_a_stub_reaches_the_invoicing_day_within_a_month(
    net: int, paid_until: date, period: BillingPeriod, invoicing_day: int
) -> None:
    aligned = stub(net, paid_until, period, invoicing_day)
    if aligned is None:
        assert paid_until.day == invoicing_day
        return
    assert aligned.ends_before.day == invoicing_day
    assert 0 < counted(aligned.starts_on, aligned.ends_before) == aligned.days <= aligned.period_days
    assert aligned.net_cents == half_up(Fraction(net * aligned.days, aligned.period_days))
    assert aligned.net_cents <= net


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_halves_go_away_from_zero(numerator: int, denominator: int) -> None:
    assert nearest(-numerator, denominator) == -nearest(numerator, denominator) == nearest(numerator, -denominator)
    distance = abs(Fraction(numerator, denominator) - nearest(numerator, denominator))
    assert distance <= Fraction(1, 2)
    if distance == Fraction(1, 2):
        assert abs(nearest(numerator, denominator)) > abs(Fraction(numerator, denominator))


@pytest.mark.parametrize(("share", "whole"), [(-1, 30), (31, 30), (0, 0)])
def test_a_share_is_within_its_period(share: int, whole: int) -> None:
    with pytest.raises(ValueError, match="no share of a period"):
        pro_rata(100, share, whole)


def test_nothing_is_left_before_it_began() -> None:
    with pytest.raises(ValueError, match="before the period"):
        cut(100, date(2026, 1, 2), date(2026, 2, 2), date(2026, 1, 1))
