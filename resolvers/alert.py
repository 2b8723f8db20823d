"""ALE-1 to ALE-4. Alerts: opened and resolved with what causes them, told and ended by the clock."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, exists, func, select, update
from sqlmodel import select as select_rows

from models.account import Account
from models.alert import SUSPENDS, Alert, AlertKind, AlertOpen, AlertStatus, NoAlert, open_alert
from models.column import Instant, table
from models.context import Context
from models.db import Db, Write
from models.inactivity import inactive_at
from models.journal import JournalEntry
from models.money import Money
from models.plan import Plan
from models.profile import Profile, SuspensionReason, display_name
from models.server import Server
from models.setting import Figures
from models.suspension import AlreadySuspended, checked_text
from resolvers import domain, migration, suspension
from resolvers.contact import concerned
from resolvers.desk import acting, customer
from resolvers.suspension import PROFILE
from resolvers.transit import in_transit

ALERTS, PROFILES, ENTRIES = table(Alert), table(Profile), table(JournalEntry)
ACCOUNTS, PLANS, SERVERS = table(Account), table(Plan), table(Server)
OWNER_ID: Any = bindparam("owner_id")
MINE = ALERTS.c.owner_id == OWNER_ID, ALERTS.c.status == AlertStatus.OPEN
OPEN = select_rows(Alert).where(*MINE, ALERTS.c.kind == bindparam("kind"))
DUE = select_rows(Alert).where(*MINE, ALERTS.c.next_at <= bindparam("until", type_=Instant()))
BALANCE = (
    select(ENTRIES.c.balance_after_cents.label("cents"))
    .where(ENTRIES.c.owner_id == OWNER_ID)
    .order_by(ENTRIES.c.position.desc())
    .limit(1)
)
FREE = ACCOUNTS.outerjoin(PLANS, PLANS.c.id == ACCOUNTS.c.plan_id)
ONLY_FREE = select(PROFILES.c.id).where(
    PROFILES.c.id == OWNER_ID,
    exists().select_from(FREE).where(ACCOUNTS.c.owner_id == PROFILES.c.id, PLANS.c.free),
    ~exists().select_from(FREE).where(ACCOUNTS.c.owner_id == PROFILES.c.id, func.coalesce(~PLANS.c.free, True)),
    ~exists().where(SERVERS.c.owner_id == PROFILES.c.id),
)
"""PRO-14. The profile, where it has something, and nothing but free accounts."""


def of_owner(*, status: Sequence[AlertStatus] | None = None, kind: Sequence[AlertKind] | None = None) -> Select[Any]:
    """ALE-3. The alerts of a profile; in one of these states, of one of these kinds."""
    return _narrowed(select(ALERTS.c.owner_id), status, kind)


def of_account(*, status: Sequence[AlertStatus] | None = None, kind: Sequence[AlertKind] | None = None) -> Select[Any]:
    """ALE-3. The alerts about an account; in one of these states, of one of these kinds."""
    return _narrowed(select(ALERTS.c.account_id), status, kind)


def _narrowed(
    found: Select[Any], status: Sequence[AlertStatus] | None, kind: Sequence[AlertKind] | None
) -> Select[Any]:
    if status is not None:
        found = found.where(ALERTS.c.status.in_(status))
    return found if kind is None else found.where(ALERTS.c.kind.in_(kind))


# The balance


async def balance_moved(write: Write, owner_id: UUID, balance_cents: int) -> None:
    """ALE-2, ALE-4. In the transaction that moves a balance; its profile is locked."""
    await domain.fund(write, owner_id, balance_cents)
    found = await write.lock_one(OPEN, {"owner_id": owner_id, "kind": AlertKind.NEGATIVE_BALANCE})
    profile = write.held(Profile, owner_id)
    if profile is not None and profile.deleted_at is not None:
        return  # PRO-9. There is nobody to tell.
    suspended = profile is not None and profile.suspended_at is not None
    if balance_cents >= 0:
        if found is not None:
            found.resolve(write.record)
        if profile is not None and suspended:
            await suspension.lift(write, profile, SuspensionReason.UNPAID_BALANCE)
    elif found is not None:
        transit = await in_transit(write, owner_id, -balance_cents)
        if transit.oldest is not None:  # Of what has no invoice the days go on.
            found.follow(write.record, transit.oldest)
        if transit.moving:  # By now it may cover what is owed.
            found.stop(write.record)
    elif not suspended or not await suspension.stands(write, owner_id, SuspensionReason.UNPAID_BALANCE):
        opened = open_alert(write.record, owner_id, AlertKind.NEGATIVE_BALANCE)
        if (await in_transit(write, owner_id, -balance_cents)).moving:
            opened.stop(write.record)
        write.add(opened)


async def transit_moved(figures: Figures, write: Write, owner_id: UUID) -> None:
    """ALE-4. In the transaction in which money sets out, arrives or does not; its profile is locked."""
    found = await write.lock_one(OPEN, {"owner_id": owner_id, "kind": AlertKind.NEGATIVE_BALANCE})
    profile = write.held(Profile, owner_id)
    if profile is None or (found is None and profile.suspended_at is None):
        return
    balance = await write.rows(BALANCE, {"owner_id": owner_id})
    still = (await in_transit(write, owner_id, -balance[0].cents if balance else 0)).moving
    if found is not None and still:
        found.stop(write.record)
    elif found is not None:
        found.go_on(write.record, figures)
    await suspension.stand_still(figures, write, profile, still=still)


# The clock


async def advance(figures: Figures, write: Write, owner_id: UUID, at: datetime) -> None:
    """ALE-1. Tell what is due of a profile's alerts; what is not put right in time suspends it."""
    profile = await write.lock_one(PROFILE, {"owner_id": owner_id})
    if profile is None:
        return
    for alert in await write.lock(DUE, {"owner_id": owner_id, "until": at}):
        readers, facts = await concerned(write, alert.subject), {"customer": _name(profile)}
        if alert.kind is AlertKind.NEGATIVE_BALANCE:
            (balance,) = await write.rows(BALANCE, {"owner_id": profile.id})
            facts["owed"] = str(Money(-balance.cents).amount)
        if alert.advance(write.record, figures, readers, **facts):
            await _follows(figures, write, profile, alert, readers)


