"""TIC-1 to TIC-4. Tickets in the staff schema: what the support team has, notes about, and decides."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import strawberry

from engine.error import BAD_USER_INPUT, FieldRefused
from models.context import Context
from models.money import Money as Amount
from models.profile import display_name
from models.ticket import AGENT_LENGTH, TicketPriority, TicketStatus, checked_body, wishes_of
from models.ticket_category import TicketCategory
from models.ticket_note import NOTE_LENGTH, AgentMissing, NoteMissing, ReasonMissing
from models.urgent_fee import REASON_LENGTH
from resolvers import attachment
from resolvers import ticket_desk as acts
from schema.global_id import global_id, key_found, key_of
from schema.money import Money
from schema.mutation import Info, mutation
from schema.provisioning import ServicePayload
from schema.scalar import Url
from schema.service import SUPPORT, WHY
from schema.ticket_list import UrgentFeeStatus, words_in

MOST = 100
SEPARATOR = "|"


@strawberry.type(description="A file of a message.")
class DeskFile:
    filename: str = strawberry.field(description="Name.")
    content_type: str = strawberry.field(description="Media type.")
    byte_size: int = strawberry.field(description="Size in bytes.")
    url: Url = strawberry.field(description="Short-lived link, for the credential that asks.")


@strawberry.type(description="A message of a ticket.")
class DeskMessage:
    position: int = strawberry.field(description="Its place in the ticket, from 1 on.")
    author: str = strawberry.field(description="E-mail address of the customer, or first name of the agent.")
    from_support: bool = strawberry.field(description="Somebody of the team wrote it.")
    body: str = strawberry.field(description="Text in CommonMark; never render raw HTML.")
    created_at: datetime = strawberry.field(description="When it was sent.")
    files: list[DeskFile] = strawberry.field(description="Files (bounded list).")


@strawberry.type(description="The fee of an urgent ticket.")
class DeskFee:
    status: UrgentFeeStatus = strawberry.field(description="State.")
    net: Money = strawberry.field(description="What was agreed to, VAT excluded.")
    consent: str = strawberry.field(description="The sentence that was agreed to, as it was shown.")
    agreed_at: datetime = strawberry.field(description="When.")
    reason: str | None = strawberry.field(description="Why it was decided so.")


@strawberry.type(description="A ticket.")
class DeskTicket:
    id: strawberry.ID = strawberry.field(description="Global id.")
    number: int = strawberry.field(description="Number to quote.")
    subject: str = strawberry.field(description="Subject.")
    category: TicketCategory = strawberry.field(description="Topic.")
    priority: TicketPriority = strawberry.field(description="Priority.")
    status: TicketStatus = strawberry.field(description="State.")
    customer_id: strawberry.ID = strawberry.field(description="Global id of the profile concerned.")
    customer: str = strawberry.field(description="Its name.")
    customer_email: str = strawberry.field(description="Its e-mail address.")
    account: str | None = strawberry.field(description="Name of the account concerned.")
    server: str | None = strawberry.field(description="Name of the server concerned.")
    message_count: int = strawberry.field(description="How many messages there are.")
    created_at: datetime = strawberry.field(description="Opening.")
    updated_at: datetime = strawberry.field(description="Last message or change of state.")
    fee: DeskFee | None = strawberry.field(description="Fee of an urgent ticket.")


@strawberry.type(description="An internal note; no customer sees it.")
class TicketNote:
    agent: str = strawberry.field(description="Who noted it.")
    text: str = strawberry.field(description="What.")
    created_at: datetime = strawberry.field(description="When.")


@strawberry.type(description="A ticket, with what the team keeps for itself.")
class TicketDesk:
    ticket: DeskTicket = strawberry.field(description="The ticket.")
    messages: list[DeskMessage] = strawberry.field(
        description="Its last messages before the position asked for, 100 at most, oldest first."
    )
    notes: list[TicketNote] = strawberry.field(description="Internal notes, the last 200, oldest first.")
    assignee: str | None = strawberry.field(description="Who of the team has it.")


@strawberry.type(description="Tickets, the one that was changed last first.")
class TicketPage:
    tickets: list[DeskTicket] = strawberry.field(description="Tickets (bounded list).")
    next: str | None = strawberry.field(description="What to go on after; null at the end.")


@strawberry.input(description="Which tickets; all given criteria must hold.")
class TicketSearch:
    search: str | None = strawberry.field(
        default=strawberry.UNSET, description="Whole words of the subject or messages, accents and capitals aside."
    )
    status: list[TicketStatus] | None = strawberry.field(default=strawberry.UNSET, description="Any of these states.")
    category: list[TicketCategory] | None = strawberry.field(
        default=strawberry.UNSET, description="Any of these topics."
    )
    assignee: str | None = strawberry.field(default=strawberry.UNSET, description="Who of the team has them.")
    profile_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Profile concerned.")
    first: int = strawberry.field(default=25, description="How many, at most 100.")
    after: str | None = strawberry.field(default=strawberry.UNSET, description="The `next` of the page before.")


def ticket_shown(row: Any) -> DeskTicket:
    """A ticket as the team has it."""
    fee = None
    if row.fee_status is not None:
        fee = DeskFee(
            status=row.fee_status,
            net=Amount(row.fee_cents),  # type: ignore[arg-type]
            consent=str(row.fee_consent.get("sentence", "")),
            agreed_at=row.fee_agreed_at,
            reason=row.fee_reason,
        )
    return DeskTicket(
        id=strawberry.ID(global_id("Ticket", row.id)),
        number=row.number,
        subject=row.title,
        category=row.category,
        priority=row.priority,
        status=row.status,
        customer_id=strawberry.ID(global_id("Profile", row.owner_id)),
        customer=display_name(row.organization_name, row.first_name, row.last_name, row.email),
        customer_email=row.email,
        account=row.account,
        server=row.server,
        message_count=row.message_count,
        created_at=row.created_at,
        updated_at=row.updated_at,
        fee=fee,
    )


def _message(context: Context, row: Any, files: Sequence[Any]) -> DeskMessage:
    return DeskMessage(
        position=row.position,
        author=row.agent or row.email or "",
        from_support=row.agent is not None,
        body=row.body,
        created_at=row.created_at,
        files=[
            DeskFile(
                filename=each.filename,
                content_type=each.content_type,
                byte_size=each.byte_size,
                url=Url(attachment.address(context, each.id)),
            )
            for each in files
        ],
    )


def desk_shown(context: Context, found: acts.Desk) -> TicketDesk:
    """A ticket with its messages and the team's notes."""
    return TicketDesk(
        ticket=ticket_shown(found.ticket),
        messages=[_message(context, each, found.files.get(each.id, ())) for each in found.messages],
        notes=[TicketNote(agent=each.agent, text=each.text, created_at=each.created_at) for each in found.notes],
        assignee=found.ticket.assignee,
    )


