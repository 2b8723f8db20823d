"""ACC-8. Handing over: the quotes for both sides and the command, which read the same and decide the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlmodel import select as select_rows

from models.account import Account, AccountAction, AccountStatus, obstacle_to
from models.clock import civil_day
from models.column import table
from models.context import Context
from models.db import Write
from models.handover import Handing, Handover, Held, Receiving, decide_handover
from models.intervention import Intervention, InterventionStatus
from models.obstacle import InterventionPlanned, Obstacle
from models.permission import Subject
from models.plan import Plan
from models.profile import Profile
from models.quote import Quote, QuoteKind, Reckoning, Terms, check_quote
from models.refusal import NotFound
from models.server import Server, ServerAction, obstacle_to_handing_over, obstacle_to_server
from models.subscription import HANDED_OVER, Subscription, SubscriptionStatus, take_over
from models.transfer import AnsweredBefore, Transfer, TransferMode, TransferStatus
from resolvers import domain
from resolvers.contract import pending
from resolvers.find import find, writing
from resolvers.grant import end_with
from resolvers.handed_over import move_along
from resolvers.handover_debt import FOR_IT, owed_for
from resolvers.idempotency import DoneBefore, done_before, intent_of, keep, take
from resolvers.opening import COUNTS, standing_of
from resolvers.plan_change import cut, give_back, paid_periods
from resolvers.quote import Asked, ask_register, quote, reckoned
from resolvers.renewal import Priceable, priceable
from resolvers.right import Reader, with_rights
from resolvers.subscription import begin, invoicing_day

OPERATION = "transferAccept"
ACCOUNTS, SERVERS, PLANS, PROFILES = table(Account), table(Server), table(Plan), table(Profile)
SUBSCRIPTIONS, TRANSFERS, INTERVENTIONS = table(Subscription), table(Transfer), table(Intervention)
ITEM: Any = bindparam("item_id")
ACCOUNT = (
    select(
        ACCOUNTS.c.owner_id,
        ACCOUNTS.c.status,
        ACCOUNTS.c.server_id,
        ACCOUNTS.c.transfer_id,
        PLANS.c.free,
        PROFILES.c.suspended_at,
    )
    .join_from(ACCOUNTS, PROFILES, PROFILES.c.id == ACCOUNTS.c.owner_id)
    .outerjoin(PLANS, PLANS.c.id == ACCOUNTS.c.plan_id)
    .where(ACCOUNTS.c.id == ITEM)
)
SERVER = (
    select(SERVERS.c.owner_id, SERVERS.c.status, SERVERS.c.transfer_id, PROFILES.c.suspended_at)
    .join_from(SERVERS, PROFILES, PROFILES.c.id == SERVERS.c.owner_id)
    .where(SERVERS.c.id == ITEM)
)
ON_SERVER = select(ACCOUNTS.c.status).where(ACCOUNTS.c.server_id == ITEM).distinct()
RUNNING = (
    select(SUBSCRIPTIONS)
    .where(FOR_IT, SUBSCRIPTIONS.c.status != SubscriptionStatus.ENDED)
    .order_by(SUBSCRIPTIONS.c.created_at, SUBSCRIPTIONS.c.id)
)
PLANNED = (
    select(INTERVENTIONS.c.id)
    .where(INTERVENTIONS.c.server_id == ITEM, INTERVENTIONS.c.status == InterventionStatus.SCHEDULED)
    .limit(1)
)
"""CAT-2. Whoever had it planned pays for it: it is done, or called off, before."""
OFFER = select(TRANSFERS).where(TRANSFERS.c.id == bindparam("transfer_id"))


@dataclass(frozen=True, slots=True)
class Item:
    """What is handed over: an account or a server."""

    model: type[Account] | type[Server]
    key: UUID


@dataclass(frozen=True, slots=True)
class Offer:
    """A transfer, and whose side of it is asked about."""

    key: UUID
    item: Item
    mode: TransferMode
    recipient_id: UUID


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote, its terms, and what was decided."""

    quote: Quote
    terms: Terms
    handover: Handover


