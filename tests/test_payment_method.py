"""BIL-9, PRO-11. Cards on file over the API: stored, chosen, removed; and the mode that a profile is in without one."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from app.gateways.sandbox_payments import SandboxPayments
from models.activity import ActivityEvent
from models.clock import FrozenClock
from models.db import Db
from models.payment import Payment
from models.payment_method import PaymentMethod
from models.payment_provider import MethodOrder, Providers, ProviderSilent, Stored
from models.setting import Figures
from resolvers.payment_method import forget
from tests.api import DELEGATE, FREE, OWNER, TECH, Api, profile_id
from tests.cycle import move, movements
from tests.paying import CONFIRM_METHOD, MONEY, REMOVE, UPDATE, add_card, asked, codes, money, token, top_up


async def cards(api: Api, person: Any = OWNER) -> list[Any]:
    found: list[Any] = (await money(api, person))["billing"]["paymentMethods"]
    return found


async def restrictions(api: Api, person: Any) -> list[str]:
    """The facts about a profile's restriction, in order."""
    told = [row for row in await api.rows(ActivityEvent) if row.owner_id == person.key and "restrict" in row.kind]
    return [row.kind for row in sorted(told, key=lambda row: row.occurred_at)]


async def test_a_card_is_stored_and_pays(api: Api) -> None:
    payload = await add_card(api, "card_ok", autoDebit=True)
    assert (payload["userErrors"], payload["nextAction"]) == ([], None)
    card = payload["paymentMethod"]
    shown = {name: card[name] for name in ("label", "default", "autoDebit", "usable", "brand", "last4", "expiresOn")}
    assert shown == {
        "label": "Visa 4242",
        "default": True,
        "autoDebit": True,
        "usable": True,
        "brand": "VISA",
        "last4": "4242",
        "expiresOn": "2029-11-30",
    }
    assert await cards(api) == [card]
    payment = (await top_up(api, "50.00", {"paymentMethodId": card["id"]}))["payment"]
    assert (payment["status"], payment["method"]) == ("SUCCEEDED", {"id": card["id"], "label": "Visa 4242"})


async def test_a_card_that_is_refused_is_not_kept(api: Api) -> None:
    key = str(uuid4())
    for _ in range(2):
        (error,) = (await add_card(api, "card_declined", idempotencyKey=key))["userErrors"]
        assert (error["code"], error["failure"]["reason"]) == ("PAYMENT_DECLINED", "INSUFFICIENT_FUNDS")
    assert await cards(api) == []
    (row,) = await api.rows(PaymentMethod)
    assert row.token is None


async def test_strong_authentication_comes_before_a_card_can_be_used(api: Api, clock: FrozenClock) -> None:
    payload = await add_card(api, "card_3ds")
    card = payload["paymentMethod"]
    assert payload["nextAction"]["clientSecret"]
    assert (card["usable"], card["default"]) == (False, False)
    assert codes(await top_up(api, "50.00", {"paymentMethodId": card["id"]})) == ["PAYMENT_METHOD_UNUSABLE"]
    stored = (await asked(api, CONFIRM_METHOD, {"id": card["id"]}))["paymentMethod"]
    assert (stored["usable"], stored["default"]) == (True, True)
    assert codes(await asked(api, CONFIRM_METHOD, {"id": card["id"]})) == ["CONFLICT"]
    assert (await top_up(api, "50.00", {"paymentMethodId": card["id"]}))["payment"]["status"] == "SUCCEEDED"
    late = (await add_card(api, "card_3ds"))["paymentMethod"]["id"]
    clock.move(timedelta(hours=2))
    assert codes(await asked(api, CONFIRM_METHOD, {"id": late})) == ["EXPIRED"]


async def test_a_card_expires_with_its_month(api: Api, clock: FrozenClock) -> None:
    card = (await add_card(api, "card_expiring"))["paymentMethod"]
    assert (card["label"], card["expiresOn"]) == ("Mastercard 4444", "2026-12-31")
    clock.move(timedelta(days=38))
    assert (await cards(api))[0]["usable"] is True
    clock.move(timedelta(days=3))
    assert (await cards(api))[0]["usable"] is False
    assert codes(await top_up(api, "50.00", {"paymentMethodId": card["id"]})) == ["PAYMENT_METHOD_UNUSABLE"]
    assert await api.rows(Payment) == []


async def test_there_is_one_default(api: Api) -> None:
    first, second = [(await add_card(api, card))["paymentMethod"]["id"] for card in ("card_ok", "card_silent")]
    assert [each["default"] for each in await cards(api)] == [True, False]
    refused = await asked(api, UPDATE, {"input": {"paymentMethodId": first, "default": False}})
    assert codes(refused) == ["INVALID"]
    await asked(api, UPDATE, {"input": {"paymentMethodId": second, "default": True, "autoDebit": True}})
    assert [(each["default"], each["autoDebit"]) for each in await cards(api)] == [(False, False), (True, True)]
    assert (await asked(api, REMOVE, {"id": second}))["deletedId"] == second
    assert [(each["id"], each["default"]) for each in await cards(api)] == [(first, True)]
    assert codes(await asked(api, REMOVE, {"id": second})) == ["NOT_FOUND"]


async def test_so_many_cards_are_kept(api: Api) -> None:
    for _ in range(10):
        assert (await add_card(api, "card_ok"))["userErrors"] == []
    assert codes(await add_card(api, "card_ok")) == ["LIMIT_REACHED"]


