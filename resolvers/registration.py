"""Signing up: the same answer, at the same cost, whether or not the address is known."""

from sqlmodel import select

from models.attempt import AttemptKind
from models.column import new_id, table
from models.conflict import Conflict
from models.context import Context
from models.link import LinkKind
from models.profile import KNOWN_ALREADY, REGISTERED, Locale, Profile, ProfileKind, TermsNotAccepted
from resolvers import contract
from resolvers.attempt import take_here
from resolvers.find import writing
from resolvers.link import linked
from resolvers.password import refuse_weak

PROFILES = table(Profile)


async def register(
    context: Context, *, email: str, password: str, kind: ProfileKind, locale: Locale, accepts_terms: bool
) -> None:
    """PRO-1. A new profile and a mail to its address; to one that is known, a mail that says so."""
    context.guess()
    if not accepts_terms:
        raise TermsNotAccepted().at("accept_terms")
    await take_here(context, AttemptKind.RESET, email)
    await refuse_weak(context, password, [email], "password")
    hashed = await context.passwords.hash(password)
    try:
        await _registered(context, email=email, hashed=hashed, kind=kind, locale=locale)
    except Conflict:  # Somebody else signed up with it meanwhile: now it is known.
        await _registered(context, email=email, hashed=hashed, kind=kind, locale=locale)


async def _registered(context: Context, *, email: str, hashed: str, kind: ProfileKind, locale: Locale) -> None:
    async with writing(context) as write:
        known = await write.lock_one(select(Profile).where(PROFILES.c.email == email))
        if known is not None:
            write.record.happened(KNOWN_ALREADY, known, address=email)
            return
        profile = Profile(
            id=new_id(),
            email=email,
            password_hash=hashed,
            password_changed_at=write.real_now,
            kind=kind,
            locale=locale,
            created_at=write.now,
        )
        write.add(profile)
        await write.flush()
        await contract.put_to(write, profile.id)
        link_id = await linked(context, write, profile, LinkKind.EMAIL_VERIFICATION, email)
        write.record.happened(REGISTERED, profile, address=email, link_id=link_id)
