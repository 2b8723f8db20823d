"""Connections that only read, kept open from one request to the next, and how each driver is asked directly.

One connection answers both SQLAlchemy's statements and text that was compiled before, so that a request has one view of
the database. On SQLite text runs in the loop's own thread, since handing it to another costs more than most statements
take; one that takes long is interrupted and asked again in the connection's thread.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from models import sqlite  # isort: skip - before anything that imports sqlite3

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from models.clock import stopwatch, worked
from models.conflict import Busy, refused

Result = TypeVar("Result")
AT_ONCE_NS = 5_000_000
"""How long a statement may hold the loop: well above what nearly all take, and below what anybody would notice."""
WORKED_NS = 2_500_000
"""How long it has to have worked by then: on a busy machine what holds the loop may be others."""
AT_MOST_NS = 50_000_000
"""How long it may hold the loop in any case: it may wait for a disk."""
FAIR_NS = 1_000_000
"""After a statement that held the loop for so long others have their turn: a request may have many of them."""
INSTRUCTIONS = 250
"""How often SQLite asks whether to go on: some 10 µs where what it reads is in memory."""
HANGING_UP = ("08", "57P")
"""PostgreSQL's errors about the connection, and those of a server that stops."""
KNOWN_AS_SLOW = 500
"""Texts of statements that took too long, kept at a time."""
SPARED = 50
"""How many times such a statement goes to the thread without being tried in the loop."""


class Slow:
    """The statements that took too long: they are not tried in the loop again for a while."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, int] = OrderedDict()

    def spares(self, text: str) -> bool:
        """Whether it goes to the thread this time."""
        left = self._left.pop(text, 0)
        if left > 1:
            self._left[text] = left - 1
        return left > 0

    def met(self, text: str) -> None:
        self._left[text] = SPARED
        if len(self._left) > KNOWN_AS_SLOW:
            self._left.popitem(last=False)


class Reading:
    """One connection that only reads."""

    def __init__(self, connection: AsyncConnection, driver: Any) -> None:
        self.connection = connection
        self.driver = driver
        self.broken = False
        """Nobody knows what state it is in: it is closed instead of kept."""

    @property
    def usable(self) -> bool:
        """Whether it can be asked, as far as is known here."""
        return not (self.broken or self.connection.closed or self.connection.invalidated)

    def through_sqlalchemy(self) -> AsyncConnection:
        """The connection, for statements that SQLAlchemy runs."""
        return self.connection

    async def fetch(self, text: str, values: Sequence[Any]) -> Sequence[Any]:
        """The driver's rows of a select in its own dialect. Raises Busy, Conflict, DBAPIError."""
        raise AssertionError("each driver is asked in its own way")

    async def begin_view(self) -> None:
        """From here to the end everything that is read is of one instant, as it is on SQLite in any case."""

    def ended(self) -> bool:
        """End what this request saw; False where only `end` can."""
        return not self.connection.in_transaction()

    async def end(self) -> None:
        """End what this request saw, whoever began it."""
        await self.connection.rollback()

    async def close(self) -> None:
        if not self.usable and not self.connection.closed:
            await self.connection.invalidate()
        await self.connection.close()


