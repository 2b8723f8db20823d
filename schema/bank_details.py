"""BIL-8. Where bank transfers are sent to."""

from typing import Any
from uuid import UUID

import strawberry

from engine.declare import Computed, declare
from models import bank_details as rows
from models.setting import Figures


@strawberry.type(description="Provider's bank account.")
class BankDetails:
    holder: str = strawberry.field(description="Holder.")
    iban: str = strawberry.field(description="IBAN.")
    bic: str = strawberry.field(description="BIC.")
    reference: str = strawberry.field(description="Reference to quote: the customer number.")
    rf_reference: str | None = strawberry.field(
        description="Structured creditor reference (ISO 11649) for what is due now."
    )


def shown(figures: Figures, owner_id: UUID) -> BankDetails:
    """The details for one customer."""
    found = rows.bank_details(figures, owner_id)
    return BankDetails(
        holder=found.holder,
        iban=found.iban,
        bic=found.bic,
        reference=found.reference,
        rf_reference=found.rf_reference,
    )


def bank_details() -> Any:
    """Those of a profile."""
    return declare(
        Computed(shown, ("id",), given="figures"),
        description="Where to send bank transfers, and the reference to quote.",
    )
