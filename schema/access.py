"""TOK-5. accessCheck: the permission model, for the services that run sites, mail and databases."""

from uuid import UUID

import strawberry

from engine.error import BAD_USER_INPUT, FieldRefused
from models.network import parsed
from models.permission import AccountPermission, DenialReason, Permission, Requirement, ServerPermission
from resolvers import access as acts
from schema.global_id import global_id, read_global_id
from schema.message import say
from schema.mutation import Info
from schema.permission import ANSWERS
from schema.service import ACCESS_CHECK


@strawberry.input(description="On what, and which permission: exactly one.", one_of=True)
class AccessTargetInput:
    account: "AccountAccessInput | None" = strawberry.field(default=strawberry.UNSET, description="On an account.")
    server: "ServerAccessInput | None" = strawberry.field(default=strawberry.UNSET, description="On a server.")


@strawberry.input(description="A permission on an account, given by its id or its name.")
class AccountAccessInput:
    permission: AccountPermission = strawberry.field(description="Permission.")
    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Its id.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Its name.")


@strawberry.input(description="A permission on a server, given by its id or its name.")
class ServerAccessInput:
    permission: ServerPermission = strawberry.field(description="Permission.")
    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Its id.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Its name.")


@strawberry.input(description="Arguments of accessCheck.")
class AccessCheckInput:
    token: str = strawberry.field(description="API token, or access token of a session, as the customer sent it.")
    ip_address: str = strawberry.field(description="Address that the customer called from.")
    target: AccessTargetInput = strawberry.field(description="On what, and which permission.")
    writes: bool = strawberry.field(default=True, description="Something is to be changed, not only read.")
    charged: bool = strawberry.field(
        default=False, description="A charge depends on it (renting, buying): needs BILLING on the owner as well."
    )


@strawberry.type(description="Whether the holder of a token may do something now, and if not, why.")
class AccessDecision:
    allowed: bool = strawberry.field(description="It may be done.")
    authenticated: bool = strawberry.field(description="The token is good, at this address.")
    reason: DenialReason | None = strawberry.field(description="Why not; null when allowed or not authenticated.")
    missing: str | None = strawberry.field(description="Permission that is missing, e.g. BILLING.")
    message: str | None = strawberry.field(description="Localised sentence for the customer.")
    profile_id: strawberry.ID | None = strawberry.field(description="Global id of the profile that holds the token.")


ON_SERVER: dict[Permission, tuple[ServerPermission, ...]] = {AccountPermission.RESOURCES: (ServerPermission.RESOURCES,)}
"""The permissions on the server that do as well as one on the account."""


def _asked(input: AccessCheckInput) -> acts.Asked:
    target = input.target
    if parsed(input.ip_address) is None:
        raise FieldRefused(BAD_USER_INPUT, "This is not an address.")
    if isinstance(target.account, AccountAccessInput):
        key, name = _key(target.account.id, "Account"), target.account.name or None
        permission: Permission = target.account.permission
        what = {"account": acts.account_of(key, name)}
        requirement = Requirement(account=(target.account.permission,), server=ON_SERVER.get(permission, ()))
    else:
        assert isinstance(target.server, ServerAccessInput)  # noqa: S101 - exactly one is given
        key, name = _key(target.server.id, "Server"), target.server.name or None
        permission = target.server.permission
        what = {"server": acts.server_of(key, name)}
        requirement = Requirement(server=(target.server.permission,))
    if (key is None) is (name is None):
        raise FieldRefused(BAD_USER_INPUT, "Give an id or a name.")
    return acts.Asked(requirement, permission, writes=input.writes, charged=input.charged, **what)


def _key(text: object, kind: str) -> UUID | None:
    if not isinstance(text, str):
        return None
    found = read_global_id(text)
    if found is None or found[0] != kind:
        raise FieldRefused(BAD_USER_INPUT, "This is not an id.")
    return found[1]


async def access_check(self: object, info: Info, input: AccessCheckInput) -> AccessDecision:
    """TOK-5. The decision that this service would take itself."""
    context = info.context
    access = await acts.check(context, secret=input.token, ip_address=input.ip_address, asked=_asked(input))
    denial = access.denial
    known = denial is None or denial.reason not in (DenialReason.UNAUTHENTICATED, DenialReason.IP_NOT_ALLOWED)
    return AccessDecision(
        allowed=denial is None,
        authenticated=known,
        reason=denial.reason if denial and denial.reason is not DenialReason.UNAUTHENTICATED else None,
        missing=denial.missing.value if denial and denial.missing else None,
        message=say(context.locale, ANSWERS[denial.reason][1], missing=denial.missing) if denial else None,
        profile_id=strawberry.ID(global_id("Profile", access.profile_id)) if access.profile_id else None,
    )


@strawberry.type
class AccessQuery:
    access_check: AccessDecision | None = strawberry.field(
        resolver=access_check,
        directives=[ACCESS_CHECK],
        description="Whether the holder of a token may do something on an account or a server, and why not.",
    )
