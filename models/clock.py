"""Time. Everything that needs an instant is given a clock; nothing else reads the machine's (a lint says so).

There are two times. *Real* time rules security: sessions, codes, links, limits, leases. *Business* time is real time
plus the sandbox offset: periods, invoices, alerts, activity. In production the offset is always zero.
"""

from datetime import UTC, date, datetime, timedelta
from time import perf_counter_ns, thread_time_ns
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Real time, UTC."""

    def now(self) -> datetime: ...


class RealClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FrozenClock:
    """A clock that stands still until it is moved; for tests and deterministic seeding."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def move(self, by: timedelta) -> None:
        self._at += by


def stopwatch() -> int:
    """Nanoseconds since some moment: how long the machine took for something, never when."""
    return perf_counter_ns()


def worked() -> int:
    """Nanoseconds that this thread has worked since some moment: on a busy machine less than went by."""
    return thread_time_ns()


def civil_day(instant: datetime, zone: ZoneInfo) -> date:
    """The day that calendars show in `zone` at `instant`."""
    return instant.astimezone(zone).date()


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which `day` begins in `zone`, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def later(instant: datetime, delay: timedelta, zone: ZoneInfo) -> datetime:
    """So long after an instant, or before it, by the calendar of `zone`: days end at the hour at which they began."""
    return (instant.astimezone(zone) + delay).astimezone(UTC)