async def ticket_desk(self: object, info: Info, number: int, before: int | None = None) -> TicketDesk | None:
    """TIC-1. A ticket by its number."""
    found = await acts.desk(info.context, number, before)
    return desk_shown(info.context, found) if found is not None else None


async def ticket_search(self: object, info: Info, input: TicketSearch) -> TicketPage:
    """TIC-1. The tickets that fit."""
    if not 0 < input.first <= MOST:
        raise FieldRefused(BAD_USER_INPUT, "A page has 1 to {most} tickets.", most=MOST)
    wanted = acts.Wanted(
        words=words_in(input.search or ""),
        status=tuple(input.status) if isinstance(input.status, list) else None,
        category=tuple(input.category) if isinstance(input.category, list) else None,
        assignee=input.assignee or None,
        owner_id=key_found(input.profile_id, "Profile") if isinstance(input.profile_id, str) else None,
        after=_place(input.after) if isinstance(input.after, str) else None,
    )
    rows = await acts.found(info.context, wanted, input.first + 1)
    shown = rows[: input.first]
    return TicketPage(
        tickets=[ticket_shown(row) for row in shown], next=_next(shown[-1]) if len(rows) > input.first else None
    )


def _next(row: Any) -> str:
    text = f"{row.updated_at.astimezone(UTC).isoformat()}{SEPARATOR}{row.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(text: str) -> tuple[datetime, UUID]:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
        at, _, key = raw.partition(SEPARATOR)
        instant = datetime.fromisoformat(at)
        if instant.utcoffset() is None:
            raise ValueError
        return instant.astimezone(UTC), UUID(key)
    except (ValueError, OverflowError):
        raise FieldRefused(BAD_USER_INPUT, "This is not the `next` of a page.") from None


