"""CAT-1, CAT-3. Subscriptions of servers: the machine, with or without a commitment, and its options."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlmodel import select as select_rows

from models.account import Account
from models.charge import RevenueKind
from models.clock import civil_day, day_start
from models.column import table
from models.db import Write
from models.opening import PlanUnavailable
from models.period import after
from models.plan import Plan, PlanKind
from models.price import BillingPeriod, in_force
from models.refusal import NotFound
from models.server import Server
from models.server_option import ServerOption
from models.setting import Figures
from models.subscription import Subscription
from models.term import FirstMonths, Item, Priced, Term, first_months, span, term
from resolvers.renewal import VERSIONS
from resolvers.subscription import begin, invoicing_day

PLANS, SERVERS, OPTIONS = table(Plan), table(Server), table(ServerOption)
ACCOUNTS = table(Account)
PLAN = select(PLANS).where(PLANS.c.id == bindparam("plan_id"))
OPTION = select(OPTIONS).where(OPTIONS.c.id == bindparam("option_id"))


@dataclass(frozen=True, slots=True)
class ServerOrder:
    """CAT-1, CAT-3. What is ordered for a server."""

    server_id: UUID
    plan_id: UUID
    period: BillingPeriod
    committed: bool = True
    """Paid by the month, for the first months; without it they are dearer."""
    agreed_cents: int | None = None
    """Of a whole period, where the plan is on quotation; it stays the price."""
    options: Mapping[UUID, int] = field(default_factory=dict)
    """How many of which."""


async def subscribe_server(figures: Figures, write: Write, order: ServerOrder) -> Subscription:
    """CAT-1, CAT-3, BIL-2. Begin what a server costs, from today on; invoiced hours later, options with it.

    The plan that is ordered becomes the server's, and what was blocked on it is used again. Locks the server, then the
    accounts on it.
    """
    server = await write.lock_one(select_rows(Server).where(SERVERS.c.id == order.server_id))
    if server is None:
        raise NotFound
    item, first = await _machine(write, order, server.name)
    on_server = select_rows(Account).where(ACCOUNTS.c.server_id == server.id)
    for task in server.subscribed(write.record, order.plan_id, await write.lock(on_server)):
        write.add(task)
    today = civil_day(write.now, ZoneInfo(figures.billing_zone))
    price = await _price(figures, write, item, order.agreed_cents)
    day = await invoicing_day(write, server.owner_id)
    due_at = write.now + figures.invoice_delay
    begun = await begin(
        figures,
        write,
        first_months(item, price, today, first) if first else term(item, price, span(today, day, today, item.period)),
        owner_id=server.owner_id,
        server_id=server.id,
        due_at=due_at,
        committed_until=after(today, first.months) if first and first.committed else None,
    )
    for option_id, quantity in order.options.items():
        option = await _option(write, order, option_id, quantity, server.name)
        cost = await _price(figures, write, option, None)
        part: Term = term(option, cost, span(today, day, today, option.period))
        await begin(figures, write, part, owner_id=server.owner_id, server_id=server.id, due_at=due_at)
    await write.flush()
    return begun


async def _machine(write: Write, order: ServerOrder, name: str) -> tuple[Item, FirstMonths | None]:
    plans = await write.rows(PLAN, {"plan_id": order.plan_id})
    if not plans:
        raise NotFound
    plan = plans[0]
    if plan.kind is PlanKind.PUBLIC_CLOUD:
        raise PlanUnavailable
    item = Item(RevenueKind.SERVER, plan.name_en, plan.name_fr, name, order.period, plan_id=plan.id)
    if order.period is not BillingPeriod.MONTHLY or not plan.committed_months:
        return item, None
    return item, FirstMonths(plan.committed_months, plan.uncommitted_surcharge_percent, order.committed)


async def _option(write: Write, order: ServerOrder, option_id: UUID, quantity: int, name: str) -> Item:
    options = await write.rows(OPTION, {"option_id": option_id})
    if not options:
        raise NotFound
    option = options[0]
    named = option.name_en, option.name_fr, name
    return Item(RevenueKind.OPTION, *named, order.period, option_id=option_id, quantity=quantity)


async def _price(figures: Figures, write: Write, item: Item, agreed_cents: int | None) -> Priced:
    """CAT-4. The version in force today, or what was agreed on."""
    if agreed_cents is not None:
        return Priced(None, agreed_cents, None)
    zone = ZoneInfo(figures.billing_zone)
    versions = await write.rows(VERSIONS, {"wanted": [item.plan_id or item.option_id]})
    today = day_start(civil_day(write.now, zone), zone)
    found = in_force([each for each in versions if each.period is item.period], max(today, write.now))
    if found is None:
        raise PlanUnavailable
    return Priced(found.id, found.cents, civil_day(found.valid_from, zone))
