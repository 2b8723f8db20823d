"""Section 14. The write transaction of whoever acts at the staff's desk."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import select as select_rows

from models.column import table
from models.context import Context
from models.db import Write
from models.locking import locking
from models.profile import Profile
from models.refusal import NotFound
from models.session import SessionEnded
from models.staff import StaffMember, refuse_own
from resolvers.find import writing

MEMBERS, PROFILES = table(StaffMember), table(Profile)
HELD = select(MEMBERS.c.role).where(MEMBERS.c.profile_id == bindparam("profile_id"))
PROFILE = locking(select_rows(Profile).where(PROFILES.c.id == bindparam("owner_id")))


@asynccontextmanager
async def acting(context: Context) -> AsyncIterator[Write]:
    """A write transaction of a service, or of a person of the staff who still has each role that they came with.

    Raises SessionEnded where a role was taken back meanwhile.
    """
    async with writing(context) as write:
        viewer = context.viewer
        if viewer.roles:
            held = {row.role for row in await write.rows(HELD, {"profile_id": viewer.profile_id})}
            if not viewer.roles <= held:
                raise SessionEnded
        yield write


async def customer(
    context: Context, write: Write, key: UUID, *, gives: bool = True, path: str = "profile_id"
) -> Profile:
    """Section 14. The profile that somebody of the staff acts on, locked. Raises NotFound and OwnProfile."""
    profile = await write.lock_one(PROFILE, {"owner_id": key})
    if profile is None or profile.deleted_at is not None:
        raise NotFound().at(path)
    refuse_own(context.viewer, key, gives=gives)
    return profile
