"""ALE-1 to ALE-4. Alerts: what has to be put right, and by when; a mail with each step, and what follows otherwise."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.alert_course import Course, Step, from_opening, towards
from models.clock import civil_day, later
from models.column import Instant, json_column, new_id, one_of
from models.permission import AccountPermission, OverallPermission, ServerPermission, Subject, mask_of
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
LABEL_LENGTH = 260


class AlertKind(StrEnum):
    """ALE-2. What has to be put right."""

    INACTIVITY = "INACTIVITY"
    NEGATIVE_BALANCE = "NEGATIVE_BALANCE"
    DOMAIN_EXPIRY = "DOMAIN_EXPIRY"
    DOMAIN_RENEWAL_FUNDS = "DOMAIN_RENEWAL_FUNDS"
    CARD_EXPIRY = "CARD_EXPIRY"
    MIGRATION_SCHEDULED = "MIGRATION_SCHEDULED"
    TERMS_VIOLATION = "TERMS_VIOLATION"


class AlertStatus(StrEnum):
    """ALE-1. State of an alert."""

    OPEN = "OPEN"
    RESOLVED = "RESOLVED"
    EXPIRED = "EXPIRED"


class AlertConsequence(StrEnum):
    """ALE-1. What happens at expiry."""

    NONE = "NONE"
    SUSPENSION = "SUSPENSION"
    DOMAIN_LOSS = "DOMAIN_LOSS"
    MIGRATION_APPLIED = "MIGRATION_APPLIED"


SUSPENDS: Mapping[AlertKind, SuspensionReason] = {
    AlertKind.INACTIVITY: SuspensionReason.INACTIVITY,
    AlertKind.NEGATIVE_BALANCE: SuspensionReason.UNPAID_BALANCE,
    AlertKind.TERMS_VIOLATION: SuspensionReason.TERMS_VIOLATION,
}
"""ALE-2. For what a profile is suspended where it is not put right in time."""
CONSEQUENCES: Mapping[AlertKind, AlertConsequence] = {
    **dict.fromkeys(SUSPENDS, AlertConsequence.SUSPENSION),
    AlertKind.DOMAIN_EXPIRY: AlertConsequence.DOMAIN_LOSS,
    AlertKind.DOMAIN_RENEWAL_FUNDS: AlertConsequence.NONE,
    AlertKind.CARD_EXPIRY: AlertConsequence.NONE,
    AlertKind.MIGRATION_SCHEDULED: AlertConsequence.MIGRATION_APPLIED,
}
"""ALE-2. What happens at expiry."""
BILLING = mask_of(OverallPermission.BILLING)
CONTACT = mask_of(AccountPermission.TECHNICAL_CONTACT, ServerPermission.TECHNICAL_CONTACT)
REMINDERS: Mapping[AlertKind, Callable[[Figures], Sequence[tuple[Step, timedelta]]]] = {
    AlertKind.CARD_EXPIRY: lambda figures: [(Step.FIRST_REMINDER, figures.card_expiry_reminder)],
    AlertKind.DOMAIN_EXPIRY: lambda figures: [
        (Step.FIRST_REMINDER, figures.domain_first_reminder),
        (Step.SECOND_REMINDER, figures.domain_second_reminder),
        (Step.FINAL_WARNING, figures.domain_final_warning),
    ],
    AlertKind.DOMAIN_RENEWAL_FUNDS: lambda figures: [
        (Step.FIRST_REMINDER, figures.domain_second_reminder),
        (Step.SECOND_REMINDER, figures.domain_final_warning),
    ],
    AlertKind.MIGRATION_SCHEDULED: lambda figures: [
        (Step.FIRST_REMINDER, figures.migration_reminder),
        (Step.FINAL_WARNING, figures.migration_final_warning),
    ],
}
"""ALE-1. How long before a day is over what is told of what ends or happens then."""
CONCERNED: Mapping[AlertKind, int] = {
    AlertKind.INACTIVITY: 0,
    AlertKind.NEGATIVE_BALANCE: BILLING,
    AlertKind.DOMAIN_EXPIRY: BILLING | CONTACT,
    AlertKind.DOMAIN_RENEWAL_FUNDS: BILLING,
    AlertKind.CARD_EXPIRY: BILLING,
    AlertKind.MIGRATION_SCHEDULED: CONTACT,
    AlertKind.TERMS_VIOLATION: 0,
}
"""ALE-3. Whom it concerns beside the owner: the bits of the permissions of which one suffices."""


@dataclass(frozen=True, slots=True)
class About:
    """What an alert is about, where that is not the profile itself."""

    type_name: str
    """Its type in the API."""
    id: UUID
    cause_id: UUID
    """What there is one alert of a kind for."""
    label: str | None = None
    """What people call it."""
    account_id: UUID | None = None
    server_id: UUID | None = None
    on: date | None = None
    """The day on which it ends, or happens."""


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
            "cause_id",
            unique=True,
            sqlite_where=text("status = 'OPEN'"),
            postgresql_where=text("status = 'OPEN'"),
        ),
        Index("ix_alert_account", "account_id", "opened_at", "id"),
        Index("ix_alert_server", "server_id"),
    )
    activity_type: ClassVar[str] = "Alert"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    kind: AlertKind = Field(sa_type=one_of(AlertKind, "alert_kind"))
    status: AlertStatus = Field(default=AlertStatus.OPEN, sa_type=one_of(AlertStatus, "alert_status"))
    concerned: int = Field(sa_type=BigInteger)
    """ALE-3. The bits of the permissions of which one shows it to others than the owner."""
    about_type: str = Field(max_length=40)
    about_id: UUID
    cause_id: UUID
    """What it is about: one alert of a kind is open for each."""
    account_id: UUID | None = Field(default=None, foreign_key="account.id", ondelete="SET NULL")
    server_id: UUID | None = Field(default=None, foreign_key="server.id", ondelete="SET NULL")
    label: str | None = Field(default=None, max_length=LABEL_LENGTH)
    """What people call what it is about."""
    due_on: date | None = None
    """The day on which that ends, or happens."""
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

    @property
    def subject(self) -> Subject[UUID]:
        return Subject(self.owner_id, self.account_id, self.server_id, concerned=self.concerned)

    def advance(self, record: Record, figures: Figures, readers: Sequence[UUID], **facts: Any) -> bool:
        """ALE-1, ALE-4. Tell `readers` what is due, each step once; whether its time is over, which closes it."""
        course = self._course(figures)
        due = [step for step, at in course.steps if at <= record.now and self._key(step) not in self.told]
        if due and not course.over(record.now):
            self._tell(record, figures, due, readers, facts)
        elif course.over(record.now) or (self.expires_at is not None and self.expires_at <= record.now):
            self._close(record, AlertStatus.EXPIRED)
            return True
        self._plan(record, figures)
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
        self.stopped_at = None
        self._plan(record, figures)

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

    def move(self, record: Record, on: date, figures: Figures) -> None:
        """ALE-1. What it is about ends on another day than was known; what was told is not told again."""
        if on != self.due_on:
            self.due_on = on
            self.expires_at = self._course(figures).expires_at
            self._plan(record, figures)

    def expire(self, record: Record) -> None:
        """ALE-1. What it warned of came before its time was over."""
        self._close(record, AlertStatus.EXPIRED)

    def lose(self, record: Record, readers: Sequence[UUID], **facts: Any) -> None:
        """ALE-2. What it warned of has come: that is told as well."""
        on = self.due_on.isoformat() if self.due_on else None
        told = {**facts, "on": on, "reader_ids": [str(each) for each in readers]}
        record.happened(NOTIFIED, self, template="domain_lost", about=self.label, **told)

    def pause(self) -> None:
        """ALE-2. What it is about is being done: nothing is told, and nothing follows, until that is answered."""
        self.next_at = None

    def resume(self, record: Record, figures: Figures) -> None:
        """ALE-2. It was not done."""
        self._plan(record, figures)

    def _tell(
        self, record: Record, figures: Figures, due: Sequence[Step], readers: Sequence[UUID], facts: Mapping[str, Any]
    ) -> None:
        """Of several that are late the last one is told; nobody's time is over before they had a whole warning."""
        first = due[0] is Step.OPENING and self.turn == 1
        if first and self.due_on is None:
            self.since, due = max(self.since, record.now), due[:1]
        step = due[0] if first else due[-1]
        self.told = {**self.told, **{self._key(each): None for each in due}, self._key(step): record.now.isoformat()}
        self.expires_at = self._course(figures).until(due[-1], record.now, figures)
        on = self._day(figures).isoformat()
        if step is Step.OPENING and self.turn > 1:
            record.happened(EXTENDED, self, on=on)
            return
        template = f"alert_{self.kind.lower()}"
        told = {**facts, "step": step, "on": on, "text": self.text, "reader_ids": [str(each) for each in readers]}
        record.happened(NOTIFIED, self, template=template, about=self.label, **told)

    def _plan(self, record: Record, figures: Figures) -> None:
        """When there is something to tell again, or to end: from now on."""
        ahead = [at for step, at in self._course(figures).steps if self._key(step) not in self.told]
        at = min(ahead, default=self.expires_at)
        self.next_at = max(at, record.now) if at is not None else None

    def _day(self, figures: Figures) -> date:
        """The day that is told: that on which something ends or happens, else that by which to put it right."""
        zone = ZoneInfo(figures.billing_zone)
        if self.expires_at is None:
            return self.due_on or civil_day(self.since, zone)
        if self.due_on is None:
            return civil_day(self.expires_at, zone)
        return max(self.due_on, civil_day(self.expires_at - timedelta(seconds=1), zone))

    def _course(self, figures: Figures) -> Course:
        """ALE-1. When each step is due; one towards a day tells nothing that was due before its opening."""
        if self.due_on is None:
            return from_opening(self.since, figures, stood_still(self.stops, self.since))
        reminders = REMINDERS[self.kind](figures)
        whole = figures.migration_final_warning if self.kind is AlertKind.MIGRATION_SCHEDULED else None
        expires = CONSEQUENCES[self.kind] is not AlertConsequence.NONE
        return towards(self.since, self.due_on, reminders, figures, expires=expires, whole=whole)

    def _key(self, step: Step) -> str:
        return f"{self.turn}.{step.value}"

    def _close(self, record: Record, status: AlertStatus) -> None:
        self.status, self.closed_at, self.next_at, self.stopped_at = status, record.now, None, None
        record.happened(EXPIRED if status is AlertStatus.EXPIRED else RESOLVED, self, kind=self.kind)


def open_alert(
    record: Record, owner_id: UUID, kind: AlertKind, *, text: str | None = None, about: About | None = None
) -> Alert:
    """ALE-1. An alert from now on; the clock tells of it at once, as of each of its steps."""
    about = about or About("Profile", owner_id, owner_id)
    opened = Alert(
        owner_id=owner_id,
        kind=kind,
        concerned=CONCERNED[kind],
        about_type=about.type_name,
        about_id=about.id,
        cause_id=about.cause_id,
        account_id=about.account_id,
        server_id=about.server_id,
        label=about.label,
        due_on=about.on,
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
