"""ACC-7. Moving an account: the quote and the command, which read the same and decide the same."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlmodel import select as select_rows

from models.account import Account
from models.account_move import Machine, MoveSituation, MoveWishes, NoPlace, decide_move
from models.clock import civil_day
from models.column import table
from models.context import Context
from models.db import Write
from models.infrastructure import InfrastructureSilent
from models.intervention import QuoteOutdated
from models.plan_change import PlanChange
from models.price import BillingPeriod
from models.provisioning import Operation, ProvisioningTask, TaskState
from models.quote import NotThisQuote, Quote, QuoteKind, StaleQuote, Terms, check_quote
from models.refusal import NotFound
from models.server import Server
from models.subscription import MOVED, Subscription, SubscriptionStatus
from models.suspension import checked_text
from resolvers.contract import pending
from resolvers.desk import acting, customer
from resolvers.infrastructure import usage
from resolvers.opening import COUNTS, offer, standing_of
from resolvers.plan_change import PLACE as CHANGED
from resolvers.plan_change import RUNNING, begin_today, cut, give_back, running_of
from resolvers.quote import Asked, ask_register, quote, reckoned
from resolvers.right import Reader
from resolvers.subscription import invoicing_day

ACCOUNTS, SERVERS = table(Account), table(Server)
SUBSCRIPTIONS, TASKS = table(Subscription), table(ProvisioningTask)
ONE_DAY = timedelta(days=1)
PLACE = CHANGED.add_columns(SERVERS.c.transfer_id.label("server_transfer_id")).outerjoin(
    SERVERS, SERVERS.c.id == ACCOUNTS.c.server_id
)
MACHINE = select(SERVERS.c.name, SERVERS.c.status, SERVERS.c.transfer_id).where(
    SERVERS.c.id == bindparam("server_id"), SERVERS.c.owner_id == bindparam("owner_id")
)
LAST_MOVE = (
    select(TASKS.c.state)
    .where(TASKS.c.account_id == bindparam("account_id"), TASKS.c.operation == Operation.MOVE)
    .order_by(TASKS.c.id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote, its terms, what was decided, and how the place is called."""

    quote: Quote
    terms: Terms
    decided: PlanChange
    place: Mapping[str, str]


async def quoted(context: Context, wishes: MoveWishes) -> Quote:
    """ACC-7, BIL-14. What moving it would cost, what would go back, and what stands in the way."""
    owner_id = await _owner_of(context, wishes)
    used = await _used(context, wishes)
    return (await _quoted(context, context.db, owner_id, wishes, used, await context.db.now())).quote


async def move(context: Context, *, wishes: MoveWishes, quote_token: str, reason: str) -> UUID:
    """ACC-7. Move it as it was quoted; its owner is told. Locks the profile, the servers, the account."""
    told = checked_text(reason, "reason")
    owner_id = await _owner_of(context, wishes)
    await ask_register(context, owner_id)
    used = await _used(context, wishes)
    async with acting(context) as write:
        await customer(context, write, owner_id, path="account_id")
        if wishes.server_id is not None:
            await write.lock_one(select_rows(Server).where(SERVERS.c.id == wishes.server_id))
        account = await write.lock_one(select_rows(Account).where(ACCOUNTS.c.id == wishes.account_id))
        if account is None or account.owner_id != owner_id:
            raise NotFound().at("account_id")
        found = await _quoted(context, write, owner_id, wishes, used, write.now)
        for blocker in found.quote.blockers:
            raise blocker
        try:
            check_quote(context.key, quote_token, found.quote, found.terms, write.now)
        except (StaleQuote, NotThisQuote):
            raise QuoteOutdated().at("quote_token") from None
        await _moved(context, write, account, wishes, found, told)
    return account.id


