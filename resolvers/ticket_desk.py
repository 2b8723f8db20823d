"""TIC-1 to TIC-4. Tickets as the support team has them: found, answered, noted about, assigned, closed, decided."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, or_, select
from sqlmodel import select as select_rows

from models.account import Account
from models.activity import ActivityChannel
from models.attachment import Attachment
from models.column import IdArray, among, table
from models.context import Context
from models.db import Write
from models.profile import Profile
from models.refusal import NotFound
from models.server import Server
from models.staff import is_own, refuse_own
from models.ticket import Ticket, TicketMessage, TicketStatus, TicketWishes, Writer, open_ticket
from models.ticket_category import TicketCategory
from models.ticket_note import TicketDesk, TicketNote, note
from models.ticket_word import TicketWord
from models.urgent_fee import NoFee, UrgentFee
from resolvers.contact import billing_contacts, ticket_contacts
from resolvers.desk import acting, customer
from resolvers.find import belonging
from resolvers.ticket import number, put

TICKETS, MESSAGES, NOTES, DESKS = table(Ticket), table(TicketMessage), table(TicketNote), table(TicketDesk)
PROFILES, ACCOUNTS, SERVERS, FEES = table(Profile), table(Account), table(Server), table(UrgentFee)
ATTACHMENTS, WORDS = table(Attachment), table(TicketWord)
SHOWN = (
    select(
        TICKETS,
        PROFILES.c.email,
        PROFILES.c.organization_name,
        PROFILES.c.first_name,
        PROFILES.c.last_name,
        ACCOUNTS.c.name.label("account"),
        SERVERS.c.name.label("server"),
        DESKS.c.assignee,
        FEES.c.status.label("fee_status"),
        FEES.c.net_cents.label("fee_cents"),
        FEES.c.consent.label("fee_consent"),
        FEES.c.agreed_at.label("fee_agreed_at"),
        FEES.c.reason.label("fee_reason"),
    )
    .join(PROFILES, PROFILES.c.id == TICKETS.c.owner_id)
    .outerjoin(ACCOUNTS, ACCOUNTS.c.id == TICKETS.c.account_id)
    .outerjoin(SERVERS, SERVERS.c.id == TICKETS.c.server_id)
    .outerjoin(DESKS, DESKS.c.id == TICKETS.c.id)
    .outerjoin(FEES, FEES.c.ticket_id == TICKETS.c.id)
)
WRITTEN = (
    select(MESSAGES, PROFILES.c.email)
    .outerjoin(PROFILES, PROFILES.c.id == MESSAGES.c.author_id)
    .where(MESSAGES.c.ticket_id == bindparam("ticket_id"), MESSAGES.c.position < bindparam("before"))
    .order_by(MESSAGES.c.position.desc())
    .limit(100)
)
NOTED = select(NOTES).where(NOTES.c.ticket_id == bindparam("ticket_id")).order_by(NOTES.c.id.desc()).limit(200)
FILES = (
    select(ATTACHMENTS)
    .where(among(ATTACHMENTS.c.message_id, bindparam("messages", type_=IdArray())))
    .order_by(ATTACHMENTS.c.position)
)
FEE = select_rows(UrgentFee).where(FEES.c.ticket_id == bindparam("ticket_id"))
WITH_ONE_WORD = 2_000
"""Tickets that are looked at for one word, the newest of them: a word that stands everywhere finds nothing anyway."""
LAST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """TIC-1. Which tickets are looked for; a page goes on after an instant and an id."""

    words: tuple[str, ...] = ()
    status: tuple[TicketStatus, ...] | None = None
    category: tuple[TicketCategory, ...] | None = None
    assignee: str | None = None
    owner_id: UUID | None = None
    after: tuple[datetime, UUID] | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """TIC-1. A ticket with what the support team noted about it."""

    ticket: Row[Any]
    messages: Sequence[Row[Any]]
    files: Mapping[UUID, Sequence[Row[Any]]]
    notes: Sequence[Row[Any]]


# Reading


async def found(context: Context, wanted: Wanted, size: int) -> Sequence[Row[Any]]:
    """TIC-1. The tickets that were changed last; at most so many."""
    tickets = _fitting(wanted)
    for word in wanted.words:
        tickets = tickets.where(TICKETS.c.id.in_(_with(word)))
    if wanted.status is not None:
        tickets = tickets.where(TICKETS.c.status.in_(wanted.status))
    if wanted.owner_id is not None:
        tickets = tickets.where(TICKETS.c.owner_id == wanted.owner_id)
    if wanted.after is not None:
        at, key = wanted.after
        same = and_(TICKETS.c.updated_at == at, TICKETS.c.id < key)
        tickets = tickets.where(or_(TICKETS.c.updated_at < at, same))
    ordered = tickets.order_by(TICKETS.c.updated_at.desc(), TICKETS.c.id.desc())
    return await context.db.rows(ordered.limit(size))


def _fitting(wanted: Wanted) -> Select[Any]:
    tickets = SHOWN
    if wanted.category is not None:
        tickets = tickets.where(TICKETS.c.category.in_(wanted.category))
    if wanted.assignee is not None:
        tickets = tickets.where(DESKS.c.assignee == wanted.assignee)
    return tickets


async def followed(context: Context, wanted: Wanted, key: UUID) -> Row[Any] | None:
    """EVT-1. A ticket by its key; None where it is not of those that are wanted, or of whoever asks."""
    row = await context.db.first(_fitting(wanted).where(TICKETS.c.id == key))
    return None if row is None or is_own(context.viewer, row.owner_id) else row


def _with(word: str) -> Select[Any]:
    newest = select(WORDS.c.ticket_id).where(WORDS.c.word == word).order_by(WORDS.c.ticket_id.desc())
    return newest.limit(WITH_ONE_WORD)


async def desk(context: Context, wanted: int, before: int | None) -> Desk | None:
    """TIC-1. A ticket by its number, its last messages before one, and the notes about it."""
    return await _desk(context, TICKETS.c.number == wanted, before)


async def desk_of(context: Context, key: UUID) -> Desk | None:
    """TIC-1. The same by its key, with its last messages."""
    return await _desk(context, TICKETS.c.id == key, None)


async def _desk(context: Context, which: ColumnElement[bool], before: int | None) -> Desk | None:
    row = await context.db.first(SHOWN.where(which))
    if row is None or is_own(context.viewer, row.owner_id):
        return None
    given = {"ticket_id": row.id}
    messages = await context.db.rows(WRITTEN, {**given, "before": before or LAST})
    files: dict[UUID, list[Row[Any]]] = {}
    for file in await context.db.rows(FILES, {"messages": [each.id for each in messages]}):
        files.setdefault(file.message_id, []).append(file)
    notes = await context.db.rows(NOTED, given)
    return Desk(row, messages[::-1], files, notes[::-1])


# Writing


@asynccontextmanager
async def supporting(context: Context) -> AsyncIterator[Write]:
    """A write transaction of the support team: so the customer's history says."""
    context.db.author = replace(context.db.author, channel=ActivityChannel.SUPPORT)
    async with acting(context) as write:
        yield write


