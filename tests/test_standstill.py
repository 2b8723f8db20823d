"""ALE-4, BIL-9. Money on its way stops the days of an alert and of a suspension; what was only announced does not."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from app.demo import seed
from models.activity import Author, Record
from models.alert import Alert, AlertKind, AlertStatus, open_alert
from models.clock import FrozenClock
from models.db import Database
from models.payment import Payment, PaymentStatus
from models.payment_provider import (
    CardBrand,
    ChargeOrder,
    DeclineReason,
    MethodOrder,
    PaymentMethodKind,
    Providers,
    ProviderState,
    Stored,
    Told,
)
from models.service import ServiceScope
from models.setting import Figures
from models.standstill import stood_still, stopped
from models.suspension import Suspension
from resolvers.audit import verify
from tests.api import FREE, OWNER, Api, serving
from tests.cycle import balance
from tests.paying import add_card, token, top_up
from tests.test_access import credential
from tests.test_alert import SHIPPED, notices, only_owner, owing
from tests.test_bank_transfer import assign, came, number
from tests.test_clockwork import mails
from tests.test_suspension import move, seen

FIGURES = Figures()
BEGUN = datetime(2026, 11, 22, 13, tzinfo=UTC)
DAY = timedelta(days=1)
PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 11, 22, 7, tzinfo=UTC))


@pytest.fixture
async def api(database: Database, bound: Any, hashing: Any) -> AsyncIterator[Api]:
    """The application with the figures that are shipped."""
    await seed(database, hashing)
    async with serving(database, bound, rate_limits=False, **SHIPPED) as served:
        yield served


class Slow:
    """A provider whose bank takes days, and then says this."""

    name, kinds = "sandbox", frozenset({PaymentMethodKind.CARD})

    def __init__(self, days: int, state: ProviderState = ProviderState.FAILED) -> None:
        self.wait, self.state = timedelta(days=days), state
        self.asked: dict[UUID, tuple[int, datetime]] = {}

    async def charge(self, order: ChargeOrder, now: datetime) -> Told:
        self.asked.setdefault(order.key, (order.amount_cents, now))
        told = await self.status(order.key, now)
        assert told is not None
        return told

    async def status(self, key: UUID, now: datetime, reference: str | None = None) -> Told | None:
        cents, begun = self.asked[key]
        if now < begun + self.wait:
            return Told(key, ProviderState.PROCESSING, "slow", cents)
        return Told(key, self.state, "slow", cents, reason=DeclineReason.INSUFFICIENT_FUNDS)

    async def store(self, order: MethodOrder, now: datetime) -> Stored:
        return Stored(ProviderState.SUCCEEDED, order.token, CardBrand.VISA, "4242", date(2030, 1, 31))


def slow(api: Api, days: int, state: ProviderState = ProviderState.FAILED) -> None:
    """From now on cards are charged by this one."""
    api.app.state.host.payments = Providers((Slow(days, state),))  # type: ignore[arg-type]


async def owed(api: Api, by: Any = OWNER) -> str:
    return (await balance(api, by)).removeprefix("-")


async def suspended(api: Api) -> list[tuple[str, str]]:
    """On which days, and the days of the deletions that were told."""
    return [(each["at"].date().isoformat(), each["on"]) for each in await mails(api, "profile_suspended")]


async def warned(api: Api) -> list[tuple[str, str]]:
    found = await mails(api, "deletion_warning")
    return [(each["warning"], each["at"].date().isoformat()) for each in found]


async def alert(api: Api) -> Any:
    (row,) = [row for row in await api.rows(Alert) if row.kind is AlertKind.NEGATIVE_BALANCE]
    return row


# Verbs


def record(at: datetime) -> Record:
    return Record(Author(), at, at)


def test_what_stood_still_is_counted_once_and_from_an_instant_on() -> None:
    stops = stopped([], BEGUN, BEGUN + 2 * DAY)
    stops = stopped(stops, BEGUN + 5 * DAY, BEGUN + 6 * DAY)
    assert stopped(stops, BEGUN + 9 * DAY, BEGUN + 9 * DAY) == stops
    assert stood_still(stops, BEGUN - DAY) == 3 * DAY
    assert stood_still(stops, BEGUN + DAY) == 2 * DAY
    assert stood_still(stops, BEGUN + 7 * DAY) == timedelta()


def test_days_in_transit_do_not_count_and_each_step_is_told_once() -> None:
    found = open_alert(record(BEGUN), OWNER.key, AlertKind.NEGATIVE_BALANCE)
    told: list[tuple[str, int]] = []
    at = BEGUN
    while found.status is AlertStatus.OPEN:
        day = (at - BEGUN).days
        moment = record(at)
        if day in (10, 16):
            found.stop(moment)
            found.stop(moment)
        if day in (12, 20):
            found.go_on(moment, FIGURES)
            found.go_on(moment, FIGURES)
        if found.next_at is not None and found.next_at <= at:
            found.advance(moment, FIGURES, [OWNER.key])
        told += [(event.facts.get("step") or event.kind, day) for event in moment]
        at += DAY
    assert told == [
        ("OPENING", 0),
        ("FIRST_REMINDER", 21),  # 15, and the six days in which it stood still.
        ("SECOND_REMINDER", 31),
        ("FINAL_WARNING", 35),
        ("alert.expired", 36),
    ]


def test_a_later_invoice_has_the_days_that_passed_since_it_was_issued() -> None:
    found = open_alert(record(BEGUN), OWNER.key, AlertKind.NEGATIVE_BALANCE)
    found.advance(record(BEGUN), FIGURES, [])
    found.stop(record(BEGUN + DAY))
    found.go_on(record(BEGUN + 4 * DAY), FIGURES)
    assert found.next_at == BEGUN + 18 * DAY
    found.follow(record(BEGUN + 8 * DAY), BEGUN + 3 * DAY)
    found.advance(record(BEGUN + 8 * DAY), FIGURES, [])
    assert (found.next_at, found.turn) == (BEGUN + 19 * DAY, 2)  # One of the three days was after that invoice.


def test_what_stands_still_follows_a_later_invoice_in_silence() -> None:
    found = open_alert(record(BEGUN), OWNER.key, AlertKind.NEGATIVE_BALANCE)
    found.stop(record(BEGUN))
    found.follow(record(BEGUN + DAY), BEGUN + DAY)
    assert found.next_at is None
    found.resolve(record(BEGUN + DAY))
    found.go_on(record(BEGUN + 2 * DAY), FIGURES)
    assert (found.next_at, found.stopped_at) == (None, None)


# Stories


async def test_a_payment_that_is_on_its_way_for_ten_days_and_fails_is_ten_days_more(api: Api) -> None:
    await only_owner(api)
    await owing(api)
    await move(api, "2026-12-10T13:30:00Z")
    slow(api, 10)
    payment = (await top_up(api, await owed(api), token("card")))["payment"]
    assert payment["status"] == "PROCESSING"
    await move(api, "2026-12-20T00:00:00Z")
    assert [step for step, _ in await notices(api)] == ["OPENING", "FIRST_REMINDER"]
    assert (await alert(api)).stopped_at is not None
    await move(api, "2027-03-01T00:00:00Z")
    assert await notices(api) == [
        ("OPENING", "2026-11-22"),
        ("FIRST_REMINDER", "2026-12-07"),
        ("SECOND_REMINDER", "2026-12-27"),
        ("FINAL_WARNING", "2026-12-31"),
    ]
    assert await suspended(api) == [("2027-01-01", "2027-01-31")]


async def test_one_that_arrives_resolves_it_without_a_word(api: Api) -> None:
    await only_owner(api)
    await owing(api)
    await move(api, "2026-12-20T00:00:00Z")
    slow(api, 12, ProviderState.SUCCEEDED)
    await top_up(api, await owed(api), token("card"))
    await move(api, "2027-03-01T00:00:00Z")
    assert len(await notices(api)) == 3
    assert ((await alert(api)).status, await suspended(api)) == (AlertStatus.RESOLVED, [])
    await verify(api.database)


async def test_a_euro_on_its_way_stops_nothing(api: Api) -> None:
    await only_owner(api)
    await owing(api)
    await move(api, "2026-12-10T13:30:00Z")
    slow(api, 200)
    await top_up(api, "1.00", token("card"))
    await move(api, "2026-12-23T00:00:00Z")
    assert [day for day, _ in await suspended(api)] == ["2026-12-22"]


async def test_what_was_announced_and_never_came_stops_nothing(api: Api) -> None:
    await only_owner(api)
    await owing(api)
    await top_up(api, await owed(api) if await owed(api) != "0.00" else "100.00", {"bankTransfer": True})
    await move(api, "2026-12-10T13:30:00Z")
    await top_up(api, await owed(api), {"bankTransfer": True})
    await move(api, "2026-12-23T00:00:00Z")
    assert [day for day, _ in await suspended(api)] == ["2026-12-22"]
    waiting = {row.status for row in await api.rows(Payment)}
    assert PaymentStatus.PROCESSING not in waiting


async def test_a_collection_on_its_way_stops_them_from_the_first_day(api: Api) -> None:
    """Nobody is told of a debt that is being collected."""
    await only_owner(api)
    slow(api, 5)
    await add_card(api, "card", autoDebit=True)
    await owing(api)
    await move(api, "2026-11-27T00:00:00Z")
    assert (await notices(api), (await alert(api)).stopped_at is None) == ([], False)
    slow(api, 0)
    api.app.state.host.payments.every[0].asked = _asked(await api.rows(Payment))
    await move(api, "2026-11-28T00:00:00Z")
    assert [step for step, _ in await notices(api)] == ["OPENING"]


def _asked(rows: list[Any]) -> dict[UUID, tuple[int, datetime]]:
    return {row.id: (row.amount_cents, row.created_at) for row in rows}


async def test_a_transfer_that_is_not_matched_yet_stops_the_days_of_whom_it_may_be_of(api: Api) -> None:
    secret = await credential(api, ServiceScope.PAYMENTS, name="books")
    await only_owner(api)
    await owing(api)
    await move(api, "2026-12-10T13:30:00Z")
    key = (await came(api, secret, "1.00", f"{number(OWNER)} or {number(FREE)}"))["transfer"]["transferId"]
    await move(api, "2026-12-30T13:30:00Z")
    assert ([step for step, _ in await notices(api)], await suspended(api)) == (["OPENING", "FIRST_REMINDER"], [])
    assert (await assign(api, secret, key, FREE))["changed"]
    await move(api, "2027-03-01T00:00:00Z")
    assert (await notices(api))[2:] == [("SECOND_REMINDER", "2027-01-06"), ("FINAL_WARNING", "2027-01-10")]
    assert await suspended(api) == [("2027-01-11", "2027-02-10")]


async def test_one_that_was_theirs_resolves_it(api: Api) -> None:
    secret = await credential(api, ServiceScope.PAYMENTS, name="books")
    await owing(api)
    await move(api, "2026-12-10T13:30:00Z")
    total = await owed(api)
    key = (await came(api, secret, total, f"{number(OWNER)} {number(FREE)}"))["transfer"]["transferId"]
    assert (await assign(api, secret, key, OWNER))["changed"]
    found = await alert(api)
    assert (found.status, found.stopped_at, await balance(api)) == (AlertStatus.RESOLVED, None, "0.00")


async def test_the_days_before_a_deletion_stand_still_too(api: Api) -> None:
    await only_owner(api)
    await owing(api)
    await move(api, "2027-01-15T12:00:00Z")
    assert await warned(api) == [("FIRST", "2027-01-14")]
    slow(api, 10)
    await top_up(api, await owed(api), token("card"))
    await move(api, "2027-01-24T00:00:00Z")
    (found,) = await api.rows(Suspension)
    assert (found.stopped_at is None, found.next_at, await warned(api)) == (False, None, [("FIRST", "2027-01-14")])
    await move(api, "2027-01-31T00:00:00Z")
    assert await warned(api) == [("FIRST", "2027-01-14"), ("LAST", "2027-01-30")]
    (found,) = await api.rows(Suspension)
    assert found.deletion_at.astimezone(PARIS).date() == date(2027, 1, 31)
    assert (await seen(api))["suspension"]["deletionAt"][:10] == "2027-01-31"
    await move(api, "2027-03-01T00:00:00Z")
    assert [each["at"].astimezone(PARIS).date() for each in await mails(api, "profile_deleted")] == [date(2027, 1, 31)]


# Automatic debit


async def test_what_is_owed_is_collected_of_who_is_suspended_and_that_lifts_it_at_once(
    database: Database, bound: Any, hashing: Any
) -> None:
    await seed(database, hashing)
    soon = {
        "alert_first_reminder": 2 * DAY,
        "alert_second_reminder": 3 * DAY,
        "alert_final_warning": 4 * DAY,
        "alert_expiry": 5 * DAY,
    }
    async with serving(database, bound, rate_limits=False, **{**SHIPPED, **soon}) as api:
        await only_owner(api)
        slow(api, 0)
        await add_card(api, "card", autoDebit=True)
        await owing(api)
        await move(api, "2026-11-28T00:00:00Z")
        assert (await seen(api))["status"] == "SUSPENDED"
        slow(api, 0, ProviderState.SUCCEEDED)
        await move(api, "2026-11-29T14:00:00Z")  # Seven days after the first time.
        automatic = [row.status for row in await api.rows(Payment) if row.automatic]
        assert automatic.count(PaymentStatus.SUCCEEDED) == 1
        assert (await seen(api), await balance(api)) == ({"status": "ACTIVE", "suspension": None}, "0.00")
        await verify(database)
