"""PRO-7. Lost access: asked for by anybody, answered by the worker, taken through its steps by the staff's desk."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, insert, select, tuple_, update
from sqlmodel import select as select_rows

from models import two_factor as factor_rules
from models.access_recovery import ASKED, AccessRecovery, LostAccess, RecoveryStatus, RecoveryStep, WhoseUnknown, told
from models.activity import Author
from models.approval import Approval, Dangerous, Wish
from models.attempt import AttemptKind
from models.column import new_id, normalised_email, table
from models.context import Context
from models.db import Database, Db, Write
from models.network import restrict
from models.profile import Profile
from models.refusal import NotFound
from models.session import close_others
from models.setting import Figures
from models.staff import StaffRole
from resolvers import approval, email, two_factor
from resolvers.approval import carries_out
from resolvers.attempt import take_at
from resolvers.desk import PROFILE, acting, customer
from resolvers.session import live

CASES, PROFILES = table(AccessRecovery), table(Profile)
KEY: Any = bindparam("key")
CASE = select_rows(AccessRecovery).where(CASES.c.id == KEY)
WHOSE = select(CASES.c.owner_id).where(CASES.c.id == KEY)
SHOWN = select(
    CASES,
    PROFILES.c.email,
    PROFILES.c.kind,
    PROFILES.c.phone,
    PROFILES.c.organization_name,
    PROFILES.c.first_name,
    PROFILES.c.last_name,
).join_from(CASES, PROFILES, PROFILES.c.id == CASES.c.owner_id, isouter=True)


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wrote who lost their access."""

    address: str
    lost: LostAccess
    contact: str
    message: str


async def request(context: Context, *, asked: Request) -> None:
    """PRO-7. Open a case: whose it is, is looked up once this was answered, so that its time tells nothing."""
    context.guess()
    await take_at(context, AttemptKind.RECOVERY, normalised_email(asked.address))
    values = {
        "id": new_id(),
        "address": asked.address,
        "lost": asked.lost,
        "contact": asked.contact,
        "message": asked.message,
        "ip_address": context.viewer.ip_address,
        "asked_at": context.clock.now(),
        "status": RecoveryStatus.OPEN,
        "code_guesses": 0,
    }
    await context.db.note(insert(CASES).values(values))
    context.db.database.queued.set()


async def look_up(db: Db) -> None:
    """PRO-7. Find out whose the new cases are, in the order of asking, and tell them."""
    unseen = select(CASES).where(CASES.c.looked_up_at.is_(None)).order_by(CASES.c.id).limit(1)
    while found := await db.first(unseen):
        has_it = PROFILES.c.email == normalised_email(found.address), PROFILES.c.invited_at.is_(None)
        known = await db.first(select(PROFILES.c.id).where(*has_it, PROFILES.c.deleted_at.is_(None)))
        await db.release()  # What it holds would not see that this one is answered.
        if known is None:
            seen = {"looked_up_at": db.database.clock.now()}
            await db.note(update(CASES).where(CASES.c.id == found.id).values(seen))
        else:
            with suppress(_Answered):
                await _tell(db.database, found, known.id)


class _Answered(Exception):
    """Another worker was quicker: the next look tells."""


async def _tell(database: Database, found: Row[Any], owner_id: UUID) -> None:
    # Whoever asks has proved nothing about who they are: it is the service that acts, for an address.
    async with Db(database, Author(ip_address=found.ip_address)) as db, db.write() as write:
        profile = await write.lock_one(PROFILE, {"owner_id": owner_id})
        case = await write.lock_one(CASE, {"key": found.id})
        if profile is None or case is None or case.looked_up_at is not None or case.owner_id is not None:
            raise _Answered
        case.looked_up_at, case.owner_id = write.real_now, profile.id
        write.record.happened(ASKED, profile, **told(ASKED, case.lost))


# The desk


async def concern(context: Context, *, key: UUID, profile_id: UUID) -> UUID:
    """PRO-7. Say which profile a case is about whose address is nobody's."""
    async with acting(context) as write:
        profile = await customer(context, write, profile_id)
        case = await _locked(write, key)
        if case.looked_up_at is None:  # The worker is to say whose it is, if it is anybody's.
            raise NotFound().at("recovery_id")
        case.concerns(write.record, profile)
    return key


async def note(context: Context, *, key: UUID, step: RecoveryStep) -> UUID:
    """PRO-7. Note that a call or documents showed who asks."""
    async with acting(context) as write:
        case, profile = await _case(context, write, key)
        case.note(write.record, profile, step)
    return key


async def send_code(context: Context, *, key: UUID) -> UUID:
    """PRO-7. Mail a random code to the profile."""
    async with acting(context) as write:
        case, profile = await _case(context, write, key)
        case.send_code(write.record, profile, context.figures.recovery_code_lifetime)
    return key


