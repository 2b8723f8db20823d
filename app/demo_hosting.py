"""What the demo's customers host, and what they have granted each other. Made once, the same every time."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import case, insert, select
from sqlmodel import SQLModel

from models.account import Account
from models.charge import Charge, RevenueKind
from models.clock import civil_day, day_start
from models.column import table
from models.db import Db
from models.grant import AccountGrant, PermissionGrant
from models.held_name import HeldName
from models.period import period_at
from models.permission import AccountPermission, OverallPermission, mask_of
from models.plan import Plan, PlanKind, PlanPrice
from models.price import BillingPeriod
from models.server import Server
from models.setting import Figures
from models.subscription import Subscription, charge_of
from models.subscription_period import SubscriptionPeriod, period_of
from models.term import Item, Priced, Term, span, term

PLANS, PRICES = table(Plan), table(PlanPrice)

ACCOUNTS = ("atelier", "boutique", "forge-web", "forge-api", "hobby")
ON_PLAN = {"atelier": "medium", "boutique": "small", "hobby": "free"}
SUBSCRIBED = (("atelier", BillingPeriod.YEARLY), ("boutique", BillingPeriod.MONTHLY))
YEARLY = BillingPeriod.YEARLY
AGE = timedelta(days=365)


def _key(number: int) -> UUID:
    return UUID(f"01900000-0000-7000-8000-0000000003{number:02d}")


ACCOUNT_KEYS = {name: _key(number) for number, name in enumerate(ACCOUNTS, 1)}
FORGE = _key(20)


async def seed(
    db: Db, *, owner: UUID, delegate: UUID, tech: UUID, free: UUID, zone: ZoneInfo, charged: bool = False
) -> bool:
    """Make all of it where none of it is there; answers whether it was made. `charged`: periods are to be invoiced."""
    if await db.rows(select(table(Account).c.id).where(table(Account).c.id.in_(ACCOUNT_KEYS.values()))):
        return False
    now = await db.now()
    since, plans, machine = now - AGE, await _plans(db), await _machine(db)
    paid = [row async for row in _subscribed(db, owner, plans, (since, now), zone, charged)]
    async with db.bookkeeping() as connection:
        for model, values in (
            *_hosted(owner, free, since, plans, machine),
            *paid,
            *_granted(owner, delegate, tech, since),
        ):
            await connection.execute(insert(table(model)).values(values))
    return True


async def _plans(db: Db) -> dict[str, UUID]:
    """The plans that accounts are on, by the name of the account."""
    plans = {row.code: row.id for row in await db.rows(select(PLANS.c.code, PLANS.c.id))}
    return {account: plans[code] for account, code in ON_PLAN.items() if code in plans}


async def _machine(db: Db) -> UUID | None:
    """The plan of the server; None where the catalogue has none for servers: then there is no server either."""
    gold = case((PLANS.c.kind == PlanKind.GOLD, 0), else_=1)
    private = select(PLANS.c.id).where(PLANS.c.kind != PlanKind.PUBLIC_CLOUD).order_by(gold, PLANS.c.position)
    found = await db.first(private.limit(1))
    return found.id if found else None


async def _subscribed(
    db: Db,
    owner: UUID,
    plans: Mapping[str, UUID],
    between: tuple[datetime, datetime],
    zone: ZoneInfo,
    charged: bool,
) -> AsyncIterator[tuple[type[SQLModel], Mapping[str, Any]]]:
    """What runs for paid accounts, since they were opened."""
    since, now = between
    for number, (name, period) in enumerate(SUBSCRIBED, 40):
        price = await _price(db, plans.get(name), period, now)
        if price is None:
            continue
        anchor = civil_day(since, zone)
        starts_on, ends_before = period_at(anchor, period, civil_day(now, zone))
        running = Subscription(
            id=_key(number),
            owner_id=owner,
            account_id=ACCOUNT_KEYS[name],
            plan_id=plans[name],
            period=period,
            price_id=price.id,
            price_cents=price.cents,
            anchor=anchor,
            period_start=starts_on,
            period_end=ends_before,
            renews_at=day_start(ends_before, zone),
            notice_at=day_start(ends_before - Figures().renewal_notice, zone) if period is YEARLY else None,
            created_at=since,
        )
        yield Subscription, running.model_dump()
        item = Item(RevenueKind.HOSTING, price.name_en, price.name_fr, name, period, plan_id=plans[name])
        priced = Priced(price.id, price.cents, civil_day(price.valid_from, zone))
        for covered in _covered(running, item, priced):
            charge = _charge(running, covered, zone) if charged else None
            if charge is not None:
                yield Charge, charge.model_dump()
            yield SubscriptionPeriod, period_of(running.id, covered, charge.id if charge else None).model_dump()


async def _price(db: Db, plan_id: UUID | None, period: BillingPeriod, now: datetime) -> Any:
    """CAT-4. The price in force, with the names of its plan."""
    return await db.first(
        select(PRICES.c.id, PRICES.c.cents, PRICES.c.valid_from, PLANS.c.name_en, PLANS.c.name_fr)
        .join_from(PRICES, PLANS, PLANS.c.id == PRICES.c.plan_id)
        .where(PRICES.c.plan_id == plan_id, PRICES.c.period == period, PRICES.c.valid_from <= now)
        .order_by(PRICES.c.valid_from.desc())
        .limit(1)
    )


def _covered(running: Subscription, item: Item, price: Priced) -> Iterator[Term]:
    """The periods that it had, each where the one before ended."""
    day = running.anchor
    while day < running.period_end:
        covered = term(item, price, span(running.anchor, None, day, running.period))
        yield covered
        day = covered.ends_before


def _charge(running: Subscription, covered: Term, zone: ZoneInfo) -> Charge:
    """BIL-2. What was charged as a period began, to be invoiced after the usual time."""
    ordered_at = max(running.created_at, day_start(covered.starts_on, zone))
    return charge_of(running, covered, ordered_at, ordered_at + Figures().invoice_delay)


def _hosted(
    owner: UUID, free: UUID, since: datetime, plans: Mapping[str, UUID], machine: UUID | None
) -> Iterator[tuple[type[SQLModel], Mapping[str, Any]]]:
    if machine is not None:
        yield Server, _forge(owner, since, machine).model_dump()
    for name, key in ACCOUNT_KEYS.items():
        on_server = FORGE if name.startswith("forge-") else None
        if on_server is not None and machine is None:
            continue
        whose = free if name == "hobby" else owner
        account = Account(
            id=key, owner_id=whose, name=name, server_id=on_server, plan_id=plans.get(name), created_at=since
        )
        yield Account, account.model_dump()
        yield HeldName, {"name": name, "account_id": key}


def _forge(owner: UUID, since: datetime, plan_id: UUID) -> Server:
    return Server(
        id=FORGE,
        owner_id=owner,
        name="forge",
        plan_id=plan_id,
        created_at=since,
        cpu="2 × 8 cores",
        disks="2 × 1 TB NVMe, RAID 1, mirrored",
        memory_megabytes=16_384,
        traffic_gigabytes=3_000,
        options=["Gold: a redundant pair"],
    )


def _granted(
    owner: UUID, delegate: UUID, tech: UUID, since: datetime
) -> Iterator[tuple[type[SQLModel], Mapping[str, Any]]]:
    for number, grantee, overall, flagged in (
        (30, delegate, OverallPermission.BILLING, False),
        (31, tech, OverallPermission.TECHNICAL_ACCOUNT, True),
    ):
        grant = PermissionGrant(
            id=_key(number),
            owner_id=owner,
            grantee_id=grantee,
            overall=mask_of(overall),
            requires_two_factor=flagged,
            created_at=since,
            updated_at=since,
        )
        yield PermissionGrant, grant.model_dump()
    held = mask_of(AccountPermission.SITES, AccountPermission.USAGE)
    yield AccountGrant, {"grant_id": _key(30), "account_id": ACCOUNT_KEYS["atelier"], "permissions": held}
