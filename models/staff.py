"""Section 14. The provider's own people: profiles with roles, who sign in like anyone and act at `/staff/graphql`.

`decide_desk` is the only place that says who may do something there: whoever has the role, or another service whose
credential has the scope.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.column import Instant, new_id, one_of
from models.permission import OverallPermission, mask_of
from models.profile import Profile
from models.refusal import Code, Refusal
from models.viewer import NOTHING_GRANTED, Viewer

GRANTED = action("staff_role.granted", "A role of the provider’s staff was given")
REVOKED = action("staff_role.revoked", "A role of the provider’s staff was taken back")
REASON_LENGTH = 500
"""Characters of a reason."""


class StaffRole(StrEnum):
    """Section 14. What somebody of the staff is there for."""

    SUPPORT = "SUPPORT"
    BILLING = "BILLING"
    ABUSE = "ABUSE"
    ADMIN = "ADMIN"


ROLES: Mapping[str, StaffRole] = {
    "SUPPORT": StaffRole.SUPPORT,
    "PROVISIONING": StaffRole.SUPPORT,
    "PAYMENTS": StaffRole.BILLING,
    "ABUSE": StaffRole.ABUSE,
}
"""Section 14. Whose role does as well as the scope of a service; what is not here, only services ask."""


class ReasonMissing(Refusal):
    """Section 14. Whoever of the staff acts says why."""

    code = Code.REQUIRED
    message = "Say why: it stands in the customer’s history."


@dataclass(eq=False)
class ReasonTooLong(Refusal):
    """Section 14. It is one line of a history."""

    code = Code.INVALID
    message = "A reason has at most {limit} characters."
    limit: int


class OwnProfile(Refusal):
    """Section 14. Nobody of the staff acts on a profile of their own."""

    code = Code.INVALID
    message = "This profile is yours, or you act for it: somebody else of the staff has to do it."


class NoRole(Refusal):
    """Section 14. There is nothing to take back."""

    code = Code.CONFLICT
    message = "The profile has no such role."


class RoleThere(Refusal):
    """Section 14. A role is given once."""

    code = Code.CONFLICT
    message = "The profile has this role already."


class NotAtDesk(Exception):
    """Section 14. A session that is good for the customers' area, and not here. `reason` says what it lacks."""

    def __init__(self, reason: "Lack") -> None:
        super().__init__(reason)
        self.reason = reason


class Lack(StrEnum):
    """Section 14. What keeps a session from the desk."""

    ROLE = "ROLE"
    TWO_FACTOR = "TWO_FACTOR"


class StaffMember(SQLModel, table=True):
    """Section 14. One role of one profile."""

    __tablename__ = "staff_role"
    __table_args__ = (UniqueConstraint("profile_id", "role", name="uq_staff_role_profile_id_role"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    profile_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    role: StaffRole = Field(sa_type=one_of(StaffRole, "staff_role_name"))
    since: datetime = Field(sa_type=Instant)


def give_role(record: Record, profile: Profile, role: StaffRole) -> StaffMember:
    """Section 14. From now on this profile may do at the desk what the role is for."""
    record.happened(GRANTED, profile, role=role)
    return StaffMember(profile_id=profile.id, role=role, since=record.real_now)


def take_role(record: Record, profile: Profile, role: StaffRole) -> None:
    """Section 14. From its next step on it may not; whoever calls deletes the row."""
    record.happened(REVOKED, profile, role=role)


@dataclass(frozen=True, slots=True)
class DeskDenial:
    """Why not: nobody who may act here, or the scope or role that is missing."""

    missing: str | None = None


def decide_desk(viewer: Viewer, *, scope: str | None = None, role: StaffRole | None = None) -> DeskDenial | None:
    """Section 14. None where whoever calls has the role, or is a service with the scope.

    Where only a scope is asked, `ROLES` says whose role does as well; without either, any role does.
    """
    if viewer.service_id is not None:
        return None if scope is not None and scope in viewer.scopes else DeskDenial(scope or _named(role))
    if not viewer.roles or not viewer.two_factor or not viewer.interactive:
        return DeskDenial()
    if scope is not None:
        role = ROLES.get(scope)
        return None if role in viewer.roles else DeskDenial(role or scope)
    return None if role is None or role in viewer.roles else DeskDenial(role)


def _named(role: StaffRole | None) -> str:
    return role.value if role else "STAFF"


ACTS_FOR = mask_of(OverallPermission.BILLING, OverallPermission.ACCOUNT_MANAGEMENT)


def is_own(viewer: Viewer, profile_id: UUID) -> bool:
    """Section 14. Whether a profile is a staff member's own."""
    return viewer.profile_id == profile_id


def refuse_own(viewer: Viewer, profile_id: UUID, *, gives: bool = True) -> None:
    """Section 14. Raises OwnProfile for what a person would do to themselves.

    What gives something is refused as well for whom they act with BILLING or ACCOUNT_MANAGEMENT; what takes is not,
    or customers could keep the staff off by granting it something.
    """
    acts_for = gives and viewer.granted.get(profile_id, NOTHING_GRANTED).overall & ACTS_FOR
    if is_own(viewer, profile_id) or (viewer.roles and acts_for):
        raise OwnProfile


def checked_reason(given: Any, path: str) -> str:
    """Section 14. A reason, without space around it."""
    reason = given.strip() if isinstance(given, str) else ""
    if not reason:
        raise ReasonMissing().at(path)
    if len(reason) > REASON_LENGTH:
        raise ReasonTooLong(REASON_LENGTH).at(path)
    return reason
