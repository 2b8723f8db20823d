"""BIL-8, BIL-10, BIL-15. Payments over the API: what each test card does, once, and what the books say of it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.gateways.sandbox_payments import SandboxPayments
from models.activity import Author, Record
from models.clock import FrozenClock
from models.db import Database, Db
from models.journal import JournalEntry
from models.money import Currency
from models.payment import (
    Means,
    NotWaiting,
    Payment,
    PaymentStatus,
    payment_began,
)
from models.payment_method import PaymentMethod
from models.payment_provider import (
    Action,
    ChargeOrder,
    DeclineReason,
    PaymentMethodKind,
    Providers,
    ProviderSilent,
    ProviderState,
    Told,
)
from models.quarantine import QuarantinedNotice
from models.sandbox_payment import SandboxCharge
from models.setting import Figures
from resolvers.audit import verify
from resolvers.clockwork import play, turn
from resolvers.settlement import Desk, proceed, settle
from resolvers.works import Works
from schema.global_id import global_id
from tests.api import DELEGATE, FREE, OWNER, Api, profile_id
from tests.booking import invoiced
from tests.cycle import OFFICE, move, movements
from tests.database import START
from tests.paying import CANCEL, CONFIRM, REMOVE, add_card, asked, codes, money, pay_invoices, token, top_up

SOON = START + timedelta(minutes=1)


def record() -> Record:
    return Record(Author(), START, START)


def a_payment(kind: PaymentMethodKind = PaymentMethodKind.CARD, provider: str | None = "sandbox") -> Payment:
    means = Means(kind, provider, token="card_ok")
    return payment_began(record(), means, owner_id=OWNER.key, cents=5_000, wait=timedelta(minutes=1))


def told(payment: Payment, state: ProviderState, **values: Any) -> Told:
    return Told(payment.id, state, "ref", **{"amount_cents": payment.amount_cents, **values})


# Verbs


def test_what_is_told_twice_or_late_changes_nothing_twice() -> None:
    payment = a_payment()
    action = Action(START + timedelta(hours=1), "https://bank.example/3ds", "secret")
    assert payment.require_action(record(), told(payment, ProviderState.REQUIRES_ACTION, action=action), SOON)
    assert not payment.require_action(record(), told(payment, ProviderState.REQUIRES_ACTION, action=action), SOON)
    assert payment.processing(record(), told(payment, ProviderState.PROCESSING), SOON)
    assert not payment.require_action(record(), told(payment, ProviderState.REQUIRES_ACTION, action=action), SOON)
    assert payment.status is PaymentStatus.PROCESSING
    payment.succeed(record(), told(payment, ProviderState.SUCCEEDED), uuid4())
    assert not payment.fail(record(), DeclineReason.DECLINED)
    assert not payment.cancel(record())
    assert not payment.processing(record(), told(payment, ProviderState.PROCESSING), SOON)
    assert (payment.status, payment.token, payment.ask_at) == (PaymentStatus.SUCCEEDED, None, None)
    with pytest.raises(AssertionError):
        payment.succeed(record(), told(payment, ProviderState.SUCCEEDED), uuid4())


def test_what_went_back_is_counted_once_and_all_of_it_is_the_end() -> None:
    payment = a_payment()
    payment.succeed(record(), told(payment, ProviderState.SUCCEEDED), uuid4())
    part = told(payment, ProviderState.SUCCEEDED, reversed_cents=2_000)
    assert payment.went_back(part) == 2_000
    payment.reverse(record(), 2_000)
    assert (payment.went_back(part), payment.status) == (0, PaymentStatus.SUCCEEDED)
    payment.reverse(record(), payment.went_back(told(payment, ProviderState.REVERSED, reversed_cents=5_000)))
    assert payment.status is PaymentStatus.REVERSED
    assert payment.went_back(part) == 0
    with pytest.raises(AssertionError):
        payment.reverse(record(), 1)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({}, None),
        ({"amount_cents": 4_999}, "AMOUNT"),
        ({"reversed_cents": 5_001}, "AMOUNT"),
        ({"currency": "USD"}, "CURRENCY"),
        ({"reference": "another"}, "REFERENCE"),
        ({"key": UUID(int=1)}, "KEY"),
    ],
)
def test_amount_currency_and_key_are_compared(changed: Any, problem: str | None) -> None:
    payment = a_payment()
    payment.reference = "ref"
    assert payment.mismatch(replace(told(payment, ProviderState.SUCCEEDED), **changed)) == problem


def test_only_what_waits_for_the_customer_is_concluded() -> None:
    with pytest.raises(NotWaiting):
        a_payment().check_waits()
    a_payment(PaymentMethodKind.BANK_TRANSFER, None).check_waits()


# Over the API


async def test_a_card_tops_up_the_balance(api: Api) -> None:
    payload = await top_up(api, "50.00", token("card_ok"))
    assert payload["userErrors"] == []
    payment = payload["payment"]
    assert (payment["status"], payment["kind"], payment["amount"]) == ("SUCCEEDED", "CARD", {"amount": "50.00"})
    assert (payment["method"], payment["nextAction"], payment["failure"]) == (None, None, None)
    assert payload["billing"] == {"balance": {"amount": "50.00"}}
    found = (await money(api))["billing"]
    assert [each["id"] for each in found["payments"]["nodes"]] == [payment["id"]]
    assert found["ledger"]["nodes"] == [
        {"kind": "PAYMENT", "amount": {"amount": "50.00"}, "source": {"id": payment["id"]}}
    ]
    (row,) = await api.rows(Payment)
    assert row.token is None


async def test_a_declined_card_fails_and_moves_nothing(api: Api) -> None:
    key = str(uuid4())
    for _ in range(2):
        payload = await top_up(api, "50.00", token("card_declined"), idempotencyKey=key)
        (error,) = payload["userErrors"]
        assert (error["__typename"], error["code"]) == ("PaymentDeclinedError", "PAYMENT_DECLINED")
        assert error["failure"] == {"reason": "INSUFFICIENT_FUNDS", "retryable": True}
        assert (error["payment"]["status"], payload["payment"]) == ("FAILED", None)
        assert "Karte" not in error["payment"]["failure"]["message"] != ""
    assert (await api.rows(JournalEntry), len(await api.rows(Payment))) == ([], 1)


@pytest.mark.parametrize("text", ["", "x" * 201, "é" * 5_000], ids=["empty", "too long", "far too long"])
async def test_what_stands_for_no_card_is_refused(api: Api, text: str) -> None:
    assert codes(await top_up(api, "10", token(text))) == ["PAYMENT_METHOD_UNUSABLE"]
    assert codes(await add_card(api, text)) == ["PAYMENT_METHOD_UNUSABLE"]
    assert (await money(api))["billing"]["payments"]["totalCount"] == 0


async def test_strong_authentication_waits_for_the_customer_and_then_succeeds(api: Api) -> None:
    payment = (await top_up(api, "20.00", token("card_3ds")))["payment"]
    assert payment["status"] == "REQUIRES_ACTION"
    assert payment["nextAction"]["redirectUrl"].startswith("https://")
    assert payment["nextAction"]["expiresAt"] == "2026-11-22T10:00:00Z"
    assert await movements(api) == []
    payload = await asked(api, CONFIRM, {"id": payment["id"]})
    assert (payload["payment"]["status"], payload["payment"]["nextAction"]) == ("SUCCEEDED", None)
    assert codes(await asked(api, CONFIRM, {"id": payment["id"]})) == ["CONFLICT"]
    assert await movements(api) == [("PAYMENT", 2_000)]


async def test_what_waits_is_abandoned_or_expires(api: Api) -> None:
    first, second = [(await top_up(api, "20.00", token("card_3ds")))["payment"]["id"] for _ in range(2)]
    assert (await asked(api, CANCEL, {"id": first}))["payment"]["status"] == "CANCELLED"
    assert codes(await asked(api, CANCEL, {"id": first})) == ["CONFLICT"]
    await move(api, "2026-11-22T11:00:00Z")
    assert {row.status for row in await api.rows(Payment)} == {PaymentStatus.CANCELLED}
    assert codes(await asked(api, CONFIRM, {"id": second})) == ["CONFLICT"]
    assert await movements(api) == []


async def test_it_is_too_late_once_the_time_has_passed(api: Api, clock: FrozenClock) -> None:
    payment = (await top_up(api, "20.00", token("card_3ds")))["payment"]
    clock.move(timedelta(hours=1))
    assert codes(await asked(api, CONFIRM, {"id": payment["id"]})) == ["EXPIRED"]


async def test_silence_is_cleared_up_within_a_quarter_of_an_hour(api: Api) -> None:
    key = str(uuid4())
    payment = (await top_up(api, "30.00", token("card_silent"), idempotencyKey=key))["payment"]
    assert payment["status"] == "PROCESSING"
    assert (await top_up(api, "30.00", token("card_silent"), idempotencyKey=key))["payment"]["id"] == payment["id"]
    await move(api, "2026-11-22T09:15:00Z")
    found = (await money(api))["billing"]
    assert [each["status"] for each in found["payments"]["nodes"]] == ["SUCCEEDED"]
    assert (await movements(api), len(await api.rows(SandboxCharge))) == ([("PAYMENT", 3_000)], 1)


async def test_a_disputed_payment_goes_back_after_ten_days(api: Api) -> None:
    await top_up(api, "30.00", token("card_reversed"))
    await move(api, "2026-12-02T08:59:00Z")
    assert await movements(api) == [("PAYMENT", 3_000)]
    await move(api, "2026-12-02T09:01:00Z")
    assert await movements(api) == [("PAYMENT", 3_000), ("PAYMENT_REVERSAL", -3_000)]
    (row,) = await api.rows(Payment)
    assert (row.status, row.reversed_cents, row.ask_at) == (PaymentStatus.REVERSED, 3_000, None)
    await verify(api.database)


async def test_the_same_key_is_one_payment(api: Api) -> None:
    key = str(uuid4())
    first, second = [await top_up(api, "50.00", token("card_ok"), idempotencyKey=key) for _ in range(2)]
    assert first["payment"]["id"] == second["payment"]["id"]
    assert codes(await top_up(api, "51.00", token("card_ok"), idempotencyKey=key)) == ["IDEMPOTENCY_KEY_REUSED"]
    assert await movements(api) == [("PAYMENT", 5_000)]


@pytest.mark.parametrize(("amount", "code"), [("0.99", "AMOUNT_OUT_OF_RANGE"), ("10000.01", "AMOUNT_OUT_OF_RANGE")])
async def test_from_one_to_ten_thousand_euros(api: Api, amount: str, code: str) -> None:
    payload = await top_up(api, amount, token("card_ok"))
    assert (codes(payload), payload["userErrors"][0]["field"]) == ([code], ["input", "amount"])
    assert await api.rows(Payment) == []


async def test_a_transfer_is_announced_and_moves_nothing(api: Api) -> None:
    payment = (await top_up(api, "50.00", {"bankTransfer": True}))["payment"]
    details = (await money(api))["billing"]["bankDetails"]
    assert (payment["status"], payment["kind"]) == ("REQUIRES_ACTION", "BANK_TRANSFER")
    assert payment["nextAction"]["bankDetails"] == details
    assert details["rfReference"].startswith("RF")
    assert details["rfReference"].endswith(details["reference"])
    other = (await top_up(api, "50.00", {"bankTransfer": True}))["payment"]["id"]
    assert (await asked(api, CANCEL, {"id": other}))["payment"]["status"] == "CANCELLED"
    await move(api, "2026-12-23T00:00:00Z")
    assert {row.status for row in await api.rows(Payment)} == {PaymentStatus.CANCELLED}
    assert [kind for kind, _ in await movements(api) if kind == "PAYMENT"] == []


async def test_named_invoices_are_paid_before_older_ones(api: Api) -> None:
    await invoiced(api.database, FREE.key, 1_000)
    named = await invoiced(api.database, FREE.key, 2_000)
    key = global_id("Invoice", named.invoice.id)
    payload = await pay_invoices(api, [key], "24.00", token("card_ok"), FREE)
    assert payload["userErrors"] == []
    assert payload["payment"]["status"] == "SUCCEEDED"
    assert payload["invoices"] == [{"number": named.invoice.number, "status": "PAID", "amountDue": {"amount": "0.00"}}]
    found = (await money(api, FREE))["billing"]
    assert found["amountDue"] == {"amount": "12.00"}
    paid_by = {each["number"]: [payment["id"] for payment in each["payments"]] for each in found["invoices"]["nodes"]}
    assert paid_by[named.invoice.number] == [payload["payment"]["id"]]
    assert sum(map(len, paid_by.values())) == 1


async def test_a_top_up_settles_what_is_open_and_says_so(api: Api) -> None:
    issued = await invoiced(api.database, FREE.key, 1_000)
    payload = await top_up(api, "20.00", token("card_ok"), FREE)
    assert payload["payment"]["invoices"] == [{"number": issued.invoice.number}]
    assert payload["billing"] == {"balance": {"amount": "8.00"}}


async def test_what_keeps_invoices_from_being_paid(api: Api) -> None:
    issued = await invoiced(api.database, FREE.key, 1_000)
    key = global_id("Invoice", issued.invoice.id)
    other = await pay_invoices(api, [key], "11.99", token("card_ok"), FREE)
    assert (codes(other), other["userErrors"][0]["field"]) == (["CONFLICT"], ["input", "expectedTotal"])
    (short,) = (await pay_invoices(api, [key], "12.00", None, FREE))["userErrors"]
    assert (short["code"], short["missing"]) == ("INSUFFICIENT_BALANCE", {"amount": "12.00"})
    assert codes(await pay_invoices(api, [key], "12.00", token("card_ok"))) == ["NOT_FOUND"]
    assert codes(await pay_invoices(api, [], "12.00", token("card_ok"), FREE)) == ["NOTHING_DUE"]
    silent = await pay_invoices(api, [key], "12.00", token("card_silent"), FREE)
    assert silent["payment"]["status"] == "PROCESSING"
    assert codes(await pay_invoices(api, [key], "12.00", token("card_ok"), FREE)) == ["CONFLICT"]
    await move(api, "2026-11-22T09:15:00Z", FREE)
    assert codes(await pay_invoices(api, [key], "12.00", token("card_ok"), FREE)) == ["NOTHING_DUE"]


async def test_billing_pays_for_its_owner_and_nobody_else_does(api: Api) -> None:
    owner = {"profileId": profile_id(OWNER)}
    payload = await top_up(api, "50.00", token("card_ok"), DELEGATE, **owner)
    assert payload["billing"] == {"balance": {"amount": "50.00"}}
    assert codes(await top_up(api, "50.00", token("card_ok"), FREE, **owner)) == ["NOT_FOUND"]
    card = (await add_card(api, "card_ok", FREE))["paymentMethod"]["id"]
    assert codes(await top_up(api, "50.00", {"paymentMethodId": card})) == ["NOT_FOUND"]


# Providers


class Fake:
    """A provider that does what a test wants of it."""

    name, kinds = "sandbox", frozenset({PaymentMethodKind.CARD})

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, UUID]] = []

    async def charge(self, order: ChargeOrder, now: datetime) -> Any:
        return self._next("charge", order.key)

    async def status(self, key: UUID, now: datetime, reference: str | None = None) -> Any:
        return self._next("status", key)

    def _next(self, what: str, key: UUID) -> Any:
        self.asked.append((what, key))
        answer = self.answers.pop(0)
        if isinstance(answer, ProviderSilent):
            raise answer
        return answer and replace(answer, key=key)


SILENT = ProviderSilent("TIMEOUT")
PAID = Told(UUID(int=0), ProviderState.SUCCEEDED, "ref", 5_000)


async def with_provider(api: Api, fake: Any, *, minutes: int = 30) -> None:
    """A top-up of 50 euros through this provider, and what is asked about it afterwards."""
    host = api.app.state.host
    host.payments = Providers((fake,))
    await top_up(api, "50.00", token("card_ok"))
    async with turn(api.database), Db(api.database) as db:

        def told(error: Exception) -> None:
            raise error

        until = START + timedelta(minutes=minutes)
        await play(Works(db, OFFICE, host.vat_register, host.payments), until, told)


async def test_what_never_arrived_is_sent_again_with_the_same_key(api: Api) -> None:
    fake = Fake(SILENT, None, PAID)
    await with_provider(api, fake)
    (payment,) = await api.rows(Payment)
    assert fake.asked == [("charge", payment.id), ("status", payment.id), ("charge", payment.id)]
    assert await movements(api) == [("PAYMENT", 5_000)]


async def test_a_card_that_was_removed_meanwhile_is_not_charged(api: Api) -> None:
    """Its provider may not have forgotten it yet."""
    method = (await add_card(api, "card_ok"))["paymentMethod"]["id"]
    (card,) = await api.rows(PaymentMethod)
    await asked(api, REMOVE, {"id": method})
    async with Db(api.database) as db:
        async with db.write() as write:
            means = Means(card.kind, card.provider, card.id)
            wait = timedelta(minutes=1)
            payment = payment_began(write.record, means, owner_id=OWNER.key, cents=5_000, wait=wait)
            write.add(payment)
        await proceed(Desk(db, OFFICE.figures, Providers((Fake(),))), payment.id, fresh=True)  # type: ignore[arg-type]
    (left,) = await api.rows(Payment)
    assert (left.status, await movements(api)) == (PaymentStatus.FAILED, [])


async def test_another_amount_is_looked_at_by_people_and_not_booked(api: Api) -> None:
    wrong = replace(PAID, amount_cents=5_001)
    await with_provider(api, Fake(wrong, wrong, wrong, PAID), minutes=10)
    (held,) = await api.rows(QuarantinedNotice)
    assert (held.problem, held.amount_cents) == ("AMOUNT", 5_001)
    assert await movements(api) == [("PAYMENT", 5_000)]  # Once the provider had put it right.


async def test_money_that_comes_in_after_all_is_credited(api: Api) -> None:
    failed = Told(UUID(int=0), ProviderState.FAILED, "ref", 0, reason=DeclineReason.DECLINED)
    fake = Fake(failed)
    await with_provider(api, fake)
    (payment,) = await api.rows(Payment)
    assert payment.status is PaymentStatus.FAILED
    async with Db(api.database) as db:
        desk = Desk(db, OFFICE.figures, Providers((fake,)))  # type: ignore[arg-type]
        late = replace(PAID, key=payment.id)
        assert await settle(desk, late, "sandbox", opened=db.write)
        assert not await settle(desk, late, "sandbox", opened=db.write)
        assert not await settle(desk, replace(late, key=UUID(int=7)), "sandbox", opened=db.write)
    assert await movements(api) == [("PAYMENT", 5_000)]
    assert [row.problem for row in await api.rows(QuarantinedNotice)] == ["UNKNOWN"]


async def test_a_sandbox_charge_is_one_whoever_asks(database: Database, clock: FrozenClock) -> None:
    one, other = (SandboxPayments(database, Figures(), "key") for _ in range(2))
    order = ChargeOrder(uuid4(), 5_000, Currency.EUR, "card_ok")
    assert await one.status(order.key, START) is None
    first = await one.charge(order, START)
    assert await other.charge(replace(order, amount_cents=9_000), SOON) == first == await other.status(order.key, SOON)
    back = await one.refund(order.key, 2_000, UUID(int=1), SOON)
    assert await other.refund(order.key, 2_000, UUID(int=1), SOON) == back
    assert (back.state, back.reversed_cents) == (ProviderState.SUCCEEDED, 2_000)