# Quotes


async def quotes(context: Context, keys: Sequence[UUID], *, model: type[Any], mode: TransferMode) -> list[Quote]:
    """ACC-8, BIL-14. For each account, or server, what its owner would get back, and what stands in the way."""
    now = await context.db.now()
    return [(await quoted_to_sender(context, context.db, Item(model, key), mode, now)).quote for key in keys]


async def recipient_quotes(context: Context, keys: Sequence[UUID]) -> list[Quote | None]:
    """ACC-8, BIL-14. For each transfer that waits what its recipient would pay, and what stands in the way."""
    now, found = await context.db.now(), []
    for key in keys:
        offer = await _offer(context.db, key)
        found.append((await _quoted_to_recipient(context, context.db, offer, now)).quote if offer else None)
    return found


async def refunds(context: Context, keys: Sequence[UUID]) -> list[int | None]:
    """ACC-8. For each transfer what its sender got back, or would today; None where nothing comes of it."""
    now, found = await context.db.now(), []
    for key in keys:
        (row,) = await context.db.rows(OFFER, {"transfer_id": key})
        cents: int | None = row.refund_cents
        if (offer := _waiting(row)) is not None:
            cents = (await _of_offer(context, context.db, offer, now)).refund_cents
        found.append(cents)
    return found


async def quoted_to_sender(context: Context, reader: Reader, item: Item, mode: TransferMode, now: datetime) -> Quoted:
    """ACC-8, BIL-14. The sender's half, before there is an offer."""
    place = await _place(reader, item)
    handover = await _decided(context, reader, item, place, mode, now)
    asked = Asked(QuoteKind.TRANSFER, place.owner_id, {"item": item.key, "mode": mode}, now)
    cuts = tuple(each.net_cents for each in handover.cuts)
    reckoning = Reckoning(refund_cents=handover.refund_cents, cut_cents=cuts)
    made, terms = await quote(context, reader, asked, reckoning, handover.sender_blockers, handover.sender_cautions)
    return Quoted(made, terms, handover)


async def _quoted_to_recipient(context: Context, reader: Reader, offer: Offer, now: datetime) -> Quoted:
    """ACC-8, BIL-14. The recipient's half; of the sender's it says nothing."""
    handover = await _of_offer(context, reader, offer, now)
    asked = Asked(QuoteKind.TRANSFER, offer.recipient_id, {"transfer": offer.key, "mode": offer.mode}, now)
    invoiced_on = civil_day(now + context.figures.invoice_delay, ZoneInfo(context.figures.billing_zone))
    reckoning = await reckoned(context, reader, asked, handover.terms, invoiced_on)
    made, terms = await quote(
        context, reader, asked, reckoning, handover.recipient_blockers, handover.recipient_cautions
    )
    return Quoted(made, terms, handover)


async def _offer(reader: Reader, key: UUID) -> Offer | None:
    """A transfer that waits."""
    rows = await reader.rows(OFFER, {"transfer_id": key})
    return _waiting(rows[0]) if rows else None


def _waiting(row: Any) -> Offer | None:
    if row.status is not TransferStatus.PENDING:
        return None
    item = Item(Account, row.account_id) if row.account_id else Item(Server, row.server_id)
    return Offer(row.id, item, row.mode, row.recipient_id)


def of_recipient(transfer: Transfer) -> Subject[UUID]:
    """Whose it is to accept or decline."""
    return Subject(transfer.recipient_id)


# What is decided about


async def _of_offer(context: Context, reader: Reader, offer: Offer, now: datetime) -> Handover:
    place = await _place(reader, offer.item)
    return await _decided(context, reader, offer.item, place, offer.mode, now, offer)


