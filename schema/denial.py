"""Denials of the permission model, as the coded errors of the API."""

from engine.error import FORBIDDEN, TWO_FACTOR_REQUIRED, UNAUTHENTICATED, FieldRefused
from models.permission import Denial, DenialReason

ANSWERS: dict[DenialReason, tuple[str, str]] = {
    DenialReason.UNAUTHENTICATED: (UNAUTHENTICATED, "Sign in first."),
    DenialReason.PERMISSION_MISSING: (FORBIDDEN, "This needs the permission {missing}, which the owner can grant."),
    DenialReason.OWNER_ONLY: (FORBIDDEN, "Only the owner may do or see this."),
    DenialReason.TWO_FACTOR_REQUIRED: (TWO_FACTOR_REQUIRED, "Verify a second factor first."),
    DenialReason.TOKEN_SCOPE: (FORBIDDEN, "This needs an interactive session: a token may not do or see it."),
}


def refused(denial: Denial) -> FieldRefused:
    """The error of a field whose requirement is not met: its reason, and the permission that would help."""
    code, message = ANSWERS[denial.reason]
    if code == UNAUTHENTICATED:
        return FieldRefused(code, message)
    extensions = {"reason": denial.reason.value} | ({"missing": denial.missing.value} if denial.missing else {})
    return FieldRefused(code, message, extensions=extensions, missing=denial.missing)
