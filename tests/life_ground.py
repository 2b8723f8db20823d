"""Where lives are lived in tests: one database with the catalogue in it, as new for each of them."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiosqlite
from sqlalchemy import event

from app.catalogue_file import shipped
from models.clock import FrozenClock
from models.db import Database, Db
from resolvers import catalog, sandbox
from tests.database import START, Databases, SqliteFiles
from tests.life_world import ZONE


class Ground:
    """A database that is used again and again: what was compiled for it stays so."""

    def __init__(self, databases: Databases, url: str) -> None:
        self.databases = databases
        self.clock = FrozenClock(START)
        self.database = Database(url, clock=self.clock, sandbox=True)
        self._kept: Path | None = None
        if self.database.is_sqlite:
            event.listen(self.database.writers.sync_engine, "connect", _without_waiting)

    async def renew(self, at: datetime) -> Database:
        """Nothing but the catalogue, at this instant; whatever was there is gone."""
        self.clock.move(at - self.clock.now())
        if isinstance(self.databases, SqliteFiles):
            await self._copied()
        else:
            await self.database.close()
            async with self.databases.migrated():
                await self._sown()
        return self.database

    async def _copied(self) -> None:
        path = Path(str(self.database.url.database))
        await self.database.close()
        if self._kept is None:
            await self._sown()
            await self.database.close()
            self._kept = Path(shutil.copyfile(path, path.with_suffix(".kept")))
            return
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(self._kept, path)

    async def _sown(self) -> None:
        async with Db(self.database) as db:
            await sandbox.start_clock(db)
            await catalog.load(db, shipped(), ZONE)


def _without_waiting(connection: Any, _: object) -> None:
    """These lives are not lived for ever: nobody waits for the disk."""
    connection.execute("PRAGMA synchronous = OFF").close()


async def _at_once(self: aiosqlite.Connection, function: Callable[..., Any], *values: Any, **named: Any) -> Any:
    if not self._running or self._connection is None:
        raise ValueError("Connection closed")
    return function(*values, **named)


@contextmanager
def in_one_thread() -> Iterator[None]:
    """SQLite in the loop's own thread, where nobody else wants it: passing statements on takes longer than they do."""
    with patch.object(aiosqlite.Connection, "_execute", _at_once):
        yield


@asynccontextmanager
async def ground_of(databases: Databases) -> AsyncIterator[Ground]:
    """A ground of its own."""
    with in_one_thread():
        async with databases.migrated() as url:
            ground = Ground(databases, url)
            try:
                yield ground
            finally:
                await ground.database.close()


class Lasting:
    """A ground, and the one loop that its connections belong to, for tests that are no coroutines."""

    def __init__(self, databases: Databases) -> None:
        self.runner = asyncio.Runner()
        self._context = ground_of(databases)
        self.ground = self.runner.run(self._context.__aenter__())

    def close(self) -> None:
        self.runner.run(self._context.__aexit__(None, None, None))
        self.runner.close()
