"""TIC-1, TIC-2. Tickets: what leads to them, and what customers do with them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, exists, func, or_, select
from sqlmodel import SQLModel

from models.account import Account
from models.attachment import Attachment
from models.column import INSERTS, IdArray, among, table
from models.context import Context
from models.db import Write
from models.permission import Subject
from models.profile import Profile
from models.refusal import NotFound
from models.server import Server
from models.ticket import (
    Ticket,
    TicketCounter,
    TicketMessage,
    TicketPriority,
    TicketReading,
    TicketStatus,
    TicketWishes,
    Writer,
    checked_body,
    open_ticket,
)
from models.ticket_category import TicketCategory
from models.ticket_word import TicketWord, words_of
from models.upload import Upload, check_count
from models.urgent_fee import agreed
from resolvers import upload, urgent_ticket
from resolvers.find import find, writing
from resolvers.idempotency import DoneBefore, done_before, intent_of, keep, take
from resolvers.quote import ask_register
from resolvers.suspension import PROFILE

OPERATION = "ticketOpen"
TICKETS, MESSAGES, READINGS = table(Ticket), table(TicketMessage), table(TicketReading)
ATTACHMENTS, WORDS, COUNTERS = table(Attachment), table(TicketWord), table(TicketCounter)
ACCOUNTS, SERVERS = table(Account), table(Server)
VIEWER: Any = bindparam("viewer", type_=Uuid())
READ_BY_VIEWER = (READINGS.c.ticket_id == MESSAGES.c.ticket_id) & (READINGS.c.reader_id == VIEWER)
UNREAD = (
    select(MESSAGES.c.ticket_id)
    .outerjoin(READINGS, READ_BY_VIEWER)
    .where(
        among(MESSAGES.c.ticket_id, bindparam("wanted", type_=IdArray())),
        MESSAGES.c.position > func.coalesce(READINGS.c.position, 0),
        or_(MESSAGES.c.author_id.is_(None), MESSAGES.c.author_id != VIEWER),
    )
    .distinct()
)
PLACES = {
    "server_id": select(SERVERS.c.owner_id).where(SERVERS.c.id == bindparam("key")),
    "account_id": select(ACCOUNTS.c.owner_id).where(ACCOUNTS.c.id == bindparam("key")),
}


@dataclass(frozen=True, slots=True)
class Consent:
    """TIC-4. The token of the quote that is agreed to, and what was shown beside its figures."""

    quote_token: str
    shown: dict[str, Any]


def of_owner(
    *,
    words: tuple[str, ...] = (),
    status: Sequence[TicketStatus] | None = None,
    category: Sequence[TicketCategory] | None = None,
    account: UUID | None = None,
    server: UUID | None = None,
) -> Select[Any]:
    """TIC-2. The tickets of a profile: with all of these words, in these states, of these topics, about one thing."""
    tickets = select(TICKETS.c.owner_id)
    for word in words:
        tickets = tickets.where(exists().where(WORDS.c.word == word, WORDS.c.ticket_id == TICKETS.c.id))
    if status is not None:
        tickets = tickets.where(TICKETS.c.status.in_(status))
    if category is not None:
        tickets = tickets.where(TICKETS.c.category.in_(category))
    if account is not None:
        tickets = tickets.where(TICKETS.c.account_id == account)
    return tickets if server is None else tickets.where(TICKETS.c.server_id == server)


def numbered() -> Select[Any]:
    """A ticket by its number."""
    return select(TICKETS.c.number)


def messages() -> Select[Any]:
    """TIC-1. The messages of a ticket."""
    return select(MESSAGES.c.ticket_id)


def attachments() -> Select[Any]:
    """TIC-1. The files of a message, in the order in which they were attached."""
    return select(ATTACHMENTS.c.message_id).order_by(ATTACHMENTS.c.position)


async def unread(context: Context, keys: Sequence[UUID]) -> list[bool]:
    """TIC-1. Whether each ticket has messages of others that the viewer has not read."""
    given = {"wanted": list(keys), "viewer": context.viewer.profile_id}
    found = {row.ticket_id for row in await context.db.rows(UNREAD, given)}
    return [key in found for key in keys]


async def open(
    context: Context,
    *,
    profile_id: UUID | None,
    wishes: TicketWishes,
    upload_ids: Sequence[UUID],
    consent: Consent | None,
    key: UUID,
) -> UUID:
    """TIC-1, TIC-4, BIL-15. Open a ticket, once for each key; answers it."""
    check_count(upload_ids, context.figures)
    urgent_ticket.check_wishes(wishes, accepted=consent is not None)
    token = consent.quote_token if consent else None
    values = {"profile": profile_id, "wishes": asdict(wishes), "uploads": list(upload_ids), "quote": token}
    intent = intent_of(context, key, OPERATION, values)
    if (before := await done_before(context, intent)) is not None:
        return before["ticket"]
    owner_id = await _owner(context, profile_id, wishes)
    if wishes.priority is TicketPriority.URGENT:
        await ask_register(context, owner_id)
    try:
        async with writing(context) as write:
            await take(context, write, intent)
            opened = await _opened(context, write, owner_id, wishes, upload_ids, consent)
            await keep(write, intent, ticket=opened)
    except DoneBefore as done:
        return done.results["ticket"]
    return opened


async def reply(context: Context, *, key: UUID, body: str, upload_ids: Sequence[UUID]) -> tuple[UUID, UUID]:
    """TIC-1. Add a message; answers the ticket and the message."""
    check_count(upload_ids, context.figures)
    text, writer = checked_body(body), Writer(context.viewer.key)
    async with writing(context) as write:
        ticket = await find(context, write, Ticket, key, "ticket_id")
        uploads = await upload.locked(write, writer.profile_id, upload_ids)
        message = ticket.add(write.record, text, writer)
        await put(write, message, uploads)
        await _has_read(write, ticket, context.viewer.key)
    return ticket.id, message.id


async def close(context: Context, *, key: UUID) -> UUID:
    """TIC-1. Close a ticket."""
    async with writing(context) as write:
        ticket = await find(context, write, Ticket, key, "ticket_id")
        ticket.close(write.record, Writer(context.viewer.key))
    return ticket.id


async def reopen(context: Context, *, key: UUID) -> UUID:
    """TIC-1. Open a closed ticket again."""
    async with writing(context) as write:
        ticket = await find(context, write, Ticket, key, "ticket_id")
        ticket.reopen(write.record)
    return ticket.id


async def mark_read(context: Context, *, key: UUID) -> UUID:
    """TIC-1. Mark everything that is there as read by the viewer."""
    async with writing(context) as write:
        ticket = await find(context, write, Ticket, key, "ticket_id")
        ticket.read(write.record)
        await _has_read(write, ticket, context.viewer.key)
    return ticket.id


async def _owner(context: Context, profile_id: UUID | None, wishes: TicketWishes) -> UUID:
    """TIC-2. Whose ticket it is: that of what it is about, which has to be the profile's that is named."""
    for name, place in PLACES.items():
        if (key := getattr(wishes, name)) is not None:
            found = await context.db.first(place, {"key": key})
            if found is None:
                raise NotFound().at(name)
            if profile_id not in (None, found.owner_id):
                raise NotFound().at("profile_id")
            owner_id: UUID = found.owner_id
            return owner_id
    return profile_id or context.viewer.key


