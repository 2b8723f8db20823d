"""PRO-12, PRO-13. Suspensions in one place: what follows from one for what a profile owns, and from its end."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import select as select_rows

from models.account import Account, AccountStatus
from models.column import Instant, table
from models.context import Context
from models.db import Write
from models.locking import locking
from models.plan import Plan
from models.profile import Profile, SuspensionReason
from models.server import Server, ServerStatus
from models.setting import Figures
from models.subscription import Subscription, SubscriptionStatus
from models.suspension import Breach, NotSuspended, Suspension, checked_text
from models.suspension import suspend as begin
from resolvers.desk import acting, customer

SUSPENSIONS, PROFILES, ACCOUNTS = table(Suspension), table(Profile), table(Account)
SUBSCRIPTIONS, SERVERS, PLANS = table(Subscription), table(Server), table(Plan)
OWNER_ID: Any = bindparam("owner_id")
PROFILE = locking(select_rows(Profile).where(PROFILES.c.id == OWNER_ID))
"""What whoever moves money, or acts for all that a profile has, locks first."""
OPEN = select_rows(Suspension).where(SUSPENSIONS.c.owner_id == OWNER_ID, SUSPENSIONS.c.lifted_at.is_(None))
TO_WARN = OPEN.where(SUSPENSIONS.c.next_at <= bindparam("until", type_=Instant()))
ACCOUNTS_IN = select_rows(Account).where(ACCOUNTS.c.owner_id == OWNER_ID, ACCOUNTS.c.status == bindparam("status"))
RUNNING = select_rows(Subscription).where(
    SUBSCRIPTIONS.c.owner_id == OWNER_ID, SUBSCRIPTIONS.c.status == bindparam("status")
)
STANDING = select(PROFILES.c.suspended_at).where(PROFILES.c.id == OWNER_ID)
OF_SERVER = select(SERVERS.c.status).where(SERVERS.c.id == bindparam("server_id"))
PAID_FOR = (
    select(SUBSCRIPTIONS.c.status)
    .join_from(SUBSCRIPTIONS, ACCOUNTS, ACCOUNTS.c.id == SUBSCRIPTIONS.c.account_id)
    .join(PLANS, PLANS.c.id == ACCOUNTS.c.plan_id)
    .where(ACCOUNTS.c.id == bindparam("account_id"), ~PLANS.c.free)
)
"""All that an account had, while its plan is not free."""


async def suspend(
    figures: Figures,
    write: Write,
    profile: Profile,
    reason: SuspensionReason,
    *,
    text: str | None = None,
    alert_id: UUID | None = None,
) -> None:
    """PRO-12. Suspend a profile, which is locked, and with the first reason what it owns.

    Locks the accounts, then the subscriptions.
    """
    owner = {"owner_id": profile.id}
    others = await write.lock(OPEN, owner)
    write.add(begin(write.record, profile, reason, others, figures, text=text, alert_id=alert_id))
    if others:
        return
    for account in await write.lock(ACCOUNTS_IN, {**owner, "status": AccountStatus.ACTIVE}):
        write.add(account.suspend(write.record))
    for subscription in await write.lock(RUNNING, {**owner, "status": SubscriptionStatus.ACTIVE}):
        subscription.suspend()


async def lift(write: Write, profile: Profile, reason: SuspensionReason) -> bool:
    """PRO-12. Lift one suspension of a profile, which is locked; with the last one, what it owns is used again.

    False where it is not suspended for this reason.
    """
    owner = {"owner_id": profile.id}
    found = await write.lock(OPEN, owner)
    mine = [each for each in found if each.reason is reason]
    if not mine:
        return False
    others = [each for each in found if each.reason is not reason]
    mine[0].lift(write.record, profile, others)
    if others:
        return True
    for account in await write.lock(ACCOUNTS_IN, {**owner, "status": AccountStatus.SUSPENDED}):
        if not await is_over(write, account):
            write.add(account.release(write.record))
    for subscription in await write.lock(RUNNING, {**owner, "status": SubscriptionStatus.SUSPENDED}):
        subscription.release(write.record)
    return True


async def stands(write: Write, owner_id: UUID, reason: SuspensionReason) -> bool:
    """PRO-12. Whether a profile is suspended for this reason."""
    return any(each.reason is reason for each in await write.lock(OPEN, {"owner_id": owner_id}))


async def stand_still(figures: Figures, write: Write, profile: Profile, *, still: bool) -> None:
    """ALE-4. Stop the days of a suspension for what is owed, or let them go on; the profile is locked."""
    if profile.suspended_at is None:
        return
    found = await write.lock(OPEN, {"owner_id": profile.id})
    for each in found:
        if each.reason is not SuspensionReason.UNPAID_BALANCE:
            continue
        if still:
            each.stop(write.record)
        else:
            each.go_on(write.record, profile, [other for other in found if other is not each], figures)


async def warn(figures: Figures, write: Write, owner_id: UUID, at: datetime) -> None:
    """PRO-13. Tell of the deletion to come, where that is due."""
    profile = await write.lock_one(PROFILE, {"owner_id": owner_id})
    for each in await write.lock(TO_WARN, {"owner_id": owner_id, "until": at}):
        if profile is not None:
            each.warn(write.record, profile, figures)


async def suspend_for(context: Context, *, key: UUID, breach: Breach, text: str) -> None:
    """PRO-12. Staff suspends a profile, and tells it why."""
    told = checked_text(text)
    async with acting(context) as write:
        profile = await customer(context, write, key, gives=False)
        await suspend(context.figures, write, profile, breach.reason, text=told)


async def lift_for(context: Context, *, key: UUID, breach: Breach) -> None:
    """PRO-12. Staff lifts what staff suspended for."""
    async with acting(context) as write:
        if not await lift(write, await customer(context, write, key), breach.reason):
            raise NotSuspended


async def is_suspended(write: Write, owner_id: UUID) -> bool:
    """PRO-12. Whether a profile is suspended now."""
    rows = await write.rows(STANDING, {"owner_id": owner_id})
    return any(row.suspended_at is not None for row in rows)


async def is_over(write: Write, account: Account) -> bool:
    """BIL-4. Whether what was paid for an account, or for its server, is over, and it has not gone to a free plan."""
    if account.server_id is not None:
        (server,) = await write.rows(OF_SERVER, {"server_id": account.server_id})
        return server.status is ServerStatus.SUSPENDED
    found = await write.rows(PAID_FOR, {"account_id": account.id})
    return bool(found) and all(row.status is SubscriptionStatus.ENDED for row in found)
