"""Section 14. What one member of the staff asks for and another one has to approve: dangerous things, for a while.

A row holds what is to be done and its arguments. It is carried out in the transaction of its approval, or never.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.activity import Action, Record, action
from models.column import Instant, json_column, new_id, one_of
from models.profile import Profile
from models.refusal import Code, Refusal
from models.staff import REASON_LENGTH, StaffRole

ASKED = action("approval.asked", "The support team asked for a change that a second member approves")
GRANTED = action("approval.granted", "A second member of the support team approved the change")
REFUSED = action("approval.refused", "A second member of the support team refused the change")


class Dangerous(StrEnum):
    """Section 14. What nobody does alone."""

    EMAIL_CHANGE = "EMAIL_CHANGE"
    TWO_FACTOR_OFF = "TWO_FACTOR_OFF"
    IP_ALLOWLIST_CLEAR = "IP_ALLOWLIST_CLEAR"


class ApprovalStatus(StrEnum):
    """Section 14. Where a request for approval is; one that nobody decides in time is expired."""

    PENDING = "PENDING"
    GRANTED = "GRANTED"
    REFUSED = "REFUSED"


class AskedYourself(Refusal):
    """Section 14. It takes two."""

    code = Code.CONFLICT
    message = "You asked for it yourself: somebody else of the staff has to decide."


class DecidedAlready(Refusal):
    """Section 14. Each is decided once."""

    code = Code.CONFLICT
    message = "This was decided already."


class ApprovalExpired(Refusal):
    """Section 14. Nobody decided in time."""

    code = Code.EXPIRED
    message = "Nobody decided in time: it has to be asked for again."


class AskerGone(Refusal):
    """Section 14. Whoever asked has not the role any more."""

    code = Code.CONFLICT
    message = "Whoever asked for it has not the role for it any more: somebody else has to ask again."


class OneAtATime(Refusal):
    """Section 14. The same is asked for once."""

    code = Code.CONFLICT
    message = "This waits for an approval already."


class Approval(SQLModel, table=True):
    """Section 14. Something dangerous that waits for a second member of the staff, or did."""

    __tablename__ = "approval"
    __table_args__ = (
        Index("ix_approval_status", "status", "expires_at", "id"),
        Index("ix_approval_subject", "subject_id"),
        Index("ix_approval_owner", "owner_id"),
    )
    activity_type: ClassVar[str] = "Approval"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    what: Dangerous = Field(sa_type=one_of(Dangerous, "approval_what"))
    role: StaffRole = Field(sa_type=one_of(StaffRole, "approval_role"))
    """Whose it is to ask and to approve."""
    owner_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    """The customer."""
    subject_id: UUID
    """What it is part of: a case."""
    arguments: dict[str, str] = Field(default_factory=dict, sa_type=json_column())
    status: ApprovalStatus = Field(default=ApprovalStatus.PENDING, sa_type=one_of(ApprovalStatus, "approval_status"))
    asked_by: UUID
    reason: str = Field(max_length=REASON_LENGTH)
    asked_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    decided_by: UUID | None = None
    decided_at: datetime | None = Field(default=None, sa_type=Instant)

    def waits(self, real_now: datetime) -> bool:
        """Whether it can still be decided."""
        return self.status is ApprovalStatus.PENDING and real_now < self.expires_at

    def grant(self, record: Record, customer: Profile, by: UUID, *, asker_may: bool) -> None:
        """Section 14. A second member approves; whoever calls carries it out in this transaction, or nothing is done.

        `asker_may` says whether whoever asked still has the role.
        """
        self._decide(record, by)
        if not asker_may:
            raise AskerGone
        self.status = ApprovalStatus.GRANTED
        record.happened(GRANTED, customer, what=self.what, **_told(GRANTED, self.what))

    def refuse(self, record: Record, customer: Profile, by: UUID) -> None:
        """Section 14. A second member says no."""
        self._decide(record, by)
        self.status = ApprovalStatus.REFUSED
        record.happened(REFUSED, customer, what=self.what, **_told(REFUSED, self.what))

    def _decide(self, record: Record, by: UUID) -> None:
        if self.status is not ApprovalStatus.PENDING:
            raise DecidedAlready
        if not self.waits(record.real_now):
            raise ApprovalExpired
        if by == self.asked_by:
            raise AskedYourself
        self.decided_by, self.decided_at = by, record.real_now


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks approval for."""

    what: Dangerous
    role: StaffRole
    subject_id: UUID
    arguments: dict[str, str]


def ask(record: Record, customer: Profile, by: UUID, wish: Wish, lifetime: timedelta) -> Approval:
    """Section 14. A request for approval, which ends by itself."""
    record.happened(ASKED, customer, what=wish.what, **_told(ASKED, wish.what))
    return Approval(
        what=wish.what,
        role=wish.role,
        owner_id=customer.id,
        subject_id=wish.subject_id,
        arguments=wish.arguments,
        asked_by=by,
        reason=record.author.reason or "",
        asked_at=record.real_now,
        expires_at=record.real_now + lifetime,
    )


MAILED: frozenset[Dangerous] = frozenset(Dangerous)
"""PRO-7. Of what the customer is mailed each step."""


def _told(done: Action, what: Dangerous) -> dict[str, Any]:
    return {"template": "access_recovery_step", "step": done.code} if what in MAILED else {}
