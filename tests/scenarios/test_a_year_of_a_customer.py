"""A year of somebody who opens, grows, shrinks, goes and comes back: what is charged is what was used, to the cent."""

from datetime import UTC, datetime

import pytest

from models.clock import FrozenClock
from models.subscription import Subscription
from tests.api import Api
from tests.cycle import (
    alone,
    balance,
    change,
    change_quote,
    choose_day,
    documents,
    move,
    movements,
    open_account,
    pay,
    periods,
)
from tests.database import START


@pytest.fixture(autouse=True)
def new_year(clock: FrozenClock) -> None:
    clock.move(datetime(2027, 1, 10, 9, tzinfo=UTC) - START)


async def test_a_year_of_a_customer(api: Api) -> None:
    await alone(api)
    shop = await open_account(api, "shop", "small")
    await move(api, "2027-03-28T00:30:00Z")  # The night that has 23 hours, in Paris.
    await change(api, shop, "medium")
    await move(api, "2027-05-10T09:00:00Z")
    await pay(api, 20_000)
    await choose_day(api, 1)
    await move(api, "2027-08-15T09:00:00Z")
    await change(api, shop, "large", "YEARLY")
    await move(api, "2027-10-31T00:30:00Z")  # The night that has 25.
    quote = await change_quote(api, shop, "small")
    await change(api, shop, "small", token=quote["token"])
    await move(api, "2028-01-02T00:00:00Z")
    booked = await movements(api)
    assert f"{sum(cents for _, cents in booked) / 100:.2f}" == await balance(api)
    issued = await documents(api)
    sums = {kind: sum(net + tax for each, _, net, tax in issued if each == kind) for kind in ("INVOICE", "CREDIT_NOTE")}
    assert 20_000 + sums["CREDIT_NOTE"] - sums["INVOICE"] == sum(cents for _, cents in booked)
    days = [day for _, day, _, _ in issued]
    assert days == sorted(days)
    found = await periods(api, "shop")
    assert found[0][0] == "2027-01-10"
    ended = sorted(
        (row.anchor, row.ended_on) for row in await api.rows(Subscription) if row.account_id and row.ended_on
    )
    assert [str(day) for pair in ended for day in pair] == [
        *("2027-01-10", "2027-03-28", "2027-03-28", "2027-08-15", "2027-08-15", "2027-10-31"),
    ]


@pytest.mark.parametrize(
    ("opened", "left", "net", "refund"),
    [
        # From 29 February to the 28th of the next: 365 days, of which 305 are left on 29 April.
        ("2028-02-29T09:00:00Z", "2028-04-29T09:00:00Z", 6_000, 5_014),
        # From the 31st of August to that of the next, a leap year: 366 days, one of which is left.
        ("2027-08-31T09:00:00Z", "2028-08-30T09:00:00Z", 6_000, 16),
        # The night of another length: 365 days, of which 364 are left; the day is that of Paris.
        ("2027-03-27T22:30:00Z", "2027-03-27T23:30:00Z", 6_000, 5_984),
        ("2027-10-30T21:30:00Z", "2027-10-30T22:30:00Z", 6_000, 5_984),
    ],
)
async def test_days_of_the_calendar(api: Api, opened: str, left: str, net: int, refund: int) -> None:
    await alone(api)
    await move(api, opened)
    key = await open_account(api, "shop", "small", "YEARLY")
    await move(api, left)
    issued = [row for row in await documents(api) if row[0] == "INVOICE"]
    quote = await change_quote(api, key, "medium")
    if issued:
        assert issued[0][2] == net
        assert quote["refund"]["amount"] == f"{(refund + (refund * 20 + 50) // 100) / 100:.2f}"
    else:  # Not invoiced yet: cut to the day used.
        assert quote["refund"]["amount"] == "0.00"
        await change(api, key, "medium", token=quote["token"])
        await move(api, "2029-01-01T00:00:00Z" if opened > "2028" else "2028-01-01T00:00:00Z")
        assert (await documents(api))[0][2] == net - refund
