"""BIL-1, BIL-15. Sixteen clients on one profile lose nothing and double nothing, whatever they do at once."""

import time
from datetime import timedelta

import pytest
from sqlalchemy import text

from app import worker
from models.clock import FrozenClock
from models.db import Db
from resolvers import ledger_seal
from resolvers.audit import verify
from tests.api import Api
from tests.contention import SETTINGS, WEIGHTS, Crowd, check_kept, check_last, check_path, check_replay, crowd, facts_of

MANY, SLICE, SLICES = 400, 1_000, 10
SEEDS = {"sqlite": 0, "postgresql": 1_000_000}
DEADLOCKS = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")


async def check(made: Crowd, clock: FrozenClock) -> None:
    """The books are what the clients were told, then and once everything that fell due was done."""
    api = made.api
    assert dict(await facts_of(api) - made.before) == dict(+made.done)
    await check_kept(made)
    await check_last(made)
    await check_replay(made)
    await verify(api.database)
    clock.move(timedelta(days=2))
    async with Db(api.database) as db:
        await worker.fall_due(db, SETTINGS)
        await ledger_seal.seal(db)
    await check_replay(made)
    assert (await verify(api.database)).unsealed == 0


async def contended(api: Api, clock: FrozenClock, seed: int, count: int) -> None:
    begun, deadlocks = time.monotonic(), await deadlocked(api)
    made = await crowd(api, seed, count)
    print(
        f"{count} mutations on {api.database.dialect} in {time.monotonic() - begun:.1f} s: done {dict(made.done)}, "
        f"refused {dict(made.refused)}, retried {dict(made.repeated)}, "
        f"deadlocks broken {await deadlocked(api) - deadlocks}"
    )
    assert made.done.total() > count / 3
    assert all(made.done[name] for name in WEIGHTS)
    await check(made, clock)


async def deadlocked(api: Api) -> int:
    """How many deadlocks the server has broken; SQLite has one writer, and none."""
    if api.database.is_sqlite:
        return 0
    async with Db(api.database) as db:
        return int((await db.rows(DEADLOCKS))[0][0])


@pytest.mark.timeout(600)
async def test_sixteen_clients_on_one_profile_lose_nothing_and_double_nothing(
    api: Api, clock: FrozenClock, backend: str
) -> None:
    await contended(api, clock, SEEDS[backend], MANY)


@pytest.mark.campaign
@pytest.mark.parametrize("start", range(0, SLICE * SLICES, SLICE), ids=lambda start: f"seeds_{start:05}")
async def test_so_do_many_more(api: Api, clock: FrozenClock, backend: str, start: int) -> None:
    """A slice can be taken up alone: `make campaign ARGS="-k seeds_07000"`."""
    await contended(api, clock, SEEDS[backend] + start, SLICE)


def test_a_lost_update_is_noticed() -> None:
    check_path([(1, 2), (2, 3), (3, 2)], 1, 2)
    with pytest.raises(AssertionError):
        check_path([(1, 2), (1, 3)], 1, 3)
