import asyncio
import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, cast
from uuid import UUID

import pytest
from sqlalchemy import QueuePool, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from models import sqlite
from models.activity import Action, ActivityEvent, Author
from models.clock import FrozenClock
from models.column import new_id, table
from models.conflict import Busy, Conflict, constraint_over
from models.db import Database, Db, NothingRecorded, async_url
from models.profile import Profile
from models.sandbox import ClockOffset
from models.tables import metadata
from tests.database import START

only_postgresql = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
only_sqlite = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

PROFILE = table(Profile)
OFFSET = table(ClockOffset)
EVENT = table(ActivityEvent)


CREATED, DONE, COUNTED, SPENT, REFUSED = (
    Action(f"test.{verb}", "") for verb in ("created", "done", "counted", "spent", "refused")
)


@dataclass(frozen=True)
class Thing:
    """What the facts of these tests are about."""

    activity_type: ClassVar[str] = "Test"
    id: UUID = field(default_factory=new_id)
    owner_id: UUID = field(default_factory=new_id)


def profile(email: str, **values: Any) -> Profile:
    return Profile(email=email, password_hash="-", password_changed_at=START, created_at=START, **values)


async def create(db: Db, email: str) -> None:
    async with db.write() as write:
        write.add(profile(email))
        write.record.happened(CREATED, Thing())


async def count(database: Database, of: Any) -> int:
    async with Db(database) as db:
        row = await db.first(select(func.count()).select_from(of))
    assert row is not None
    return int(row[0])


async def counter(database: Database) -> None:
    """A row that counts in `microseconds`."""
    async with database.writing() as connection:
        await connection.execute(insert(OFFSET).values(id=new_id(), microseconds=0))


async def counted(database: Database) -> int:
    async with Db(database) as db:
        row = await db.first(select(OFFSET.c.microseconds))
    assert row is not None
    return int(row[0])


def in_use(database: Database) -> int:
    """Connections that somebody holds."""
    return database.readings.in_use + cast(QueuePool, database.writers.pool).checkedout()


def connections(engine: AsyncEngine) -> int:
    pool = cast(QueuePool, engine.pool)
    return pool.checkedin() + pool.checkedout()


def like(database: Database, **options: Any) -> Database:
    """Another one, with a cold pool, to the same file or server."""
    url = database.url.render_as_string(hide_password=False)
    return Database(url, clock=database.clock, sandbox=database.sandbox, **options)


# Reading


async def test_parallel_reads_share_one_connection_of_a_cold_pool(database: Database) -> None:
    for _ in range(20):
        cold = like(database, pre_ping=True)
        async with Db(cold) as db:
            answers = await asyncio.gather(*(db.rows(select(PROFILE.c.id)) for _ in range(6)))
        assert answers == [[]] * 6
        assert db.statements == 6
        assert connections(cold.readers) == 1
        await cold.close()


@only_sqlite
@pytest.mark.skipif(not sqlite.wal_is_safe, reason="without WAL a writer waits until readers are done")
async def test_a_request_sees_one_state_of_the_file(database: Database) -> None:
    async with Db(database) as db:
        before = await db.rows(select(PROFILE.c.id))
        await create(Db(database), "late@example.com")
        assert await db.rows(select(PROFILE.c.id)) == before == []
        await db.release()
        assert len(await db.rows(select(PROFILE.c.id))) == 1


@only_postgresql
async def test_selects_run_outside_transactions(database: Database) -> None:
    async with Db(database) as db:
        first = await db.rows(select(func.now()))
        assert await db.rows(select(func.now())) != first


async def test_a_reading_connection_cannot_write(database: Database) -> None:
    async with Db(database) as db:
        with pytest.raises(DBAPIError, match=r"read-only|readonly"):
            await db.rows(insert(OFFSET).values(id=new_id(), microseconds=1).returning(OFFSET.c.id))
    assert await count(database, OFFSET) == 0


async def test_first_is_the_first_row_or_none(database: Database) -> None:
    async with Db(database) as db:
        assert await db.first(select(PROFILE.c.email)) is None
        await create(db, "ada@example.com")
        assert await db.first(select(PROFILE.c.email)) == ("ada@example.com",)


