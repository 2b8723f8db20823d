"""The practice system: its clock."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import select

from models import sandbox
from models.column import table
from models.context import Context
from models.db import ClockOffset
from models.refusal import NotFound

OFFSETS = table(ClockOffset)


async def now(context: Context, keys: Sequence[Any]) -> list[datetime]:
    """Business time, the same for every key."""
    return [await context.db.now()] * len(keys)


async def clock_advance(context: Context, *, to: datetime) -> UUID:
    """EVT-4. Move business time to `to`; answers the key of the sandbox. What falls due on the way happens in order."""
    if not context.sandbox:
        raise NotFound
    async with context.db.write() as write:
        offset = await write.lock_one(select(ClockOffset).where(OFFSETS.c.id == sandbox.CLOCK_ID))
        if offset is None:
            raise NotFound
        sandbox.check_step(write.now, to, context.figures.clock_advance_limit)
        sandbox.move(offset, write.record, to, context.viewer.key)
    return sandbox.CLOCK_ID
