"""TIC-1 to TIC-4. Tickets: questions to the support team, and what becomes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.column import Instant, new_id, one_of
from models.obstacle import Obstacle
from models.refusal import Code, Refusal
from models.ticket_category import Concerned, TicketCategory, category_of

OPENED = action("ticket.opened", "A ticket was opened")
MESSAGE_ADDED = action("ticket.message_added", "A message was added to a ticket")
CLOSED = action("ticket.closed", "A ticket was closed")
REOPENED = action("ticket.reopened", "A ticket was opened again")
READ = action("ticket.read", "A ticket was read")
PAGED = action("ticket.paged", "The engineer on call was called", mail="ticket_page")
TITLE_LENGTH = 200
BODY_LENGTH = 20_000
AGENT_LENGTH = 60


class TicketPriority(StrEnum):
    """TIC-4. How fast it is looked at."""

    NORMAL = "NORMAL"
    URGENT = "URGENT"


class TicketStatus(StrEnum):
    """TIC-1. Whose turn it is."""

    WAITING_SUPPORT = "WAITING_SUPPORT"
    WAITING_CUSTOMER = "WAITING_CUSTOMER"
    CLOSED = "CLOSED"


class TicketAction(StrEnum):
    """PER-13. What can be done to a ticket."""

    REPLY = "REPLY"
    CLOSE = "CLOSE"
    REOPEN = "REOPEN"


class SubjectMissing(Refusal):
    """TIC-1. A ticket has a subject."""

    code = Code.REQUIRED
    message = "Say in a few words what it is about."


@dataclass(eq=False)
class SubjectTooLong(Refusal):
    """TIC-1. A subject is one line."""

    code = Code.INVALID
    message = "A subject has {most} characters at most."
    most: int = TITLE_LENGTH


class MessageMissing(Refusal):
    """TIC-1. There is something to read."""

    code = Code.REQUIRED
    message = "Write a message."


@dataclass(eq=False)
class MessageTooLong(Refusal):
    """TIC-1. What is longer is a file."""

    code = Code.INVALID
    message = "A message has {most} characters at most: attach the rest as a file."
    most: int = BODY_LENGTH


class OneSubject(Refusal):
    """TIC-1. A ticket is about an account or about a server."""

    code = Code.INVALID
    message = "A ticket is about an account or about a server, not about both."


class TicketClosed(Obstacle):
    """TIC-1. There is nothing to close."""

    message = "The ticket is closed."
    remedy = "Open it again, or add a message, which does."


class TicketNotClosed(Obstacle):
    """TIC-1. There is nothing to open again."""

    message = "The ticket is open."


def obstacle_to_ticket(wanted: TicketAction, status: TicketStatus) -> Obstacle | None:
    """TIC-1, PER-13. Why this is not done to a ticket in this state: asked by its verbs and beforehand."""
    if wanted is TicketAction.CLOSE and status is TicketStatus.CLOSED:
        return TicketClosed()
    if wanted is TicketAction.REOPEN and status is not TicketStatus.CLOSED:
        return TicketNotClosed()
    return None


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes: a customer, or somebody of the support team, whose first name is shown."""

    profile_id: UUID | None = None
    agent: str | None = None

    @property
    def waits_for(self) -> TicketStatus:
        """TIC-1. Whose turn it is after a message of theirs."""
        return TicketStatus.WAITING_SUPPORT if self.agent is None else TicketStatus.WAITING_CUSTOMER


class Ticket(Concerned, table=True):
    """TIC-1. A question to the support team."""

    __tablename__ = "ticket"
    __table_args__ = (
        Index("ix_ticket_owner_updated", "owner_id", "updated_at", "id"),
        Index("ix_ticket_owner_created", "owner_id", "created_at", "id"),
        Index("ix_ticket_status_updated", "status", "updated_at", "id"),
        Index("ix_ticket_updated", "updated_at", "id"),
    )
    activity_type: ClassVar[str] = "Ticket"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    number: int = Field(unique=True)
    title: str = Field(max_length=TITLE_LENGTH)
    """Its subject; that word is the permission model's."""
    category: TicketCategory = Field(sa_type=category_of("ticket"))
    priority: TicketPriority = Field(default=TicketPriority.NORMAL, sa_type=one_of(TicketPriority, "ticket_priority"))
    status: TicketStatus = Field(sa_type=one_of(TicketStatus, "ticket_status"))
    opened_by_id: UUID | None = Field(default=None, foreign_key="profile.id", ondelete="SET NULL", index=True)
    agent: str | None = Field(default=None, max_length=AGENT_LENGTH)
    """Who of the support team opened it."""
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)
    message_count: int = 0
    """How many there are: the place of the last one."""

    def add(
        self, record: Record, body: str, writer: Writer, *, readers: Sequence[UUID] = (), quiet: bool = False
    ) -> "TicketMessage":
        """TIC-1, TIC-3. Add a message, which opens it again; a `quiet` one is part of the fact that it was opened."""
        before, self.status = self.status, writer.waits_for
        self.message_count, self.updated_at = self.message_count + 1, record.now
        message = TicketMessage(
            ticket_id=self.id,
            position=self.message_count,
            author_id=writer.profile_id,
            agent=writer.agent,
            body=body,
            created_at=record.now,
            **self.concerning,
        )
        if not quiet:
            told = _told("ticket_reply", readers)
            changes = {"status": (before, self.status)} if before is not self.status else None
            facts: dict[str, Any] = {
                "message_id": str(message.id),
                "number": self.number,
                "title": self.title,
                **_named(writer),
                **told,
            }
            record.happened(MESSAGE_ADDED, self, changes=changes, **facts)
        return message

    def close(self, record: Record, writer: Writer, *, reason: str | None = None) -> None:
        """TIC-1. It is dealt with, until somebody writes again."""
        self._check(TicketAction.CLOSE)
        because: dict[str, Any] = {"reason": reason} if reason else {}
        self._become(record, TicketStatus.CLOSED, CLOSED, **because, **_named(writer))

    def reopen(self, record: Record) -> None:
        """TIC-1. It is not dealt with after all."""
        self._check(TicketAction.REOPEN)
        self._become(record, TicketStatus.WAITING_SUPPORT, REOPENED)

    def read(self, record: Record) -> None:
        """TIC-1. Somebody has read what is there."""
        record.happened(READ, self, position=self.message_count)

    def page(self, record: Record, address: str, message_id: UUID, server: str) -> None:
        """TIC-4. Call the engineer on call, at once, day and night."""
        facts: dict[str, Any] = {"number": self.number, "title": self.title, "server": server}
        record.happened(PAGED, self, address=address, message_id=str(message_id), **facts)

    def _become(self, record: Record, status: TicketStatus, what: Any, **facts: Any) -> None:
        before, self.status, self.updated_at = self.status, status, record.now
        record.happened(what, self, changes={"status": (before, status)}, number=self.number, **facts)

    def _check(self, wanted: TicketAction) -> None:
        obstacle = obstacle_to_ticket(wanted, self.status)
        if obstacle is not None:
            raise obstacle


