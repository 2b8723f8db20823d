"""BIL-2. Who issues documents: the figures of the seller, and whether it only practises."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from models.setting import Figures

BUYER = (
    "organization_name",
    "first_name",
    "last_name",
    "street_lines",
    "postal_code",
    "city",
    "country",
    "registration_number",
    "vat_number",
    "phone",
)
"""PRO-3. What a document keeps of a profile's identity."""


class Issuer(Protocol):
    """The context of a request, or what a job of the worker has in its place."""

    @property
    def figures(self) -> Figures: ...

    @property
    def sandbox(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Office:
    """The issuer where nobody asks: for the worker, the demo and tests."""

    figures: Figures
    sandbox: bool


def seller_of(figures: Figures) -> dict[str, Any]:
    """BIL-2. Who sells, as documents say from now on."""
    return {
        "organization_name": figures.seller_name,
        "street_lines": [figures.seller_street] if figures.seller_street else [],
        "postal_code": figures.seller_postal_code,
        "city": figures.seller_city,
        "country": figures.seller_country,
        "registration_number": figures.seller_registration_number,
        "vat_number": figures.seller_vat_number,
    }


def buyer_of(profile: Any) -> Mapping[str, Any]:
    """PRO-3. Who buys, as it is when a document is issued."""
    return {"kind": profile.kind.value, **{name: getattr(profile, name) for name in BUYER}}
