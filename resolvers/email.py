"""E-mail addresses: confirming one, asking again, changing it."""

from uuid import UUID

from sqlmodel import select

from models.attempt import AttemptKind, of_profile
from models.column import table
from models.conflict import Conflict
from models.context import Context
from models.db import Write
from models.link import LinkExpired, LinkKind
from models.profile import (
    EMAIL_CHANGE_ASKED,
    KNOWN_ALREADY,
    VERIFICATION_SENT,
    AddressInUse,
    NothingToVerify,
    Profile,
)
from resolvers.attempt import ask_password, still, take, take_here
from resolvers.find import find, writing
from resolvers.link import close_links, followed, linked

PROFILES = table(Profile)


async def verify(context: Context, *, token: str) -> None:
    """PRO-1, PRO-3. Follow the link of a mail that confirms an address."""
    try:
        async with writing(context) as write:
            link, profile = await followed(context, write, token, LinkKind.EMAIL_VERIFICATION, LinkKind.EMAIL_CHANGE)
            if link.kind is LinkKind.EMAIL_CHANGE:
                if link.address != profile.pending_email:
                    raise LinkExpired().at("token")  # Another address was asked for since.
                await close_links(write, profile, LinkKind.PASSWORD_RESET, LinkKind.EMAIL_VERIFICATION)
                profile.take_email(write.record, link.address)
            elif link.address == profile.email:
                profile.verify_email(write.record)
            else:
                raise LinkExpired().at("token")
            await write.flush()
    except Conflict:
        raise AddressInUse from None


async def resend(context: Context, *, pending: bool) -> UUID:
    """PRO-1. Another mail to confirm the address, or the one that is to replace it; answers the profile's key."""
    await take_here(context, AttemptKind.RESET, context.viewer.key)
    async with writing(context) as write:
        profile = await find(context, write, Profile, context.viewer.key)
        address = profile.pending_email if pending else profile.email
        if address is None or (not pending and profile.email_verified_at is not None):
            raise NothingToVerify
        kind = LinkKind.EMAIL_CHANGE if pending else LinkKind.EMAIL_VERIFICATION
        if pending and await _in_use(write, address):
            write.record.happened(EMAIL_CHANGE_ASKED, profile)
            return profile.id
        link_id = await linked(context, write, profile, kind, address)
        action = EMAIL_CHANGE_ASKED if pending else VERIFICATION_SENT
        write.record.happened(action, profile, address=address, link_id=link_id)
    return profile.id


async def change(context: Context, *, email: str, current: str) -> UUID:
    """PRO-3. Ask for another address, which counts once it is confirmed; the same answer where it is in use."""
    context.guess()
    asked = await ask_password(context, current, "current_password")
    await take_here(context, AttemptKind.RESET, email)
    await take(context, of_profile(AttemptKind.RESET, context.viewer.key, context.figures))
    async with writing(context) as write:
        profile = await find(context, write, Profile, context.viewer.key)
        await still(context, write, profile, asked, "current_password")
        profile.pending_email = email
        await close_links(write, profile, LinkKind.EMAIL_CHANGE)
        other = await _in_use(write, email)
        if other is None:
            link_id = await linked(context, write, profile, LinkKind.EMAIL_CHANGE, email)
            write.record.happened(EMAIL_CHANGE_ASKED, profile, address=email, link_id=link_id)
        else:
            write.record.happened(EMAIL_CHANGE_ASKED, profile)  # The same fact, without a link to send.
            if other.id != profile.id:
                write.record.happened(KNOWN_ALREADY, other, address=email)
    return profile.id


async def _in_use(write: Write, email: str) -> Profile | None:
    return await write.lock_one(select(Profile).where(PROFILES.c.email == email))
