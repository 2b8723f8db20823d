"""BIL-5. The invoicing day: the figures of the rules over the API, and that nothing is charged twice or not at all."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from models.charge import RevenueKind
from models.clock import FrozenClock
from models.price import BillingPeriod
from models.term import Item, Priced, span, term
from tests.api import OWNER, Api, profile_id
from tests.cycle import (
    DAY,
    DAY_QUOTE,
    alone,
    balance,
    change,
    choose_day,
    day_quote,
    documents,
    move,
    open_account,
    periods,
)
from tests.database import START
from tests.opening import codes, on_plan, quoted

MONTHLY, YEARLY = BillingPeriod.MONTHLY, BillingPeriod.YEARLY


@pytest.fixture(autouse=True)
def november(clock: FrozenClock) -> None:
    """Before what is paid up to the fifth begins."""
    clock.move(datetime(2026, 11, 5, 9, tzinfo=UTC) - START)


@pytest.mark.parametrize(
    ("own", "day", "starts_on", "period", "ends_before"),
    [
        (date(2026, 1, 5), 1, date(2026, 12, 5), MONTHLY, date(2027, 1, 1)),
        (date(2026, 1, 5), 5, date(2026, 12, 5), MONTHLY, date(2027, 1, 5)),
        (date(2026, 1, 5), 28, date(2026, 12, 5), YEARLY, date(2026, 12, 28)),
        (date(2026, 1, 31), 28, date(2026, 2, 28), MONTHLY, date(2026, 3, 28)),
        (date(2026, 1, 31), None, date(2026, 2, 28), MONTHLY, date(2026, 3, 31)),
        (date(2024, 2, 29), None, date(2027, 2, 28), YEARLY, date(2028, 2, 29)),
        (date(2026, 1, 5), None, date(2027, 1, 1), MONTHLY, date(2027, 1, 5)),
        (date(2026, 1, 31), None, date(2027, 2, 1), MONTHLY, date(2027, 2, 28)),
        (date(2026, 1, 31), None, date(2027, 3, 1), YEARLY, date(2027, 3, 31)),
    ],
)
def test_where_a_period_ends(
    own: date, day: int | None, starts_on: date, period: BillingPeriod, ends_before: date
) -> None:
    assert span(own, day, starts_on, period).ends_before == ends_before


async def test_a_month_and_a_year_are_brought_to_the_first(api: Api) -> None:
    """22 x 27/31 = 19.16 and 60 x 27/365 = 4.44; one invoice of both, at once."""
    await alone(api)
    await open_account(api, "shop", "medium")
    await move(api, "2026-12-01T09:00:00Z")
    before = await balance(api)
    quote = await day_quote(api, 1)
    assert quote["charge"]["net"]["amount"] == "19.16"
    assert quote["charge"]["gross"]["amount"] == "22.99"
    assert (quote["invoicedOn"], quote["dueOn"]) == ("2026-12-01", "2026-12-31")
    (line,) = quote["lines"]
    assert (line["periodStart"], line["periodEnd"]) == ("2026-12-05", "2026-12-31")
    assert "27" in line["explanation"]
    payload = await choose_day(api, 1, quoteToken=quote["token"])
    assert payload["userErrors"] == []
    assert payload["invoice"]["total"]["gross"]["amount"] == "22.99"
    assert payload["billing"] == {"invoicingDay": 1, "balance": {"amount": quote["balanceAfter"]["amount"]}}
    assert before == "-26.40"
    assert await periods(api, "shop") == [
        ("2026-11-05", "2026-12-05", 2_200),
        ("2026-12-05", "2027-01-01", 1_916),
    ]
    await move(api, "2027-02-02T00:00:00Z")
    assert (await periods(api, "shop"))[2:] == [
        ("2027-01-01", "2027-02-01", 2_200),
        ("2027-02-01", "2027-03-01", 2_200),
    ]


async def test_a_year_is_brought_to_the_first(api: Api) -> None:
    await alone(api)
    await open_account(api, "shop", "small", "YEARLY")
    await move(api, "2027-11-30T09:00:00Z")
    # What runs is paid to 5 November 2028: 29 days to the first of December, wherever the year is a leap year.
    quote = await day_quote(api, 5)
    assert quote["lines"] == []
    quote = await day_quote(api, 1)
    (line,) = quote["lines"]
    assert (line["periodStart"], line["periodEnd"]) == ("2028-11-05", "2028-11-30")
    assert line["total"]["net"]["amount"] == "4.27"


def test_the_worked_example_of_a_year() -> None:
    """Yearly 60.00, paid to 5 Dec 2026: 60 x 27/365 = 4.44."""
    item = Item(RevenueKind.HOSTING, "Small", "Small", "shop", YEARLY)
    days = span(date(2025, 12, 5), 1, date(2026, 12, 5), YEARLY)
    assert term(item, Priced(None, 6_000, None), days).net_cents == 444


async def test_all_of_a_profile_is_on_one_invoice(api: Api) -> None:
    await alone(api)
    await open_account(api, "shop", "medium")
    await move(api, "2026-11-10T09:00:00Z")
    await open_account(api, "blog", "small")
    await move(api, "2026-11-12T09:00:00Z")
    await choose_day(api, 20)
    *_, last = await documents(api)
    # 22 x 15/31 = 10.65 and 6 x 10/31 = 1.94.
    assert last == ("INVOICE", "2026-11-12", 1_065 + 194, 252)
    await move(api, "2026-12-21T00:00:00Z")
    assert (await documents(api))[-1] == ("INVOICE", "2026-12-20", 2_800, 560)


async def test_null_goes_back_to_own_dates(api: Api) -> None:
    await alone(api)
    await open_account(api, "shop", "medium")
    await choose_day(api, 1)
    await move(api, "2026-12-10T09:00:00Z")
    payload = await choose_day(api, None)
    assert payload["billing"]["invoicingDay"] is None
    assert payload["invoice"]["total"]["net"]["amount"] == "2.84"  # 22 x 4/31.
    await move(api, "2027-02-06T00:00:00Z")
    assert [row[:2] for row in await periods(api, "shop")] == [
        ("2026-11-05", "2026-12-05"),
        ("2026-12-05", "2027-01-01"),
        ("2027-01-01", "2027-01-05"),
        ("2027-01-05", "2027-02-05"),
        ("2027-02-05", "2027-03-05"),
    ]


async def test_choosing_the_same_day_again_charges_nothing(api: Api) -> None:
    await alone(api)
    await open_account(api, "shop", "medium")
    await choose_day(api, 1)
    issued = await documents(api)
    payload = await choose_day(api, 1)
    assert (payload["userErrors"], payload["invoice"]) == ([], None)
    assert await documents(api) == issued


async def test_what_is_opened_later_begins_with_the_days_up_to_the_invoicing_day(api: Api) -> None:
    await alone(api)
    await choose_day(api, 1)
    quote = await quoted(api, await api.token(OWNER), await on_plan(api, "shop", "medium"))
    assert quote["charge"]["net"]["amount"] == "19.07"  # 22 x 26/30.
    await open_account(api, "shop", "medium")
    await move(api, "2026-12-02T00:00:00Z")
    assert await periods(api, "shop") == [
        ("2026-11-05", "2026-12-01", 1_907),
        ("2026-12-01", "2027-01-01", 2_200),
    ]


async def test_a_plan_that_changes_is_refunded_for_what_was_paid_in_advance_too(api: Api) -> None:
    await alone(api)
    await open_account(api, "shop", "medium")
    await move(api, "2026-11-06T09:00:00Z")
    await choose_day(api, 1)
    payload = await change(api, await key_of_shop(api), "large")
    # 29 of 30 days of 22.00, and all of 19.16; a document of each invoice.
    assert payload["userErrors"] == []
    assert (await documents(api))[-2:] == [
        ("CREDIT_NOTE", "2026-11-06", 2_127, 425),
        ("CREDIT_NOTE", "2026-11-06", 1_916, 383),
    ]


async def key_of_shop(api: Api) -> str:
    answer = await api.ask('{ account(name: "shop") { id } }', token=await api.token(OWNER))
    key: str = answer.data["account"]["id"]
    return key


@pytest.mark.parametrize("day", [0, 29, 31, -1])
async def test_a_day_that_not_every_month_has_is_wrong_input(api: Api, day: int) -> None:
    token = await api.token(OWNER)
    asked: Any = await api.ask(DAY_QUOTE, {"id": profile_id(OWNER), "day": day}, token=token)
    assert asked.codes == ["BAD_USER_INPUT"]
    given = {"day": day, "quoteToken": "-", "idempotencyKey": "01900000-0000-7000-8000-000000000001"}
    assert (await api.ask(DAY, {"input": given}, token=token)).codes == ["BAD_USER_INPUT"]


async def test_a_quote_is_of_one_day(api: Api) -> None:
    await alone(api)
    await open_account(api, "shop", "medium")
    token = (await day_quote(api, 2))["token"]
    assert codes(await choose_day(api, 1, quoteToken=token)) == ["INVALID"]
