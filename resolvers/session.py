"""Signing in and out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Update, bindparam, or_, select, update
from sqlalchemy import delete as delete_rows
from sqlmodel import select as select_rows

from models.activity import ActivityChannel
from models.column import table
from models.context import Context
from models.db import Db, Write
from models.permission import ANYBODY, Viewer
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
from resolvers.find import find, writing

PROFILES = table(Profile)
SESSIONS = table(Session)
RESUMED = (
    select(
        SESSIONS.c.id,
        SESSIONS.c.profile_id,
        SESSIONS.c.method,
        SESSIONS.c.two_factor_at,
        SESSIONS.c.last_seen_at,
        PROFILES.c.locale,
    )
    .join(PROFILES, PROFILES.c.id == SESSIONS.c.profile_id)
    .where(
        SESSIONS.c.secret_hash == bindparam("secret_hash"),
        SESSIONS.c.ended_at.is_(None),
        SESSIONS.c.access_expires_at > bindparam("now"),
    )
)
"""Whoever calls with a secret: built once, since every request asks it."""


async def create(context: Context, *, email: str, password: str, transport: SessionTransport) -> Opened:
    """PRO-4, PRO-8. Sign in; InvalidCredentials comes at the same cost whether or not the address is known."""
    context.guess()
    known = select(PROFILES.c.id, PROFILES.c.password_hash).where(PROFILES.c.email == email)
    profile = await context.db.first(known)
    await context.db.release()
    if not await context.passwords.matches(password, profile.password_hash if profile else None) or profile is None:
        raise InvalidCredentials
    outdated = context.passwords.outdated(profile.password_hash)
    rehashed = await context.passwords.hash(password) if outdated else profile.password_hash
    async with writing(context) as write:
        current = await write.lock_one(select_rows(Profile).where(PROFILES.c.id == profile.id))
        if current is None or current.password_hash != profile.password_hash:
            raise InvalidCredentials
        current.password_hash = rehashed
        opened = await _open(context, write, current, transport)
    context.opened = opened
    context.become(
        replace(context.viewer, profile_id=opened.session.profile_id, session_id=opened.session.id, interactive=True)
    )
    return opened


async def delete(context: Context, *, session_id: UUID | None, all_others: bool) -> list[UUID]:
    """PRO-8. End one session, all but the current one, or the current one; answers which."""
    if session_id is not None and all_others:
        raise OneOrAllOthers().at("all_others")
    async with writing(context) as write:
        if all_others:
            profile = await find(context, write, Profile, context.viewer.key)
            ended = close_others(profile, await _live(write, profile.id), context.viewer.session_id, write.record)
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


@dataclass(frozen=True, slots=True)
class Resumed:
    """Who calls, and in which language they read."""

    viewer: Viewer
    locale: Locale
    renewed: bool
    """Its last use was written, and with it, for a cookie session, a later end."""


async def _open(context: Context, write: Write, profile: Profile, transport: SessionTransport) -> Opened:
    figures, viewer = context.figures, context.viewer
    write.record.author = replace(
        write.record.author, channel=ActivityChannel.SESSION, actor_id=profile.id, session_id=None
    )
    for session in surplus(await _live(write, profile.id), figures.sessions_per_profile):
        session.end(write.record)
    opened = open_session(
        write.record,
        profile_id=profile.id,
        transport=transport,
        lifetimes=Lifetimes(figures.session_lifetime, figures.access_token_lifetime, figures.refresh_token_lifetime),
        ip_address=viewer.ip_address,
        user_agent=viewer.user_agent,
    )
    write.add(opened.session)
    return opened


async def _end(context: Context, write: Write, key: UUID) -> UUID:
    session = await find(context, write, Session, key, "session_id")
    if session.ended_at is not None:
        raise NotFound().at("session_id")
    session.end(write.record)
    return session.id


async def _live(write: Write, profile_id: UUID) -> Sequence[Session]:
    """The open sessions of a profile, locked in a fixed order."""
    live = select_rows(Session).where(
        SESSIONS.c.profile_id == profile_id,
        SESSIONS.c.ended_at.is_(None),
        SESSIONS.c.expires_at > write.real_now,
    )
    return await write.lock(live.order_by(SESSIONS.c.id))


async def resume(db: Db, figures: Figures, secret: str, caller: Caller) -> Resumed | None:
    """PRO-8. Whoever calls with this secret, in one statement; None when it opens no session, or not any more."""
    now = db.database.clock.now()
    found = await db.first(RESUMED, {"secret_hash": fingerprint(secret), "now": now})
    if found is None:
        return None
    viewer = Viewer(
        profile_id=found.profile_id,
        session_id=found.id,
        interactive=True,
        two_factor=found.two_factor_at is not None,
        ip_address=caller.ip_address,
        user_agent=caller.user_agent,
    )
    renewed = now - found.last_seen_at >= figures.session_seen_interval
    if renewed:
        await db.note(_seen(found.id, found.method, now, figures))
    return Resumed(viewer, found.locale, renewed)


async def purge(db: Db, figures: Figures) -> None:
    """Delete sessions that ended or expired long enough ago."""
    before = db.database.clock.now() - figures.session_retention
    await db.note(delete_rows(SESSIONS).where(or_(SESSIONS.c.ended_at < before, SESSIONS.c.expires_at < before)))


def _seen(key: UUID, method: SessionMethod, now: datetime, figures: Figures) -> Update:
    """A cookie session lasts as long again from each use; a bearer one from each refresh."""
    values: dict[str, datetime] = {"last_seen_at": now}
    if method is SessionMethod.COOKIE:
        values |= {"expires_at": now + figures.session_lifetime, "access_expires_at": now + figures.session_lifetime}
    return update(SESSIONS).where(SESSIONS.c.id == key, SESSIONS.c.ended_at.is_(None)).values(**values)
