"""BIL-4, BIL-7, BIL-18. Ways around what is to be paid, each of which leads nowhere."""

from datetime import UTC, datetime
from typing import Any

import pytest

from models.account import AccountStatus
from models.clock import FrozenClock
from models.provisioning import Outcome
from tests.api import OWNER, Api, profile_id
from tests.cycle import alone, documents, move, open_account
from tests.database import START
from tests.hosting import FORGE_ID, account, answer
from tests.test_account import renamed
from tests.test_billing import INVOICES, LEDGER
from tests.test_clockwork import order, renews
from tests.test_server import DELETE as DELETE_SERVER

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
