"""PRO-12, PRO-13. Suspensions: why a profile is suspended, since when, and when it is deleted unless that is lifted.

There may be several at once, one for each reason; the profile bears what is told of the one that began first.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.clock import civil_day, later
from models.column import Instant, json_column, new_id, one_of
from models.profile import Profile, SuspensionReason
from models.refusal import Code, Refusal
from models.setting import Figures

SUSPENDED = action("profile.suspended", "The profile was suspended", mail="profile_suspended")
LIFTED = action("profile.suspension_lifted", "A suspension was lifted", mail="suspension_lifted")
DELETION_ANNOUNCED = action(
    "profile.deletion_announced", "The deletion of the suspended profile was announced", mail="deletion_warning"
)
TEXT_LENGTH = 2_000
"""Characters of what is told to who is suspended."""


class Breach(StrEnum):
    """PRO-12. What people suspend for, and lift."""

    ILLICIT_CONTENT = "ILLICIT_CONTENT"
    TERMS_VIOLATION = "TERMS_VIOLATION"

    @property
    def reason(self) -> SuspensionReason:
        """The cause that it is."""
        return SuspensionReason(self.value)


class AlreadySuspended(Refusal):
    """PRO-12. One suspension for each reason."""

    code = Code.CONFLICT
    message = "The profile is suspended for this reason already."


class NotSuspended(Refusal):
    """PRO-12. There is nothing to lift."""

    code = Code.CONFLICT
    message = "The profile is not suspended for this reason."


class TextMissing(Refusal):
    """PRO-12. Whoever is suspended by somebody is told why."""

    code = Code.REQUIRED
    message = "Say what it is about: the customer reads it."


class TextTooLong(Refusal):
    """PRO-12. It is read in a mail."""

    code = Code.INVALID
    message = "This is too long for a mail."


class Notice(StrEnum):
    """PRO-13. What is told before the deletion."""

    FIRST = "FIRST"
    LAST = "LAST"


class Suspension(SQLModel, table=True):
    """PRO-12. One cause for which a profile is suspended, or was."""

    __tablename__ = "suspension"
    __table_args__ = (
        Index("ix_suspension_owner", "owner_id", "id"),
        Index("ix_suspension_next", "next_at", "id"),
        Index(
            "uq_suspension_open",
            "owner_id",
            "reason",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    reason: SuspensionReason = Field(sa_type=one_of(SuspensionReason, "suspension_cause"))
    text: str | None = Field(default=None, max_length=TEXT_LENGTH)
    """What whoever suspended it said to the customer."""
    since: datetime = Field(sa_type=Instant)
    deletion_at: datetime = Field(sa_type=Instant)
    alert_id: UUID | None = None
    """The alert that it follows from."""
    told: dict[str, str] = Field(default_factory=dict, sa_type=json_column())
    """PRO-13. When which warning was given; each once."""
    next_at: datetime | None = Field(default=None, sa_type=Instant)
    """When there is something to tell again."""
    lifted_at: datetime | None = Field(default=None, sa_type=Instant)

    def warn(self, record: Record, profile: Profile, figures: Figures) -> None:
        """PRO-13. Tell of the deletion to come; of warnings that are late only the last one."""
        plan = _warnings(self.deletion_at, figures)
        due = [each for each, at in plan if at <= record.now and each not in self.told]
        if due:
            self.told = {**self.told, **{each.value: record.now.isoformat() for each in due}}
            record.happened(DELETION_ANNOUNCED, profile, **self._facts(figures), warning=due[-1])
        self.next_at = next((at for each, at in plan if each not in self.told), None)

    def lift(self, record: Record, profile: Profile, others: Sequence["Suspension"]) -> None:
        """PRO-12. It is over; the profile is suspended as long as there are others."""
        if self.lifted_at is not None:
            raise NotSuspended
        self.lifted_at, self.next_at = record.now, None
        bear(profile, others)
        record.happened(LIFTED, profile, reason=self.reason, others=len(others))

    def _facts(self, figures: Figures) -> dict[str, Any]:
        """What mails tell of it."""
        day = civil_day(self.deletion_at, ZoneInfo(figures.billing_zone))
        return {"reason": self.reason, "text": self.text, "on": day.isoformat()}


def suspend(
    record: Record,
    profile: Profile,
    reason: SuspensionReason,
    others: Sequence[Suspension],
    figures: Figures,
    *,
    text: str | None = None,
    alert_id: UUID | None = None,
) -> Suspension:
    """PRO-12, PRO-13. Suspend a profile beside `others` that are in force; what follows for what it owns, others do."""
    if any(each.reason is reason for each in others):
        raise AlreadySuspended
    deletion_at = later(record.now, figures.suspension_deletion, ZoneInfo(figures.billing_zone))
    begun = Suspension(
        owner_id=profile.id,
        reason=reason,
        text=text,
        since=record.now,
        deletion_at=deletion_at,
        alert_id=alert_id,
        next_at=_warnings(deletion_at, figures)[0][1],
    )
    bear(profile, [*others, begun])
    record.happened(SUSPENDED, profile, **begun._facts(figures))
    return begun


def checked_text(text: str, path: str = "text") -> str:
    """PRO-12. What is told to the customer."""
    if not text.strip():
        raise TextMissing().at(path)
    if len(text) > TEXT_LENGTH:
        raise TextTooLong().at(path)
    return text.strip()


def bear(profile: Profile, suspensions: Sequence[Suspension]) -> None:
    """PRO-12. The profile says of which one it is deleted first; without any it is in use again."""
    first = min(suspensions, key=lambda each: (each.deletion_at, each.id), default=None)
    profile.suspended_at = first.since if first else None
    profile.suspension_reason = first.reason if first else None
    profile.deletion_at = first.deletion_at if first else None
    profile.suspension_alert_id = first.alert_id if first else None


def _warnings(deletion_at: datetime, figures: Figures) -> list[tuple[Notice, datetime]]:
    """PRO-13. When which warning is due, in order."""
    zone = ZoneInfo(figures.billing_zone)
    return [
        (Notice.FIRST, later(deletion_at, -figures.deletion_first_warning, zone)),
        (Notice.LAST, later(deletion_at, -figures.deletion_last_warning, zone)),
    ]
