"""Business failures as the API shows them: data, with a code, a sentence in the reader's language and a place."""

from datetime import datetime
from functools import singledispatch
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from models.profile import Locale
from models.refusal import Code, LimitReached, Refusal
from schema.enumeration import described
from schema.message import say

if TYPE_CHECKING:
    from schema.node import Node

described(
    Code,
    "Codes of business errors. New codes may appear: treat an unknown one as INVALID.",
    name="UserErrorCode",
    REQUIRED="A value is missing.",
    INVALID="A value is wrong.",
    NOT_FOUND="The object does not exist or is out of the viewer's sight.",
    CONFLICT="The object is not in a state that allows this.",
    TOO_MANY_ATTEMPTS="Wait before trying again.",
    INVALID_CREDENTIALS="E-mail and password do not match.",
    INVALID_CODE="The one-time code is wrong or used.",
    EXPIRED="The link or challenge has expired.",
    WEAK_PASSWORD="The password is too weak or known from leaks.",  # noqa: S106 - a description
    LIMIT_REACHED="A quantity limit is reached.",
    TWO_FACTOR_NOT_ENABLED="Two-factor authentication has to be enabled first.",
    SELF_LOCKOUT="The change would lock the caller out.",
    TAKEN="The value is already used.",
    CONFIRMATION_MISMATCH="The typed confirmation differs.",
    INVALID_RECIPIENT="The recipient cannot be the sender, or is suspended.",
    TRANSFER_PENDING="A transfer of this account is waiting.",
    PROFILE_SUSPENDED="The profile is suspended.",
    EMAIL_NOT_VERIFIED="The e-mail address has to be confirmed first.",
    CONTRACT_PENDING="A contract waits for acceptance.",
    PLAN_UNAVAILABLE="The plan cannot be taken from here.",
    PLAN_TOO_SMALL="What is on the account does not fit on the plan.",
    IDENTITY_INCOMPLETE="Name, address or country is missing from the profile.",
    QUOTE_EXPIRED="The quote has expired; ask for a new one.",
    QUOTE_CHANGED="The figures changed since the quote.",
    IDEMPOTENCY_KEY_REUSED="The key was used with other arguments.",
    IDEMPOTENCY_IN_PROGRESS="The first request with this key is still running; retry shortly.",
    INSUFFICIENT_BALANCE="The balance does not cover it.",
    PAYMENT_DECLINED="The bank or provider refused.",
    PAYMENT_METHOD_UNUSABLE="The means of payment cannot be used for this.",
    AMOUNT_OUT_OF_RANGE="Below the minimum or above the maximum.",
    NOTHING_DUE="Nothing left to pay on the invoice.",
    URGENT_NOT_AVAILABLE="Urgent tickets need a dedicated or gold server.",
    CHARGE_NOT_ACCEPTED="The possible charge has to be accepted.",
    UPLOAD_REJECTED="The file is missing, too big or of a refused type.",
    UNPAID_INVOICE="An invoice has to be paid first.",
)


@strawberry.interface(description="A failure the end user can understand or fix.")
class UserError:
    code: Code = strawberry.field(description="Stable machine-readable code.")
    message: str = strawberry.field(description="Localised sentence, safe to show.")
    field: list[str] | None = strawberry.field(
        description=(
            'Path of the offending input field, e.g. ["input", "email"]; '
            "null when the error concerns the whole request."
        )
    )


@strawberry.type(description="Any error without details of its own.")
class GenericError(UserError):
    code: Code = strawberry.field(description="Code.")
    message: str = strawberry.field(description="Localised sentence.")
    field: list[str] | None = strawberry.field(description="Path of the input field.")


@strawberry.type(description="LIMIT_REACHED.")
class LimitError(UserError):
    code: Code = strawberry.field(description="Code.")
    message: str = strawberry.field(description="Localised sentence.")
    field: list[str] | None = strawberry.field(description="Path of the input field.")
    limit: int = strawberry.field(description="The limit.")
    used: int = strawberry.field(description="The present count.")


@strawberry.type(description="TOO_MANY_ATTEMPTS or IDEMPOTENCY_IN_PROGRESS.")
class ThrottleError(UserError):
    code: Code = strawberry.field(description="Code.")
    message: str = strawberry.field(description="Localised sentence.")
    field: list[str] | None = strawberry.field(description="Path of the input field.")
    retry_at: datetime = strawberry.field(description="Earliest useful retry.")


@strawberry.type(description="CONFLICT, TAKEN or TRANSFER_PENDING.")
class ConflictError(UserError):
    code: Code = strawberry.field(description="Code.")
    message: str = strawberry.field(description="Localised sentence.")
    field: list[str] | None = strawberry.field(description="Path of the input field.")
    existing: Annotated["Node", strawberry.lazy("schema.node")] | None = strawberry.field(
        description="The object in the way, when the viewer may see it."
    )


def said(refusal: Refusal, locale: Locale) -> dict[str, Any]:
    """What every error says of a refusal, for this reader."""
    field = ["input", *map(to_camel_case, refusal.path)] if refusal.path else None
    return {"code": refusal.code, "message": say(locale, refusal.message, **refusal.figures), "field": field}


@singledispatch
def user_error(refusal: Refusal, locale: Locale) -> UserError:
    """A refusal of a rule, for this reader. A noun whose refusals hold more registers how they are shown."""
    common = said(refusal, locale)
    if refusal.code in (Code.TAKEN, Code.TRANSFER_PENDING):
        return ConflictError(**common, existing=None)
    if isinstance(refusal, LimitReached):
        return LimitError(**common, limit=refusal.limit, used=refusal.used)
    if (retry_at := refusal.figures.get("retry_at")) is not None:
        return ThrottleError(**common, retry_at=retry_at)
    return GenericError(**common)
