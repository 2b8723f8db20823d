"""Changing the password."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlmodel import select as select_rows

from models.attempt import AttemptKind
from models.column import table
from models.context import Context
from models.link import Link, LinkExpired, LinkKind, read_link_token
from models.profile import PASSWORD_RESET_ASKED, Profile
from models.refusal import Refusal
from models.session import close_others
from resolvers.attempt import ask_password, still, take_here
from resolvers.find import find, writing
from resolvers.link import close_links, followed, linked
from resolvers.session import live

PROFILES = table(Profile)
LINKS = table(Link)
ABOUT = ("email", "organization_name", "first_name", "last_name", "city", "phone")
"""What is known of a profile's owner, and no password is made of."""


async def change(context: Context, *, current: str, new: str) -> UUID:
    """PRO-4. Change the caller's password and end their other sessions; answers the profile's key."""
    context.guess()
    await refuse_weak(context, new, await about_owner(context, context.viewer.key), "new_password")
    asked = await ask_password(context, current, "current_password")
    hashed = await context.passwords.hash(new)
    async with writing(context) as write:
        profile = await find(context, write, Profile, context.viewer.key)
        await still(context, write, profile, asked, "current_password")
        profile.change_password(write.record, hashed)
        await close_links(write, profile, LinkKind.PASSWORD_RESET, LinkKind.EMAIL_CHANGE)
        context.ended += close_others(profile, await live(write, profile.id), context.viewer.session_id, write.record)
    return profile.id


async def about_owner(context: Context, key: UUID | None) -> list[str]:
    """What is known of a profile's owner; lets the connection go, since what follows takes long."""
    row = await context.db.first(select(*(PROFILES.c[name] for name in ABOUT)).where(PROFILES.c.id == key))
    await context.db.release()
    return [value for value in row or () if value]


async def refuse_weak(context: Context, password: str, about: Sequence[str], *path: str) -> None:
    """Raises why the password cannot be taken, at its input field."""
    try:
        await context.passwords.check(password, about)
    except Refusal as refusal:
        raise refusal.at(*path) from None


async def request_reset(context: Context, *, email: str) -> None:
    """PRO-7. A mail with a link, where the address is known; the same answer, and one hash, where it is not."""
    context.guess()
    await take_here(context, AttemptKind.RESET, email)
    known = await context.db.first(select(PROFILES.c.id).where(PROFILES.c.email == email))
    await context.db.release()
    await context.passwords.matches("", None)
    if known is None:
        return
    async with writing(context) as write:
        profile = await write.lock_one(select_rows(Profile).where(PROFILES.c.id == known.id, PROFILES.c.email == email))
        if profile is not None:
            link_id = await linked(context, write, profile, LinkKind.PASSWORD_RESET, email)
            write.record.happened(PASSWORD_RESET_ASKED, profile, address=email, link_id=link_id)


async def reset(context: Context, *, token: str, new: str) -> None:
    """PRO-7. Follow the link of a mail: the password is the new one, and every session ends."""
    context.guess()
    link_id = read_link_token(context.key, token)
    of_link = select(LINKS.c.profile_id).where(LINKS.c.id == link_id, LINKS.c.kind == LinkKind.PASSWORD_RESET)
    found = await context.db.first(of_link) if link_id else None
    await refuse_weak(context, new, await about_owner(context, found.profile_id if found else None), "password")
    hashed = await context.passwords.hash(new)
    async with writing(context) as write:
        link, profile = await followed(context, write, token, LinkKind.PASSWORD_RESET)
        if link.address != profile.email:
            raise LinkExpired().at("token")
        if profile.email_verified_at is None:
            profile.verify_email(write.record)  # The mail was read.
        profile.change_password(write.record, hashed)
        await close_links(write, profile, LinkKind.PASSWORD_RESET, LinkKind.EMAIL_CHANGE)
        context.ended += close_others(profile, await live(write, profile.id), None, write.record)