async def _opened(
    context: Context,
    write: Write,
    owner_id: UUID,
    wishes: TicketWishes,
    upload_ids: Sequence[UUID],
    consent: Consent | None,
) -> UUID:
    """TIC-1. Locks the profile, then what it is about, then the files; the number comes last."""
    if await write.lock_one(PROFILE, {"owner_id": owner_id}) is None:
        raise NotFound().at("profile_id")
    await _check_subject(context, write, owner_id, wishes)
    uploads = await upload.locked(write, context.viewer.key, upload_ids)
    urgent = await urgent_ticket.checked(context, write, wishes, consent.quote_token if consent else "")
    writer = Writer(context.viewer.key)
    ticket, message = open_ticket(write.record, wishes, writer, owner_id=owner_id, number=await number(write))
    write.add(ticket)
    await put(write, message, uploads, ticket.title)
    await _has_read(write, ticket, context.viewer.key)
    if urgent is not None and consent is not None:
        write.add(agreed(write.record, ticket, urgent.reckoning, shown=consent.shown))
        ticket.page(write.record, context.figures.on_call_address, message.id, urgent.server)
    return ticket.id


async def _check_subject(context: Context, write: Write, owner_id: UUID, wishes: TicketWishes) -> None:
    """TIC-2. Whether the caller may open it, asked again under the lock of what it is about."""
    model: type[SQLModel] = Profile
    path, key = "profile_id", owner_id
    if wishes.server_id is not None:
        model, path, key = Server, "server_id", wishes.server_id
    elif wishes.account_id is not None:
        model, path, key = Account, "account_id", wishes.account_id

    def whose(row: Any) -> Subject[UUID]:
        return Subject(row.owner_id, wishes.account_id, wishes.server_id, kind=wishes.category)

    found: Any = await find(context, write, model, key, path, whose=whose)
    if found.owner_id != owner_id:
        raise NotFound().at(path)


async def number(write: Write) -> int:
    """TIC-1. The next number, which nobody else gets; the row is held until the ticket is there."""
    first = INSERTS[write.dialect](COUNTERS).values(id=1, last=1)
    following = {"last": COUNTERS.c.last + 1}
    (row,) = await write.rows(
        first.on_conflict_do_update(index_elements=["id"], set_=following).returning(COUNTERS.c.last)
    )
    drawn: int = row.last
    return drawn


async def put(write: Write, message: TicketMessage, uploads: Sequence[Upload], *texts: str) -> None:
    """TIC-1. Add a message whose ticket is there, its files and its words."""
    await write.flush()
    write.add(message)
    await write.flush()
    await upload.attached(write, message, uploads)
    rows = [{"word": word, "ticket_id": message.ticket_id} for word in words_of(*texts, message.body)]
    if rows:
        await write.run(INSERTS[write.dialect](WORDS).values(rows).on_conflict_do_nothing())


async def _has_read(write: Write, ticket: Ticket, reader_id: UUID) -> None:
    row = {"ticket_id": ticket.id, "reader_id": reader_id, "position": ticket.message_count}
    insertion = INSERTS[write.dialect](READINGS).values(row)
    keys = ["ticket_id", "reader_id"]
    await write.run(insertion.on_conflict_do_update(index_elements=keys, set_={"position": row["position"]}))
