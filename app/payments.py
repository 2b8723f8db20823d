"""BIL-10. Which payment providers these settings name."""

from app.gateways.sandbox_payments import SandboxPayments
from app.settings import Settings
from models.db import Database
from models.payment_provider import Providers


def providers_of(settings: Settings, database: Database) -> Providers:
    """A sandbox practises with its own, and with no other; production takes cards once it has an account for them."""
    if settings.sandbox:
        return Providers((SandboxPayments(database, settings, settings.secret_key),))
    if settings.stripe_secret_key is None or settings.stripe_webhook_secret is None:
        return Providers()
    from app.gateways.stripe_payments import StripePayments  # Reading the library takes a fifth of a second.

    stripe = StripePayments(
        settings,
        secret_key=settings.stripe_secret_key,
        webhook_secret=settings.stripe_webhook_secret,
        url=settings.stripe_api_url,
        back_to=settings.links_lead_to,
    )
    return Providers((stripe,))
