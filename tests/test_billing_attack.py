"""BIL-4, BIL-7, BIL-18. Ways around what is to be paid, each of which leads nowhere."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from models.account import AccountStatus
from models.clock import FrozenClock
from models.column import table
from models.db import Db, NothingRecorded
from models.profile import Profile
from models.provisioning import Outcome
from models.subscription import Subscription
from resolvers import renewal, vat_correction
from resolvers.vat import consult
from tests.api import OWNER, Api, profile_id
from tests.cycle import (
    OFFICE,
    alone,
    balance,
    change,
    change_quote,
    choose_day,
    day_quote,
    documents,
    move,
    open_account,
    pay,
)
from tests.database import START
from tests.hosting import FORGE_ID, account, answer
from tests.test_account import DELETE, renamed
from tests.test_billing import INVOICES, LEDGER
from tests.test_clockwork import Asked, order, renews
from tests.test_server import DELETE as DELETE_SERVER
from tests.test_vat_correction import WITH_VAT, invoiced_with_vat

DISCOUNTS = ("PROGRAM", "50"), ("REFERRAL", "10")
FORECAST = "{ viewer { billing { forecast { months { charge { gross { amount } } } } } } }"
FEBRUARY, MARCH = "2026-02-27T12:00:00Z", "2026-03-01T00:00:00Z"


@pytest.fixture(autouse=True)
def january(clock: FrozenClock) -> None:
    clock.move(datetime(2026, 1, 31, 9, tzinfo=UTC) - START)


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.FAILED])
async def test_an_account_that_is_being_renamed_when_its_plan_ends_is_blocked_after_it(
    api: Api, outcome: Outcome
) -> None:
    """BIL-4."""
    await alone(api)
    key = await open_account(api, "shop", "small")
    await renews(api, "shop", False)
    await move(api, FEBRUARY)
    told = await renamed(api, await api.token(OWNER), "store", id=key, confirmation="shop")
    assert told["userErrors"] == []
    await move(api, MARCH)
    await answer(api, outcome, "no room")
    row = await account(api, "store" if outcome is Outcome.DONE else "shop")
    assert row.status is AccountStatus.SUSPENDED


async def test_a_server_that_is_gone_is_not_paid_for_any_more(api: Api) -> None:
    await alone(api)
    await order(api, "dedicated")
    given = {"id": FORGE_ID, "confirmation": "forge"}
    assert (await api.ask(DELETE_SERVER, given, token=await api.token(OWNER))).data["serverDelete"]["userErrors"] == []
    await answer(api)
    await move(api, "2026-07-01T00:00:00Z")
    assert [row[1:3] for row in await documents(api)] == [("2026-01-31", 122_700)]


@pytest.mark.parametrize(
    "wanted",
    [
        {"search": "_%\\"},
        {"search": "ß" * 35},
        {"issued": {"from": "0001-01-01", "to": "9999-12-31"}},
        {"issued": {"from": "9999-12-31", "to": "0001-01-01"}},
        {"status": [], "kind": None},
    ],
)
async def test_no_filter_of_documents_makes_the_server_fail(api: Api, wanted: Any) -> None:
    answer = await api.ask(INVOICES, {"id": profile_id(OWNER), "filter": wanted}, token=await api.token(OWNER))
    assert (answer.status, "INTERNAL_SERVER_ERROR" in answer.codes) == (200, False), answer.text


@pytest.mark.parametrize(
    "wanted", [{"from": "0001-01-01"}, {"to": "9999-12-31"}, {"from": "9999-12-31"}, {"to": "0001-01-01"}]
)
async def test_no_filter_of_movements_makes_the_server_fail(api: Api, wanted: Any) -> None:
    given = {"id": profile_id(OWNER), "filter": {"booked": wanted}}
    answer = await api.ask(LEDGER, given, token=await api.token(OWNER))
    assert (answer.status, "INTERNAL_SERVER_ERROR" in answer.codes) == (200, False), answer.text


async def looked(db: Db) -> list[renewal.Later]:
    """What is to be looked at later, in a transaction that found nothing to tell."""
    later: list[renewal.Later] = []
    with suppress(NothingRecorded):
        async with db.write() as write:
            later = await renewal.announce(OFFICE.figures, write, OWNER.key, write.now)
    return later


async def test_what_is_resumed_while_somebody_looks_is_told(api: Api) -> None:
    """BIL-4. What was read before is not written over what was said since."""
    await alone(api)
    await open_account(api, "shop", "small", "YEARLY")
    (row,) = [row for row in await api.rows(Subscription) if row.account_id]
    async with Db(api.database) as db:
        mine = update(table(Subscription)).where(table(Subscription).c.id == row.id)
        await db.note(mine.values(renews=False, notice_at=row.created_at - timedelta(days=1)))
        later = await looked(db)
        assert [each.at for each in later] == [None]
        assert (await renews(api, "shop", True))["userErrors"] == []
        await renewal.look_later(db, later)
    (row,) = [row for row in await api.rows(Subscription) if row.account_id]
    assert (row.renews, row.notice_at is None) == (True, False)


async def test_who_moves_while_the_register_is_asked_is_not_invoiced_without_vat(api: Api) -> None:
    """BIL-7. How it is taxed is decided again under the lock."""
    await invoiced_with_vat(api)
    at = datetime(2026, 2, 6, tzinfo=UTC)
    async with Db(api.database) as db:
        assert await consult(db, OFFICE.figures, Asked(True), OWNER.key, at=at) is not None
        mine = update(table(Profile)).where(table(Profile).c.id == OWNER.key)
        await db.note(mine.values(country="FR", postal_code="75001", vat_number=None))
        with suppress(NothingRecorded):
            async with db.write(at=at) as write:
                await vat_correction.correct(OFFICE, write, OWNER.key, at)
    assert await documents(api) == [WITH_VAT]


async def test_what_is_being_deleted_is_not_brought_to_an_invoicing_day(api: Api) -> None:
    """BIL-5, BIL-18. It has no next period, and nothing is forecast for it."""
    await alone(api)
    key = await open_account(api, "shop", "medium")
    await move(api, "2026-02-01T00:00:00Z")
    given = {"id": key, "confirmation": "shop"}
    assert (await api.ask(DELETE, given, token=await api.token(OWNER))).data["accountDelete"]["userErrors"] == []
    assert (await day_quote(api, 1))["charge"]["gross"]["amount"] == "0.00"
    shown = (await api.ask(FORECAST, token=await api.token(OWNER))).data["viewer"]["billing"]["forecast"]["months"]
    assert {each["charge"]["gross"]["amount"] for each in shown} == {"0.00"}


async def test_a_program_and_a_referral_on_a_year_of_medium(api: Api) -> None:
    """BIL-17. 240 x 0.5 x 0.9 = 108.00, VAT 21.60, on the balance -129.60."""
    await alone(api)
    key = await open_account(api, "shop", "small")
    off = [{"kind": kind, "percent": percent, "ends_before": None} for kind, percent in DISCOUNTS]
    async with Db(api.database) as db:
        await db.note(
            update(table(Subscription)).where(table(Subscription).c.account_id.is_not(None)).values(discounts=off)
        )
    quote = await change_quote(api, key, "medium", "YEARLY")
    assert (quote["charge"]["net"]["amount"], quote["balanceAfter"]["amount"]) == ("108.00", "-129.60")
    assert (await change(api, key, "medium", "YEARLY", token=quote["token"]))["userErrors"] == []
    await move(api, "2026-02-02T00:00:00Z")
    assert await documents(api) == [("INVOICE", "2026-02-01", 10_800, 2_160)]
    assert await balance(api) == "-129.60"


async def test_a_year_that_is_paid_to_the_fifth_is_brought_to_the_first(api: Api, clock: FrozenClock) -> None:
    """BIL-5. 60 x 27/365 = 4.44, VAT 0.89, on the balance -5.33."""
    clock.move(datetime(2025, 12, 5, 9, tzinfo=UTC) - clock.now())
    await alone(api)
    await open_account(api, "shop", "small", "YEARLY")
    await move(api, "2026-11-06T00:00:00Z")
    await pay(api, 7_200)
    assert (await choose_day(api, 1))["invoice"]["total"]["gross"]["amount"] == "5.33"
    assert (await documents(api))[-1] == ("INVOICE", "2026-11-06", 444, 89)
    assert await balance(api) == "-5.33"
