"""BIL-9, BIL-10. What Stripe's objects say, without Stripe."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.gateways.stripe_words import action_of, concerned, key_of, reason_of, stored, told, withdrawn
from models.payment_provider import CardBrand, DeclineReason, ProviderSilent, ProviderState

KEY, HOUR = UUID("01900000-0000-7000-8000-000000000001"), timedelta(hours=1)
INTENT: dict[str, Any] = {
    "id": "pi_1",
    "object": "payment_intent",
    "status": "succeeded",
    "amount": 5_000,
    "amount_received": 5_000,
    "currency": "eur",
    "created": 1_795_000_000,
    "latest_charge": {"amount_refunded": 0, "disputed": False},
    "last_payment_error": None,
    "next_action": None,
    "client_secret": "pi_1_secret_2",
    "metadata": {"espace_payment": str(KEY)},
}
PAGE = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://hooks.stripe.example/3ds"}}
CARD = {"brand": "visa", "last4": "4242", "exp_month": 2, "exp_year": 2032}
SETUP: dict[str, Any] = {
    **INTENT,
    "object": "setup_intent",
    "last_setup_error": None,
    "payment_method": {"id": "pm_1", "card": CARD},
}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("succeeded", ProviderState.SUCCEEDED),
        ("processing", ProviderState.PROCESSING),
        ("canceled", ProviderState.CANCELLED),
        ("requires_payment_method", ProviderState.FAILED),
    ],
)
def test_each_state_has_its_word(status: str, state: ProviderState) -> None:
    said = told(KEY, {**INTENT, "status": status}, 0, HOUR)
    assert (said.key, said.state, said.reference, said.amount_cents, said.currency) == (
        KEY,
        state,
        "pi_1",
        5_000,
        "EUR",
    )


@pytest.mark.parametrize("status", ["requires_confirmation", "requires_capture", "resting"])
def test_what_is_not_over_for_stripe_is_not_told(status: str) -> None:
    with pytest.raises(ProviderSilent):
        told(KEY, {**INTENT, "status": status}, 0, HOUR)


@pytest.mark.parametrize(
    ("refunded", "disputed", "state", "back"),
    [
        (0, 0, ProviderState.SUCCEEDED, 0),
        (1_000, 0, ProviderState.SUCCEEDED, 1_000),
        (1_000, 3_999, ProviderState.SUCCEEDED, 4_999),
        (1_000, 4_000, ProviderState.REVERSED, 5_000),
        (1_000, 5_000, ProviderState.REVERSED, 6_000),
    ],
)
def test_refunds_and_disputes_are_one_sum(refunded: int, disputed: int, state: ProviderState, back: int) -> None:
    charge = {"amount_refunded": refunded, "disputed": bool(disputed)}
    said = told(KEY, {**INTENT, "latest_charge": charge}, disputed, HOUR)
    assert (said.state, said.reversed_cents, said.amount_cents) == (state, back, 5_000)


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount_received": "5000"},
        {"amount_received": True},
        {"amount_received": -1},
        {"amount_received": None},
        {"latest_charge": "ch_1"},
        {"latest_charge": None},
        {"currency": None},
        {"id": "pi_1 x"},
        {"id": "pi_" + "x" * 200},
    ],
)
def test_what_is_not_as_it_should_be_is_not_believed(wrong: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError)):
        told(KEY, {**INTENT, **wrong}, 0, HOUR)


def test_only_what_the_bank_took_is_withdrawn() -> None:
    kept = "warning_needs_response", "warning_under_review", "warning_closed", "prevented", "won"
    taken = "needs_response", "under_review", "lost", "appeal_needs_response", "appeal_under_review", "to_come"
    for states, cents in ((kept, 0), (taken, 100)):
        for status in states:
            assert withdrawn([{"status": status, "amount": 100, "currency": "eur"}], "eur") == cents
    assert withdrawn([{"status": "lost", "amount": each, "currency": "eur"} for each in (100, 250)], "eur") == 350
    with pytest.raises(ValueError, match="dispute"):
        withdrawn([{"status": "lost", "amount": 100, "currency": "usd"}], "eur")


@pytest.mark.parametrize(
    ("decline_code", "code", "reason"),
    [
        ("insufficient_funds", "card_declined", DeclineReason.INSUFFICIENT_FUNDS),
        (None, "expired_card", DeclineReason.EXPIRED_CARD),
        ("authentication_required", "authentication_required", DeclineReason.AUTHENTICATION_FAILED),
        (None, "payment_intent_authentication_failure", DeclineReason.AUTHENTICATION_FAILED),
        ("revocation_of_authorization", "card_declined", DeclineReason.MANDATE_INVALID),
        (None, "processing_error", DeclineReason.PROVIDER_ERROR),
        ("insufficient_funds", "processing_error", DeclineReason.INSUFFICIENT_FUNDS),
        ("stolen_card", "card_declined", DeclineReason.DECLINED),
        ("fraudulent", "card_declined", DeclineReason.DECLINED),
        (None, None, DeclineReason.DECLINED),
    ],
)
def test_decline_codes_become_our_reasons(decline_code: str | None, code: str | None, reason: DeclineReason) -> None:
    assert reason_of({"decline_code": decline_code, "code": code}) is reason
    said = told(KEY, {**INTENT, "status": "requires_payment_method", "last_payment_error": {"code": code}}, 0, HOUR)
    assert said.reason is reason_of({"code": code})


def test_a_refusal_that_says_nothing_is_one() -> None:
    assert reason_of(None) is DeclineReason.DECLINED
    assert reason_of({}) is DeclineReason.DECLINED


def test_an_action_lasts_from_when_it_was_asked_for() -> None:
    action = action_of({**INTENT, "next_action": PAGE}, HOUR)
    assert action.expires_at == datetime.fromtimestamp(1_795_000_000, UTC) + HOUR
    assert (action.redirect_url, action.client_secret) == ("https://hooks.stripe.example/3ds", "pi_1_secret_2")
    assert "secret" not in repr(action)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://hooks.stripe.example/" + "x" * 400])
def test_a_page_that_is_none_or_does_not_fit_is_left_to_stripes_own_code(url: str) -> None:
    for given in ({"type": "redirect_to_url", "redirect_to_url": {"url": url}}, {"type": "use_stripe_sdk"}):
        action = action_of({**INTENT, "next_action": given}, HOUR)
        assert (action.redirect_url, action.client_secret) == (None, "pi_1_secret_2")


def test_a_card_is_kept_with_its_customer_until_the_end_of_its_month() -> None:
    said = stored(SETUP, "cus_1", HOUR)
    assert (said.state, said.token, said.brand) == (ProviderState.SUCCEEDED, "cus_1/pm_1", CardBrand.VISA)
    assert (said.last4, said.expires_on, said.action) == ("4242", date(2032, 2, 29), None)
    assert "pm_1" not in repr(said)
    waits = stored({**SETUP, "status": "requires_action", "next_action": PAGE}, "cus_1", HOUR)
    assert (waits.state, waits.brand) == (ProviderState.REQUIRES_ACTION, CardBrand.VISA)
    assert waits.action is not None


@pytest.mark.parametrize("status", ["requires_confirmation", "processing", "resting"])
def test_a_setup_that_is_not_over_for_stripe_is_not_told(status: str) -> None:
    with pytest.raises(ProviderSilent):
        stored({**SETUP, "status": status}, "cus_1", HOUR)


@pytest.mark.parametrize("status", ["requires_payment_method", "canceled"])
def test_a_setup_that_is_not_done_keeps_nothing(status: str) -> None:
    error = {"code": "setup_intent_authentication_failure"}
    said = stored({**SETUP, "status": status, "last_setup_error": error}, "cus_1", HOUR)
    assert (said.state, said.token, said.reason) == (ProviderState.FAILED, "", DeclineReason.AUTHENTICATION_FAILED)


def test_another_brand_is_not_taken_and_named_to_be_forgotten() -> None:
    said = stored({**SETUP, "payment_method": {"id": "pm_1", "card": {**CARD, "brand": "amex"}}}, "cus_1", HOUR)
    assert (said.state, said.token, said.brand) == (ProviderState.FAILED, "cus_1/pm_1", None)


def test_an_event_says_which_payment_to_look_at() -> None:
    def about(kind: str, **values: Any) -> str | None:
        return concerned({"type": kind, "data": {"object": {"object": kind.partition(".")[0], **values}}})

    assert about("payment_intent.succeeded", id="pi_1") == "pi_1"
    assert about("charge.dispute.created", id="dp_1", payment_intent="pi_1") == "pi_1"
    assert about("refund.failed", id="re_1", payment_intent="pi_1") == "pi_1"
    assert about("charge.refunded", id="ch_1", payment_intent=None) is None
    assert about("charge.refunded", id="ch_1", payment_intent="../customers") is None
    assert about("payment_intent.created", id="pi_1") is None
    assert about("setup_intent.succeeded", id="seti_1") is None


def test_what_is_not_ours_has_no_key() -> None:
    assert key_of(INTENT) == KEY
    assert key_of({"metadata": {}}) is None
    assert key_of({"metadata": {"espace_payment": "42"}}) is None
