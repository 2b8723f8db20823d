"""ALE-2. Cards that end soon: told of until they are removed, or until the default card ends later than they do."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlmodel import select as select_rows

from models.alert import Alert, AlertKind, AlertStatus, open_alert
from models.column import table
from models.db import Db, Write
from models.payment_method import MethodState, PaymentMethod
from models.setting import Figures
from resolvers.suspension import PROFILE

METHODS, ALERTS = table(PaymentMethod), table(Alert)
OWNER_ID: Any = bindparam("owner_id")
STORED = METHODS.c.owner_id == OWNER_ID, METHODS.c.state == MethodState.STORED
CARDS = select_rows(PaymentMethod).where(*STORED)
OPEN = select_rows(Alert).where(
    ALERTS.c.owner_id == OWNER_ID, ALERTS.c.status == AlertStatus.OPEN, ALERTS.c.kind == AlertKind.CARD_EXPIRY
)


async def due(figures: Figures, write: Write, owner_id: UUID) -> None:
    """ALE-2. Look at the cards of a profile because one of them may end soon."""
    if await write.lock_one(PROFILE, {"owner_id": owner_id}) is not None:
        await look(figures, write, owner_id)


async def look(figures: Figures, write: Write, owner_id: UUID) -> None:
    """ALE-2. Open and resolve what has to be, as the cards of a profile are now; it is locked, and they are flushed."""
    cards = await write.lock(CARDS, {"owner_id": owner_id})
    found = {alert.cause_id: alert for alert in await write.lock(OPEN, {"owner_id": owner_id})}
    for card in cards:
        told_at, alert = card.told_at(figures), found.pop(card.id, None)
        card.look_at = told_at if told_at is not None and told_at > write.now else None
        ends = told_at is not None and card.look_at is None and not card.is_outlasted(cards)
        if ends and alert is None:
            write.add(open_alert(write.record, owner_id, AlertKind.CARD_EXPIRY, about=card.about))
        elif alert is not None and not ends:
            alert.resolve(write.record)
    for alert in found.values():  # Their cards are gone.
        alert.resolve(write.record)


async def look_later(db: Db, figures: Figures, owner_id: UUID, at: datetime) -> None:
    """ALE-2. Keep when to look again, where there was nothing to tell."""
    seen = STORED[1], METHODS.c.owner_id == owner_id, METHODS.c.look_at <= at
    rows = await db.rows(select(METHODS).where(*seen))
    now = max(await db.now(), at)
    async with db.bookkeeping() as connection:
        for row in rows:
            told_at = PaymentMethod(**row._mapping).told_at(figures)
            again = told_at if told_at is not None and told_at > now else None
            mine = METHODS.c.id == row.id, METHODS.c.look_at == row.look_at
            await connection.execute(update(METHODS).where(*mine).values(look_at=again))
