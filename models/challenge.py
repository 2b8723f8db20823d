"""PRO-5. Between the two steps of a sign-in: the password was right, a code is still to come."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.column import Instant, new_id, one_of
from models.profile import Profile
from models.refusal import Code, Refusal
from models.secret import SecretKind, fingerprint, new_secret
from models.session import SessionTransport

ASKED = action("session.challenged", "The password was right, and a code was asked for")


class ChallengeExpired(Refusal):
    """PRO-5. There is no such challenge, not any more, or not for this password any more: the same answer."""

    code = Code.EXPIRED
    message = "This sign-in has expired: begin again with the password."


class Challenge(SQLModel, table=True):
    """PRO-5. A sign-in that waits for its second factor; it opens one session, and is gone then."""

    __tablename__ = "challenge"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    profile_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE", index=True)
    secret_hash: str = Field(max_length=64, unique=True, repr=False)
    password_mark: str = Field(max_length=64, repr=False)
    transport: SessionTransport = Field(sa_type=one_of(SessionTransport, "challenge_transport"))
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)

    def check(self, profile: Profile, real_now: datetime) -> None:
        """Raises ChallengeExpired where its time is over, or the password or the factor is not that of then."""
        same = self.password_mark == fingerprint(profile.password_hash or "") and profile.two_factor_since is not None
        if not same or self.expires_at <= real_now:
            raise ChallengeExpired


@dataclass(frozen=True, slots=True)
class Asked:
    """A challenge just made, with its secret, which exists nowhere else."""

    challenge: Challenge
    secret: str

    def __repr__(self) -> str:
        return f"Asked({self.challenge.id})"


def ask(record: Record, profile: Profile, *, transport: SessionTransport, lifetime: timedelta) -> Asked:
    """PRO-5. A challenge for who knows the password of `profile`, as it is now."""
    secret = new_secret(SecretKind.CHALLENGE)
    challenge = Challenge(
        profile_id=profile.id,
        secret_hash=fingerprint(secret),
        password_mark=fingerprint(profile.password_hash or ""),
        transport=transport,
        created_at=record.real_now,
        expires_at=record.real_now + lifetime,
    )
    record.happened(ASKED, profile)
    return Asked(challenge, secret)
