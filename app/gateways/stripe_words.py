"""BIL-9, BIL-10. What Stripe's objects say, in our words. What is not as it should be raises, and is believed nowhere.

The names are those of the API's version that the library asks for.
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from models.payment import ADDRESS_LENGTH, TEXT_LENGTH
from models.payment_provider import Action, CardBrand, DeclineReason, ProviderSilent, ProviderState, Stored, Told

PAYMENT, METHOD, REFUND = "espace_payment", "espace_payment_method", "espace_refund"
"""Metadata by which Stripe's objects say which of ours they are."""
Said = Mapping[str, Any]
NAME = r"[A-Za-z0-9_]{1,80}"
ONE_TIME = re.compile(rf"pm_{NAME}")
KEPT = re.compile(rf"(?P<customer>cus_{NAME})/(?P<method>pm_{NAME})")
INTENT = re.compile(rf"pi_{NAME}")
STATES: Mapping[str, ProviderState] = {
    "requires_action": ProviderState.REQUIRES_ACTION,
    "processing": ProviderState.PROCESSING,
    "succeeded": ProviderState.SUCCEEDED,
    "canceled": ProviderState.CANCELLED,
    "requires_payment_method": ProviderState.FAILED,
}
UNFINISHED = frozenset({"requires_confirmation", "requires_capture"})
"""Where Stripe itself broke off: we ask for all of it at once."""
TOLD_OF = frozenset(
    {
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "payment_intent.canceled",
        "charge.refunded",
        "charge.refund.updated",
        "refund.updated",
        "refund.failed",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    }
)
"""Events that are looked at."""
NOT_WITHDRAWN = frozenset({"warning_needs_response", "warning_under_review", "warning_closed", "prevented", "won"})
"""States of a dispute in which its money is ours."""
REASONS: Mapping[DeclineReason, frozenset[str]] = {
    DeclineReason.INSUFFICIENT_FUNDS: frozenset({"insufficient_funds"}),
    DeclineReason.EXPIRED_CARD: frozenset({"expired_card"}),
    DeclineReason.AUTHENTICATION_FAILED: frozenset(
        {
            "authentication_not_handled",
            "authentication_required",
            "mobile_device_authentication_required",
            "payment_intent_authentication_failure",
            "setup_intent_authentication_failure",
        }
    ),
    DeclineReason.MANDATE_INVALID: frozenset(
        {
            "debit_not_authorized",
            "payment_intent_mandate_invalid",
            "revocation_of_all_authorizations",
            "revocation_of_authorization",
            "setup_intent_mandate_invalid",
            "stop_payment_order",
        }
    ),
    DeclineReason.PROVIDER_ERROR: frozenset(
        {
            "issuer_not_available",
            "payment_method_provider_timeout",
            "processing_error",
            "reenter_transaction",
            "try_again_later",
        }
    ),
}
BRANDS: Mapping[str, CardBrand] = {"visa": CardBrand.VISA, "mastercard": CardBrand.MASTERCARD}


@dataclass(frozen=True, slots=True)
class CardOnFile:
    """A card that Stripe keeps: charging it takes both."""

    customer: str
    method: str

    @classmethod
    def of(cls, token: str) -> "CardOnFile | None":
        found = KEPT.fullmatch(token)
        return cls(found["customer"], found["method"]) if found else None

    def __str__(self) -> str:
        return f"{self.customer}/{self.method}"


def told(key: UUID, intent: Said, withdrawn_cents: int, lifetime: timedelta) -> Told:
    """BIL-10. What a payment intent says. Raises ProviderSilent where Stripe is in the middle of it."""
    state = STATES.get(intent["status"])
    if state is None:
        raise ProviderSilent("UNFINISHED")
    back, reason, action = 0, None, None
    amount = _cents(intent["amount_received"])
    match state:
        case ProviderState.SUCCEEDED:
            back = _cents(intent["latest_charge"]["amount_refunded"]) + withdrawn_cents
            state = ProviderState.REVERSED if back >= amount else state
        case ProviderState.FAILED:
            reason = reason_of(intent["last_payment_error"])
        case ProviderState.REQUIRES_ACTION:
            action = action_of(intent, lifetime)
    reference, currency = named(intent["id"]), intent["currency"].upper()
    return Told(key, state, reference, amount, currency, back, reason, action)


def stored(setup: Said, customer: str, lifetime: timedelta) -> Stored:
    """BIL-9. What a setup intent says of a card that was to be kept; of other brands nothing is taken."""
    state = STATES.get(setup["status"])
    if state is None or state is ProviderState.PROCESSING:
        raise ProviderSilent("UNFINISHED")
    if state in (ProviderState.FAILED, ProviderState.CANCELLED):
        return Stored(ProviderState.FAILED, reason=reason_of(setup["last_setup_error"]))
    card = setup["payment_method"]["card"]
    brand, kept = BRANDS.get(card["brand"]), CardOnFile(customer, named(setup["payment_method"]["id"]))
    if brand is None:
        return Stored(ProviderState.FAILED, str(kept), reason=DeclineReason.DECLINED)
    action = action_of(setup, lifetime) if state is ProviderState.REQUIRES_ACTION else None
    last_day = monthrange(card["exp_year"], card["exp_month"])[1]
    expires_on = date(card["exp_year"], card["exp_month"], last_day)
    return Stored(state, str(kept), brand, _last4(card["last4"]), expires_on, action=action)


def action_of(intent: Said, lifetime: timedelta) -> Action:
    """BIL-10. What the customer has to do: on a page, or with Stripe's own code and the secret."""
    given = intent["next_action"]
    address = given["redirect_to_url"]["url"] if given["type"] == "redirect_to_url" else None
    if address is not None and (urlsplit(address).scheme not in ("https", "http") or len(address) > ADDRESS_LENGTH):
        address = None
    expires_at = datetime.fromtimestamp(intent["created"], UTC) + lifetime
    return Action(expires_at, address, named(intent["client_secret"]))


def reason_of(error: Said | None) -> DeclineReason:
    """BIL-10. Why a card was refused: what the bank says goes before what Stripe says."""
    for word in (error or {}).get("decline_code"), (error or {}).get("code"):
        for reason, codes in REASONS.items():
            if word in codes:
                return reason
    return DeclineReason.DECLINED


def withdrawn(disputes: Iterable[Said], currency: str) -> int:
    """BIL-9. What of a payment was taken back over disputes: not while the bank only asks, nor once one is won."""
    cents = 0
    for dispute in disputes:
        if dispute["currency"] != currency:
            raise ValueError("a dispute is about what was paid")
        cents += 0 if dispute["status"] in NOT_WITHDRAWN else _cents(dispute["amount"])
    return cents


def concerned(event: Said) -> str | None:
    """Which payment intent an event is about; None where it is about something else."""
    if event["type"] not in TOLD_OF:
        return None
    about = event["data"]["object"]
    name = about["id"] if about["object"] == "payment_intent" else about.get("payment_intent")
    return name if isinstance(name, str) and INTENT.fullmatch(name) else None


def key_of(intent: Said) -> UUID | None:
    """Our key of it; None where it is not ours: an account may have other uses."""
    try:
        return UUID(intent["metadata"][PAYMENT])
    except (KeyError, ValueError):
        return None


def named(value: Any) -> str:
    """A name of Stripe's that fits into our rows."""
    if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]+", value) or len(value) > TEXT_LENGTH:
        raise ValueError("no name of Stripe's")
    return value


def _cents(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("no amount")
    return value


def _last4(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch("[0-9]{4}", value):
        raise ValueError("no digits of a card")
    return value
