"""PRO-9. What is left of a deleted person: erased by the worker, once all that left because of the deletion arrived."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Text, cast, delete, func, or_, select, update

from models.account import Account
from models.activity import ActivityEvent
from models.column import table
from models.db import Db
from models.deletion import Erasure, without
from models.delivery import Delivery, DeliveryState
from models.mail import SandboxMail
from models.payment_method import PaymentMethod
from models.provisioning import ProvisioningTask
from models.server import Server

ERASURES, EVENTS, DELIVERIES = table(Erasure), table(ActivityEvent), table(Delivery)
ACCOUNTS, SERVERS, TASKS = table(Account), table(Server), table(ProvisioningTask)
MAILS, METHODS = table(SandboxMail), table(PaymentMethod)
AT_ONCE = 500
"""Rows of history that go in one transaction: nobody waits long for another's."""


async def erase(db: Db) -> None:
    """PRO-9. Erase what is left of everybody who was deleted, and waits for nothing any more."""
    for row in await db.rows(select(ERASURES).where(ERASURES.c.erased_at.is_(None)).order_by(ERASURES.c.owner_id)):
        if await _waits(db, row):
            continue
        await db.release()
        await _blank(db, row)
        await _erase(db, row.owner_id)
    await db.release()


async def _waits(db: Db, row: Row[Any]) -> bool:
    """Whether machines still have something of it, or something still has to leave."""
    about = or_(EVENTS.c.owner_id == row.owner_id, DELIVERIES.c.reader_id == row.owner_id)
    if row.address is not None:
        about = or_(about, DELIVERIES.c.address == row.address)
    leaving = (
        select(DELIVERIES.c.id)
        .join(EVENTS, EVENTS.c.id == DELIVERIES.c.event_id)
        .where(DELIVERIES.c.state == DeliveryState.PENDING, about)
    )
    left = [select(rows.c.id).where(rows.c.owner_id == row.owner_id) for rows in (ACCOUNTS, SERVERS)]
    return any([await db.rows(each.limit(1)) for each in (*left, leaving)])


async def _blank(db: Db, row: Row[Any]) -> None:
    """Take the person out of the histories of others: what they did there stays, as somebody's who is gone."""
    mentioned = EVENTS.c.actor_id == row.owner_id
    if row.address is not None:
        for text in {row.address, json.dumps(row.address)[1:-1]}:  # As PostgreSQL keeps it, and as SQLite does.
            for column in (EVENTS.c.facts, EVENTS.c.changes):
                mentioned = or_(mentioned, cast(column, Text).contains(text, autoescape=True))
    rows = await db.rows(
        select(EVENTS.c.id, EVENTS.c.actor_id, EVENTS.c.ip_address, EVENTS.c.facts, EVENTS.c.changes).where(
            EVENTS.c.owner_id != row.owner_id, mentioned
        )
    )
    await db.release()
    for event in rows:
        acted = event.actor_id == row.owner_id
        values: dict[str, Any] = {"ip_address": None, "session_id": None, "token_id": None} if acted else {}
        if acted and "agent" in event.facts:
            values["facts"] = {name: fact for name, fact in event.facts.items() if name != "agent"}
        if row.address is not None:
            instead = f"{row.owner_id}@deleted.invalid"
            values["facts"] = without(values.get("facts", event.facts), row.address, instead)
            values["changes"] = without(event.changes, row.address, instead)
        if values:
            await db.note(update(EVENTS).where(EVENTS.c.id == event.id).values(**values))
    if row.address is not None:
        replaced = {
            column.name: func.replace(column, row.address, f"{row.owner_id}@deleted.invalid")
            for column in (MAILS.c.text, MAILS.c.subject)
        }
        await db.note(update(MAILS).where(MAILS.c.text.contains(row.address, autoescape=True)).values(**replaced))


async def _erase(db: Db, owner_id: UUID) -> None:
    """The history itself, with what was sent of it, in portions; then that it is done."""
    of_accounts = select(EVENTS.c.subject_id).where(
        EVENTS.c.owner_id == owner_id, EVENTS.c.subject_type == Account.activity_type
    )
    await db.note(delete(TASKS).where(TASKS.c.account_id.in_(of_accounts)))
    mine = select(EVENTS.c.id).where(EVENTS.c.owner_id == owner_id).order_by(EVENTS.c.id).limit(AT_ONCE)
    while keys := [event.id for event in await db.rows(mine)]:
        await db.release()
        async with db.bookkeeping() as connection:
            sent = select(DELIVERIES.c.id).where(DELIVERIES.c.event_id.in_(keys))
            await connection.execute(delete(MAILS).where(MAILS.c.id.in_(sent)))
            await connection.execute(delete(DELIVERIES).where(DELIVERIES.c.event_id.in_(keys)))
            await connection.execute(delete(EVENTS).where(EVENTS.c.id.in_(keys)))
    await db.release()
    now = db.database.clock.now()
    async with db.bookkeeping() as connection:
        (address,) = (await connection.execute(select(ERASURES.c.address).where(ERASURES.c.owner_id == owner_id))).one()
        sent_to = or_(DELIVERIES.c.reader_id == owner_id, DELIVERIES.c.address == address)
        await connection.execute(delete(MAILS).where(MAILS.c.id.in_(select(DELIVERIES.c.id).where(sent_to))))
        await connection.execute(delete(DELIVERIES).where(sent_to))
        nothing = {"brand": None, "last4": None, "expires_on": None}
        await connection.execute(update(METHODS).where(METHODS.c.owner_id == owner_id).values(**nothing))
        await connection.execute(
            update(ERASURES).where(ERASURES.c.owner_id == owner_id).values(address=None, erased_at=now)
        )
