"""EVT-1. The bus: ids of facts, from whoever committed them to whoever follows them.

In one process they go from the commit to its followers. On PostgreSQL they go by NOTIFY to all processes as well, the
worker's facts too. What that loses (a connection that dies, a process that is killed before it has told) is found by
looking at the newest rows, again and again while anybody follows anything: ids sort by time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.settings import Settings
from engine.failure import log_failure
from models.activity import Fact
from models.column import new_id
from models.conflict import Busy
from models.db import Database, Db
from models.pool import postgresql_engine
from resolvers import activity

CHANNEL = "espace_fact"
IDS_PER_NOTICE = 240
"""Of 33 characters each: a payload has less than 8,000 bytes."""
AT_ONCE = 100
"""Facts read in one statement."""
MOST_WAITING = 20_000
"""Ids that are kept for whoever is slow; those that are lost are found among the rows."""
LATE = timedelta(seconds=90)
"""How long after its id was made a fact may be committed, at most; clocks of several machines included."""
FIRST_PAUSE, LONGEST_PAUSE, UNREAD_PAUSE = 0.1, 5.0, 1.0
TIMEOUT = 10
NOTIFY = "SELECT pg_notify($1, $2)"
LIMITS = {"statement_timeout": timedelta(seconds=TIMEOUT)}

logger = structlog.get_logger(__name__)


class Followers(Protocol):
    """Those who are woken."""

    @property
    def is_followed(self) -> bool: ...

    def told(self, facts: Iterable[Fact]) -> None: ...


class Seen:
    """The ids that went by lately: nothing is told twice."""

    def __init__(self) -> None:
        self._ids: set[UUID] = set()

    def fresh(self, keys: Iterable[UUID]) -> list[UUID]:
        """Those that were not seen before."""
        found = [key for key in dict.fromkeys(keys) if key not in self._ids]
        self._ids.update(found)
        return found

    def lose(self, keys: Iterable[UUID]) -> None:
        """They went by, and nobody was told."""
        self._ids.difference_update(keys)

    def forget(self, before: UUID) -> None:
        """What nobody would find again."""
        self._ids = {key for key in self._ids if key > before}


class Bus:
    """What happened, on its way to `followers`, and to other processes; a process that serves nobody only tells."""

    def __init__(self, database: Database, followers: Followers | None, interval: timedelta) -> None:
        self.database = database
        self.followers = followers
        self._interval = interval.total_seconds()
        self._seen = Seen()
        self._heard: list[UUID] = []
        self._ring = asyncio.Event()
        self._missed = False
        self._looked = 0.0
        self._since = new_id()
        """Whatever happened before is nobody's to tell."""
        self._wire = None if database.is_sqlite else Wire(database, self.heard if followers else None, self.missed)

    def committed(self, keys: Sequence[UUID]) -> None:
        """Facts of this process."""
        if self._wire is not None:
            self._wire.tell(keys)
        self.heard(keys)

    def heard(self, keys: Iterable[UUID]) -> None:
        """Facts of whatever process."""
        if self.followers is not None:
            self._heard += self._seen.fresh(keys)
            if len(self._heard) > MOST_WAITING:
                self._seen.lose(self._heard)
                self._heard.clear()
                self.missed()
            self._ring.set()

    def missed(self) -> None:
        """Something may have been lost: look at the rows."""
        self._missed = True
        self._ring.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            if self._wire is not None:
                tasks.create_task(self._wire.run())
            if self.followers is not None:
                tasks.create_task(self._distribute(self.followers))

    async def _distribute(self, followers: Followers) -> None:
        while True:
            await _set_within(self._ring, self._interval)
            self._ring.clear()
            try:
                await self._round(followers)
            except (DBAPIError, Busy, OSError) as error:
                logger.warning("facts_unread", exc_type=type(error).__name__)
                self.missed()
                await asyncio.sleep(UNREAD_PAUSE)
            except Exception as error:
                log_failure("facts_failed", error)
                self.missed()
                await asyncio.sleep(UNREAD_PAUSE)

    async def _round(self, followers: Followers) -> None:
        now = asyncio.get_running_loop().time()
        async with Db(self.database) as db:
            if self._missed or now - self._looked >= self._interval:
                looks, self._missed, self._looked = self._missed or self._wire is not None, False, now
                await self._look_back(db, followers, looks=looks)
            await self._pass_on(db, followers)

    async def _pass_on(self, db: Db, followers: Followers) -> None:
        while self._heard:
            keys, self._heard = self._heard[:AT_ONCE], self._heard[AT_ONCE:]
            if not followers.is_followed:
                continue
            try:
                found = await activity.facts(db, keys)
            except BaseException:
                self._seen.lose(keys)
                raise
            # What is not there may come still, where it is not known how a COMMIT ended.
            self._seen.lose(set(keys) - {fact.id for fact in found})
            followers.told(found)
            await db.release()  # The next ones are seen as they are then.

    async def _look_back(self, db: Db, followers: Followers, *, looks: bool) -> None:
        """Take up what went by without being heard; what was committed late has an id of before."""
        now = new_id()
        start, end = max(self._since, earlier(now, LATE)), earlier(now, -LATE)
        self._seen.forget(earlier(start, LATE))
        while looks and followers.is_followed and (found := await activity.facts_between(db, start, end, AT_ONCE)):
            self._heard += self._seen.fresh(found)
            await self._pass_on(db, followers)
            start = found[-1]


