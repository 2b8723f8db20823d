"""BIL-8, BIL-9, BIL-10. Cards by Stripe, end to end: the API, the adapter, Stripe's library, localstripe behind it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
import stripe
from sqlalchemy import update

from app.gateways.stripe_payments import StripePayments
from app.passwords import HashingPool
from app.settings import Settings
from engine.bind import Bound
from models.clock import FrozenClock, RealClock
from models.column import new_id, table
from models.db import Database, Db
from models.money import Currency
from models.payment import Means, Payment, PaymentStatus, payment_began
from models.payment_method import PaymentMethod
from models.payment_provider import ChargeOrder, DeclineReason, ProviderSilent, ProviderState
from models.quarantine import QuarantinedNotice
from resolvers.audit import verify
from resolvers.payment_method import forget
from resolvers.settlement import Desk, proceed
from tests.api import Api, serving
from tests.cycle import movements
from tests.database import START, Databases
from tests.paying import CANCEL, CONFIRM, CONFIRM_METHOD, REMOVE, add_card, asked, codes, money, token, top_up
from tests.seeding import seeded
from tests.server import PATIENCE
from tests.stripe_front import PATH, SECRET_KEY, SIGNS_WITH, Front, front_of, localstripe

INTENTS = "/v1/payment_intents"
AUTHENTICATED, DECLINED_LATER, DECLINED_AT_ONCE = "4000002760003184", "4000000000000341", "4000000000000002"
LIVE: dict[str, Any] = {
    "mode": "production",
    "bank_iban": "DE89370400440532013000",
    "secret_key": "k" * 40,
    "tls_only_cookies": True,
    "public_url": "https://espace.example",
    "password_memory_kib": 19_456,
    "password_passes": 2,
    "stripe_secret_key": SECRET_KEY,
    "stripe_webhook_secret": SIGNS_WITH,
}


@pytest.fixture(scope="session")
def stripe_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with localstripe(tmp_path_factory.mktemp("localstripe")) as url:
        yield url


@pytest.fixture
async def front(stripe_server: str) -> AsyncIterator[Front]:
    async with front_of(stripe_server) as front:
        yield front


@pytest.fixture
async def api(
    databases: Databases, database: Database, bound: Bound, hashing: HashingPool, clock: FrozenClock, front: Front
) -> AsyncIterator[Api]:
    """A production that takes cards, at the time that it is, since Stripe keeps its own."""
    await seeded(databases, database, hashing)
    clock.move(RealClock().now() - START)
    async with serving(database, bound, **LIVE, stripe_api_url=front.url) as served:
        front.lands = served.client
        yield served


def provider(api: Api) -> StripePayments:
    (found,) = api.app.state.host.payments.every
    assert isinstance(found, StripePayments)
    return found


async def ask_again(api: Api) -> None:
    """Ask what became of every payment."""
    host = api.app.state.host
    async with Db(api.database) as db:
        for row in await api.rows(Payment):
            await proceed(Desk(db, host.settings, host.payments), row.id)


async def only(api: Api) -> Any:
    """The one payment."""
    (row,) = await api.rows(Payment)
    return row


async def send(api: Api, kind: str, about: dict[str, Any], *, age: int = 0, secret: str = SIGNS_WITH) -> int:
    """An event, signed as Stripe signs so many seconds ago."""
    event = {"id": f"evt_{uuid4().hex}", "object": "event", "type": kind, "data": {"object": about}}
    stamp = int(RealClock().now().timestamp()) - age
    body = orjson.dumps(event).decode()
    signature = stripe.WebhookSignature.generate_signature_header(body, secret, stamp)
    return await post(api, body, signature)


async def post(api: Api, body: str, signature: str) -> int:
    headers = {b"stripe-signature": signature.encode()}
    return (await api.client.post(PATH, content=body, headers=headers)).status_code


# What is paid


async def test_a_card_pays_once_and_the_money_is_credited(api: Api, front: Front) -> None:
    payment = (await top_up(api, "50.00", token(await front.card())))["payment"]
    assert (payment["status"], payment["failure"]) == ("SUCCEEDED", None)
    row = await only(api)
    (intent,) = await front.of(row.id)
    assert (row.provider, row.reference, row.token) == ("stripe", intent["id"], None)
    assert (intent["amount"], intent["currency"], intent["status"]) == (5_000, "eur", "succeeded")
    assert [each.key for each in front.posts(INTENTS)] == [str(row.id)]
    assert await movements(api) == [("PAYMENT", 5_000)]
    await verify(api.database)


async def test_what_tells_of_this_machine_is_not_sent(api: Api, front: Front) -> None:
    await top_up(api, "50.00", token(await front.card()))
    for each in front.asked:
        assert each.headers["authorization"] == f"Bearer {SECRET_KEY}"
        assert each.headers["stripe-version"] == stripe.api_version
        assert not [name for name in each.headers if name.startswith("x-stripe-client")]


async def test_a_declined_card_fails_with_its_reason(api: Api, front: Front) -> None:
    refused = await top_up(api, "50.00", token(await front.card(DECLINED_LATER)))
    (error,) = refused["userErrors"]
    assert (error["code"], error["failure"]["reason"]) == ("PAYMENT_DECLINED", "DECLINED")
    row = await only(api)
    assert (row.status, row.reference[:3], row.ask_at) == (PaymentStatus.FAILED, "pi_", None)
    assert await movements(api) == []


@pytest.mark.parametrize("sent", ["pm_nosuchcard", "tok_visa", "cus_somebody/pm_else", "../customers", "pm_a\r\nX: y"])
async def test_what_is_no_card_is_declined(api: Api, front: Front, sent: str) -> None:
    refused = await top_up(api, "50.00", token(sent))
    assert codes(refused) == ["PAYMENT_DECLINED"]
    assert len(front.asked) == (1 if sent == "pm_nosuchcard" else 0)
    assert (await only(api)).status is PaymentStatus.FAILED


async def test_strong_authentication_waits_for_the_holder_and_then_succeeds(api: Api, front: Front) -> None:
    payment = (await top_up(api, "50.00", token(await front.card(AUTHENTICATED))))["payment"]
    (intent,) = await front.of((await only(api)).id)
    action = payment["nextAction"]
    assert payment["status"] == "REQUIRES_ACTION"
    assert action["redirectUrl"] == f"https://hooks.stripe.example/3ds/{intent['id']}"
    assert action["clientSecret"] == intent["client_secret"]
    assert (
        front.back[intent["id"]]
        == f"https://espace.example/payment-return?paymentId={payment['id'].replace('=', '%3D')}"
    )
    assert (await asked(api, CONFIRM, {"id": payment["id"]}))["payment"]["status"] == "REQUIRES_ACTION"
    await front.act(intent, success=True)
    assert (await asked(api, CONFIRM, {"id": payment["id"]}))["payment"]["status"] == "SUCCEEDED"
    assert await movements(api) == [("PAYMENT", 5_000)]
    assert len(await front.of((await only(api)).id)) == 1


async def test_a_holder_who_does_not_prove_themselves_does_not_pay(api: Api, front: Front) -> None:
    payment = (await top_up(api, "50.00", token(await front.card(AUTHENTICATED))))["payment"]
    (intent,) = await front.of((await only(api)).id)
    await front.act(intent, success=False)
    (error,) = (await asked(api, CONFIRM, {"id": payment["id"]}))["userErrors"]
    assert error["failure"]["reason"] == "AUTHENTICATION_FAILED"
    assert await movements(api) == []


async def test_what_waits_is_given_up_at_stripe_too(api: Api, front: Front, clock: FrozenClock) -> None:
    for by in ("customer", "time"):
        payment = (await top_up(api, "50.00", token(await front.card(AUTHENTICATED))))["payment"]
        if by == "customer":
            payment = (await asked(api, CANCEL, {"id": payment["id"]}))["payment"]
            assert payment["status"] == "CANCELLED"
        else:
            clock.move(api.app.state.host.settings.payment_action_lifetime * 2)
            await ask_again(api)
    rows = await api.rows(Payment)
    assert [row.status for row in rows] == [PaymentStatus.CANCELLED] * 2
    assert [(await front.of(row.id))[0]["status"] for row in rows] == ["canceled"] * 2


async def test_giving_up_too_late_tells_what_became_of_it(api: Api, front: Front) -> None:
    payment = (await top_up(api, "50.00", token(await front.card(AUTHENTICATED))))["payment"]
    (intent,) = await front.of((await only(api)).id)
    await front.act(intent, success=True)
    assert (await asked(api, CANCEL, {"id": payment["id"]}))["payment"]["status"] == "SUCCEEDED"
    assert await movements(api) == [("PAYMENT", 5_000)]


# Silence


async def test_an_answer_that_is_lost_is_cleared_up_and_nothing_is_taken_twice(api: Api, front: Front) -> None:
    front.cut = 1
    payment = (await top_up(api, "50.00", token(await front.card())))["payment"]
    assert payment["status"] == "PROCESSING"
    await ask_again(api)
    row = await only(api)
    assert row.status is PaymentStatus.SUCCEEDED
    assert len(front.posts(INTENTS)) == 1
    assert [each["id"] for each in await front.of(row.id)] == [row.reference]
    assert await movements(api) == [("PAYMENT", 5_000)]


async def test_a_charge_is_found_among_many(api: Api, front: Front) -> None:
    front.cut = 1
    await top_up(api, "50.00", token(await front.card()))
    for _ in range(3):
        await front.ask("POST", INTENTS, {"amount": "100", "currency": "eur"})
    front.page = 1
    await ask_again(api)
    assert (await only(api)).status is PaymentStatus.SUCCEEDED
    listed = [each.form for each in front.asked if each.method == "GET" and each.path == INTENTS]
    assert len(listed) >= 4
    assert len(front.posts(INTENTS)) == 1


async def test_a_charge_that_lists_do_not_show_is_asked_for_with_the_same_key(api: Api, front: Front) -> None:
    front.cut, front.blind = 1, True
    await top_up(api, "50.00", token(await front.card()))
    await ask_again(api)
    row = await only(api)
    assert [each.key for each in front.posts(INTENTS)] == [str(row.id)] * 2
    assert len(await front.of(row.id)) == 1
    assert (row.status, await movements(api)) == (PaymentStatus.SUCCEEDED, [("PAYMENT", 5_000)])


async def test_what_is_answered_to_the_same_key_may_be_old(api: Api, front: Front) -> None:
    front.cut, front.blind = 1, True
    await top_up(api, "50.00", token(await front.card(AUTHENTICATED)))
    (intent,) = await front.of((await only(api)).id)
    await front.act(front.completed(intent), success=True)
    await ask_again(api)
    assert (await only(api)).status is PaymentStatus.SUCCEEDED
    assert await movements(api) == [("PAYMENT", 5_000)]


async def test_what_never_arrived_is_sent_again(api: Api, front: Front) -> None:
    front.lost = 1
    await top_up(api, "50.00", token(await front.card()))
    assert (await only(api)).status is PaymentStatus.PROCESSING
    await ask_again(api)
    row = await only(api)
    assert row.status is PaymentStatus.SUCCEEDED
    assert len(await front.of(row.id)) == 1


async def test_a_client_that_tries_again_with_its_key_is_charged_once(api: Api, front: Front) -> None:
    card, key = await front.card(), str(uuid4())
    front.cut = 1
    states = [(await top_up(api, "50.00", token(card), idempotencyKey=key))["payment"]["status"] for _ in range(3)]
    assert states == ["PROCESSING", "SUCCEEDED", "SUCCEEDED"]
    assert len(await front.of((await only(api)).id)) == 1
    assert await movements(api) == [("PAYMENT", 5_000)]


async def test_an_answer_that_takes_too_long_is_none(
    databases: Databases, database: Database, bound: Bound, hashing: HashingPool, clock: FrozenClock, front: Front
) -> None:
    await seeded(databases, database, hashing)
    clock.move(RealClock().now() - START)
    card = await front.card()
    async with serving(database, bound, **LIVE, stripe_api_url=front.url, payment_timeout=1) as api:
        front.late = True
        assert (await top_up(api, "50.00", token(card)))["payment"]["status"] == "PROCESSING"
        front.late = False
        await ask_again(api)
        assert (await only(api)).status is PaymentStatus.SUCCEEDED
        assert len(await front.of((await only(api)).id)) == 1


BROKEN = {
    "a refused key": (401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key: sk_test_****ace"}}),
    "a right that is missing": (403, {"error": {"type": "invalid_request_error", "message": "no"}}),
    "another request at work": (409, {"error": {"type": "idempotency_error", "code": "idempotency_key_in_use"}}),
    "another request before": (400, {"error": {"type": "idempotency_error", "message": "other"}}),
    "too many requests": (429, {"error": {"type": "invalid_request_error", "code": "rate_limit"}}),
    "a defect": (500, {"error": {"type": "api_error", "message": "sorry"}}),
    "a page": (502, b"<html>bad gateway</html>"),
    "no object": (200, [1, 2]),
    "an object of another shape": (200, {"object": "payment_intent", "id": "pi_1"}),
    "an unknown state": (200, {"object": "payment_intent", "id": "pi_1", "status": "resting", "amount_received": 0}),
    "an amount that is none": (
        200,
        {"object": "payment_intent", "id": "pi_1", "status": "succeeded", "amount_received": "5000"},
    ),
}


@pytest.mark.parametrize("said", BROKEN.values(), ids=BROKEN)
async def test_what_is_no_answer_is_silence_and_is_asked_about_later(
    api: Api, front: Front, said: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    card = await front.card()
    front.broken = said
    assert (await top_up(api, "50.00", token(card)))["payment"]["status"] == "PROCESSING"
    await ask_again(api)
    assert (await only(api)).status is PaymentStatus.PROCESSING
    front.broken = None
    await ask_again(api)
    assert (await only(api)).status is PaymentStatus.SUCCEEDED
    assert await movements(api) == [("PAYMENT", 5_000)]
    logged = capsys.readouterr()
    assert "sk_test" not in logged.out + logged.err


async def test_another_amount_than_was_asked_for_is_looked_at_by_people(api: Api, front: Front) -> None:
    front.cut = 1
    await top_up(api, "50.00", token(await front.card()))
    async with Db(api.database) as db:
        await db.note(update(table(Payment)).values(amount_cents=6_000))
    await ask_again(api)
    (kept,) = await api.rows(QuarantinedNotice)
    assert (kept.provider, kept.problem, kept.amount_cents) == ("stripe", "AMOUNT", 5_000)
    assert await movements(api) == []


async def test_a_name_of_another_payment_is_not_believed(api: Api, front: Front) -> None:
    await top_up(api, "50.00", token(await front.card()))
    with pytest.raises(ProviderSilent):
        await provider(api).status(new_id(), START, (await only(api)).reference)
    with pytest.raises(ProviderSilent):
        await provider(api).status(new_id(), START, "pi_nobody")
    assert await provider(api).status(new_id(), START) is None


async def test_what_stripe_broke_off_is_given_up_once_nobody_works_at_it(api: Api, front: Front) -> None:
    key = new_id()
    form = {"amount": "700", "currency": "eur", "payment_method": await front.card()}
    _, intent = await front.ask("POST", INTENTS, {**form, "metadata[espace_payment]": str(key)})
    assert await send(api, "payment_intent.processing", intent) == 204
    now = RealClock().now()
    with pytest.raises(ProviderSilent):
        await provider(api).status(key, now)
    told = await provider(api).status(key, now + timedelta(minutes=3))
    assert told is not None
    assert (told.state, told.reason, told.reference) == (
        ProviderState.FAILED,
        DeclineReason.PROVIDER_ERROR,
        intent["id"],
    )
    assert [each["status"] for each in await front.of(key)] == ["canceled"]
    assert await api.rows(QuarantinedNotice) == []


# Cards on file


async def test_a_stored_card_is_debited_without_its_holder(api: Api, front: Front) -> None:
    payload = await add_card(api, await front.card(), autoDebit=True)
    assert (payload["userErrors"], payload["nextAction"]) == ([], None)
    card = payload["paymentMethod"]
    assert (card["label"], card["expiresOn"], card["usable"]) == ("Visa 4242", "2032-02-29", True)
    assert (await top_up(api, "50.00", {"paymentMethodId": card["id"]}))["payment"]["status"] == "SUCCEEDED"
    (method,) = await api.rows(PaymentMethod)
    debited = await debit(api, method)
    (intent,) = await front.of(debited.id)
    assert (debited.status, debited.reference) == (PaymentStatus.SUCCEEDED, intent["id"])
    assert method.token == f"{intent['customer']}/{intent['payment_method']}"
    assert [each.form.get("off_session") for each in front.posts(INTENTS)] == [None, "true"]
    assert await movements(api) == [("PAYMENT", 5_000), ("PAYMENT", 700)]


async def debit(api: Api, method: Any) -> Any:
    """Seven euros from a card on file, as a collection takes them; answers the payment."""
    host = api.app.state.host
    async with Db(api.database) as db:
        async with db.write() as write:
            payment = payment_began(
                write.record,
                Means(method.kind, method.provider, method.id),
                owner_id=method.owner_id,
                cents=700,
                wait=host.settings.payment_ask_pause,
                automatic=True,
            )
            key = payment.id
            write.add(payment)
        await proceed(Desk(db, host.settings, host.payments), key, fresh=True)
    (row,) = [each for each in await api.rows(Payment) if each.id == key]
    return row


async def test_a_debit_that_asks_for_the_holder_fails(api: Api, front: Front) -> None:
    card = (await add_card(api, await front.card(AUTHENTICATED)))["paymentMethod"]
    await finish_setup(front)
    assert (await asked(api, CONFIRM_METHOD, {"id": card["id"]}))["paymentMethod"]["usable"] is True
    (row,) = await api.rows(PaymentMethod)
    order = ChargeOrder(new_id(), 700, Currency.EUR, row.token, automatic=True, kept=True)
    told = await provider(api).charge(order, START)
    assert (told.state, told.reason) == (ProviderState.FAILED, DeclineReason.AUTHENTICATION_FAILED)
    assert told.reference == (await front.of(order.key))[0]["id"]


async def finish_setup(front: Front) -> None:
    """The holder of the newest card proves who they are."""
    _, said = await front.ask("GET", "/v1/setup_intents", {"limit": "10000"})
    await front.ask("POST", f"/v1/setup_intents/{said['data'][-1]['id']}/confirm", {"use_stripe_sdk": "true"})


async def test_strong_authentication_comes_before_a_card_can_be_used(api: Api, front: Front) -> None:
    payload = await add_card(api, await front.card(AUTHENTICATED))
    card, action = payload["paymentMethod"], payload["nextAction"]
    assert (card["usable"], card["default"]) == (False, False)
    assert action["redirectUrl"].startswith("https://hooks.stripe.example/3ds/seti_")
    assert "paymentMethodId=" in next(iter(front.back.values()))
    again = await asked(api, CONFIRM_METHOD, {"id": card["id"]})
    assert again["paymentMethod"]["usable"] is False
    await finish_setup(front)
    stored = (await asked(api, CONFIRM_METHOD, {"id": card["id"]}))["paymentMethod"]
    assert (stored["usable"], stored["default"]) == (True, True)


@pytest.mark.parametrize("sent", ["declined", "pm_nosuchcard", "cus_somebody/pm_else"])
async def test_a_card_that_is_refused_is_not_kept(api: Api, front: Front, sent: str) -> None:
    card = await front.card(DECLINED_AT_ONCE) if sent == "declined" else sent
    assert codes(await add_card(api, card)) == ["PAYMENT_DECLINED"]
    (row,) = await api.rows(PaymentMethod)
    assert (row.state, row.token) == ("REFUSED", None)


async def test_a_card_of_another_brand_is_not_kept_at_stripe_either(api: Api, front: Front) -> None:
    front.brand = "amex"
    assert codes(await add_card(api, await front.card())) == ["PAYMENT_DECLINED"]
    assert [each.path for each in front.asked if each.path.endswith("/detach")] != []
    (row,) = await api.rows(PaymentMethod)
    assert (row.state, row.token) == ("REFUSED", None)


@pytest.mark.parametrize("cut", [1, 2, 3])
async def test_storing_that_was_cut_off_goes_on_where_it_was(api: Api, front: Front, cut: int) -> None:
    card, key = await front.card(), str(uuid4())
    before = len((await front.ask("GET", "/v1/customers", {"limit": "10000"}))[1]["data"])
    for _ in range(cut):
        front.cut = 1
        assert codes(await add_card(api, card, idempotencyKey=key)) == ["PAYMENT_DECLINED"]
    assert (await add_card(api, card, idempotencyKey=key))["paymentMethod"]["usable"] is True
    assert len(await api.rows(PaymentMethod)) == 1
    assert len((await front.ask("GET", "/v1/customers", {"limit": "10000"}))[1]["data"]) == before + 1


async def test_a_removed_card_is_detached_and_what_is_gone_is_forgotten(api: Api, front: Front) -> None:
    card = (await add_card(api, await front.card()))["paymentMethod"]
    (row,) = await api.rows(PaymentMethod)
    method = row.token.partition("/")[2]
    await asked(api, REMOVE, {"id": card["id"]})
    host = api.app.state.host
    front.broken = (500, {"error": {"type": "api_error"}})
    async with Db(api.database) as db:
        await forget(db, host.settings, host.payments)
        assert (await api.rows(PaymentMethod))[0].token is not None
        front.broken = None
        await forget(db, host.settings, host.payments)
    assert (await api.rows(PaymentMethod))[0].token is None
    assert len(front.posts(f"/v1/payment_methods/{method}/detach")) == 2
    front.asked.clear()
    await provider(api).forget("cus_nobody/pm_nobody")
    await provider(api).forget("pm_somebodyelse")
    assert [each.path for each in front.asked] == ["/v1/payment_methods/pm_nobody/detach"]


# Notices, and what goes back


async def test_localstripe_tells_of_a_payment_by_a_signed_notice(api: Api, front: Front) -> None:
    await front.send_notices(on=True)
    try:
        payment = (await top_up(api, "50.00", token(await front.card(AUTHENTICATED))))["payment"]
        (intent,) = await front.of((await only(api)).id)
        await front.act(intent, success=True)
        assert payment["status"] == "REQUIRES_ACTION"
        async with asyncio.timeout(PATIENCE):  # It tells of what others paid as well.
            while (await only(api)).status is not PaymentStatus.SUCCEEDED:
                await front.landed.wait()
                front.landed.clear()
    finally:
        await front.send_notices(on=False)
    assert await movements(api) == [("PAYMENT", 5_000)]


async def test_notices_settle_once_and_in_any_order(api: Api, front: Front) -> None:
    front.cut = 1
    await top_up(api, "50.00", token(await front.card()))
    (intent,) = await front.of((await only(api)).id)
    for kind in ("payment_intent.processing", "payment_intent.succeeded", "payment_intent.payment_failed") * 2:
        assert await send(api, kind, intent) == 204
    assert await movements(api) == [("PAYMENT", 5_000)]
    assert (await only(api)).status is PaymentStatus.SUCCEEDED


async def test_refunds_go_back_once_each_and_are_told_as_a_sum(api: Api, front: Front) -> None:
    await top_up(api, "50.00", token(await front.card()))
    row = await only(api)
    stripe_payments, first, second = provider(api), uuid4(), uuid4()
    front.cut = 1
    with pytest.raises(ProviderSilent):
        await stripe_payments.refund(row.id, 1_000, first, START, row.reference)
    front.kept.clear()  # Stripe forgets keys after a while.
    for _ in range(2):
        told = await stripe_payments.refund(row.id, 1_000, first, START, row.reference)
        assert (told.state, told.amount_cents, told.reversed_cents) == (ProviderState.SUCCEEDED, 5_000, 1_000)
    (intent,) = await front.of(row.id)
    charge = {"id": intent["latest_charge"]["id"], "object": "charge", "payment_intent": intent["id"]}
    assert await send(api, "charge.refunded", charge) == 204
    told = await stripe_payments.refund(row.id, 4_000, second, START)
    assert (told.state, told.reversed_cents) == (ProviderState.REVERSED, 5_000)
    for _ in range(2):
        assert await send(api, "charge.refunded", charge) == 204
    assert await movements(api) == [("PAYMENT", 5_000), ("PAYMENT_REVERSAL", -1_000), ("PAYMENT_REVERSAL", -4_000)]
    assert (await only(api)).status is PaymentStatus.REVERSED
    await verify(api.database)


async def test_a_dispute_takes_back_what_it_is_about_once_the_bank_means_it(api: Api, front: Front) -> None:
    await top_up(api, "50.00", token(await front.card()))
    (intent,) = await front.of((await only(api)).id)
    dispute = {
        "id": "dp_1",
        "object": "dispute",
        "amount": 5_000,
        "currency": "eur",
        "charge": intent["latest_charge"]["id"],
        "payment_intent": intent["id"],
        "metadata": {},
    }
    states = "warning_needs_response", "needs_response", "under_review", "lost", "won"
    for state in states:
        front.disputes = [{**dispute, "status": state}]
        for kind in ("charge.dispute.created", "charge.dispute.updated"):
            assert await send(api, kind, front.disputes[0]) == 204
        booked = [("PAYMENT", 5_000)] + [("PAYMENT_REVERSAL", -5_000)] * (state != "warning_needs_response")
        assert await movements(api) == booked
    assert (await only(api)).status is PaymentStatus.REVERSED


async def test_a_notice_that_is_not_stripes_or_too_old_is_refused(api: Api, front: Front) -> None:
    front.cut = 1
    await top_up(api, "50.00", token(await front.card()))
    (intent,) = await front.of((await only(api)).id)
    seen = len(front.asked)
    kind = "payment_intent.succeeded"
    assert await send(api, kind, intent, age=400) == 400
    assert await send(api, kind, intent, secret="whsec_somebodyelse") == 400
    body = orjson.dumps({"type": kind, "data": {"object": intent}}).decode()
    good = stripe.WebhookSignature.generate_signature_header(body, SIGNS_WITH)
    assert await post(api, body + " ", good) == 400
    for signature in ("", "t=1", "t=x,v1=y", f"{good[:12]},v1=é", "v1,t", f"t=1,{good}"):
        assert await post(api, body, signature) == 400
    for said in ("[]", "{}", '{"type": "charge.refunded", "data": 1}', "nonsense"):
        assert await post(api, said, stripe.WebhookSignature.generate_signature_header(said, SIGNS_WITH)) == 400
    assert len(front.asked) == seen
    assert await movements(api) == []


async def test_a_notice_about_something_else_is_taken_and_changes_nothing(api: Api, front: Front) -> None:
    _, other = await front.ask("POST", INTENTS, {"amount": "100", "currency": "eur"})
    assert await send(api, "payment_intent.succeeded", other) == 204
    assert await send(api, "customer.created", {"id": "cus_1", "object": "customer"}) == 204
    assert await send(api, "charge.refunded", {"id": "ch_1", "object": "charge", "payment_intent": None}) == 204
    assert await api.rows(QuarantinedNotice) == []


async def test_a_notice_that_cannot_be_looked_at_is_sent_again(api: Api, front: Front) -> None:
    front.cut = 1
    await top_up(api, "50.00", token(await front.card()))
    (intent,) = await front.of((await only(api)).id)
    front.broken = (500, {"error": {"type": "api_error"}})
    assert await send(api, "payment_intent.succeeded", intent) == 503
    front.broken = None
    assert await send(api, "payment_intent.succeeded", intent) == 204
    assert await movements(api) == [("PAYMENT", 5_000)]


async def test_a_payment_of_ours_that_we_do_not_know_is_kept_for_people(api: Api, front: Front) -> None:
    key = new_id()
    order = ChargeOrder(key, 5_000, Currency.EUR, await front.card())
    assert (await provider(api).charge(order, START)).state is ProviderState.SUCCEEDED
    (intent,) = await front.of(key)
    for _ in range(2):
        assert await send(api, "payment_intent.succeeded", intent) == 204
    (kept,) = await api.rows(QuarantinedNotice)
    assert (kept.problem, kept.payment_id, kept.reference) == ("UNKNOWN", UUID(str(key)), intent["id"])
    assert await movements(api) == []
    assert (await money(api))["billing"]["balance"] == {"amount": "0.00"}


def test_the_adapter_does_not_show_its_secrets() -> None:
    settings = Settings(**LIVE)
    made = StripePayments(
        settings, secret_key=SECRET_KEY, webhook_secret=SIGNS_WITH, url="http://127.0.0.1:1", back_to=""
    )
    assert repr(made) == "<StripePayments>"
    assert SECRET_KEY not in f"{settings!r}"
    assert SIGNS_WITH not in f"{settings!r}"
