"""CAT-2. Interventions: work of technicians on a server, in a slot.

What is agreed on when one is scheduled is what is charged, once: when it is done, or cancelled too late.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.charge import Charge
from models.column import Instant, json_column, new_id, one_of
from models.intervention_work import Work, WorkLine, WorkWishes
from models.money import Money
from models.obstacle import Obstacle
from models.opening import Standing, of_standing
from models.permission import Subject
from models.quote import Caution
from models.refusal import Code, Refusal
from models.sandbox import LAST_YEAR
from models.setting import Figures

SCHEDULED = action("intervention.scheduled", "An intervention was scheduled", mail="intervention_scheduled")
DONE = action("intervention.done", "An intervention was done", mail="intervention_done")
CANCELLED = action("intervention.cancelled", "An intervention was cancelled", mail="intervention_cancelled")
LATE = (", cancelled late", ", annulation tardive")


class InterventionStatus(StrEnum):
    """State of an intervention."""

    SCHEDULED = "SCHEDULED"
    DONE = "DONE"
    CANCELLED = "CANCELLED"
    CANCELLED_CHARGED = "CANCELLED_CHARGED"


class SlotOutOfRange(Refusal):
    """CAT-2. A slot lies ahead."""

    code = Code.INVALID
    message = "The slot has to lie ahead, and not beyond what the clock knows."


class SlotTaken(Refusal):
    """CAT-2. One intervention on a server at a time; so one that is sent twice is there once."""

    code = Code.CONFLICT
    message = "An intervention on this server is planned in this slot already."


class QuoteOutdated(Refusal):
    """BIL-14. What the customer agreed on does not count any more."""

    code = Code.CONFLICT
    message = "The customer's quote does not count any more: have them ask for a new one."


class InterventionOver(Obstacle):
    """CAT-2. Done and cancelled is for good, and charged once."""

    message = "The intervention is done, or cancelled."


class SlotBegun(Obstacle):
    """CAT-2. Technicians may be at it: they say what became of it."""

    message = "The slot of the intervention has begun."
    remedy = "Ask our support what became of it."


@dataclass(frozen=True, slots=True)
class CancelSituation:
    """Everything that cancelling depends on, read at one instant."""

    status: InterventionStatus
    scheduled_for: datetime
    lines: tuple[WorkLine, ...]
    """What was agreed on."""
    now: datetime
    standing: Standing | None = None
    """Of the customer who cancels; None where the support team does."""
    by_provider: bool = False
    """The provider does not come."""


@dataclass(frozen=True, slots=True)
class Cancelling:
    """CAT-2. What cancelling comes to."""

    lines: tuple[WorkLine, ...]
    blockers: tuple[Refusal, ...]
    cautions: tuple[Caution, ...] = ()


def decide_cancelling(found: CancelSituation, notice: timedelta) -> Cancelling:
    """CAT-2, BIL-14. Earlier than `notice` before the slot it is free; later it is charged as if it were done."""
    blockers: list[Refusal] = []
    if found.standing is not None:
        blockers += of_standing(found.standing, None, billable=False)
    if found.status is not InterventionStatus.SCHEDULED:
        blockers.append(InterventionOver())
    elif found.standing is not None and found.now >= found.scheduled_for:
        blockers.append(SlotBegun())
    early = found.now < found.scheduled_for - notice
    if early or found.by_provider or found.status is not InterventionStatus.SCHEDULED:
        return Cancelling((), tuple(blockers))
    late = tuple(
        replace(each, label_en=each.label_en + LATE[0], label_fr=each.label_fr + LATE[1]) for each in found.lines
    )
    return Cancelling(late, tuple(blockers), (Caution.CHARGED_ALL_THE_SAME,))


class Intervention(SQLModel, table=True):
    """CAT-2. Work that technicians do on a server, at a price that was agreed on when it was scheduled."""

    __tablename__ = "intervention"
    __table_args__ = (
        Index("ix_intervention_server", "server_id", "scheduled_for", "id"),
        Index("ix_intervention_owner", "owner_id", "status"),
        Index(
            "uq_intervention_slot",
            "server_id",
            "scheduled_for",
            unique=True,
            sqlite_where=text("status = 'SCHEDULED'"),
            postgresql_where=text("status = 'SCHEDULED'"),
        ),
    )
    activity_type: ClassVar[str] = "Intervention"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_id: UUID = Field(foreign_key="profile.id")
    """Who is charged: whose the server was when it was scheduled."""
    server_id: UUID = Field(foreign_key="server.id", ondelete="CASCADE")
    codes: list[str] = Field(default_factory=list, sa_type=json_column())
    lines: list[dict[str, Any]] = Field(default_factory=list, sa_type=json_column())
    """What was agreed on: see `WorkLine.stored`."""
    net_cents: int = Field(sa_type=BigInteger)
    status: InterventionStatus = Field(
        default=InterventionStatus.SCHEDULED, sa_type=one_of(InterventionStatus, "intervention_status")
    )
    scheduled_for: datetime = Field(sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)

    @property
    def subject(self) -> Subject[UUID]:
        return Subject(self.owner_id, server_id=self.server_id)

    def complete(self, record: Record, figures: Figures, reason: str) -> list[Charge]:
        """CAT-2. It was done: what was agreed on is charged."""
        self._close(record, InterventionStatus.DONE)
        record.happened(DONE, self, reason=reason, **told(agreed(self.lines), self.scheduled_for))
        return charges(record, self.owner_id, agreed(self.lines), figures)

    def cancel(self, record: Record, cancelling: Cancelling, figures: Figures, reason: str | None) -> list[Charge]:
        """CAT-2. It is not done: charged all the same where that was decided."""
        for blocker in cancelling.blockers:
            raise blocker
        late = bool(cancelling.lines)
        self._close(record, InterventionStatus.CANCELLED_CHARGED if late else InterventionStatus.CANCELLED)
        record.happened(CANCELLED, self, charged=late, reason=reason, **told(agreed(self.lines), self.scheduled_for))
        return charges(record, self.owner_id, cancelling.lines, figures)

    def _close(self, record: Record, status: InterventionStatus) -> None:
        if self.status is not InterventionStatus.SCHEDULED:
            raise InterventionOver
        self.status, self.closed_at = status, record.now


def schedule(
    record: Record,
    work: Work,
    *,
    owner_id: UUID,
    wishes: WorkWishes,
    scheduled_for: datetime,
    reason: str,
) -> Intervention:
    """CAT-2. Plan work in a slot, at its price of now; the customer is told."""
    for blocker in work.blockers:
        raise blocker
    if not record.now < scheduled_for or scheduled_for.year > LAST_YEAR:
        raise SlotOutOfRange().at("scheduled_for")
    planned = Intervention(
        owner_id=owner_id,
        server_id=wishes.server_id,
        codes=list(wishes.codes),
        lines=[line.stored for line in work.lines],
        net_cents=sum(line.net_cents for line in work.lines),
        scheduled_for=scheduled_for,
        created_at=record.now,
    )
    record.happened(SCHEDULED, planned, reason=reason, **told(work.lines, scheduled_for))
    return planned


def agreed(stored: Sequence[Mapping[str, Any]]) -> tuple[WorkLine, ...]:
    """What was agreed on, as an intervention keeps it."""
    return tuple(WorkLine(**each) for each in stored)


def told(lines: Sequence[WorkLine], scheduled_for: datetime) -> dict[str, Any]:
    """What mails tell of an intervention."""
    return {
        "work": {
            "en": "; ".join(line.label_en for line in lines),
            "fr": "; ".join(line.label_fr for line in lines),
        },
        "price": str(Money(sum(line.net_cents for line in lines)).amount),
        "slot": scheduled_for.isoformat(),
    }


def charges(record: Record, owner_id: UUID, lines: Sequence[WorkLine], figures: Figures) -> list[Charge]:
    """BIL-2. What is charged now for work, to be invoiced with what else is ordered."""
    return [
        Charge(
            owner_id=owner_id,
            kind=line.kind,
            label_en=line.label_en,
            label_fr=line.label_fr,
            quantity=line.quantity,
            unit_cents=line.unit_cents,
            net_cents=line.net_cents,
            explanation=line.explanation,
            ordered_at=record.now,
            due_at=record.now + figures.invoice_delay,
        )
        for line in lines
    ]
