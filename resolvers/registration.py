"""Signing up: the same answer, at the same cost, whether or not the address is known."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import select

from models.attempt import AttemptKind
from models.column import INSERTS, table
from models.conflict import Busy
from models.context import Context
from models.db import Write
from models.link import LinkExpired, LinkKind, LinkUnknown
from models.profile import KNOWN_ALREADY, REGISTERED, Locale, Profile, ProfileKind, TermsNotAccepted
from models.session import close_others
from resolvers import contract
from resolvers.attempt import take_at
from resolvers.find import writing
from resolvers.link import close_links, followed, linked
from resolvers.password import refuse_weak
from resolvers.session import live

PROFILES = table(Profile)


async def register(
    context: Context,
    *,
    email: str,
    password: str,
    kind: ProfileKind,
    locale: Locale,
    accepts_terms: bool,
    invitation: str | None = None,
) -> None:
    """PRO-1. A new profile and a mail to its address; to one that is known, a mail that says so.

    PER-7. Whoever comes with the link of an invitation has read a mail to the address, which is confirmed by it.
    """
    context.guess()
    if not accepts_terms:
        raise TermsNotAccepted().at("accept_terms")
    await take_at(context, AttemptKind.MAIL, email)
    await refuse_weak(context, password, [email], "password")
    hashed = await context.passwords.hash(password)
    new = {"email": email, "password_hash": hashed, "kind": kind, "locale": locale}
    async with writing(context) as write:
        if invitation is not None:
            await _set_up(context, write, invitation, new)
        else:
            await _sign_up(context, write, new)


async def _sign_up(context: Context, write: Write, new: Mapping[str, Any]) -> None:
    """Known or not, the same statements: how long they take tells nothing.

    Who was invited is known, and told so once more: what waits for an address is for whoever reads its mail.
    """
    email = new["email"]
    is_new = await _added(context, write, new)
    profile = await write.lock_one(select(Profile).where(PROFILES.c.email == email))
    if profile is None:
        raise Busy  # Whoever had it gave it up a moment ago.
    kind = LinkKind.EMAIL_VERIFICATION if profile.invited_at is None else LinkKind.INVITATION
    link_id = await linked(context.figures, write, profile, kind, email)
    if is_new:
        write.record.happened(REGISTERED, profile, address=email, link_id=link_id)
    elif profile.invited_at is not None:
        write.record.happened(KNOWN_ALREADY, profile, address=email, link_id=link_id, template="grant_invitation")
    else:
        write.record.happened(KNOWN_ALREADY, profile, address=email)


async def _set_up(context: Context, write: Write, token: str, new: Mapping[str, Any]) -> None:
    """PER-7. The profile of whoever follows an invitation; of one that somebody else made without reading the mail.

    Whoever signed in to that is signed out.
    """
    profile = await _invited(context, write, token, new["email"])
    for name, value in new.items():
        setattr(profile, name, value)
    profile.invited_at, profile.password_changed_at = None, write.real_now
    write.record.happened(REGISTERED, profile)
    profile.verify_email(write.record)
    await close_links(write, profile, LinkKind.EMAIL_VERIFICATION, LinkKind.EMAIL_CHANGE, LinkKind.PASSWORD_RESET)
    context.ended += close_others(profile, await live(write, profile.id), None, write.record)
    await contract.put_to(write, profile.id)


async def _invited(context: Context, write: Write, token: str, email: str) -> Profile:
    try:
        link, profile = await followed(context, write, token, LinkKind.INVITATION)
        if link.address != email or profile.email != email:
            raise LinkUnknown
        if profile.email_verified_at is not None:
            raise LinkExpired
    except (LinkUnknown, LinkExpired) as refusal:
        raise refusal.at("invitation_token") from None
    return profile


async def _added(context: Context, write: Write, values: Mapping[str, Any]) -> bool:
    """Whether the address was nobody's, and is this new profile's now."""
    profile = Profile(**values, password_changed_at=write.real_now, created_at=write.now)
    insert = INSERTS[context.db.database.dialect](PROFILES).values(profile.model_dump())
    unless_known = insert.on_conflict_do_nothing(index_elements=[PROFILES.c.email]).returning(PROFILES.c.id)
    return bool(await write.rows(unless_known))
