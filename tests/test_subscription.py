"""BIL-4, BIL-6. Subscriptions: their periods, who sees them, and how they end."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from app.demo_hosting import ACCOUNT_KEYS
from models.activity import ActivityEvent
from models.column import new_id, table
from models.conflict import Conflict
from models.db import Db
from models.period import after, first_period, period_at
from models.permission import AccountPermission, OverallPermission
from models.price import BillingPeriod
from models.subscription import Subscription, SubscriptionStatus
from schema.global_id import global_id, read_global_id
from tests.api import DELEGATE, FREE, OWNER, TECH, Api, profile_id
from tests.granting import a_grant
from tests.hosting import ATELIER, FORGE_ID, HOBBY, WEB, answer
from tests.opening import on_plan, opened, wanted

MINE = """query Mine($id: ID!, $filter: ServiceSubscriptionFilter, $first: Int) { node(id: $id) { ... on Profile {
  subscriptions(filter: $filter, first: $first) { totalCount nodes { id label plan { code } period status periodStart
    periodEnd renews item { __typename ... on Account { id name } ... on Server { id } } } } } } }"""
OF_ACCOUNT = """query Running($id: ID!) { node(id: $id) { ... on Account { plan { code }
  subscription { label status item { ... on Account { id } } } } } }"""
DELETE = """mutation ($id: ID!, $name: String!) { accountDelete(input: { accountId: $id, confirmation: $name }) {
  userErrors { code } } }"""


async def mine(api: Api, token: str, **variables: Any) -> Any:
    return (await api.ask(MINE, {"id": profile_id(OWNER), **variables}, token=token)).data["node"]["subscriptions"]


# Periods


@pytest.mark.parametrize(
    ("anchor", "months", "day"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 1, 31), 2, date(2026, 3, 31)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 11, 22), 0, date(2026, 11, 22)),
        (date(2026, 11, 22), 1, date(2026, 12, 22)),
        (date(2026, 12, 22), 1, date(2027, 1, 22)),
        (date(2026, 1, 22), 11, date(2026, 12, 22)),
    ],
)
def test_periods_are_counted_from_their_anchor(anchor: date, months: int, day: date) -> None:
    assert after(anchor, months) == day


def test_a_first_period_begins_on_its_day() -> None:
    assert first_period(date(2026, 1, 31), BillingPeriod.MONTHLY) == (date(2026, 1, 31), date(2026, 2, 28))
    assert first_period(date(2026, 1, 31), BillingPeriod.YEARLY) == (date(2026, 1, 31), date(2027, 1, 31))


@pytest.mark.parametrize(
    ("day", "period"),
    [
        (date(2026, 1, 31), (date(2026, 1, 31), date(2026, 2, 28))),
        (date(2026, 2, 27), (date(2026, 1, 31), date(2026, 2, 28))),
        (date(2026, 2, 28), (date(2026, 2, 28), date(2026, 3, 31))),
        (date(2026, 3, 30), (date(2026, 2, 28), date(2026, 3, 31))),
        (date(2027, 3, 31), (date(2027, 3, 31), date(2027, 4, 30))),
    ],
)
def test_each_day_is_in_one_period(day: date, period: tuple[date, date]) -> None:
    assert period_at(date(2026, 1, 31), BillingPeriod.MONTHLY, day) == period


# Read


async def test_what_is_paid_for_is_listed(api: Api) -> None:
    found = await mine(api, await api.token(OWNER))
    assert found["totalCount"] == 2
    by_name = {each["item"]["name"]: each for each in found["nodes"]}
    assert by_name["atelier"] == {
        "id": by_name["atelier"]["id"],
        "label": "Medium",
        "plan": {"code": "medium"},
        "period": "YEARLY",
        "status": "ACTIVE",
        "periodStart": "2026-11-22",
        "periodEnd": "2027-11-21",
        "renews": True,
        "item": {"__typename": "Account", "id": ATELIER, "name": "atelier"},
    }
    assert (by_name["boutique"]["label"], by_name["boutique"]["periodEnd"]) == ("Small", "2026-12-21")


async def test_an_account_shows_what_runs_for_it(api: Api) -> None:
    token = await api.token(OWNER)
    shown = (await api.ask(OF_ACCOUNT, {"id": ATELIER}, token=token)).data["node"]
    assert shown["plan"] == {"code": "medium"}
    assert shown["subscription"] == {"label": "Medium", "status": "ACTIVE", "item": {"id": ATELIER}}
    on_server = (await api.ask(OF_ACCOUNT, {"id": WEB}, token=token)).data["node"]
    assert on_server == {"plan": None, "subscription": None}
    free = (await api.ask(OF_ACCOUNT, {"id": HOBBY}, token=await api.token(FREE))).data["node"]
    assert free == {"plan": {"code": "free"}, "subscription": None}


async def test_a_server_may_be_what_is_subscribed(api: Api) -> None:
    rows = table(Subscription)
    (atelier,) = [row for row in await api.rows(Subscription) if row.account_id == ACCOUNT_KEYS["atelier"]]
    found = read_global_id(FORGE_ID)
    assert found
    async with Db(api.database) as db:
        values = {**atelier._mapping, "id": new_id(), "account_id": None, "server_id": found[1]}
        await db.note(insert(rows).values(values))
    items = [each["item"] for each in (await mine(api, await api.token(OWNER)))["nodes"]]
    assert {"__typename": "Server", "id": FORGE_ID} in items


async def test_one_subscription_runs_for_an_account(api: Api) -> None:
    (atelier,) = [row for row in await api.rows(Subscription) if row.account_id == ACCOUNT_KEYS["atelier"]]
    async with Db(api.database) as db:
        with pytest.raises(IntegrityError, match="do not overlap"):
            await db.note(insert(table(Subscription)).values({**atelier._mapping, "id": new_id()}))
        later = {"id": new_id(), "anchor": date(2030, 11, 22)}
        with pytest.raises((Conflict, IntegrityError)):
            await db.note(insert(table(Subscription)).values({**atelier._mapping, **later}))
        before = {"anchor": date(2024, 11, 22), "ended_on": date(2025, 11, 22)}
        ended = {"id": new_id(), "status": SubscriptionStatus.ENDED, **before}
        await db.note(insert(table(Subscription)).values({**atelier._mapping, **ended}))
    shown = await api.ask(OF_ACCOUNT, {"id": ATELIER}, token=await api.token(OWNER))
    assert shown.data["node"]["subscription"]["status"] == "ACTIVE"


async def test_a_filter_keeps_some_states(api: Api) -> None:
    token = await api.token(OWNER)
    rows = table(Subscription)
    async with Db(api.database) as db:
        over = {"status": SubscriptionStatus.ENDED, "ended_on": date(2026, 12, 22)}
        await db.note(update(rows).where(rows.c.period == "MONTHLY").values(over))
    for wanted_states, count in ((None, 2), (["ENDED"], 1), (["ACTIVE", "ENDED"], 2), (["SUSPENDED"], 0), ([], 0)):
        assert (await mine(api, token, filter={"status": wanted_states}))["totalCount"] == count
    assert len((await mine(api, token, first=1))["nodes"]) == 1


@pytest.mark.parametrize("permission", [OverallPermission.BILLING, OverallPermission.ACCOUNT_MANAGEMENT])
async def test_those_who_pay_or_manage_see_them(api: Api, permission: OverallPermission) -> None:
    await a_grant(api, TECH, permission)
    assert (await mine(api, await api.token(TECH)))["totalCount"] == 2


async def test_others_do_not(api: Api) -> None:
    id = (await mine(api, await api.token(OWNER)))["nodes"][0]["id"]
    await a_grant(
        api, DELEGATE, OverallPermission.TECHNICAL_ACCOUNT, accounts={ACCOUNT_KEYS["atelier"]: list(AccountPermission)}
    )
    for person in (DELEGATE, FREE):
        token = await api.token(person)
        found = await api.ask("query ($id: ID!) { node(id: $id) { id } }", {"id": id}, token=token)
        assert found.data["node"] is None
    assert (await api.ask(OF_ACCOUNT, {"id": ATELIER}, token=await api.token(DELEGATE))).codes == ["FORBIDDEN"]
    listed = await api.ask(MINE, {"id": profile_id(OWNER)}, token=await api.token(DELEGATE))
    assert listed.codes == ["FORBIDDEN"]


# Ended


async def test_what_runs_for_an_account_ends_with_it(api: Api) -> None:
    """BIL-18."""
    token = await api.token(OWNER)
    made = (await opened(api, token, await wanted(api, token, await on_plan(api, "shop", "small"))))["account"]
    await answer(api)
    deleted = await api.ask(DELETE, {"id": made["id"], "name": "shop"}, token=token)
    assert deleted.data["accountDelete"]["userErrors"] == []
    await answer(api)
    (over,) = [row for row in await api.rows(Subscription) if row.account_id is None]
    assert (over.status, over.renews, over.ended_at) == (SubscriptionStatus.ENDED, False, api.database.clock.now())
    (fact,) = [event for event in await api.rows(ActivityEvent) if event.kind == "subscription.ended"]
    assert fact.subject_id == over.id
    listed = await mine(api, token, filter={"status": ["ENDED"]})
    assert [(each["item"], each["renews"], each["label"]) for each in listed["nodes"]] == [(None, False, "Small")]
    assert listed["nodes"][0]["id"] == global_id("ServiceSubscription", over.id)
