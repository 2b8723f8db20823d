"""Section 14. Approvals by a second member of the staff: asked for, granted and carried out at once, or refused."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select
from sqlmodel import select as select_rows

from models.approval import Approval, ApprovalStatus, Dangerous, OneAtATime, Wish, ask
from models.column import Instant, table
from models.context import Context
from models.db import Write
from models.profile import Profile
from models.refusal import NotFound
from models.staff import StaffMember
from resolvers.desk import acting, customer

APPROVALS, MEMBERS, PROFILES = table(Approval), table(StaffMember), table(Profile)
KEY: Any = bindparam("key")
WHOSE = select(APPROVALS.c.owner_id, APPROVALS.c.role).where(APPROVALS.c.id == KEY)
ASKED = select_rows(Approval).where(APPROVALS.c.id == KEY)
WAITING = select(APPROVALS.c.id).where(
    APPROVALS.c.subject_id == bindparam("subject_id"),
    APPROVALS.c.status == ApprovalStatus.PENDING,
    APPROVALS.c.expires_at > bindparam("real_now", type_=Instant()),
)
ASKER = select(MEMBERS.c.id).where(MEMBERS.c.profile_id == bindparam("asker"), MEMBERS.c.role == bindparam("role"))
Act = Callable[[Context, Write, Profile, Approval], Awaitable[None]]
ACTS: dict[Dangerous, Act] = {}
"""What each is carried out by: each noun adds its own."""


def carries_out(what: Dangerous) -> Callable[[Act], Act]:
    """Says of a function that it carries this out, in the transaction of the approval, on the locked profile."""

    def said(act: Act) -> Act:
        ACTS[what] = act
        return act

    return said


async def request(context: Context, write: Write, profile: Profile, wish: Wish) -> UUID:
    """Section 14. Ask for something that concerns a locked profile. Raises OneAtATime."""
    if await write.rows(WAITING, {"subject_id": wish.subject_id, "real_now": write.real_now}):
        raise OneAtATime
    asked = ask(write.record, profile, context.viewer.key, wish, context.figures.approval_lifetime)
    write.add(asked)
    return asked.id


async def grant(context: Context, *, key: UUID) -> None:
    """Section 14. Approve what another member asked for: it is done in the same transaction, or nothing is.

    Locks the profile, then the approval, then what the act locks.
    """
    async with acting(context) as write:
        profile, asked = await _found(context, write, key)
        may = await write.rows(ASKER, {"asker": asked.asked_by, "role": asked.role})
        asked.grant(write.record, profile, context.viewer.key, asker_may=bool(may))
        await ACTS[asked.what](context, write, profile, asked)


async def refuse(context: Context, *, key: UUID) -> None:
    """Section 14. Say no to what another member asked for."""
    async with acting(context) as write:
        profile, asked = await _found(context, write, key, gives=False)
        asked.refuse(write.record, profile, context.viewer.key)


async def _found(context: Context, write: Write, key: UUID, *, gives: bool = True) -> tuple[Profile, Approval]:
    """The customer and the request, locked; one for another role is not found."""
    whose = await write.rows(WHOSE, {"key": key})
    if not whose or whose[0].role not in context.viewer.roles:
        raise NotFound().at("approval_id")
    profile = await customer(context, write, whose[0].owner_id, gives=gives, path="approval_id")
    asked = await write.lock_one(ASKED, {"key": key})
    if asked is None:
        raise NotFound().at("approval_id")
    return profile, asked


async def waiting(context: Context, most: int) -> Sequence[Row[Any]]:
    """Section 14. What waits for somebody with a role of the caller's, what ends first before the rest."""
    agents = PROFILES.alias("agents")
    return await context.db.rows(
        select(APPROVALS, PROFILES.c.email, agents.c.first_name.label("agent"))
        .join_from(APPROVALS, PROFILES, PROFILES.c.id == APPROVALS.c.owner_id)
        .join(agents, agents.c.id == APPROVALS.c.asked_by, isouter=True)
        .where(
            APPROVALS.c.status == ApprovalStatus.PENDING,
            APPROVALS.c.expires_at > context.clock.now(),
            APPROVALS.c.role.in_(sorted(context.viewer.roles)),
        )
        .order_by(APPROVALS.c.expires_at, APPROVALS.c.id)
        .limit(most)
    )
