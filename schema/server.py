"""Servers: dedicated machines of the private cloud."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from engine.declare import Batch, Computed, Embedded, Given, One, declare
from engine.error import NOT_FOUND, FieldRefused
from models import server as rows
from models.context import Context
from models.permission import OverallPermission, ServerPermission, Subject, permissions_in
from models.refusal import Code
from models.viewer import Viewer
from resolvers import account as account_acts
from resolvers import grant as grants_acts
from resolvers import infrastructure
from resolvers import server as acts
from resolvers import transfer as transfer_acts
from resolvers.deletion import forfeited
from schema.account import PREVIEW, Account, is_owner, name_to_find
from schema.account_list import BY_NAME
from schema.connection import Connection, connection
from schema.decision import Decision, Doing, decision
from schema.deletion import DeletionPreview, previewed
from schema.directive import SEMANTIC_NON_NULL, authorize
from schema.enumeration import described
from schema.global_id import global_id, key_of
from schema.grant import PermissionGrant, grants
from schema.infrastructure import ServerConfiguration, ServerHealth
from schema.intervention import Intervention, intervention_quote, interventions
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.node import Node, node
from schema.plan import Plan
from schema.quote import InterventionQuote, TransferQuote, UrgentTicketQuote
from schema.subscription import ServiceSubscription, running_server
from schema.transfer import START, Transfer, pending, transfer_quote
from schema.urgent_ticket import MAY_ASK, urgent_ticket_quote

if TYPE_CHECKING:
    from schema.profile import Profile

described(
    rows.ServerAction,
    "Actions on a server.",
    RENAME="serverRename.",
    TRANSFER="transferStart.",
    DELETE="serverDelete.",
    OPEN_ACCOUNT="accountOpen on it.",
    OPEN_URGENT_TICKET="ticketOpen about it, urgent.",
)
RENAME = authorize(subject="input.serverId")
DELETE = authorize(subject="input.serverId", interactive=True)
OPEN_ACCOUNT = authorize(subject="input.ownerId", overall=[OverallPermission.ACCOUNT_MANAGEMENT])
"""What accountOpen asks: of the owner, whose rights on one server are not enough."""
DOING = {
    action: Doing(guard, lambda row, action=action: rows.obstacle_to_server(action, row.status, row.transfer_id))  # type: ignore[misc]
    for action, guard in (
        (rows.ServerAction.RENAME, RENAME),
        (rows.ServerAction.TRANSFER, START),
        (rows.ServerAction.DELETE, DELETE),
        (rows.ServerAction.OPEN_ACCOUNT, OPEN_ACCOUNT),
    )
} | {
    rows.ServerAction.OPEN_URGENT_TICKET: Doing(
        MAY_ASK, lambda row: rows.obstacle_to_urgency(row.status, row.urgent_tickets)
    )
}


def held(viewer: Viewer, owner_id: UUID, key: UUID) -> tuple[ServerPermission, ...]:
    """PER-13. The permissions that the viewer holds on a server."""
    return permissions_in(viewer.holds(Subject(owner_id, server_id=key)), ServerPermission)


async def decisions(
    context: Context, keys: Sequence[UUID], *, action: rows.ServerAction
) -> list[Decision | FieldRefused]:
    """PER-13. Whether the viewer may do this to each server now; an error for one that went meanwhile."""
    found, of_owner = await acts.standings(context, keys), action is rows.ServerAction.OPEN_ACCOUNT
    return [
        decision(
            context.locale,
            DOING[action].denied(
                context.viewer,
                Subject(found[key].owner_id) if of_owner else Subject(found[key].owner_id, server_id=key),
                found[key],
            ),
        )
        if key in found
        else FieldRefused(NOT_FOUND, "There is no such object.")
        for key in keys
    ]


async def previews(context: Context, keys: Sequence[UUID]) -> list[DeletionPreview]:
    """ACC-5. What giving servers up destroys."""
    return [
        previewed(
            context.locale,
            row.id,
            row.name,
            rows.obstacle_to_server(rows.ServerAction.DELETE, row.status, row.transfer_id),
            waited_for,
            forfeited_cents=lost,
        )
        for (row, waited_for), lost in zip(
            await acts.with_obstacles(context, keys), await forfeited(context, "server_id", keys), strict=True
        )
    ]


@node(
    rows.Server,
    gate=authorize(related=True),
    owner="owner_id",
    server="id",
    description="A dedicated server of the private cloud.",
)
class Server(Node):
    name: str = strawberry.field(description="Unique name.")
    owner: Annotated["Profile", strawberry.lazy("schema.profile")] = declare(One("owner_id"), description="Owner.")
    plan: Plan = declare(One("plan_id"), description="Offer: dedicated or gold.")
    created_at: datetime = strawberry.field(description="In service since.")
    subscription: ServiceSubscription | None = running_server()
    pending_transfer: Transfer | None = pending(transfer_acts.pending_of_server)
    transfer_quote: TransferQuote | None = transfer_quote(rows.Server)
    accounts: Connection[Account] | None = connection(
        account_acts.on_server,
        authorize(
            server=[ServerPermission.CONSUMPTION],
            overall=[OverallPermission.ACCOUNT_MANAGEMENT, OverallPermission.TECHNICAL_SERVER],
        ),
        key="id",
        order=BY_NAME,
        description="Accounts on it.",
    )
    grants: Connection[PermissionGrant] | None = grants(grants_acts.naming_server, "Grants that name this server.")
    configuration: ServerConfiguration = declare(
        Embedded(), description="What it is made of; for anyone who sees the server."
    )
    health: ServerHealth | None = declare(
        Batch("id", infrastructure.server_health),
        authorize(server=[ServerPermission.CONSUMPTION]),
        marks=[SEMANTIC_NON_NULL],
        description="Health.",
    )
    urgent_ticket_quote: UrgentTicketQuote | None = urgent_ticket_quote()
    viewer_can: Decision = declare(
        Batch("id", decisions),
        arguments={"action": (rows.ServerAction, "What.")},
        description="Whether the viewer may do this now, and why not.",
    )
    interventions: list[Intervention] | None = interventions()
    intervention_quote: InterventionQuote | None = intervention_quote()
    deletion_preview: DeletionPreview | None = declare(
        Batch("id", previews),
        authorize(),
        marks=PREVIEW,
        description="What giving the server up would destroy.",
    )
    viewer_is_owner: bool = declare(
        Computed(is_owner, ("owner_id",), given="viewer"), description="The viewer owns it."
    )
    viewer_permissions: list[ServerPermission] = declare(
        Computed(held, ("owner_id", "id"), given="viewer"), description="Permissions the viewer holds on it."
    )


@strawberry.input(description="Arguments of serverRename.")
class ServerRenameInput:
    server_id: strawberry.ID = strawberry.field(description="Server.")
    name: str = strawberry.field(description="New name.")


@strawberry.type(description="Result of serverRename.")
class ServerRenamePayload(MutationPayload):
    server: Server | None = refetched("server", "The server.")


@strawberry.input(description="Arguments of serverDelete.")
class ServerDeleteInput:
    server_id: strawberry.ID = strawberry.field(description="Server.")
    confirmation: str = strawberry.field(description="The word of DeletionPreview.confirmation.")


@strawberry.type(description="Result of serverDelete.")
class ServerDeletePayload(MutationPayload):
    deleted_id: strawberry.ID | None = strawberry.field(description="Its id.")


@strawberry.type
class ServerQuery:
    server: Server | None = declare(
        One(Given("name", name_to_find), acts.named),
        arguments={"name": (str, "Server name.")},
        description="A server by its unique name, for deep links.",
    )


@strawberry.type
class ServerMutation:
    @mutation(ServerRenamePayload, RENAME, fails=[Code.TAKEN], description="Rename a server.")
    async def server_rename(self, info: Info, input: ServerRenameInput) -> ServerRenamePayload | None:
        key = key_of(input.server_id, "Server", "server_id")
        return ServerRenamePayload.of(server=await acts.rename(info.context, key=key, name=input.name))

    @mutation(
        ServerDeletePayload,
        DELETE,
        fails=[Code.CONFIRMATION_MISMATCH, Code.TRANSFER_PENDING],
        description="Give up a server and the accounts on it, without refund.",
    )
    async def server_delete(self, info: Info, input: ServerDeleteInput) -> ServerDeletePayload | None:
        key = key_of(input.server_id, "Server", "server_id")
        await acts.delete(info.context, key=key, confirmation=input.confirmation)
        return ServerDeletePayload.of(deleted_id=global_id("Server", key))
