"""BIL-8. The account that customers pay to, as its bank writes it."""

from typing import Annotated

from pydantic import AfterValidator
from stdnum import iban
from stdnum.exceptions import ValidationError

SAMPLE_IBAN = "FR7630006000011234567890189"
"""Of nobody: what practises shows it, and production refuses it."""


def checked(value: str) -> str:
    """An IBAN whose check digits are its own."""
    try:
        return str(iban.validate(value, check_country=False))
    except ValidationError:
        raise ValueError("this is not an IBAN: its check digits are others") from None


Iban = Annotated[str, AfterValidator(checked)]