async def _follows(figures: Figures, write: Write, profile: Profile, alert: Alert, readers: Sequence[UUID]) -> None:
    """ALE-2. What comes of an alert whose time is over."""
    if alert.kind is AlertKind.DOMAIN_EXPIRY:
        alert.lose(write.record, readers, customer=_name(profile))
    elif alert.kind is AlertKind.MIGRATION_SCHEDULED:
        await migration.begin(figures, write, alert.cause_id)
    elif (reason := SUSPENDS.get(alert.kind)) is not None:
        with suppress(AlreadySuspended):  # Somebody did it meanwhile.
            await suspension.suspend(figures, write, profile, reason, text=alert.text, alert_id=alert.id)


def _name(profile: Profile) -> str:
    return display_name(profile.organization_name, profile.first_name, profile.last_name, profile.email)


# Signing in


async def signed_in(figures: Figures, write: Write, profile: Profile) -> None:
    """PRO-12, PRO-14. Whoever signs in is not inactive; the profile is locked."""
    profile.last_signed_in_at = write.record.now
    profile.inactive_at = inactive_at(profile.created_at, write.record.now, figures)
    found = await write.lock_one(OPEN, {"owner_id": profile.id, "kind": AlertKind.INACTIVITY})
    if found is not None:
        found.resolve(write.record)
    if profile.suspended_at is not None:
        await suspension.lift(write, profile, SuspensionReason.INACTIVITY)


async def look_for_inactivity(write: Write, owner_id: UUID, at: datetime) -> bool:
    """PRO-14. Open the alert of an inactive profile; False where it has something that costs, or nothing."""
    profile = await write.lock_one(PROFILE, {"owner_id": owner_id})
    if profile is None or profile.inactive_at != at or not await write.rows(ONLY_FREE, {"owner_id": owner_id}):
        return False
    profile.inactive_at = None
    write.add(open_alert(write.record, owner_id, AlertKind.INACTIVITY))
    return True


async def look_later(db: Db, owner_id: UUID, at: datetime, pause: timedelta) -> None:
    """PRO-14. Look again at whoever has more than free accounts: that may change without a sign-in."""
    mine = PROFILES.c.id == owner_id, PROFILES.c.inactive_at == at
    await db.note(update(PROFILES).where(*mine).values(inactive_at=at + pause))


# Staff


async def open_for(context: Context, *, key: UUID, text: str) -> None:
    """ALE-2. Staff says what does not comply with the terms."""
    told = checked_text(text)
    async with acting(context) as write:
        found = await _terms(context, write, key, gives=False)
        if found is not None:
            raise AlertOpen
        write.add(open_alert(write.record, key, AlertKind.TERMS_VIOLATION, text=told))


async def resolve_for(context: Context, *, key: UUID) -> None:
    """ALE-2. Staff says that it complies again."""
    async with acting(context) as write:
        found = await _terms(context, write, key, gives=True)
        if found is None:
            raise NoAlert
        found.resolve(write.record)


async def _terms(context: Context, write: Write, key: UUID, *, gives: bool) -> Alert | None:
    await customer(context, write, key, gives=gives)
    return await write.lock_one(OPEN, {"owner_id": key, "kind": AlertKind.TERMS_VIOLATION})
