"""Opening accounts: the quote and the command, which read the same and decide the same."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, case, func, select
from sqlmodel import select as select_rows

from models.account import Account, AccountStatus, new_account
from models.clock import civil_day
from models.column import Instant, table
from models.conflict import Conflict
from models.context import Context
from models.db import Write
from models.held_name import NameTaken
from models.opening import (
    Offer,
    Opening,
    Situation,
    Standing,
    WeakServicePassword,
    Wishes,
    decide_opening,
    is_identified,
)
from models.plan import Plan, PlanPrice
from models.price import BillingPeriod
from models.profile import Profile
from models.quote import Quote, QuoteKind, Terms, check_quote
from models.refusal import Refusal
from models.server import Server, ServerAction, obstacle_to_server
from models.term import Priced
from resolvers.account_name import taken
from resolvers.contract import Read, pending
from resolvers.find import find, writing
from resolvers.idempotency import DoneBefore, done_before, intent_of, keep, take
from resolvers.password import about_owner
from resolvers.quote import Asked, ask_register, quote, reckoned
from resolvers.right import Reader
from resolvers.subscription import begin, invoicing_day

OPERATION = "accountOpen"
ACCOUNTS, PLANS, PRICES = table(Account), table(Plan), table(PlanPrice)
PROFILES, SERVERS = table(Profile), table(Server)
OWNER_ID: Any = bindparam("owner_id")
IDENTITY = ("organization_name", "first_name", "last_name", "street_lines", "city", "country")
OWNER = select(PROFILES.c.email_verified_at, PROFILES.c.suspended_at, *(PROFILES.c[name] for name in IDENTITY)).where(
    PROFILES.c.id == OWNER_ID
)
SHOWN = "id", "kind", "name_en", "name_fr", "free", "available", "disk_gigabytes"
PLAN = select(*(PLANS.c[name] for name in SHOWN)).where(PLANS.c.id == bindparam("plan_id"))
PRICE = (
    select(PRICES.c.id, PRICES.c.cents, PRICES.c.valid_from)
    .where(
        PRICES.c.plan_id == bindparam("plan_id"),
        PRICES.c.period == bindparam("period", type_=PRICES.c.period.type),
        PRICES.c.valid_from <= bindparam("now", type_=Instant()),
    )
    .order_by(PRICES.c.valid_from.desc())
    .limit(1)
)
SERVER = select(SERVERS.c.status).where(SERVERS.c.id == bindparam("server_id"), SERVERS.c.owner_id == OWNER_ID)
PAYING = and_(~PLANS.c.free, ACCOUNTS.c.status != AccountStatus.DELETING)
COUNTS = (
    select(
        func.coalesce(func.sum(case((PLANS.c.free, 1), else_=0)), 0).label("free"),
        func.coalesce(func.sum(case((PAYING, 1), else_=0)), 0).label("paying"),
    )
    .join_from(ACCOUNTS, PLANS, PLANS.c.id == ACCOUNTS.c.plan_id)
    .where(ACCOUNTS.c.owner_id == OWNER_ID)
)
"""ACC-3. A free account counts until it is gone, a paying one until somebody asks for its end."""


async def quotes(context: Context, keys: Sequence[UUID], *, wishes: Wishes) -> list[Quote]:
    """ACC-1, BIL-14. For each profile what it would cost to open this account, and what stands in the way."""
    now = await context.db.now()
    return [(await _quoted(context, context.db, key, wishes, now)).quote for key in keys]


async def open_account(
    context: Context, *, owner_id: UUID, wishes: Wishes, password: str, quote_token: str, key: UUID
) -> UUID:
    """ACC-1, BIL-15. Open the account that was quoted, once for each key; answers the account's."""
    values = {"owner": owner_id, "wishes": asdict(wishes), "password": password, "quote": quote_token}
    intent = intent_of(context, key, OPERATION, values)
    if (before := await done_before(context, intent)) is not None:
        return before["account"]
    sealed = await _sealed(context, password)
    await ask_register(context, owner_id)
    try:
        async with writing(context) as write:
            await take(context, write, intent)
            await find(context, write, Profile, owner_id, "owner_id")  # Locks: who opens another account waits.
            account = await _opened(context, write, owner_id, wishes, quote_token, sealed)
            await keep(write, intent, account=account.id)
    except DoneBefore as done:
        return done.results["account"]
    except Conflict as conflict:
        if not conflict.constraint.endswith("account_name"):
            raise
        raise NameTaken().at("account", "name") from None  # Somebody else took it meanwhile.
    return account.id


