"""The scalars of the contract, and what each accepts."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NewType
from urllib.parse import urlsplit
from uuid import UUID

import strawberry
from babel import Locale as Territories
from email_validator import EmailNotValidError, validate_email
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from models.column import normalised_email
from models.network import NotANetwork, normal

EmailAddress = NewType("EmailAddress", str)
CountryCode = NewType("CountryCode", str)
IPNetwork = NewType("IPNetwork", str)
Url = NewType("Url", str)

DECIMAL = re.compile("-?[0-9]{1,15}([.][0-9]{1,6})?")
UUID_FORM = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
LONGEST_URL = 2_000
DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
INSTANT = re.compile(
    rf"{DAY.pattern}[Tt][0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(\.[0-9]{{1,6}})?([Zz]|[+-][0-9]{{2}}:[0-9]{{2}})"
)
LONGEST_EMAIL = 254
NOT_COUNTRIES = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"})
"""Two-letter codes of CLDR that ISO 3166-1 does not assign."""

COUNTRIES = frozenset(filter(re.compile("[A-Z]{2}").fullmatch, map(str, Territories("en").territories))) - NOT_COUNTRIES


def _text(value: Any, kind: str) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise GraphQLError(f"{kind} is a string.")
    return value


def _instant(value: Any) -> datetime:
    if not INSTANT.fullmatch(_text(value, "DateTime")):
        raise GraphQLError("DateTime is an instant of RFC 3339, such as 2026-11-22T09:00:00Z.")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise GraphQLError("DateTime is out of range.") from None


def instant_text(value: datetime) -> str:
    """An instant as the API writes it."""
    text = (value if value.tzinfo is UTC else value.astimezone(UTC)).isoformat()
    return text[: -len("+00:00")] + "Z"


def _day(value: Any) -> date:
    if not DAY.fullmatch(_text(value, "Date")):
        raise GraphQLError("Date is a day, such as 2026-11-22.")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise GraphQLError("Date is out of range.") from None


def _email(value: Any) -> str:
    text = _text(value, "EmailAddress").strip()
    if len(text) > LONGEST_EMAIL:  # Before it is looked at: to normalise combining marks takes quadratic time.
        raise GraphQLError("EmailAddress is an address such as name@example.org.")
    try:
        found = validate_email(text, check_deliverability=False, test_environment=True, allow_smtputf8=True)
    except EmailNotValidError:
        raise GraphQLError("EmailAddress is an address such as name@example.org.") from None
    return normalised_email(found.normalized)  # One mailbox, one spelling: wide and circled letters too.


def _exact(value: Any) -> Decimal:
    if not DECIMAL.fullmatch(_text(value, "Decimal")):
        raise GraphQLError('Decimal is a decimal number in a string, such as "12.50".')
    return Decimal(value)


def decimal_text(value: Decimal) -> str:
    """A decimal as the API writes it: all of its digits, without an exponent."""
    return format(value, "f")


def _url(value: Any) -> str:
    text = _text(value, "URL")
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if len(text) > LONGEST_URL or parts.scheme not in ("http", "https") or not parts.hostname or not text.isascii():
        raise GraphQLError("URL is absolute, such as https://example.org/path.")
    return text


def _country(value: Any) -> str:
    code = _text(value, "CountryCode")
    if code not in COUNTRIES:
        raise GraphQLError("CountryCode is two upper-case letters of ISO 3166-1, such as FR.")
    return code


def _network(value: Any) -> str:
    try:
        return normal(_text(value, "IPNetwork"))
    except NotANetwork:
        raise GraphQLError("IPNetwork is an address or a network in CIDR form, such as 192.0.2.0/24.") from None


def _uuid(value: Any) -> UUID:
    if not UUID_FORM.fullmatch(_text(value, "UUID")):
        raise GraphQLError(
            "UUID has 32 hexadecimal digits in five groups, such as 01900000-0000-7000-8000-000000000101."
        )
    return UUID(value)


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="Instant in UTC, RFC 3339, always with offset `Z`.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
        serialize=instant_text,
        parse_value=_instant,
    ),
    date: strawberry.scalar(
        name="Date",
        description="Calendar date, YYYY-MM-DD, in the provider's billing time zone.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        serialize=date.isoformat,
        parse_value=_day,
    ),
    EmailAddress: strawberry.scalar(
        name="EmailAddress",
        description="E-mail address, compared case-insensitively.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc5322",
        serialize=str,
        parse_value=_email,
    ),
    IPNetwork: strawberry.scalar(
        name="IPNetwork",
        description="IPv4 or IPv6 network in CIDR form; a lone address is read as /32 or /128.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc4632",
        serialize=str,
        parse_value=_network,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description='Exact decimal number serialised as a string, never a float, e.g. "12.50".',
        serialize=decimal_text,
        parse_value=_exact,
    ),
    UUID: strawberry.scalar(
        name="UUID",
        description="RFC 9562 UUID, lower case, hyphenated.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc9562",
        serialize=str,
        parse_value=_uuid,
    ),
    Url: strawberry.scalar(
        name="URL",
        description="Absolute URL; HTTPS outside the sandbox.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3986",
        serialize=str,
        parse_value=_url,
    ),
    CountryCode: strawberry.scalar(
        name="CountryCode",
        description="ISO 3166-1 alpha-2 country code, upper case.",
        specified_by_url="https://www.iso.org/iso-3166-country-codes.html",
        serialize=str,
        parse_value=_country,
    ),
}
