"""ALE-2. Migrations: what the provider changes about an account or a server, on a day, or before where asked to."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.alert import About
from models.clock import civil_day, later
from models.column import Instant, new_id, one_of
from models.permission import Subject
from models.provisioning import Operation, Outcome, ProvisioningTask
from models.refusal import Code, Refusal
from models.setting import Figures

SCHEDULED = action("migration.scheduled", "A migration was scheduled")
CANCELLED = action("migration.cancelled", "A migration was given up")
STARTED = action("migration.started", "A migration is being applied")
APPLIED = action("migration.applied", "A migration was applied")
FAILED = action("migration.failed", "A migration could not be applied yet")
WAITS = action("migration.waits", "A migration waits until something else is done")
LONGEST = timedelta(days=731)
SUMMARY_LENGTH = 2000


class MigrationStatus(StrEnum):
    """State of a migration."""

    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    APPLIED = "APPLIED"


class AlreadyScheduled(Refusal):
    """ALE-2. One migration at a time."""

    code = Code.CONFLICT
    message = "A migration is scheduled for this already."


class MigrationUnderWay(Refusal):
    """ALE-2. It is applied once."""

    code = Code.CONFLICT
    message = "This migration is being applied at the moment."


class MigrationApplied(Refusal):
    """ALE-2. There is nothing left to do."""

    code = Code.CONFLICT
    message = "This migration was applied before."


class NotToCome(Refusal):
    """ALE-2. Whoever is concerned has a day to read about it."""

    code = Code.INVALID
    message = "A migration is scheduled for a day to come, within two years."


class Migration(SQLModel, table=True):
    """ALE-2. One migration of an account, or of a server."""

    __tablename__ = "migration"
    __table_args__ = (
        Index(
            "uq_migration_account",
            "account_id",
            unique=True,
            sqlite_where=text("account_id IS NOT NULL AND status <> 'APPLIED'"),
            postgresql_where=text("account_id IS NOT NULL AND status <> 'APPLIED'"),
        ),
        Index(
            "uq_migration_server",
            "server_id",
            unique=True,
            sqlite_where=text("server_id IS NOT NULL AND status <> 'APPLIED'"),
            postgresql_where=text("server_id IS NOT NULL AND status <> 'APPLIED'"),
        ),
        Index("ix_migration_account", "account_id"),
        Index("ix_migration_server", "server_id"),
        Index("ix_migration_owner", "owner_id"),
        Index("ix_migration_retry", "retry_at", "id"),
    )
    activity_type: ClassVar[str] = "Migration"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    account_id: UUID | None = Field(default=None, foreign_key="account.id", ondelete="CASCADE")
    server_id: UUID | None = Field(default=None, foreign_key="server.id", ondelete="CASCADE")
    name: str = Field(max_length=80)
    """What the account or the server is called."""
    status: MigrationStatus = Field(
        default=MigrationStatus.SCHEDULED, sa_type=one_of(MigrationStatus, "migration_status")
    )
    scheduled_for: date
    summary: str = Field(max_length=SUMMARY_LENGTH)
    retry_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it is applied again by itself, after it failed on its day."""

    @property
    def subject(self) -> Subject[UUID]:
        return Subject(self.owner_id, account_id=self.account_id, server_id=self.server_id)

    @property
    def about(self) -> About:
        """What its alert is about."""
        return About("Migration", self.id, self.id, self.name, self.account_id, self.server_id, self.scheduled_for)

    def start(self, record: Record) -> ProvisioningTask:
        """ALE-2. Ask for it, once."""
        self._check()
        self.status, self.retry_at = MigrationStatus.RUNNING, None
        asked = ProvisioningTask(
            account_id=self.account_id,
            server_id=self.server_id,
            operation=Operation.MIGRATE,
            name=self.name,
            migration_id=self.id,
            asked_at=record.now,
        )
        record.happened(STARTED, self, name=self.name, task_id=asked.id)
        return asked

    def settle(self, record: Record, outcome: Outcome, figures: Figures, *, awaited: bool, readers: list[str]) -> None:
        """ALE-2. What the answer makes of it. What failed after its day is tried again by itself; before, on its day.

        `awaited` says that its day is still to come.
        """
        done = outcome is Outcome.DONE
        self.status = MigrationStatus.APPLIED if done else MigrationStatus.SCHEDULED
        zone = ZoneInfo(figures.billing_zone)
        on = self.scheduled_for
        if not done and not awaited:
            self.retry_at = later(record.now, figures.migration_retry, zone)
            on = civil_day(self.retry_at, zone)
        told: dict[str, Any] = {"name": self.name, "text": self.summary, "on": on.isoformat(), "reader_ids": readers}
        template = "migration_applied" if done else "migration_failed"
        record.happened(APPLIED if done else FAILED, self, template=template, **told)

    def wait(self, record: Record, figures: Figures) -> None:
        """ALE-2. Something is in the way on its day: it is looked at again."""
        self.retry_at = later(record.now, figures.migration_retry, ZoneInfo(figures.billing_zone))
        record.happened(WAITS, self, name=self.name)

    def cancel(self, record: Record) -> None:
        """ALE-2. It is given up; what is under way is not."""
        self._check()
        record.happened(CANCELLED, self, name=self.name)

    def _check(self) -> None:
        if self.status is MigrationStatus.RUNNING:
            raise MigrationUnderWay
        if self.status is MigrationStatus.APPLIED:
            raise MigrationApplied


def schedule(
    record: Record,
    figures: Figures,
    *,
    owner_id: UUID,
    name: str,
    summary: str,
    scheduled_for: date,
    account_id: UUID | None = None,
    server_id: UUID | None = None,
) -> Migration:
    """ALE-2. A migration to be applied after a day, which is to come."""
    ahead = scheduled_for - civil_day(record.now, ZoneInfo(figures.billing_zone))
    if not timedelta(0) < ahead <= LONGEST:
        raise NotToCome().at("scheduled_for")
    made = Migration(
        owner_id=owner_id,
        account_id=account_id,
        server_id=server_id,
        name=name,
        summary=summary,
        scheduled_for=scheduled_for,
    )
    record.happened(SCHEDULED, made, name=name)
    return made