@strawberry.type
class TicketDeskQuery:
    ticket_desk: TicketDesk | None = strawberry.field(
        resolver=ticket_desk, directives=[SUPPORT], description="A ticket by its number, with the team's notes."
    )
    ticket_search: TicketPage | None = strawberry.field(
        resolver=ticket_search,
        directives=[SUPPORT],
        description="Tickets, by words, state, topic, assignee or profile.",
    )


AGENT = "First name of who does it; customers see it."


@strawberry.input(description="Arguments of ticketOpenFor.")
class TicketOpenForInput:
    profile_id: strawberry.ID = strawberry.field(description="Profile concerned.")
    subject: str = strawberry.field(description="Subject.")
    body: str = strawberry.field(description="First message, CommonMark.")
    category: TicketCategory = strawberry.field(description="Topic.")
    account_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Account concerned.")
    server_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Server concerned.")
    agent: str = strawberry.field(description=AGENT)
    why: str | None = strawberry.field(default=strawberry.UNSET, description=WHY)


@strawberry.input(description="Arguments of ticketAnswer.")
class TicketAnswerInput:
    ticket_id: strawberry.ID = strawberry.field(description="Ticket.")
    body: str = strawberry.field(description="Message, CommonMark.")
    agent: str = strawberry.field(description=AGENT)
    why: str | None = strawberry.field(default=strawberry.UNSET, description=WHY)


@strawberry.input(description="Arguments of ticketNoteAdd.")
class TicketNoteAddInput:
    ticket_id: strawberry.ID = strawberry.field(description="Ticket.")
    text: str = strawberry.field(description="What no customer reads.")
    agent: str = strawberry.field(description="Who notes it.")
    why: str | None = strawberry.field(default=strawberry.UNSET, description=WHY)


@strawberry.input(description="Arguments of ticketAssign.")
class TicketAssignInput:
    ticket_id: strawberry.ID = strawberry.field(description="Ticket.")
    assignee: str | None = strawberry.field(default=strawberry.UNSET, description="Who has it; null for nobody.")
    agent: str = strawberry.field(description="Who says so.")
    why: str | None = strawberry.field(default=strawberry.UNSET, description=WHY)


@strawberry.input(description="Arguments of ticketCloseFor.")
class TicketCloseForInput:
    ticket_id: strawberry.ID = strawberry.field(description="Ticket.")
    reason: str = strawberry.field(description="Why; kept in the customer's history.")
    agent: str = strawberry.field(description=AGENT)


@strawberry.input(description="Arguments of urgentFeeDecide.")
class UrgentFeeDecideInput:
    ticket_id: strawberry.ID = strawberry.field(description="Ticket.")
    charged: bool = strawberry.field(description="The service guarantee does not cover the cause.")
    reason: str = strawberry.field(description="Why; the customer reads it.")
    agent: str = strawberry.field(description=AGENT)


@strawberry.type(description="Result of ticketOpenFor.")
class TicketOpenForPayload(ServicePayload):
    ticket_id: strawberry.ID | None = strawberry.field(description="Global id of the ticket.")
    number: int | None = strawberry.field(description="Its number.")