class Wire:
    """PostgreSQL's NOTIFY, over a connection of its own that is made again whenever it dies."""

    def __init__(
        self, database: Database, heard: Callable[[Iterable[UUID]], None] | None, missed: Callable[[], None]
    ) -> None:
        self._engine = postgresql_engine(database.url, LIMITS, read_only=True, pool_size=1, max_overflow=0)
        self._heard = heard
        self._missed = missed
        self._leaving: list[UUID] = []
        self._ring = asyncio.Event()

    def tell(self, keys: Iterable[UUID]) -> None:
        """Let the other processes know. What is too much for one that cannot be reached, they find by themselves."""
        self._leaving += keys
        del self._leaving[:-MOST_WAITING]
        self._ring.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        pause = FIRST_PAUSE
        try:
            while True:
                try:
                    async with self._engine.connect() as connection:
                        raw = await connection.get_raw_connection()
                        await self._listen(raw.driver_connection)
                        pause = FIRST_PAUSE
                        await self._send(connection, raw.driver_connection)
                except Exception as error:
                    logger.warning("facts_cut_off", exc_type=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        finally:
            await self._engine.dispose()

    async def _listen(self, driver: Any) -> None:
        driver.add_termination_listener(lambda _: self._ring.set())
        if self._heard is not None:
            await driver.add_listener(CHANNEL, self._notified)
            self._missed()

    async def _send(self, connection: AsyncConnection, driver: Any) -> None:
        """What leaves, in as few notices as hold it; between them look whether anybody is still there."""
        try:
            while True:
                self._ring.clear()
                keys = self._leaving[:IDS_PER_NOTICE]
                if driver.is_closed():
                    raise ConnectionError
                async with asyncio.timeout(TIMEOUT):
                    if keys:
                        await driver.execute(NOTIFY, CHANNEL, ",".join(key.hex for key in keys))
                    else:
                        await driver.execute("SELECT 1")
                del self._leaving[: len(keys)]
                if not self._leaving:
                    await _set_within(self._ring, TIMEOUT)
        finally:
            await connection.invalidate()

    def _notified(self, _connection: Any, _process: int, _channel: str, payload: str) -> None:
        if self._heard is not None:
            self._heard(UUID(part) for part in payload.split(",") if part)


def earlier(key: UUID, by: timedelta) -> UUID:
    """The first id that could have been made so long before this one: the time is in front, in milliseconds."""
    milliseconds = (key.int >> 80) - by // timedelta(milliseconds=1)
    return UUID(int=milliseconds << 80)


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    """Wait until it is set, at most so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


@asynccontextmanager
async def telling(database: Database, followers: Followers | None, settings: Settings) -> AsyncIterator[None]:
    """Whatever this process commits is told to those who follow, here and elsewhere."""
    bus = Bus(database, followers, settings.live_catch_up)
    database.followers.append(bus.committed)
    task = asyncio.create_task(bus.run())
    try:
        yield
    finally:
        database.followers.remove(bus.committed)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
