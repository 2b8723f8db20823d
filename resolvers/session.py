"""Signing in and out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, Update, bindparam, or_, select, update
from sqlalchemy import delete as delete_rows
from sqlmodel import select as select_rows

from models.activity import ActivityChannel, Author
from models.attempt import AttemptKind
from models.challenge import Asked, Challenge, ask
from models.column import table
from models.context import Context
from models.db import Db, Write
from models.network import AddressNotAllowed, allowed
from models.profile import Locale, Profile
from models.refusal import NotFound
from models.secret import fingerprint
from models.session import (
    InvalidCredentials,
    Lifetimes,
    OneOrAllOthers,
    Opened,
    Session,
    SessionMethod,
    SessionTransport,
    close_others,
    open_session,
    surplus,
)
from models.setting import Figures
from models.viewer import ANYBODY, Viewer
from models.visible import REAL_NOW
from resolvers import alert, attempt
from resolvers.attempt import give_back, remember, take_at
from resolvers.find import find, writing
from resolvers.right import holding, received, told, with_rights

PROFILES = table(Profile)
SESSIONS = table(Session)
CHALLENGES = table(Challenge)
RESUMED = (
    select(
        SESSIONS.c.id,
        SESSIONS.c.profile_id,
        SESSIONS.c.method,
        SESSIONS.c.two_factor_at,
        SESSIONS.c.last_seen_at,
        PROFILES.c.locale,
        PROFILES.c.ip_allowlist,
        PROFILES.c.email_verified_at,
        PROFILES.c.two_factor_since,
        PROFILES.c.suspended_at,
        received(SESSIONS.c.profile_id).label("received"),
    )
    .join(PROFILES, PROFILES.c.id == SESSIONS.c.profile_id)
    .where(
        SESSIONS.c.secret_hash == bindparam("secret_hash"),
        SESSIONS.c.ended_at.is_(None),
        SESSIONS.c.access_expires_at > bindparam("now"),
    )
)
"""Whoever calls with a secret, with all that they received: built once, since every request asks it."""


class Found(NamedTuple):
    """A row of `RESUMED`."""

    id: UUID
    profile_id: UUID
    method: SessionMethod
    two_factor_at: datetime | None
    last_seen_at: datetime
    locale: Locale
    ip_allowlist: list[str]
    email_verified_at: datetime | None
    two_factor_since: datetime | None
    suspended_at: datetime | None
    received: list[list[Any]] | None


async def create(context: Context, *, email: str, password: str, transport: SessionTransport) -> Opened | Asked:
    """PRO-4, PRO-8. Sign in, or ask for the second factor. InvalidCredentials costs the same whoever is asked for."""
    context.guess()
    taken = await take_at(context, AttemptKind.SIGN_IN, email)
    known = select(PROFILES.c.id, PROFILES.c.password_hash, PROFILES.c.ip_allowlist).where(PROFILES.c.email == email)
    profile = await context.db.first(known)
    await context.db.release()
    if not await context.passwords.matches(password, profile.password_hash if profile else None) or profile is None:
        raise InvalidCredentials
    # A second hash would tell somebody elsewhere that the password is right.
    at_home = allowed(profile.ip_allowlist, context.viewer.ip_address)
    outdated = at_home and context.passwords.outdated(profile.password_hash)
    rehashed = await context.passwords.hash(password) if outdated else profile.password_hash
    async with writing(context) as write:
        current = await write.lock_one(
            select_rows(Profile).where(PROFILES.c.id == profile.id, PROFILES.c.email == email)
        )
        if current is None or current.password_hash != profile.password_hash:
            raise InvalidCredentials
        # Not told apart from a wrong password: it would say to somebody elsewhere that this one is right.
        if not allowed(current.ip_allowlist, context.viewer.ip_address):
            raise InvalidCredentials
        current.password_hash = rehashed
        if current.two_factor_since is not None:
            return _challenge(context, write, current, transport)
        await give_back(context, write, *taken)
        opened = await open_for(context, write, current, transport, two_factor=False)
    await enter(context, opened, current)
    return opened


async def delete(context: Context, *, session_id: UUID | None, all_others: bool) -> list[UUID]:
    """PRO-8. End one session, all but the current one, or the current one; answers which."""
    if session_id is not None and all_others:
        raise OneOrAllOthers().at("all_others")
    async with writing(context) as write:
        if all_others:
            profile = await find(context, write, Profile, context.viewer.key)
            ended = close_others(profile, await live(write, profile.id), context.viewer.session_id, write.record)
        else:
            ended = [await _end(context, write, session_id or context.viewer.session_key)]
    context.ended += ended
    if context.viewer.session_id in ended:
        viewer = context.viewer
        context.become(replace(ANYBODY, ip_address=viewer.ip_address, user_agent=viewer.user_agent))
    return ended


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request comes from."""

    ip_address: str
    user_agent: str | None
    acts: bool = True
    """Not only listens: to be told something makes no session last longer."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """Who calls, and in which language they read."""

    viewer: Viewer
    locale: Locale
    renewed: bool
    """Its last use was written, and with it, for a cookie session, a later end."""


def _challenge(context: Context, write: Write, profile: Profile, transport: SessionTransport) -> Asked:
    # Whoever asks knows the password and no more: it is the service that acts, for an address.
    write.record.author = Author(ip_address=context.viewer.ip_address)
    asked = ask(write.record, profile, transport=transport, lifetime=context.figures.challenge_lifetime)
    write.add(asked.challenge)
    return asked


async def open_for(
    context: Context, write: Write, profile: Profile, transport: SessionTransport, *, two_factor: bool
) -> Opened:
    """PRO-8. A new session of a locked profile; where it has too many, the one unused for longest ends."""
    figures, viewer = context.figures, context.viewer
    write.record.author = Author(ActivityChannel.SESSION, profile.id, None, viewer.ip_address)
    for session in surplus(await live(write, profile.id), figures.sessions_per_profile):
        session.end(write.record)
    opened = open_session(
        write.record,
        profile_id=profile.id,
        transport=transport,
        lifetimes=Lifetimes(figures.session_lifetime, figures.access_token_lifetime, figures.refresh_token_lifetime),
        ip_address=viewer.ip_address,
        user_agent=viewer.user_agent,
    )
    if two_factor:
        opened.session.two_factor_at = write.real_now
    write.add(opened.session)
    await remember(write, profile, viewer.ip_address)
    await alert.signed_in(figures, write, profile)
    return opened


async def enter(context: Context, opened: Opened, profile: Profile) -> None:
    """Go on as whoever signed in, whoever called."""
    context.opened = opened
    viewer = Viewer(
        profile_id=opened.session.profile_id,
        session_id=opened.session.id,
        interactive=True,
        two_factor=opened.session.two_factor_at is not None,
        email_verified=profile.email_verified_at is not None,
        suspended=profile.suspended_at is not None,
        ip_address=context.viewer.ip_address,
        user_agent=context.viewer.user_agent,
    )
    context.become(await with_rights(context.db, viewer))


async def _end(context: Context, write: Write, key: UUID) -> UUID:
    session = await find(context, write, Session, key, "session_id")
    if session.ended_at is not None:
        raise NotFound().at("session_id")
    session.end(write.record)
    return session.id


async def live(write: Write, profile_id: UUID) -> Sequence[Session]:
    """The open sessions of a profile, locked in a fixed order."""
    live = select_rows(Session).where(
        SESSIONS.c.profile_id == profile_id,
        SESSIONS.c.ended_at.is_(None),
        SESSIONS.c.expires_at > write.real_now,
    )
    return await write.lock(live.order_by(SESSIONS.c.id))


def of_profile() -> Select[Any]:
    """PRO-8. The open sessions of a profile, the one used last first."""
    live = select(SESSIONS.c.profile_id).where(SESSIONS.c.ended_at.is_(None), SESSIONS.c.expires_at > REAL_NOW)
    return live.order_by(SESSIONS.c.last_seen_at.desc(), SESSIONS.c.id)


async def resume(db: Db, figures: Figures, secret: str, caller: Caller) -> Resumed | None:
    """PRO-8. Whoever calls with this secret, in one statement; None when it opens no session, or not any more.

    Raises AddressNotAllowed.
    """
    now = db.database.clock.now()
    rows = await db.read(db.database.prepared(RESUMED), {"secret_hash": fingerprint(secret), "now": now})
    if not rows:
        return None
    found = Found(*rows[0])
    if not allowed(found.ip_allowlist, caller.ip_address):
        raise AddressNotAllowed
    viewer = Viewer(
        profile_id=found.profile_id,
        session_id=found.id,
        interactive=True,
        two_factor=found.two_factor_at is not None and found.two_factor_since is not None,
        ip_address=caller.ip_address,
        user_agent=caller.user_agent,
        email_verified=found.email_verified_at is not None,
        suspended=found.suspended_at is not None,
    )
    if found.received:
        viewer = holding(viewer, told(found.received))
    renewed = caller.acts and now - found.last_seen_at >= figures.session_seen_interval
    if renewed:
        await db.note(_seen(found.id, found.method, now, figures))
    return Resumed(viewer, found.locale, renewed)


async def purge(db: Db, figures: Figures) -> None:
    """Delete sessions that ended or expired long enough ago, challenges that did, and limits that are whole again."""
    before = db.database.clock.now() - figures.session_retention
    await db.note(delete_rows(SESSIONS).where(or_(SESSIONS.c.ended_at < before, SESSIONS.c.expires_at < before)))
    await db.note(delete_rows(CHALLENGES).where(CHALLENGES.c.expires_at <= db.database.clock.now()))
    await attempt.purge(db, figures)


def _seen(key: UUID, method: SessionMethod, now: datetime, figures: Figures) -> Update:
    """A cookie session lasts as long again from each use; a bearer one from each refresh."""
    values: dict[str, datetime] = {"last_seen_at": now}
    if method is SessionMethod.COOKIE:
        values |= {"expires_at": now + figures.session_lifetime, "access_expires_at": now + figures.session_lifetime}
    return update(SESSIONS).where(SESSIONS.c.id == key, SESSIONS.c.ended_at.is_(None)).values(**values)
