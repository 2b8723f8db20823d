"""BIL-10. What people have to look at: what providers told that fits no payment."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from models.column import table
from models.context import Context
from models.quarantine import QuarantinedNotice

NOTICES = table(QuarantinedNotice)
MOST = 100


async def newest(context: Context) -> Sequence[Row[Any]]:
    """The newest of them."""
    return await context.db.rows(select(NOTICES).order_by(NOTICES.c.seen_at.desc(), NOTICES.c.id.desc()).limit(MOST))
