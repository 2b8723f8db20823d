"""Signing up: the same answer, at the same cost, whether or not the address is known."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import select

from models.attempt import AttemptKind
from models.column import table
from models.conflict import Busy
from models.context import Context
from models.db import Write
from models.link import LinkExpired, LinkKind, LinkUnknown
from models.profile import KNOWN_ALREADY, REGISTERED, Locale, Profile, ProfileKind, TermsNotAccepted
from resolvers import contract
from resolvers.attempt import take_at
from resolvers.find import writing
from resolvers.link import followed, linked
from resolvers.password import refuse_weak

PROFILES = table(Profile)
INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


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
        # Known or not, the same statements: how long they take tells nothing.
        is_new = await _added(context, write, new)
        profile = await write.lock_one(select(Profile).where(PROFILES.c.email == email))
        if profile is None:
            raise Busy  # Whoever had it gave it up a moment ago.
        if invitation is not None:
            await _follow(context, write, invitation, email)
            if is_new:
                write.record.happened(REGISTERED, profile)
                profile.verify_email(write.record)
                await contract.put_to(write, profile.id)
                return
        link_id = await linked(context.figures, write, profile, LinkKind.EMAIL_VERIFICATION, email)
        if is_new:
            write.record.happened(REGISTERED, profile, address=email, link_id=link_id)
        else:
            write.record.happened(KNOWN_ALREADY, profile, address=email)


async def _follow(context: Context, write: Write, token: str, email: str) -> None:
    try:
        link, _ = await followed(context, write, token, LinkKind.INVITATION)
        if link.address != email:
            raise LinkUnknown
    except (LinkUnknown, LinkExpired) as refusal:
        raise refusal.at("invitation_token") from None


async def _added(context: Context, write: Write, values: Mapping[str, Any]) -> bool:
    """Whether the address was nobody's, or of somebody invited, and is this new profile's now."""
    profile = Profile(**values, password_changed_at=write.real_now, created_at=write.now)
    insert = INSERT[context.db.database.dialect](PROFILES).values(profile.model_dump())
    set_up = {name: insert.excluded[name] for name in (*values, "password_changed_at", "created_at", "invited_at")}
    unless_known = insert.on_conflict_do_update(
        index_elements=[PROFILES.c.email], set_=set_up, where=PROFILES.c.invited_at.is_not(None)
    )
    return bool(await write.rows(unless_known.returning(PROFILES.c.id)))
