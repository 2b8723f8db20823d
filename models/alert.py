"""ALE-1 to ALE-4. Alerts: what has to be put right, and by when; a mail with each step, and what follows otherwise."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.clock import civil_day, later
from models.column import Instant, json_column, new_id, one_of
from models.profile import SuspensionReason
from models.refusal import Code, Refusal
from models.setting import Figures
from models.standstill import stood_still, stopped
from models.suspension import TEXT_LENGTH

OPENED = action("alert.opened", "An alert was opened")
NOTIFIED = action("alert.notified", "A notice about an alert was sent")
EXTENDED = action("alert.extended", "An alert follows a later invoice, and has the time of that")
RESOLVED = action("alert.resolved", "An alert was resolved")
EXPIRED = action("alert.expired", "An alert was not resolved in time")


class AlertKind(StrEnum):
    """ALE-2. What has to be put right."""

    INACTIVITY = "INACTIVITY"
    NEGATIVE_BALANCE = "NEGATIVE_BALANCE"
    TERMS_VIOLATION = "TERMS_VIOLATION"


class AlertStatus(StrEnum):
    """ALE-1. State of an alert."""

    OPEN = "OPEN"
    RESOLVED = "RESOLVED"
    EXPIRED = "EXPIRED"


class AlertConsequence(StrEnum):
    """ALE-1. What happens at expiry."""

    SUSPENSION = "SUSPENSION"


class Step(StrEnum):
    """ALE-4. What is told on the way, in order."""

    OPENING = "OPENING"
    FIRST_REMINDER = "FIRST_REMINDER"
    SECOND_REMINDER = "SECOND_REMINDER"
    FINAL_WARNING = "FINAL_WARNING"


SUSPENDS: Mapping[AlertKind, SuspensionReason] = {
    AlertKind.INACTIVITY: SuspensionReason.INACTIVITY,
    AlertKind.NEGATIVE_BALANCE: SuspensionReason.UNPAID_BALANCE,
    AlertKind.TERMS_VIOLATION: SuspensionReason.TERMS_VIOLATION,
}
"""ALE-2. For what a profile is suspended where it is not put right in time."""
SHARED = frozenset({AlertKind.NEGATIVE_BALANCE})
"""ALE-3. What others than the owner are concerned with: here whoever holds BILLING."""


class AlertOpen(Refusal):
    """ALE-2. One alert of a kind at a time."""

    code = Code.CONFLICT
    message = "There is such an alert already."


class NoAlert(Refusal):
    """ALE-2. There is nothing to resolve."""

    code = Code.CONFLICT
    message = "There is no such alert."


class Alert(SQLModel, table=True):
    """ALE-1. Something to be put right in time."""

    __tablename__ = "alert"
    __table_args__ = (
        Index("ix_alert_owner", "owner_id", "opened_at", "id"),
        Index("ix_alert_next", "next_at", "id"),
        Index(
            "uq_alert_open",
            "owner_id",
            "kind",
            unique=True,
            sqlite_where=text("status = 'OPEN'"),
            postgresql_where=text("status = 'OPEN'"),
        ),
    )
    activity_type: ClassVar[str] = "Alert"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    kind: AlertKind = Field(sa_type=one_of(AlertKind, "alert_kind"))
    status: AlertStatus = Field(default=AlertStatus.OPEN, sa_type=one_of(AlertStatus, "alert_status"))
    reserved: bool
    """ALE-3. It concerns the owner alone."""
    text: str | None = Field(default=None, max_length=TEXT_LENGTH)
    """What whoever opened it says about it."""
    opened_at: datetime = Field(sa_type=Instant)
    since: datetime = Field(sa_type=Instant)
    """ALE-4. From when its days are counted: its opening, or that of the invoice that it follows."""
    turn: int = 1
    """How many invoices it has followed."""
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    """None until the clock has seen it for the first time, which is at once."""
    told: dict[str, str | None] = Field(default_factory=dict, sa_type=json_column())
    """ALE-4. When which step was told, each once; null where a later one was, since it was late."""
    next_at: datetime | None = Field(default=None, sa_type=Instant)
    """When there is something to tell, or its time is over."""
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    stopped_at: datetime | None = Field(default=None, sa_type=Instant)
    """ALE-4. Since when its days stand still; None while they pass."""
    stops: list[list[str]] = Field(default_factory=list, sa_type=json_column())
    """When they stood still before."""

    def advance(self, record: Record, figures: Figures, readers: Sequence[UUID], **facts: Any) -> bool:
        """ALE-1, ALE-4. Tell `readers` what is due, each step once; whether its time is over, which closes it."""
        due = [step for step, at in self._plan(figures) if at <= record.now and self._key(step) not in self.told]
        if due:
            self._tell(record, figures, due, readers, facts)
        elif self.expires_at is not None and self.expires_at <= record.now:
            self._close(record, AlertStatus.EXPIRED)
            return True
        self.next_at = self._ahead(figures)
        return False

    def stop(self, record: Record) -> None:
        """ALE-4. Money is on its way: nothing is told and nothing is over until it is there, or is not."""
        if self.status is AlertStatus.OPEN and self.stopped_at is None:
            self.stopped_at, self.next_at = record.now, None

    def go_on(self, record: Record, figures: Figures) -> None:
        """ALE-4. Nothing is on its way any more: the days between do not count; what was told is told."""
        if self.stopped_at is None:
            return
        self.stops = stopped(self.stops, self.stopped_at, record.now)
        if self.expires_at is not None:
            missed = max(self.stopped_at, self.since)
            self.expires_at = later(
                self.expires_at, max(record.now - missed, timedelta()), ZoneInfo(figures.billing_zone)
            )
        self.stopped_at, self.next_at = None, self._ahead(figures)

    def follow(self, record: Record, since: datetime) -> None:
        """ALE-4. What it was about is paid, and something later is not: that has the same time, and its own notices."""
        if since > self.since:
            self.since, self.turn = since, self.turn + 1
            self.next_at = record.now if self.stopped_at is None else None

    def resolve(self, record: Record) -> None:
        """ALE-1. Its cause is gone."""
        if self.status is not AlertStatus.OPEN:
            raise NoAlert
        self._close(record, AlertStatus.RESOLVED)

    def _tell(
        self, record: Record, figures: Figures, due: Sequence[Step], readers: Sequence[UUID], facts: Mapping[str, Any]
    ) -> None:
        """Of several that are late the last one is told; nobody's time is over before they had a whole warning."""
        zone, first = ZoneInfo(figures.billing_zone), due[0] is Step.OPENING
        if first and self.turn == 1:
            self.since, due = max(self.since, record.now), due[:1]
        step = due[-1]
        self.told = {**self.told, **{self._key(each): None for each in due}, self._key(step): record.now.isoformat()}
        self.expires_at = self._after(figures.alert_expiry, zone)
        if step is Step.FINAL_WARNING:
            whole = later(record.now, figures.alert_expiry - figures.alert_final_warning, zone)
            self.expires_at = max(self.expires_at, whole)
        on = civil_day(self.expires_at, zone).isoformat()
        if step is Step.OPENING and self.turn > 1:
            record.happened(EXTENDED, self, on=on)
            return
        template = f"alert_{self.kind.lower()}"
        told = {**facts, "step": step, "on": on, "text": self.text, "reader_ids": [str(each) for each in readers]}
        record.happened(NOTIFIED, self, template=template, **told)

    def _plan(self, figures: Figures) -> list[tuple[Step, datetime]]:
        """ALE-4. When each step is due."""
        zone = ZoneInfo(figures.billing_zone)
        return [
            (Step.OPENING, self.since),
            (Step.FIRST_REMINDER, self._after(figures.alert_first_reminder, zone)),
            (Step.SECOND_REMINDER, self._after(figures.alert_second_reminder, zone)),
            (Step.FINAL_WARNING, self._after(figures.alert_final_warning, zone)),
        ]

    def _after(self, delay: timedelta, zone: ZoneInfo) -> datetime:
        """So long after its days began, and by as much later as they stood still."""
        return later(self.since, delay + stood_still(self.stops, self.since), zone)

    def _ahead(self, figures: Figures) -> datetime | None:
        """When there is something to tell next, or its time is over."""
        ahead = [at for step, at in self._plan(figures) if self._key(step) not in self.told]
        return min(ahead, default=self.expires_at)

    def _key(self, step: Step) -> str:
        return f"{self.turn}.{step.value}"

    def _close(self, record: Record, status: AlertStatus) -> None:
        self.status, self.closed_at, self.next_at, self.stopped_at = status, record.now, None, None
        record.happened(EXPIRED if status is AlertStatus.EXPIRED else RESOLVED, self, kind=self.kind)


def open_alert(record: Record, owner_id: UUID, kind: AlertKind, *, text: str | None = None) -> Alert:
    """ALE-1. An alert from now on; the clock tells of it at once, as of each of its steps."""
    opened = Alert(
        owner_id=owner_id,
        kind=kind,
        reserved=kind not in SHARED,
        text=text,
        opened_at=record.now,
        since=record.now,
        next_at=record.now,
    )
    record.happened(OPENED, opened, kind=kind)
    return opened


def reminded(told: Mapping[str, str | None]) -> list[datetime]:
    """ALE-1. When reminders went out, the final warning included."""
    times = [at for key, at in told.items() if at is not None and not key.endswith(Step.OPENING.value)]
    return sorted(map(datetime.fromisoformat, times))