async def _decided(
    context: Context,
    reader: Reader,
    item: Item,
    place: Any,
    mode: TransferMode,
    now: datetime,
    offer: Offer | None = None,
) -> Handover:
    """Everything that handing over depends on, read, and what it comes to."""
    zone = ZoneInfo(context.figures.billing_zone)
    today, mine = civil_day(now, zone), offer.key if offer else None
    running = await priceable(reader, await reader.rows(RUNNING, {"item_id": item.key}))
    found = Handing(
        today=today,
        mode=mode,
        obstacles=await _obstacles(reader, item, place, None if place.transfer_id == mine else place.transfer_id),
        sender_suspended=place.suspended_at is not None,
        unpaid=await owed_for(reader, item.key, place.owner_id),
        free=item.model is Account and bool(place.free),
        held=tuple([await _held(reader, each, today, zone) for each in running]),
        recipient=await _receiving(context, reader, offer.recipient_id, now) if offer else None,
    )
    return decide_handover(found, context.figures)


async def _place(reader: Reader, item: Item) -> Any:
    (place,) = await reader.rows(ACCOUNT if item.model is Account else SERVER, {"item_id": item.key})
    return place


async def _obstacles(reader: Reader, item: Item, place: Any, transfer_id: UUID | None) -> tuple[Obstacle, ...]:
    if item.model is Account:
        found = [obstacle_to(AccountAction.TRANSFER, place.status, place.server_id, transfer_id)]
    else:
        statuses: set[AccountStatus] = {row.status for row in await reader.rows(ON_SERVER, {"item_id": item.key})}
        found = [
            obstacle_to_server(ServerAction.TRANSFER, place.status, transfer_id),
            obstacle_to_handing_over(statuses),
            InterventionPlanned() if await reader.rows(PLANNED, {"item_id": item.key}) else None,
        ]
    return tuple(filter(None, found))


async def _held(reader: Reader, each: Priceable, today: date, zone: ZoneInfo) -> Held:
    row = each.row
    return Held(
        row.id,
        each.item,
        each.price(today, zone),
        row.anchor,
        row.period_end,
        await paid_periods(reader, row.id, today),
        row.committed_until,
    )


async def _receiving(context: Context, reader: Reader, owner_id: UUID, now: datetime) -> Receiving:
    (counts,) = await reader.rows(COUNTS, {"owner_id": owner_id})
    return Receiving(
        standing=await standing_of(context, reader.rows, owner_id),
        contract=await pending(reader.rows, owner_id, now),
        free_accounts=counts.free,
        paying_accounts=counts.paying,
        invoicing_day=await invoicing_day(reader, owner_id),
    )


# Accepting


async def accept(context: Context, *, key: UUID, quote_token: str, intent_key: UUID) -> UUID:
    """ACC-8, BIL-15. Take over what is offered, as it was quoted, once for each key; answers the transfer's."""
    intent = intent_of(context, intent_key, OPERATION, {"transfer": key, "quote": quote_token})
    if (before := await done_before(context, intent)) is not None:
        return before["transfer"]
    await ask_register(context, context.viewer.key)
    try:
        async with writing(context) as write:
            await take(context, write, intent)
            await _accepted(context, write, key, quote_token)
            await keep(write, intent, transfer=key)
    except DoneBefore as done:
        return done.results["transfer"]
    context.become(await with_rights(context.db, context.viewer))  # What the sender had granted on it is gone.
    return key