async def _moved(
    context: Context, write: Write, account: Account, wishes: MoveWishes, found: Quoted, reason: str
) -> None:
    today = civil_day(write.now, ZoneInfo(context.figures.billing_zone))
    if wishes.server_id != account.server_id:
        running = SUBSCRIPTIONS.c.account_id == account.id, SUBSCRIPTIONS.c.status != SubscriptionStatus.ENDED
        before = await write.lock_one(select_rows(Subscription).where(*running))
        if before is not None:
            before.end(write.record, on=today, action=MOVED)
    write.add(account.move(write.record, wishes.server_id, wishes.plan_id, to=found.place, reason=reason))
    await write.flush()
    await cut(write, found.decided.cuts)
    await give_back(context, write, found.decided.given_back)
    await begin_today(context, write, account, found.decided, today)


async def _owner_of(context: Context, wishes: MoveWishes) -> UUID:
    if not wishes.names_one_place:
        raise NoPlace
    rows = await context.db.rows(PLACE, {"account_id": wishes.account_id})
    if not rows:
        raise NotFound().at("account_id")
    owner_id: UUID = rows[0].owner_id
    return owner_id


async def _used(context: Context, wishes: MoveWishes) -> Decimal | None:
    """ACC-6. The disk space in use, where it goes to a plan; asked outside of any write."""
    if wishes.plan_id is None:
        return None
    (told,) = await usage(context, [wishes.account_id])
    if isinstance(told, InfrastructureSilent):
        raise told
    used: Decimal = told.disk_used_bytes
    return used


async def _quoted(
    context: Context, reader: Reader, owner_id: UUID, wishes: MoveWishes, used: Decimal | None, now: datetime
) -> Quoted:
    today = civil_day(now, ZoneInfo(context.figures.billing_zone))
    found, place = await _situation(context, reader, owner_id, wishes, (used, today, now))
    decided = decide_move(wishes, found, context.figures)
    asked = Asked(QuoteKind.ACCOUNT_MOVE, owner_id, asdict(wishes), now)
    moved = {"refund_cents": decided.refund_cents, "cut_cents": tuple(each.net_cents for each in decided.cuts)}
    reckoning = await reckoned(context, reader, asked, decided.terms, today + ONE_DAY, **moved)
    made, terms = await quote(context, reader, asked, reckoning, decided.blockers, decided.cautions)
    return Quoted(made, terms, decided, place)


async def _situation(
    context: Context, reader: Reader, owner_id: UUID, wishes: MoveWishes, given: tuple[Decimal | None, date, datetime]
) -> tuple[MoveSituation, Mapping[str, str]]:
    """Everything that the move depends on, and how the place that is wanted is called."""
    used, today, now = given
    of_account = {"account_id": wishes.account_id}
    (place,) = await reader.rows(PLACE, of_account)
    (counts,) = await reader.rows(COUNTS, {"owner_id": owner_id})
    machines = await reader.rows(MACHINE, {"server_id": wishes.server_id, "owner_id": owner_id})
    running, last = await reader.rows(RUNNING, of_account), await reader.rows(LAST_MOVE, of_account)
    wanted = None
    if wishes.plan_id is not None:
        wanted = await offer(context, reader.rows, wishes.plan_id, wishes.period or BillingPeriod.MONTHLY, now)
    found = MoveSituation(
        today=today,
        standing=await standing_of(context, reader.rows, owner_id),
        contract=await pending(reader.rows, owner_id, now),
        status=place.status,
        holder=place.name,
        is_offered=place.transfer_id is not None or place.server_transfer_id is not None,
        server_id=place.server_id,
        plan_id=place.plan_id,
        moving=bool(last) and last[0].state is TaskState.PENDING,
        failed=bool(last) and last[0].state is TaskState.FAILED,
        target=Machine(machines[0].status, machines[0].transfer_id is not None) if machines else None,
        offer=wanted,
        running=await running_of(reader, running[0], today) if running else None,
        disk_used_bytes=used,
        free_accounts=counts.free - bool(place.free),
        paying_accounts=counts.paying - (place.free is False),
        invoicing_day=await invoicing_day(reader, owner_id),
    )
    return found, _named(machines[0].name if machines else None, wanted)


def _named(server: str | None, wanted: Any) -> Mapping[str, str]:
    if server is not None:
        return {"en": server, "fr": server}
    return {"en": wanted.name_en, "fr": wanted.name_fr} if wanted is not None else {}
