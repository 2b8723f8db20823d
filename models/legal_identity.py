"""PRO-2. The identity that documents are made out to: what each of its values has to be."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import phonenumbers
from stdnum.eu import vat
from stdnum.exceptions import ValidationError
from stdnum.fr import siret

from models.refusal import Code, Refusal
from models.territory import FRENCH, territory, vat_prefix

TEXT_LENGTH = 200
NUMBER_LENGTH = 50
"""Of a registration number that another country gives, and of a postal code."""
STREET_LINES = 4
WITH_SIRET = frozenset({"FR", "GP", "MQ", "GF", "RE", "PM", "YT", "BL", "MF"})
"""Where organisations have a SIRET; Monaco and the Pacific have numbers of their own."""
POSTAL_CODE = re.compile("(0[1-9]|[1-8][0-9]|9[0-578])[0-9]{3}")
"""Five digits, the first two of which are a department or stand for those overseas."""
NO_STATE = ("EU", "IM")
"""How the numbers of one-stop shops begin, which are nobody's VAT number."""


class CannotBeEmpty(Refusal):
    """A value that every profile has was cleared."""

    code = Code.REQUIRED
    message = "This value cannot be empty."


@dataclass(eq=False)
class TooLong(Refusal):
    """A text is longer than what fits on documents."""

    code = Code.INVALID
    message = "At most {limit} characters fit here."
    limit: int


@dataclass(eq=False)
class TooManyStreetLines(Refusal):
    """More lines than an address block holds."""

    code = Code.INVALID
    message = "An address has at most {limit} street lines."
    limit: int


class InvalidPhone(Refusal):
    """PRO-2. Not a number that can be called."""

    code = Code.INVALID
    message = "This is not a phone number in international form, such as +33 1 23 45 67 89."


class InvalidPostalCode(Refusal):
    """PRO-2. Not how French postal codes are written, or that of another territory."""

    code = Code.INVALID
    message = "This is not a postal code of the country: five digits, such as 75011."


class InvalidRegistrationNumber(Refusal):
    """PRO-2. A French organisation whose SIRET has a wrong length or checksum."""

    code = Code.INVALID
    message = "This is not a SIRET: 14 digits, the last of which is a checksum."


class InvalidVatNumber(Refusal):
    """PRO-2. A VAT number whose format or checksum is wrong for its country."""

    code = Code.INVALID
    message = "This is not a VAT number of a country of the European Union."


@dataclass(eq=False)
class VatNumberOfAnotherCountry(Refusal):
    """PRO-2. A VAT number that is good, and another country's than the address is in."""

    code = Code.INVALID
    message = "This VAT number is another country’s: here they begin with {prefix}."
    prefix: str


def checked_identity(present: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    """PRO-2. What `changes` names, in its stored form; the present values are attributes of `present`.

    Raises the refusal of the first value that cannot be, at its field. With another country, what depends on it is
    asked again of what is there.
    """
    country = changes.get("country", present.country)
    checked = {name: _checked(name, value, country) for name, value in changes.items()}
    if "country" in changes:
        for name in OF_A_COUNTRY:
            if name not in changes and (value := getattr(present, name)):
                _checked(name, value, country)
    return checked


def _checked(name: str, value: Any, country: str | None) -> Any:
    """`value` in its stored form, or the refusal of the rule that it breaks, at its input field."""
    try:
        return CHECKS.get(name, _text)(value, country)
    except Refusal as refusal:
        raise refusal.at(*PATHS.get(name, ("identity", name))) from None


def _text(value: str | None, _country: str | None) -> str | None:
    return _tidy(value, TEXT_LENGTH)


def _tidy(value: str | None, limit: int) -> str | None:
    """Without needless spaces, and without what no document can show."""
    shown = "".join(" " if unicodedata.category(each) == "Cc" else each for each in value or "")
    tidy = re.sub(r"\s+", " ", shown).strip()
    if len(tidy) > limit:
        raise TooLong(limit)
    return tidy or None


def _required(value: Any, _country: str | None) -> Any:
    if value is None:
        raise CannotBeEmpty
    return value


def _as_given(value: Any, _country: str | None) -> Any:
    return value


def _street(value: list[str] | None, country: str | None) -> list[str]:
    lines = [line for line in (_text(line, country) for line in value or []) if line]
    if len(lines) > STREET_LINES:
        raise TooManyStreetLines(STREET_LINES)
    return lines


def _phone(value: str | None, country: str | None) -> str | None:
    if not (tidy := _text(value, country)):
        return None
    try:
        number = phonenumbers.parse(tidy, None)
    except phonenumbers.NumberParseException:
        raise InvalidPhone from None
    if not phonenumbers.is_valid_number(number):
        raise InvalidPhone
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _postal_code(value: str | None, country: str | None) -> str | None:
    """PRO-2. In France and where its post goes, five digits of that territory; elsewhere as it is given."""
    tidy = _tidy(value, NUMBER_LENGTH)
    if tidy is None or country is None or (country != "FR" and country not in FRENCH):
        return tidy
    digits = tidy.replace(" ", "")
    if not POSTAL_CODE.fullmatch(digits) or (country in FRENCH and territory("FR", digits) != country):
        raise InvalidPostalCode
    return digits


def _registration(value: str | None, country: str | None) -> str | None:
    tidy = _tidy(value, NUMBER_LENGTH)
    if tidy is None or country not in WITH_SIRET:
        return tidy
    try:
        return str(siret.validate(tidy))
    except ValidationError:
        raise InvalidRegistrationNumber from None


def _vat(value: str | None, country: str | None) -> str | None:
    """PRO-2. As VIES writes it: Greek numbers begin with EL, those of Northern Ireland with XI."""
    if not (tidy := _text(value, country)):
        return None
    try:
        number = str(vat.validate(tidy))
    except ValidationError:
        raise InvalidVatNumber from None
    prefix, digits = number[:2], number[2:]
    if prefix in NO_STATE:
        raise InvalidVatNumber
    prefix = vat_prefix(prefix)
    if country is not None and prefix != vat_prefix(country):
        raise VatNumberOfAnotherCountry(vat_prefix(country))
    return prefix + digits


CHECKS: dict[str, Callable[[Any, str | None], Any]] = {
    "kind": _required,
    "locale": _required,
    "country": _as_given,
    "street_lines": _street,
    "postal_code": _postal_code,
    "phone": _phone,
    "registration_number": _registration,
    "vat_number": _vat,
}
OF_A_COUNTRY = ("postal_code", "registration_number", "vat_number")
PATHS = {"kind": ("kind",), "locale": ("locale",)}
