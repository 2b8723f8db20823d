"""PRO-9. What is left of a deleted person: erased by the worker, once all that left because of the deletion arrived."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Text, cast, delete, or_, select, update

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
        select(EVENTS).where(EVENTS.c.owner_id != row.owner_id, EVENTS.c.occurred_at <= row.deleted_at, mentioned)
    )
    await db.release()
    for event in rows:
        acted = event.actor_id == row.owner_id
        values: dict[str, Any] = {"ip_address": None, "session_id": None, "token_id": None} if acted else {}
        if acted and "agent" in event.facts:
            values["facts"] = {name: fact for name, fact in event.facts.items() if name != "agent"}
        if row.address is not None:
            values["facts"] = without(values.get("facts", event.facts), row.address, _nobody(row))
            values["changes"] = without(event.changes, row.address, _nobody(row))
        if any(event._mapping[name] != value for name, value in values.items()):
            await db.note(update(EVENTS).where(EVENTS.c.id == event.id).values(**values))
    if row.address is not None:
        await _blank_mails(db, row)


async def _blank_mails(db: Db, row: Row[Any]) -> None:
    """Of a sandbox, the mails that others read of the person."""
    told = MAILS.c.text.contains(row.address, autoescape=True)
    mails = await db.rows(select(MAILS.c.id, MAILS.c.text, MAILS.c.subject).where(told))
    await db.release()
    for mail in mails:
        values = {name: without(mail._mapping[name], row.address, _nobody(row)) for name in ("text", "subject")}
        await db.note(update(MAILS).where(MAILS.c.id == mail.id).values(**values))


def _nobody(row: Row[Any]) -> str:
    """What stands in the place of an address."""
    return f"{row.owner_id}@deleted.invalid"


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
        waits = ERASURES.c.owner_id == owner_id, ERASURES.c.erased_at.is_(None)
        left = (await connection.execute(select(ERASURES.c.address).where(*waits).with_for_update())).first()
        if left is None:
            return  # Another worker was quicker.
        sent_to: Any = DELIVERIES.c.reader_id == owner_id
        if left.address is not None:
            sent_to = or_(sent_to, DELIVERIES.c.address == left.address)
        await connection.execute(delete(MAILS).where(MAILS.c.id.in_(select(DELIVERIES.c.id).where(sent_to))))
        await connection.execute(delete(DELIVERIES).where(sent_to))
        nothing = {"brand": None, "last4": None, "expires_on": None}
        await connection.execute(update(METHODS).where(METHODS.c.owner_id == owner_id).values(**nothing))
        await connection.execute(
            update(ERASURES).where(ERASURES.c.owner_id == owner_id).values(address=None, erased_at=now)
        )
