"""ALE-2. A card that ends soon: told of once, resolved by whatever takes its place, and never followed by anything."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.demo import seed
from models.activity import Author, Record
from models.alert import Alert, AlertKind, open_alert
from models.clock import FrozenClock
from models.column import table
from models.db import Database, Db
from models.issuer import Office
from models.payment_method import MethodState, PaymentMethod
from models.payment_provider import CardBrand, PaymentMethodKind
from models.setting import Figures
from resolvers.clockwork import play, turn
from resolvers.works import Works
from tests.alerting import kinds, read, shown, states, steps
from tests.api import DELEGATE, OWNER, TECH, Api, serving
from tests.cycle import alone, move
from tests.paying import REMOVE, UPDATE, add_card, asked

CARD = AlertKind.CARD_EXPIRY
NEVER = Record(Author(), datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 11, 22, 7, tzinfo=UTC))


@pytest.fixture
async def api(database: Database, bound: Any, hashing: Any) -> AsyncIterator[Api]:
    """The application, and an owner for whom nothing runs."""
    await seed(database, hashing)
    async with serving(database, bound, rate_limits=False) as served:
        await alone(served)
        yield served


async def stored(api: Api, card: str = "card_expiring") -> str:
    key: str = (await add_card(api, card))["paymentMethod"]["id"]
    return key


async def test_it_is_told_of_when_less_than_31_days_are_left_and_once_more(api: Api) -> None:
    """Valid to 31 December: 30 days are left on the first of the month."""
    await stored(api)
    await move(api, "2026-11-30T22:59:59Z")
    assert await states(api, CARD) == []
    await move(api, "2026-11-30T23:00:00Z")
    assert await states(api, CARD) == ["OPEN"]
    await move(api, "2028-06-01T00:00:00Z")
    assert await steps(api, CARD) == [("OPENING", "2026-11-30"), ("FIRST_REMINDER", "2026-12-24")]
    assert await states(api, CARD) == ["OPEN"]
    (found,) = [each for each in await shown(api) if each["kind"] == "CARD_EXPIRY"]
    assert (found["consequence"], found["expiresAt"]) == ("NONE", None)


async def test_who_holds_billing_sees_it_and_is_told_and_nobody_else(api: Api) -> None:
    """ALE-3."""
    key = await stored(api)
    await move(api, "2026-12-02T00:00:00Z")
    assert (await kinds(api), await kinds(api, DELEGATE), await kinds(api, TECH)) == (["CARD_EXPIRY"],) * 2 + ([],)
    (found,) = await shown(api, DELEGATE)
    assert found["subject"] == {"__typename": "CardPaymentMethod", "id": key}
    assert found["title"] == "La carte Mastercard 4444 expire le 31 décembre 2026"
    told = await read(api, "alert_card_expiry")
    assert set(told) == {OWNER.key, DELEGATE.key}
    assert all("Mastercard 4444" in text and "31 décembre 2026" in text for text in told.values())


async def test_removed_it_is_resolved(api: Api) -> None:
    key = await stored(api)
    await move(api, "2026-12-02T00:00:00Z")
    assert (await asked(api, REMOVE, {"id": key}))["userErrors"] == []
    assert await states(api, CARD) == ["RESOLVED"]
    await move(api, "2027-02-01T00:00:00Z")
    assert [step for step, _ in await steps(api, CARD)] == ["OPENING"]


async def test_replaced_by_a_default_card_that_ends_later_it_is_resolved_and_back_it_is_told_again(api: Api) -> None:
    """Another card on file does not do: it is the default one that is charged."""
    key = await stored(api)
    await move(api, "2026-12-02T00:00:00Z")
    other = await stored(api, "card_ok")
    assert await states(api, CARD) == ["OPEN"]
    await asked(api, UPDATE, {"input": {"paymentMethodId": other, "default": True}})
    assert await states(api, CARD) == ["RESOLVED"]
    await asked(api, UPDATE, {"input": {"paymentMethodId": key, "default": True}})
    assert await states(api, CARD) == ["RESOLVED", "OPEN"]
    await asked(api, REMOVE, {"id": key})
    assert await states(api, CARD) == ["RESOLVED", "RESOLVED"]


async def test_a_card_that_was_replaced_before_is_not_told_of(api: Api) -> None:
    await stored(api)
    other = await stored(api, "card_ok")
    await asked(api, UPDATE, {"input": {"paymentMethodId": other, "default": True}})
    await move(api, "2027-02-01T00:00:00Z")
    assert await states(api, CARD) == []


@pytest.mark.parametrize("days", [1, 3, 45])
async def test_a_worker_that_skips_days_comes_late_or_runs_twice_tells_each_notice_once(
    api: Api, clock: FrozenClock, days: int
) -> None:
    """In production nobody plays the instants in between."""
    await stored(api)
    office = Office(Figures(), sandbox=False)
    told: list[Exception] = []
    for _ in range(0, 46, days):
        clock.move(timedelta(days=days))
        for _ in range(2):
            async with Db(api.database) as db, turn(api.database):
                await play(Works(db, office, None), await db.now(), told.append)  # type: ignore[arg-type]
    assert told == []
    assert [step for step, _ in await steps(api, CARD)] == (["OPENING", "FIRST_REMINDER"] if days < 45 else ["OPENING"])
    assert await states(api, CARD) == ["OPEN"]


async def test_cards_from_before_there_were_such_alerts_are_looked_at_once(api: Api) -> None:
    """A migration plans a look at each of them in the past."""
    await stored(api)
    methods = table(PaymentMethod)
    async with Db(api.database) as db:
        await db.note(update(methods).values(look_at=datetime(2026, 1, 1, tzinfo=UTC)))
    await move(api, "2026-11-22T08:00:00Z")
    (card,) = await api.rows(PaymentMethod)
    assert card.look_at == datetime(2026, 11, 30, 23, tzinfo=UTC)
    assert await api.rows(Alert) == []


def card(expires_on: date, *, default: bool = False) -> PaymentMethod:
    return PaymentMethod(
        owner_id=OWNER.key,
        kind=PaymentMethodKind.CARD,
        provider="sandbox",
        brand=CardBrand.VISA,
        last4="4242",
        state=MethodState.STORED,
        expires_on=expires_on,
        is_default=default,
        created_at=NEVER.now,
    )


def test_a_card_is_outlasted_by_a_default_one_that_ends_later_alone() -> None:
    ending = card(date(2026, 12, 31))
    assert ending.is_outlasted([card(date(2027, 1, 31), default=True)])
    assert not ending.is_outlasted([card(date(2027, 1, 31))])
    assert not ending.is_outlasted([card(date(2026, 12, 31), default=True)])


def test_what_never_expires_has_nothing_left_to_tell_after_its_last_reminder() -> None:
    alert = open_alert(NEVER, OWNER.key, CARD, about=card(date(2026, 12, 31)).about)
    for at in (NEVER.now, datetime(2027, 6, 1, tzinfo=UTC)):
        assert alert.advance(Record(Author(), at, at), Figures(), [OWNER.key]) is False
    assert (alert.next_at, alert.expires_at) == (None, None)