async def open_for(context: Context, *, owner_id: UUID, wishes: TicketWishes, agent: str) -> tuple[UUID, int]:
    """TIC-3, PER-10. Open a ticket for a customer; its contacts are mailed. Answers its key and its number."""
    async with supporting(context) as write:
        await customer(context, write, owner_id)
        if wishes.server_id is not None:
            await belonging(write, Server, wishes.server_id, owner_id, "server_id")
        if wishes.account_id is not None:
            await belonging(write, Account, wishes.account_id, owner_id, "account_id")
        subject = Ticket(owner_id=owner_id, **_about(wishes)).subject
        readers = [row.id for row in await ticket_contacts(write, subject)]
        drawn = await number(write)
        ticket, message = open_ticket(
            write.record, wishes, Writer(agent=agent), owner_id=owner_id, number=drawn, readers=readers
        )
        write.add(ticket)
        await put(write, message, [], ticket.title)
    return ticket.id, drawn


def _about(wishes: TicketWishes) -> dict[str, Any]:
    return {"category": wishes.category, "account_id": wishes.account_id, "server_id": wishes.server_id}


async def answer(context: Context, *, key: UUID, body: str, agent: str) -> UUID:
    """TIC-1, TIC-3. Write to the customer; whoever sees the ticket is mailed."""
    async with supporting(context) as write:
        ticket = await _ticket(context, write, key)
        readers = [row.id for row in await ticket_contacts(write, ticket.subject)]
        message = ticket.add(write.record, body, Writer(agent=agent), readers=readers)
        await put(write, message, [])
    return ticket.id


