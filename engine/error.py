"""Errors of a whole request, and the codes that top-level errors carry.

Messages are English templates whose `{figures}` are fields; the application translates them for the reader.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, cast

from graphql import GraphQLError

SYNTAX = "SYNTAX"
INVALID_DOCUMENT = "INVALID_DOCUMENT"
BAD_REQUEST = "BAD_REQUEST"
BAD_USER_INPUT = "BAD_USER_INPUT"
COST_EXCEEDED = "COST_EXCEEDED"
FORBIDDEN = "FORBIDDEN"
INTERNAL = "INTERNAL"
IP_NOT_ALLOWED = "IP_NOT_ALLOWED"
NOT_FOUND = "NOT_FOUND"
PERSISTED_DOCUMENT_NOT_FOUND = "PERSISTED_DOCUMENT_NOT_FOUND"
RATE_LIMITED = "RATE_LIMITED"
TWO_FACTOR_REQUIRED = "TWO_FACTOR_REQUIRED"
UNAUTHENTICATED = "UNAUTHENTICATED"
UNAVAILABLE = "UNAVAILABLE"


class Translate(Protocol):
    """Says an English template in the reader's language, its figures filled in."""

    def __call__(self, template: str, /, **figures: Any) -> str: ...


def in_english(template: str, /, **figures: Any) -> str:
    """The template as it is, for where there is no reader yet."""
    return template.format(**figures)


class RequestRefused(Exception):
    """The request gets no `data`: nothing was executed. `status` is the one of application/graphql-response+json."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
        errors: list[GraphQLError] | None = None,
        well_formed: bool = False,
        **figures: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.extensions = dict(extensions or {})
        self.errors = errors
        """Errors of parsing or validation, which stand for themselves."""
        self.well_formed = well_formed
        """It was a GraphQL request: application/json is answered 200, as GraphQL over HTTP asks for."""
        self.figures = figures

    def formatted(self, translate: Translate) -> list[dict[str, Any]]:
        """The response's `errors`."""
        if self.errors is not None:
            return [
                {**error.formatted, "extensions": {"code": self.code, **(error.extensions or {})}}
                for error in self.errors
            ]
        return [
            {
                "message": translate(self.message, **self.figures),
                "extensions": {"code": self.code, **self.extensions},
            }
        ]


@contextmanager
def told(coordinate: str) -> Iterator[None]:
    """Let what is refused for a reason meanwhile say which field of the schema it concerns."""
    try:
        yield
    except FieldRefused as refusal:
        refusal.concerns(coordinate)
        raise


class FieldRefused(GraphQLError):
    """One field is null, with a coded error at its path; the rest of the answer stands."""

    def __init__(self, code: str, message: str, *, extensions: Mapping[str, Any] | None = None, **figures: Any) -> None:
        super().__init__(message.format(**figures), extensions={"code": code, **(extensions or {})})
        self.template = message
        self.figures = figures

    def concerns(self, coordinate: str) -> None:
        """Where it is refused for a reason, say which field of the schema that concerns."""
        if "reason" in (extensions := cast(dict[str, Any], self.extensions)):
            extensions.setdefault("coordinate", coordinate)
