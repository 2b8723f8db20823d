"""Grants: the permissions that one profile gives another."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from engine.declare import Computed, Many, One, Source, declare
from models import grant as rows
from models.column import table
from models.permission import AccountPermission, OverallPermission, ServerPermission, permissions_in
from models.refusal import Code
from resolvers import grant as acts
from schema.connection import connection, newest
from schema.directive import authorize
from schema.global_id import global_id, key_of
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.node import SOURCES, Node, node
from schema.scalar import EmailAddress

if TYPE_CHECKING:
    from schema.account import Account
    from schema.profile import Profile
    from schema.server import Server


@strawberry.type(description="Permissions on one account.")
class AccountGrant:
    account: Annotated["Account", strawberry.lazy("schema.account")] = declare(
        One("account_id"), description="The account."
    )
    permissions: list[AccountPermission] = declare(
        Computed(lambda mask: permissions_in(mask, AccountPermission), ("permissions",)),
        description="Permissions.",
    )


@strawberry.type(description="Permissions on one server.")
class ServerGrant:
    server: Annotated["Server", strawberry.lazy("schema.server")] = declare(One("server_id"), description="The server.")
    permissions: list[ServerPermission] = declare(
        Computed(lambda mask: permissions_in(mask, ServerPermission), ("permissions",)), description="Permissions."
    )


# Reached through their grant alone, by selects that show what the caller may see.
SOURCES[AccountGrant] = Source(table(rows.AccountGrant))
SOURCES[ServerGrant] = Source(table(rows.ServerGrant))


@node(
    rows.PermissionGrant,
    gate=authorize(parties=["owner", "grantee"]),
    owner="owner_id",
    description="All permissions one profile gives another; at most one per pair.",
)
class PermissionGrant(Node):
    owner: Annotated["Profile", strawberry.lazy("schema.profile")] = declare(One("owner_id"), description="Who gives.")
    grantee: Annotated["Profile", strawberry.lazy("schema.profile")] = declare(
        One("grantee_id"), description="Who receives; status INVITED until they set up their profile."
    )
    overall: list[OverallPermission] = declare(
        Computed(lambda mask: permissions_in(mask, OverallPermission), ("overall",)),
        description="Profile-wide permissions.",
    )
    accounts: list[AccountGrant] = declare(
        Many("id", acts.on_accounts), description="Permissions per account (bounded list)."
    )
    servers: list[ServerGrant] = declare(
        Many("id", acts.on_servers), description="Permissions per server (bounded list)."
    )
    requires_two_factor: bool = strawberry.field(
        description="Counts only in sessions that passed two-factor authentication."
    )
    created_at: datetime = strawberry.field(description="Creation.")
    updated_at: datetime = strawberry.field(description="Last change.")


def grants(select: Any, description: str) -> Any:
    """A connection of grants, for the owner alone; `select` begins with the key of what they are of."""
    return connection(select, authorize(), key="id", order=newest("created_at"), description=description)


@strawberry.input(description="Permissions on one account.")
class AccountGrantInput:
    account_id: strawberry.ID = strawberry.field(description="Account.")
    permissions: list[AccountPermission] = strawberry.field(description="Permissions.")


@strawberry.input(description="Permissions on one server.")
class ServerGrantInput:
    server_id: strawberry.ID = strawberry.field(description="Server.")
    permissions: list[ServerPermission] = strawberry.field(description="Permissions.")


@strawberry.input(description="Arguments of permissionGrantSave.")
class PermissionGrantSaveInput:
    email: EmailAddress = strawberry.field(description="Who receives.")
    overall: list[OverallPermission] = strawberry.field(default_factory=list, description="Profile-wide permissions.")
    accounts: list[AccountGrantInput] = strawberry.field(default_factory=list, description="Permissions per account.")
    servers: list[ServerGrantInput] = strawberry.field(default_factory=list, description="Permissions per server.")
    requires_two_factor: bool = strawberry.field(default=False, description="Ask for two-factor authentication.")


@strawberry.type(description="Result of permissionGrantSave.")
class PermissionGrantSavePayload(MutationPayload):
    grant: PermissionGrant | None = refetched("grant", "The grant.")


@strawberry.input(description="Arguments of permissionGrantRevoke.")
class PermissionGrantRevokeInput:
    grant_id: strawberry.ID = strawberry.field(description="Grant.")


@strawberry.type(description="Result of permissionGrantRevoke.")
class PermissionGrantRevokePayload(MutationPayload):
    deleted_id: strawberry.ID | None = strawberry.field(description="Its id.")


@strawberry.input(description="Arguments of permissionGrantRenounce.")
class PermissionGrantRenounceInput:
    grant_id: strawberry.ID = strawberry.field(description="Grant.")


@strawberry.type(description="Result of permissionGrantRenounce.")
class PermissionGrantRenouncePayload(MutationPayload):
    deleted_id: strawberry.ID | None = strawberry.field(description="Its id.")


@strawberry.type
class GrantMutation:
    @mutation(
        PermissionGrantSavePayload,
        authorize(interactive=True),
        fails=[Code.INVALID_RECIPIENT],
        description="Create or replace the permissions given to an e-mail address; unknown addresses are invited.",
    )
    async def permission_grant_save(
        self, info: Info, input: PermissionGrantSaveInput
    ) -> PermissionGrantSavePayload | None:
        accounts = [
            (key_of(entry.account_id, "Account", "accounts", str(index), "account_id"), entry.permissions)
            for index, entry in enumerate(input.accounts)
        ]
        servers = [
            (key_of(entry.server_id, "Server", "servers", str(index), "server_id"), entry.permissions)
            for index, entry in enumerate(input.servers)
        ]
        key = await acts.save(
            info.context,
            email=input.email,
            overall=input.overall,
            accounts=accounts,
            servers=servers,
            requires_two_factor=input.requires_two_factor,
        )
        return PermissionGrantSavePayload.of(grant=key)

    @mutation(
        PermissionGrantRevokePayload,
        authorize(subject="input.grantId.owner", interactive=True),
        suspended=True,
        description="Take back all permissions given to somebody.",
    )
    async def permission_grant_revoke(
        self, info: Info, input: PermissionGrantRevokeInput
    ) -> PermissionGrantRevokePayload | None:
        key = await acts.revoke(info.context, key=key_of(input.grant_id, "PermissionGrant", "grant_id"))
        return PermissionGrantRevokePayload.of(deleted_id=global_id("PermissionGrant", key))

    @mutation(
        PermissionGrantRenouncePayload,
        authorize(subject="input.grantId.grantee"),
        suspended=True,
        description="Give up all permissions received from somebody.",
    )
    async def permission_grant_renounce(
        self, info: Info, input: PermissionGrantRenounceInput
    ) -> PermissionGrantRenouncePayload | None:
        key = await acts.renounce(info.context, key=key_of(input.grant_id, "PermissionGrant", "grant_id"))
        return PermissionGrantRenouncePayload.of(deleted_id=global_id("PermissionGrant", key))
