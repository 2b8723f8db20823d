"""PER-13. What `viewerCan` says is what the mutation then answers: whoever asks, in whatever state."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from app.demo_hosting import ACCOUNT_KEYS, FORGE
from models.account import Account, AccountAction, AccountStatus
from models.column import table
from models.db import Db
from models.permission import OverallPermission
from models.plan import Plan
from models.profile import Profile
from models.server import Server, ServerAction, ServerStatus
from tests.api import DELEGATE, OWNER, TECH, Api
from tests.cycle import CHANGE, change_quote
from tests.granting import a_grant
from tests.hosting import ATELIER, FORGE_ID
from tests.opening import plan_id
from tests.test_account import DELETE, RENAME
from tests.test_server import DELETE as SERVER_DELETE
from tests.test_server import RENAME as SERVER_RENAME
from tests.tickets import OPEN, asked
from tests.transferring import NOW, START, sender_quote

GRANT = """mutation Grant($id: ID!) { permissionGrantSave(input: {
  email: "staff@example.org", accounts: [{ accountId: $id, permissions: [SSH] }] }) { userErrors { code } } }"""
CAN = """query Can($id: ID!, $action: AccountAction!) { node(id: $id) { ... on Account {
  viewerActions viewerCan(action: $action) { allowed reason message remedy missing } } } }"""
SERVER_CAN = """query Can($id: ID!, $action: ServerAction!) { node(id: $id) { ... on Server {
  viewerCan(action: $action) { allowed reason message remedy missing } } } }"""
Try = tuple[str, dict[str, Any]]
"""A mutation, and its variables."""
TRIES: dict[AccountAction, Try] = {
    AccountAction.RENAME: (RENAME, {"id": ATELIER, "name": "workshop", "confirmation": "atelier"}),
    AccountAction.DELETE: (DELETE, {"id": ATELIER, "confirmation": "atelier"}),
    AccountAction.GRANT: (GRANT, {"id": ATELIER}),
}
SERVER_TRIES = {
    ServerAction.RENAME: (SERVER_RENAME, {"id": FORGE_ID, "name": "anvil"}),
    ServerAction.DELETE: (SERVER_DELETE, {"id": FORGE_ID, "confirmation": "forge"}),
}
CALLERS = ["owner", "suspended", "token", "read only", "delegate", "tech"]


async def caller(api: Api, who: str) -> str:
    if who == "suspended":
        async with Db(api.database) as db:
            suspended = update(table(Profile)).where(table(Profile).c.id == OWNER.key)
            await db.note(suspended.values(suspended_at=api.database.clock.now()))
    if who in ("token", "read only"):
        return (await api.api_token(OWNER, read_only=who == "read only")).secret
    if who == "tech":
        await a_grant(api, TECH, OverallPermission.TECHNICAL_SERVER, OverallPermission.TECHNICAL_ACCOUNT)
    return await api.token({"delegate": DELEGATE, "tech": TECH}.get(who, OWNER))


async def tries(api: Api, action: AccountAction, who: str) -> Try:
    """A mutation that does it, with what it takes now."""
    if action is AccountAction.TRANSFER:
        token = (await sender_quote(api, ATELIER))["token"] or "-"
        keys = {"quoteToken": token, "idempotencyKey": str(uuid4())}
        return START, {"input": {"itemId": ATELIER, "recipientEmail": TECH.email, "mode": NOW} | keys}
    if action is AccountAction.OPEN_TICKET:
        about = "BILLING" if who == "delegate" else "TECHNICAL"
        return OPEN, {"input": asked(category=about, accountId=ATELIER)}
    if action is not AccountAction.CHANGE_PLAN:
        return TRIES[action]
    quoted = await change_quote(api, ATELIER, "large", "YEARLY")
    wanted = {"accountId": ATELIER, "planId": await plan_id(api, "large"), "period": "YEARLY"}
    keys = {"quoteToken": quoted["token"] or "-", "idempotencyKey": str(uuid4())}
    return CHANGE, {"input": wanted | keys}


def outcome(body: dict[str, Any]) -> str | None:
    """Why a mutation was refused, in the words of `viewerCan`."""
    if body.get("errors"):
        extensions = body["errors"][0]["extensions"]
        return str(extensions["reason"])
    ((answer,),) = [list(body["data"].values())]
    codes = [error["code"] for error in answer["userErrors"]]
    if codes in (["CONFLICT"], ["TRANSFER_PENDING"]):
        return "STATE"
    return {(): None, ("PROFILE_SUSPENDED",): "PROFILE_SUSPENDED"}[tuple(codes)]


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("action", AccountAction)
async def test_an_account_answers_as_it_said(api: Api, who: str, action: AccountAction) -> None:
    token = await caller(api, who)
    document, variables = await tries(api, action, who)
    told = (await api.ask(CAN, {"id": ATELIER, "action": action.value}, token=token)).data["node"]
    assert (action.value in told["viewerActions"]) == told["viewerCan"]["allowed"]
    assert (await api.ask(document, variables, token=token)).body
    _check(told["viewerCan"])


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("status", AccountStatus)
async def test_an_account_refuses_what_it_said_it_would(api: Api, who: str, status: AccountStatus) -> None:
    token, accounts = await caller(api, who), table(Account)
    if who == "delegate":
        await a_grant(api, DELEGATE, OverallPermission.BILLING)
    for action in AccountAction:
        async with Db(api.database) as db:
            await db.note(
                update(accounts).where(accounts.c.id == ACCOUNT_KEYS["atelier"]).values(status=status, name="atelier")
            )
        document, variables = await tries(api, action, who)
        told = (await api.ask(CAN, {"id": ATELIER, "action": action.value}, token=token)).data["node"]["viewerCan"]
        tried = await api.ask(document, variables, token=token)
        if action is AccountAction.GRANT and who in ("delegate", "tech"):
            assert told["reason"] == "OWNER_ONLY"
            continue  # It is not theirs to name: NOT_FOUND, as for any account of others.
        assert (told["allowed"], told["reason"]) == (outcome(tried.body) is None, outcome(tried.body))


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("status", ServerStatus)
async def test_a_server_answers_as_it_said(api: Api, who: str, status: ServerStatus) -> None:
    token, servers = await caller(api, who), table(Server)
    for action, (document, variables) in SERVER_TRIES.items():
        async with Db(api.database) as db:
            await db.note(update(servers).where(servers.c.id == FORGE).values(status=status, name="forge"))
        told = (await api.ask(SERVER_CAN, {"id": FORGE_ID, "action": action.value}, token=token)).data["node"]
        tried = await api.ask(document, variables, token=token)
        assert told["viewerCan"]["reason"] == outcome(tried.body)
        _check(told["viewerCan"])


async def test_opening_an_account_on_a_server_asks_its_owner_for_account_management(api: Api) -> None:
    asked = {"id": FORGE_ID, "action": "OPEN_ACCOUNT"}
    told = (await api.ask(SERVER_CAN, asked, token=await api.token(DELEGATE), accept_language="fr")).data["node"]
    assert (told["viewerCan"]["reason"], told["viewerCan"]["missing"]) == ("PERMISSION_MISSING", "ACCOUNT_MANAGEMENT")
    assert told["viewerCan"]["remedy"] == "Demandez la permission ACCOUNT_MANAGEMENT au propriétaire."
    await a_grant(api, DELEGATE, OverallPermission.ACCOUNT_MANAGEMENT)
    told = (await api.ask(SERVER_CAN, asked, token=await api.token(DELEGATE))).data["node"]
    assert told["viewerCan"]["allowed"] is True


async def test_an_urgent_ticket_is_about_a_server_in_use_whose_offer_has_them(api: Api) -> None:
    """TIC-4. Its owner, and whoever cares for the machine; not who pays."""
    asked_for = {"id": FORGE_ID, "action": "OPEN_URGENT_TICKET"}

    async def can(person: Any) -> tuple[bool, str | None]:
        told = (await api.ask(SERVER_CAN, asked_for, token=await api.token(person))).data["node"]["viewerCan"]
        _check(told)
        return told["allowed"], told["reason"]

    assert await can(OWNER) == (True, None)
    await a_grant(api, DELEGATE, OverallPermission.BILLING)
    assert await can(DELEGATE) == (False, "PERMISSION_MISSING")
    await a_grant(api, TECH, OverallPermission.TECHNICAL_SERVER)
    assert await can(TECH) == (True, None)
    plans, servers = table(Plan), table(Server)
    async with Db(api.database) as db:
        await db.note(update(servers).where(servers.c.id == FORGE).values(status=ServerStatus.SUSPENDED))
    assert await can(OWNER) == (False, "STATE")
    async with Db(api.database) as db:
        await db.note(update(servers).where(servers.c.id == FORGE).values(status=ServerStatus.ACTIVE))
        await db.note(update(plans).values(urgent_tickets=False))
    assert await can(TECH) == (False, "STATE")


def _check(decision: dict[str, Any]) -> None:
    """Whoever is refused is told why, and what would help."""
    if decision["allowed"]:
        assert set(decision.values()) == {True, None}
    else:
        assert decision["reason"]
        assert decision["message"]
        assert decision["remedy"] or decision["reason"] == "STATE"
