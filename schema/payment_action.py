"""BIL-10. What the customer has to do to go on, and why a payment failed."""

from datetime import datetime
from typing import Any

import strawberry

from models import payment_provider as rows
from models.payment import REASONS, RETRYABLE
from models.profile import Locale
from schema.bank_details import BankDetails
from schema.enumeration import described
from schema.message import say
from schema.scalar import Url

described(
    rows.PaymentMethodKind,
    "Means of payment.",
    CARD="Visa or MasterCard.",
    PAYPAL="PayPal.",
    SEPA_DEBIT="SEPA direct debit.",
    BANK_TRANSFER="Bank transfer, booked by hand within days.",
)
described(
    rows.DeclineReason,
    "Why a payment failed.",
    INSUFFICIENT_FUNDS="Not enough funds.",
    EXPIRED_CARD="Card expired.",
    AUTHENTICATION_FAILED="Strong authentication failed.",
    MANDATE_INVALID="Mandate revoked or account closed.",
    DECLINED="Refused without details.",
    PROVIDER_ERROR="Payment provider unavailable.",
)


@strawberry.type(description="What the client has to do to complete a payment or to store a means of payment.")
class PaymentAction:
    redirect_url: Url | None = strawberry.field(description="Page to open.")
    client_secret: str | None = strawberry.field(description="Secret for the payment provider's native SDK.")
    bank_details: BankDetails | None = strawberry.field(description="Account and reference for a bank transfer.")
    expires_at: datetime = strawberry.field(description="Deadline.")


@strawberry.type(description="Why a payment failed.")
class PaymentFailure:
    reason: rows.DeclineReason = strawberry.field(description="Cause.")
    message: str = strawberry.field(description="Localised sentence, safe to show.")
    retryable: bool = strawberry.field(description="Trying again may work.")


def failure(locale: Locale, reason: rows.DeclineReason | None) -> Any:
    """Why, for this reader; None where nothing failed."""
    if reason is None:
        return None
    return PaymentFailure(reason=reason, message=say(locale, REASONS[reason]), retryable=reason in RETRYABLE)
