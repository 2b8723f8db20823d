"""PRO-5. The second factor of a profile: enrolled, confirmed with a first code, asked at sign-in, turned off."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.column import Instant, new_id
from models.profile import Profile
from models.refusal import Code, Refusal

ENROLLED = action("two_factor.enrolled", "Setting up two-factor authentication was begun")
ENABLED = action("two_factor.enabled", "Two-factor authentication was turned on", mail="two_factor_enabled")
DISABLED = action("two_factor.disabled", "Two-factor authentication was turned off", mail="two_factor_disabled")
CODES_REPLACED = action(
    "recovery_codes.replaced", "The recovery codes were replaced", mail="recovery_codes_regenerated"
)
CODE_USED = action("recovery_code.used", "A recovery code was used")


class InvalidCode(Refusal):
    """PRO-5. Not the code of now, or one that was used: the same answer."""

    code = Code.INVALID_CODE
    message = "This code is wrong or was used already."


class CannotBeChecked(Refusal):
    """PRO-5. The secret does not open with the service's key of today: no code is right, whatever it is."""

    code = Code.INVALID_CODE
    message = "Codes cannot be checked for this profile: use a recovery code, or set up two-factor authentication anew."


class AlreadyOn(Refusal):
    """PRO-5. A second factor is in place: it is turned off before another one is set up."""

    code = Code.CONFLICT
    message = "Two-factor authentication is on already."


class NotEnrolled(Refusal):
    """PRO-5. There is no secret that a code could confirm."""

    code = Code.CONFLICT
    message = "Set up two-factor authentication first."


class NotOn(Refusal):
    """PRO-5. There is no second factor to turn off."""

    code = Code.CONFLICT
    message = "Two-factor authentication is off."


class TwoFactor(SQLModel, table=True):
    """PRO-5. The secret shared with an authenticator, sealed; pending while its profile's `two_factor_since` is null.

    `last_step` only grows: a code of its step or of an earlier one was used, or never will be.
    """

    __tablename__ = "two_factor"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    profile_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE", unique=True)
    sealed_secret: str = Field(max_length=200, repr=False)
    last_step: int = Field(default=0, sa_type=BigInteger)
    created_at: datetime = Field(sa_type=Instant)


def enroll(profile: Profile, pending: TwoFactor | None, record: Record, sealed_secret: str) -> TwoFactor:
    """PRO-5. Begin to set up a second factor; a secret that was not confirmed gives way to the new one."""
    if profile.two_factor_since is not None:
        raise AlreadyOn
    factor = pending or TwoFactor(profile_id=profile.id, sealed_secret=sealed_secret, created_at=record.real_now)
    factor.sealed_secret, factor.last_step, factor.created_at = sealed_secret, 0, record.real_now
    record.happened(ENROLLED, profile)
    return factor


def turn_on(profile: Profile, record: Record) -> None:
    """PRO-5. From now on sign-ins are asked for a code."""
    profile.two_factor_since = record.real_now
    record.happened(ENABLED, profile)


def turn_off(profile: Profile, record: Record) -> None:
    """PRO-5. Sign-ins are asked for the password alone; the caller deletes what belonged to the factor."""
    profile.two_factor_since = None
    record.happened(DISABLED, profile)
