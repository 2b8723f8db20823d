"""PRO-11. Restricted mode: who has a valid card on file, and who has ever paid."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select

from models.clock import civil_day
from models.column import IdArray, among, table
from models.context import Context
from models.journal import EntryKind, JournalEntry
from models.payment_method import MethodState, PaymentMethod
from resolvers.right import Reader

METHODS, ENTRIES = table(PaymentMethod), table(JournalEntry)
WANTED: Any = bindparam("wanted", type_=IdArray())
HOLDERS = (
    select(METHODS.c.owner_id)
    .where(
        among(METHODS.c.owner_id, WANTED),
        METHODS.c.state == MethodState.STORED,
        METHODS.c.expires_on >= bindparam("today"),
    )
    .distinct()
)
PAYERS = select(ENTRIES.c.owner_id).where(among(ENTRIES.c.owner_id, WANTED), ENTRIES.c.kind == EntryKind.PAYMENT)


async def restricted(context: Context, keys: Sequence[UUID]) -> list[bool]:
    """PRO-11. Whether each profile is restricted now."""
    today = civil_day(await context.db.now(), ZoneInfo(context.figures.billing_zone))
    free = await _free(context.db, keys, today)
    return [key not in free for key in keys]


async def is_restricted(reader: Reader, owner_id: UUID, today: date) -> bool:
    """PRO-11. The same of one, inside a transaction too."""
    return not await _free(reader, [owner_id], today)


async def _free(reader: Reader, keys: Sequence[UUID], today: date) -> set[UUID]:
    """Whoever has a card that is valid on a day, or has paid once: a payment that went back later was one."""
    wanted = {"wanted": list(keys)}
    holders = await reader.rows(HOLDERS, {**wanted, "today": today})
    payers = await reader.rows(PAYERS.distinct(), wanted)
    return {row.owner_id for row in (*holders, *payers)}
