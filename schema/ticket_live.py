"""EVT-1, TIC-2. What happens to tickets, told to whoever sees them."""

from uuid import UUID

import strawberry

from models.activity import Fact
from schema.live import live
from schema.ticket import Ticket, TicketMessage, seen


def message_of(fact: Fact) -> UUID | None:
    """The message that a fact adds, where it adds one."""
    named = fact.facts.get("message_id")
    return UUID(named) if named else None


@strawberry.type
class TicketSubscription:
    ticket_updated: Ticket | None = live(
        ["ticket."],
        seen(subject="ticketId"),
        arguments={"ticket_id": (strawberry.ID | None, "One ticket; default: all of the viewer's.")},
        description="A ticket the viewer can see changed or received a message.",
    )
    ticket_message_added: TicketMessage | None = live(
        ["ticket."],
        seen(subject="ticketId"),
        key=message_of,
        arguments={"ticket_id": (strawberry.ID, "Ticket.")},
        description="A message was added to a ticket.",
    )
