"""BIL-4. Charges to come, as they come when the months are played."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from models.charge import RevenueKind
from models.clock import FrozenClock
from models.forecast import Goes, forecast
from models.price import BillingPeriod
from models.term import Item, Priced
from tests.api import OWNER, Api, profile_id
from tests.cycle import alone, balance, move, open_account, pay
from tests.database import START

ASK = """query Ahead($id: ID!, $months: Int!) { node(id: $id) { ... on Profile { billing { forecast(months: $months) {
  months { month charge { net { amount } gross { amount } } balanceAfter { amount } }
  negativeOn topUpNeeded { amount } } } } } }"""
USUAL = "query Ahead($id: ID!) { node(id: $id) { ... on Profile { billing { forecast { months { month } } } } } }"


@pytest.fixture(autouse=True)
def january(clock: FrozenClock) -> None:
    clock.move(datetime(2026, 1, 31, 9, tzinfo=UTC) - START)


async def ahead(api: Api, months: int) -> Any:
    answer = await api.ask(ASK, {"id": profile_id(OWNER), "months": months}, token=await api.token(OWNER))
    return answer.data["node"]["billing"]["forecast"]


async def test_what_is_forecast_is_what_comes(api: Api) -> None:
    await alone(api)
    await open_account(api, "shop", "medium")
    await open_account(api, "blog", "small", "YEARLY")
    await pay(api, 20_000)
    found = await ahead(api, 14)
    for each, until in zip(found["months"], [*(f"2026-{month:02}" for month in range(2, 13)), "2027-01"], strict=False):
        await move(api, f"{until}-01T00:00:00Z")
        assert each["balanceAfter"]["amount"] == await balance(api), each["month"]
    assert found["negativeOn"] == "2026-05-31"
    assert len(found["months"]) == 14
    assert found["months"][12]["charge"]["net"]["amount"] == "82.00"
    lowest = min(Decimal(each["balanceAfter"]["amount"]) for each in found["months"])
    assert found["topUpNeeded"]["amount"] == str(-lowest)


async def test_twelve_months_are_shown_and_24_at_most(api: Api) -> None:
    token = await api.token(OWNER)
    usual = await api.ask(USUAL, {"id": profile_id(OWNER)}, token=token)
    assert len(usual.data["node"]["billing"]["forecast"]["months"]) == 12
    for months in (0, 25, -1):
        assert (await api.ask(ASK, {"id": profile_id(OWNER), "months": months}, token=token)).codes == [
            "BAD_USER_INPUT"
        ]


def test_a_balance_that_is_negative_is_so_today_and_nothing_is_charged_twice() -> None:
    item = Item(RevenueKind.HOSTING, "Small", "Small", "shop", BillingPeriod.MONTHLY)
    goes = Goes(item, Priced(None, 600, None), date(2026, 1, 31), date(2026, 2, 28), None)
    found = forecast(date(2026, 2, 10), 2, -100, 2_000, [(date(2026, 1, 5), 1_000)], [goes])
    assert [(each.month, each.charge.net_cents, each.balance_after.cents) for each in found.months] == [
        (date(2026, 2, 1), 1_600, -2_020),
        (date(2026, 3, 1), 600, -2_740),
    ]
    assert (found.negative_on, found.top_up_needed.cents) == (date(2026, 2, 10), 2_740)
