"""PER-13. What the viewer may do now, and why not: asked of the rules that refuse it, before anybody tries."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import strawberry

from models.decision import Denial, decide, decide_change, decide_session
from models.obstacle import Obstacle
from models.permission import DenialReason, Subject
from models.profile import Locale
from models.viewer import Viewer
from schema.directive import Authorize
from schema.enumeration import described
from schema.message import say
from schema.permission import ANSWERS


class Reason(StrEnum):
    """Why something would be refused to somebody who has a session."""

    PERMISSION_MISSING = "PERMISSION_MISSING"
    OWNER_ONLY = "OWNER_ONLY"
    TWO_FACTOR_REQUIRED = "TWO_FACTOR_REQUIRED"
    TOKEN_SCOPE = "TOKEN_SCOPE"  # noqa: S105 - the name of a reason, not a secret
    PROFILE_SUSPENDED = "PROFILE_SUSPENDED"
    EMAIL_NOT_VERIFIED = "EMAIL_NOT_VERIFIED"
    STATE = "STATE"


described(
    Reason,
    "Why something is denied.",
    name="DenialReason",
    PERMISSION_MISSING="A permission is missing.",
    OWNER_ONLY="Only the owner may.",
    TWO_FACTOR_REQUIRED="A second factor has to be verified first.",
    TOKEN_SCOPE="The token is narrower than its profile, or is not an interactive session.",  # noqa: S106
    PROFILE_SUSPENDED="The profile is suspended.",
    EMAIL_NOT_VERIFIED="The e-mail address is not verified.",
    STATE="The object is not in a state that allows this.",
)

REMEDIES: dict[DenialReason, str] = {
    DenialReason.PERMISSION_MISSING: "Ask the owner for the permission {missing}.",
    DenialReason.OWNER_ONLY: "Ask the owner to do it.",
    DenialReason.TWO_FACTOR_REQUIRED: "Sign in with two factors; turn them on first if they are off.",
    DenialReason.TOKEN_SCOPE: "Sign in, or use a token that reaches it and may change it.",
    DenialReason.PROFILE_SUSPENDED: "Have the suspension lifted first.",
    DenialReason.EMAIL_NOT_VERIFIED: "Follow the link in the mail that was sent to your address.",
}


@strawberry.type(description="Whether the viewer may do something now, and if not, why and what would help.")
class Decision:
    allowed: bool = strawberry.field(description="It would be accepted now.")
    reason: Reason | None = strawberry.field(description="Why not; null when allowed.")
    message: str | None = strawberry.field(description="Localised sentence, safe to show.")
    remedy: str | None = strawberry.field(
        description="Localised sentence: what the viewer, or somebody else, can do about it."
    )
    missing: str | None = strawberry.field(
        description="Permission that is missing, e.g. BILLING; null for other reasons."
    )


@dataclass(frozen=True, slots=True)
class Doing:
    """What stands in the way of one action: the guard that is printed beside its mutation, and the row's own rule."""

    guard: Authorize
    obstacle: Callable[[Any], Obstacle | None]
    """Of the state that the object is in."""
    suspended: bool = False
    """It may be done while the caller or the owner is suspended."""

    def denied(self, viewer: Viewer, subject: Subject[UUID], state: Any) -> Denial | Obstacle | None:
        """What a mutation would answer, asked in the order in which it asks."""
        requirement = self.guard.requirement
        if (denial := decide_session(viewer, requirement)) is not None:
            return denial
        if viewer.read_only:
            return Denial(DenialReason.TOKEN_SCOPE)
        return (
            decide(viewer, requirement, subject)
            or decide_change(viewer, owner_id=subject.owner_id, unverified=False, suspended=self.suspended)
            or self.obstacle(state)
        )


def decision(locale: Locale, denied: Denial | Obstacle | None) -> Decision:
    """What is told of it."""
    if denied is None:
        return Decision(allowed=True, reason=None, message=None, remedy=None, missing=None)
    if isinstance(denied, Obstacle):
        remedy = say(locale, denied.remedy) if denied.remedy else None
        message = say(locale, denied.message, **denied.figures)
        return Decision(allowed=False, reason=Reason.STATE, message=message, remedy=remedy, missing=None)
    missing = denied.missing.value if denied.missing else None
    return Decision(
        allowed=False,
        reason=Reason(denied.reason.value),
        message=say(locale, ANSWERS[denied.reason][1], missing=missing),
        remedy=say(locale, REMEDIES[denied.reason], missing=missing),
        missing=missing,
    )


def guard_beside(mutations: Any, name: str) -> Authorize:
    """The guard that is printed beside a mutation."""
    fields: Iterable[Any] = mutations.__strawberry_definition__.fields
    (field,) = (field for field in fields if field.python_name == name)
    (guard,) = (mark for mark in field.directives if isinstance(mark, Authorize))
    return guard
