"""ALE-2. Migrations: scheduled by the support team, applied by the customer or on their day, and what comes of it."""

from contextlib import suppress
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, select
from sqlalchemy import delete as delete_rows
from sqlmodel import select as select_rows

from models.account import Account, under_way
from models.alert import CONTACT, Alert, AlertKind, AlertStatus, open_alert
from models.column import table
from models.conflict import Conflict
from models.context import Context
from models.db import Db, Write
from models.issuer import Issuer
from models.migration import (
    AlreadyScheduled,
    Migration,
    MigrationStatus,
    schedule,
)
from models.obstacle import BeingDeleted, Obstacle
from models.permission import Subject
from models.provisioning import Outcome, ProvisioningTask
from models.refusal import NotFound
from models.server import Server, ServerStatus
from models.setting import Figures
from models.staff import refuse_own
from models.suspension import checked_text
from resolvers.contact import concerned
from resolvers.desk import acting
from resolvers.find import find, writing
from resolvers.suspension import PROFILE

MIGRATIONS, ALERTS, TASKS = table(Migration), table(Alert), table(ProvisioningTask)
ACCOUNTS, SERVERS = table(Account), table(Server)
BY_KEY = select_rows(Migration).where(MIGRATIONS.c.id == bindparam("key"))
ABOUT = select_rows(Alert).where(
    ALERTS.c.cause_id == bindparam("key"),
    ALERTS.c.kind == AlertKind.MIGRATION_SCHEDULED,
    ALERTS.c.status == AlertStatus.OPEN,
)


class AnsweredBefore(Exception):
    """The same answer came while this one waited, or there is nothing to answer for: there is nothing to write."""


def of_account() -> Select[Any]:
    """ALE-2. The migration of an account that is not applied yet."""
    return select(MIGRATIONS.c.account_id).where(MIGRATIONS.c.status != MigrationStatus.APPLIED)


async def schedule_for(
    db: Db,
    figures: Figures,
    *,
    summary: str,
    on: date,
    account_id: UUID | None = None,
    server_id: UUID | None = None,
    context: Context | None = None,
) -> UUID:
    """ALE-2. Staff schedules one, and those concerned are told; answers its key. `context` is of who of the staff."""
    told, path = checked_text(summary, "summary"), "account_id" if account_id else "server_id"
    owner_id = await _owner(db, account_id, server_id)
    try:
        async with acting(context) if context else db.write() as write:
            await write.lock_one(PROFILE, {"owner_id": owner_id})
            if context:
                refuse_own(context.viewer, owner_id)
            item = await _item(write, account_id, server_id)
            if item is None or item.owner_id != owner_id:
                raise NotFound().at(path)
            if (obstacle := _obstacle(item)) is not None:
                raise obstacle
            made = schedule(
                write.record,
                figures,
                owner_id=item.owner_id,
                name=item.name,
                summary=told,
                scheduled_for=on,
                account_id=account_id,
                server_id=server_id,
            )
            write.add(made)
            await write.flush()
            kind = AlertKind.MIGRATION_SCHEDULED
            write.add(open_alert(write.record, made.owner_id, kind, text=told, about=made.about))
    except Conflict:
        raise AlreadyScheduled from None
    return made.id


async def _owner(db: Db, account_id: UUID | None, server_id: UUID | None) -> UUID:
    rows = ACCOUNTS if account_id else SERVERS
    owner = await db.first(select(rows.c.owner_id).where(rows.c.id == (account_id or server_id)))
    if owner is None:
        raise NotFound().at("account_id" if account_id else "server_id")
    owner_id: UUID = owner.owner_id
    return owner_id


async def cancel(context: Context, *, key: UUID) -> None:
    """ALE-2. Staff gives one up that is not under way; its alert is resolved."""
    async with acting(context) as write:
        migration = await _found(write, key)
        if migration is None:
            raise NotFound().at("migration_id")
        refuse_own(context.viewer, migration.owner_id)
        migration.cancel(write.record)
        for alert in await write.lock(ABOUT, {"key": key}):
            alert.resolve(write.record)
        await write.run(delete_rows(MIGRATIONS).where(MIGRATIONS.c.id == key))


