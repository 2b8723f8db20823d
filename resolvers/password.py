"""Changing the password, and setting a new one where it was forgotten."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select
from sqlmodel import select as select_rows

from models.activity import Author
from models.attempt import AttemptKind
from models.column import new_id, table
from models.context import Context
from models.db import Database, Db
from models.link import Link, LinkExpired, LinkKind, read_link_token
from models.profile import PASSWORD_RESET_ASKED, Profile
from models.refusal import Refusal
from models.reset_request import ResetRequest
from models.session import close_others
from models.setting import Figures
from resolvers import contract
from resolvers.attempt import ask_password, remember, still, take_at
from resolvers.find import find, writing
from resolvers.link import close_links, followed, linked
from resolvers.session import live

PROFILES = table(Profile)
LINKS = table(Link)
REQUESTS = table(ResetRequest)
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
    """PRO-7. A mail with a link, where the address is known: who that is, is looked up once this was answered."""
    context.guess()
    await take_at(context, AttemptKind.RESET, email)
    await context.passwords.matches("", None)  # As dear as a sign-in, for whoever asks for many.
    asked = {"id": new_id(), "address": email, "ip_address": context.viewer.ip_address}
    await context.db.note(insert(REQUESTS).values(**asked, created_at=context.clock.now()))
    context.db.database.queued.set()


async def answer_requests(db: Db, figures: Figures) -> None:
    """PRO-7. Make the links that were asked for, in the order of asking; what leads to nobody is forgotten."""
    while found := await db.first(select(REQUESTS).order_by(REQUESTS.c.id).limit(1)):
        has_it = PROFILES.c.email == found.address, PROFILES.c.invited_at.is_(None)
        known = await db.first(select(PROFILES.c.id).where(*has_it))
        await db.release()  # What it holds would not see that this one is answered.
        if known is None:
            await db.note(delete(REQUESTS).where(REQUESTS.c.id == found.id))
        else:
            with suppress(_Answered):
                await _answer(db.database, figures, found, known.id)


class _Answered(Exception):
    """Another worker was quicker, or the address is another's by now: the next look tells."""


async def _answer(database: Database, figures: Figures, request: Row[Any], key: UUID) -> None:
    this = delete(REQUESTS).where(REQUESTS.c.id == request.id).returning(REQUESTS.c.id)
    whose = select_rows(Profile).where(PROFILES.c.id == key, PROFILES.c.email == request.address)
    # Whoever asks has proved nothing about who they are: it is the service that acts, for an address.
    async with Db(database, Author(ip_address=request.ip_address)) as db, db.write() as write:
        profile = await write.lock_one(whose)
        if profile is None or not await write.rows(this):
            raise _Answered
        link_id = await linked(figures, write, profile, LinkKind.PASSWORD_RESET, request.address)
        write.record.happened(PASSWORD_RESET_ASKED, profile, address=request.address, link_id=link_id)


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
            await contract.put_to(write, profile.id)
        profile.change_password(write.record, hashed)
        await close_links(write, profile, LinkKind.PASSWORD_RESET, LinkKind.EMAIL_CHANGE)
        context.ended += close_others(profile, await live(write, profile.id), None, write.record)
        await remember(write, profile, context.viewer.ip_address)
