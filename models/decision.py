"""PER-11. Who may do what: one model, asked by every field, mutation and row filter.

A `Requirement` stands in the schema beside what it guards and is printed there. `decide` is the truth: given a viewer,
a requirement and the subject it concerns, it answers why not, or None. models/visible.py says the same in SQL, for
lists; a test compares the two over every seeded row.
"""

from dataclasses import dataclass
from uuid import UUID

from models.permission import DenialReason, Permission, Requirement, Subject, mask_of
from models.viewer import NOTHING_GRANTED, Viewer


@dataclass(frozen=True, slots=True)
class Denial:
    """Why not; which permission would help, if one would, and whose it is to grant."""

    reason: DenialReason
    missing: Permission | None = None
    owner_id: UUID | None = None


def decide_session(viewer: Viewer, requirement: Requirement) -> Denial | None:
    """PER-11. The part of a requirement that concerns no row: None when `viewer` meets it."""
    if viewer.profile_id is None:
        return Denial(DenialReason.UNAUTHENTICATED)
    if requirement.interactive and not viewer.interactive:
        return Denial(DenialReason.TOKEN_SCOPE)
    if requirement.two_factor and not viewer.two_factor:
        return Denial(DenialReason.TWO_FACTOR_REQUIRED)
    return None


def decide_change(viewer: Viewer, *, owner_id: UUID | None, unverified: bool, suspended: bool) -> Denial | None:
    """PRO-1, PRO-12. Whether anything of this owner's may be changed now: what every mutation asks besides its own.

    `unverified` is what may be done before the caller's address is confirmed, `suspended` what may be done while the
    caller or the owner is suspended.
    """
    if not (viewer.email_verified or unverified):
        return Denial(DenialReason.EMAIL_NOT_VERIFIED)
    if not suspended and (viewer.suspended or viewer.in_force(owner_id).suspended):
        return Denial(DenialReason.PROFILE_SUSPENDED)
    return None


def decide(viewer: Viewer, requirement: Requirement, subject: Subject[UUID]) -> Denial | None:
    """PER-11. None when `viewer` meets `requirement` on `subject`."""
    if (denial := decide_session(viewer, requirement)) is not None:
        return denial
    requirement = requirement.about(subject.kind)
    wanted, owner = subject.reach(requirement), subject.owner_id
    if viewer.holds(subject) & wanted or _is_party(viewer, requirement, subject):
        return None
    if owner is not None and viewer.granted.get(owner, NOTHING_GRANTED).on(subject) & wanted:
        return Denial(DenialReason.TWO_FACTOR_REQUIRED)
    if outside(viewer, subject):
        return Denial(DenialReason.TOKEN_SCOPE)
    if requirement.listed:
        return Denial(DenialReason.PERMISSION_MISSING, requirement.listed[0], owner)
    return Denial(DenialReason.OWNER_ONLY, None, owner)


def outside(viewer: Viewer, subject: Subject[UUID]) -> bool:
    """TOK-3. Whether the subject is beyond what the caller's token is narrowed to."""
    if viewer.only_account_id not in (None, subject.account_id):
        return True
    return viewer.only_owner_id not in (None, subject.owner_id)


def _is_party(viewer: Viewer, requirement: Requirement, subject: Subject[UUID]) -> bool:
    """Whether the caller is the other party, or acts for it: of this row where that is asked, of a grant where any
    relation is.
    """
    if requirement.parties and viewer.party_id is not None and viewer.party_id in subject.parties:
        return True
    asked = mask_of(*requirement.overall) if requirement.parties else 0
    if asked and any(viewer.in_force(party).overall & asked for party in subject.parties):
        return True
    about_profile = subject.account_id is None and subject.server_id is None
    return requirement.related and about_profile and (subject.owner_id in viewer.granted)
