"""ACC-7. Moving an account between the public cloud and a server: what goes back, what it costs, what is in the way."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from models.account import Account, AccountStatus
from models.activity import ActivityEvent
from models.clock import FrozenClock
from models.column import new_id, table
from models.db import Db
from models.infrastructure import Usage
from models.permission import OverallPermission
from models.provisioning import Operation, Outcome, ProvisioningTask
from models.server import Server
from models.service import ServiceScope
from models.subscription import Subscription, SubscriptionStatus
from resolvers import account_move as acts
from resolvers.audit import verify
from schema.global_id import global_id, key_of
from tests.api import OWNER, STAFF, Api
from tests.cycle import alone, balance, documents, move, movements, open_account, pay
from tests.database import START
from tests.granting import a_grant
from tests.hosting import FORGE_ID
from tests.mails import Box, sent
from tests.opening import ERROR, on_server, opened, plan_id, wanted
from tests.support import support
from tests.test_access import credential, staff
from tests.test_provisioning import report

QUOTE = f"""query($input: AccountMoveTarget!) {{ accountMoveQuote(input: $input) {{ token invoicedOn dueOn
  refund {{ amount }} balanceAfter {{ amount }} charge {{ net {{ amount }} gross {{ amount }} }}
  blockers {{ {ERROR} }} }} }}"""
MOVE = f"""mutation($input: AccountMoveInput!) {{ done: accountMove(input: $input) {{
  changed userErrors {{ {ERROR} }} }} }}"""
WHY = "You asked us to."
FORGE = key_of(FORGE_ID, "Server")


@pytest.fixture(autouse=True)
def january(clock: FrozenClock) -> None:
    """Before the first day of the examples."""
    clock.move(datetime(2026, 1, 20, 9, tzinfo=UTC) - START)


@pytest.fixture(autouse=True)
def two_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    in_use(monkeypatch, 2)


def in_use(monkeypatch: pytest.MonkeyPatch, gigabytes: int) -> None:
    """Have the machines tell that so much is in use."""

    async def told(_: Any, accounts: Sequence[Any]) -> list[Usage]:
        return [Usage(Decimal(gigabytes * 10**9), Decimal(50 * 10**9), START) for _ in accounts]

    monkeypatch.setattr(acts, "usage", told)


def to_forge(key: str) -> dict[str, Any]:
    return {"accountId": key, "serverId": FORGE_ID}


async def to_plan(api: Api, key: str, code: str, period: str = "MONTHLY") -> dict[str, Any]:
    return {"accountId": key, "planId": await plan_id(api, code), "period": period}


async def quoted(api: Api, target: dict[str, Any]) -> Any:
    secret = await credential(api, ServiceScope.SUPPORT, name=f"desk{new_id().hex}")
    return (await staff(api, secret, QUOTE, {"input": target})).data["accountMoveQuote"]


async def moved(api: Api, target: dict[str, Any], token: str | None = None) -> Any:
    """Move it as it is quoted now, or by `token`."""
    token = token or (await quoted(api, target))["token"] or "none"
    return await support(api, MOVE, **target, quoteToken=token, reason=WHY)


async def in_the_way(api: Api, target: dict[str, Any]) -> list[tuple[str, str]]:
    """The codes that the quote tells; the command answers the first of them, and changes nothing."""
    quote = await quoted(api, target)
    assert quote["token"] is None
    before = await api.rows(Account)
    payload = await moved(api, target)
    assert payload["userErrors"][0] == quote["blockers"][0]
    assert await api.rows(Account) == before
    return [(each["code"], (each["field"] or [""])[-1]) for each in quote["blockers"]]


async def settle(api: Api, outcome: Outcome = Outcome.DONE) -> None:
    """The machines answer the last move."""
    tasks = [row for row in await api.rows(ProvisioningTask) if row.operation is Operation.MOVE]
    assert await report(api, max(tasks, key=lambda row: row.id).id, outcome)


async def placed(api: Api, name: str) -> Account:
    (row,) = [row for row in await api.rows(Account) if row.name == name]
    found: Account = row
    return found


async def on_forge(api: Api, name: str = "shop") -> str:
    """An account on the server, set up; answers its id."""
    token = await api.token(OWNER)
    payload = await opened(api, token, await wanted(api, token, on_server(name, FORGE_ID)))
    assert payload["userErrors"] == []
    await move(api, "2026-02-01T09:00:00Z")
    async with Db(api.database) as db:
        await db.note(update(table(Account)).where(table(Account).c.name == name).values(status=AccountStatus.ACTIVE))
    return global_id("Account", (await placed(api, name)).id)


async def test_what_is_left_of_the_plan_goes_back_and_the_server_is_paid_for(api: Api) -> None:
    """22 x 13/30 = 9.53, VAT 1.91: +11.44, and nothing is charged any more."""
    await alone(api)
    await move(api, "2026-11-05T09:00:00Z")
    key = await open_account(api, "shop", "medium")
    await move(api, "2026-11-22T09:00:00Z")
    quote = await quoted(api, to_forge(key))
    assert (quote["refund"]["amount"], quote["charge"]["gross"]["amount"]) == ("11.44", "0.00")
    assert (quote["balanceAfter"]["amount"], quote["blockers"]) == ("-14.96", [])
    assert (await moved(api, to_forge(key), quote["token"]))["userErrors"] == []
    account = await placed(api, "shop")
    assert (account.server_id, account.plan_id, account.status) == (FORGE, None, AccountStatus.ACTIVE)
    assert await balance(api) == "-14.96"
    assert (await documents(api))[-1] == ("CREDIT_NOTE", "2026-11-22", 953, 191)
    (ended,) = [row for row in await api.rows(Subscription) if row.account_id == account.id]
    assert (ended.status, ended.renews) == (SubscriptionStatus.ENDED, False)
    task = max(await api.rows(ProvisioningTask), key=lambda row: row.id)
    assert (task.operation, task.server_id, task.name) == (Operation.MOVE, FORGE, "shop")
    await settle(api)
    await move(api, "2027-01-10T09:00:00Z")
    assert (await movements(api))[-1] == ("PRORATA_REFUND", 1_144)
    await verify(api.database)


async def test_the_plan_begins_that_day_and_is_invoiced_the_next(api: Api) -> None:
    await alone(api)
    key = await on_forge(api)
    quote = await quoted(api, await to_plan(api, key, "medium"))
    assert (quote["refund"]["amount"], quote["charge"]["net"]["amount"]) == ("0.00", "22.00")
    assert (quote["invoicedOn"], quote["dueOn"]) == ("2026-02-02", "2026-03-04")
    assert (await moved(api, await to_plan(api, key, "medium"), quote["token"]))["userErrors"] == []
    account = await placed(api, "shop")
    assert (account.server_id, account.status) == (None, AccountStatus.ACTIVE)
    assert await balance(api) == "0.00"
    await settle(api)
    await move(api, "2026-02-03T09:00:00Z")
    assert (await documents(api))[-1] == ("INVOICE", "2026-02-02", 2_200, 440)
    assert await balance(api) == quote["balanceAfter"]["amount"] == "-26.40"
    await verify(api.database)


async def test_there_and_back_on_one_day_charges_nothing_twice(api: Api) -> None:
    """What was not invoiced yet is dropped; what comes back is a new period."""
    await alone(api)
    await pay(api, 10_000)
    key = await open_account(api, "shop", "medium")
    assert (await quoted(api, to_forge(key)))["refund"]["amount"] == "0.00"
    assert (await moved(api, to_forge(key)))["userErrors"] == []
    await settle(api)
    assert (await moved(api, await to_plan(api, key, "medium")))["userErrors"] == []
    await settle(api)
    await move(api, "2026-01-22T09:00:00Z")
    assert [row[0] for row in await documents(api)] == ["INVOICE"]
    assert await balance(api) == "73.60"


async def test_the_customer_is_told_and_keeps_using_it(api: Api) -> None:
    await alone(api)
    key = await open_account(api, "shop", "medium")
    await moved(api, to_forge(key))
    await settle(api)
    kinds = [row.kind for row in await api.rows(ActivityEvent) if row.kind.startswith("account.mov")]
    assert kinds == ["account.moving_asked", "account.moved"]
    (asked,) = [row for row in await api.rows(ActivityEvent) if row.kind == "account.moving_asked"]
    assert (asked.facts["to"], asked.facts["name"]) == ({"en": "forge", "fr": "forge"}, "shop")
    assert asked.facts["reason"] == WHY
    box = Box()
    await sent(api.database, box)
    (mail,) = [mail for mail in box.messages if "déplacement" in mail["Subject"]]
    body = mail.get_body(("plain",))
    assert body is not None
    assert "shop" in mail["Subject"]
    assert "forge" in body.get_content()
    assert WHY in body.get_content()


async def test_what_the_machines_could_not_do_is_asked_for_again_without_money(api: Api) -> None:
    await alone(api)
    await move(api, "2026-11-05T09:00:00Z")
    key = await open_account(api, "shop", "medium")
    await move(api, "2026-11-22T09:00:00Z")
    await moved(api, to_forge(key))
    assert await in_the_way(api, to_forge(key)) == [("CONFLICT", ""), ("CONFLICT", "serverId")]
    await settle(api, Outcome.FAILED)
    before = await movements(api)
    quote = await quoted(api, to_forge(key))
    assert (quote["refund"]["amount"], quote["charge"]["gross"]["amount"], quote["blockers"]) == ("0.00", "0.00", [])
    assert (await moved(api, to_forge(key)))["userErrors"] == []
    await settle(api)
    assert await movements(api) == before
    assert await in_the_way(api, to_forge(key)) == [("CONFLICT", "serverId")]


async def test_what_stands_in_the_way(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await alone(api)
    key = await open_account(api, "shop", "medium")
    assert await in_the_way(api, await to_plan(api, key, "large")) == [("CONFLICT", "planId")]
    of_other = global_id("Server", new_id())
    assert await in_the_way(api, {"accountId": key, "serverId": of_other}) == [("NOT_FOUND", "serverId")]
    await offered(api, Server, FORGE)
    assert await in_the_way(api, to_forge(key)) == [("CONFLICT", "")]
    await offered(api, Server, FORGE, None)
    await offered(api, Account, (await placed(api, "shop")).id)
    assert await in_the_way(api, to_forge(key)) == [("CONFLICT", "")]
    await offered(api, Account, (await placed(api, "shop")).id, None)
    await moved(api, to_forge(key))
    await settle(api)
    in_use(monkeypatch, 60)
    assert await in_the_way(api, await to_plan(api, key, "small")) == [("PLAN_TOO_SMALL", "planId")]
    assert await in_the_way(api, {"accountId": key, "planId": global_id("Plan", new_id()), "period": "YEARLY"}) == [
        ("NOT_FOUND", "planId")
    ]


async def offered(api: Api, model: Any, key: Any, transfer_id: Any = START) -> None:
    """As if it waited for somebody's answer."""
    waiting = new_id() if transfer_id is START else None
    async with Db(api.database) as db:
        await db.note(update(table(model)).where(table(model).c.id == key).values(transfer_id=waiting))