class PostgresqlReading(Reading):
    """A connection to PostgreSQL. The driver keeps statements prepared by their text."""

    def __init__(self, connection: AsyncConnection, driver: Any) -> None:
        super().__init__(connection, driver)
        self._viewing = False

    async def begin_view(self) -> None:
        await self._ask(self.driver.execute, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        self._viewing = True

    def ended(self) -> bool:
        return not self._viewing and super().ended()

    async def end(self) -> None:
        await self._end_view()
        await super().end()

    async def _end_view(self) -> None:
        """After a statement that failed nothing else could be read in it."""
        viewing, self._viewing = self._viewing, False
        if not viewing or self.driver.is_closed():
            return
        try:
            await self.driver.execute("ROLLBACK")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            self.broken = True

    @property
    def usable(self) -> bool:
        return super().usable and not self.driver.is_closed()

    async def fetch(self, text: str, values: Sequence[Any]) -> Sequence[Any]:
        return await self._ask(self.driver.fetch, text, *values)

    async def _ask(self, ask: Callable[..., Awaitable[Result]], text: str, *values: Any) -> Result:
        """What the driver answers. Raises Busy, Conflict, DBAPIError."""
        try:
            return await ask(text, *values)
        except asyncpg.PostgresError as error:
            self.broken = (error.sqlstate or "").startswith(HANGING_UP)
            await self._end_view()
            raise refused(error, text) from None
        except Exception as error:
            self.broken = True
            raise refused(error, text) from None
        except BaseException:
            self.broken = True
            raise


class SqliteReading(Reading):
    """A connection to an SQLite file. The driver's connection may be used in any thread, by one at a time."""

    def __init__(self, connection: AsyncConnection, driver: Any, slow: Slow, wait: timedelta) -> None:
        super().__init__(connection, driver)
        self._slow = slow
        self._file: Any = driver._conn
        self._wait = wait // timedelta(milliseconds=1)
        self._patient = True
        self._begun = self._worked = 0
        self._given_up = False

    def through_sqlalchemy(self) -> AsyncConnection:
        self._be(patient=True)
        return self.connection

    async def fetch(self, text: str, values: Sequence[Any]) -> Sequence[Any]:
        if not self._slow.spares(text):
            self._be(patient=False)
            self._watch()
            try:
                rows = self._ask(text, values)
                if stopwatch() - self._begun > FAIR_NS:
                    await asyncio.sleep(0)
                return rows
            except sqlite.library.Error as error:
                if not sqlite.could_not_wait(error):
                    raise refused(error, text) from None
                if sqlite.was_interrupted(error):
                    self._slow.met(text)
        return await self._ask_patiently(text, values)

    def ended(self) -> bool:
        if not super().ended():
            return False
        self._watch()
        self._file.rollback()
        return True

    async def end(self) -> None:
        self._be(patient=True)
        await super().end()

    async def close(self) -> None:
        if self.usable:
            self._be(patient=True)  # Whoever is given it next knows nothing of a watch.
        await super().close()

    def _ask(self, text: str, values: Sequence[Any]) -> Sequence[Any]:
        if not self._file.in_transaction:
            self._file.execute("BEGIN")
        rows: Sequence[Any] = self._file.execute(text, values).fetchall()
        return rows

    async def _ask_patiently(self, text: str, values: Sequence[Any]) -> Sequence[Any]:
        """In the connection's thread, however long it takes and a lock is waited for."""
        self._be(patient=True)
        try:
            rows: Sequence[Any] = await self.driver._execute(self._unless_given_up, text, values)
        except sqlite.library.Error as error:
            raise refused(error, text) from None
        except BaseException:
            self.broken = self._given_up = True
            self._file.interrupt()
            raise
        return rows

    def _unless_given_up(self, text: str, values: Sequence[Any]) -> Sequence[Any]:
        return () if self._given_up else self._ask(text, values)

    def _watch(self) -> None:
        self._begun, self._worked = stopwatch(), worked()

    def _takes_long(self) -> bool:
        """Whether what is asked in the loop is to be interrupted."""
        held = stopwatch() - self._begun
        return held > AT_ONCE_NS and (held > AT_MOST_NS or worked() - self._worked > WORKED_NS)

    def _be(self, *, patient: bool) -> None:
        """In the loop nothing is waited for, and the watch runs. In the thread it would wait for the loop each time."""
        if self._patient is patient:
            return
        self._file.set_progress_handler(None, 0)  # First: what follows must not be interrupted by an old watch.
        self._file.execute(f"PRAGMA busy_timeout={self._wait if patient else 0}")
        if not patient:
            self._file.set_progress_handler(self._takes_long, INSTRUCTIONS)
        self._patient = patient


class Readings:
    """The reading connections of one database: `size` are kept, `overflow` more are made when all are in use."""

    def __init__(
        self,
        engine: AsyncEngine,
        of: Callable[[AsyncConnection, Any], Reading],
        *,
        size: int,
        overflow: int,
        wait: timedelta,
    ) -> None:
        self.in_use = 0
        """Connections that somebody holds."""
        self._engine = engine
        self._of = of
        self._size = size
        self._wait = wait
        self._free = asyncio.Semaphore(size + overflow)
        self._idle: list[Reading] = []
        self._unwanted: set[asyncio.Task[Reading]] = set()

    async def take(self) -> Reading:
        """A connection of one's own, until it is given back. Raises Busy where none comes free in time."""
        await self._queue()
        self.in_use += 1
        try:
            while self._idle:
                reading = self._idle.pop()
                if reading.usable:
                    return reading
                await to_its_end(reading.close())
            opening = asyncio.ensure_future(self._opened())
            try:
                return await asyncio.shield(opening)
            except asyncio.CancelledError:
                self._unwanted.add(opening)
                opening.add_done_callback(self._keep)
                raise
        except BaseException:
            self._leave()
            raise

    async def give(self, reading: Reading) -> None:
        """Give back what was taken."""
        try:
            if reading.usable and len(self._idle) < self._size and reading.ended():
                self._idle.append(reading)
            else:
                await to_its_end(self._put_away(reading))
        finally:
            self._leave()

    async def _put_away(self, reading: Reading) -> None:
        if reading.usable:  # Whether it is kept here or not: whoever is given it next would see what this request saw.
            try:
                await reading.end()
            except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                reading.broken = True
        if reading.usable and len(self._idle) < self._size:
            self._idle.append(reading)
        else:
            await reading.close()

    async def close(self) -> None:
        """Close what nobody holds."""
        if self._unwanted:
            await asyncio.wait(self._unwanted)
            await asyncio.sleep(0)  # Until they are kept.
        while self._idle:
            await self._idle.pop().close()

    async def _queue(self) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        try:
            async with asyncio.timeout(self._wait.total_seconds()):
                await self._free.acquire()
        except TimeoutError:
            raise Busy from None

    def _leave(self) -> None:
        self.in_use -= 1
        self._free.release()

    def _keep(self, opening: asyncio.Task[Reading]) -> None:
        """Whoever wanted it has gone; the next one has it sooner."""
        self._unwanted.discard(opening)
        if not opening.cancelled() and opening.exception() is None:
            self._idle.append(opening.result())

    async def _opened(self) -> Reading:
        connection = self._engine.connect()
        try:
            await connection.start()
        except PoolExhausted as error:
            raise Busy from error
        raw = await connection.get_raw_connection()
        return self._of(connection, raw.driver_connection)


async def to_its_end(work: Coroutine[Any, Any, Result]) -> Result:
    """Finish `work` although the caller is cancelled meanwhile: a COMMIT cut short may or may not have happened."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled from task.exception()
    return task.result()
