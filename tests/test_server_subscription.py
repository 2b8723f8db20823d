"""CAT-1, BIL-4. What is paid for a server decides what it is, and whether it and the accounts on it are used."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import select as select_rows

from app.demo_hosting import ACCOUNT_KEYS, FORGE
from models.account import Account, AccountStatus
from models.activity import ActivityEvent
from models.column import table
from models.db import Db
from models.obstacle import BeingDeleted
from models.opening import PlanUnavailable
from models.plan import Plan
from models.price import BillingPeriod
from models.provisioning import ProvisioningTask, TaskState
from models.server import Server
from models.server_option import ServerOption
from models.subscription import Subscription, SubscriptionStatus
from schema.global_id import global_id
from tests.api import OWNER, Api
from tests.cycle import alone, move
from tests.hosting import FORGE_ID, account, answer, handed_over
from tests.opening import codes, on_server, opened, quoted, wanted
from tests.test_account import DELETE, RENAME
from tests.test_clockwork import order
from tests.test_decision import SERVER_CAN
from tests.test_server import deleted, renamed


async def test_a_server_is_what_is_subscribed_for_it(api: Api) -> None:
    """CAT-1. The plan that is ordered becomes its own, and that is told where it was another; not of one that goes."""
    await alone(api)
    token = await api.token(OWNER)

    async def plan() -> Any:
        return (await api.ask('{ server(name: "forge") { plan { code } } }', token=token)).data["server"]["plan"][
            "code"
        ]

    async def told() -> list[Any]:
        return [row.changes["plan_id"] for row in await api.rows(ActivityEvent) if row.kind == "server.plan_changed"]

    ids = {row.code: str(row.id) for row in await api.rows(Plan)}
    begun = await order(api, "gold", period=BillingPeriod.YEARLY, agreed_cents=900_000)
    assert (await plan(), await told()) == ("gold", [])
    async with Db(api.database) as db, db.write() as write:
        running = await write.lock_one(select_rows(Subscription).where(table(Subscription).c.id == begun.id))
        assert running is not None
        running.end(write.record, on=running.anchor)
    with pytest.raises(PlanUnavailable):
        await order(api, "small")
    await order(api, "dedicated")
    assert (await plan(), await told()) == ("dedicated", [[ids["gold"], ids["dedicated"]]])
    assert (await deleted(api, token))["userErrors"] == []
    with pytest.raises(BeingDeleted):
        await order(api, "gold", agreed_cents=90_000)
    assert await plan() == "dedicated"


# What is not paid for any more


async def a_month(api: Api, **values: Any) -> Any:
    """A month of the machine, which will not renew."""
    await alone(api)
    begun = await order(api, "dedicated", agreed_cents=40_900, **values)
    async with Db(api.database) as db, db.write() as write:
        row = await write.lock_one(select_rows(Subscription).where(table(Subscription).c.id == begun.id))
        assert row is not None
        row.renew_itself(write.record, False)
    return begun


async def states(api: Api) -> dict[str, str]:
    """Of the server, and of each account on it."""
    rows = [*await api.rows(Server), *[row for row in await api.rows(Account) if row.server_id == FORGE]]
    return {row.name: row.status.value for row in rows}


async def asked(api: Api) -> list[tuple[str, str]]:
    """What those who run the machines were asked for, in order."""
    rows = sorted(await api.rows(ProvisioningTask), key=lambda row: row.id)
    return [(row.operation.value, row.name) for row in rows]


async def opening(api: Api, token: str) -> tuple[list[str], Any]:
    """What stands in the way of an account on the server, and whether its owner may open one."""
    blockers = (await quoted(api, token, on_server("fresh", FORGE_ID)))["blockers"]
    can = await api.ask(SERVER_CAN, {"id": FORGE_ID, "action": "OPEN_ACCOUNT"}, token=token)
    return [each["code"] for each in blockers], can.data["node"]["viewerCan"]["reason"]


async def test_accounts_are_blocked_with_their_server_and_used_again_with_it(api: Api) -> None:
    """BIL-4. Those that are used are blocked; what is being deleted goes on being deleted."""
    token = await api.token(OWNER)
    await a_month(api)
    web = {"id": global_id("Account", ACCOUNT_KEYS["forge-web"]), "confirmation": "forge-web"}
    await api.ask(DELETE, web, token=token)
    await move(api, "2027-02-21T00:00:00Z")
    assert await states(api) == {"forge": "ACTIVE", "forge-api": "ACTIVE", "forge-web": "DELETING"}
    await move(api, "2027-02-23T00:00:00Z")
    assert await states(api) == {"forge": "SUSPENDED", "forge-api": "SUSPENDED", "forge-web": "DELETING"}
    assert await asked(api) == [("DELETE", "forge-web"), ("SUSPEND", "forge-api")]
    assert [each.operation.value for each in (await handed_over(api)).orders] == ["DELETE", "SUSPEND"]
    await order(api, "gold", agreed_cents=90_000)
    assert await states(api) == {"forge": "ACTIVE", "forge-api": "ACTIVE", "forge-web": "DELETING"}
    assert (await asked(api))[2:] == [("RESUME", "forge-api")]
    assert [each.operation.value for each in (await handed_over(api)).orders] == ["RESUME"]
    kinds = [row.kind for row in await api.rows(ActivityEvent)]
    for kind in ("server.lapsed", "server.resumed", "account.lapsed", "account.resumed"):
        assert kinds.count(kind) == 1, kind


async def test_no_account_is_opened_on_a_server_whose_subscription_is_over(api: Api) -> None:
    """BIL-4, PER-13. Said beforehand and in the quote, and refused; a server that never had one is used as it is."""
    token = await api.token(OWNER)
    assert await opening(api, token) == ([], None)
    await a_month(api)
    given = await wanted(api, token, on_server("fresh", FORGE_ID))
    assert await opening(api, token) == ([], None)
    await move(api, "2027-02-23T00:00:00Z")
    assert await opening(api, token) == (["CONFLICT"], "STATE")
    refused = await opened(api, token, given)
    assert [(each["code"], each["field"]) for each in refused["userErrors"]] == [
        ("CONFLICT", ["input", "account", "target", "serverId"])
    ]
    assert refused["userErrors"][0]["message"] == "Il est suspendu."
    await order(api, "dedicated")
    assert await opening(api, token) == ([], None)
    assert codes(await opened(api, token, await wanted(api, token, on_server("fresh", FORGE_ID)))) == []


@pytest.mark.parametrize("under_way", ["renamed", "opened"])
async def test_what_is_under_way_when_the_server_s_subscription_ends_is_blocked_when_it_is_done(
    api: Api, under_way: str
) -> None:
    """BIL-4. And not where it is subscribed again meanwhile."""
    token = await api.token(OWNER)
    await a_month(api)
    api_account = {"id": global_id("Account", ACCOUNT_KEYS["forge-api"]), "confirmation": "forge-api"}

    async def begin(name: str) -> None:
        if under_way == "opened":
            await opened(api, token, await wanted(api, token, on_server(name, FORGE_ID)))
        else:
            await api.ask(RENAME, {**api_account, "name": name}, token=token)
            api_account["confirmation"] = name

    await begin("fresh")
    await move(api, "2027-02-23T00:00:00Z")
    assert (await account(api, "forge-web")).status is AccountStatus.SUSPENDED
    await answer(api)
    assert (await account(api, "fresh")).status is AccountStatus.SUSPENDED
    assert ("SUSPEND", "fresh") in await asked(api)
    await order(api, "dedicated", agreed_cents=40_900)
    await answer(api)
    assert (await account(api, "fresh")).status is AccountStatus.ACTIVE
    await begin("newer")
    await answer(api)
    assert (await account(api, "newer")).status is AccountStatus.ACTIVE


async def test_an_option_that_is_over_blocks_nothing(api: Api) -> None:
    """BIL-4. What counts is the machine's own subscription."""
    await alone(api)
    async with Db(api.database) as db:
        (ram,) = await db.rows(select(table(ServerOption).c.id).where(table(ServerOption).c.code == "ram_16"))
    await order(api, "dedicated", options={ram.id: 1})
    (option,) = [row for row in await api.rows(Subscription) if row.option_id == ram.id]
    async with Db(api.database) as db, db.write() as write:
        row = await write.lock_one(select_rows(Subscription).where(table(Subscription).c.id == option.id))
        assert row is not None
        row.renew_itself(write.record, False)
    await move(api, "2027-06-01T00:00:00Z")
    (ended,) = [row for row in await api.rows(Subscription) if row.option_id == ram.id]
    assert ended.status is SubscriptionStatus.ENDED
    assert set((await states(api)).values()) == {"ACTIVE"}
    assert await asked(api) == []


async def test_a_server_that_lapsed_is_renamed_and_given_up_with_its_accounts(api: Api) -> None:
    """ACC-5, PER-5."""
    token = await api.token(OWNER)
    await a_month(api)
    await move(api, "2027-02-23T00:00:00Z")
    assert (await renamed(api, token, "anvil"))["userErrors"] == []
    assert (await deleted(api, token, confirmation="anvil"))["userErrors"] == []
    await answer(api)
    assert await api.rows(Server) == []
    assert {row.state for row in await api.rows(ProvisioningTask)} <= {TaskState.DONE, TaskState.SUPERSEDED}
