"""TIC-1. What the support team keeps of a ticket for itself: it is nobody else's, so it stands in tables of its own.

Facts about it belong to whoever reported it, not to the customer, whose history they would stand in otherwise.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.column import Instant, new_id
from models.refusal import Code, Refusal
from models.ticket import AGENT_LENGTH

NOTED = action("ticket_note.added", "The support team noted something about a ticket")
ASSIGNED = action("ticket_desk.assigned", "The support team assigned a ticket")
NOTE_LENGTH = 5_000


class AgentMissing(Refusal):
    """TIC-1. Customers are told the first name of who writes to them."""

    code = Code.REQUIRED
    message = "Say the first name of who does it, in 60 characters at most."


class ReasonMissing(Refusal):
    """TIC-1, TIC-4. What the team decides has a reason."""

    code = Code.REQUIRED
    message = "Say why, in 2,000 characters at most."


class NoteMissing(Refusal):
    """TIC-1. A note has a text."""

    code = Code.REQUIRED
    message = "Write the note, in 5,000 characters at most."


class TicketNote(SQLModel, table=True):
    """TIC-1. An internal note."""

    __tablename__ = "ticket_note"
    __table_args__ = (Index("ix_ticket_note_ticket", "ticket_id", "id"),)
    activity_type: ClassVar[str] = "TicketNote"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    ticket_id: UUID = Field(foreign_key="ticket.id", ondelete="CASCADE")
    service_id: UUID
    """The credential through which it came, or the profile of who of the staff wrote it."""
    agent: str = Field(max_length=AGENT_LENGTH)
    text: str = Field(max_length=NOTE_LENGTH)
    created_at: datetime = Field(sa_type=Instant)

    @property
    def owner_id(self) -> UUID:
        """Whose history the fact stands in: nobody's that a customer can read."""
        return self.service_id


class TicketDesk(SQLModel, table=True):
    """TIC-1. Who of the support team has a ticket."""

    __tablename__ = "ticket_desk"
    activity_type: ClassVar[str] = "TicketDesk"

    id: UUID = Field(foreign_key="ticket.id", ondelete="CASCADE", primary_key=True)
    """The ticket's."""
    service_id: UUID
    assignee: str | None = Field(default=None, max_length=AGENT_LENGTH)

    @property
    def owner_id(self) -> UUID:
        return self.service_id

    def assign(self, record: Record, agent: str, assignee: str | None, service_id: UUID) -> None:
        """TIC-1. Give it to somebody, or to nobody."""
        before, self.assignee, self.service_id = self.assignee, assignee, service_id
        record.happened(ASSIGNED, self, changes={"assignee": (before, assignee)}, agent=agent)


def note(record: Record, *, ticket_id: UUID, service_id: UUID, agent: str, text: str) -> TicketNote:
    """TIC-1. Note something that no customer reads."""
    noted = TicketNote(ticket_id=ticket_id, service_id=service_id, agent=agent, text=text, created_at=record.now)
    record.happened(NOTED, noted, agent=agent, ticket_id=str(ticket_id))
    return noted
