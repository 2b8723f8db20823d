"""Section 14. People of the staff: recognised when they call, and kept by operators."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select
from sqlmodel import select as select_rows

from models.column import normalised_email, table
from models.db import Db, Write
from models.profile import Profile
from models.refusal import NotFound
from models.staff import Lack, NoRole, NotAtDesk, RoleThere, StaffMember, StaffRole, give_role, take_role
from models.viewer import Viewer

MEMBERS, PROFILES = table(StaffMember), table(Profile)


async def at_desk(db: Db, viewer: Viewer) -> Viewer:
    """Section 14. The holder of a session with the roles that count now; raises NotAtDesk.

    An address that is not confirmed, or a profile that is suspended, has none.
    """
    rows = await db.rows(
        select(MEMBERS.c.role, PROFILES.c.first_name)
        .join_from(MEMBERS, PROFILES, PROFILES.c.id == MEMBERS.c.profile_id)
        .where(MEMBERS.c.profile_id == viewer.profile_id)
    )
    if not rows or not viewer.interactive or not viewer.email_verified or viewer.suspended:
        raise NotAtDesk(Lack.ROLE)
    if not viewer.two_factor:
        raise NotAtDesk(Lack.TWO_FACTOR)
    return replace(viewer, roles=frozenset(row.role for row in rows), agent=rows[0].first_name)


# For operators


async def add(db: Db, email: str, roles: Sequence[StaffRole]) -> None:
    """Give a profile these roles. Raises NotFound, and RoleThere where it has one of them."""
    async with db.write() as write:
        profile = await _profile(write, email)
        held = await _held(write, profile.id)
        for role in dict.fromkeys(roles):
            if role in held:
                raise RoleThere
            write.add(give_role(write.record, profile, role))


async def remove(db: Db, email: str, roles: Sequence[StaffRole]) -> None:
    """Take these roles back, or all where none is named. Raises NotFound and NoRole."""
    async with db.write() as write:
        profile = await _profile(write, email)
        held = await _held(write, profile.id)
        gone = list(dict.fromkeys(roles)) or sorted(held)
        if not gone or not held.issuperset(gone):
            raise NoRole
        for role in gone:
            take_role(write.record, profile, role)
        await write.run(delete(MEMBERS).where(MEMBERS.c.profile_id == profile.id, MEMBERS.c.role.in_(gone)))


async def listed(db: Db) -> Sequence[Row[Any]]:
    """Everybody of the staff, with each role."""
    return await db.rows(
        select(PROFILES.c.email, PROFILES.c.two_factor_since, MEMBERS.c.role, MEMBERS.c.since)
        .join_from(MEMBERS, PROFILES, PROFILES.c.id == MEMBERS.c.profile_id)
        .order_by(PROFILES.c.email, MEMBERS.c.role)
    )


async def _profile(write: Write, email: str) -> Profile:
    found = await write.lock_one(
        select_rows(Profile).where(
            PROFILES.c.email == normalised_email(email),
            PROFILES.c.deleted_at.is_(None),
            PROFILES.c.email_verified_at.is_not(None),
        )
    )
    if found is None:
        raise NotFound
    return found


async def _held(write: Write, profile_id: UUID) -> set[StaffRole]:
    rows = await write.rows(select(MEMBERS.c.role).where(MEMBERS.c.profile_id == profile_id))
    return {row.role for row in rows}
