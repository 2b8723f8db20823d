"""The second step of a sign-in."""

from uuid import UUID

from sqlalchemy import delete, select
from sqlmodel import select as select_rows

from models.attempt import AttemptKind, of_address
from models.challenge import Challenge, ChallengeExpired
from models.column import table
from models.context import Context
from models.db import Write
from models.network import allowed
from models.profile import Profile
from models.secret import SecretKind, fingerprint, is_well_formed
from models.session import Opened
from resolvers.attempt import at, give_back, take
from resolvers.find import writing
from resolvers.session import enter, open_for
from resolvers.two_factor import prove, take_code

CHALLENGES = table(Challenge)
PROFILES = table(Profile)


async def verify(context: Context, *, challenge_id: str, code: str) -> Opened:
    """PRO-5. Answer a challenge with a code: opens the session that was asked for, once."""
    context.guess()
    await take(context, of_address(AttemptKind.CODE, context.viewer.ip_address, context.figures))
    profile_id, email = await _profile_of(context, challenge_id)
    taken = await at(context, AttemptKind.SIGN_IN, email)
    await take_code(context, profile_id, code)
    async with writing(context) as write:
        profile, challenge = await _locked(write, profile_id, challenge_id)
        if not allowed(profile.ip_allowlist, context.viewer.ip_address):
            raise ChallengeExpired().at("challenge_id")
        await prove(context, write, profile, code)
        await write.run(delete(CHALLENGES).where(CHALLENGES.c.id == challenge.id))
        opened = await open_for(context, write, profile, challenge.transport, two_factor=True)
        await give_back(context, write, *taken)
    await enter(context, opened, profile)
    return opened


async def _profile_of(context: Context, challenge_id: str) -> tuple[UUID, str]:
    """The key and the e-mail address of whoever was asked."""
    if is_well_formed(challenge_id, SecretKind.CHALLENGE):
        of_both = CHALLENGES.join(PROFILES, PROFILES.c.id == CHALLENGES.c.profile_id)
        asked = select(PROFILES.c.id, PROFILES.c.email).select_from(of_both)
        still_open = CHALLENGES.c.expires_at > context.clock.now()
        found = await context.db.first(asked.where(CHALLENGES.c.secret_hash == fingerprint(challenge_id), still_open))
        if found is not None:
            return found.id, found.email
    raise ChallengeExpired().at("challenge_id")


async def _locked(write: Write, profile_id: UUID, challenge_id: str) -> tuple[Profile, Challenge]:
    """The profile, then the challenge, as they are now."""
    profile = await write.lock_one(select_rows(Profile).where(PROFILES.c.id == profile_id))
    asked = select_rows(Challenge).where(CHALLENGES.c.secret_hash == fingerprint(challenge_id))
    challenge = await write.lock_one(asked)
    if profile is None or challenge is None:
        raise ChallengeExpired().at("challenge_id")
    try:
        challenge.check(profile, write.real_now)
    except ChallengeExpired as refusal:
        raise refusal.at("challenge_id") from None
    return profile, challenge
