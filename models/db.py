"""The database: how it is reached, read and written. Only it and `models/reading.py` have `async def` in `models/`.

A request holds a `Db`, never a session. Reads share one connection and run one after the other: on SQLite in one read
transaction (a consistent view), on PostgreSQL without any (no BEGIN and ROLLBACK around each select). `write()` is one
transaction that sees the business clock, collects the facts of its verbs and commits both together.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, Self, TypeVar, cast
from uuid import UUID

from models import sqlite  # isort: skip - before anything that imports sqlite3

from sqlalchemy import Executable, Row, Select, SelectBase, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import Session
from sqlmodel import SQLModel

from models.activity import Author, Record
from models.clock import Clock
from models.column import table
from models.conflict import Busy
from models.delivery import deliveries
from models.locking import inserting, locking
from models.pool import postgresql_engine, sqlite_engine
from models.prepared import Prepared, compiled
from models.reading import PostgresqlReading, Reading, Readings, Slow, SqliteReading, to_its_end
from models.sandbox import ClockOffset

T = TypeVar("T", bound=SQLModel)
Answer = TypeVar("Answer")
Look = Callable[[], Awaitable[tuple[datetime, datetime]]]
"""Looks at the clocks: business time, and real time."""
Follower = Callable[[Sequence[UUID]], None]
"""Is told ids of facts, and looks for the rows: a COMMIT that was cut short may not have happened."""
NOTHING: Mapping[str, Any] = MappingProxyType({})


ALONE = {"pool_size": 1, "max_overflow": 0}
PREPARED = 1024
"""Statements kept in compiled form."""


class NothingRecorded(AssertionError):
    """A transaction was about to commit without stating what happened: a defect of the code, not of its input."""


class Database:
    """One database and its connections: some that only read, and some that write (on SQLite one: writers queue).

    `pool_size` and `pool_overflow` count each kind. A statement waits `lock_timeout` for a lock, and so does who finds
    no connection free. On PostgreSQL a statement runs for `statement_timeout`, and `pre_ping` tries each connection
    before its use: the server may have hung up, which a file does not.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        sandbox: bool,
        pool_size: int = 5,
        pool_overflow: int = 10,
        pre_ping: bool = True,
        statement_timeout: timedelta = timedelta(seconds=30),
        lock_timeout: timedelta = timedelta(seconds=10),
        journal: str = sqlite.journal_mode,
    ) -> None:
        self.url: URL = async_url(url)
        self.clock, self.sandbox, self.journal = clock, sandbox, journal
        self.clockwork = asyncio.Lock()
        """EVT-4. Held, in this process, by whoever plays what falls due."""
        self.queued = asyncio.Event()
        """Set by a commit that left something to the worker, which need not wait for its next look."""
        self.followers: list[Follower] = []
        """EVT-1. Told which facts there may be, once their transaction is over."""
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        pool: dict[str, Any] = {
            "pool_size": pool_size,
            "max_overflow": pool_overflow,
            "pool_timeout": lock_timeout.total_seconds(),
        }
        if self.is_sqlite:
            self.readers = sqlite_engine(self.url, wait=lock_timeout, journal=journal, read_only=True, **pool)
            reading: Any = partial(SqliteReading, slow=Slow(), wait=lock_timeout)
            self.writers = sqlite_engine(self.url, wait=lock_timeout, journal=journal, **pool | ALONE)
        else:
            limits = {
                "statement_timeout": statement_timeout,
                "lock_timeout": lock_timeout,
                "idle_in_transaction_session_timeout": statement_timeout,
            }
            pool["pool_pre_ping"] = pre_ping
            self.readers = postgresql_engine(self.url, limits, read_only=True, **pool)
            self.writers = postgresql_engine(self.url, limits, **pool)
            reading = PostgresqlReading
        self.readings = Readings(self.readers, reading, size=pool_size, overflow=pool_overflow, wait=lock_timeout)
        self.prepared = lru_cache(maxsize=PREPARED)(self._prepared)
        """A select that is made once, compiled once. It is kept by its identity."""

    @property
    def dialect(self) -> str:
        return self.writers.dialect.name

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that only reads: the database refuses it to write. Raises Busy."""
        reading = await self.readings.take()
        try:
            yield reading.through_sqlalchemy()
        except BaseException:
            reading.broken = True
            raise
        finally:
            await self.readings.give(reading)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction, which commits at the end. Raises Busy, Conflict."""
        async with _connection(self.writers) as connection:
            transaction = await connection.begin()
            yield connection
            try:
                await to_its_end(transaction.commit())
            except BaseException:
                # SQLite keeps a transaction whose COMMIT readers held up: the next writer would find itself in it.
                await to_its_end(connection.invalidate())
                raise

    async def offset(self, connection: AsyncConnection) -> timedelta:
        """How far business time is ahead; zero outside the sandbox."""
        if not self.sandbox:
            return timedelta(0)
        result = await connection.execute(select(table(ClockOffset).c.microseconds))
        return timedelta(microseconds=result.scalar_one_or_none() or 0)

    async def close(self) -> None:
        await self.readings.close()
        await self.readers.dispose()
        await self.writers.dispose()

    def tell(self, facts: Sequence[UUID]) -> None:
        """EVT-1. Whoever follows what happens looks at these, if they are there."""
        for follower in self.followers if facts else ():
            follower(facts)

    def _prepared(self, statement: SelectBase) -> Prepared:
        return compiled(statement, self.readers.dialect)


