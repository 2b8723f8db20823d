"""BIL-1. Sealing the journal: the worker chains what was committed, a number of entries at once."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from models.chain import NO_HASH
from models.column import IdArray, Instant, among, table
from models.conflict import Conflict
from models.db import Db
from models.journal import JournalEntry, JournalLine
from models.ledger_seal import LedgerSeal, sealed

BATCH = 500
"""Entries that are sealed in one transaction."""
OVERLAP = timedelta(hours=1)
"""Longer than any transaction: an entry that was recorded before the last sealed one may have been committed later."""
ENTRIES, LINES, SEALS = table(JournalEntry), table(JournalLine), table(LedgerSeal)
LAST = (
    select(SEALS.c.position, SEALS.c.hash, ENTRIES.c.recorded_at)
    .join_from(SEALS, ENTRIES, ENTRIES.c.id == SEALS.c.entry_id)
    .order_by(SEALS.c.position.desc())
    .limit(1)
)
UNSEALED = (
    select(ENTRIES)
    .where(~exists().where(SEALS.c.entry_id == ENTRIES.c.id))
    .order_by(ENTRIES.c.recorded_at, ENTRIES.c.id)
    .limit(BATCH)
)
RECENTLY = UNSEALED.where(ENTRIES.c.recorded_at >= bindparam("since", type_=Instant()))
LINES_OF = (
    select(LINES)
    .where(among(LINES.c.entry_id, bindparam("entry_ids", type_=IdArray())))
    .order_by(LINES.c.entry_id, LINES.c.position)
)


async def seal(db: Db) -> int:
    """BIL-1. Seal what is not sealed yet, in the order in which it was recorded; answers how many entries that were."""
    count = 0
    try:
        while sealed_now := await _seal_some(db):
            count += sealed_now
    except Conflict:  # Another worker sealed the same: what is left is found in the next round.
        return count
    return count


async def _seal_some(db: Db) -> int:
    async with db.bookkeeping() as connection:
        last = (await connection.execute(LAST)).first()
        position, previous = (last.position, last.hash) if last else (0, NO_HASH)
        found = await _unsealed(connection, last)
        lines = await lines_of(connection, [entry.id for entry in found])
        seals = []
        for place, entry in enumerate(found, start=position + 1):
            current = sealed(previous, entry, lines[entry.id])
            seals.append({"position": place, "entry_id": entry.id, "previous_hash": previous, "hash": current})
            previous = current
        if seals:
            await connection.execute(insert(SEALS), seals)
    return len(seals)


async def _unsealed(connection: AsyncConnection, last: Any) -> Sequence[Row[Any]]:
    if last is None:
        return (await connection.execute(UNSEALED)).all()
    return (await connection.execute(RECENTLY, {"since": last.recorded_at - OVERLAP})).all()


async def lines_of(connection: AsyncConnection, entry_ids: Sequence[UUID]) -> dict[UUID, list[Row[Any]]]:
    """The lines of some entries, by entry, in their order."""
    grouped: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for line in (await connection.execute(LINES_OF, {"entry_ids": list(entry_ids)})).all():
        grouped[line.entry_id].append(line)
    return grouped
