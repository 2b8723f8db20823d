"""From where a profile may be used."""

from collections.abc import Sequence
from uuid import UUID

from models.context import Context
from models.network import restrict
from models.profile import Profile
from models.refusal import Refusal
from resolvers.find import find, writing


async def update(context: Context, *, networks: Sequence[str], allow_self_lockout: bool) -> UUID:
    """PRO-6. Replace the networks that the caller's profile may be used from; answers the profile's key."""
    async with writing(context) as write:
        profile = await find(context, write, Profile, context.viewer.key)
        try:
            restrict(
                profile,
                write.record,
                networks,
                address=context.viewer.ip_address,
                confirmed=allow_self_lockout,
                most=context.figures.networks_per_allowlist,
            )
        except Refusal as refusal:
            raise refusal.at("networks") from None
    return profile.id
