"""EVT-1. The bus: a fact reaches those who follow it, whatever process committed it, once, and late if need be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app import bus
from app.bus import LATE, Bus, Seen, earlier, telling
from app.settings import Settings
from models.activity import Fact
from models.clock import FrozenClock
from models.column import new_id
from models.db import Database, Db
from tests.api import OWNER, Api, serving
from tests.booking import a_customer
from tests.following import ACTIVITY, BILLING, line
from tests.test_db import DONE, Thing
from tests.test_live import adjusted

ON_POSTGRESQL = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
CUT = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
SOON = 1.0
"""Seconds in which what happens in one process is told by another."""


class Listeners:
    """Those who are told, in a test."""

    is_followed = True

    def __init__(self) -> None:
        self.heard: list[Fact] = []
        self.rang = asyncio.Event()

    def told(self, facts: Any) -> None:
        self.heard += facts
        self.rang.set()

    async def hear(self, number: int, within: float = SOON) -> list[UUID]:
        """The ids of what was told, once so many were."""
        async with asyncio.timeout(within):
            while len(self.heard) < number:
                self.rang.clear()
                await self.rang.wait()
        return [fact.id for fact in self.heard]


@asynccontextmanager
async def another(database: Database, clock: FrozenClock) -> AsyncIterator[Database]:
    """The same database, as another process has it."""
    made = Database(database.url.render_as_string(hide_password=False), clock=clock, sandbox=True)
    yield made
    await made.close()


async def happened(database: Database) -> UUID:
    """A fact; answers its id."""
    async with Db(database) as db, db.write() as write:
        write.record.happened(DONE, Thing(new_id(), OWNER.key))
    return write.record.events[0].id


def settings(**values: Any) -> Settings:
    return Settings(**{"live_catch_up": 60, **values})


async def test_what_is_committed_is_told_once_in_its_order(database: Database) -> None:
    listeners = Listeners()
    async with telling(database, listeners, settings(live_catch_up=0.05)):
        made = [await happened(database) for _ in range(20)]
        assert await listeners.hear(20) == made
        await asyncio.sleep(0.2)
    assert len(listeners.heard) == 20
    assert (listeners.heard[0].kind, listeners.heard[0].owner_id) == (DONE.code, OWNER.key)


async def test_nobody_is_told_of_what_was_before(database: Database) -> None:
    await happened(database)
    listeners = Listeners()
    async with telling(database, listeners, settings(live_catch_up=0.05)):
        await asyncio.sleep(0.2)
        made = await happened(database)
        assert await listeners.hear(1) == [made]


async def test_a_commit_that_was_cut_short_is_told_where_it_happened(database: Database) -> None:
    """Whoever waits for an answer and goes: the row is there, or it is not; nobody is told of one that is not."""
    listeners = Listeners()
    async with telling(database, listeners, settings()):
        for tick in range(30):
            task = asyncio.ensure_future(happened(database))
            await asyncio.sleep(tick / 5_000)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        last = await happened(database)
        while not listeners.heard or listeners.heard[-1].id != last:
            await listeners.hear(len(listeners.heard) + 1)
        async with Db(database) as db:
            there = {row.id for row in await db.rows(text("SELECT id FROM activity_event"))}
    assert {str(fact.id).replace("-", "") for fact in listeners.heard} == {str(key).replace("-", "") for key in there}


async def test_of_too_much_at_once_nothing_is_lost(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "MOST_WAITING", 5)
    listeners = Listeners()
    async with telling(database, listeners, settings()):
        async with Db(database) as db, db.write() as write:
            for _ in range(1_000):
                write.record.happened(DONE, Thing(new_id(), OWNER.key))
        assert len(set(await listeners.hear(1_000, within=10))) == 1_000


@ON_POSTGRESQL
async def test_one_process_tells_what_happens_in_another(database: Database, clock: FrozenClock) -> None:
    """A server, another one, and a worker that serves nobody."""
    here, there = Listeners(), Listeners()
    async with (
        another(database, clock) as second,
        another(database, clock) as third,
        telling(database, here, settings()),
        telling(second, there, settings()),
        telling(third, None, settings()),
    ):
        await asyncio.sleep(0.3)  # Until they listen.
        made = [await happened(each) for each in (database, second, third)]
        for listeners in (here, there):
            assert set(await listeners.hear(3)) == set(made)
        await asyncio.sleep(0.2)
    assert (len(here.heard), len(there.heard)) == (3, 3)


@ON_POSTGRESQL
async def test_many_facts_leave_in_notices_that_hold_them(database: Database, clock: FrozenClock) -> None:
    listeners = Listeners()
    async with (
        another(database, clock) as second,
        telling(database, listeners, settings()),
        telling(second, None, settings()),
    ):
        await asyncio.sleep(0.3)
        async with Db(second) as db, db.write() as write:
            for _ in range(1_000):
                write.record.happened(DONE, Thing(new_id(), OWNER.key))
        assert len(set(await listeners.hear(1_000, within=10))) == 1_000


@ON_POSTGRESQL
async def test_a_connection_that_dies_is_made_again_and_what_it_missed_is_found(
    database: Database, clock: FrozenClock
) -> None:
    listeners = Listeners()
    async with another(database, clock) as second, telling(database, listeners, settings()):
        await asyncio.sleep(0.3)
        async with second.writing() as connection:
            assert (await connection.execute(CUT)).all()
        missed = await happened(second)  # Nobody told of it.
        assert await listeners.hear(1, within=5) == [missed]
        async with telling(second, None, settings()):
            await asyncio.sleep(0.3)
            heard = await happened(second)
            assert await listeners.hear(2) == [missed, heard]


@ON_POSTGRESQL
async def test_what_nobody_told_of_is_found_among_the_rows(database: Database, clock: FrozenClock) -> None:
    """A process that is killed between its commit and its notice; a command that has no bus."""
    listeners = Listeners()
    async with another(database, clock) as second, telling(database, listeners, settings(live_catch_up=0.2)):
        async with Db(second) as db, db.write() as write:
            write.record.happened(DONE, Thing(new_id(), OWNER.key))
            later = await happened_elsewhere(second)
            assert await listeners.hear(1, within=5) == [later]
            await asyncio.sleep(0.5)
        early = write.record.events[0].id
        assert await listeners.hear(2, within=5) == [later, early]
    assert early < later, "it was committed late, behind one that was made after it"


async def happened_elsewhere(database: Database) -> UUID:
    made = Database(database.url.render_as_string(hide_password=False), clock=database.clock, sandbox=True)
    try:
        return await happened(made)
    finally:
        await made.close()


@ON_POSTGRESQL
async def test_a_balance_that_moves_in_one_process_is_told_by_another(
    api: Api, database: Database, bound: Any, clock: FrozenClock
) -> None:
    async with (
        another(database, clock) as second,
        serving(second, bound, rate_limits=False) as other,
        line(other.app) as opened,
        line(api.app) as history,
    ):
        await (await opened.enter(await api.token())).follow(BILLING)
        await (await history.enter(await api.token())).follow(ACTIVITY)
        await asyncio.sleep(0.3)
        async with asyncio.timeout(SOON):
            await adjusted(api)
            assert (await opened.told())["balance"]
            assert (await history.told())["action"] == "ledger.adjustment"
        async with asyncio.timeout(SOON):
            await adjusted(other)
            assert (await history.told())["action"] == "ledger.adjustment"


def test_what_was_seen_is_not_told_again_until_it_is_forgotten() -> None:
    seen, keys = Seen(), [new_id() for _ in range(3)]
    assert seen.fresh([*keys, keys[0]]) == keys
    assert seen.fresh(keys) == []
    seen.forget(keys[1])
    assert seen.fresh(keys) == keys[:2]


def test_ids_sort_by_the_time_that_they_were_made() -> None:
    key = new_id()
    assert earlier(key, timedelta(0)) <= key < earlier(key, -timedelta(milliseconds=1))
    assert (key.int >> 80) - (earlier(key, LATE).int >> 80) == LATE // timedelta(milliseconds=1)


async def test_a_process_that_serves_nobody_keeps_nothing(database: Database) -> None:
    made = Bus(database, None, timedelta(seconds=1))
    made.heard([new_id()])
    assert not made._heard
    assert await a_customer(database)
