"""EVT-2. What is asked of those who run the machines: how it is handed over, and what its answer does."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Update, and_, bindparam, exists, func, select, update
from sqlalchemy import delete as delete_rows
from sqlmodel import select as select_rows

from models.account import Account, AccountStatus
from models.activity import ActivityEvent
from models.alert import Alert, AlertStatus
from models.column import table
from models.db import Db, Write
from models.delivery import Delivery
from models.grant import AccountGrant, PermissionGrant, ServerGrant
from models.held_name import HeldName
from models.issuer import Issuer
from models.provisioning import OVERTAKING, Operation, Order, Outcome, ProvisioningTask, TaskState
from models.refusal import NotFound
from models.server import Server, ServerStatus
from models.staff import refuse_own
from models.viewer import Viewer
from resolvers import migration
from resolvers.grant import drop_empty
from resolvers.subscription import end_of_account, end_of_server, take_back
from resolvers.suspension import PROFILE, is_over, is_suspended

TASKS, ACCOUNTS, SERVERS = table(ProvisioningTask), table(Account), table(Server)
ALERTS = table(Alert)
NAMES, DELIVERIES, EVENTS = table(HeldName), table(Delivery), table(ActivityEvent)
GRANTS, ON_ACCOUNTS, ON_SERVERS = table(PermissionGrant), table(AccountGrant), table(ServerGrant)


LATER = TASKS.alias("later")
OVERTAKEN = and_(
    TASKS.c.operation.in_((Operation.SUSPEND, Operation.RESUME)),
    exists().where(
        LATER.c.account_id == TASKS.c.account_id, LATER.c.id > TASKS.c.id, LATER.c.operation.in_(OVERTAKING)
    ),
)
"""Whether what was asked later says whether the account is blocked, or that it goes."""
ASKED = (
    select(
        TASKS.c.operation,
        TASKS.c.account_id,
        TASKS.c.state,
        ACCOUNTS.c.server_id,
        func.coalesce(ACCOUNTS.c.owner_id, SERVERS.c.owner_id).label("owner_id"),
    )
    .outerjoin(ACCOUNTS, ACCOUNTS.c.id == TASKS.c.account_id)
    .outerjoin(SERVERS, SERVERS.c.id == TASKS.c.server_id)
    .where(TASKS.c.id == bindparam("task_id"))
)
NEVER_OPENED = Operation.CREATE, Outcome.FAILED
GONE = {(Operation.DELETE, Outcome.DONE), NEVER_OPENED}
"""Answers after which there is no account: it was deleted, or never came to be."""


class _AnsweredBefore(Exception):
    """The same answer came while this one waited: there is nothing to write."""


async def order(db: Db, delivery_id: UUID) -> Order | None:
    """The task that a delivery hands over; None where nothing has to be done any more.

    It is answered, or it is to block or unblock an account of which the opposite, or its end, was asked for later: that
    may have been done already, and stays. Handed over before, it may still be answered, which changes nothing.
    """
    told = await db.first(
        select(EVENTS.c.facts)
        .join(DELIVERIES, DELIVERIES.c.event_id == EVENTS.c.id)
        .where(DELIVERIES.c.id == delivery_id)
    )
    key = UUID(told.facts["task_id"]) if told else None
    mine = TASKS.c.id == key, TASKS.c.state == TaskState.PENDING
    row = await db.first(select(TASKS, OVERTAKEN.label("overtaken")).where(*mine))
    if row is None:
        return None
    if row.overtaken:
        await db.note(update(TASKS).where(*mine).values(state=TaskState.SUPERSEDED))
        return None
    return Order(
        row.id,
        row.operation,
        row.account_id,
        row.name,
        row.new_name,
        row.server_id,
        row.migration_id,
        row.sealed_password,
    )


def handed(task_id: UUID, real_now: datetime) -> Update:
    """That a task has left; at the first time, where it left twice."""
    return update(TASKS).where(TASKS.c.id == task_id, TASKS.c.handed_at.is_(None)).values(handed_at=real_now)


async def unanswered(db: Db, before: datetime, limit: int) -> Sequence[UUID]:
    """The tasks that were handed over before an instant and are not answered, those that wait for longest first."""
    waiting = select(TASKS.c.id).where(TASKS.c.state == TaskState.PENDING, TASKS.c.handed_at <= before)
    return [row.id for row in await db.rows(waiting.order_by(TASKS.c.handed_at, TASKS.c.id).limit(limit))]


async def report(
    db: Db,
    office: Issuer,
    *,
    task_id: UUID,
    outcome: Outcome,
    reason: str | None = None,
    by: Viewer | None = None,
) -> bool:
    """EVT-2. Take the answer to a task, and do to the account what follows from it.

    False where the same answer was given before: nothing is done then. Raises NotFound, and AnsweredOtherwise where
    another one was. Locks the profile where the account goes, the server, the account and the task, in this order.
    """
    asked = await db.first(ASKED, {"task_id": task_id})
    if asked is None:
        raise NotFound
    if by is not None and asked.owner_id is not None:
        refuse_own(by, asked.owner_id)
    if asked.state == TaskState(outcome.value):
        return False
    if asked.operation is Operation.MIGRATE:
        return await migration.settle(db, office, task_id=task_id, outcome=outcome, reason=reason)
    server_id = asked.server_id if asked.operation is Operation.DELETE else None
    never_opened = (asked.operation, outcome) == NEVER_OPENED
    try:
        async with db.write() as write:
            if (asked.operation, outcome) in GONE:  # Money goes back, and alerts about it are over.
                await write.lock_one(PROFILE, {"owner_id": asked.owner_id})
            ended = await _settle(write, task_id, asked.account_id, server_id, (outcome, reason))
            if never_opened:
                await take_back(office, write, ended)
    except _AnsweredBefore:
        return False
    return True


async def _settle(
    write: Write, task_id: UUID, account_id: UUID, server_id: UUID | None, answer: tuple[Outcome, str | None]
) -> Sequence[UUID]:
    """What the answer makes of the account; answers the subscriptions that it had, where it is gone."""
    server = await write.lock_one(select_rows(Server).where(SERVERS.c.id == server_id)) if server_id else None
    account = await write.lock_one(select_rows(Account).where(ACCOUNTS.c.id == account_id))
    task = await write.lock_one(select_rows(ProvisioningTask).where(TASKS.c.id == task_id))
    if task is None or not task.answer(write.record, *answer) or account is None:
        raise _AnsweredBefore
    outcome, _ = answer
    account.settle(write.record, task, outcome)
    if account.status is AccountStatus.ACTIVE and await is_over(write, account):
        write.add(account.lapse(write.record))  # What was paid for it ended meanwhile.
    elif account.status is AccountStatus.ACTIVE and await is_suspended(write, account.owner_id):
        write.add(account.suspend(write.record))  # Its owner was suspended meanwhile.
    if task.operation is Operation.RENAME:
        await write.run(delete_rows(NAMES).where(NAMES.c.account_id == account.id, NAMES.c.name != account.name))
    if (task.operation, outcome) not in GONE:
        return ()
    ended = await _delete(write, account)
    await _delete_if_empty(write, server)
    return ended


async def _delete(write: Write, account: Account) -> Sequence[UUID]:
    """ACC-5. The row, and with it its names, what was granted on it and the tokens for it; grants left empty go too.

    What else was asked for it needs no answer any more.
    """
    naming = select(ON_ACCOUNTS.c.grant_id).where(ON_ACCOUNTS.c.account_id == account.id)
    named = [row.grant_id for row in await write.rows(naming)]
    ended = await end_of_account(write, account.id)
    await close_alerts(write, ALERTS.c.account_id == account.id)
    await write.flush()
    waiting = TASKS.c.account_id == account.id, TASKS.c.state == TaskState.PENDING
    await write.run(update(TASKS).where(*waiting).values(state=TaskState.SUPERSEDED))
    await write.run(delete_rows(ACCOUNTS).where(ACCOUNTS.c.id == account.id))
    await drop_empty(write, named)
    return ended


async def _delete_if_empty(write: Write, server: Server | None) -> None:
    """ACC-5. A server that is given up goes with the last account on it."""
    if server is None or server.status is not ServerStatus.DELETING:
        return
    ((left,),) = await write.rows(select(func.count()).where(ACCOUNTS.c.server_id == server.id))
    if not left:
        await delete_server(write, server)


async def delete_server(write: Write, server: Server) -> None:
    """ACC-5. The row of a server that has no accounts any more, and what was granted on it."""
    server.gone(write.record)
    await end_of_server(write, server.id)
    await close_alerts(write, ALERTS.c.server_id == server.id)
    await write.flush()
    waiting = TASKS.c.server_id == server.id, TASKS.c.account_id.is_(None), TASKS.c.state == TaskState.PENDING
    await write.run(update(TASKS).where(*waiting).values(state=TaskState.SUPERSEDED))
    naming = select(ON_SERVERS.c.grant_id).where(ON_SERVERS.c.server_id == server.id)
    named = [row.grant_id for row in await write.rows(naming)]
    await write.run(delete_rows(SERVERS).where(SERVERS.c.id == server.id))
    await drop_empty(write, named)


async def close_alerts(write: Write, about: ColumnElement[bool]) -> None:
    """ALE-1. What they were about goes, and their cause with it; its owner is locked."""
    for alert in await write.lock(select_rows(Alert).where(about, ALERTS.c.status == AlertStatus.OPEN)):
        alert.resolve(write.record)