@strawberry.type(description="Result of what is done to a ticket.")
class TicketDeskPayload(ServicePayload):
    changed: bool | None = strawberry.field(description="It was done; false where the same was decided before.")


def _agent(text: str, path: str = "agent") -> str:
    name = " ".join(text.split())
    if not name or len(name) > AGENT_LENGTH:
        raise AgentMissing().at(path)
    return name


def _reason(text: str) -> str:
    reason = text.strip()
    if not reason or len(reason) > REASON_LENGTH:
        raise ReasonMissing().at("reason")
    return reason


def _ticket(text: str) -> UUID:
    return key_of(text, "Ticket", "ticket_id")


def _named(text: object, kind: str, path: str) -> UUID | None:
    return key_of(text, kind, path) if isinstance(text, str) else None


@strawberry.type
class TicketDeskMutation:
    @mutation(TicketOpenForPayload, SUPPORT, description="Open a ticket for a customer; its contacts are mailed.")
    async def ticket_open_for(self, info: Info, input: TicketOpenForInput) -> TicketOpenForPayload | None:
        values = {
            "subject": input.subject,
            "body": input.body,
            "category": input.category,
            "account_id": _named(input.account_id, "Account", "account_id"),
            "server_id": _named(input.server_id, "Server", "server_id"),
        }
        key, number = await acts.open_for(
            info.context,
            owner_id=key_of(input.profile_id, "Profile", "profile_id"),
            wishes=wishes_of(values),
            agent=_agent(input.agent),
        )
        return TicketOpenForPayload.of(ticket_id=global_id("Ticket", key), number=number)

    @mutation(TicketDeskPayload, SUPPORT, description="Write to the customer; whoever sees the ticket is mailed.")
    async def ticket_answer(self, info: Info, input: TicketAnswerInput) -> TicketDeskPayload | None:
        key, body = _ticket(input.ticket_id), checked_body(input.body)
        await acts.answer(info.context, key=key, body=body, agent=_agent(input.agent))
        return TicketDeskPayload.of(changed=True)

    @mutation(TicketDeskPayload, SUPPORT, description="Note something about a ticket that no customer reads.")
    async def ticket_note_add(self, info: Info, input: TicketNoteAddInput) -> TicketDeskPayload | None:
        text = input.text.strip()
        if not text or len(text) > NOTE_LENGTH:
            raise NoteMissing().at("text")
        await acts.add_note(info.context, key=_ticket(input.ticket_id), text=text, agent=_agent(input.agent))
        return TicketDeskPayload.of(changed=True)

    @mutation(TicketDeskPayload, SUPPORT, description="Give a ticket to somebody of the team, or to nobody.")
    async def ticket_assign(self, info: Info, input: TicketAssignInput) -> TicketDeskPayload | None:
        assignee = _agent(input.assignee, "assignee") if isinstance(input.assignee, str) else None
        await acts.assign(info.context, key=_ticket(input.ticket_id), assignee=assignee, agent=_agent(input.agent))
        return TicketDeskPayload.of(changed=True)

    @mutation(TicketDeskPayload, SUPPORT, description="Close a ticket.")
    async def ticket_close_for(self, info: Info, input: TicketCloseForInput) -> TicketDeskPayload | None:
        reason, agent = _reason(input.reason), _agent(input.agent)
        await acts.close_for(info.context, key=_ticket(input.ticket_id), agent=agent, reason=reason)
        return TicketDeskPayload.of(changed=True)

    @mutation(
        TicketDeskPayload,
        SUPPORT,
        quiet=True,
        description="Decide whether an urgent ticket is charged; the same decision may come again.",
    )
    async def urgent_fee_decide(self, info: Info, input: UrgentFeeDecideInput) -> TicketDeskPayload | None:
        reason, agent = _reason(input.reason), _agent(input.agent)
        changed = await acts.decide_fee(
            info.context, key=_ticket(input.ticket_id), charged=input.charged, reason=reason, agent=agent
        )
        return TicketDeskPayload.of(changed=changed)
