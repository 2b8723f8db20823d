"""The second factor: set up, confirmed, asked, turned off; and its recovery codes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, bindparam, delete, func, select, update
from sqlmodel import select as select_rows

from models import recovery_code, totp
from models import two_factor as rules
from models.attempt import AttemptKind, of_profile, of_session
from models.column import Instant, table
from models.context import Context
from models.db import Db, Write
from models.profile import Profile
from models.recovery_code import RecoveryCode
from models.secret import fingerprint, unsaid
from models.session import Session, close_others
from models.two_factor import InvalidCode, NotEnrolled, NotOn, TwoFactor
from models.vault import Unopened, Vault
from resolvers import token
from resolvers.attempt import ask_password, give_back, still, take
from resolvers.find import find, writing
from resolvers.session import live

FACTORS = table(TwoFactor)
CODES = table(RecoveryCode)
SESSIONS = table(Session)
PROFILE = bindparam("profile", type_=Uuid())
NEWEST_STEP = (
    update(FACTORS)
    .where(FACTORS.c.profile_id == PROFILE, FACTORS.c.last_step < bindparam("step", type_=BigInteger()))
    .values(last_step=bindparam("step", type_=BigInteger()))
    .returning(FACTORS.c.id)
)
"""PRO-5. A code is never accepted twice: whoever comes second updates no row."""
SPENT = (
    update(CODES)
    .where(CODES.c.profile_id == PROFILE, CODES.c.code_hash == bindparam("hashed"), CODES.c.used_at.is_(None))
    .values(used_at=bindparam("at", type_=Instant()))
    .returning(CODES.c.id)
)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A secret just made, as it is shown."""

    secret: str
    uri: str

    __repr__ = unsaid


@dataclass(frozen=True, slots=True)
class Shown:
    """The profile whose codes were made, and the codes, which exist nowhere else."""

    profile_id: UUID
    codes: list[str]

    __repr__ = unsaid


async def enroll(context: Context, *, password: str) -> Enrolment:
    """PRO-5. Begin to set up a second factor; it takes effect with a first code."""
    context.guess()
    hashed = await ask_password(context, password, "current_password")
    secret = totp.new_secret()
    async with writing(context) as write:
        profile = await find(context, write, Profile, context.viewer.key)
        await still(context, write, profile, hashed, "current_password")
        sealed = context.vault.seal(secret, profile.id)
        write.add(rules.enroll(profile, await _factor(write, profile.id), write.record, sealed))
    uri = totp.provisioning_uri(secret, issuer=context.figures.two_factor_issuer, account=profile.email)
    return Enrolment(secret, uri)


async def activate(context: Context, *, code: str) -> Shown:
    """PRO-5. Confirm the secret with a first code; this session has verified it, and its cookie is a new one."""
    context.guess()
    await take(context, of_session(AttemptKind.ACTIVATION, context.viewer.session_key, context.figures))
    async with writing(context) as write:
        profile = await find(context, write, Profile, context.viewer.key)
        factor = await _factor(write, profile.id)
        if profile.two_factor_since is not None:
            raise rules.AlreadyOn
        if factor is None:
            raise NotEnrolled
        await _use_step(context, write, profile, factor, code)
        rules.turn_on(profile, write.record)
        codes = await _new_codes(write, profile)
        # Sessions from before it never showed the factor.
        others = close_others(profile, await live(write, profile.id), context.viewer.session_id, write.record)
        session = await find(context, write, Session, context.viewer.session_key)
        opened = session.verified_second_factor(write.record)
    context.ended += others
    context.opened = opened or context.opened
    context.become(replace(context.viewer, two_factor=True))
    return Shown(profile.id, codes)


async def disable(context: Context, *, password: str, code: str) -> UUID:
    """PRO-5. Turn the second factor off, with the password and a code; tokens end with it."""
    context.guess()
    hashed = await ask_password(context, password, "current_password")
    await take_code(context, context.viewer.key, code)
    async with writing(context) as write:
        profile = await find(context, write, Profile, context.viewer.key)
        await still(context, write, profile, hashed, "current_password")
        if profile.two_factor_since is None:
            raise NotOn
        await prove(context, write, profile, code)
        rules.turn_off(profile, write.record)
        await forget(write, profile.id)
    context.become(replace(context.viewer, two_factor=False))
    return profile.id


