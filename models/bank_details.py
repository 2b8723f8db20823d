"""BIL-8. Where bank transfers are sent to, and what is quoted on them."""

from dataclasses import dataclass
from uuid import UUID

from stdnum import iso11649

from models.customer_number import customer_number
from models.setting import Figures


@dataclass(frozen=True, slots=True)
class BankDetails:
    """BIL-8. The provider's account, and the reference of one customer."""

    holder: str
    iban: str
    bic: str
    reference: str
    rf_reference: str


def rf_reference(reference: str) -> str:
    """BIL-8. The same as a structured creditor reference of ISO 11649, with its check digits."""
    check = 98 - int("".join(str(int(letter, 36)) for letter in f"{reference}RF00")) % 97
    return str(iso11649.validate(f"RF{check:02d}{reference}"))


def bank_details(figures: Figures, owner_id: UUID) -> BankDetails:
    """BIL-8. What a customer needs for a transfer."""
    reference = customer_number(owner_id)
    holder = figures.bank_holder or figures.seller_name
    return BankDetails(holder, figures.bank_iban, figures.bank_bic, reference, rf_reference(reference))