async def test_business_time_is_real_time_and_the_offset(database: Database, clock: FrozenClock) -> None:
    async with Db(database) as db:
        assert await db.now() == START
        await db.note(insert(OFFSET).values(id=new_id(), microseconds=timedelta(days=731) // timedelta(microseconds=1)))
        clock.move(timedelta(hours=1))
        assert await db.now() == START + timedelta(days=731, hours=1)
        async with db.write() as write:
            assert write.real_now == START + timedelta(hours=1)
            assert write.now == write.real_now + timedelta(days=731)
            write.record.happened(DONE, Thing())


# Writing


async def test_a_write_commits_rows_and_facts_together(database: Database) -> None:
    author = Author(actor_id=new_id(), ip_address="192.0.2.1")
    async with Db(database, author) as db:
        await create(db, "ada@example.com")
        facts = await db.rows(select(EVENT.c.kind, EVENT.c.occurred_at, EVENT.c.actor_id, EVENT.c.ip_address))
        assert list(map(tuple, facts)) == [("test.created", START, author.actor_id, "192.0.2.1")]
        assert await db.rows(select(PROFILE.c.email)) == [("ada@example.com",)]


async def test_what_was_read_before_does_not_hide_what_was_written(database: Database) -> None:
    async with Db(database) as db:
        assert await db.rows(select(PROFILE.c.email)) == []
        await create(db, "ada@example.com")
        assert await db.rows(select(PROFILE.c.email)) == [("ada@example.com",)]


async def test_writes_follow_each_other_and_facts_are_counted(database: Database) -> None:
    async with Db(database) as db:
        await create(db, "ada@example.com")
        assert db.recorded == 1
        async with db.write() as write:
            write.record.happened(DONE, Thing())
            write.record.happened(DONE, Thing())
        assert db.recorded == 3
        with pytest.raises(Conflict):
            await create(db, "ada@example.com")
        assert db.recorded == 3
        await create(db, "grace@example.com")
    assert (await count(database, PROFILE), await count(database, EVENT)) == (2, 4)


async def test_a_failed_write_rolls_back_rows_and_facts(database: Database) -> None:
    db = Db(database)

    async def fail() -> None:
        async with db.write() as write:
            write.add(profile("ada@example.com"))
            write.record.happened(CREATED, Thing())
            await write.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert (await count(database, PROFILE), await count(database, EVENT), db.recorded) == (0, 0, 0)


async def test_a_write_that_states_nothing_is_rolled_back(database: Database) -> None:
    with pytest.raises(NothingRecorded):
        async with Db(database).write() as write:
            write.add(profile("ada@example.com"))
    assert await count(database, PROFILE) == 0


async def test_a_write_inside_a_write_is_refused(database: Database) -> None:
    db = Db(database)
    async with db.write() as write:
        write.record.happened(DONE, Thing())
        with pytest.raises(AssertionError, match="inside a write"):
            await create(db, "ada@example.com")
        with pytest.raises(AssertionError, match="inside a write"):
            await db.note(update(OFFSET).values(microseconds=1))
        with pytest.raises(AssertionError, match="inside a write"):
            await db.rows(select(PROFILE.c.id))
    assert db.recorded == 1


async def test_a_note_is_kept_although_what_follows_fails(database: Database) -> None:
    await counter(database)
    db = Db(database)
    await db.note(update(OFFSET).values(microseconds=7))
    with pytest.raises(NothingRecorded):
        async with db.write():
            pass
    assert await counted(database) == 7


async def test_facts_may_name_instants_and_ids(database: Database) -> None:
    thing = Thing()
    async with Db(database) as db:
        async with db.write() as write:
            write.record.happened(DONE, thing, changes={"at": (None, START)}, other_id=thing.id)
        row = await db.first(select(EVENT.c.changes, EVENT.c.facts))
    assert row is not None
    assert tuple(row) == ({"at": [None, "2026-11-22T09:00:00Z"]}, {"other_id": str(thing.id)})


# Concurrency


async def test_forty_increments_at_once_all_count(database: Database) -> None:
    await counter(database)

    async def increment() -> None:
        async with Db(database).write() as write:
            row = await write.lock_one(select(ClockOffset))
            assert row is not None
            row.microseconds += 1
            write.record.happened(COUNTED, Thing())

    await asyncio.gather(*(increment() for _ in range(40)))
    assert await counted(database) == 40
    assert await count(database, EVENT) == 40


async def test_forty_spenders_of_what_ten_can_have(database: Database) -> None:
    await counter(database)
    take = update(OFFSET).where(OFFSET.c.microseconds < 10).values(microseconds=OFFSET.c.microseconds + 1)

    async def spend() -> bool:
        async with Db(database).write() as write:
            taken = await write.rows(take.returning(OFFSET.c.id))
            write.record.happened(SPENT if taken else REFUSED, Thing())
        return bool(taken)

    assert sum(await asyncio.gather(*(spend() for _ in range(40)))) == 10
    assert await counted(database) == 10


@only_postgresql
async def test_without_the_lock_an_increment_is_lost(database: Database) -> None:
    """What the lock is for: on SQLite there is no second writer to meet."""
    await counter(database)
    both_have_read = asyncio.Barrier(2)

    async def increment() -> None:
        async with Db(database).write() as write:
            ((number,),) = await write.rows(select(OFFSET.c.microseconds))
            await both_have_read.wait()
            await write.run(update(OFFSET).values(microseconds=number + 1))
            write.record.happened(COUNTED, Thing())

    await asyncio.gather(increment(), increment())
    assert await counted(database) == 1


async def test_rows_are_locked_in_the_order_of_their_keys(database: Database) -> None:
    rows = sorted((profile(f"{number}@example.com") for number in range(5)), key=lambda row: row.id)
    async with Db(database).write() as write:
        for row in reversed(rows):
            write.add(row)
            await write.flush()
        write.record.happened(CREATED, Thing())
    async with Db(database).write() as write:
        locked = await write.lock(select(Profile))
        write.record.happened(DONE, Thing())
    assert [row.id for row in locked] == [row.id for row in rows]


async def test_a_lock_that_does_not_come_free_makes_busy(database: Database) -> None:
    await counter(database)
    impatient = like(database, lock_timeout=timedelta(milliseconds=50))
    async with Db(database).write() as holder:
        await holder.lock(select(ClockOffset))
        holder.record.happened(DONE, Thing())
        with pytest.raises(Busy):
            async with Db(impatient).write() as write:
                await write.lock(select(ClockOffset))
    assert in_use(impatient) == 0
    await impatient.close()


async def test_a_pool_that_stays_empty_makes_busy(database: Database) -> None:
    small = like(database, pool_size=1, pool_overflow=0, lock_timeout=timedelta(milliseconds=50))
    async with small.reading():
        with pytest.raises(Busy):
            await Db(small).rows(select(PROFILE.c.id))
    assert in_use(small) == 0
    await small.close()


@only_postgresql
async def test_of_two_that_deadlock_one_gives_way(database: Database) -> None:
    rows = [profile("ada@example.com"), profile("grace@example.com")]
    async with Db(database).write() as write:
        for row in rows:
            write.add(row)
        write.record.happened(CREATED, Thing())
    both_have_one = asyncio.Barrier(2)

    async def lock(first: UUID, second: UUID) -> None:
        async with Db(database).write() as write:
            await write.lock(select(Profile).where(PROFILE.c.id == first))
            await both_have_one.wait()
            await write.lock(select(Profile).where(PROFILE.c.id == second))
            write.record.happened(DONE, Thing())

    one, other = (row.id for row in rows)
    outcomes = await asyncio.gather(lock(one, other), lock(other, one), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Busy", "NoneType"]


@only_postgresql
async def test_a_statement_that_runs_too_long_is_stopped(database: Database) -> None:
    strict = like(database, statement_timeout=timedelta(milliseconds=50))
    async with Db(strict) as db:
        with pytest.raises(DBAPIError, match="statement timeout"):
            await db.rows(text("SELECT pg_sleep(5)"))
    await strict.close()


# Cancellation


async def test_a_write_cancelled_in_the_middle_leaves_nothing_behind(database: Database) -> None:
    inside = asyncio.Event()

    async def stay() -> None:
        async with Db(database).write() as write:
            write.add(profile("ada@example.com"))
            write.record.happened(CREATED, Thing())
            await write.flush()
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(stay())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert in_use(database) == 0
    await asyncio.wait_for(create(Db(database), "ada@example.com"), timeout=1)
    assert (await count(database, PROFILE), await count(database, EVENT)) == (1, 1)


@pytest.mark.parametrize(
    "work",
    [
        lambda db: create(db, "ada@example.com"),
        lambda db: db.rows(select(PROFILE.c.id)),
        lambda db: db.fetch("SELECT id FROM profile", ()),
    ],
)
async def test_cancelled_at_any_moment_nothing_leaks_and_no_half_is_kept(
    database: Database, work: Callable[[Db], Any]
) -> None:
    async def request() -> None:
        async with Db(database) as db:
            await work(db)

    for moment in range(60):
        task = asyncio.create_task(request())
        await asyncio.sleep(moment / 10_000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert in_use(database) == 0
    assert await count(database, PROFILE) == await count(database, EVENT)
    await create(Db(database), "grace@example.com")


async def test_who_queues_for_a_write_may_give_up(database: Database) -> None:
    async with Db(database).write() as holder:
        await holder.run(insert(OFFSET).values(id=new_id(), microseconds=0))
        holder.record.happened(DONE, Thing())
        queue = [asyncio.create_task(create(Db(database), f"{number}@example.com")) for number in range(20)]
        await asyncio.sleep(0.05)
        for task in queue[::2]:
            task.cancel()
    outcomes = await asyncio.gather(*queue, return_exceptions=True)
    assert [outcome for outcome in outcomes[1::2] if outcome is not None] == []
    assert in_use(database) == 0


@only_postgresql
async def test_a_cancelled_statement_is_not_left_running(database: Database) -> None:
    async with Db(database) as db:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(db.rows(text("SELECT pg_sleep(60)")), timeout=0.1)
    assert in_use(database) == 0
    async with Db(database) as db:
        running = await db.rows(text("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%'"))
    assert running == []


async def test_errors_give_connections_back(database: Database) -> None:
    async with Db(database) as db:
        for _ in range(30):
            with pytest.raises(DBAPIError):
                await db.rows(text("SELECT nonsense"))
    for _ in range(30):
        with pytest.raises(DBAPIError):
            async with Db(database).write() as write:
                await write.run(text("UPDATE nonsense SET a = 1"))
    gc.collect()
    assert in_use(database) == 0


# Refusals of the database


async def test_a_taken_address_is_a_conflict_that_names_its_constraint(database: Database) -> None:
    await create(Db(database), "ada@example.com")
    with pytest.raises(Conflict) as raised:
        await create(Db(database), " Ada@Example.COM ")
    assert raised.value.constraint == "uq_profile_email"


async def test_a_conflict_is_known_where_the_row_is_sent(database: Database) -> None:
    await create(Db(database), "ada@example.com")
    met = []

    async def send() -> None:
        async with Db(database).write() as write:
            write.add(profile("ada@example.com"))
            try:
                await write.flush()
            except Conflict as conflict:
                met.append(conflict.constraint)
                raise

    with pytest.raises(Conflict):
        await send()
    assert met == ["uq_profile_email"]


async def test_a_taken_key_is_a_conflict_too(database: Database) -> None:
    await counter(database)
    again = insert(OFFSET).from_select(["id", "microseconds"], select(OFFSET.c.id, OFFSET.c.microseconds))
    with pytest.raises(Conflict) as raised:
        await Db(database).note(again)
    assert raised.value.constraint == "pk_clock_offset"


async def test_other_broken_constraints_are_not_conflicts(database: Database) -> None:
    with pytest.raises(IntegrityError):
        await Db(database).note(insert(OFFSET).values(id=new_id(), microseconds=None))


def test_every_unique_constraint_is_told_by_its_columns() -> None:
    for name in metadata.tables:
        for rule in metadata.tables[name].indexes | metadata.tables[name].constraints:
            if getattr(rule, "unique", False) or type(rule).__name__ in ("UniqueConstraint", "PrimaryKeyConstraint"):
                columns = ", ".join(f"{name}.{column.name}" for column in getattr(rule, "columns", ()))
                assert constraint_over(columns) == getattr(rule, "name", None)


async def test_errors_do_not_repeat_values(database: Database) -> None:
    async with Db(database) as db:
        with pytest.raises(DBAPIError) as raised:
            await db.rows(text("SELECT nonsense WHERE 'x' = :secret"), {"secret": "hunter2"})
    assert "hunter2" not in str(raised.value)


# Addresses


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("sqlite:///espace.db", "sqlite+aiosqlite"),
        ("postgres://localhost/espace", "postgresql+asyncpg"),
        ("postgresql+psycopg://localhost/espace", "postgresql+asyncpg"),
    ],
)
def test_addresses_get_our_drivers(given: str, driver: str) -> None:
    assert async_url(given).drivername == driver


def test_other_databases_are_refused() -> None:
    with pytest.raises(ValueError, match="SQLite or PostgreSQL"):
        async_url("mysql://localhost/espace")