async def _accepted(context: Context, write: Write, key: UUID, quote_token: str) -> None:
    """ACC-8. The whole of it. Locks both profiles, then the transfer, what is handed over, and what runs for it."""
    parties = await _parties(write, key)
    transfer = await find(context, write, Transfer, key, "transfer_id", whose=of_recipient)
    if {transfer.sender_id, transfer.recipient_id} != set(parties):
        raise NotFound().at("transfer_id")
    offer = await _offer(write, key)
    if offer is None or transfer.expires_at <= write.now:
        raise AnsweredBefore
    item, accounts = await _item(write, offer.item)
    before = await write.lock(select_rows(Subscription).where(*_running(offer.item)))
    quoted = await _quoted_to_recipient(context, write, offer, write.now)
    if quoted.quote.blockers:
        raise quoted.quote.blockers[0]
    check_quote(context.key, quote_token, quoted.quote, quoted.terms, write.now)
    handover, sender, recipient = quoted.handover, parties[transfer.sender_id], parties[transfer.recipient_id]
    await _end(context, write, before)
    await cut(write, handover.cuts)
    server_id = offer.item.key if isinstance(item, Server) else None
    await end_with(write, [each.id for each in accounts], server_id, transfer.name, sender.email)
    if isinstance(item, Server):
        item.hand_over(write.record, recipient.id, accounts)
    else:
        item.hand_over(write.record, recipient.id)
    await write.flush()  # What ran has ended, and it is the recipient's, before the next begins.
    await move_along(write, [each.id for each in accounts], server_id, recipient.id)
    await domain.fund(write, sender.id)
    await _go_on(context, write, handover, before, transfer)
    transfer.accept(write.record, handover.refund_cents, {"sender": sender.email, "recipient": recipient.email})
    await give_back(context, write, handover.given_back)  # Last: the series of documents is locked by it.


async def _parties(write: Write, key: UUID) -> dict[UUID, Profile]:
    """Both profiles by their keys, locked in the order of these, whoever gives and whoever takes."""
    rows = await write.rows(OFFER, {"transfer_id": key})
    if not rows:
        raise NotFound().at("transfer_id")
    both = PROFILES.c.id.in_([rows[0].sender_id, rows[0].recipient_id])
    return {row.id: row for row in await write.lock(select_rows(Profile).where(both))}


async def _item(write: Write, item: Item) -> tuple[Account | Server, Sequence[Account]]:
    """What is handed over, and the accounts that are or go with it: the server first, as whoever gives it up does."""
    if item.model is Account:
        accounts = await write.lock(select_rows(Account).where(ACCOUNTS.c.id == item.key))
        return accounts[0], accounts
    server = await write.lock_one(select_rows(Server).where(SERVERS.c.id == item.key))
    if server is None:
        raise NotFound().at("transfer_id")
    return server, await write.lock(select_rows(Account).where(ACCOUNTS.c.server_id == item.key))


def _running(item: Item) -> tuple[Any, ...]:
    column = SUBSCRIPTIONS.c.account_id if item.model is Account else SUBSCRIPTIONS.c.server_id
    return column == item.key, SUBSCRIPTIONS.c.status != SubscriptionStatus.ENDED


async def _end(context: Context, write: Write, before: Sequence[Subscription]) -> None:
    today = civil_day(write.now, ZoneInfo(context.figures.billing_zone))
    for each in before:
        each.end(write.record, on=today, action=HANDED_OVER)
    await write.flush()


async def _go_on(
    context: Context, write: Write, handover: Handover, before: Sequence[Subscription], transfer: Transfer
) -> None:
    """ACC-8. What ended begins anew for the recipient: billed from today on, or as it is paid for."""
    figures, zone = context.figures, ZoneInfo(context.figures.billing_zone)
    for each in handover.opened:
        await begin(
            figures,
            write,
            each.term,
            owner_id=transfer.recipient_id,
            account_id=transfer.account_id,
            server_id=transfer.server_id,
            due_at=write.now + figures.invoice_delay,
            discounts=each.discounts,
            committed_until=each.committed_until,
        )
    today, day = civil_day(write.now, zone), await invoicing_day(write, transfer.recipient_id)
    ended = {each.row.id: each for each in await priceable(write, before)} if handover.kept else {}
    for kept in handover.kept:
        found = ended[kept.id]
        renewal = found.going_on(kept.anchor, figures, day)
        begun, period = take_over(write.record, found.row, transfer.recipient_id, kept.anchor, today, renewal)
        write.add(begun)
        await write.flush()
        write.append(period)
    await write.flush()
