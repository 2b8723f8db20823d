"""The worker: does what is due, again and again. Inside the server by default on SQLite, apart on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from app.settings import Settings
from engine.failure import log_failure
from models.db import Database, Db
from resolvers import session


async def work(database: Database, settings: Settings, stop: asyncio.Event) -> None:
    """Work until `stop` is set. A failure is logged, and what was due is tried again in the next round."""
    interval = settings.worker_interval.total_seconds()
    while not stop.is_set():
        try:
            await work_once(database, settings)
        except Exception as error:
            log_failure("round_failed", error)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), interval)


async def work_once(database: Database, settings: Settings) -> None:
    """One round: everything that is due now."""
    async with Db(database) as db:
        await session.purge(db, settings)


@asynccontextmanager
async def working(database: Database, settings: Settings) -> AsyncIterator[None]:
    """The worker beside whatever else this process does; a round under way is finished first."""
    stop = asyncio.Event()
    task = asyncio.create_task(work(database, settings, stop))
    try:
        yield
    finally:
        stop.set()
        await task
