"""PRO-8. Refresh tokens of bearer sessions: each is good once, and one that comes back betrays that it was stolen."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.column import Instant, new_id
from models.refusal import Code, Refusal
from models.secret import SecretKind, fingerprint, new_secret
from models.session import Opened, Session

REFRESHED = action("session.refreshed", "A session was renewed")
REUSED = action(
    "session.refresh_reused", "A refresh token was used twice: its session was closed", mail="refresh_reused"
)


class RefreshExpired(Refusal):
    """PRO-8. The same answer whether the token is unknown, expired, of an ended session, or used before."""

    code = Code.EXPIRED
    message = "This refresh token is not valid any more: sign in again."


class RefreshToken(SQLModel, table=True):
    """PRO-8. A refresh token that was used. Those of one session are a family: who shows one again ends them all."""

    __tablename__ = "refresh_token"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    session_id: UUID = Field(foreign_key="session.id", ondelete="CASCADE", index=True)
    secret_hash: str = Field(max_length=64, unique=True, repr=False)
    used_at: datetime = Field(sa_type=Instant, index=True)


@dataclass(frozen=True, slots=True)
class Rotated:
    """A session with its new secrets, and the row that remembers the refresh token they replace."""

    opened: Opened
    used: RefreshToken

    def __repr__(self) -> str:
        return f"Rotated({self.opened.session.id})"


def rotate(session: Session, record: Record, *, access: timedelta, refresh: timedelta) -> Rotated:
    """PRO-8. Replace both secrets of a bearer session, which lasts longer from now; raises RefreshExpired."""
    now = record.real_now
    if session.refresh_hash is None or session.ended_at is not None or session.expires_at <= now:
        raise RefreshExpired
    used = RefreshToken(session_id=session.id, secret_hash=session.refresh_hash, used_at=now)
    secret, renewal = new_secret(SecretKind.ACCESS), new_secret(SecretKind.REFRESH)
    session.secret_hash, session.refresh_hash = fingerprint(secret), fingerprint(renewal)
    session.last_seen_at, session.access_expires_at, session.expires_at = now, now + access, now + refresh
    record.happened(REFRESHED, session)
    return Rotated(Opened(session, secret, renewal), used)


def revoke_family(session: Session, record: Record) -> None:
    """PRO-8. A used refresh token came back: two hold it, one of them a thief. Ends the session; or RefreshExpired."""
    if session.ended_at is not None:
        raise RefreshExpired
    record.happened(REUSED, session)
    session.end(record)
