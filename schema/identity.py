"""PRO-2. The legal identity that documents are made out to: that of today, and those that documents keep."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import strawberry

from models.issuer import BUYER
from schema.scalar import CountryCode


@strawberry.type(description="Identity and address printed on documents.")
class LegalIdentity:
    organization_name: str | None = strawberry.field(description="Organisation, if any.")
    first_name: str | None = strawberry.field(description="First name.")
    last_name: str | None = strawberry.field(description="Last name.")
    street_lines: list[str] = strawberry.field(description="Street lines.")
    postal_code: str | None = strawberry.field(description="Postal code.")
    city: str | None = strawberry.field(description="City.")
    country: CountryCode | None = strawberry.field(description="Country.")
    registration_number: str | None = strawberry.field(
        description="Registration number of an organisation: SIRET in France, the national one elsewhere."
    )
    vat_number: str | None = strawberry.field(description="Intra-community VAT number.")
    phone: str | None = strawberry.field(description="Phone number in E.164 form, used to verify identity.")


def identity(*values: Any) -> Any:
    """That of a profile, of the columns `BUYER`."""
    return SimpleNamespace(**dict(zip(BUYER, values, strict=True)))


def kept_identity(buyer: Mapping[str, Any]) -> Any:
    """That which a document keeps."""
    return SimpleNamespace(**{name: buyer.get(name) for name in BUYER})
