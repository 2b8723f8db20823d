from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from models.clock import FrozenClock, RealClock, civil_day, day_start
from tests.database import START

PARIS = ZoneInfo("Europe/Paris")


def test_real_time_is_aware_and_goes_on() -> None:
    clock = RealClock()
    first, second = clock.now(), clock.now()
    assert first.tzinfo is UTC
    assert first <= second


def test_a_frozen_clock_moves_only_when_told(clock: FrozenClock) -> None:
    assert clock.now() == clock.now() == START
    clock.move(timedelta(days=1))
    assert clock.now() == datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_the_day_is_that_of_the_zone() -> None:
    assert civil_day(datetime(2026, 11, 22, 22, 59, tzinfo=UTC), PARIS) == date(2026, 11, 22)
    assert civil_day(datetime(2026, 11, 22, 23, 0, tzinfo=UTC), PARIS) == date(2026, 11, 23)


def test_a_day_starts_at_midnight_of_its_zone_in_summer_and_in_winter() -> None:
    assert day_start(date(2026, 7, 1), PARIS) == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert day_start(date(2026, 12, 1), PARIS) == datetime(2026, 11, 30, 23, tzinfo=UTC)


def test_the_days_on_which_clocks_change_have_23_and_25_hours() -> None:
    def hours(day: date) -> float:
        return (day_start(day + timedelta(days=1), PARIS) - day_start(day, PARIS)) / timedelta(hours=1)

    assert (hours(date(2026, 3, 29)), hours(date(2026, 10, 25))) == (23, 25)
