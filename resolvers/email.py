"""E-mail addresses: confirming one, asking again, changing it."""

from uuid import UUID

from sqlalchemy import select as select_columns

from models.attempt import AttemptKind, of_address, of_profile
from models.column import table
from models.conflict import Conflict
from models.context import Context
from models.db import Write
from models.link import LinkExpired, LinkKind
from models.profile import (
    EMAIL_CHANGE_ASKED,
    VERIFICATION_SENT,
    AddressInUse,
    NothingToVerify,
    Profile,
)
from resolvers import contract
from resolvers.attempt import ask_password, still, take, take_at
from resolvers.find import find, writing
from resolvers.grant import take_over
from resolvers.link import close_links, followed, linked
from resolvers.transfer import take_over as offered_before

PROFILES = table(Profile)


async def verify(context: Context, *, token: str) -> None:
    """PRO-1, PRO-3. Follow the link of a mail that confirms an address."""
    try:
        async with writing(context) as write:
            link, profile = await followed(context, write, token, LinkKind.EMAIL_VERIFICATION, LinkKind.EMAIL_CHANGE)
            if link.kind is LinkKind.EMAIL_CHANGE:
                if link.address != profile.pending_email:
                    raise LinkExpired().at("token")  # Another address was asked for since.
                await _refuse_in_use(write, profile, link.address)
                await offered_before(write, profile, link.address)
                await take_over(write, profile, link.address)
                await close_links(write, profile, LinkKind.PASSWORD_RESET, LinkKind.EMAIL_VERIFICATION)
                profile.take_email(write.record, link.address)
            elif link.address == profile.email:
                profile.verify_email(write.record)
                await contract.put_to(write, profile.id)
            else:
                raise LinkExpired().at("token")
            await write.flush()
    except Conflict:
        raise AddressInUse from None


async def _refuse_in_use(write: Write, profile: Profile, address: str) -> None:
    """Before the change: two who take each other's address would wait for each other's row."""
    taken = PROFILES.c.email == address, PROFILES.c.id != profile.id, PROFILES.c.invited_at.is_(None)
    if await write.rows(select_columns(PROFILES.c.id).where(*taken)):
        raise AddressInUse


async def resend(context: Context, *, pending: bool) -> UUID:
    """PRO-1. Another mail to confirm the address, or the one that is to replace it; answers the profile's key."""
    key, figures = context.viewer.key, context.figures
    here = of_address(AttemptKind.MAIL, context.viewer.ip_address, figures)
    await take(context, here, of_profile(AttemptKind.MAIL, key, figures))
    async with writing(context) as write:
        profile = await find(context, write, Profile, key)
        address = profile.pending_email if pending else profile.email
        if address is None or (not pending and profile.email_verified_at is not None):
            raise NothingToVerify
        await _ask(context, write, profile, address, pending=pending)
    return profile.id


async def change(context: Context, *, email: str, current: str) -> UUID:
    """PRO-3. Ask for another address, which counts once it is confirmed; whether it is in use, the worker looks up."""
    context.guess()
    asked = await ask_password(context, current, "current_password")
    await take(context, of_profile(AttemptKind.MAIL, context.viewer.key, context.figures))
    await take_at(context, AttemptKind.MAIL, email)
    async with writing(context) as write:
        profile = await find(context, write, Profile, context.viewer.key)
        await still(context, write, profile, asked, "current_password")
        await offer(context, write, profile, email)
    return profile.id


async def offer(context: Context, write: Write, profile: Profile, address: str) -> None:
    """PRO-3, PRO-7. A mail to `address` with a link: once it is followed, the locked profile signs in with it."""
    profile.pending_email = address
    await close_links(write, profile, LinkKind.EMAIL_CHANGE)
    await _ask(context, write, profile, address, pending=True)


async def _ask(context: Context, write: Write, profile: Profile, address: str, *, pending: bool) -> None:
    """A mail with a link. Nothing here depends on whose the address is: see `resolvers/delivery.py`."""
    kind = LinkKind.EMAIL_CHANGE if pending else LinkKind.EMAIL_VERIFICATION
    action = EMAIL_CHANGE_ASKED if pending else VERIFICATION_SENT
    link_id = await linked(context.figures, write, profile, kind, address)
    write.record.happened(action, profile, address=address, link_id=link_id)