async def check_code(context: Context, *, key: UUID, code: str) -> bool:
    """PRO-7. Whether this is the code; a wrong one is committed, since it counts."""
    async with acting(context) as write:
        case, profile = await _case(context, write, key)
        guesses = context.figures.recovery_code_guesses
        return case.check_code(write.record, profile, code, key=context.key, guesses=guesses)


async def ask_change(context: Context, *, key: UUID, address: str | None) -> UUID:
    """PRO-7. Ask a second member of the staff for the change that a verified request lets be made."""
    async with acting(context) as write:
        case, profile = await _case(context, write, key)
        what, arguments = case.remedy(address)
        wish = Wish(what, StaffRole.SUPPORT, case.id, arguments)
        return await approval.request(context, write, profile, wish)


async def close(context: Context, *, key: UUID) -> UUID:
    """PRO-7. Nothing comes of it."""
    async with acting(context) as write:
        whose = await write.rows(WHOSE, {"key": key})
        known = whose[0].owner_id if whose else None
        profile = await customer(context, write, known, gives=False, path="recovery_id") if known else None
        member = profile or await write.lock_one(PROFILE, {"owner_id": context.viewer.key})
        case = await _locked(write, key)
        if member is None or case.owner_id != known:
            raise NotFound().at("recovery_id")
        case.close(write.record, profile, member)
    return key


async def _case(context: Context, write: Write, key: UUID) -> tuple[AccessRecovery, Profile]:
    """The case and its profile, both locked, the profile first. Raises WhoseUnknown and OwnProfile."""
    whose = await write.rows(WHOSE, {"key": key})
    if not whose:
        raise NotFound().at("recovery_id")
    if whose[0].owner_id is None:
        raise WhoseUnknown
    profile = await customer(context, write, whose[0].owner_id, path="recovery_id")
    case = await _locked(write, key)
    if case.owner_id != profile.id:
        raise NotFound().at("recovery_id")
    return case, profile


async def _locked(write: Write, key: UUID) -> AccessRecovery:
    case = await write.lock_one(CASE, {"key": key})
    if case is None:
        raise NotFound().at("recovery_id")
    return case


# What is carried out with the approval


@carries_out(Dangerous.EMAIL_CHANGE)
async def change_email(context: Context, write: Write, profile: Profile, asked: Approval) -> None:
    """PRO-3, PRO-7. A link to the new address, which counts once it is followed; the old one is told then."""
    await _finish(context, write, profile, asked)
    await email.offer(context, write, profile, asked.arguments["address"])


@carries_out(Dangerous.TWO_FACTOR_OFF)
async def turn_two_factor_off(context: Context, write: Write, profile: Profile, asked: Approval) -> None:
    """PRO-5, PRO-7. Sign-ins are asked for the password alone, until it is set up anew; tokens end."""
    if profile.two_factor_since is None:
        raise factor_rules.NotOn
    await _finish(context, write, profile, asked)
    factor_rules.turn_off(profile, write.record)
    await two_factor.forget(write, profile.id)


@carries_out(Dangerous.IP_ALLOWLIST_CLEAR)
async def clear_networks(context: Context, write: Write, profile: Profile, asked: Approval) -> None:
    """PRO-6, PRO-7. The profile may be used from anywhere."""
    await _finish(context, write, profile, asked)
    restrict(profile, write.record, [], address="", confirmed=True, most=1)


async def _finish(context: Context, write: Write, profile: Profile, asked: Approval) -> None:
    """The case is done; whoever is signed in has to sign in again."""
    case = await _locked(write, asked.subject_id)
    case.finish(write.record)
    close_others(profile, await live(write, profile.id), None, write.record)


# Reading


async def shown(context: Context, key: UUID) -> Row[Any] | None:
    """PRO-7. A case with the profile that it is about."""
    return await context.db.first(SHOWN.where(CASES.c.id == key))


async def listed(
    context: Context, status: RecoveryStatus, after: tuple[datetime, UUID] | None, most: int
) -> Sequence[Row[Any]]:
    """PRO-7. Cases in one state, the oldest first."""
    found = SHOWN.where(CASES.c.status == status)
    if after is not None:
        found = found.where(tuple_(CASES.c.asked_at, CASES.c.id) > tuple_(*after))
    return await context.db.rows(found.order_by(CASES.c.asked_at, CASES.c.id).limit(most))


async def purge(db: Db, figures: Figures) -> None:
    """PRO-7. Delete cases that are old enough, whatever came of them: they are full of what people wrote."""
    before = db.database.clock.now() - figures.access_recovery_retention
    await db.note(delete(CASES).where(CASES.c.asked_at < before))
