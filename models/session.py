"""PRO-8. Interactive sessions: a cookie in a browser, a bearer token in a mobile app.

Sessions are security and live in real time: moving the sandbox clock signs nobody out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.column import Instant, new_id, one_of
from models.profile import Profile
from models.refusal import Code, Refusal
from models.secret import SecretKind, fingerprint, new_secret

OPENED = action("session.opened", "Signed in")
CLOSED = action("session.closed", "Signed out")
OTHERS_CLOSED = action("session.others_closed", "Signed out everywhere else")


class SessionMethod(StrEnum):
    """How a session was opened."""

    COOKIE = "COOKIE"
    BEARER = "BEARER"
    API_TOKEN = "API_TOKEN"  # noqa: S105 - the name of a method, not a secret


class SessionTransport(StrEnum):
    """How an interactive session is carried."""

    COOKIE = "COOKIE"
    BEARER = "BEARER"


class InvalidCredentials(Refusal):
    """PRO-8. The same answer, at the same cost, for an unknown address and for a wrong password."""

    code = Code.INVALID_CREDENTIALS
    message = "The e-mail address and the password do not match."


class SessionEnded(Exception):
    """PRO-8. The caller's session was ended while the request was under way: nothing more is done."""


class OneOrAllOthers(Refusal):
    """PRO-8. One session and all others were named at once."""

    code = Code.INVALID
    message = "Name one session, or all others, not both."


class Session(SQLModel, table=True):
    """PRO-8. A sign-in. It lives until it expires unused or is ended; its secret is kept only as a hash."""

    __tablename__ = "session"
    __table_args__ = (Index("ix_session_profile", "profile_id", "created_at"),)
    activity_type: ClassVar[str] = "Session"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    profile_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    method: SessionMethod = Field(sa_type=one_of(SessionMethod, "session_method"))
    secret_hash: str = Field(max_length=64, unique=True, repr=False)
    refresh_hash: str | None = Field(default=None, max_length=64, unique=True, repr=False)
    two_factor_at: datetime | None = Field(default=None, sa_type=Instant)
    ip_address: str = Field(max_length=45)
    user_agent: str | None = Field(default=None, max_length=300)
    created_at: datetime = Field(sa_type=Instant)
    last_seen_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    access_expires_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)

    @property
    def owner_id(self) -> UUID:
        return self.profile_id

    def end(self, record: Record) -> None:
        """End it; its secret is refused from the next request on."""
        self.ended_at = record.real_now
        record.happened(CLOSED, self, method=self.method)

    def verified_second_factor(self, record: Record) -> "Opened | None":
        """PRO-5. It has more rights now: a cookie is replaced, so that whoever saw the old one gains nothing.

        The secrets of a bearer session live for minutes, and are replaced when it is renewed: None.
        """
        self.two_factor_at = record.real_now
        if self.method is not SessionMethod.COOKIE:
            return None
        secret = new_secret(SecretKind.COOKIE)
        self.secret_hash = fingerprint(secret)
        return Opened(self, secret, None)


@dataclass(frozen=True, slots=True)
class Opened:
    """A session just opened, with its secrets, which exist nowhere else."""

    session: Session
    secret: str
    refresh: str | None

    def __repr__(self) -> str:
        return f"Opened({self.session.id})"


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long sessions and their tokens last without being used."""

    cookie: timedelta
    access: timedelta
    refresh: timedelta


def open_session(
    record: Record,
    *,
    profile_id: UUID,
    transport: SessionTransport,
    lifetimes: Lifetimes,
    ip_address: str,
    user_agent: str | None,
) -> Opened:
    """PRO-8. A new session; a bearer one has a short access token and a refresh token that outlives it."""
    bearer = transport is SessionTransport.BEARER
    secret = new_secret(SecretKind.ACCESS if bearer else SecretKind.COOKIE)
    refresh = new_secret(SecretKind.REFRESH) if bearer else None
    now = record.real_now
    session = Session(
        profile_id=profile_id,
        method=SessionMethod(transport),
        secret_hash=fingerprint(secret),
        refresh_hash=fingerprint(refresh) if refresh else None,
        ip_address=ip_address,
        user_agent=user_agent[:300] if user_agent else None,
        created_at=now,
        last_seen_at=now,
        expires_at=now + (lifetimes.refresh if bearer else lifetimes.cookie),
        access_expires_at=now + (lifetimes.access if bearer else lifetimes.cookie),
    )
    record.happened(OPENED, session, method=session.method)
    return Opened(session, secret, refresh)


def close_others(profile: Profile, live: Sequence[Session], current: UUID | None, record: Record) -> list[UUID]:
    """PRO-8. End every session of the profile but the current one; answers which."""
    ended = [session.id for session in live if session.id != current]
    record.happened(OTHERS_CLOSED, profile, count=len(ended))
    for session in live:
        if session.id in ended:
            session.end(record)
    return ended


def surplus(open_sessions: Sequence[Session], limit: int) -> list[Session]:
    """Which to end so that one more fits under `limit`: those unused for longest."""
    oldest_first = sorted(open_sessions, key=lambda session: session.last_seen_at)
    return oldest_first[: max(0, len(oldest_first) + 1 - limit)]
