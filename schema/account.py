"""Accounts: isolated hosting spaces."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from engine.declare import Batch, Computed, Given, One, declare
from engine.error import BAD_USER_INPUT, FieldRefused
from models import account as rows
from models.account_name import FORM, LONGEST
from models.context import Context
from models.permission import AccountPermission, OverallPermission, ServerPermission, Subject, permissions_in
from models.profile import Locale
from models.refusal import Code, Refusal
from models.renamed_item import RenamedItemKind, default_hostname
from models.viewer import Viewer
from resolvers import account as acts
from resolvers import alert as alerts_acts
from resolvers import grant as grants_acts
from resolvers import infrastructure
from resolvers import migration as migrations
from resolvers import transfer as transfer_acts
from resolvers.deletion import forfeited
from schema.account_list import location_of
from schema.alert import Alert, alerts
from schema.connection import Connection
from schema.decision import Decision, Doing, decision, guard_beside
from schema.deletion import DeletionPreview, previewed
from schema.directive import SEMANTIC_NON_NULL, Cost, authorize
from schema.enumeration import described
from schema.global_id import global_id, key_of
from schema.grant import GrantMutation, PermissionGrant, grants
from schema.infrastructure import AccountResources, AccountStatistics, AccountUsage, ServerHealth
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.node import Node, node
from schema.plan import Plan
from schema.plan_change import CHANGE, plan_change_quote
from schema.quote import PlanChangeQuote, TransferQuote
from schema.subscription import ServiceSubscription, running
from schema.transfer import START, Transfer, pending, transfer_quote

if TYPE_CHECKING:
    from schema.migration import Migration
    from schema.profile import Profile
    from schema.server import Server

described(
    rows.AccountAction,
    "Actions on an account.",
    RENAME="accountRename.",
    CHANGE_PLAN="accountPlanChange.",
    TRANSFER="transferStart.",
    DELETE="accountDelete.",
    GRANT="permissionGrantSave naming it.",
    OPEN_TICKET="ticketOpen about it.",
)
described(
    RenamedItemKind,
    "Natures of what changes with a name.",
    HOSTNAME="Host of a service (ftp, imap, mysql, postgresql, rabbitmq, services, smtp, ssh, webdav).",
    SITE_ADDRESS="Default site address.",
    MAILBOX="Mailbox of the account.",
    HOME_DIRECTORY="Home directory.",
    DATABASES="Databases and their users.",
    CNAME="CNAME records that the customer has to change.",
)
SUBJECT = ("owner_id", "id", "server_id")
"""The columns of a subject."""
STATE = (*SUBJECT, "status", "transfer_id")
PREVIEW = [Cost(weight=5)]
RENAME = authorize(subject="input.accountId")
DELETE = authorize(subject="input.accountId", interactive=True)
WHILE_SUSPENDED = frozenset({rows.AccountAction.OPEN_TICKET})
"""PRO-12. What a suspended profile may do."""
OPEN_TICKET = authorize(
    overall=[OverallPermission.BILLING, OverallPermission.ACCOUNT_MANAGEMENT],
    account=[AccountPermission.TECHNICAL_CONTACT],
    server=[ServerPermission.TECHNICAL_CONTACT],
)
"""TIC-2. Whoever may open a ticket of some topic about it; of which, their permissions say."""
DOING = {
    action: Doing(guard, lambda state, action=action: rows.obstacle_to(action, *state), action in WHILE_SUSPENDED)  # type: ignore[misc]
    for action, guard in (
        (rows.AccountAction.RENAME, RENAME),
        (rows.AccountAction.CHANGE_PLAN, CHANGE),
        (rows.AccountAction.TRANSFER, START),
        (rows.AccountAction.DELETE, DELETE),
        (rows.AccountAction.GRANT, guard_beside(GrantMutation, "permission_grant_save")),
        (rows.AccountAction.OPEN_TICKET, OPEN_TICKET),
    )
}


def is_owner(viewer: Viewer, owner_id: UUID) -> bool:
    """Whether the viewer owns it."""
    return viewer.profile_id == owner_id


def held(viewer: Viewer, owner_id: UUID, key: UUID, server_id: UUID | None) -> tuple[AccountPermission, ...]:
    """PER-13. The permissions that the viewer holds on an account; RESOURCES is of those on servers."""
    mask = viewer.holds(Subject(owner_id, key, server_id))
    return permissions_in(mask if server_id is not None else mask & ~AccountPermission.RESOURCES.bit, AccountPermission)


def actions(
    viewer: Viewer,
    owner_id: UUID,
    key: UUID,
    server_id: UUID | None,
    status: rows.AccountStatus,
    transfer_id: UUID | None,
) -> list[rows.AccountAction]:
    """PER-13. What the viewer may do to an account now."""
    subject, state = Subject(owner_id, key, server_id), (status, server_id, transfer_id)
    return [action for action, doing in DOING.items() if doing.denied(viewer, subject, state) is None]


def can(
    reader: tuple[Viewer, Locale],
    owner_id: UUID,
    key: UUID,
    server_id: UUID | None,
    status: rows.AccountStatus,
    transfer_id: UUID | None,
    *,
    action: rows.AccountAction,
) -> Decision:
    """PER-13. Whether the viewer may do this to an account now."""
    viewer, locale = reader
    subject, state = Subject(owner_id, key, server_id), (status, server_id, transfer_id)
    return decision(locale, DOING[action].denied(viewer, subject, state))


async def previews(context: Context, keys: Sequence[UUID]) -> list[DeletionPreview]:
    """ACC-5. What deleting accounts destroys."""
    found = await acts.placed(context, keys)
    return [
        previewed(
            context.locale,
            key,
            found[key].name,
            rows.obstacle_to(rows.AccountAction.DELETE, found[key].status, None, found[key].transfer_id),
            forfeited_cents=lost,
        )
        for key, lost in zip(keys, await forfeited(context, "account_id", keys), strict=True)
    ]


async def renamed(context: Context, keys: Sequence[UUID], *, name: str) -> list[Any]:
    """ACC-4. What a new name changes, or a coded error that says why it cannot be had."""
    found = await acts.rename_preview(context, keys, name=name)
    return [
        FieldRefused(BAD_USER_INPUT, each.message, extensions={"userErrorCode": each.code.value}, **each.figures)
        if isinstance(each, Refusal)
        else each
        for each in found
    ]


def name_to_find(text: str) -> str | None:
    """A name as it may stand in a link; None for what no account or server is called."""
    return text if len(text) <= LONGEST and FORM.fullmatch(text) else None


@strawberry.type(description="Something that changes with an account's name.")
class RenamedItem:
    kind: RenamedItemKind = strawberry.field(description="Nature.")
    before: str = strawberry.field(description="Now.")
    after: str = strawberry.field(description="Afterwards.")


@node(
    rows.Account,
    gate=authorize(related=True),
    owner="owner_id",
    account="id",
    server="server_id",
    description="An isolated hosting space, on the public cloud or on a server of its owner.",
)
class Account(Node):
    name: str = strawberry.field(description="Unique name.")
    default_hostname: str = declare(
        Computed(default_hostname, ("name",), given="figures"), description="Address given by the provider."
    )
    owner: Annotated["Profile", strawberry.lazy("schema.profile")] = declare(One("owner_id"), description="Owner.")
    location: rows.AccountLocation = declare(Computed(location_of, ("server_id",)), description="Where it runs.")
    server: Annotated["Server", strawberry.lazy("schema.server")] | None = declare(
        One("server_id"), description="Server it runs on, for the private cloud."
    )
    plan: Plan | None = declare(One("plan_id"), description="Plan; null on the private cloud.")
    status: rows.AccountStatus = strawberry.field(description="Life-cycle state.")
    created_at: datetime = strawberry.field(description="Creation.")
    usage: AccountUsage | None = declare(
        Batch("id", infrastructure.usage),
        authorize(account=[AccountPermission.USAGE]),
        marks=[SEMANTIC_NON_NULL],
        description="Consumption.",
    )
    statistics: AccountStatistics | None = declare(
        Batch("id", infrastructure.statistics),
        authorize(account=[AccountPermission.STATISTICS]),
        description="Visits of the sites.",
    )
    resources: AccountResources | None = declare(
        Batch("id", infrastructure.resources),
        authorize(account=[AccountPermission.RESOURCES], server=[ServerPermission.RESOURCES]),
        description="Limits of the account, on the private cloud; null elsewhere.",
    )
    server_status: ServerHealth = declare(
        Batch("id", infrastructure.account_health),
        description="Health of the machine it runs on; for anyone who sees the account.",
    )
    subscription: ServiceSubscription | None = running()
    scheduled_migration: Annotated["Migration", strawberry.lazy("schema.migration")] | None = declare(
        One("id", migrations.of_account),
        authorize(account=[AccountPermission.MIGRATION]),
        description="Migration scheduled by the provider.",
    )
    alerts: Connection[Alert] = alerts(alerts_acts.of_account, "Alerts about this account.")
    pending_transfer: Transfer | None = pending(transfer_acts.pending_of_account)
    grants: Connection[PermissionGrant] | None = grants(grants_acts.naming_account, "Grants that name this account.")
    rename_preview: list[RenamedItem] | None = declare(
        Batch("id", renamed),
        authorize(),
        marks=PREVIEW,
        arguments={"name": (str, "Wanted name.")},
        description="Everything that a new name would change, to be read before accountRename (bounded list).",
    )
    plan_change_quote: PlanChangeQuote | None = plan_change_quote()
    transfer_quote: TransferQuote | None = transfer_quote(rows.Account)
    deletion_preview: DeletionPreview | None = declare(
        Batch("id", previews),
        authorize(),
        marks=PREVIEW,
        description="What deleting the account would destroy.",
    )
    viewer_is_owner: bool = declare(
        Computed(is_owner, ("owner_id",), given="viewer"), description="The viewer owns it."
    )
    viewer_permissions: list[AccountPermission] = declare(
        Computed(held, SUBJECT, given="viewer"), description="Permissions the viewer holds on it."
    )
    viewer_actions: list[rows.AccountAction] = declare(
        Computed(actions, STATE, given="viewer"),
        description="What the viewer can do right now, permissions and state considered; drives buttons.",
    )
    viewer_can: Decision = declare(
        Computed(can, STATE, given="reader"),
        arguments={"action": (rows.AccountAction, "What.")},
        description="Whether the viewer may do this now, and why not.",
    )


@strawberry.input(description="Arguments of accountRename.")
class AccountRenameInput:
    account_id: strawberry.ID = strawberry.field(description="Account.")
    name: str = strawberry.field(description="New name.")
    confirmation: str = strawberry.field(description="Present name, typed again.")


@strawberry.type(description="Result of accountRename.")
class AccountRenamePayload(MutationPayload):
    account: Account | None = refetched("account", "The account.")


@strawberry.input(description="Arguments of accountDelete.")
class AccountDeleteInput:
    account_id: strawberry.ID = strawberry.field(description="Account.")
    confirmation: str = strawberry.field(description="The word of DeletionPreview.confirmation.")


@strawberry.type(description="Result of accountDelete.")
class AccountDeletePayload(MutationPayload):
    deleted_id: strawberry.ID | None = strawberry.field(description="Id of the deleted account.")


@strawberry.type
class AccountQuery:
    account: Account | None = declare(
        One(Given("name", name_to_find), acts.named),
        arguments={"name": (str, "Account name.")},
        description="An account by its unique name, for deep links.",
    )


@strawberry.type
class AccountMutation:
    @mutation(
        AccountRenamePayload,
        RENAME,
        fails=[Code.TAKEN, Code.CONFIRMATION_MISMATCH],
        description="Rename an account; addresses, users and paths change with it.",
    )
    async def account_rename(self, info: Info, input: AccountRenameInput) -> AccountRenamePayload | None:
        key = key_of(input.account_id, "Account", "account_id")
        await acts.rename(info.context, key=key, name=input.name, confirmation=input.confirmation)
        return AccountRenamePayload.of(account=key)

    @mutation(
        AccountDeletePayload,
        DELETE,
        fails=[Code.CONFIRMATION_MISMATCH, Code.TRANSFER_PENDING],
        description="Destroy an account, without refund.",
    )
    async def account_delete(self, info: Info, input: AccountDeleteInput) -> AccountDeletePayload | None:
        key = key_of(input.account_id, "Account", "account_id")
        await acts.delete(info.context, key=key, confirmation=input.confirmation)
        return AccountDeletePayload.of(deleted_id=global_id("Account", key))
