"""ALE-2. Domains: reported by those who run them, looked at by the clock, and paid for by what is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, select, update
from sqlalchemy import delete as delete_rows
from sqlmodel import select as select_rows

from models.account import Account
from models.alert import BILLING, CONTACT, Alert, AlertKind, AlertStatus, open_alert
from models.column import Instant, table
from models.db import Db, Write
from models.domain import Domain, DomainState, checked_expiry, checked_name, checked_price, first_reported
from models.issuer import Issuer
from models.journal import JournalEntry
from models.payment_method import MethodState, PaymentMethod
from models.permission import Subject
from models.refusal import NotFound
from models.setting import Figures
from resolvers.contact import concerned
from resolvers.suspension import PROFILE

DOMAINS, ACCOUNTS, ALERTS = table(Domain), table(Account), table(Alert)
METHODS, ENTRIES = table(PaymentMethod), table(JournalEntry)
OWNER_ID: Any = bindparam("owner_id")
IN_TIME = (DOMAINS.c.expires_on, DOMAINS.c.id)
WANTING = (
    select_rows(Domain)
    .where(DOMAINS.c.owner_id == OWNER_ID, DOMAINS.c.funds_at <= bindparam("now", type_=Instant()))
    .order_by(*IN_TIME)
)
DUE = (
    select_rows(Domain)
    .where(DOMAINS.c.owner_id == OWNER_ID, DOMAINS.c.look_at <= bindparam("until", type_=Instant()))
    .order_by(*IN_TIME)
)
NAMED = select_rows(Domain).where(DOMAINS.c.account_id == bindparam("account_id"), DOMAINS.c.name == bindparam("name"))
OPEN = select_rows(Alert).where(
    ALERTS.c.owner_id == OWNER_ID, ALERTS.c.status == AlertStatus.OPEN, ALERTS.c.kind == bindparam("kind")
)
ABOUT: Select[Any] = select_rows(Alert).where(ALERTS.c.owner_id == OWNER_ID, ALERTS.c.cause_id == bindparam("cause_id"))
DEBITED = select(METHODS.c.expires_on).where(
    METHODS.c.owner_id == OWNER_ID, METHODS.c.is_default, METHODS.c.auto_debit, METHODS.c.state == MethodState.STORED
)
BALANCE = (
    select(ENTRIES.c.balance_after_cents.label("cents"))
    .where(ENTRIES.c.owner_id == OWNER_ID)
    .order_by(ENTRIES.c.position.desc())
    .limit(1)
)


class NothingNew(Exception):
    """The same was reported before: there is nothing to write."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is told of one domain."""

    name: str
    state: DomainState
    expires_on: date
    renews: bool
    price_cents: int | None


async def report(db: Db, office: Issuer, *, account_id: UUID, told: Report) -> bool:
    """ALE-2. Take what those who run domains tell; False where all of it is known. Raises NotFound."""
    name, price_cents = checked_name(told.name), checked_price(told.price_cents)
    checked_expiry(told.expires_on, await db.now())
    owner = await db.first(select(ACCOUNTS.c.owner_id).where(ACCOUNTS.c.id == account_id))
    if owner is None:
        raise NotFound().at("account_id")
    try:
        async with db.write() as write:
            await write.lock_one(PROFILE, {"owner_id": owner.owner_id})
            account = await write.lock_one(select_rows(Account).where(ACCOUNTS.c.id == account_id))
            if account is None or account.owner_id != owner.owner_id:
                raise NotFound().at("account_id")
            domain = await write.lock_one(NAMED, {"account_id": account_id, "name": name})
            if told.state is not DomainState.HELD:
                await _end(write, domain, told.state)
                return True
            if domain is None:
                domain = first_reported(
                    write.record,
                    owner_id=account.owner_id,
                    account_id=account.id,
                    name=name,
                    expires_on=told.expires_on,
                    renews=told.renews,
                    price_cents=price_cents,
                )
                write.add(domain)
            else:
                await _again(office.figures, write, domain, told.expires_on, told.renews, price_cents)
            domain.plan(write.now, office.figures)
            await write.flush()
            await _look(office.figures, write, [domain])
            await fund(write, account.owner_id)
    except NothingNew:
        return False
    return True


async def due(figures: Figures, write: Write, owner_id: UUID, at: datetime) -> None:
    """ALE-2. Look at the domains of a profile of which something begins."""
    if await write.lock_one(PROFILE, {"owner_id": owner_id}) is None:
        return
    found = await write.lock(DUE, {"owner_id": owner_id, "until": at})
    await _look(figures, write, found)
    for domain in found:
        domain.plan(write.now, figures)
    await write.flush()
    await fund(write, owner_id)


