"""The practice system: its clock."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlmodel import select as select_rows

from models.column import table
from models.context import Context
from models.db import Db
from models.refusal import NotFound
from models.sandbox import CLOCK_ID, ClockOffset
from resolvers.clockwork import Told, play, turn
from resolvers.find import writing
from resolvers.works import Works

OFFSETS = table(ClockOffset)


async def now(context: Context, keys: Sequence[Any]) -> list[datetime]:
    """Business time, the same for every key."""
    return [await context.db.now()] * len(keys)


async def clock_advance(context: Context, *, to: datetime, told: Told) -> UUID:
    """EVT-4. Move business time to `to`; answers the key of the sandbox. What falls due on the way happens in order.

    Whoever comes meanwhile waits, the worker too. The clock moves with what is done: where this is cut short it stands
    at the last thing that was.
    """
    if not context.sandbox:
        raise NotFound
    database = context.db.database
    await context.db.release()  # Nobody waits for the connection of whoever plays a year.
    async with turn(database):
        async with Db(database) as db:
            since = await _checked(context, db, to)
            await play(Works(db, context, context.vat_register, context.payments), to, told)
        async with writing(context) as write:
            offset = await write.lock_one(select_rows(ClockOffset).where(OFFSETS.c.id == CLOCK_ID))
            if offset is None:
                raise NotFound
            years = context.figures.clock_advance_years
            offset.advance(write.record, to=to, years=years, owner_id=context.viewer.key, since=since)
    return CLOCK_ID


async def _checked(context: Context, db: Db, to: datetime) -> datetime:
    """What time it is, before it becomes `to`."""
    row = await db.first(select(OFFSETS))
    if row is None:
        raise NotFound
    now = await db.now()
    ClockOffset(**row._mapping).check(now, to, context.figures.clock_advance_years)
    return now


async def has_clock(db: Db) -> bool:
    """Whether this database is a sandbox's."""
    return await db.first(select(OFFSETS.c.id)) is not None


async def start_clock(db: Db) -> None:
    """EVT-4. The clock of a new sandbox, at the real time; one that runs is left alone."""
    if not await has_clock(db):
        await db.note(insert(OFFSETS).values(id=CLOCK_ID, microseconds=0))
