"""Section 14. Customers as the staff finds and sees them: each search by an index, and of each list a bounded part."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, select, tuple_, union

from models.account import Account
from models.activity import ActivityChannel, ActivityEvent
from models.column import normalised_email, table
from models.context import Context
from models.customer import look_into, spellings
from models.journal import JournalEntry
from models.profile import Profile
from models.server import Server
from models.suspension import Suspension
from resolvers.desk import acting, customer

PROFILES, ACCOUNTS, SERVERS = table(Profile), table(Account), table(Server)
ENTRIES, EVENTS, SUSPENSIONS = table(JournalEntry), table(ActivityEvent), table(Suspension)
OF_EACH = 200
"""Rows that one way of finding brings at most."""
LISTED = 100
"""Accounts, servers and suspensions that are shown at most."""
LAST = "\U0010ffff"
"""Comes after every letter, by code points, as which these names are compared."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the staff sees of a customer."""

    profile: Row[Any]
    balance_cents: int
    suspensions: Sequence[Row[Any]]
    accounts: Sequence[Row[Any]]
    servers: Sequence[Row[Any]]
    activity: Sequence[Row[Any]]


async def search(context: Context, text: str, after: UUID | None, most: int) -> Sequence[Row[Any]]:
    """Section 14. Customers by address or whole name, or whose account or server has a name that begins so."""
    names = spellings(text)
    ways = [
        _some(PROFILES.c.id, PROFILES.c.email == normalised_email(text)),
        _some(PROFILES.c.id, PROFILES.c.organization_name.in_(names)),
        _some(PROFILES.c.id, PROFILES.c.last_name.in_(names)),
        _some(ACCOUNTS.c.owner_id, _begins(ACCOUNTS.c.name, text.lower())),
        _some(SERVERS.c.owner_id, _begins(SERVERS.c.name, text.lower())),
    ]
    found = select(PROFILES).where(PROFILES.c.id.in_(union(*ways)), PROFILES.c.deleted_at.is_(None))
    if after is not None:
        found = found.where(PROFILES.c.id > after)
    return await context.db.rows(found.order_by(PROFILES.c.id).limit(most))


def _some(owner: ColumnElement[Any], condition: ColumnElement[bool]) -> Select[Any]:
    bounded = select(owner.label("owner_id")).where(condition).limit(OF_EACH).subquery()
    return select(bounded.c.owner_id)


def _begins(name: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    return name.between(text, text + LAST)


async def look(context: Context, *, key: UUID, after: tuple[datetime, UUID] | None, most: int) -> Seen:
    """PRO-15, section 14. Open a customer's file: that is in their history. `after` is a place in that."""
    async with acting(context) as write:
        profile = await customer(context, write, key, gives=False)
        look_into(write.record, profile)
    return await _seen(context, key, after, most)


async def _seen(context: Context, key: UUID, after: tuple[datetime, UUID] | None, most: int) -> Seen:
    db = context.db
    (profile,) = await db.rows(select(PROFILES).where(PROFILES.c.id == key))
    newest = select(ENTRIES.c.balance_after_cents).where(ENTRIES.c.owner_id == key).order_by(ENTRIES.c.position.desc())
    entry = await db.first(newest.limit(1))
    return Seen(
        profile=profile,
        balance_cents=entry.balance_after_cents if entry else 0,
        suspensions=await db.rows(
            select(SUSPENSIONS)
            .where(SUSPENSIONS.c.owner_id == key)
            .order_by(SUSPENSIONS.c.owner_id, SUSPENSIONS.c.id.desc())
            .limit(LISTED)
        ),
        accounts=await db.rows(_named(ACCOUNTS, key)),
        servers=await db.rows(_named(SERVERS, key)),
        activity=await db.rows(_history(key, after).limit(most)),
    )


def _named(rows: Any, key: UUID) -> Select[Any]:
    return select(rows).where(rows.c.owner_id == key).order_by(rows.c.owner_id, rows.c.name).limit(LISTED)


def _history(key: UUID, after: tuple[datetime, UUID] | None) -> Select[Any]:
    """The newest first, with who acted: of the staff their first name, of anybody else their address."""
    events = (
        select(EVENTS, PROFILES.c.email.label("actor_email"), PROFILES.c.first_name.label("actor_name"))
        .join_from(EVENTS, PROFILES, PROFILES.c.id == EVENTS.c.actor_id, isouter=True)
        .where(EVENTS.c.owner_id == key)
    )
    if after is not None:
        events = events.where(tuple_(EVENTS.c.occurred_at, EVENTS.c.id) < tuple_(*after))
    return events.order_by(EVENTS.c.occurred_at.desc(), EVENTS.c.id.desc())


def who(event: Row[Any]) -> str | None:
    """Who acted, as the staff knows them; None for the service itself."""
    known: str | None = event.actor_email
    if event.channel is ActivityChannel.SUPPORT:
        known = event.actor_name or known
    return known
