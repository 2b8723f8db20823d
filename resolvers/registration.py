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
from models.link import LinkKind
from models.profile import KNOWN_ALREADY, REGISTERED, Locale, Profile, ProfileKind, TermsNotAccepted
from resolvers.attempt import take_at
from resolvers.find import writing
from resolvers.link import linked
from resolvers.password import refuse_weak

PROFILES = table(Profile)
INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


async def register(
    context: Context, *, email: str, password: str, kind: ProfileKind, locale: Locale, accepts_terms: bool
) -> None:
    """PRO-1. A new profile and a mail to its address; to one that is known, a mail that says so."""
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
        link_id = await linked(context.figures, write, profile, LinkKind.EMAIL_VERIFICATION, email)
        if is_new:
            write.record.happened(REGISTERED, profile, address=email, link_id=link_id)
        else:
            write.record.happened(KNOWN_ALREADY, profile, address=email)


async def _added(context: Context, write: Write, values: Mapping[str, Any]) -> bool:
    """Whether the address was nobody's, and is this new profile's now."""
    profile = Profile(**values, password_changed_at=write.real_now, created_at=write.now)
    insert = INSERT[context.db.database.dialect](PROFILES).values(profile.model_dump())
    unless_known = insert.on_conflict_do_nothing(index_elements=[PROFILES.c.email]).returning(PROFILES.c.id)
    return bool(await write.rows(unless_known))
