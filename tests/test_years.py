"""EVT-4, BIL-1. Years of many customers: the books are right at every month's end, and the same by whatever steps."""

import random
from datetime import datetime, timedelta

import pytest

from resolvers.audit import Findings
from tests.database import Databases
from tests.life_ground import Ground, ground_of
from tests.life_world import World
from tests.life_year import BEGIN, Deed, exported, lived, planned, settled
from tests.oracle_calendar import day_in, midnight

CUSTOMERS = {"sqlite": 20, "postgresql": 20}
A_YEAR = timedelta(days=365)
SLICE, SLICES, YEARS = 10, 20, 3


def month_ends(years: int) -> list[datetime]:
    """Where in Paris one month goes over into another."""
    return [midnight(day_in(BEGIN.year, BEGIN.month + month, 1)) for month in range(1, 12 * years + 1)]


async def verified(ground: Ground, profiles: int, years: int, seed: int) -> list[Findings]:
    """What was found at each month's end."""
    worlds, found = await settled(ground, profiles), []

    async def look() -> None:
        found.append(await worlds[0].verified())

    await lived(worlds, planned(profiles, years, seed), month_ends(years), look)
    return found


def seen(found: list[Findings]) -> tuple[int, int, int]:
    """How often it was looked, what was not sealed then, and how many customers there were in the end."""
    return len(found), sum(each.unsealed for each in found), found[-1].profiles


@pytest.mark.timeout(600)
async def test_a_year_of_customers_is_right_at_every_month_s_end(databases: Databases, backend: str) -> None:
    """BIL-1. With a 29 February, and both nights on which clocks change."""
    profiles = CUSTOMERS[backend]
    async with ground_of(databases) as ground:
        found = await verified(ground, profiles, 1, seed=1)
    assert seen(found) == (12, 0, profiles)
    assert found[-1].documents >= 8 * profiles


@pytest.mark.timeout(600)
async def test_a_year_is_the_same_by_whatever_steps(databases: Databases) -> None:
    """EVT-4. In one step between what customers do, in 12, in 365, and by random cuts: the same ledger."""
    profiles, dice = 3, random.Random(6)
    deeds: list[Deed] = planned(profiles, 1, seed=2)
    cuts = [BEGIN + timedelta(seconds=dice.randrange(int(A_YEAR.total_seconds()))) for _ in range(60)]
    ways = [[], month_ends(1), [BEGIN + timedelta(days=day, hours=3) for day in range(1, 366)], cuts]
    ledgers = []
    async with ground_of(databases) as ground:
        for stops in ways:
            worlds: list[World] = await settled(ground, profiles)
            await lived(worlds, deeds, [*stops, BEGIN + timedelta(days=366)])
            ledgers.append(await exported(ground.database))
    for name, rows in ledgers[0].items():
        assert rows, name
        for other in ledgers[1:]:
            assert other[name] == rows


@pytest.mark.campaign
@pytest.mark.parametrize("start", range(0, SLICE * SLICES, SLICE), ids=lambda start: f"years_{start:03}")
async def test_so_are_years_of_many_customers(sqlite_databases: Databases, start: int) -> None:
    """A slice can be taken up alone: `make campaign ARGS="-k years_070"`."""
    async with ground_of(sqlite_databases) as ground:
        found = await verified(ground, SLICE, YEARS, seed=1_000 + start)
    assert seen(found) == (12 * YEARS, 0, SLICE)
    assert found[-1].documents >= 5 * SLICE * YEARS  # Whoever pays yearly, and changes nothing, has few.