async def _sealed(context: Context, password: str) -> str:
    """ACC-1, PRO-4. The password as it is kept and handed on; made before the transaction, since it takes long."""
    try:
        # Of the owner nothing is told to who opens for them: their own address is what they know.
        await context.passwords.check(password, await about_owner(context, context.viewer.key))
    except Refusal:
        raise WeakServicePassword().at("service_password") from None
    return await context.passwords.hash(password)


async def _opened(
    context: Context, write: Write, owner_id: UUID, wishes: Wishes, quote_token: str, sealed: str
) -> Account:
    """ACC-1, BIL-14. What was quoted, decided again under the locks; `decide_opening` computes every figure."""
    if wishes.server_id is not None:
        await write.lock_one(
            select_rows(Server).where(SERVERS.c.id == wishes.server_id, SERVERS.c.owner_id == owner_id)
        )
    found = await _quoted(context, write, owner_id, wishes, write.now)
    if found.quote.blockers:
        blocker = found.quote.blockers[0]
        raise blocker.at("account", *blocker.path) if blocker.path else blocker
    check_quote(context.key, quote_token, found.quote, found.terms, write.now)
    account, name, task = new_account(
        write.record,
        owner_id=owner_id,
        name=wishes.name,
        server_id=wishes.server_id,
        plan_id=wishes.plan_id,
        sealed_password=sealed,
        figures=context.figures,
    )
    write.add(account)
    await write.flush()
    write.add(name)
    write.add(task)
    for term in found.opening.terms:
        due_at = write.now + context.figures.invoice_delay
        await begin(context.figures, write, term, owner_id=owner_id, account_id=account.id, due_at=due_at)
    await write.flush()  # A name that was taken meanwhile is told here.
    return account


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote, its terms, and what was decided."""

    quote: Quote
    terms: Terms
    opening: Opening


async def _quoted(context: Context, reader: Reader, owner_id: UUID, wishes: Wishes, now: datetime) -> Quoted:
    opening = decide_opening(wishes, await _situation(context, reader, owner_id, wishes, now), context.figures)
    asked = Asked(QuoteKind.ACCOUNT_OPEN, owner_id, asdict(wishes), now)
    invoiced_on = civil_day(now + context.figures.invoice_delay, ZoneInfo(context.figures.billing_zone))
    reckoning = await reckoned(context, reader, asked, opening.terms, invoiced_on)
    made, terms = await quote(context, reader, asked, reckoning, opening.blockers, opening.cautions)
    return Quoted(made, terms, opening)


async def _situation(context: Context, reader: Reader, owner_id: UUID, wishes: Wishes, now: datetime) -> Situation:
    """Everything that the opening depends on."""
    read = reader.rows
    of_owner = {"owner_id": owner_id}
    server = await read(SERVER, of_owner | {"server_id": wishes.server_id}) if wishes.server_id else ()
    (counts,) = await read(COUNTS, of_owner)
    return Situation(
        today=civil_day(now, ZoneInfo(context.figures.billing_zone)),
        standing=await standing_of(context, read, owner_id),
        contract=await pending(read, owner_id, now),
        name_taken=await taken(read, wishes.name),
        offer=await offer(context, read, wishes.plan_id, wishes.period, now) if wishes.plan_id else None,
        server_found=bool(server),
        server_obstacle=obstacle_to_server(ServerAction.OPEN_ACCOUNT, server[0].status) if server else None,
        free_accounts=counts.free,
        paying_accounts=counts.paying,
        invoicing_day=await invoicing_day(reader, owner_id),
    )


async def standing_of(context: Context, read: Read, owner_id: UUID) -> Standing:
    """Of the owner; and the caller, who may be somebody else, has to be in good standing too."""
    (owner,) = await read(OWNER, {"owner_id": owner_id})
    return Standing(
        email_verified=owner.email_verified_at is not None and context.viewer.email_verified,
        suspended=owner.suspended_at is not None or context.viewer.suspended,
        identified=is_identified(*(getattr(owner, name) for name in IDENTITY)),
    )


async def offer(context: Context, read: Read, plan_id: UUID, period: BillingPeriod, now: datetime) -> Offer | None:
    """CAT-4. The plan and its price now."""
    plans = await read(PLAN, {"plan_id": plan_id})
    prices = await read(PRICE, {"plan_id": plan_id, "period": period, "now": now})
    zone = ZoneInfo(context.figures.billing_zone)
    price = Priced(prices[0].id, prices[0].cents, civil_day(prices[0].valid_from, zone)) if prices else None
    return Offer(**plans[0]._mapping, price=price) if plans else None