@pytest.mark.parametrize("target", [{}, {"serverId": FORGE_ID, "period": "YEARLY"}, {"period": "YEARLY"}])
async def test_one_place_is_named(api: Api, target: dict[str, Any]) -> None:
    key = await open_account(api, "shop", "medium")
    secret = await credential(api, ServiceScope.SUPPORT)
    asked = await staff(api, secret, QUOTE, {"input": {"accountId": key, **target}})
    assert (asked.status, asked.codes) == (200, ["BAD_USER_INPUT"])
    payload = await moved_blindly(api, {"accountId": key, **target})
    assert [error["code"] for error in payload["userErrors"]] == ["INVALID"]


async def test_what_is_not_there_has_no_quote(api: Api) -> None:
    for key in (global_id("Account", new_id()), global_id("Server", new_id()), "nothing"):
        assert await quoted(api, to_forge(key)) is None
        assert (await moved_blindly(api, to_forge(key)))["userErrors"][0]["code"] == "NOT_FOUND"


async def moved_blindly(api: Api, target: dict[str, Any], token: str = "none") -> Any:
    return await support(api, MOVE, **target, quoteToken=token, reason=WHY)


async def test_a_quote_of_another_day_or_place_does_not_count(api: Api) -> None:
    await alone(api)
    await move(api, "2026-11-05T09:00:00Z")
    key = await open_account(api, "shop", "medium")
    await move(api, "2026-11-22T09:00:00Z")
    token = (await quoted(api, to_forge(key)))["token"]
    other = await open_account(api, "other", "medium")
    assert (await moved_blindly(api, to_forge(other), token))["userErrors"][0]["code"] == "CONFLICT"
    await move(api, "2026-11-23T09:00:00Z")
    assert (await moved_blindly(api, to_forge(key), token))["userErrors"][0]["field"] == ["input", "quoteToken"]
    assert (await placed(api, "shop")).server_id is None


async def test_nobody_of_the_team_moves_for_themselves_or_for_whom_they_act(api: Api) -> None:
    await alone(api)
    key = await open_account(api, "shop", "medium")
    await a_grant(api, STAFF, OverallPermission.BILLING)
    target = to_forge(key)
    token = (await quoted(api, target))["token"]
    person = await api.two_factor(STAFF)
    given = {"input": {**target, "quoteToken": token, "reason": WHY}}
    payload = (await staff(api, person, MOVE, given)).data["done"]
    assert [error["code"] for error in payload["userErrors"]] == ["INVALID"]
    assert (await placed(api, "shop")).server_id is None
