"""TIC-1, TIC-2. Tickets, as customers have them."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from engine.declare import Batch, Column, Computed, Given, Many, One, Order, declare
from models import attachment as files
from models import ticket as rows
from models.permission import AccountPermission, OverallPermission, ServerPermission, Subject
from models.profile import Locale
from models.refusal import Code
from models.ticket_category import RULE, TicketCategory
from models.viewer import Viewer
from resolvers import attachment as attachments
from resolvers import ticket as acts
from schema.account import Account
from schema.activity import HiddenActor, SupportAgent
from schema.connection import Connection, connection
from schema.decision import Decision, Doing, decision
from schema.directive import Authorize, authorize
from schema.enumeration import described
from schema.global_id import key_of
from schema.message import say
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.node import Actor, Node, node
from schema.quote import URGENT_CHARGE
from schema.scalar import Url
from schema.server import Server
from schema.ticket_list import LATEST, ORDERS, TicketFilter, TicketOrder, chosen, criteria
from schema.upload import upload_keys
from schema.urgent_ticket import UrgentFee, urgent_fee

if TYPE_CHECKING:
    from schema.profile import Profile

described(rows.TicketAction, "Actions on a ticket.", REPLY="ticketReply.", CLOSE="ticketClose.", REOPEN="ticketReopen.")
MOST = 2**31 - 1


def seen(**where: Any) -> Authorize:
    """TIC-2. What a ticket, and whatever is part of one, asks of whoever reads or changes it."""
    return authorize(
        overall=[
            OverallPermission.BILLING,
            OverallPermission.ACCOUNT_MANAGEMENT,
            OverallPermission.TECHNICAL_ACCOUNT,
            OverallPermission.TECHNICAL_SERVER,
        ],
        account=[AccountPermission.TECHNICAL_CONTACT],
        server=[ServerPermission.TECHNICAL_CONTACT],
        rule=RULE,
        **where,
    )


GATE: Mapping[str, Any] = {
    "gate": seen(),
    "owner": "owner_id",
    "account": "account_id",
    "server": "server_id",
    "kind": "category",
}
ON_TICKET = seen(subject="input.ticketId")
OPEN = seen(
    subjects=["input.serverId", "input.accountId", "input.profileId"], kind="category", resolves=("input.uploadIds",)
)
REPLY = seen(subject="input.ticketId", resolves=("input.uploadIds",))
DOING = {
    action: Doing(guard, lambda status, action=action: rows.obstacle_to_ticket(action, status), suspended=True)  # type: ignore[misc]
    for action, guard in (
        (rows.TicketAction.REPLY, REPLY),
        (rows.TicketAction.CLOSE, ON_TICKET),
        (rows.TicketAction.REOPEN, ON_TICKET),
    )
}
SUBJECT = ("owner_id", "account_id", "server_id", "category")


def writer(locale: Locale, agent: str | None) -> Actor:
    """Who wrote, where no profile may be shown."""
    return SupportAgent(display_name=agent) if agent else HiddenActor(display_name=say(locale, "Somebody"))


def _subject(owner_id: UUID, account_id: UUID | None, server_id: UUID | None, category: Any) -> Subject[UUID]:
    return Subject(owner_id, account_id, server_id, kind=category)


def actions(viewer: Viewer, *values: Any) -> list[rows.TicketAction]:
    """PER-13. What the viewer may do to a ticket now."""
    *whose, status = values
    return [action for action, doing in DOING.items() if doing.denied(viewer, _subject(*whose), status) is None]


def can(reader: tuple[Viewer, Locale], *values: Any, action: rows.TicketAction) -> Decision:
    """PER-13. Whether the viewer may do this to a ticket now."""
    viewer, locale = reader
    *whose, status = values
    return decision(locale, DOING[action].denied(viewer, _subject(*whose), status))


def number_to_find(number: int) -> int | None:
    """A number as it may stand in a link."""
    return number if 0 < number <= MOST else None


@node(files.Attachment, description="A file of a message.", **GATE)
class Attachment(Node):
    filename: str = strawberry.field(description="Name.")
    content_type: str = strawberry.field(description="Media type.")
    byte_size: int = strawberry.field(description="Size in bytes.")
    url: Url = declare(
        Batch("id", attachments.addresses), description="Short-lived link, for the session or token that asks."
    )


@node(rows.TicketMessage, description="A message of a ticket.", **GATE)
class TicketMessage(Node):
    ticket: "Ticket" = declare(One("ticket_id"), description="Ticket.")
    author: Actor = declare(
        One("author_id", kind="Profile", otherwise=Computed(writer, ("agent",), given="locale")), description="Author."
    )
    body: str = strawberry.field(description="Text in CommonMark; clients must not render raw HTML.")
    created_at: datetime = strawberry.field(description="When it was sent.")
    attachments: list[Attachment] = declare(Many("id", acts.attachments), description="Files (bounded list).")


@node(rows.Ticket, description="A conversation with the support team.", **GATE)
class Ticket(Node):
    number: int = strawberry.field(description="Number to quote.")
    profile: Annotated["Profile", strawberry.lazy("schema.profile")] = declare(
        One("owner_id"), description="Profile concerned."
    )
    subject: str = declare(Column("title"), description="Subject.")
    category: TicketCategory = strawberry.field(description="Topic; decides which delegates see it.")
    priority: rows.TicketPriority = strawberry.field(description="Priority.")
    status: rows.TicketStatus = strawberry.field(description="State.")
    account: Account | None = declare(One("account_id"), description="Account concerned.")
    server: Server | None = declare(One("server_id"), description="Server concerned.")
    opened_by: Actor = declare(
        One("opened_by_id", kind="Profile", otherwise=Computed(writer, ("agent",), given="locale")),
        description="Who opened it.",
    )
    created_at: datetime = strawberry.field(description="Opening.")
    updated_at: datetime = strawberry.field(description="Last message or change of state.")
    urgent_fee: UrgentFee | None = urgent_fee()
    messages: Connection[TicketMessage] = connection(
        acts.messages, key="id", order=(Order("position"), Order("id")), description="Messages, oldest first."
    )
    viewer_has_unread: bool = declare(
        Batch("id", acts.unread), description="There are messages the viewer has not read."
    )
    viewer_actions: list[rows.TicketAction] = declare(
        Computed(actions, (*SUBJECT, "status"), given="viewer"), description="What the viewer can do right now."
    )
    viewer_can: Decision = declare(
        Computed(can, (*SUBJECT, "status"), given="reader"),
        arguments={"action": (rows.TicketAction, "What.")},
        description="Whether the viewer may do this now, and why not.",
    )


def tickets() -> Any:
    """The connection of the tickets of a profile."""
    return connection(
        acts.of_owner,
        key="id",
        order=LATEST,
        orders=ORDERS,
        chosen=chosen,
        more={
            "filter": (TicketFilter | None, "Keep only matching items."),
            "order_by": (TicketOrder | None, "Order; default: see the input's defaults."),
        },
        given=criteria,
        description="Support tickets; a delegate sees those within their permissions.",
    )


@strawberry.input(description="Arguments of ticketOpen.")
class TicketOpenInput:
    profile_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Profile; default: the viewer."
    )
    subject: str = strawberry.field(description="Subject.")
    body: str = strawberry.field(description="First message, CommonMark.")
    category: TicketCategory = strawberry.field(description="Topic.")
    priority: rows.TicketPriority = strawberry.field(default=rows.TicketPriority.NORMAL, description="Priority.")
    account_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Account concerned.")
    server_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Server concerned; required for URGENT."
    )
    upload_ids: list[strawberry.ID] = strawberry.field(default_factory=list, description="Uploads.")
    quote_token: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="For URGENT: token of the quote, that is acceptance of the possible charge.",
    )
    idempotency_key: UUID = strawberry.field(
        description="Fresh for each intent, the same for each retry; kept 24 hours."
    )


@strawberry.type(description="Result of ticketOpen.")
class TicketOpenPayload(MutationPayload):
    ticket: Ticket | None = refetched("ticket", "The ticket.")


@strawberry.input(description="Arguments of ticketReply.")
class TicketReplyInput:
    ticket_id: strawberry.ID = strawberry.field(description="Ticket.")
    body: str = strawberry.field(description="Message, CommonMark.")
    upload_ids: list[strawberry.ID] = strawberry.field(default_factory=list, description="Uploads.")


@strawberry.type(description="Result of ticketReply.")
class TicketReplyPayload(MutationPayload):
    ticket: Ticket | None = refetched("ticket", "The ticket.")
    message: TicketMessage | None = refetched("message", "The message.")


@strawberry.input(description="Arguments of ticketClose.")
class TicketCloseInput:
    ticket_id: strawberry.ID = strawberry.field(description="Ticket.")


@strawberry.type(description="Result of ticketClose.")
class TicketClosePayload(MutationPayload):
    ticket: Ticket | None = refetched("ticket", "The ticket.")


@strawberry.input(description="Arguments of ticketReopen.")
class TicketReopenInput:
    ticket_id: strawberry.ID = strawberry.field(description="Ticket.")


@strawberry.type(description="Result of ticketReopen.")
class TicketReopenPayload(MutationPayload):
    ticket: Ticket | None = refetched("ticket", "The ticket.")


@strawberry.input(description="Arguments of ticketMarkRead.")
class TicketMarkReadInput:
    ticket_id: strawberry.ID = strawberry.field(description="Ticket.")


@strawberry.type(description="Result of ticketMarkRead.")
class TicketMarkReadPayload(MutationPayload):
    ticket: Ticket | None = refetched("ticket", "The ticket.")


def _key(text: str) -> UUID:
    return key_of(text, "Ticket", "ticket_id")


def _named(text: object, kind: str, path: str) -> UUID | None:
    return key_of(text, kind, path) if isinstance(text, str) else None


def _consent(locale: Locale, input: TicketOpenInput) -> acts.Consent | None:
    """TIC-4. What was shown to whoever agrees, in their language."""
    if not isinstance(input.quote_token, str):
        return None
    return acts.Consent(input.quote_token, {"locale": locale.value, "sentence": say(locale, URGENT_CHARGE)})


@strawberry.type
class TicketQuery:
    ticket: Ticket | None = declare(
        One(Given("number", number_to_find), acts.numbered),
        arguments={"number": (int, "Ticket number.")},
        description="A support ticket by its number, for deep links.",
    )


@strawberry.type
class TicketMutation:
    @mutation(
        TicketOpenPayload,
        OPEN,
        fails=[
            Code.URGENT_NOT_AVAILABLE,
            Code.CHARGE_NOT_ACCEPTED,
            Code.UPLOAD_REJECTED,
            Code.QUOTE_EXPIRED,
            Code.QUOTE_CHANGED,
        ],
        suspended=True,
        description="Open a ticket.",
    )
    async def ticket_open(self, info: Info, input: TicketOpenInput) -> TicketOpenPayload | None:
        wishes = rows.wishes_of(
            {
                "subject": input.subject,
                "body": input.body,
                "category": input.category,
                "priority": input.priority,
                "account_id": _named(input.account_id, "Account", "account_id"),
                "server_id": _named(input.server_id, "Server", "server_id"),
            }
        )
        key = await acts.open(
            info.context,
            profile_id=_named(input.profile_id, "Profile", "profile_id"),
            wishes=wishes,
            upload_ids=upload_keys(input.upload_ids),
            consent=_consent(info.context.locale, input),
            key=input.idempotency_key,
        )
        return TicketOpenPayload.of(ticket=key)

    @mutation(TicketReplyPayload, REPLY, fails=[Code.UPLOAD_REJECTED], suspended=True, description="Add a message.")
    async def ticket_reply(self, info: Info, input: TicketReplyInput) -> TicketReplyPayload | None:
        uploads = upload_keys(input.upload_ids)
        ticket, message = await acts.reply(info.context, key=_key(input.ticket_id), body=input.body, upload_ids=uploads)
        return TicketReplyPayload.of(ticket=ticket, message=message)

    @mutation(TicketClosePayload, ON_TICKET, suspended=True, description="Close a ticket.")
    async def ticket_close(self, info: Info, input: TicketCloseInput) -> TicketClosePayload | None:
        return TicketClosePayload.of(ticket=await acts.close(info.context, key=_key(input.ticket_id)))

    @mutation(TicketReopenPayload, ON_TICKET, suspended=True, description="Open a closed ticket again.")
    async def ticket_reopen(self, info: Info, input: TicketReopenInput) -> TicketReopenPayload | None:
        return TicketReopenPayload.of(ticket=await acts.reopen(info.context, key=_key(input.ticket_id)))

    @mutation(TicketMarkReadPayload, ON_TICKET, suspended=True, description="Mark everything as read by the viewer.")
    async def ticket_mark_read(self, info: Info, input: TicketMarkReadInput) -> TicketMarkReadPayload | None:
        return TicketMarkReadPayload.of(ticket=await acts.mark_read(info.context, key=_key(input.ticket_id)))
