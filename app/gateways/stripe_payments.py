"""BIL-9, BIL-10. Cards by Stripe: payment intents for what is paid, setup intents for what is kept.

Our key is the idempotency key of what is asked, and in the metadata of what it made. So what is asked twice is done
once, and a charge whose answer was lost is found again: by the instant that is in the key.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

import orjson
import stripe

from app.gateways.stripe_wire import client_of, heard, note, was_replayed
from app.gateways.stripe_words import (
    METHOD,
    ONE_TIME,
    PAYMENT,
    REFUND,
    UNFINISHED,
    CardOnFile,
    Said,
    concerned,
    key_of,
    named,
    reason_of,
    stored,
    told,
    withdrawn,
)
from models.payment_provider import (
    ChargeOrder,
    DeclineReason,
    MethodOrder,
    PaymentMethodKind,
    ProviderSilent,
    ProviderState,
    Stored,
    Told,
    UntrustedNotice,
)
from models.secret import unsaid
from models.setting import Figures
from schema.global_id import global_id

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams

SIGNATURE = "stripe-signature"
SKEW = timedelta(minutes=2)
"""How far Stripe's clock and ours may be apart."""
PAGE = 100
CHARGED = ["latest_charge"]
CARD = ["payment_method"]


class StripePayments:
    """Takes cards, of one account at Stripe's."""

    name = "stripe"
    kinds = frozenset({PaymentMethodKind.CARD})

    def __init__(self, figures: Figures, *, secret_key: str, webhook_secret: str, url: str, back_to: str) -> None:
        self.figures = figures
        self.back_to = back_to
        """Where the application shows `/payment-return`."""
        self._webhook_secret = webhook_secret
        self._api = client_of(secret_key, url).v1

    __repr__ = unsaid

    async def charge(self, order: ChargeOrder, now: datetime) -> Told:
        params = self._params(order)
        if params is None:
            return _failed(order.key, DeclineReason.DECLINED)
        with heard():
            try:
                intent = await self._api.payment_intents.create_async(params, {"idempotency_key": str(order.key)})
            except stripe.CardError as error:
                return _declined(order.key, error)
            except stripe.InvalidRequestError as error:
                return _refused(order.key, error)
            said = await self._intent(intent.id) if was_replayed(intent) else intent.to_dict()
            return await self._told(order.key, said)

    async def status(self, key: UUID, now: datetime, reference: str | None = None) -> Told | None:
        with heard():
            intent = await self._find(key, reference)
            if intent is None:
                return None
            if intent["status"] in UNFINISHED and now > datetime.fromtimestamp(intent["created"], UTC) + SKEW:
                intent = await self._given_up(intent)
                if intent["status"] == "canceled":
                    return _failed(key, DeclineReason.PROVIDER_ERROR, intent["id"])
            return await self._told(key, intent)

    async def confirm(self, key: UUID, now: datetime, reference: str | None = None) -> Told:
        """Stripe goes on by itself once the customer has acted."""
        with heard():
            return await self._told(key, await self._known(key, reference))

    async def cancel(self, key: UUID, now: datetime, reference: str | None = None) -> Told | None:
        with heard():
            intent = await self._find(key, reference)
            return None if intent is None else await self._told(key, await self._given_up(intent))

    async def refund(
        self, key: UUID, cents: int, refund_key: UUID, now: datetime, reference: str | None = None
    ) -> Told:
        with heard():
            name = (await self._known(key, reference))["id"]
            made = [each async for each in self._refunds(name) if each["metadata"].get(REFUND) == str(refund_key)]
            if not made:  # Stripe forgets keys after a day or more.
                try:
                    await self._api.refunds.create_async(
                        {"payment_intent": name, "amount": cents, "metadata": {REFUND: str(refund_key)}},
                        {"idempotency_key": str(refund_key)},
                    )
                except stripe.InvalidRequestError as error:
                    note("stripe_refund_refused", error)
            return await self._told(key, await self._intent(name))

    async def store(self, order: MethodOrder, now: datetime) -> Stored:
        if not ONE_TIME.fullmatch(order.token):
            return Stored(ProviderState.FAILED, reason=DeclineReason.DECLINED)
        with heard():
            customer, setup = await self._setup(order.key)
            try:
                confirmed = await self._api.setup_intents.confirm_async(
                    setup,
                    {
                        "payment_method": order.token,
                        "return_url": self._back("paymentMethodId", "CardPaymentMethod", order.key),
                        "expand": CARD,
                    },
                    {"idempotency_key": f"{order.key}:confirm"},
                )
            except stripe.CardError as error:
                return Stored(ProviderState.FAILED, reason=reason_of(_said(error)))
            except stripe.InvalidRequestError as error:
                note("stripe_method_refused", error)
                return Stored(ProviderState.FAILED, reason=DeclineReason.DECLINED)
            said = await self._setup_intent(setup) if was_replayed(confirmed) else confirmed.to_dict()
            return await self._stored(said, customer)

    async def confirm_method(self, order: MethodOrder, now: datetime) -> Stored:
        with heard():
            customer, setup = await self._setup(order.key)
            return await self._stored(await self._setup_intent(setup), customer)

    async def forget(self, token: str) -> None:
        """What is not of our making was never kept."""
        kept = CardOnFile.of(token)
        if kept is None:
            return
        with heard():
            try:
                await self._api.payment_methods.detach_async(kept.method)
            except stripe.InvalidRequestError as error:  # It is gone already.
                note("stripe_forgotten_before", error)

    async def notice(self, body: bytes, headers: Mapping[str, str], real_now: datetime) -> Told | None:
        """An event says where to look: what it says of the payment may be old by now."""
        tolerance = max(1, int(self.figures.notice_tolerance.total_seconds()))
        try:
            stripe.WebhookSignature.verify_header(body, headers.get(SIGNATURE), self._webhook_secret, tolerance)
            name = concerned(orjson.loads(body))
        except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError, AttributeError):
            raise UntrustedNotice from None
        if name is None:
            return None
        with heard():
            intent = await self._intent(name)
            key = key_of(intent)
            return None if key is None or intent["status"] in UNFINISHED else await self._told(key, intent)

    # Parts

    def _params(self, order: ChargeOrder) -> "PaymentIntentCreateParams | None":
        """What is asked for; None where the token is none of Stripe's, or would be somebody else's card."""
        kept = CardOnFile.of(order.token) if order.kept else None
        if kept is None and (order.kept or not ONE_TIME.fullmatch(order.token)):
            return None
        params: PaymentIntentCreateParams = {
            "amount": order.amount_cents,
            "currency": order.currency.value.lower(),
            "allowed_payment_method_types": ["card"],
            "payment_method": kept.method if kept else order.token,
            "confirm": True,
            "return_url": self._back("paymentId", "Payment", order.key),
            "metadata": {PAYMENT: str(order.key)},
            "expand": CHARGED,
        }
        if kept:
            params["customer"] = kept.customer
        if order.automatic:
            params["off_session"] = True
        return params

    def _back(self, name: str, type_name: str, key: UUID) -> str:
        return f"{self.back_to}/payment-return?{name}={quote(global_id(type_name, key))}"

    async def _told(self, key: UUID, intent: Said) -> Told:
        cents = 0
        if intent["status"] == "succeeded" and intent["latest_charge"]["disputed"]:
            page = await self._api.disputes.list_async({"payment_intent": intent["id"], "limit": PAGE})
            cents = withdrawn([each.to_dict() async for each in page.auto_paging_iter()], intent["currency"])
        return told(key, intent, cents, self.figures.payment_action_lifetime)

    async def _intent(self, name: str) -> Said:
        return (await self._api.payment_intents.retrieve_async(name, {"expand": CHARGED})).to_dict()

    async def _known(self, key: UUID, reference: str | None) -> Said:
        intent = await self._find(key, reference)
        if intent is None:
            raise ProviderSilent("NEVER_ASKED")
        return intent

    async def _find(self, key: UUID, reference: str | None) -> Said | None:
        """By what it was called, or among those that were made since the key was: lists are never behind."""
        if reference:
            intent = await self._intent(named(reference))
            if key_of(intent) != key:
                raise ProviderSilent("OTHER_KEY")
            return intent
        for first, last in self._spans(key):
            page = await self._api.payment_intents.list_async({"created": {"gte": first, "lte": last}, "limit": PAGE})
            async for each in page.auto_paging_iter():
                if key_of(each.to_dict()) == key:
                    return await self._intent(each.id)
        return None

    def _spans(self, key: UUID) -> list[tuple[int, int]]:
        """When it may have arrived, in Stripe's seconds: right after it was made, or on a later try."""
        if key.version != 7:
            raise ValueError("only keys with an instant in them are ours")
        made, skew = (key.int >> 80) // 1000, int(SKEW.total_seconds())
        soon = made + int(self.figures.payment_timeout.total_seconds()) + skew
        return [(made - skew, soon), (soon + 1, soon + int(self.figures.payment_patience.total_seconds()))]

    async def _given_up(self, intent: Said) -> Said:
        """It is cancelled, or what became of it before that."""
        try:
            gone = await self._api.payment_intents.cancel_async(intent["id"], {"expand": CHARGED})
            return gone.to_dict()
        except stripe.InvalidRequestError as error:
            note("stripe_too_late", error)
            return await self._intent(intent["id"])

    async def _refunds(self, name: str) -> AsyncIterator[Said]:
        page = await self._api.refunds.list_async({"payment_intent": name, "limit": PAGE})
        async for each in page.auto_paging_iter():
            yield each.to_dict()

    async def _setup(self, key: UUID) -> tuple[str, str]:
        """A customer of its own for each card, and what is to keep it: made once, and found again by the key."""
        metadata = {METHOD: str(key)}
        customer = await self._api.customers.create_async(
            {"metadata": metadata}, {"idempotency_key": f"{key}:customer"}
        )
        setup = await self._api.setup_intents.create_async(
            {
                "customer": customer.id,
                "usage": "off_session",
                "allowed_payment_method_types": ["card"],
                "metadata": metadata,
            },
            {"idempotency_key": f"{key}:setup"},
        )
        return named(customer.id), named(setup.id)

    async def _setup_intent(self, name: str) -> Said:
        return (await self._api.setup_intents.retrieve_async(name, {"expand": CARD})).to_dict()

    async def _stored(self, setup: Said, customer: str) -> Stored:
        """A card that we do not take is not kept either."""
        found = stored(setup, customer, self.figures.payment_action_lifetime)
        if found.state is ProviderState.FAILED and found.token:
            await self.forget(found.token)
        return found


def _failed(key: UUID, reason: DeclineReason, reference: str = "") -> Told:
    return Told(key, ProviderState.FAILED, reference, 0, reason=reason)


def _declined(key: UUID, error: stripe.CardError) -> Told:
    said = _said(error)
    intent = said.get("payment_intent")
    return _failed(key, reason_of(said), named(intent["id"]) if intent else "")


def _refused(key: UUID, error: stripe.InvalidRequestError) -> Told:
    """Stripe did nothing: what stands for the card is no good, or what we ask."""
    note("stripe_charge_refused", error)
    about_card = str(error.param or "").startswith("payment_method") or error.code == "resource_missing"
    return _failed(key, DeclineReason.DECLINED if about_card else DeclineReason.PROVIDER_ERROR)


def _said(error: stripe.StripeError) -> dict[str, Any]:
    """The body of an error."""
    body = error.json_body
    said = body.get("error") if isinstance(body, dict) else None
    return said if isinstance(said, dict) else {}
