"""CAT-2. Interventions: their quotes, and what customers and the support team do with them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, bindparam, select
from sqlmodel import select as select_rows

from models.clock import civil_day
from models.column import IdArray, Instant, among, table
from models.conflict import Conflict
from models.context import Context
from models.db import Write
from models.draft import draft
from models.intervention import (
    Cancelling,
    CancelSituation,
    Intervention,
    QuoteOutdated,
    SlotTaken,
    agreed,
    decide_cancelling,
)
from models.intervention import schedule as planned
from models.intervention_rate import MOST_AT_ONCE, InterventionPrice, InterventionRate
from models.intervention_work import Offered, Work, WorkSituation, WorkWishes, decide_work
from models.money import TaxedAmount
from models.plan import Plan, PlanKind
from models.quote import NotThisQuote, Quote, QuoteKind, StaleQuote, Terms, check_quote
from models.refusal import NotFound
from models.server import Server, obstacle_to_work
from models.suspension import checked_text
from resolvers.billing import treatment_of
from resolvers.contract import pending
from resolvers.desk import acting, customer
from resolvers.find import find, writing
from resolvers.idempotency import DoneBefore, done_before, intent_of, keep, take
from resolvers.intervention_rate import FEES_IN_FORCE
from resolvers.opening import standing_of
from resolvers.quote import Asked, ask_register, quote, reckoned
from resolvers.right import Reader
from resolvers.suspension import PROFILE

OPERATION = "interventionCancel"
INTERVENTIONS, SERVERS, PLANS = table(Intervention), table(Server), table(Plan)
RATES, PRICES = table(InterventionRate), table(InterventionPrice)
PLACE = (
    select(SERVERS.c.owner_id, SERVERS.c.name, SERVERS.c.status, PLANS.c.kind)
    .join_from(SERVERS, PLANS, PLANS.c.id == SERVERS.c.plan_id)
    .where(SERVERS.c.id == bindparam("server_id"))
)
OFFERED = (
    select(RATES.c.code, RATES.c.name_en, RATES.c.name_fr, PRICES.c.cents, PRICES.c.valid_from)
    .outerjoin_from(
        RATES,
        PRICES,
        and_(
            PRICES.c.intervention_rate_id == RATES.c.id,
            PRICES.c.kind == bindparam("kind", type_=PRICES.c.kind.type),
            PRICES.c.valid_from <= bindparam("now", type_=Instant()),
        ),
    )
    .where(RATES.c.available)
    .order_by(RATES.c.position, RATES.c.id, PRICES.c.valid_from)
)
"""CAT-4. Every rate with its prices up to now, the newest last."""
BY_KEYS = select(INTERVENTIONS).where(among(INTERVENTIONS.c.id, bindparam("wanted", type_=IdArray())))


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote, its terms, and what was decided."""

    quote: Quote
    terms: Terms
    decided: Any


def of_server() -> Select[Any]:
    """CAT-2. The interventions on a server, the latest slot first."""
    return select(INTERVENTIONS.c.server_id).order_by(INTERVENTIONS.c.scheduled_for.desc(), INTERVENTIONS.c.id)


async def prices(context: Context, keys: Sequence[UUID]) -> list[TaxedAmount]:
    """CAT-2. What was agreed on, with VAT as it is now, or was when it was over."""
    now, found = await context.db.now(), {}
    for row in await context.db.rows(BY_KEYS, {"wanted": list(keys)}):
        taxed = await treatment_of(context, context.db, row.owner_id, row.closed_at or now)
        drafted = draft(agreed(row.lines), taxed)
        found[row.id] = TaxedAmount(drafted.net_cents, drafted.tax_cents, taxed.rate_bp)
    return [found[key] for key in keys]


async def quotes(context: Context, keys: Sequence[UUID], *, codes: tuple[str, ...]) -> list[Quote]:
    """CAT-2, BIL-14. For each server what this work would cost, and what stands in the way."""
    now = await context.db.now()
    return [(await _work_quoted(context, context.db, WorkWishes(key, codes), now)).quote for key in keys]


async def cancel_quotes(context: Context, keys: Sequence[UUID]) -> list[Quote]:
    """CAT-2, BIL-14. For each intervention what cancelling it now would cost."""
    now = await context.db.now()
    found = {row.id: row for row in await context.db.rows(BY_KEYS, {"wanted": list(keys)})}
    return [(await _cancel_quoted(context, context.db, found[key], now)).quote for key in keys]


async def cancel(context: Context, *, key: UUID, quote_token: str, intent_key: UUID) -> UUID:
    """CAT-2, BIL-15. Cancel what is planned as it was quoted, once for each key; answers its own."""
    intent = intent_of(context, intent_key, OPERATION, {"intervention": key, "quote": quote_token})
    if (before := await done_before(context, intent)) is not None:
        return before["intervention"]
    owner_id = await _owner_of(context, key)
    await ask_register(context, owner_id)
    try:
        async with writing(context) as write:
            await take(context, write, intent)
            await write.lock_one(PROFILE, {"owner_id": owner_id})
            found = await find(context, write, Intervention, key, "intervention_id")
            quoted = await _cancel_quoted(context, write, found, write.now)
            for blocker in quoted.quote.blockers:
                raise blocker
            check_quote(context.key, quote_token, quoted.quote, quoted.terms, write.now)
            _cancelled(context, write, found, quoted.decided, None)
            await keep(write, intent, intervention=found.id)
    except DoneBefore as done:
        return done.results["intervention"]
    return found.id


# Support


