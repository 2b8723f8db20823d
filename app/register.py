"""BIL-7. Which register of VAT numbers these settings ask."""

from app.gateways.local_register import LocalRegister
from app.gateways.vies import ADDRESS, ViesRegister
from app.settings import Settings
from models.vat_register import VatRegister


def register_of(settings: Settings) -> VatRegister:
    """VIES in production and wherever its address is named; a sandbox asks nobody by itself."""
    if settings.sandbox and settings.vies_url is None:
        return LocalRegister()
    return ViesRegister(settings.vies_url or ADDRESS, settings.seller_vat_number)
