"""BIL-5. The invoicing day: the quote and the command, which read the same and decide the same."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import select as select_rows

from models.clock import civil_day
from models.column import table
from models.context import Context
from models.db import Write
from models.invoicing_day import CHANGED, DayChange, DayWishes, decide_invoicing_day
from models.profile import Profile
from models.quote import Quote, QuoteKind, Terms, check_quote
from models.subscription import Subscription
from models.term import Term
from resolvers.billing import treatment_of
from resolvers.find import find, writing
from resolvers.idempotency import DoneBefore, done_before, intent_of, keep, take
from resolvers.invoice import issue
from resolvers.opening import standing_of
from resolvers.quote import Asked, ask_register, quote, reckoned
from resolvers.renewal import GOING_ON, Priceable, add, priceable
from resolvers.right import Reader

OPERATION = "invoicingDayUpdate"
SUBSCRIPTIONS = table(Subscription)
IN_ORDER = SUBSCRIPTIONS.c.created_at, SUBSCRIPTIONS.c.id


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote, its terms, and what was decided of which subscriptions."""

    quote: Quote
    terms: Terms
    change: DayChange
    going_on: Sequence[Priceable]
    following: tuple[Term, ...]
    """The next period of each."""


@dataclass(frozen=True, slots=True)
class Updated:
    """What a change left behind: the invoice, where there is one."""

    owner: UUID
    invoice: UUID | None


async def quotes(context: Context, keys: Sequence[UUID], *, wishes: DayWishes) -> list[Quote]:
    """BIL-5, BIL-14. For each profile what it would cost to be invoiced on this day."""
    found = []
    for key in keys:
        rows = await context.db.rows(select(SUBSCRIPTIONS).where(*GOING_ON).order_by(*IN_ORDER), {"owner_id": key})
        found.append((await _quoted(context, context.db, key, wishes, rows, await context.db.now())).quote)
    return found


async def update(context: Context, *, owner_id: UUID, wishes: DayWishes, quote_token: str, key: UUID) -> Updated:
    """BIL-5, BIL-15. Choose the day as it was quoted, once for each key."""
    values = {"owner": owner_id, "wishes": asdict(wishes), "quote": quote_token}
    intent = intent_of(context, key, OPERATION, values)
    if (before := await done_before(context, intent)) is not None:
        return Updated(before["owner"], before.get("invoice"))
    await ask_register(context, owner_id)
    try:
        async with writing(context) as write:
            await take(context, write, intent)
            updated = await _updated(context, write, owner_id, wishes, quote_token)
            given = {"invoice": updated.invoice} if updated.invoice else {}
            await keep(write, intent, owner=owner_id, **given)
    except DoneBefore as done:
        return Updated(done.results["owner"], done.results.get("invoice"))
    return updated


async def _updated(context: Context, write: Write, owner_id: UUID, wishes: DayWishes, quote_token: str) -> Updated:
    profile = await find(context, write, Profile, owner_id, "profile_id")
    rows = await write.lock(select_rows(Subscription).where(*GOING_ON).order_by(*IN_ORDER).params(owner_id=owner_id))
    quoted = await _quoted(context, write, owner_id, wishes, rows, write.now)
    if quoted.quote.blockers:
        raise quoted.quote.blockers[0]
    check_quote(context.key, quote_token, quoted.quote, quoted.terms, write.now)
    before, profile.invoicing_day = profile.invoicing_day, wishes.day
    write.record.happened(CHANGED, profile, changes={"invoicing_day": (before, wishes.day)})
    charges: list[UUID] = []
    wanted = {id(term) for term in quoted.change.terms}
    for each, term in zip(quoted.going_on, quoted.following, strict=True):
        if id(term) in wanted:
            charged = each.row.align(write.record, term, each.renewal(term, context.figures), write.now)
            await add(write, charged)
            charges.append(charged.charge.id)
    await write.flush()
    return Updated(owner_id, await _invoiced(context, write, owner_id, charges, quoted))


async def _invoiced(
    context: Context, write: Write, owner_id: UUID, charges: Sequence[UUID], quoted: Quoted
) -> UUID | None:
    """BIL-5, BIL-7. One invoice, at once, unless it waits for VIES, or is of nothing: the clock sees to that."""
    taxed = await treatment_of(context, write, owner_id, write.now)
    if not quoted.quote.reckoning.gross_cents or taxed.needs_check:
        return None
    issued = await issue(context, write, owner_id, charges, taxed)
    return issued.invoice.id


async def _quoted(
    context: Context, reader: Reader, owner_id: UUID, wishes: DayWishes, rows: Sequence[Any], now: datetime
) -> Quoted:
    zone = ZoneInfo(context.figures.billing_zone)
    going_on = [replace(each, invoicing_day=wishes.day) for each in await priceable(reader, rows)]
    following = tuple(each.next_term(zone) for each in going_on)
    change = decide_invoicing_day(following, await standing_of(context, reader.rows, owner_id))
    asked = Asked(QuoteKind.INVOICING_DAY, owner_id, asdict(wishes), now)
    reckoning = await reckoned(context, reader, asked, change.terms, civil_day(now, zone))
    made, terms = await quote(context, reader, asked, reckoning, change.blockers, change.cautions)
    return Quoted(made, terms, change, going_on, following)