async def test_a_retry_stores_one(api: Api) -> None:
    key = str(uuid4())
    first, second = [await add_card(api, "card_ok", idempotencyKey=key) for _ in range(2)]
    assert first["paymentMethod"]["id"] == second["paymentMethod"]["id"]
    assert len(await cards(api)) == 1


async def test_a_card_lifts_the_restriction_and_its_removal_brings_it_back(api: Api) -> None:
    before = await money(api, FREE)
    assert before["restricted"] is True
    assert "card" in before["restrictionRemedy"]
    card = (await add_card(api, "card_ok", FREE))["paymentMethod"]["id"]
    lifted = await money(api, FREE)
    assert (lifted["restricted"], lifted["restrictionRemedy"]) == (False, None)
    await asked(api, REMOVE, {"id": card}, FREE)
    assert (await money(api, FREE))["restricted"] is True
    assert await restrictions(api, FREE) == ["profile.restriction_lifted", "profile.restricted"]


async def test_a_payment_lifts_the_restriction_for_good(api: Api) -> None:
    await top_up(api, "10.00", {"bankTransfer": True}, FREE)
    assert (await money(api, FREE))["restricted"] is True
    await top_up(api, "10.00", token("card_ok"), FREE)
    await top_up(api, "10.00", token("card_ok"), FREE)
    assert (await money(api, FREE))["restricted"] is False
    assert await restrictions(api, FREE) == ["profile.restriction_lifted"]
    assert await movements(api, FREE) == [("PAYMENT", 1_000), ("PAYMENT", 1_000)]


async def test_a_card_that_ends_brings_the_restriction_back_and_that_is_a_fact(api: Api) -> None:
    await add_card(api, "card_expiring", FREE)
    await move(api, "2026-12-31T22:59:00Z", FREE)
    assert (await money(api, FREE))["restricted"] is False
    assert await restrictions(api, FREE) == ["profile.restriction_lifted"]
    await move(api, "2027-02-01T00:00:00Z", FREE)
    assert (await money(api, FREE))["restricted"] is True
    (told,) = [row for row in await api.rows(ActivityEvent) if row.kind == "profile.restricted"]
    assert (told.owner_id, told.occurred_at.isoformat()) == (FREE.key, "2026-12-31T23:00:00+00:00")


async def test_beside_another_card_or_a_payment_its_end_is_no_fact(api: Api) -> None:
    for person in (FREE, TECH):
        await add_card(api, "card_expiring", person)
    await add_card(api, "card_ok", FREE)
    await top_up(api, "10.00", token("card_ok"), TECH)
    await move(api, "2027-02-01T00:00:00Z", FREE)
    for person in (FREE, TECH):
        assert await restrictions(api, person) == ["profile.restriction_lifted"]
    assert [row.ends_at for row in await api.rows(PaymentMethod) if row.expires_on.year == 2026] == [None, None]


class Mute(SandboxPayments):
    """Says nothing of what it was to store."""

    async def store(self, order: MethodOrder, now: datetime) -> Stored:
        raise ProviderSilent("NO_ANSWER")


async def test_cards_of_which_nothing_is_known_count_while_they_may_be_stored(api: Api, clock: FrozenClock) -> None:
    limit = Figures().payment_methods_per_profile
    api.app.state.host.payments = Providers((Mute(api.database, Figures(), "key"),))
    asked_for = [codes(await add_card(api, "card_ok", FREE)) for _ in range(limit + 1)]
    assert asked_for == [["PAYMENT_DECLINED"]] * limit + [["LIMIT_REACHED"]]
    clock.move(Figures().payment_patience)
    api.app.state.host.payments = Providers((SandboxPayments(api.database, Figures(), "key"),))
    assert codes(await add_card(api, "card_ok", FREE)) == []


class Forgetful(SandboxPayments):
    """Forgets what it is told to; the first time it says nothing."""

    asked: list[str]

    async def forget(self, token: str) -> None:
        self.asked.append(token)
        if len(self.asked) == 1:
            raise ProviderSilent("NO_ANSWER")


async def test_what_was_removed_is_forgotten_by_its_provider_once_it_answers(api: Api) -> None:
    provider = Forgetful(api.database, Figures(), "x" * 32)
    provider.asked = []
    card = (await add_card(api, "card_ok"))["paymentMethod"]["id"]
    await add_card(api, "card_3ds")
    await asked(api, REMOVE, {"id": card})
    tokens = []
    for _ in range(3):
        async with Db(api.database) as db:
            await forget(db, Figures(), Providers((provider,)))
        tokens.append([row.token is None for row in await api.rows(PaymentMethod) if row.removed_at is not None])
    assert tokens == [[False], [True], [True]]
    assert len(provider.asked) == 2


async def test_cards_are_of_whoever_holds_billing(api: Api) -> None:
    card = (await add_card(api, "card_ok"))["paymentMethod"]["id"]
    assert (await asked(api, UPDATE, {"input": {"paymentMethodId": card, "autoDebit": True}}, DELEGATE))[
        "paymentMethod"
    ]["autoDebit"]
    assert codes(await asked(api, REMOVE, {"id": card}, FREE)) == ["NOT_FOUND"]
    answer = await api.ask(MONEY, {"id": profile_id(OWNER)}, token=await api.token(TECH))
    assert answer.codes.count("FORBIDDEN") >= 1
