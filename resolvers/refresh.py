"""Renewing bearer sessions."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import delete as delete_rows
from sqlalchemy import select
from sqlmodel import select as select_rows

from models.activity import ActivityChannel, Author
from models.column import table
from models.context import Context
from models.db import Db, Write
from models.network import AddressNotAllowed, allowed
from models.profile import Profile
from models.refresh import RefreshExpired, RefreshToken, revoke_family, rotate
from models.secret import SecretKind, fingerprint, is_well_formed
from models.session import Opened, Session
from models.setting import Figures
from models.viewer import ANYBODY, Viewer
from resolvers.right import with_rights

PROFILES = table(Profile)
SESSIONS = table(Session)
USED = table(RefreshToken)


async def refresh(context: Context, *, refresh_token: str) -> Opened:
    """PRO-8. New secrets for a bearer session; a refresh token that was used before ends its session instead."""
    context.guess()
    if not is_well_formed(refresh_token, SecretKind.REFRESH):
        raise RefreshExpired
    mark = fingerprint(refresh_token)
    async with context.db.write() as write:
        session = await write.lock_one(select_rows(Session).where(SESSIONS.c.refresh_hash == mark))
        renewed = await _renew(context, write, session) if session else None
        revoked = None if renewed else await _revoke(context, write, mark)
    if renewed is None:
        _forget(context, revoked)
        raise RefreshExpired
    opened, viewer = renewed
    context.become(await with_rights(context.db, viewer))
    return opened


async def purge(db: Db, figures: Figures) -> None:
    """Forget used refresh tokens that would have expired long ago, had they not been used."""
    before = db.database.clock.now() - figures.refresh_token_lifetime
    await db.note(delete_rows(USED).where(USED.c.used_at < before))


async def _renew(context: Context, write: Write, session: Session) -> tuple[Opened, Viewer]:
    address, figures = context.viewer.ip_address, context.figures
    owner = select(
        PROFILES.c.ip_allowlist, PROFILES.c.two_factor_since, PROFILES.c.email_verified_at, PROFILES.c.suspended_at
    ).where(PROFILES.c.id == session.profile_id)
    (profile,) = await write.rows(owner)
    if not allowed(profile.ip_allowlist, address):
        raise AddressNotAllowed
    write.record.author = Author(ActivityChannel.SESSION, session.profile_id, session.id, address)
    lifetimes = {"access": figures.access_token_lifetime, "refresh": figures.refresh_token_lifetime}
    rotated = rotate(session, write.record, **lifetimes)
    write.add(rotated.used)
    viewer = Viewer(
        profile_id=session.profile_id,
        session_id=session.id,
        interactive=True,
        two_factor=session.two_factor_at is not None and profile.two_factor_since is not None,
        email_verified=profile.email_verified_at is not None,
        suspended=profile.suspended_at is not None,
        ip_address=address,
        user_agent=context.viewer.user_agent,
    )
    return rotated.opened, viewer


async def _revoke(context: Context, write: Write, mark: str) -> UUID:
    """End the session whose used token came back; asked after the lock, so that who lost a race is seen as late."""
    found = await write.rows(select(USED.c.session_id).where(USED.c.secret_hash == mark))
    session = await write.lock_one(select_rows(Session).where(SESSIONS.c.id == found[0][0])) if found else None
    if session is None:
        raise RefreshExpired
    # Whoever shows it has proved nothing about who they are: it is the service that acts.
    write.record.author = Author(ip_address=context.viewer.ip_address)
    revoke_family(session, write.record)
    return session.id


def _forget(context: Context, ended: UUID | None) -> None:
    """Go on as nobody where the session that was ended is the caller's own."""
    viewer = context.viewer
    if ended is not None:
        context.ended.append(ended)
    if ended is not None and viewer.session_id == ended:
        context.become(replace(ANYBODY, ip_address=viewer.ip_address, user_agent=viewer.user_agent))