async def schedule(
    context: Context, *, wishes: WorkWishes, scheduled_for: datetime, reason: str, quote_token: str | None
) -> UUID:
    """CAT-2. Plan work on a server, at its price of now, or as the customer was quoted; answers its key."""
    told = checked_text(reason, "reason")
    places = await context.db.rows(PLACE, {"server_id": wishes.server_id})
    if not places:
        raise NotFound().at("server_id")
    try:
        async with acting(context) as write:
            profile = await customer(context, write, places[0].owner_id, path="server_id")
            server = await write.lock_one(select_rows(Server).where(SERVERS.c.id == wishes.server_id))
            if server is None or server.owner_id != profile.id:
                raise NotFound().at("server_id")
            quoted = await _work_quoted(context, write, wishes, write.now)
            work: Work = quoted.decided
            made = planned(
                write.record,
                work,
                owner_id=profile.id,
                wishes=wishes,
                scheduled_for=scheduled_for,
                reason=told,
            )
            if quote_token is not None:
                _check_agreed(context, quoted, quote_token, write.now)
            write.add(made)
    except Conflict:
        raise SlotTaken().at("scheduled_for") from None
    return made.id


async def complete(context: Context, *, key: UUID, reason: str) -> None:
    """CAT-2. It was done: it is charged."""
    told = checked_text(reason, "reason")
    owner_id = await _owner_of(context, key)
    async with acting(context) as write:
        await customer(context, write, owner_id, path="intervention_id")
        found = await _locked(write, key)
        for charge in found.complete(write.record, context.figures, told):
            write.add(charge)


async def call_off(context: Context, *, key: UUID, reason: str, asked_by_customer: bool) -> None:
    """CAT-2. Cancel what is planned: for nothing, unless the customer asks for it too late."""
    told = checked_text(reason, "reason")
    owner_id = await _owner_of(context, key)
    async with acting(context) as write:
        await customer(context, write, owner_id, path="intervention_id")
        found = await _locked(write, key)
        situation = CancelSituation(
            found.status, found.scheduled_for, agreed(found.lines), write.now, by_provider=not asked_by_customer
        )
        _cancelled(context, write, found, decide_cancelling(situation, context.figures.intervention_notice), told)


# Parts


def _cancelled(context: Context, write: Write, found: Intervention, cancelling: Cancelling, reason: str | None) -> None:
    for charge in found.cancel(write.record, cancelling, context.figures, reason):
        write.add(charge)


def _check_agreed(context: Context, quoted: Quoted, quote_token: str, now: datetime) -> None:
    """BIL-14. The customer's quote; staff is shown no other one instead."""
    try:
        check_quote(context.key, quote_token, quoted.quote, quoted.terms, now)
    except (StaleQuote, NotThisQuote):
        raise QuoteOutdated().at("quote_token") from None


async def _owner_of(context: Context, key: UUID) -> UUID:
    rows = await context.db.rows(BY_KEYS, {"wanted": [key]})
    if not rows:
        raise NotFound().at("intervention_id")
    owner_id: UUID = rows[0].owner_id
    return owner_id


async def _locked(write: Write, key: UUID) -> Intervention:
    found = await write.lock_one(select_rows(Intervention).where(INTERVENTIONS.c.id == key))
    if found is None:
        raise NotFound().at("intervention_id")
    return found


async def _work_quoted(context: Context, reader: Reader, wishes: WorkWishes, now: datetime) -> Quoted:
    (place,) = await reader.rows(PLACE, {"server_id": wishes.server_id})
    situation = WorkSituation(
        standing=await standing_of(context, reader.rows, place.owner_id),
        contract=await pending(reader.rows, place.owner_id, now),
        obstacle=obstacle_to_work(place.status),
        holder=place.name,
        rates=await _rates(context, reader, place.kind, now),
        most_cents=await _most(reader, place.kind, now),
    )
    work = decide_work(wishes, situation)
    asked = Asked(QuoteKind.INTERVENTION, place.owner_id, asdict(wishes), now)
    reckoning = await reckoned(context, reader, asked, work.lines, None)
    return Quoted(*await quote(context, reader, asked, reckoning, work.blockers, work.cautions), work)


async def _rates(context: Context, reader: Reader, kind: PlanKind, now: datetime) -> dict[str, Offered]:
    """CAT-4. Each rate at its price in force, which is read last."""
    zone = ZoneInfo(context.figures.billing_zone)
    return {
        row.code: Offered(
            row.code, row.name_en, row.name_fr, row.cents, civil_day(row.valid_from, zone) if row.valid_from else None
        )
        for row in await reader.rows(OFFERED, {"kind": kind, "now": now})
    }


async def _most(reader: Reader, kind: PlanKind, now: datetime) -> int | None:
    fee = MOST_AT_ONCE.get(kind)
    rows = await reader.rows(FEES_IN_FORCE, {"wanted": [fee], "now": now}) if fee else ()
    return rows[0].cents if rows else None


async def _cancel_quoted(context: Context, reader: Reader, row: Any, now: datetime) -> Quoted:
    standing = await standing_of(context, reader.rows, row.owner_id)
    situation = CancelSituation(row.status, row.scheduled_for, agreed(row.lines), now, standing)
    cancelling = decide_cancelling(situation, context.figures.intervention_notice)
    asked = Asked(QuoteKind.INTERVENTION_CANCEL, row.owner_id, {"intervention": row.id}, now)
    invoiced_on = civil_day(now + context.figures.invoice_delay, ZoneInfo(context.figures.billing_zone))
    reckoning = await reckoned(context, reader, asked, cancelling.lines, invoiced_on)
    made = await quote(context, reader, asked, reckoning, cancelling.blockers, cancelling.cautions)
    return Quoted(*made, cancelling)
