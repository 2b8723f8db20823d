"""A customer with 50 accounts, 20 grants on them and a long history, and a session of theirs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.demo import seed
from app.migration import upgrade
from app.passwords import HashingPool
from engine.page import cursor
from models.account import Account
from models.activity import ActivityEvent
from models.clock import RealClock
from models.column import new_id, table
from models.db import Database, Db
from models.grant import AccountGrant, PermissionGrant
from models.password import Argon2
from models.permission import AccountPermission, OverallPermission, mask_of
from models.plan import PlanPrice
from models.price import BillingPeriod
from models.profile import Profile
from models.session import Lifetimes, SessionTransport, open_session
from models.subscription import Subscription

OWNER = UUID("01900000-0000-7000-8000-00000000beac")
EVENT, PRICES = table(ActivityEvent), table(PlanPrice)
SOLD = select(PRICES.c.plan_id, PRICES.c.id)
ACCOUNTS, GRANTS, ON_EACH = 50, 20, 8
EVENTS, DEEP = 20_000, 15_000
OTHERS, EVENTS_OF_OTHERS = 100, 100
"""With one customer alone, a database would think that nothing is found by its owner."""
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
"""When what is here began; every event is a second after the one before."""
LONG = timedelta(days=1)
HISTORY = {
    "sqlite": """
        WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :count)
        INSERT INTO activity_event (id, kind, occurred_at, recorded_at, owner_id, subject_type, subject_id, actor_id,
            channel, ip_address, facts, changes)
        SELECT lower(hex(randomblob(16))), 'profile.updated', at, at, owner, 'Profile', owner,
            CASE WHEN n % 10 > 0 THEN owner END, CASE WHEN n % 10 > 0 THEN 'SESSION' ELSE 'SYSTEM' END,
            CASE WHEN n % 10 > 0 THEN '192.0.2.1' END, '{}',
            CASE WHEN n % 3 > 0 THEN '{}' ELSE '{"first_name": ["A", "B"], "postal_code": [null, "75011"]}' END
        FROM (SELECT n, :owner AS owner, strftime('%Y-%m-%d %H:%M:%S.000000', :first, n || ' seconds') AS at
            FROM numbers)""",
    "postgresql": """
        INSERT INTO activity_event (id, kind, occurred_at, recorded_at, owner_id, subject_type, subject_id, actor_id,
            channel, ip_address, facts, changes)
        SELECT gen_random_uuid(), 'profile.updated', at, at, owner, 'Profile', owner,
            CASE WHEN n % 10 > 0 THEN owner END, CASE WHEN n % 10 > 0 THEN 'SESSION' ELSE 'SYSTEM' END,
            CASE WHEN n % 10 > 0 THEN '192.0.2.1' END, '{}',
            CASE WHEN n % 3 > 0 THEN '{}'::jsonb ELSE '{"first_name": ["A", "B"], "postal_code": [null, "75011"]}' END
        FROM (SELECT n, CAST(CAST(:owner AS text) AS uuid) AS owner,
            CAST(:first || '+00' AS timestamptz) + n * interval '1 second' AS at
            FROM generate_series(0, CAST(:count AS integer) - 1) AS n) AS events""",
}
"""The database makes them itself: a million by INSERT takes minutes."""


@dataclass(frozen=True)
class Visitor:
    """The customer, signed in; `deep` events of the history are past before `after`."""

    token: str
    after: str


async def populated(url: str, *, events: int = EVENTS, deep: int = DEEP) -> Visitor:
    """Fill the empty database at `url`."""
    database = Database(url, clock=RealClock(), sandbox=True)
    try:
        await upgrade(database)
        passwords = HashingPool(Argon2(memory_kib=8, passes=1, lanes=1), queue=50)
        await seed(database, passwords)
        passwords.close()
        async with Db(database) as db, db.bookkeeping() as connection:
            for model, rows in everything(dict((await connection.execute(SOLD)).tuples().all())):
                await connection.execute(insert(table(model)), rows)
        async with database.writing() as connection:
            await remember(connection, OWNER, events)
            for _ in range(OTHERS):
                await remember(connection, new_id(), EVENTS_OF_OTHERS)
        await settled(database)
        return Visitor(await signed_in(database), await place(database, deep))
    finally:
        await database.close()


def everything(sold: dict[UUID, UUID]) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    """Rows by table; `sold` are the plans, each with one of its prices."""
    profiles = [
        Profile(
            id=key,
            email=f"bench-{number:02}@example.org",
            first_name="Camille",
            last_name=f"Exemple {number}",
            email_verified_at=FIRST,
            password_changed_at=FIRST,
            created_at=FIRST,
        )
        for number, key in enumerate((OWNER, *(new_id() for _ in range(GRANTS))))
    ]
    yield Profile, [profile.model_dump() for profile in profiles]
    plans = sorted(sold)
    accounts = [
        Account(
            owner_id=OWNER,
            name=f"bench-{number:02}",
            plan_id=plans[number % len(plans)],
            created_at=FIRST + timedelta(days=number),
        )
        for number in range(ACCOUNTS)
    ]
    yield Account, [account.model_dump() for account in accounts]
    yield Subscription, [subscription(account, sold) for account in accounts]
    yield from grants([profile.id for profile in profiles[1:]], [account.id for account in accounts])


def subscription(account: Account, sold: dict[UUID, UUID]) -> dict[str, Any]:
    plan_id = account.plan_id or new_id()
    return Subscription(
        owner_id=OWNER,
        account_id=account.id,
        plan_id=plan_id,
        period=BillingPeriod.MONTHLY,
        price_id=sold[plan_id],
        price_cents=1_000,
        anchor=FIRST.date(),
        period_start=FIRST.date(),
        period_end=FIRST.date() + timedelta(days=31),
        created_at=FIRST,
    ).model_dump()


def grants(grantees: list[UUID], accounts: list[UUID]) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    """Every grantee has something on some accounts."""
    given = [
        PermissionGrant(
            owner_id=OWNER,
            grantee_id=key,
            overall=mask_of(OverallPermission.BILLING) if number % 2 else 0,
            created_at=FIRST + timedelta(hours=number),
            updated_at=FIRST,
        )
        for number, key in enumerate(grantees)
    ]
    yield PermissionGrant, [grant.model_dump() for grant in given]
    mask = mask_of(AccountPermission.SITES, AccountPermission.DOMAINS, AccountPermission.FTP)
    yield (
        AccountGrant,
        [
            {
                "grant_id": grant.id,
                "account_id": accounts[(number * ON_EACH + each) % len(accounts)],
                "permissions": mask,
            }
            for number, grant in enumerate(given)
            for each in range(ON_EACH)
        ],
    )


async def remember(connection: AsyncConnection, owner_id: UUID, count: int) -> None:
    """Give a profile a history of so many events."""
    values = {"owner": owner_id.hex, "first": f"{FIRST:%F %T}", "count": count}
    await connection.execute(text(HISTORY[connection.dialect.name]), values)


async def settled(database: Database) -> None:
    """Let the database know what it holds, so that it plans alike in every run."""
    async with database.writing() as connection:
        await connection.execute(text("ANALYZE"))


async def signed_in(database: Database) -> str:
    """The secret of a new session of the customer."""
    async with Db(database) as db, db.write() as write:
        opened = open_session(
            write.record,
            profile_id=OWNER,
            transport=SessionTransport.BEARER,
            lifetimes=Lifetimes(LONG, LONG, LONG),
            ip_address="127.0.0.1",
            user_agent=None,
        )
        write.add(opened.session)
    return opened.secret


async def place(database: Database, deep: int) -> str:
    """The cursor of an event of the history, newest first."""
    newest = select(EVENT.c.occurred_at, EVENT.c.id).where(EVENT.c.owner_id == OWNER)
    async with Db(database) as db:
        (row,) = await db.rows(newest.order_by(EVENT.c.occurred_at.desc(), EVENT.c.id.desc()).offset(deep - 1).limit(1))
    return cursor([row.occurred_at, row.id])