async def close_for(context: Context, *, key: UUID, agent: str, reason: str) -> UUID:
    """TIC-1. Close a ticket, and say why."""
    async with supporting(context) as write:
        ticket = await _ticket(context, write, key)
        ticket.close(write.record, Writer(agent=agent), reason=reason)
    return ticket.id


async def add_note(context: Context, *, key: UUID, text: str, agent: str) -> UUID:
    """TIC-1. Note something that no customer reads."""
    async with supporting(context) as write:
        ticket = await _ticket(context, write, key)
        write.add(note(write.record, ticket_id=ticket.id, service_id=_service(context), agent=agent, text=text))
    return ticket.id


async def assign(context: Context, *, key: UUID, assignee: str | None, agent: str) -> UUID:
    """TIC-1. Give a ticket to somebody of the team, or to nobody."""
    async with supporting(context) as write:
        ticket = await _ticket(context, write, key)
        held = await write.lock_one(select_rows(TicketDesk).where(DESKS.c.id == ticket.id))
        placed = held or TicketDesk(id=ticket.id, service_id=_service(context))
        placed.assign(write.record, agent, assignee, _service(context))
        write.add(placed)
    return ticket.id


async def decide_fee(context: Context, *, key: UUID, charged: bool, reason: str, agent: str) -> bool:
    """TIC-4. Whether an urgent ticket is charged; False where it was decided so before. Raises DecidedOtherwise."""
    row = await context.db.first(select(TICKETS.c.owner_id).where(TICKETS.c.id == key))
    if row is None:
        raise NotFound().at("ticket_id")
    try:
        async with supporting(context) as write:
            await customer(context, write, row.owner_id, path="ticket_id")
            ticket = await _ticket(context, write, key)
            fee = await write.lock_one(FEE, {"ticket_id": key})
            if fee is None:
                raise NoFee().at("ticket_id")
            if fee.decided(charged):
                raise DecidedBefore
            readers = [each.id for each in await billing_contacts(write, ticket.owner_id)]
            said: dict[str, Any] = {"agent": agent, "reason": reason, "readers": readers}
            if charged:
                write.add(fee.charge(write.record, ticket, **said, figures=context.figures))
            else:
                fee.waive(write.record, ticket, **said)
    except DecidedBefore:
        return False
    return True


class DecidedBefore(Exception):
    """TIC-4. The same was decided before: there is nothing to write."""


async def _ticket(context: Context, write: Write, key: UUID) -> Ticket:
    """Section 14. A ticket, locked, that is not of whoever acts."""
    ticket = await write.lock_one(select_rows(Ticket).where(TICKETS.c.id == key))
    if ticket is None:
        raise NotFound().at("ticket_id")
    refuse_own(context.viewer, ticket.owner_id, gives=False)
    return ticket


def _service(context: Context) -> UUID:
    """The credential of whoever calls, or their profile; behind a guard there is one of both."""
    key = context.viewer.service_id or context.viewer.profile_id
    assert key is not None  # noqa: S101 - behind a guard there is one
    return key
