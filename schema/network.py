"""From where a profile may be used."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from models.refusal import Code
from resolvers import network as acts
from schema.directive import authorize
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.scalar import IPNetwork

if TYPE_CHECKING:
    from schema.security import Security


@strawberry.input(description="Arguments of ipAllowlistUpdate.")
class IpAllowlistUpdateInput:
    networks: list[IPNetwork] = strawberry.field(description="Networks, at most 50; empty for no filter.")
    allow_self_lockout: bool = strawberry.field(default=False, description="Save even if it locks the caller out.")


@strawberry.type(description="Result of ipAllowlistUpdate.")
class IpAllowlistUpdatePayload(MutationPayload):
    security: Annotated["Security", strawberry.lazy("schema.security")] | None = refetched(
        "security", "Security settings."
    )


@strawberry.type
class NetworkMutation:
    @mutation(
        IpAllowlistUpdatePayload,
        authorize(interactive=True),
        fails=[Code.SELF_LOCKOUT],
        description="Replace the networks allowed to log in.",
        suspended=True,
    )
    async def ip_allowlist_update(self, info: Info, input: IpAllowlistUpdateInput) -> IpAllowlistUpdatePayload | None:
        key = await acts.update(info.context, networks=input.networks, allow_self_lockout=input.allow_self_lockout)
        return IpAllowlistUpdatePayload.of(security=key)