class TicketMessage(Concerned, table=True):
    """TIC-1. What somebody wrote in a ticket."""

    __tablename__ = "ticket_message"
    __table_args__ = (
        UniqueConstraint("ticket_id", "position"),
        Index("ix_ticket_message_ticket", "ticket_id", "position", "id"),
    )
    activity_type: ClassVar[str] = "TicketMessage"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    ticket_id: UUID = Field(foreign_key="ticket.id", ondelete="CASCADE")
    category: TicketCategory = Field(sa_type=category_of("ticket_message"))
    position: int
    """Its place in the ticket, from 1 on."""
    author_id: UUID | None = Field(default=None, foreign_key="profile.id", ondelete="SET NULL", index=True)
    agent: str | None = Field(default=None, max_length=AGENT_LENGTH)
    body: str = Field(max_length=BODY_LENGTH)
    created_at: datetime = Field(sa_type=Instant)


class TicketReading(SQLModel, table=True):
    """TIC-1. Up to which message somebody has read a ticket."""

    __tablename__ = "ticket_reading"

    ticket_id: UUID = Field(foreign_key="ticket.id", ondelete="CASCADE", primary_key=True)
    reader_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE", primary_key=True, index=True)
    position: int


class TicketCounter(SQLModel, table=True):
    """TIC-1. How far the numbers of tickets have come: one row, the last that a transaction locks."""

    __tablename__ = "ticket_counter"

    id: int = Field(default=1, primary_key=True)
    last: int


@dataclass(frozen=True, slots=True)
class TicketWishes:
    """TIC-1. A ticket that somebody wants opened, whatever it says checked."""

    title: str
    body: str
    category: TicketCategory
    priority: TicketPriority = TicketPriority.NORMAL
    account_id: UUID | None = None
    server_id: UUID | None = None


def wishes_of(values: Mapping[str, Any]) -> TicketWishes:
    """TIC-1. What is wanted, by the names of the input; raises the refusal of the first value that cannot be."""
    if values.get("account_id") and values.get("server_id"):
        raise OneSubject().at("server_id")
    title, body = checked_title(values["subject"]), checked_body(values["body"])
    kept = ("category", "priority", "account_id", "server_id")
    return TicketWishes(title, body, **{name: values[name] for name in kept if name in values})


def open_ticket(
    record: Record,
    wishes: TicketWishes,
    writer: Writer,
    *,
    owner_id: UUID,
    number: int,
    readers: Sequence[UUID] = (),
) -> tuple[Ticket, TicketMessage]:
    """TIC-1, TIC-3. A ticket with its first message; one of the support team's is mailed to `readers`."""
    ticket = Ticket(
        owner_id=owner_id,
        number=number,
        title=wishes.title,
        category=wishes.category,
        priority=wishes.priority,
        status=writer.waits_for,
        account_id=wishes.account_id,
        server_id=wishes.server_id,
        opened_by_id=writer.profile_id,
        agent=writer.agent,
        created_at=record.now,
        updated_at=record.now,
    )
    message = ticket.add(record, wishes.body, writer, quiet=True)
    facts: dict[str, Any] = {"message_id": str(message.id), "number": number, "title": wishes.title, **_named(writer)}
    facts |= {"category": wishes.category, "priority": wishes.priority, **_told("ticket_opened", readers)}
    record.happened(OPENED, ticket, **facts)
    return ticket, message


def checked_title(text: str) -> str:
    """TIC-1. A subject, in one line."""
    title = " ".join(text.split())
    if not title:
        raise SubjectMissing().at("subject")
    if len(title) > TITLE_LENGTH:
        raise SubjectTooLong().at("subject")
    return title


def checked_body(text: str, *path: str) -> str:
    """TIC-1. A message."""
    body = text.strip()
    if not body:
        raise MessageMissing().at(*(path or ("body",)))
    if len(body) > BODY_LENGTH:
        raise MessageTooLong().at(*(path or ("body",)))
    return body


def _told(template: str, readers: Sequence[UUID]) -> dict[str, Any]:
    """Who is mailed, and what: nobody of what a customer wrote."""
    return {"template": template, "reader_ids": [str(each) for each in readers]} if readers else {}


def _named(writer: Writer) -> dict[str, Any]:
    return {"agent": writer.agent} if writer.agent is not None else {}