async def apply(context: Context, *, key: UUID) -> UUID:
    """ALE-2. Apply it before its day, because those concerned ask for it; answers its key."""
    async with writing(context) as write:
        if await _found(write, key) is None:
            raise NotFound().at("migration_id")
        migration = await find(context, write, Migration, key, "migration_id")
        item = await _item(write, migration.account_id, migration.server_id)
        if item is not None and (obstacle := _obstacle(item)) is not None:
            raise obstacle
        write.add(migration.start(write.record))
        for alert in await write.lock(ABOUT, {"key": key}):
            alert.pause()
    return key


async def begin(figures: Figures, write: Write, key: UUID) -> None:
    """ALE-2. Apply it because its day is over; the profile is locked. What is in the way is waited for."""
    migration = await write.lock_one(BY_KEY, {"key": key})
    if migration is None or migration.status is not MigrationStatus.SCHEDULED:
        return
    item = await _item(write, migration.account_id, migration.server_id)
    if item is None or _obstacle(item) is not None:
        migration.wait(write.record, figures)
    else:
        write.add(migration.start(write.record))


async def retry(figures: Figures, write: Write, owner_id: UUID, at: Any) -> None:
    """ALE-2. Apply again what failed on its day."""
    await write.lock_one(PROFILE, {"owner_id": owner_id})
    mine = MIGRATIONS.c.owner_id == owner_id, MIGRATIONS.c.retry_at <= at
    for row in await write.rows(select(MIGRATIONS.c.id).where(*mine).order_by(MIGRATIONS.c.id)):
        await begin(figures, write, row.id)


async def settle(db: Db, office: Issuer, *, task_id: UUID, outcome: Outcome, reason: str | None) -> bool:
    """EVT-2. Take the answer to the task of a migration; False where that changes nothing."""
    asked = await db.first(select(TASKS.c.migration_id).where(TASKS.c.id == task_id))
    with suppress(AnsweredBefore):
        async with db.write() as write:
            migration = await _found(write, asked.migration_id) if asked else None
            task = await write.lock_one(select_rows(ProvisioningTask).where(TASKS.c.id == task_id))
            if task is None or not task.answer(write.record, outcome, reason) or migration is None:
                raise AnsweredBefore
            alerts = await write.lock(ABOUT, {"key": migration.id})
            whose = Subject(migration.owner_id, migration.account_id, migration.server_id, concerned=CONTACT)
            readers = [str(each) for each in await concerned(write, whose)]
            migration.settle(write.record, outcome, office.figures, awaited=bool(alerts), readers=readers)
            for alert in alerts:
                if outcome is Outcome.DONE:
                    alert.resolve(write.record)
                else:
                    alert.resume(write.record, office.figures)
        return True
    return False


async def _found(write: Write, key: UUID) -> Migration | None:
    """A migration, locked after its owner."""
    rows = await write.rows(select(MIGRATIONS.c.owner_id).where(MIGRATIONS.c.id == key))
    if not rows:
        return None
    await write.lock_one(PROFILE, {"owner_id": rows[0].owner_id})
    return await write.lock_one(BY_KEY, {"key": key})


async def _item(write: Write, account_id: UUID | None, server_id: UUID | None) -> Account | Server | None:
    """What is to be migrated, locked."""
    if account_id is not None:
        return await write.lock_one(select_rows(Account).where(ACCOUNTS.c.id == account_id))
    return await write.lock_one(select_rows(Server).where(SERVERS.c.id == server_id))


def _obstacle(item: Account | Server) -> Obstacle | None:
    """Why it is not migrated now."""
    if isinstance(item, Account):
        return under_way(item.status)
    return BeingDeleted() if item.status is ServerStatus.DELETING else None
