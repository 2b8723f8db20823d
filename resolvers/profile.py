"""Profiles: what they lead to, and how they are changed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from models.context import Context
from models.profile import Profile
from resolvers.find import find, writing


async def update(context: Context, *, changes: Mapping[str, Any]) -> UUID:
    """PRO-3. Change the caller's profile; answers its key."""
    async with writing(context) as write:
        profile = await find(context, write, Profile, context.viewer.key)
        profile.update(write.record, changes)
    return profile.id