async def regenerate(context: Context, *, password: str) -> Shown:
    """PRO-5. Ten new recovery codes; the old ones stop working."""
    context.guess()
    hashed = await ask_password(context, password, "current_password")
    async with writing(context) as write:
        profile = await find(context, write, Profile, context.viewer.key)
        await still(context, write, profile, hashed, "current_password")
        if profile.two_factor_since is None:
            raise NotOn
        codes = await _new_codes(write, profile)
        write.record.happened(rules.CODES_REPLACED, profile)
    return Shown(profile.id, codes)


async def take_code(context: Context, profile_id: UUID, code: str) -> None:
    """LIM-1. Count a guess at a one-time code. A recovery code cannot be guessed: it stays a way in meanwhile."""
    if totp.normalised(code) is not None:
        await take(context, of_profile(AttemptKind.CODE, profile_id, context.figures))


async def prove(context: Context, write: Write, profile: Profile, code: str) -> None:
    """PRO-5. Use up a one-time code or a recovery code of the locked profile; raises InvalidCode."""
    if totp.normalised(code) is not None:
        factor = await _factor(write, profile.id)
        if factor is None:
            raise InvalidCode().at("code")
        await _use_step(context, write, profile, factor, code)
        await give_back(context, write, of_profile(AttemptKind.CODE, profile.id, context.figures))
        return
    spent = {"profile": profile.id, "hashed": recovery_code.code_hash(code), "at": write.real_now}
    if spent["hashed"] is None or not await write.rows(SPENT, spent):
        raise InvalidCode().at("code")
    write.record.happened(rules.CODE_USED, profile)


async def forget(write: Write, profile_id: UUID) -> None:
    """PRO-5. Delete what belonged to the factor of a locked profile: secret, codes, marks of sessions, tokens."""
    await write.run(delete(FACTORS).where(FACTORS.c.profile_id == profile_id))
    await write.run(delete(CODES).where(CODES.c.profile_id == profile_id))
    await write.run(update(SESSIONS).where(SESSIONS.c.profile_id == profile_id).values(two_factor_at=None))
    await token.revoke_all(write, profile_id)


async def codes_left(context: Context, keys: Sequence[UUID]) -> list[int]:
    """How many recovery codes each profile has left; nobody sees those of more than one."""
    counting = select(func.count()).where(CODES.c.profile_id == PROFILE, CODES.c.used_at.is_(None))
    return [(await context.db.rows(counting, {"profile": key}))[0][0] for key in keys]


async def opens(db: Db, vault: Vault) -> bool:
    """Whether the vault opens what is kept: the newest secret stands for all."""
    row = await db.first(select(FACTORS.c.sealed_secret, FACTORS.c.profile_id).order_by(FACTORS.c.id.desc()).limit(1))
    try:
        return row is None or bool(vault.open(row.sealed_secret, row.profile_id))
    except Unopened:
        return False


async def _factor(write: Write, profile_id: UUID) -> TwoFactor | None:
    return await write.lock_one(select_rows(TwoFactor).where(FACTORS.c.profile_id == profile_id))


async def _use_step(context: Context, write: Write, profile: Profile, factor: TwoFactor, code: str) -> None:
    try:
        secret = context.vault.open(factor.sealed_secret, profile.id)
    except Unopened:
        raise rules.CannotBeChecked().at("code") from None
    step = totp.matched_step(secret, code, write.real_now)
    if step is None or not await write.rows(NEWEST_STEP, {"profile": profile.id, "step": step}):
        raise InvalidCode().at("code")


async def _new_codes(write: Write, profile: Profile) -> list[str]:
    await write.run(delete(CODES).where(CODES.c.profile_id == profile.id))
    codes = recovery_code.new_codes()
    for code in codes:
        hashed = fingerprint(code.replace("-", ""))
        write.add(RecoveryCode(profile_id=profile.id, code_hash=hashed, created_at=write.real_now))
    return codes
