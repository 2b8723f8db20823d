"""Refusals: what a rule raises instead of acting. Nothing has changed when one is raised.

A refusal is a small class beside its rule: a code of the API, an English sentence whose `{figures}` are its fields,
and the input field it concerns. The French sentence stands in the catalogue; both are put together where the schema
meets the reader.
"""

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, ClassVar, Self


class Code(StrEnum):
    """Stable codes of business failures; an open set that only grows."""

    REQUIRED = "REQUIRED"
    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    TOO_MANY_ATTEMPTS = "TOO_MANY_ATTEMPTS"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    INVALID_CODE = "INVALID_CODE"
    EXPIRED = "EXPIRED"
    WEAK_PASSWORD = "WEAK_PASSWORD"  # noqa: S105 - the name of a code, not a secret
    LIMIT_REACHED = "LIMIT_REACHED"
    TWO_FACTOR_NOT_ENABLED = "TWO_FACTOR_NOT_ENABLED"
    SELF_LOCKOUT = "SELF_LOCKOUT"
    TAKEN = "TAKEN"
    CONFIRMATION_MISMATCH = "CONFIRMATION_MISMATCH"
    INVALID_RECIPIENT = "INVALID_RECIPIENT"
    TRANSFER_PENDING = "TRANSFER_PENDING"
    PROFILE_SUSPENDED = "PROFILE_SUSPENDED"
    EMAIL_NOT_VERIFIED = "EMAIL_NOT_VERIFIED"
    CONTRACT_PENDING = "CONTRACT_PENDING"
    PLAN_UNAVAILABLE = "PLAN_UNAVAILABLE"
    PLAN_TOO_SMALL = "PLAN_TOO_SMALL"
    IDENTITY_INCOMPLETE = "IDENTITY_INCOMPLETE"
    QUOTE_EXPIRED = "QUOTE_EXPIRED"
    QUOTE_CHANGED = "QUOTE_CHANGED"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    IDEMPOTENCY_IN_PROGRESS = "IDEMPOTENCY_IN_PROGRESS"
    INSUFFICIENT_BALANCE = "INSUFFICIENT_BALANCE"
    PAYMENT_DECLINED = "PAYMENT_DECLINED"
    PAYMENT_METHOD_UNUSABLE = "PAYMENT_METHOD_UNUSABLE"
    AMOUNT_OUT_OF_RANGE = "AMOUNT_OUT_OF_RANGE"
    NOTHING_DUE = "NOTHING_DUE"
    URGENT_NOT_AVAILABLE = "URGENT_NOT_AVAILABLE"
    CHARGE_NOT_ACCEPTED = "CHARGE_NOT_ACCEPTED"
    UPLOAD_REJECTED = "UPLOAD_REJECTED"
    UNPAID_INVOICE = "UNPAID_INVOICE"


@dataclass(eq=False)
class Refusal(Exception):
    """A rule said no. Subclasses name the code and the sentence; their fields are the sentence's figures."""

    code: ClassVar[Code]
    message: ClassVar[str]
    path: tuple[str, ...] | None = field(default=None, init=False)
    """Input field it concerns, e.g. ("identity", "city"); None when it is the whole request."""

    @property
    def figures(self) -> dict[str, Any]:
        return {figure.name: getattr(self, figure.name) for figure in fields(self) if figure.name != "path"}

    def at(self, *path: str) -> Self:
        """This refusal, said of an input field."""
        self.path = path
        return self

    def __str__(self) -> str:
        return self.message.format(**self.figures)


class NotFound(Refusal):
    """PER-12. It does not exist, or the viewer may not know that it does: the same answer."""

    code = Code.NOT_FOUND
    message = "There is no such object."


@dataclass(eq=False)
class LimitReached(Refusal):
    """There are as many of something as there may be. Subclasses name what, beside its rule."""

    code = Code.LIMIT_REACHED
    limit: int
    used: int
