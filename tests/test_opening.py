"""ACC-1, ACC-3, BIL-14. Opening an account: what it costs, what stands in its way, and what comes of it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from models.account import Account
from models.activity import ActivityEvent
from models.clock import FrozenClock
from models.column import new_id, table
from models.contract import ContractPending
from models.db import Db
from models.delivery import Delivery
from models.held_name import HeldName
from models.obstacle import BeingDeleted
from models.opening import Offer, Situation, Standing, Wishes, decide_opening
from models.permission import OverallPermission, ServerPermission
from models.plan import Plan, PlanKind, PlanPrice
from models.price import BillingPeriod
from models.profile import Profile
from models.provisioning import ProvisioningTask
from models.refusal import Code
from models.setting import Figures
from models.subscription import Subscription
from models.term import Priced
from schema.global_id import global_id, read_global_id
from tests.api import DELEGATE, FREE, OWNER, TECH, Api, profile_id
from tests.granting import a_grant, a_server
from tests.hosting import FORGE_ID, account, answer, handed_over
from tests.opening import OPEN, PASSWORD, codes, on_plan, on_server, opened, plan_id, price, quoted, wanted
from tests.test_contract_acceptance import publish

FIGURES = Figures()
PLAN_PATH = ("account", "target", "publicCloud", "planId")
GOOD = Standing(email_verified=True, suspended=False, identified=True)
PAID = Offer(new_id(), PlanKind.PUBLIC_CLOUD, "Medium", "Medium", False, True, Priced(new_id(), 2200, date(2020, 3, 1)))
FREE_PLAN = replace(PAID, free=True, price=None)
ON_PLAN = Wishes("shop", plan_id=PAID.id)
ON_SERVER = Wishes("shop", server_id=new_id())
FINE = Situation(today=date(2026, 1, 31), standing=GOOD, contract=None, name_taken=False, offer=PAID)


def blockers(wishes: Wishes, found: Situation) -> list[Code]:
    return [refusal.code for refusal in decide_opening(wishes, found, FIGURES).blockers]


# Rules


@pytest.mark.parametrize(
    ("wishes", "changes", "code"),
    [
        (ON_PLAN, {}, None),
        (ON_PLAN, {"standing": replace(GOOD, email_verified=False)}, Code.EMAIL_NOT_VERIFIED),
        (ON_PLAN, {"standing": replace(GOOD, suspended=True)}, Code.PROFILE_SUSPENDED),
        (ON_PLAN, {"standing": replace(GOOD, identified=False)}, Code.IDENTITY_INCOMPLETE),
        (ON_PLAN, {"standing": replace(GOOD, identified=False), "offer": FREE_PLAN}, None),
        (ON_SERVER, {"standing": replace(GOOD, identified=False), "server_found": True, "offer": None}, None),
        (ON_PLAN, {"contract": ContractPending()}, Code.CONTRACT_PENDING),
        (ON_PLAN, {"name_taken": True}, Code.TAKEN),
        (replace(ON_PLAN, name="1"), {"name_taken": True}, Code.INVALID),
        (replace(ON_PLAN, name="Shop"), {}, Code.INVALID),
        (ON_PLAN, {"offer": None}, Code.NOT_FOUND),
        (ON_PLAN, {"offer": replace(PAID, available=False)}, Code.PLAN_UNAVAILABLE),
        (ON_PLAN, {"offer": replace(PAID, kind=PlanKind.DEDICATED)}, Code.PLAN_UNAVAILABLE),
        (ON_PLAN, {"offer": replace(PAID, price=None)}, Code.PLAN_UNAVAILABLE),
        (ON_SERVER, {}, Code.NOT_FOUND),
        (ON_SERVER, {"server_found": True, "server_obstacle": BeingDeleted()}, Code.CONFLICT),
        (ON_PLAN, {"offer": FREE_PLAN, "free_accounts": 1}, Code.LIMIT_REACHED),
        (ON_PLAN, {"offer": FREE_PLAN, "free_accounts": 1, "paying_accounts": 1}, None),
        (ON_PLAN, {"offer": FREE_PLAN, "free_accounts": 2, "paying_accounts": 9}, Code.LIMIT_REACHED),
        (ON_PLAN, {"free_accounts": 2}, None),
    ],
)
def test_what_stands_in_the_way(wishes: Wishes, changes: dict[str, Any], code: Code | None) -> None:
    assert blockers(wishes, replace(FINE, **changes)) == ([code] if code else [])


def test_all_that_stands_in_the_way_is_told_at_once() -> None:
    standing = Standing(email_verified=False, suspended=True, identified=False)
    found = replace(FINE, standing=standing, contract=ContractPending(), name_taken=True)
    assert blockers(ON_PLAN, found) == [
        Code.EMAIL_NOT_VERIFIED,
        Code.PROFILE_SUSPENDED,
        Code.CONTRACT_PENDING,
        Code.IDENTITY_INCOMPLETE,
        Code.TAKEN,
    ]


def test_what_is_not_sold_or_costs_nothing_has_no_line() -> None:
    assert decide_opening(ON_PLAN, FINE, FIGURES).terms[0].ends_before == date(2026, 2, 28)
    for offer in (None, FREE_PLAN, replace(PAID, available=False), replace(PAID, price=None)):
        assert decide_opening(ON_PLAN, replace(FINE, offer=offer), FIGURES).terms == ()
    assert decide_opening(ON_SERVER, FINE, FIGURES).terms == ()


# Prices


@pytest.mark.parametrize(
    ("code", "period", "cost", "last_day"),
    [
        ("small", "MONTHLY", "6.00", "2026-12-21"),
        ("small", "YEARLY", "60.00", "2027-11-21"),
        ("medium", "MONTHLY", "22.00", "2026-12-21"),
        ("medium", "YEARLY", "240.00", "2027-11-21"),
        ("large", "MONTHLY", "55.00", "2026-12-21"),
        ("large", "YEARLY", "600.00", "2027-11-21"),
        ("xlarge", "YEARLY", "1800.00", "2027-11-21"),
    ],
)
async def test_a_plan_costs_its_list_price(api: Api, code: str, period: str, cost: str, last_day: str) -> None:
    quote = await quoted(api, await api.token(OWNER), await on_plan(api, "shop", code, period))
    assert quote["token"]
    assert (quote["charge"]["net"]["amount"], quote["refund"]["amount"], quote["blockers"]) == (cost, "0.00", [])
    (line,) = quote["lines"]
    assert (line["quantity"], line["unitPrice"]["amount"]) == ("1", cost)
    assert line["total"]["net"] == {"amount": cost, "currency": "EUR"}
    assert (line["periodStart"], line["periodEnd"]) == ("2026-11-22", last_day)
    assert "shop" in line["label"]
    assert cost.replace(".", ",") in line["explanation"].replace("\u202f", "")
    assert len(quote["warnings"]) == 1
    assert quote["expiresAt"] == "2026-11-22T09:15:00Z"


async def test_what_costs_nothing_is_quoted_as_well(api: Api) -> None:
    token = await api.token(OWNER)
    for wish in (await on_plan(api, "shop", "free"), on_server("shop", FORGE_ID)):
        quote = await quoted(api, token, wish)
        assert (quote["charge"]["net"]["amount"], quote["lines"], quote["blockers"]) == ("0.00", [], [])
        assert quote["token"]


async def test_a_quote_changes_nothing(api: Api) -> None:
    before = [await api.rows(model) for model in (Account, HeldName, ActivityEvent, Subscription)]
    token = await api.token(OWNER)
    said = len(await api.rows(ActivityEvent))
    await quoted(api, token, await on_plan(api, "shop", "small"))
    assert len(await api.rows(ActivityEvent)) == said
    assert [await api.rows(model) for model in (Account, HeldName)] == before[:2]
    assert await api.rows(Subscription) == before[3]


# Opening


async def test_an_account_on_a_plan_is_opened_as_it_was_quoted(api: Api) -> None:
    token = await api.token(OWNER)
    given = await wanted(api, token, await on_plan(api, "shop", "medium", "YEARLY"))
    payload = await opened(api, token, given)
    assert payload["userErrors"] == []
    made = payload["account"]
    assert (made["name"], made["status"], made["plan"], made["server"]) == (
        "shop",
        "CREATING",
        {"code": "medium"},
        None,
    )
    assert made["owner"] == {"id": profile_id(OWNER)}
    assert made["subscription"] == {
        "period": "YEARLY",
        "status": "ACTIVE",
        "periodStart": "2026-11-22",
        "periodEnd": "2027-11-21",
        "renews": True,
    }
    row = await account(api, "shop")
    (kept,) = [each for each in await api.rows(Subscription) if each.account_id == row.id]
    assert (kept.price_cents, kept.anchor, kept.period_end) == (24_000, date(2026, 11, 22), date(2027, 11, 22))
    assert row.id in {each.account_id for each in await api.rows(HeldName) if each.name == "shop"}


async def test_it_is_set_up_by_those_who_run_the_machines_and_the_owner_is_told(api: Api) -> None:
    token = await api.token(OWNER)
    await opened(api, token, await wanted(api, token, await on_plan(api, "shop", "small")))
    (order,) = (await handed_over(api)).orders
    assert (order.name, order.operation.value, order.server_id) == ("shop", "CREATE", None)
    assert order.sealed_password
    assert order.sealed_password.startswith("$argon2id$")
    await answer(api)
    assert (await account(api, "shop")).status.value == "ACTIVE"
    (fact,) = [event for event in await api.rows(ActivityEvent) if event.kind == "account.opened"]
    assert [each.template for each in await api.rows(Delivery) if each.event_id == fact.id] == ["account_opened"]


async def test_the_password_is_stored_nowhere(api: Api) -> None:
    token = await api.token(OWNER)
    await opened(api, token, await wanted(api, token, await on_plan(api, "shop", "small")))
    for model in table(Account).metadata.sorted_tables:
        async with Db(api.database) as db:
            assert PASSWORD not in repr(await db.rows(model.select()))
    (task,) = await api.rows(ProvisioningTask)
    assert PASSWORD not in repr(task)


async def test_an_account_on_a_server_has_no_plan_and_no_charge(api: Api) -> None:
    token = await api.token(OWNER)
    payload = await opened(api, token, await wanted(api, token, on_server("forge-mail", FORGE_ID)))
    assert payload["userErrors"] == []
    assert (payload["account"]["plan"], payload["account"]["subscription"]) == (None, None)
    assert payload["account"]["server"] == {"id": FORGE_ID}
    assert (await account(api, "forge-mail")).plan_id is None


async def test_the_owner_may_be_left_out(api: Api) -> None:
    token = await api.token(OWNER)
    given = await wanted(api, token, on_server("forge-mail", FORGE_ID))
    del given["ownerId"]
    assert (await opened(api, token, given))["account"]["owner"] == {"id": profile_id(OWNER)}


# Refused


async def refused(api: Api, token: str, given: Any, code: str, *path: str) -> Any:
    """The one business error; nothing was changed."""
    before = [await api.rows(model) for model in (Account, ProvisioningTask, Subscription)]
    payload = await opened(api, token, given)
    assert payload["account"] is None
    (error,) = payload["userErrors"]
    assert (error["code"], error["field"]) == (code, ["input", *path] if path else None)
    assert [await api.rows(model) for model in (Account, ProvisioningTask, Subscription)] == before
    return error


async def change(api: Api, person: Any, **values: Any) -> None:
    async with Db(api.database) as db:
        await db.note(update(table(Profile)).where(table(Profile).c.id == person.key).values(**values))


async def test_a_name_that_was_taken_since_is_refused(api: Api) -> None:
    token = await api.token(OWNER)
    given = await wanted(api, token, await on_plan(api, "shop", "small"))
    assert (await opened(api, token, await wanted(api, token, await on_plan(api, "shop", "large"))))["account"]
    assert await refused(api, token, given, "TAKEN", "account", "name")


async def test_a_plan_that_is_sold_no_more_is_refused(api: Api) -> None:
    token = await api.token(OWNER)
    wish = await on_plan(api, "shop", "small")
    given = await wanted(api, token, wish)
    async with Db(api.database) as db:
        await db.note(update(table(Plan)).where(table(Plan).c.code == "small").values(available=False))
    assert await refused(api, token, given, "PLAN_UNAVAILABLE", "account", "target", "publicCloud", "planId")
    blocked = await quoted(api, token, wish)
    assert (blocked["token"], codes({"userErrors": blocked["blockers"]})) == (None, ["PLAN_UNAVAILABLE"])
    assert blocked["blockers"][0]["field"] == ["input", "target", "publicCloud", "planId"]


async def test_free_accounts_are_limited(api: Api) -> None:
    token = await api.token(FREE)
    wish = await on_plan(api, "second", "free")
    (blocker,) = (await quoted(api, token, wish, FREE))["blockers"]
    assert (blocker["__typename"], blocker["code"], blocker["limit"], blocker["used"]) == (
        "LimitError",
        "LIMIT_REACHED",
        1,
        1,
    )
    owner = await api.token(OWNER)
    stolen = (await quoted(api, owner, wish))["token"]
    assert await refused(
        api, token, await wanted(api, token, wish, FREE, quoteToken=stolen), "LIMIT_REACHED", *PLAN_PATH
    )
    for name in ("first", "second"):
        assert (await opened(api, owner, await wanted(api, owner, await on_plan(api, name, "free"))))["account"]
    third = await quoted(api, owner, await on_plan(api, "third", "free"))
    assert codes({"userErrors": third["blockers"]}) == ["LIMIT_REACHED"]


async def test_of_twenty_free_accounts_opened_at_once_one_is(api: Api) -> None:
    token = await api.token(TECH)
    inputs = [await wanted(api, token, await on_plan(api, f"free-{n}", "free"), TECH) for n in range(20)]
    tokens = [await api.token(TECH) for _ in range(4)]
    payloads = await asyncio.gather(*(opened(api, tokens[n % 4], given) for n, given in enumerate(inputs)))
    assert sorted(code for payload in payloads for code in codes(payload)) == ["LIMIT_REACHED"] * 19
    assert len([row for row in await api.rows(Account) if row.owner_id == TECH.key]) == 1


@pytest.mark.parametrize(
    ("code", "spoil"),
    [
        ("PROFILE_SUSPENDED", lambda now: {"suspended_at": now}),
        ("EMAIL_NOT_VERIFIED", lambda now: {"email_verified_at": None}),
        ("IDENTITY_INCOMPLETE", lambda now: {"street_lines": []}),
    ],
)
async def test_the_owner_has_to_be_in_good_standing(api: Api, code: str, spoil: Callable[[Any], Any]) -> None:
    token = await api.token(OWNER)
    wish = await on_plan(api, "shop", "small")
    given = await wanted(api, token, wish)
    await change(api, OWNER, **spoil(api.database.clock.now()))
    assert await refused(api, token, given, code)
    blocked = await quoted(api, token, wish)
    assert (blocked["token"], [each["code"] for each in blocked["blockers"]]) == (None, [code])


async def test_a_contract_that_waits_has_to_be_accepted_first(api: Api) -> None:
    token = await api.token(OWNER)
    given = await wanted(api, token, await on_plan(api, "shop", "free"))
    await publish(api, "2026-11", date(2026, 11, 22))
    assert await refused(api, token, given, "CONTRACT_PENDING")


async def test_a_weak_password_is_refused_at_its_field(api: Api) -> None:
    token = await api.token(OWNER)
    given = await wanted(api, token, await on_plan(api, "shop", "small"), servicePassword="short")
    assert await refused(api, token, given, "INVALID", "servicePassword")


async def test_a_quote_that_was_not_made_for_this_is_refused(api: Api) -> None:
    token = await api.token(OWNER)
    wish = await on_plan(api, "shop", "small")
    others = [
        "",
        "x" * 5_000,
        "é",
        (await quoted(api, token, await on_plan(api, "other", "small")))["token"],
        (await quoted(api, token, await on_plan(api, "shop", "small", "YEARLY")))["token"],
        (await quoted(api, token, on_server("shop", FORGE_ID)))["token"],
        (await quoted(api, await api.token(TECH), await on_plan(api, "shop", "free"), TECH))["token"],
    ]
    for other in others:
        given = {**await wanted(api, token, wish), "quoteToken": other}
        assert await refused(api, token, given, "INVALID", "quoteToken")


async def test_a_quote_expires_and_the_answer_has_a_fresh_one(api: Api, clock: FrozenClock) -> None:
    token = await api.token(OWNER)
    given = await wanted(api, token, await on_plan(api, "shop", "medium"))
    clock.move(timedelta(minutes=15))
    error = await refused(api, token, given, "QUOTE_EXPIRED", "quoteToken")
    assert error["__typename"] == "QuoteError"
    assert (error["current"]["charge"]["net"]["amount"], error["current"]["blockers"]) == ("22.00", [])
    assert (await opened(api, token, {**given, "quoteToken": error["current"]["token"]}))["account"]


async def test_a_price_that_changed_is_shown_before_it_is_charged(api: Api, clock: FrozenClock) -> None:
    token = await api.token(OWNER)
    wish = await on_plan(api, "shop", "medium")
    given = await wanted(api, token, wish)
    found = read_global_id(await plan_id(api, "medium"))
    assert found
    async with Db(api.database) as db:
        later = {"valid_from": clock.now() + timedelta(minutes=1), "cents": 2500, "id": new_id()}
        values = {"plan_id": found[1], "period": BillingPeriod.MONTHLY, **later}
        await db.note(insert(table(PlanPrice)).values(values))
    clock.move(timedelta(minutes=2))
    error = await refused(api, token, given, "QUOTE_CHANGED", "quoteToken")
    assert error["current"]["charge"]["net"]["amount"] == "25.00"
    assert (await opened(api, token, {**given, "quoteToken": error["current"]["token"]}))["account"]
    (kept,) = [each for each in await api.rows(Subscription) if each.created_at == clock.now()]
    assert kept.price_cents == 2500


async def test_a_quote_of_yesterday_has_changed_today(api: Api, clock: FrozenClock) -> None:
    clock.move(timedelta(hours=13, minutes=55))  # 23:55 in Paris.
    token = await api.token(OWNER)
    given = await wanted(api, token, await on_plan(api, "shop", "medium"))
    clock.move(timedelta(minutes=6))
    error = await refused(api, token, given, "QUOTE_CHANGED", "quoteToken")
    assert error["current"]["lines"][0]["periodStart"] == "2026-11-23"


# Rights


async def test_somebody_elses_server_and_what_leads_nowhere_are_not_found(api: Api) -> None:
    token = await api.token(OWNER)
    strange = global_id("Server", await a_server(api, "anvil", FREE))
    for server in (strange, global_id("Server", new_id()), "garbage", profile_id(OWNER)):
        blocked = await quoted(api, token, on_server("shop", server))
        assert [(each["code"], each["field"]) for each in blocked["blockers"]] == [
            ("NOT_FOUND", ["input", "target", "serverId"])
        ]
        given = await wanted(api, token, on_server("shop", server), quoteToken="x")
        assert await refused(api, token, given, "NOT_FOUND", "account", "target", "serverId")
    nowhere = {"name": "shop", "target": {"publicCloud": {"planId": FORGE_ID}}}
    assert await refused(api, token, await wanted(api, token, nowhere, quoteToken="x"), "NOT_FOUND", *PLAN_PATH)


async def test_a_delegate_who_manages_accounts_opens_for_the_owner(api: Api) -> None:
    await a_grant(api, DELEGATE, OverallPermission.ACCOUNT_MANAGEMENT)
    token = await api.token(DELEGATE)
    payload = await opened(api, token, await wanted(api, token, await on_plan(api, "shop", "small")))
    assert payload["account"]["owner"] == {"id": profile_id(OWNER)}
    row = await account(api, "shop")
    assert row.owner_id == OWNER.key
    (fact,) = [event for event in await api.rows(ActivityEvent) if event.kind == "account.opening_asked"]
    assert (fact.owner_id, fact.actor_id) == (OWNER.key, DELEGATE.key)


async def test_others_are_refused(api: Api) -> None:
    owner = await api.token(OWNER)
    wish = await on_plan(api, "shop", "small")
    given = await wanted(api, owner, wish)
    biller, stranger, on_forge = await api.token(DELEGATE), await api.token(FREE), await api.token(TECH)
    refusal = await api.ask(OPEN, {"input": given}, token=biller)
    assert refusal.codes == ["FORBIDDEN"]
    assert refusal.errors[0]["extensions"]["missing"] == "ACCOUNT_MANAGEMENT"
    assert (await price(api, biller, wish)).codes == ["FORBIDDEN"]
    assert codes(await opened(api, stranger, given)) == ["NOT_FOUND"]
    assert (await price(api, stranger, wish)).data["node"] is None
    found = read_global_id(FORGE_ID)
    assert found
    await a_grant(api, TECH, servers={found[1]: list(ServerPermission)})
    on_it = {**given, "account": on_server("shop", FORGE_ID)}
    assert (await api.ask(OPEN, {"input": on_it}, token=on_forge)).codes == ["FORBIDDEN"]
    assert (await api.ask(OPEN, {"input": given})).codes == ["UNAUTHENTICATED"]
    reader = await api.api_token(OWNER, read_only=True)
    assert (await api.ask(OPEN, {"input": given}, token=reader.secret)).codes == ["FORBIDDEN"]
    assert await account(api, "shop") is None


async def test_a_right_that_was_taken_back_opens_nothing(api: Api) -> None:
    await a_grant(api, DELEGATE, OverallPermission.ACCOUNT_MANAGEMENT)
    token = await api.token(DELEGATE)
    given = await wanted(api, token, await on_plan(api, "shop", "small"))
    await a_grant(api, DELEGATE, OverallPermission.BILLING)
    assert (await api.ask(OPEN, {"input": given}, token=token)).codes == ["FORBIDDEN"]


async def test_a_suspended_delegate_is_told_so(api: Api) -> None:
    await a_grant(api, DELEGATE, OverallPermission.ACCOUNT_MANAGEMENT)
    token = await api.token(DELEGATE)
    wish = await on_plan(api, "shop", "small")
    given = await wanted(api, token, wish)
    await change(api, DELEGATE, suspended_at=api.database.clock.now())
    assert await refused(api, token, given, "PROFILE_SUSPENDED")
    assert [each["code"] for each in (await quoted(api, token, wish))["blockers"]] == ["PROFILE_SUSPENDED"]


@pytest.mark.parametrize(
    "target", [{}, {"serverId": FORGE_ID, "publicCloud": {"planId": FORGE_ID}}, {"serverId": None}]
)
async def test_a_target_is_exactly_one(api: Api, target: Any) -> None:
    answer = await price(api, await api.token(OWNER), {"name": "shop", "target": target})
    assert answer.codes
    assert set(answer.codes) <= {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"}


async def test_whether_a_password_will_do_tells_a_delegate_nothing_of_the_owner(api: Api) -> None:
    """PER-12. The phone number is for who does the billing; the owner's own password is compared with it."""
    phone, profiles = "+33467123456", table(Profile)
    async with Db(api.database) as db:
        await db.note(update(profiles).where(profiles.c.id == OWNER.key).values(phone=phone))
    await a_grant(api, DELEGATE, OverallPermission.ACCOUNT_MANAGEMENT)
    for person, field in ((OWNER, "servicePassword"), (DELEGATE, "quoteToken")):
        token = await api.token(person)
        wish = await on_plan(api, "shop", "small")
        given = await wanted(api, token, wish, servicePassword=phone, quoteToken="x")
        (error,) = (await opened(api, token, given))["userErrors"]
        assert error["field"] == ["input", field]
