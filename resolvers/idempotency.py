"""BIL-15. Doing once what is asked for more than once: the key of an intent is taken before anything else is done."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, select, update

from models.column import INSERTS, new_id, table
from models.conflict import Busy
from models.context import Context
from models.db import Db, Write
from models.idempotency import InProgress, Intent, KeptIntent, input_digest, results_of
from models.setting import Figures

KEPT = table(KeptIntent)
TAKEN = select(KEPT.c.operation, KEPT.c.input_digest, KEPT.c.results).where(
    KEPT.c.profile_id == bindparam("profile_id"), KEPT.c.key == bindparam("key")
)


class DoneBefore(Exception):
    """An intent was carried out by another request: there is nothing to write, and the answer is the same."""

    def __init__(self, results: Mapping[str, UUID]) -> None:
        super().__init__("this intent was carried out before")
        self.results = results


def intent_of(context: Context, key: UUID, operation: str, values: Mapping[str, Any]) -> Intent:
    """BIL-15. What the caller wants done once, with everything that their input says."""
    return Intent(key, context.viewer.key, operation, input_digest(context.key, operation, values))


async def done_before(context: Context, intent: Intent) -> Mapping[str, UUID] | None:
    """BIL-15. What came of an intent that was carried out; None for a new one. Raises KeyReused.

    Asked before what is slow; `take` asks again under its lock.
    """
    found = await context.db.rows(TAKEN, {"profile_id": intent.profile_id, "key": intent.key})
    results = _answer(intent, found[0]) if found else None
    context.repeats = results is not None
    return results


async def take(context: Context, write: Write, intent: Intent) -> None:
    """BIL-15. Make the key this transaction's. Raises DoneBefore, KeyReused, and InProgress where another has it."""
    values = {"id": new_id(), "results": {}, "kept_at": write.real_now, **_columns(intent)}
    insertion = INSERTS[context.db.database.dialect](KEPT).values(values).on_conflict_do_nothing()
    try:
        mine = await write.rows(insertion.returning(KEPT.c.id))
    except Busy:
        raise _in_progress(context, write.real_now) from None
    if mine:
        return
    found = await write.rows(TAKEN, {"profile_id": intent.profile_id, "key": intent.key})
    if not found:  # It was purged, or its profile went, between the two.
        raise _in_progress(context, write.real_now)
    context.repeats = True
    raise DoneBefore(_answer(intent, found[0]))


async def keep(write: Write, intent: Intent, **results: UUID) -> None:
    """BIL-15. Remember what came of it, with what it did."""
    mine = KEPT.c.profile_id == intent.profile_id, KEPT.c.key == intent.key
    await write.run(update(KEPT).where(*mine).values(results={name: str(key) for name, key in results.items()}))


async def purge(db: Db, figures: Figures) -> None:
    """BIL-15. Forget what was done long enough ago."""
    await db.note(delete(KEPT).where(KEPT.c.kept_at < db.database.clock.now() - figures.intent_retention))


def _columns(intent: Intent) -> dict[str, Any]:
    return {
        "profile_id": intent.profile_id,
        "key": intent.key,
        "operation": intent.operation,
        "input_digest": intent.input_digest,
    }


def _answer(intent: Intent, row: Any) -> dict[str, UUID]:
    return results_of(intent, operation=row.operation, input_digest=row.input_digest, results=row.results)


def _in_progress(context: Context, real_now: datetime) -> InProgress:
    return InProgress(real_now + context.figures.intent_pause).at("idempotency_key")
