"""The database: how it is reached, read and written. The only module of `models/` with `async def`.

A request holds a `Db`, never a session. Reads share one connection and run one after the other: on SQLite in one read
transaction (a consistent view), on PostgreSQL without any (no BEGIN and ROLLBACK around each select). `write()` is one
transaction that sees the business clock, collects the facts of its verbs and commits both together.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from models import sqlite  # isort: skip - before anything that imports sqlite3

from sqlalchemy import Connection, Executable, Row, Select, event, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlmodel import Field, SQLModel

from models.activity import Author, Record
from models.clock import Clock
from models.column import new_id, table

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

T = TypeVar("T", bound=SQLModel)


class ClockOffset(SQLModel, table=True):
    """EVT-4. How far business time is ahead of real time; the one row exists in sandbox installations only."""

    __tablename__ = "clock_offset"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    microseconds: int = Field(default=0, sa_column_kwargs={"nullable": False})


class NothingRecorded(AssertionError):
    """A transaction was about to commit without stating what happened: a defect of the code, not of its input."""


class Database:
    """One database, its pool, and how transactions begin on it."""

    def __init__(self, url: str, *, clock: Clock, sandbox: bool, pool_size: int = 5, pre_ping: bool = True) -> None:
        self.url: URL = async_url(url)
        self.clock = clock
        self.sandbox = sandbox
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine: AsyncEngine = create_async_engine(self.url, pool_size=pool_size, pool_pre_ping=pre_ping)
        self._writers: asyncio.Lock = asyncio.Lock()
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that only reads."""
        async with self.engine.connect() as connection:
            if not self.is_sqlite:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction that may write; on SQLite writers queue here instead of inside the library."""
        if not self.is_sqlite:
            async with self.engine.begin() as connection:
                yield connection
            return
        async with self._writers, self.engine.connect() as connection:
            await connection.execution_options(writes=True)
            async with connection.begin():
                yield connection

    async def offset(self, connection: AsyncConnection) -> timedelta:
        """How far business time is ahead; zero outside the sandbox."""
        if not self.sandbox:
            return timedelta(0)
        result = await connection.execute(select(table(ClockOffset).c.microseconds))
        return timedelta(microseconds=result.scalar_one_or_none() or 0)

    async def close(self) -> None:
        await self.engine.dispose()


class Write:
    """One write transaction: finds and locks rows, takes new ones, and knows what time it is."""

    def __init__(self, session: AsyncSession, record: Record) -> None:
        self._session = session
        self.record = record

    @property
    def now(self) -> datetime:
        """Business time, the same all through the transaction."""
        return self.record.now

    @property
    def real_now(self) -> datetime:
        """Real time, the same all through the transaction."""
        return self.record.real_now

    async def lock(self, statement: Select[T]) -> Sequence[T]:
        """The rows of `statement`, locked until the end of the transaction, as they are now."""
        locked = statement.with_for_update().execution_options(populate_existing=True)
        return (await self._session.scalars(locked)).all()

    async def lock_one(self, statement: Select[T]) -> T | None:
        """The one row of `statement`, locked, or None."""
        rows = await self.lock(statement)
        return rows[0] if rows else None

    async def rows(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        return (await self._session.execute(statement, parameters)).all()

    async def run(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> None:
        await self._session.execute(statement, parameters)

    def add(self, row: SQLModel) -> None:
        self._session.add(row)

    async def flush(self) -> None:
        """Send what is pending now, for rows that others refer to."""
        await self._session.flush()


class Db:
    """The database as one request, or one job, uses it."""

    def __init__(self, database: Database, author: Author | None = None) -> None:
        self.database = database
        self.author = author or Author()
        self.statements = 0
        """Statements read so far; tests hold screens to a number of them."""
        self._turn = asyncio.Lock()
        self._reading: Any = None
        self._connection: AsyncConnection | None = None
        self._wrote = False

    async def rows(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """The rows of a select, in the request's one reading connection; concurrent callers take turns."""
        async with self._turn:
            connection = await self._open()
            self.statements += 1
            return (await connection.execute(statement, parameters)).all()

    async def now(self) -> datetime:
        """Business time."""
        async with self._turn:
            return self.database.clock.now() + await self.database.offset(await self._open())

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Write]:
        """The request's one write transaction. It commits at the end, refusals roll it back.

        Raises NothingRecorded where no fact was stated. The reading connection is let go first, so that what is read
        afterwards is what was written.
        """
        if self._wrote:
            raise AssertionError("one request, one write transaction")
        self._wrote = True
        await self.release()
        async with self.database.writing() as connection:
            real_now = self.database.clock.now()
            now = real_now + await self.database.offset(connection)
            async with AsyncSession(bind=connection, expire_on_commit=False) as session:
                record = Record(self.author, now, real_now)
                yield Write(session, record)
                if not record.events:
                    raise NothingRecorded("a write transaction has to state what happened")
                session.add_all(record.events)
                await session.flush()

    async def note(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> None:
        """Run one statement of bookkeeping (last seen, counters of attempts) in a transaction of its own; no fact."""
        await self.release()
        async with self.database.writing() as connection:
            await connection.execute(statement, parameters)

    async def release(self) -> None:
        """Let the reading connection go; the next read opens another."""
        async with self._turn:
            if self._reading is not None:
                opened, self._reading, self._connection = self._reading, None, None
                await opened.__aexit__(None, None, None)

    async def _open(self) -> AsyncConnection:
        if self._connection is None:
            self._reading = self.database.reading()
            self._connection = await self._reading.__aenter__()
        return self._connection


def async_url(url: str) -> URL:
    """`sqlite:///file` and `postgresql://…` with the drivers that we use."""
    parsed = make_url(url)
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
    backend = parsed.drivername.partition("+")[0]
    if backend not in drivers:
        raise ValueError("the database is SQLite or PostgreSQL")
    return parsed.set(drivername=drivers[backend])


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Settings of one SQLite connection. FULL, because NORMAL loses acknowledged commits when the power fails."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"journal_mode={'WAL' if sqlite.wal_is_safe else 'DELETE'}",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=10000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """The driver opens no transaction for a SELECT; a reader that would turn to writing later fails at once."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
