"""What the rules say of days, once more: periods that are counted on a calendar, and nights as the law changes clocks.

Nothing here is fast, and nothing is taken from `models/`, nor from a table of time zones.
"""

import calendar
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

ONE_DAY = timedelta(days=1)


def length(starts_on: date, ends_before: date) -> int:
    """The days of a half-open period, counted one by one."""
    found, day = 0, starts_on
    while day < ends_before:
        found, day = found + 1, day + ONE_DAY
    return found


def day_in(year: int, month: int, day: int) -> date:
    """That day of a month, or its last; months count on beyond December."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def later(day: date, months: int) -> date:
    """BIL-6. So many months later: clamped to the month's end, from the anchor itself, so it never drifts."""
    return day_in(day.year, day.month + months, day.day)


def period_of(anchor: date, months: int, day: date) -> tuple[date, date]:
    """BIL-6. The period that holds a day: anchor + n periods, counted from the first one on."""
    number = 0
    while later(anchor, (number + 1) * months) <= day:
        number += 1
    return later(anchor, number * months), later(anchor, (number + 1) * months)


def next_whole(begins: date, day_of_month: int, months: int) -> date | None:
    """BIL-5. Where a whole period ends that begins on this day; None where whole ones begin on another day."""
    if begins != day_in(begins.year, begins.month, day_of_month):
        return None
    return day_in(begins.year, begins.month + months, day_of_month)


def ends(begins: date, day_of_month: int, months: int) -> date:
    """BIL-5, BIL-6. Where the period ends that begins on this day: a whole one, or the days to where those begin."""
    if whole := next_whole(begins, day_of_month, months):
        return whole
    day = begins
    while day != day_in(day.year, day.month, day_of_month):
        day += ONE_DAY
    return day


def is_whole(begins: date, day_of_month: int, months: int) -> bool:
    """BIL-5. Whether that period has all its days: a share of all of them is the same."""
    over = ends(begins, day_of_month, months)
    return over in (next_whole(begins, day_of_month, months), later(begins, months))


# Nights in Paris


@lru_cache
def last_sunday(year: int, month: int) -> date:
    """Of a month."""
    return max(
        day for day in calendar.Calendar().itermonthdates(year, month) if day.month == month and day.isoweekday() == 7
    )


def offset(instant: datetime) -> timedelta:
    """How far Paris is ahead: two hours between the last Sundays of March and October, each at 1 h UTC, else one."""
    summer = (datetime.combine(last_sunday(instant.year, month), datetime.min.time(), UTC) for month in (3, 10))
    begins, over = (each + timedelta(hours=1) for each in summer)
    return timedelta(hours=2 if begins <= instant < over else 1)


def civil(instant: datetime) -> date:
    """The day that calendars show in Paris."""
    return (instant + offset(instant)).date()


def midnight(day: date) -> datetime:
    """The instant at which a day begins in Paris. Clocks are never changed at midnight."""
    guess = datetime.combine(day, datetime.min.time(), UTC)
    return guess - offset(guess - timedelta(hours=2))