class Write:
    """One write transaction: finds and locks rows, takes new ones, and knows what time it is."""

    def __init__(self, session: AsyncSession, record: Record, look: Look | None = None) -> None:
        self._session = session
        self.record = record
        self._look = look
        self._found: list[Sequence[SQLModel]] = []
        """What was locked: the session itself forgets what nobody refers to."""
        self._appended: list[SQLModel] = []

    @property
    def now(self) -> datetime:
        """Business time, the same all through the transaction from its first lock on."""
        return self.record.now

    @property
    def real_now(self) -> datetime:
        """Real time, the same all through the transaction from its first lock on."""
        return self.record.real_now

    @property
    def dialect(self) -> str:
        """Of the database, where statements have to know it."""
        return self._session.get_bind().dialect.name

    async def lock(self, statement: Select[T], parameters: Mapping[str, Any] | None = None) -> Sequence[T]:
        """The rows of `statement`, locked until the end of the transaction, as they are now; see `locking`.

        The first lock is what a transaction waits for: it happens when it has that, and not before what it waited for.
        """
        found = (await self._session.scalars(locking(statement), parameters)).all()
        self._found.append(found)
        if self._look is not None and not self.record.events:
            self.record.now, self.record.real_now = await self._look()
        self._look = None
        return found

    async def lock_one(self, statement: Select[T], parameters: Mapping[str, Any] | None = None) -> T | None:
        """The one row of `statement`, locked, or None."""
        rows = await self.lock(statement, parameters)
        return rows[0] if rows else None

    def held(self, model: type[T], key: Any) -> T | None:
        """A row that was locked before in this transaction: nobody else has changed it since. None where it was not."""
        identity = inspect(model).identity_key_from_primary_key((key,))
        found: T | None = self._session.sync_session.identity_map.get(identity)
        return found

    async def rows(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        return (await self._session.execute(statement, parameters)).all()

    async def run(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> None:
        await self._session.execute(statement, parameters)

    def add(self, row: SQLModel) -> None:
        self._session.add(row)

    def append(self, *rows: SQLModel) -> None:
        """New rows that nothing changes any more, not in this transaction either: they are sent as they are.

        The next `flush` sends them in this order, after all that was added or changed until then.
        """
        self._appended += rows

    async def flush(self) -> None:
        """Send what is pending now, for rows that others refer to, or to learn of a Conflict here."""
        appended, self._appended = self._appended, []
        await self._session.run_sync(_send, appended)


def _send(session: Session, appended: Sequence[SQLModel]) -> None:
    session.flush()
    for statement, values in inserting(appended):
        session.connection().execute(statement, values)


class Db:
    """The database as one request, or one job, uses it. `async with` lets its connection go at the end."""

    def __init__(self, database: Database, author: Author | None = None) -> None:
        self.database = database
        self.author = author or Author()
        self.statements = 0
        """Statements read so far; tests hold screens to a number of them."""
        self.recorded = 0
        """Facts committed so far."""
        self._turn = asyncio.Lock()
        self._reading: Reading | None = None
        self._writing = False
        self._written = False
        self._over = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over = True
        await self.release()

    async def rows(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """The rows of a select, in the request's one reading connection; concurrent callers take turns."""
        async with self._turn:
            self.statements += 1
            return await self._answer(lambda reading: _rows(reading, statement, parameters))

    async def fetch(self, text: str, values: Sequence[Any]) -> Sequence[Any]:
        """The driver's own rows of a select that was compiled before, in the same connection. See `Prepared`."""
        async with self._turn:
            self.statements += 1
            return await self._answer(lambda reading: reading.fetch(text, values))

    async def read(self, prepared: Prepared, parameters: Mapping[str, Any] = NOTHING) -> Sequence[Any]:
        """The rows of a prepared select, as tuples."""
        return prepared.rows(await self.fetch(prepared.text, prepared.values(parameters)))

    async def first(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Row[Any] | None:
        """The first row of a select, or None; the others are read for nothing, so it should have one."""
        rows = await self.rows(statement, parameters)
        return rows[0] if rows else None

    async def now(self) -> datetime:
        """Business time."""
        real_now = self.database.clock.now()
        if not self.database.sandbox:
            return real_now
        async with self._turn:
            return real_now + await self._answer(lambda reading: self.database.offset(reading.through_sqlalchemy()))

    @asynccontextmanager
    async def write(self, *, at: datetime | None = None) -> AsyncIterator[Write]:
        """A write transaction. It commits at the end, whatever is raised rolls it back; one may follow another.

        It happens now, by the business clock, or `at` the instant that something fell due. Raises NothingRecorded
        where no fact was stated, Conflict and Busy. The reading connection is let go first: it would not see what is
        written, and two connections for each of many requests can wait for each other.
        """
        facts: list[UUID] = []
        try:
            async with self._alone(), self.database.writing() as connection:

                async def look() -> tuple[datetime, datetime]:
                    real_now = self.database.clock.now()
                    return at or real_now + await self.database.offset(connection), real_now

                record = Record(self.author, *await look())
                async with AsyncSession(bind=connection, expire_on_commit=False) as session:
                    # On SQLite whoever writes has waited already.
                    write = Write(session, record, None if at or self.database.is_sqlite else look)
                    yield write
                    if not record.events:
                        raise NothingRecorded("a write transaction has to state what happened")
                    queued = list(deliveries(record.events, record.real_now))
                    write.append(*record.events, *queued)
                    await write.flush()
                    facts = [event.id for event in record.events]
        finally:
            self.database.tell(facts)
        self.recorded += len(record.events)
        self._written = True
        if queued:
            self.database.queued.set()

    async def note(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> None:
        """Run one statement of bookkeeping (last seen, counters of attempts) in a transaction of its own; no fact."""
        async with self.bookkeeping() as connection:
            await connection.execute(statement, parameters)

    @asynccontextmanager
    async def bookkeeping(self) -> AsyncIterator[AsyncConnection]:
        """A transaction of several such statements, where one depends on what another found (leases); no fact."""
        async with self._alone(), self.database.writing() as connection:
            yield connection

    async def release(self) -> None:
        """Let the reading connection go; the next read opens another."""
        async with self._turn:
            await self._let_go()

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Until the end nothing else is read or written here; what was being read is finished first."""
        if self._writing:
            raise AssertionError("a write inside a write would be a transaction of its own: pass the first one on")
        self._writing = True
        try:
            await self.release()
            yield
        finally:
            self._writing = False

    async def _answer(self, ask: Callable[[Reading], Awaitable[Answer]]) -> Answer:
        """What a reading connection answers; one that the server has closed meanwhile is replaced, and asked again."""
        reading = await self._open()
        try:
            return await ask(reading)
        except DBAPIError:
            if reading.usable:
                raise
        return await ask(await self._open())

    async def _open(self) -> Reading:
        if self._writing:
            raise AssertionError("inside a write, read through it: out here its changes are not seen")
        if self._over:
            # A field that failed has answered for its siblings, whose batches still come: nobody would close for them.
            raise asyncio.CancelledError
        if self._reading is not None and not self._reading.usable:
            await self._let_go()
        if self._reading is None:
            self._reading = await self.database.readings.take()
            if self._written:  # What is told of a change is told as of one instant, whoever writes meanwhile.
                await self._view()
        return self._reading

    async def _view(self) -> None:
        """Begin to look; where the server has closed the connection meanwhile, in another one."""
        reading = cast(Reading, self._reading)
        try:
            await reading.begin_view()
        except DBAPIError:
            if reading.usable:
                raise
            await self._let_go()
            self._reading = await self.database.readings.take()
            await self._reading.begin_view()

    async def _let_go(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None:
            await self.database.readings.give(reading)


async def _rows(reading: Reading, statement: Executable, parameters: Mapping[str, Any] | None) -> Sequence[Row[Any]]:
    return (await reading.through_sqlalchemy().execute(statement, parameters)).all()


def async_url(url: str) -> URL:
    """`sqlite:///file` and `postgresql://…` with the drivers that we use."""
    parsed = make_url(url)
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
    backend = parsed.drivername.partition("+")[0]
    if backend not in drivers:
        raise ValueError("the database is SQLite or PostgreSQL")
    if backend == "sqlite" and (parsed.database or ":memory:").startswith((":memory:", "file:")):
        raise ValueError("SQLite works on a file, sqlite:///espace.db: each connection would have its own memory")
    return parsed.set(drivername=drivers[backend])


@asynccontextmanager
async def _connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    try:
        async with engine.connect() as connection:
            yield connection
    except PoolExhausted as error:
        raise Busy from error