async def look_later(db: Db, figures: Figures, owner_id: UUID, at: datetime) -> None:
    """ALE-2. Keep when to look again, where there was nothing to tell."""
    rows = await db.rows(select(DOMAINS).where(DOMAINS.c.owner_id == owner_id, DOMAINS.c.look_at <= at))
    now = max(await db.now(), at)
    async with db.bookkeeping() as connection:
        for row in rows:
            domain = Domain(**row._mapping)
            domain.plan(now, figures)
            mine = DOMAINS.c.id == row.id, DOMAINS.c.look_at == row.look_at
            await connection.execute(update(DOMAINS).where(*mine).values(look_at=domain.look_at))


async def fund(write: Write, owner_id: UUID, balance_cents: int | None = None) -> None:
    """ALE-2. Whether what is renewed soon can be paid for, the first to end first; the profile is locked.

    By the balance, or by the card that every invoice is debited from, where that is still valid on the day.
    """
    wanting = await write.lock(WANTING, {"owner_id": owner_id, "now": write.now})
    if not wanting:
        return
    balance = await _balance(write, owner_id) if balance_cents is None else balance_cents
    card = next((row.expires_on for row in await write.rows(DEBITED, {"owner_id": owner_id})), None)
    kind = AlertKind.DOMAIN_RENEWAL_FUNDS
    found = {alert.cause_id: alert for alert in await write.lock(OPEN, {"owner_id": owner_id, "kind": kind})}
    for domain in wanting:
        balance -= domain.price_cents or 0
        funded = balance >= 0 or (card is not None and card >= domain.expires_on)
        alert = found.get(domain.id)
        if funded and alert is not None:
            alert.resolve(write.record)
        elif not funded and alert is None:
            write.add(open_alert(write.record, owner_id, kind, about=domain.about))


async def _balance(write: Write, owner_id: UUID) -> int:
    return next((int(row.cents) for row in await write.rows(BALANCE, {"owner_id": owner_id})), 0)


async def _look(figures: Figures, write: Write, domains: Sequence[Domain]) -> None:
    """ALE-2. Tell of what ends; of each end once."""
    for domain in domains:
        if not domain.is_ending(write.now, figures):
            continue
        told = await write.lock(ABOUT, {"owner_id": domain.owner_id, "cause_id": domain.id})
        if not any(each.kind is AlertKind.DOMAIN_EXPIRY and each.due_on == domain.expires_on for each in told):
            write.add(open_alert(write.record, domain.owner_id, AlertKind.DOMAIN_EXPIRY, about=domain.about))


async def _again(
    figures: Figures, write: Write, domain: Domain, expires_on: date, renews: bool, price_cents: int | None
) -> None:
    """ALE-2. What is told of a domain that is known: renewed, its alerts are resolved."""
    renewed = expires_on > domain.expires_on
    if not domain.reported(write.record, expires_on, renews, price_cents):
        raise NothingNew
    for alert in await write.lock(ABOUT, {"owner_id": domain.owner_id, "cause_id": domain.id}):
        if alert.status is not AlertStatus.OPEN:
            continue
        if renewed or (alert.kind is AlertKind.DOMAIN_RENEWAL_FUNDS and not (renews and price_cents)):
            alert.resolve(write.record)
        else:
            alert.move(write.record, expires_on, figures)


async def _end(write: Write, domain: Domain | None, state: DomainState) -> None:
    """ALE-2. It is not there any more: the loss is told once, whoever tells it first."""
    if domain is None:
        raise NothingNew
    told = False
    readers = await concerned(
        write, Subject(domain.owner_id, account_id=domain.account_id, concerned=BILLING | CONTACT)
    )
    for alert in await write.lock(ABOUT, {"owner_id": domain.owner_id, "cause_id": domain.id}):
        is_end = alert.kind is AlertKind.DOMAIN_EXPIRY and alert.due_on == domain.expires_on
        told = told or (is_end and alert.status is AlertStatus.EXPIRED)
        if alert.status is not AlertStatus.OPEN:
            continue
        if is_end and state is DomainState.LOST:
            alert.expire(write.record)
        else:
            alert.resolve(write.record)
    if state is DomainState.LOST:
        domain.lost(write.record, [] if told else [str(each) for each in readers])
    else:
        domain.gone(write.record)
    await write.run(delete_rows(DOMAINS).where(DOMAINS.c.id == domain.id))
