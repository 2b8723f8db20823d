"""What is asked of a driver directly: one connection and one view, the same refusals, and a loop that goes on."""

import asyncio
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from models import sqlite
from models.conflict import Busy
from models.db import Database, Db
from models.reading import KNOWN_AS_SLOW, SPARED, Slow
from tests.database import EVERYBODY_OUT
from tests.test_db import PROFILE, connections, create, in_use, like, only_postgresql, only_sqlite

EMAILS = "SELECT email FROM profile"
COUNTING = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT count(*) FROM n"
SECRET = "hunter2"
WRONG = {
    "sqlite": ["SELECT nonsense WHERE 'x' = ?", "SELECT json(?)"],
    "postgresql": ["SELECT nonsense WHERE 'x' = $1", "SELECT $1::integer", "SELECT $1::text::integer"],
}


async def emails(db: Db) -> list[str]:
    return [row[0] for row in await db.fetch(EMAILS, ())]


async def ticks(until: asyncio.Future[Any]) -> int:
    """How often the loop came round meanwhile."""
    count = 0
    while not until.done():
        await asyncio.sleep(0.001)
        count += 1
    return count


async def test_both_ways_share_one_connection_and_are_counted(database: Database) -> None:
    cold = like(database)
    async with Db(cold) as db:
        found = await asyncio.gather(emails(db), db.rows(select(PROFILE.c.email)), emails(db))
        assert (found, db.statements, connections(cold.readers)) == ([[], [], []], 3, 1)
    await cold.close()


@only_sqlite
@pytest.mark.skipif(not sqlite.wal_is_safe, reason="without WAL a writer waits until readers are done")
@pytest.mark.parametrize("first", ["fetch", "rows"])
async def test_both_ways_see_one_state_of_the_file(database: Database, first: str) -> None:
    async with Db(database) as db:
        assert (await emails(db) if first == "fetch" else await db.rows(select(PROFILE.c.email))) == []
        await create(Db(database), "late@example.com")
        assert await emails(db) == []
        assert await db.rows(select(PROFILE.c.email)) == []
        await db.release()
        assert await emails(db) == ["late@example.com"]


async def test_what_is_asked_directly_cannot_write(database: Database) -> None:
    async with Db(database) as db:
        with pytest.raises(DBAPIError, match=r"read-only|readonly"):
            await db.fetch("DELETE FROM profile", ())


async def test_what_is_wrong_gives_the_connection_back(database: Database) -> None:
    for _ in range(30):
        async with Db(database) as db:
            with pytest.raises(DBAPIError):
                await db.fetch("SELECT nonsense", ())
            assert await emails(db) == []
    assert in_use(database) == 0
    assert connections(database.readers) == 1


async def test_errors_do_not_repeat_values(database: Database) -> None:
    async with Db(database) as db:
        for wrong in WRONG[database.dialect]:
            with pytest.raises(DBAPIError) as raised:
                await db.fetch(wrong, [SECRET])
            assert SECRET not in "".join(traceback.format_exception(raised.value))


async def everybody_out(database: Database) -> None:
    """The server closes all connections."""
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    other = await asyncpg.connect(url)
    await other.execute(EVERYBODY_OUT)
    await other.close()


@only_postgresql
async def test_a_server_that_hung_up_is_called_again(database: Database) -> None:
    warm = like(database)
    async with Db(warm) as db:
        assert await emails(db) == []
        await everybody_out(database)
        assert await emails(db) == []
        await everybody_out(database)
        assert await db.rows(select(PROFILE.c.email)) == []
    await everybody_out(database)
    async with Db(warm) as db:
        assert await emails(db) == []
    assert in_use(warm) == 0
    await warm.close()


@only_postgresql
async def test_a_server_that_hung_up_after_a_change_is_called_again(database: Database) -> None:
    """What is told of the change is asked in a connection that was kept, and is closed by now."""
    warm = like(database, pre_ping=True)
    async with Db(warm) as db:
        assert await emails(db) == []
        await create(db, "new@example.com")
        await everybody_out(database)
        assert await emails(db) == ["new@example.com"]
        await create(db, "newer@example.com")
        await everybody_out(database)
        assert len(await db.rows(select(PROFILE.c.email))) == 2
    assert in_use(warm) == 0
    await warm.close()


@only_postgresql
async def test_what_runs_too_long_is_stopped(database: Database) -> None:
    strict = like(database, statement_timeout=timedelta(milliseconds=50))
    async with Db(strict) as db:
        with pytest.raises(DBAPIError, match="statement timeout"):
            await db.fetch("SELECT pg_sleep(5)", ())
        assert await emails(db) == []
    await strict.close()


@only_postgresql
async def test_what_was_cancelled_is_not_left_running(database: Database) -> None:
    async with Db(database) as db:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(db.fetch("SELECT pg_sleep(60)", ()), timeout=0.1)
    async with Db(database) as db:
        assert await db.rows(text("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%'")) == []
    assert in_use(database) == 0


@only_sqlite
async def test_what_takes_long_does_not_hold_the_loop(database: Database) -> None:
    async with Db(database) as db:
        for _ in range(2):
            asked = asyncio.ensure_future(db.fetch(COUNTING, [1_000_000]))
            assert await ticks(asked) > 5
            assert await asked == [(1_000_000,)]
        assert await emails(db) == []
    assert in_use(database) == 0


@only_sqlite
async def test_a_statement_that_was_slow_is_spared_the_trial_for_a_while(database: Database) -> None:
    slow = Slow()
    slow.met("it")
    assert [slow.spares("it") for _ in range(SPARED + 1)] == [True] * SPARED + [False]
    for number in range(KNOWN_AS_SLOW + 1):
        slow.met(str(number))
    assert (slow.spares("0"), slow.spares("1")) == (False, True)


@only_sqlite
async def test_a_slow_statement_that_nobody_waits_for_stops(database: Database) -> None:
    async with Db(database) as db:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(db.fetch(COUNTING, [10**12]), timeout=0.1)
        assert await asyncio.wait_for(emails(db), timeout=5) == []
    await asyncio.wait_for(database.readings.close(), timeout=5)
    assert in_use(database) == 0


@only_sqlite
async def test_a_lock_is_waited_for_outside_the_loop(database: Database, tmp_path: Path) -> None:
    """Without WAL a writer that commits keeps readers out."""
    path = tmp_path / "espace.db"
    with sqlite.library.connect(path, isolation_level=None) as other:
        other.execute("CREATE TABLE profile (email TEXT)")
        slow = Database(f"sqlite:///{path}", clock=database.clock, sandbox=False, journal="DELETE")
        async with Db(slow) as db:
            assert await emails(db) == []
        other.execute("BEGIN EXCLUSIVE")
        async with Db(slow) as db:
            asked = asyncio.ensure_future(emails(db))
            await asyncio.sleep(0.05)
            assert not asked.done()
            other.execute("COMMIT")
            assert await asked == []
        impatient = Database(
            f"sqlite:///{path}", clock=database.clock, sandbox=False, journal="DELETE", lock_timeout=timedelta(0)
        )
        async with Db(impatient) as db:
            assert await emails(db) == []
            await db.release()
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(Busy):
                await emails(db)
        assert in_use(impatient) == 0
        await slow.close()
        await impatient.close()
    other.close()
