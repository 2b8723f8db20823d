"""API tokens: what they are, and how they are made, changed and revoked."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from engine.declare import One, declare
from models import token as rows
from models.refusal import Code
from models.secret import unsaid
from resolvers import token as acts
from schema.connection import connection, newest
from schema.directive import authorize
from schema.global_id import global_id, key_of
from schema.mutation import Info, MutationPayload, given, mutation, refetched
from schema.node import Node, node
from schema.scalar import IPNetwork

if TYPE_CHECKING:
    from schema.account import Account
    from schema.profile import Profile

TOKEN = authorize(subject="input.apiTokenId", interactive=True)
TOKEN_BY_TWO_FACTORS = authorize(subject="input.apiTokenId", interactive=True, two_factor=True)


@node(
    rows.ApiToken,
    gate=authorize(interactive=True),
    owner="profile_id",
    description=(
        "Long-lived credential for one application; carries the permissions of its profile, or fewer; never manages "
        "credentials."
    ),
)
class ApiToken(Node):
    name: str = strawberry.field(description="Application it is for.")
    prefix: str = strawberry.field(description="First characters, to recognise it.")
    ip_allowlist: list[IPNetwork] = strawberry.field(
        description="Networks it may be used from; empty means any that the profile allows (bounded list)."
    )
    enabled: bool = strawberry.field(description="It is accepted; a disabled token is kept but refused.")
    read_only: bool = strawberry.field(description="It cannot run mutations.")
    only_owner: Annotated["Profile", strawberry.lazy("schema.profile")] | None = declare(
        One("only_owner_id"), description="It sees this owner's things only; null for all that its profile sees."
    )
    only_account: Annotated["Account", strawberry.lazy("schema.account")] | None = declare(
        One("only_account_id"), description="It sees this account only; null for all."
    )
    created_at: datetime = strawberry.field(description="Creation.")
    expires_at: datetime | None = strawberry.field(description="End of validity; null for none.")
    last_used_at: datetime | None = strawberry.field(description="Last use, to the minute.")
    last_used_from: str | None = strawberry.field(description="Address of the last use.")


def tokens(key: str = "id") -> Any:
    """The connection of a profile's tokens; `key` is the column that holds the profile."""
    return connection(acts.of_profile, key=key, order=newest("created_at"), description="API tokens.")


@strawberry.input(description="Arguments of apiTokenCreate.")
class ApiTokenCreateInput:
    name: str = strawberry.field(description="Application.")
    ip_allowlist: list[IPNetwork] = strawberry.field(
        default_factory=list, description="Networks it may be used from; empty for any."
    )
    expires_at: datetime | None = strawberry.field(default=strawberry.UNSET, description="End of validity.")
    read_only: bool = strawberry.field(default=False, description="Refuse mutations.")
    only_owner_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Narrow to one owner.")
    only_account_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Narrow to one account."
    )


@strawberry.type(description="Result of apiTokenCreate.")
class ApiTokenCreatePayload(MutationPayload):
    api_token: ApiToken | None = refetched("api_token", "The token.")
    secret: str | None = strawberry.field(description="Its secret, never shown again.")

    __repr__ = unsaid


@strawberry.input(description="Arguments of apiTokenUpdate.")
class ApiTokenUpdateInput:
    api_token_id: strawberry.ID = strawberry.field(description="Token.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Application.")
    ip_allowlist: list[IPNetwork] | None = strawberry.field(default=strawberry.UNSET, description="Networks.")
    expires_at: datetime | None = strawberry.field(default=strawberry.UNSET, description="End of validity.")
    enabled: bool | None = strawberry.field(default=strawberry.UNSET, description="Accept it or not.")


@strawberry.type(description="Result of apiTokenUpdate.")
class ApiTokenUpdatePayload(MutationPayload):
    api_token: ApiToken | None = refetched("api_token", "The token.")


@strawberry.input(description="Arguments of apiTokenRegenerate.")
class ApiTokenRegenerateInput:
    api_token_id: strawberry.ID = strawberry.field(description="Token.")


@strawberry.type(description="Result of apiTokenRegenerate.")
class ApiTokenRegeneratePayload(MutationPayload):
    api_token: ApiToken | None = refetched("api_token", "The token.")
    secret: str | None = strawberry.field(description="Its new secret, never shown again.")

    __repr__ = unsaid


@strawberry.input(description="Arguments of apiTokenDelete.")
class ApiTokenDeleteInput:
    api_token_id: strawberry.ID = strawberry.field(description="Token.")


@strawberry.type(description="Result of apiTokenDelete.")
class ApiTokenDeletePayload(MutationPayload):
    deleted_id: strawberry.ID | None = strawberry.field(description="Its id.")


@strawberry.type
class TokenMutation:
    @mutation(
        ApiTokenCreatePayload,
        authorize(resolves=("input.onlyOwnerId", "input.onlyAccountId"), interactive=True, two_factor=True),
        fails=[Code.TWO_FACTOR_NOT_ENABLED, Code.LIMIT_REACHED],
        description="Create an API token; its secret is shown once.",
        suspended=True,
    )
    async def api_token_create(self, info: Info, input: ApiTokenCreateInput) -> ApiTokenCreatePayload | None:
        values = given(input)
        for name, kind in (("only_owner_id", "Profile"), ("only_account_id", "Account")):
            if (given_id := values.pop(name, None)) is not None:
                values[name] = key_of(given_id, kind, name)
        created = await acts.create(info.context, values=values)
        return ApiTokenCreatePayload.of(api_token=created.token.id, secret=created.secret)

    @mutation(ApiTokenUpdatePayload, TOKEN_BY_TWO_FACTORS, description="Change an API token.", suspended=True)
    async def api_token_update(self, info: Info, input: ApiTokenUpdateInput) -> ApiTokenUpdatePayload | None:
        changes = given(input)
        key = key_of(changes.pop("api_token_id"), "ApiToken", "api_token_id")
        return ApiTokenUpdatePayload.of(api_token=await acts.change(info.context, key=key, changes=changes))

    @mutation(
        ApiTokenRegeneratePayload,
        TOKEN_BY_TWO_FACTORS,
        description="Replace the secret of an API token; the old one stops working.",
        suspended=True,
    )
    async def api_token_regenerate(
        self, info: Info, input: ApiTokenRegenerateInput
    ) -> ApiTokenRegeneratePayload | None:
        created = await acts.regenerate(info.context, key=key_of(input.api_token_id, "ApiToken", "api_token_id"))
        return ApiTokenRegeneratePayload.of(api_token=created.token.id, secret=created.secret)

    @mutation(ApiTokenDeletePayload, TOKEN, description="Revoke an API token.", suspended=True)
    async def api_token_delete(self, info: Info, input: ApiTokenDeleteInput) -> ApiTokenDeletePayload | None:
        key = await acts.delete(info.context, key=key_of(input.api_token_id, "ApiToken", "api_token_id"))
        return ApiTokenDeletePayload.of(deleted_id=global_id("ApiToken", key))
