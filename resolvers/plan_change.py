"""ACC-6. Changing plan or period: the quote and the command, which read the same and decide the same."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlmodel import select as select_rows

from models.account import Account, AccountStatus
from models.charge import Charge, ChargeStatus
from models.clock import civil_day, day_start
from models.column import table
from models.conflict import Busy
from models.context import Context
from models.db import Write
from models.discount import Discount
from models.infrastructure import InfrastructureSilent
from models.invoice import Invoice
from models.invoice_line import InvoiceLine
from models.issuer import Issuer
from models.journal import EntryKind
from models.plan import Plan
from models.plan_change import (
    CutCharge,
    GivenBack,
    Line,
    Paid,
    PlanChange,
    PlanSituation,
    PlanWishes,
    Running,
    decide_plan_change,
)
from models.profile import Profile
from models.quote import Quote, QuoteKind, Terms, check_quote
from models.refusal import NotFound
from models.subscription import REPLACED, Subscription, SubscriptionStatus, discounts_of
from models.subscription_period import SubscriptionPeriod
from resolvers.contract import pending
from resolvers.find import find, writing
from resolvers.idempotency import DoneBefore, done_before, intent_of, keep, take
from resolvers.infrastructure import usage
from resolvers.invoice import Return, credit_note, given_back
from resolvers.opening import COUNTS, offer, standing_of
from resolvers.quote import Asked, ask_register, quote, reckoned
from resolvers.right import Reader
from resolvers.subscription import begin, invoicing_day

OPERATION = "accountPlanChange"
ACCOUNTS, PLANS, PROFILES = table(Account), table(Plan), table(Profile)
SUBSCRIPTIONS, PERIODS = table(Subscription), table(SubscriptionPeriod)
CHARGES, LINES, INVOICES = table(Charge), table(InvoiceLine), table(Invoice)
ONE_DAY = timedelta(days=1)
PLACE = (
    select(
        ACCOUNTS.c.owner_id,
        ACCOUNTS.c.name,
        ACCOUNTS.c.status,
        ACCOUNTS.c.server_id,
        ACCOUNTS.c.plan_id,
        ACCOUNTS.c.transfer_id,
        PLANS.c.free,
        PLANS.c.disk_gigabytes,
    )
    .outerjoin_from(ACCOUNTS, PLANS, PLANS.c.id == ACCOUNTS.c.plan_id)
    .where(ACCOUNTS.c.id == bindparam("account_id"))
)
RUNNING = select(SUBSCRIPTIONS.c.id, SUBSCRIPTIONS.c.plan_id, SUBSCRIPTIONS.c.period, SUBSCRIPTIONS.c.discounts).where(
    SUBSCRIPTIONS.c.account_id == bindparam("account_id"), SUBSCRIPTIONS.c.status != SubscriptionStatus.ENDED
)
PAID = (
    select(
        PERIODS.c.starts_on,
        PERIODS.c.ends_before,
        CHARGES.c.id.label("charge_id"),
        CHARGES.c.net_cents.label("charged_cents"),
        CHARGES.c.label_en,
        CHARGES.c.label_fr,
        CHARGES.c.explanation,
        INVOICES.c.number,
        LINES.c.id.label("line_id"),
        LINES.c.invoice_id,
        LINES.c.net_cents,
        LINES.c.tax_cents,
        LINES.c.rate_bp,
    )
    .join_from(PERIODS, CHARGES, CHARGES.c.id == PERIODS.c.charge_id)
    .outerjoin(LINES, LINES.c.id == CHARGES.c.invoice_line_id)
    .outerjoin(INVOICES, INVOICES.c.id == LINES.c.invoice_id)
    .where(
        PERIODS.c.subscription_id == bindparam("subscription_id"),
        PERIODS.c.ends_before > bindparam("today"),
        CHARGES.c.status != ChargeStatus.DROPPED,
    )
    .order_by(PERIODS.c.starts_on)
)


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote, its terms, and what was decided."""

    quote: Quote
    terms: Terms
    change: PlanChange


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change left behind: the account, and the entry of the refund, where there is one."""

    account: UUID
    refund: UUID | None


@dataclass(frozen=True, slots=True)
class Used:
    """ACC-6. What the machines told of an account, while it was on this plan; None where that does not matter."""

    plan_id: UUID | None
    disk_used_bytes: Decimal | None = None


async def quotes(context: Context, keys: Sequence[UUID], *, wishes: PlanWishes) -> list[Any]:
    """ACC-6, BIL-14. For each account what this plan would cost, what would go back, and what stands in the way."""
    found: list[Any] = []
    for key in keys:
        wanted = PlanWishes(key, wishes.plan_id, wishes.period)
        (place,) = await context.db.rows(PLACE, {"account_id": key})
        try:
            used = (await _used(context, wanted)).disk_used_bytes
        except InfrastructureSilent as silent:
            found.append(silent)
        else:
            quoted = await _quoted(context, context.db, place.owner_id, wanted, used, await context.db.now())
            found.append(quoted.quote)
    return found


async def change_plan(context: Context, *, wishes: PlanWishes, quote_token: str, key: UUID) -> Changed:
    """ACC-6, BIL-15. Change the plan as it was quoted, once for each key."""
    intent = intent_of(context, key, OPERATION, {"wishes": asdict(wishes), "quote": quote_token})
    if (before := await done_before(context, intent)) is not None:
        return Changed(before["account"], before.get("refund"))
    places = await context.db.rows(PLACE, {"account_id": wishes.account_id})
    if not places:
        raise NotFound().at("account_id")
    await ask_register(context, places[0].owner_id)
    used = await _used(context, wishes)
    try:
        async with writing(context) as write:
            await take(context, write, intent)
            changed = await _changed(context, write, places[0].owner_id, wishes, quote_token, used)
            given = {"refund": changed.refund} if changed.refund else {}
            await keep(write, intent, account=changed.account, **given)
    except DoneBefore as done:
        return Changed(done.results["account"], done.results.get("refund"))
    return changed


async def _used(context: Context, wishes: PlanWishes) -> Used:
    """ACC-6. The disk space in use, where the wanted plan has less than the present one; asked outside of any write."""
    places = await context.db.rows(PLACE, {"account_id": wishes.account_id})
    wanted = await context.db.rows(select(PLANS.c.disk_gigabytes).where(PLANS.c.id == wishes.plan_id))
    plan_id = places[0].plan_id if places else None
    if not places or not wanted or places[0].disk_gigabytes is None:
        return Used(plan_id)
    if wanted[0].disk_gigabytes >= places[0].disk_gigabytes:
        return Used(plan_id)
    (told,) = await usage(context, [wishes.account_id])
    if isinstance(told, InfrastructureSilent):
        raise told
    return Used(plan_id, told.disk_used_bytes)


async def _changed(
    context: Context, write: Write, owner_id: UUID, wishes: PlanWishes, quote_token: str, used: Used
) -> Changed:
    """ACC-6. Locks the profile, as whoever invoices does, then the account, then what runs for it.

    Raises Busy where the plan changed since the disk space was asked for: it was compared with another one.
    """
    await write.lock_one(select_rows(Profile).where(PROFILES.c.id == owner_id))
    account = await find(context, write, Account, wishes.account_id, "account_id")
    if account.owner_id != owner_id:
        raise NotFound().at("account_id")
    quoted = await _quoted(context, write, owner_id, wishes, used.disk_used_bytes, write.now)
    if quoted.quote.blockers:
        raise quoted.quote.blockers[0]
    check_quote(context.key, quote_token, quoted.quote, quoted.terms, write.now)
    if account.plan_id != used.plan_id:
        raise Busy
    running = SUBSCRIPTIONS.c.account_id == account.id, SUBSCRIPTIONS.c.status != SubscriptionStatus.ENDED
    before = await write.lock_one(select_rows(Subscription).where(*running))
    today = civil_day(write.now, ZoneInfo(context.figures.billing_zone))
    if before is not None:
        before.end(write.record, on=today, action=REPLACED)
    if (resumed := account.change_plan(write.record, wishes.plan_id)) is not None:
        write.add(resumed)
    await write.flush()  # It has ended before the next one begins.
    await cut(write, quoted.change.cuts)
    refund = await give_back(context, write, quoted.change.given_back)
    discounts = discounts_of(before.discounts) if before else ()
    await begin_today(context, write, account, quoted.change, today, discounts)
    return Changed(account.id, refund)


async def begin_today(
    context: Context,
    write: Write,
    account: Account,
    change: PlanChange,
    today: date,
    discounts: tuple[Discount, ...] = (),
) -> None:
    """ACC-6, ACC-7. The new subscription starts now; its invoice is issued the next day."""
    due_at = day_start(today + ONE_DAY, ZoneInfo(context.figures.billing_zone)) + context.figures.invoice_delay
    for term in change.terms:
        await begin(
            context.figures,
            write,
            term,
            owner_id=account.owner_id,
            account_id=account.id,
            due_at=due_at,
            discounts=discounts,
        )
    await write.flush()


async def cut(write: Write, cuts: Sequence[CutCharge]) -> None:
    """SPEC 17. What was not invoiced yet is charged for the days used."""
    for each in cuts:
        charge = await write.lock_one(select_rows(Charge).where(CHARGES.c.id == each.charge_id))
        if charge is None:
            raise LookupError("a charge that was quoted is gone")
        if not each.net_cents:
            charge.drop(write.record)
            continue
        charge.quantity = 1
        charge.cut(
            write.record,
            net_cents=each.net_cents,
            unit_cents=each.net_cents,
            period_end=each.ends_before,
            explanation=each.explanation,
        )


async def give_back(office: Issuer, write: Write, given_back: Sequence[GivenBack]) -> UUID | None:
    """BIL-6. A credit note for each invoice concerned, at once; answers the entry of the first."""
    first: UUID | None = None
    for invoice_id, lines in groupby(given_back, key=lambda each: each.line.invoice_id):
        returns = [
            Return(
                each.line.id,
                each.net_cents,
                label_en=each.label_en,
                label_fr=each.label_fr,
                period_start=each.starts_on,
                period_end=each.ends_before,
                explanation=each.explanation,
            )
            for each in lines
        ]
        noted = await credit_note(office, write, invoice_id, returns, kind=EntryKind.PRORATA_REFUND)
        first = first or noted.entry.id
    return first


async def _quoted(
    context: Context, reader: Reader, owner_id: UUID, wishes: PlanWishes, used: Decimal | None, now: datetime
) -> Quoted:
    zone = ZoneInfo(context.figures.billing_zone)
    today = civil_day(now, zone)
    found = await _situation(context, reader, owner_id, wishes, (used, today, now))
    change = decide_plan_change(wishes, found, context.figures)
    asked = Asked(QuoteKind.PLAN_CHANGE, owner_id, asdict(wishes), now)
    moved = {"refund_cents": change.refund_cents, "cut_cents": tuple(each.net_cents for each in change.cuts)}
    reckoning = await reckoned(context, reader, asked, change.terms, today + ONE_DAY, **moved)
    made, terms = await quote(context, reader, asked, reckoning, change.blockers, change.cautions)
    return Quoted(made, terms, change)


async def _situation(
    context: Context, reader: Reader, owner_id: UUID, wishes: PlanWishes, given: tuple[Decimal | None, date, datetime]
) -> PlanSituation:
    """Everything that the change depends on."""
    used, today, now = given
    of_account = {"account_id": wishes.account_id}
    (place,) = await reader.rows(PLACE, of_account)
    (counts,) = await reader.rows(COUNTS, {"owner_id": owner_id})
    running = await reader.rows(RUNNING, of_account)
    return PlanSituation(
        today=today,
        standing=await standing_of(context, reader.rows, owner_id),
        contract=await pending(reader.rows, owner_id, now),
        status=place.status,
        holder=place.name,
        on_server=place.server_id is not None,
        free=bool(place.free),
        lapsed=place.status is AccountStatus.SUSPENDED,
        plan_id=place.plan_id,
        offer=await offer(context, reader.rows, wishes.plan_id, wishes.period, now),
        running=await running_of(reader, running[0], today) if running else None,
        disk_used_bytes=used,
        free_accounts=counts.free - bool(place.free),
        paying_accounts=counts.paying - (place.free is False),
        invoicing_day=await invoicing_day(reader, owner_id),
        transfer_id=place.transfer_id,
    )


async def running_of(reader: Reader, row: Any, today: date) -> Running:
    """What runs, with every period of it that is not over."""
    paid = await paid_periods(reader, row.id, today)
    return Running(row.id, row.plan_id, row.period, discounts_of(row.discounts), paid)


async def paid_periods(reader: Reader, subscription_id: UUID, today: date) -> tuple[Paid, ...]:
    """BIL-6. The periods of a subscription that are charged and not over."""
    periods = await reader.rows(PAID, {"subscription_id": subscription_id, "today": today})
    back = await given_back(reader, [each.line_id for each in periods if each.line_id])
    return tuple(
        Paid(
            each.starts_on,
            each.ends_before,
            each.charge_id,
            each.charged_cents,
            each.label_en,
            each.label_fr,
            each.explanation,
            _line(each, back) if each.line_id else None,
        )
        for each in periods
    )


def _line(row: Any, back: Mapping[UUID, tuple[int, int]]) -> Line:
    refunded = back.get(row.line_id, (0, 0))
    return Line(row.line_id, row.invoice_id, row.number, row.net_cents, row.tax_cents, row.rate_bp, *refunded)
