"""The links of mails: making one, following one."""

from uuid import UUID

from sqlalchemy import delete, or_, update
from sqlalchemy import select as select_columns
from sqlmodel import select

from models.column import table
from models.context import Context
from models.db import Db, Write
from models.link import Link, LinkKind, LinkUnknown, new_link, read_link_token
from models.profile import Profile
from models.setting import Figures

PROFILES = table(Profile)
LINKS = table(Link)


async def linked(figures: Figures, write: Write, profile: Profile, kind: LinkKind, address: str) -> UUID:
    """A new link for a mail to `address`; answers its key, for the fact that makes the mail."""
    lifetimes = {
        LinkKind.PASSWORD_RESET: figures.password_reset_lifetime,
        LinkKind.INVITATION: figures.invitation_lifetime,
    }
    lifetime = lifetimes.get(kind, figures.email_link_lifetime)
    link = new_link(write.record, kind=kind, profile_id=profile.id, address=address, lifetime=lifetime)
    write.add(link)
    return link.id


async def close_links(write: Write, profile: Profile, *kinds: LinkKind) -> None:
    """The open links of these kinds end with what they were sent for."""
    open_links = LINKS.c.profile_id == profile.id, LINKS.c.kind.in_(kinds), LINKS.c.used_at.is_(None)
    await write.run(update(LINKS).where(*open_links).values(used_at=write.real_now))


async def followed(context: Context, write: Write, token: str, *kinds: LinkKind) -> tuple[Link, Profile]:
    """The link of a token and its profile, both locked, the link spent. The profile first: so do all who change one."""
    link_id = read_link_token(context.key, token)
    if link_id is None:
        raise LinkUnknown().at("token")
    owners = await write.rows(select_columns(LINKS.c.profile_id).where(LINKS.c.id == link_id, LINKS.c.kind.in_(kinds)))
    if not owners:
        raise LinkUnknown().at("token")
    profile = await write.lock_one(select(Profile).where(PROFILES.c.id == owners[0].profile_id))
    link = await write.lock_one(select(Link).where(LINKS.c.id == link_id))
    if profile is None or link is None:
        raise LinkUnknown().at("token")
    link.use(write.record)
    return link, profile


async def purge(db: Db, figures: Figures) -> None:
    """Delete links that were used or ended long enough ago."""
    before = db.database.clock.now() - figures.link_retention
    await db.note(delete(LINKS).where(or_(LINKS.c.used_at < before, LINKS.c.expires_at < before)))
