"""EVT-1, TIC-1. What happens to tickets, told to the support team: whoever wrote, and whosever they are."""

from collections.abc import Sequence
from uuid import UUID

import strawberry

from models.activity import Fact
from models.context import Context
from models.ticket_category import TicketCategory
from resolvers import ticket_desk as acts
from schema.live import live_desk
from schema.service import SUPPORT
from schema.ticket_desk import DeskTicket, TicketDesk, desk_shown, ticket_shown

CHANGES = (
    *("ticket.opened", "ticket.message_added", "ticket.closed", "ticket.reopened", "ticket.fee_decided"),
    "ticket_desk.",
)
"""Not that a customer has read one: that would wake everybody at the desk."""
NOTES = "ticket_note."


def ticket_of(fact: Fact) -> UUID | None:
    """The ticket that a fact is about."""
    if fact.kind.startswith(NOTES):
        named = fact.facts.get("ticket_id")
        return UUID(named) if named else None
    return fact.subject_id


async def changed(
    context: Context,
    keys: Sequence[UUID],
    *,
    ticket_id: str | None = None,
    category: list[TicketCategory] | None = None,
    assignee: str | None = None,
) -> list[DeskTicket | None]:
    """TIC-1. Each ticket that fits, as it is now."""
    wanted = acts.Wanted(category=tuple(category) if isinstance(category, list) else None, assignee=assignee or None)
    return [
        ticket_shown(row) if row is not None else None
        for row in [await acts.followed(context, wanted, key) for key in keys]
    ]


async def whole(context: Context, keys: Sequence[UUID], *, ticket_id: str) -> list[TicketDesk | None]:
    """TIC-1. Each ticket with its last messages and notes, as it is now."""
    found = [await acts.desk_of(context, key) for key in keys]
    return [desk_shown(context, each) if each is not None else None for each in found]


@strawberry.type
class TicketDeskSubscription:
    ticket_changed: DeskTicket | None = live_desk(
        CHANGES,
        SUPPORT,
        changed,
        key=ticket_of,
        arguments={
            "ticket_id": (strawberry.ID | None, "One ticket; default: those of all customers."),
            "category": (list[TicketCategory] | None, "Any of these topics."),
            "assignee": (str | None, "Who of the team has them."),
        },
        description="A ticket was opened, answered, assigned or otherwise changed.",
    )
    ticket_desk_changed: TicketDesk | None = live_desk(
        [*CHANGES, NOTES],
        SUPPORT,
        whole,
        key=ticket_of,
        arguments={"ticket_id": (strawberry.ID, "Ticket.")},
        description="A ticket changed, received a message, or was noted about.",
    )
