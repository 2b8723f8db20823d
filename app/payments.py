"""BIL-10. Which payment providers these settings name."""

from app.gateways.sandbox_payments import SandboxPayments
from app.settings import Settings
from models.db import Database
from models.payment_provider import Providers


def providers_of(settings: Settings, database: Database) -> Providers:
    """A sandbox practises with its own, and with no other."""
    if settings.sandbox:
        return Providers((SandboxPayments(database, settings, settings.secret_key),))
    return Providers()
