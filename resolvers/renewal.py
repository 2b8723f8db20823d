"""BIL-4, CAT-4. Renewals: what falls due of subscriptions, and what is told about it before."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, and_, bindparam, func, select, union_all, update
from sqlmodel import select as select_rows

from models.account import Account, AccountStatus
from models.charge import RevenueKind
from models.clock import civil_day, day_start
from models.column import IdArray, Instant, among, table
from models.db import Db, Write
from models.locking import locking
from models.plan import Plan, PlanPrice
from models.price import BillingPeriod, in_force
from models.profile import Profile
from models.renewal import Course, Renewal, announcement, renewal
from models.server import Server, ServerStatus
from models.server_option import ServerOption, ServerOptionPrice
from models.setting import Figures
from models.subscription import EXPIRED, Charged, Subscription, SubscriptionStatus, discounts_of
from models.term import Item, Priced, Term, span, term
from resolvers.right import Reader

SUBSCRIPTIONS, ACCOUNTS, SERVERS = table(Subscription), table(Account), table(Server)
HOSTED = ACCOUNTS.alias("hosted")
PLANS, PRICES, PROFILES = table(Plan), table(PlanPrice), table(Profile)
OPTIONS, OPTION_PRICES = table(ServerOption), table(ServerOptionPrice)
WANTED: Any = bindparam("wanted", type_=IdArray())
PRICE = PRICES.c.cents, PRICES.c.valid_from
VERSIONS = union_all(
    select(PRICES.c.id, PRICES.c.plan_id.label("thing_id"), PRICES.c.period, *PRICE).where(
        among(PRICES.c.plan_id, WANTED)
    ),
    select(
        OPTION_PRICES.c.id,
        OPTION_PRICES.c.server_option_id,
        OPTION_PRICES.c.period,
        OPTION_PRICES.c.cents,
        OPTION_PRICES.c.valid_from,
    ).where(among(OPTION_PRICES.c.server_option_id, WANTED)),
)
"""CAT-4. Every version of the prices of plans and options."""
NAMED = (
    select(
        SUBSCRIPTIONS.c.id,
        func.coalesce(PLANS.c.name_en, OPTIONS.c.name_en).label("name_en"),
        func.coalesce(PLANS.c.name_fr, OPTIONS.c.name_fr).label("name_fr"),
        func.coalesce(ACCOUNTS.c.name, SERVERS.c.name, "").label("holder"),
        PROFILES.c.invoicing_day,
    )
    .join_from(SUBSCRIPTIONS, PROFILES, PROFILES.c.id == SUBSCRIPTIONS.c.owner_id)
    .outerjoin(PLANS, PLANS.c.id == SUBSCRIPTIONS.c.plan_id)
    .outerjoin(OPTIONS, OPTIONS.c.id == SUBSCRIPTIONS.c.option_id)
    .outerjoin(ACCOUNTS, ACCOUNTS.c.id == SUBSCRIPTIONS.c.account_id)
    .outerjoin(SERVERS, SERVERS.c.id == SUBSCRIPTIONS.c.server_id)
    .where(among(SUBSCRIPTIONS.c.id, WANTED))
)

MINE = SUBSCRIPTIONS.c.owner_id == bindparam("owner_id")
UNTIL: Any = bindparam("until", type_=Instant())
WAITS = and_(SUBSCRIPTIONS.c.status == SubscriptionStatus.SUSPENDED, SUBSCRIPTIONS.c.renews)
"""PRO-12. While its owner is suspended nothing goes on; what would not go on ends all the same."""
ENDING = locking(select_rows(Subscription).where(MINE, SUBSCRIPTIONS.c.renews_at <= UNTIL, ~WAITS))
"""BIL-4. Of a profile, what ends by an instant."""
ENDING_OF_SERVERS = select(SUBSCRIPTIONS.c.server_id).where(MINE, SUBSCRIPTIONS.c.renews_at <= UNTIL)
ENDING_SERVERS = locking(select_rows(Server).where(SERVERS.c.id.in_(ENDING_OF_SERVERS)))
ENDING_ACCOUNTS = locking(
    select_rows(Account).where(
        ACCOUNTS.c.id.in_(
            union_all(
                select(SUBSCRIPTIONS.c.account_id).where(MINE, SUBSCRIPTIONS.c.renews_at <= UNTIL),
                select(HOSTED.c.id).where(
                    HOSTED.c.server_id.in_(ENDING_OF_SERVERS.where(SUBSCRIPTIONS.c.option_id.is_(None)))
                ),
            )
        )
    )
)
"""What is paid by that, and what is on servers that are."""
TO_ANNOUNCE = locking(select_rows(Subscription).where(MINE, SUBSCRIPTIONS.c.notice_at <= UNTIL, ~WAITS))
GOING = select(SERVERS.c.id).where(
    SERVERS.c.owner_id == bindparam("owner_id"), SERVERS.c.status == ServerStatus.DELETING
)
"""The servers that a profile has given up."""
DELETING = select(ACCOUNTS.c.id).where(
    ACCOUNTS.c.owner_id == bindparam("owner_id"), ACCOUNTS.c.status == AccountStatus.DELETING
)
GOING_ON = (
    MINE,
    SUBSCRIPTIONS.c.status != SubscriptionStatus.ENDED,
    SUBSCRIPTIONS.c.renews,
    func.coalesce(SUBSCRIPTIONS.c.account_id.not_in(DELETING), True),
    func.coalesce(SUBSCRIPTIONS.c.server_id.not_in(GOING), True),
)
"""BIL-4. Of a profile, what has a next period."""


class Later(NamedTuple):
    """When to look again at what is told of a subscription; None where nothing is to come."""

    key: UUID
    seen: datetime | None
    """When it was to be looked at, as it was read."""
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Priceable:
    """CAT-4. A subscription with the names that documents say, and every version of its price."""

    row: Any
    item: Item
    invoicing_day: int | None
    prices: Sequence[Row[Any]]

    def next_term(self, zone: ZoneInfo) -> Term:
        """BIL-4. The period that follows, at the price in force when it begins."""
        begins = self.row.period_end
        if self.row.renews_at is not None:  # PRO-12. Later than the end, where it waited for that.
            begins = max(begins, civil_day(self.row.renews_at, zone))
        days = span(self.row.anchor, self.invoicing_day, begins, self.row.period)
        return term(self.item, self.price(begins, zone), days, discounts_of(self.row.discounts))

    def price(self, day: date, zone: ZoneInfo) -> Priced:
        """The price on a day; the one that was agreed on, where there are no versions."""
        found = in_force(self.prices, day_start(day, zone))
        if found is None:
            return Priced(None, self.row.price_cents, None)
        return Priced(found.id, found.cents, found.valid_from.astimezone(zone).date())

    def course(self, ends_before: date, cents: int) -> Course:
        """What the renewals from that day on depend on."""
        return Course(self.row.anchor, self.row.period, ends_before, cents, self.invoicing_day, self.row.noticed_on)

    def going_on(self, anchor: date, figures: Figures, invoicing_day: int | None) -> Renewal:
        """ACC-8. The same of the period that runs, for whoever takes it over."""
        course = Course(anchor, self.row.period, self.row.period_end, self.row.price_cents, invoicing_day)
        return renewal(course, self.prices, ZoneInfo(figures.billing_zone), figures.renewal_notice)

    def renewal(self, next_one: Term, figures: Figures) -> Renewal:
        """BIL-4. When that period ends, and what has to be told before."""
        course = self.course(next_one.ends_before, next_one.price.cents)
        return renewal(course, self.prices, ZoneInfo(figures.billing_zone), figures.renewal_notice)


async def priceable(read: Reader, rows: Sequence[Any]) -> list[Priceable]:
    """CAT-4. What can be priced of these subscriptions: rows, or what was read of them."""
    if not rows:
        return []
    named = {each.id: each for each in await read.rows(NAMED, {"wanted": [row.id for row in rows]})}
    things = [row.plan_id or row.option_id for row in rows]
    versions: Mapping[tuple[UUID, BillingPeriod], list[Row[Any]]] = defaultdict(list)
    for each in await read.rows(VERSIONS, {"wanted": things}):
        versions[each.thing_id, each.period].append(each)
    return [
        Priceable(
            row,
            _item(row, named[row.id]),
            named[row.id].invoicing_day,
            versions[thing, row.period] if row.price_id or row.option_price_id else [],
        )
        for row, thing in zip(rows, things, strict=True)
    ]


async def renew(figures: Figures, write: Write, owner_id: UUID, at: datetime) -> None:
    """BIL-4. What ended of a profile by an instant goes on, or is over.

    The profile is locked; locks the servers, the accounts and the subscriptions, in this order.
    """
    due = {"owner_id": owner_id, "until": at}
    servers = {row.id: row for row in await write.lock(ENDING_SERVERS, due)}
    accounts = {row.id: row for row in await write.lock(ENDING_ACCOUNTS, due)}
    rows = await write.lock(ENDING, due)
    for each in await priceable(write, rows):
        account, server = accounts.get(each.row.account_id), servers.get(each.row.server_id)
        gone = account is not None and account.status is AccountStatus.DELETING
        if each.row.renews and not gone and (server is None or server.status is not ServerStatus.DELETING):
            await _renew(figures, write, each)
        else:
            hosted = [on for on in accounts.values() if server is not None and on.server_id == server.id]
            await _expire(write, each, account or server, hosted)


async def _renew(figures: Figures, write: Write, each: Priceable) -> None:
    next_one = each.next_term(ZoneInfo(figures.billing_zone))
    due_at = each.row.renews_at + figures.invoice_delay
    await add(write, each.row.renew(write.record, next_one, each.renewal(next_one, figures), due_at))


async def _expire(write: Write, each: Priceable, held: Account | Server | None, hosted: Sequence[Account]) -> None:
    """BIL-4. Over with its period: what it was for is blocked, and kept; options of a server go with its own end."""
    row = each.row
    row.end(write.record, on=row.period_end, action=EXPIRED, name=each.item.holder)
    if isinstance(held, Account) and held.status is AccountStatus.ACTIVE:
        write.add(held.lapse(write.record))
    if isinstance(held, Server) and row.option_id is None:
        for task in held.lapse(write.record, hosted):
            write.add(task)
        of_server = SUBSCRIPTIONS.c.server_id == row.server_id, SUBSCRIPTIONS.c.status != SubscriptionStatus.ENDED
        for option in await write.lock(select_rows(Subscription).where(*of_server, SUBSCRIPTIONS.c.id != row.id)):
            if option.renews:
                option.renew_itself(write.record, False)


async def add(write: Write, charged: Charged) -> None:
    """Write what is charged for a period, once what it is charged for is there."""
    write.add(charged.charge)
    if charged.free is not None:
        write.append(charged.free)
    write.append(charged.period)
    await write.flush()


async def announce(figures: Figures, write: Write, owner_id: UUID, at: datetime) -> list[Later]:
    """BIL-4, CAT-4. Tell a profile about its renewals to come, each once; answers what is to be looked at later."""
    zone, later = ZoneInfo(figures.billing_zone), []
    due = await write.lock(TO_ANNOUNCE, {"owner_id": owner_id, "until": at})
    for each in await priceable(write, due):
        row, course = each.row, each.course(each.row.period_end, each.row.price_cents)
        told = announcement(course, each.prices, zone, figures.renewal_notice) if row.renews else None
        if told is None or told.at > at:
            seen, row.notice_at = row.notice_at, told.at if told else None
            later.append(Later(row.id, seen, row.notice_at))
            continue
        after = announcement(replace(course, noticed_on=told.on), each.prices, zone, figures.renewal_notice)
        row.announce(write.record, told, each.item.holder, after.at if after else None)
    return later


async def look_later(db: Db, later: Sequence[Later]) -> None:
    """BIL-4. Keep when to look again, where there was nothing to tell and nothing else was said meanwhile."""
    async with db.bookkeeping() as connection:
        for each in later:
            mine = update(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.id == each.key, SUBSCRIPTIONS.c.notice_at == each.seen)
            await connection.execute(mine.values(notice_at=each.at))


def _item(row: Any, named: Row[Any]) -> Item:
    kind = RevenueKind.HOSTING if row.server_id is None else RevenueKind.SERVER
    return Item(
        kind=RevenueKind.OPTION if row.option_id else kind,
        name_en=named.name_en,
        name_fr=named.name_fr,
        holder=named.holder,
        period=row.period,
        plan_id=row.plan_id,
        option_id=row.option_id,
        quantity=row.quantity,
    )
