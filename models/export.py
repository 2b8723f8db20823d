"""PRO-10. Exports: everything that is held about a profile, as JSON in a ZIP, made by the worker."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Index, Table
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.column import Instant, new_id, one_of
from models.refusal import Code, Refusal

ASKED = action("export.asked", "An export of the data was asked for")
READY = action("export.ready", "The export of the data is ready", mail="data_export_ready")
FAILED = action("export.failed", "The export of the data could not be made", mail="data_export_failed")
SECRETS = frozenset(
    {
        "client_secret",
        "code_hash",
        "password_hash",
        "redirect_url",
        "refresh_hash",
        "sealed_password",
        "sealed_secret",
        "secret_hash",
        "token",
    }
)
"""Columns that are of no use to whose they are, and of much to others."""


class ExportStatus(StrEnum):
    """PRO-10. State of an export."""

    RUNNING = "RUNNING"
    READY = "READY"
    FAILED = "FAILED"


class ExportUnderWay(Refusal):
    """PRO-10. One at a time."""

    code = Code.CONFLICT
    message = "An export is being made already: its link comes by mail."


class ExportThere(Refusal):
    """PRO-10. One a day: each may be large."""

    code = Code.CONFLICT
    message = "An export was made a moment ago: download that one, or ask again tomorrow."


class Export(SQLModel, table=True):
    """PRO-10. An archive that was asked for; its bytes are kept outside of the database, under its id."""

    __tablename__ = "data_export"
    __table_args__ = (
        Index("ix_data_export_owner", "owner_id", "id"),
        Index("ix_data_export_lease", "status", "lease_until", "id"),
        Index("ix_data_export_expiry", "expires_at", "id"),
    )
    activity_type: ClassVar[str] = "Export"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    status: ExportStatus = Field(default=ExportStatus.RUNNING, sa_type=one_of(ExportStatus, "export_status"))
    asked_at: datetime = Field(sa_type=Instant)
    """Real time, as the others."""
    attempts: int = 0
    lease_until: datetime = Field(sa_type=Instant)
    """Until then a worker has it; nobody, where that is over."""
    byte_size: int | None = None
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the file is removed, and the row with it."""

    def ready(self, record: Record, byte_size: int, expires_at: datetime) -> None:
        """PRO-10. The archive is there, for a while."""
        self.status, self.byte_size, self.expires_at = ExportStatus.READY, byte_size, expires_at
        record.happened(READY, self, bytes=byte_size)

    def fail(self, record: Record, expires_at: datetime) -> None:
        """PRO-10. It could not be made."""
        self.status, self.expires_at = ExportStatus.FAILED, expires_at
        record.happened(FAILED, self)


@dataclass(frozen=True, slots=True)
class Part:
    """PRO-10. A table as a file of the archive: whose rows are by `columns`, or by those of what they refer to."""

    rows: Table
    columns: Sequence[str] = ("owner_id",)
    parent: "tuple[str, Table] | None" = None
    """The column that refers to another table's id, which has `columns`."""

    @property
    def name(self) -> str:
        return f"{self.rows.name}.json"

    @property
    def shown(self) -> Iterator[Any]:
        """The columns that are told, in their order."""
        return (column for column in self.rows.columns if column.name not in SECRETS)


def export_asked(record: Record, owner_id: UUID, *, recent: Collection[ExportStatus]) -> Export:
    """PRO-10. An archive to be made. Raises ExportUnderWay and ExportThere."""
    if ExportStatus.RUNNING in recent:
        raise ExportUnderWay
    if recent:
        raise ExportThere
    asked = Export(owner_id=owner_id, asked_at=record.real_now, lease_until=record.real_now)
    record.happened(ASKED, asked)
    return asked
