"""Business failures as the API shows them: data, with a code, a sentence in the reader's language and a place."""

import strawberry
from strawberry.utils.str_converters import to_camel_case

from models.profile import Locale
from models.refusal import Code, Refusal
from schema.enumeration import described
from schema.message import say

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


def user_error(refusal: Refusal, locale: Locale) -> UserError:
    """A refusal of a rule, for this reader."""
    return GenericError(
        code=refusal.code,
        message=say(locale, refusal.message, **refusal.figures),
        field=["input", *map(to_camel_case, refusal.path)] if refusal.path else None,
    )
