"""What may happen to a customer, as it is drawn: weighted, since a life without changes of plan tells little."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from models.profile import ProfileKind
from tests.life_model import LIST
from tests.oracle_calendar import ONE_DAY, civil, last_sunday, midnight

STARTS = [
    datetime(2026, 11, 22, 9, tzinfo=UTC),
    datetime(2026, 1, 31, 22, 30, tzinfo=UTC),
    datetime(2026, 3, 28, 23, 30, tzinfo=UTC),
    datetime(2026, 10, 24, 21, 45, tzinfo=UTC),
    datetime(2026, 12, 31, 20, tzinfo=UTC),
    datetime(2028, 1, 30, 23, 15, tzinfo=UTC),
    datetime(2028, 2, 28, 22, 50, tzinfo=UTC),
    datetime(2028, 2, 29, 10, tzinfo=UTC),
]
"""In the last hour before midnight in Paris, around the nights on which clocks change, at ends of months."""
PLACES: list[tuple[int, dict[str, Any]]] = [
    (2_000, {"kind": ProfileKind.COMPANY, "country": "FR", "postal_code": "75011"}),
    (850, {"kind": ProfileKind.COMPANY, "country": "FR", "postal_code": "97200"}),
    (1_900, {"kind": ProfileKind.INDIVIDUAL, "country": "DE", "postal_code": "10115"}),
    (0, {"kind": ProfileKind.COMPANY, "country": "US", "postal_code": "10001"}),
]
"""BIL-7. Addresses, and what is paid there."""
PLANS, PERIODS = st.sampled_from([*LIST, *LIST, "free"]), st.sampled_from(["MONTHLY", "MONTHLY", "YEARLY"])
DAYS = st.none() | st.sampled_from([1, 15, 28]) | st.integers(1, 28)
WAITS = st.sampled_from([0] * 10 + [14, 15])
"""Minutes between a price and its confirmation."""
AHEAD = st.sampled_from([0, 0, 1, 1, 2, 3, 5, 9, 14, 20, 28, 30, 31])
DRAWN: dict[str, tuple[int, list[st.SearchStrategy[Any]]]] = {
    "open": (3, [PLANS, PERIODS, st.sampled_from([0, 0, 40, 120]), WAITS]),
    "change": (8, [st.integers(0, 2), PLANS, PERIODS, WAITS]),
    "choose_day": (2, [DAYS, WAITS]),
    "renew": (3, [st.integers(0, 5), st.sampled_from([False, False, True])]),
    "pay": (2, [st.none() | st.integers(1, 60_000)]),
    "move_house": (1, [st.sampled_from(PLACES)]),
    "prices_change": (1, [st.sampled_from(list(LIST)), PERIODS, st.integers(1, 30_000), st.integers(1, 40)]),
    "time_goes_by": (6, [AHEAD, st.integers(0, 1439)]),
    "time_goes_to_a_landmark": (3, [st.integers(0, 30)]),
    "a_year_goes_by": (1, []),
}
"""How often each, and with what."""
STEPS: st.SearchStrategy[tuple[Any, ...]] = st.sampled_from(
    [name for name, (weight, _) in DRAWN.items() for _ in range(weight)]
).flatmap(lambda name: st.tuples(st.just(name), *DRAWN[name][1]))
FAR = timedelta(days=70)


def landmarks(now: datetime) -> list[datetime]:
    """The ends of months, and the nights that are shorter or longer, that are not far; to the second."""
    found: list[datetime] = []
    for month in range(now.month, now.month + 3):
        first = midnight(date(now.year + month // 12, month % 12 + 1, 1))
        found += [first - ONE_DAY, first - timedelta(seconds=1), first, first + timedelta(hours=6)]
    for year, month in ((now.year, 3), (now.year, 10), (now.year + 1, 3)):
        night = datetime.combine(last_sunday(year, month), datetime.min.time(), UTC) + timedelta(hours=1)
        found += [night - timedelta(seconds=1), night, midnight(civil(night)), midnight(civil(night) + ONE_DAY)]
    return sorted(each for each in found if now < each <= now + FAR)
