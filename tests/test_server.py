"""Servers: found by name, renamed at once, and given up with the accounts on them."""

from typing import Any

import pytest
from sqlalchemy import update

from app.demo_hosting import ACCOUNT_KEYS, FORGE
from models.account import Account, AccountStatus
from models.column import table
from models.db import Db
from models.delivery import Delivery, DeliveryKind
from models.permission import ServerPermission
from models.provisioning import Outcome, ProvisioningTask
from models.server import Server, ServerStatus
from schema.global_id import global_id
from tests.api import DELEGATE, FREE, OWNER, Api
from tests.granting import a_grant, a_server
from tests.hosting import FORGE_ID, account, answer

RENAME = """mutation Rename($id: ID!, $name: String!) {
  serverRename(input: { serverId: $id, name: $name }) { server { name } userErrors { __typename code field } } }"""
DELETE = """mutation Delete($id: ID!, $confirmation: String!) {
  serverDelete(input: { serverId: $id, confirmation: $confirmation }) { deletedId userErrors { code field } } }"""
SHOW = """{ server(name: "forge") { id name owner { email } plan { code kind }
  configuration { cpu disks memoryMegabytes trafficGigabytes options }
  deletionPreview { confirmation accounts { name } servers { name } blockers { code message } } } }"""


async def renamed(api: Api, token: str, name: str) -> Any:
    return (await api.ask(RENAME, {"id": FORGE_ID, "name": name}, token=token)).data["serverRename"]


async def deleted(api: Api, token: str, *, id: str = FORGE_ID, confirmation: str = "forge") -> Any:
    return (await api.ask(DELETE, {"id": id, "confirmation": confirmation}, token=token)).data["serverDelete"]


async def server(api: Api) -> Any:
    return next((row for row in await api.rows(Server) if row.id == FORGE), None)


async def test_a_server_tells_what_it_is_made_of_and_what_goes_with_it(api: Api) -> None:
    found = (await api.ask(SHOW, token=await api.token(OWNER))).data["server"]
    assert (found["id"], found["owner"]) == (FORGE_ID, {"email": OWNER.email})
    assert found["plan"] == {"code": "gold", "kind": "GOLD"}
    assert found["configuration"]["memoryMegabytes"] == 16_384
    assert found["configuration"]["options"] == ["Gold: a redundant pair"]
    assert found["deletionPreview"] == {
        "confirmation": "forge",
        "accounts": [{"name": "forge-api"}, {"name": "forge-web"}],
        "servers": [{"name": "forge"}],
        "blockers": [],
    }
    assert (await api.ask(SHOW, token=await api.token(FREE))).data["server"] is None


async def test_a_server_is_renamed_at_once_to_a_name_that_no_other_has(api: Api) -> None:
    token = await api.token(OWNER)
    assert await renamed(api, token, "anvil") == {"server": {"name": "anvil"}, "userErrors": []}
    assert (await server(api)).name == "anvil"
    await a_server(api, "taken", owner=FREE)
    for name, code, kind in (
        ("taken", "TAKEN", "ConflictError"),
        ("anvil", "INVALID", "GenericError"),
        ("An vil", "INVALID", "GenericError"),
    ):
        refused = await renamed(api, token, name)
        assert refused["userErrors"] == [{"__typename": kind, "code": code, "field": ["input", "name"]}]
    assert (await server(api)).name == "anvil"
    assert await api.rows(ProvisioningTask) == []


async def test_only_the_owner_renames_or_gives_up(api: Api) -> None:
    await a_grant(api, FREE, servers={FORGE: list(ServerPermission)})
    for document in (RENAME.replace("$name: String!", '$name: String = "anvil"'), DELETE):
        variables = {"id": FORGE_ID, "confirmation": "forge"} if document == DELETE else {"id": FORGE_ID}
        for person in (FREE, DELEGATE):
            assert (await api.ask(document, variables, token=await api.token(person))).codes == ["FORBIDDEN"]
    created = await api.api_token(OWNER)
    assert (await api.ask(DELETE, {"id": FORGE_ID, "confirmation": "forge"}, token=created.secret)).codes == [
        "FORBIDDEN"
    ]
    assert (await server(api)).status is ServerStatus.ACTIVE


async def test_a_server_goes_with_the_last_account_on_it(api: Api) -> None:
    token = await api.token(OWNER)
    wrong = await deleted(api, token, confirmation="Forge")
    assert wrong["userErrors"] == [{"code": "CONFIRMATION_MISMATCH", "field": ["input", "confirmation"]}]
    assert await deleted(api, token) == {"deletedId": FORGE_ID, "userErrors": []}
    assert (await server(api)).status is ServerStatus.DELETING
    assert {(await account(api, name)).status for name in ("forge-api", "forge-web")} == {AccountStatus.DELETING}
    assert [each["code"] for each in (await deleted(api, token))["userErrors"]] == ["CONFLICT"]
    assert [each["code"] for each in (await renamed(api, token, "anvil"))["userErrors"]] == ["CONFLICT"]
    mails = [row.template for row in await api.rows(Delivery) if row.kind is DeliveryKind.MAIL]
    assert mails.count("server_deletion") == 1
    assert "account_deletion" not in mails
    await answer(api)
    assert await server(api) is None
    assert sorted(row.name for row in await api.rows(Account)) == ["atelier", "boutique", "hobby"]


async def test_a_server_stays_while_one_of_its_accounts_does(api: Api) -> None:
    await deleted(api, await api.token(OWNER))
    await answer(api, Outcome.FAILED)
    assert (await server(api)).status is ServerStatus.DELETING
    assert (await account(api, "forge-api")).status is AccountStatus.DELETING


@pytest.mark.parametrize("status", [AccountStatus.RENAMING, AccountStatus.CREATING])
async def test_a_server_waits_for_what_is_under_way_on_it(api: Api, status: AccountStatus) -> None:
    token = await api.token(OWNER)
    async with Db(api.database) as db:
        await db.note(
            update(table(Account)).where(table(Account).c.id == ACCOUNT_KEYS["forge-api"]).values(status=status)
        )
    blockers = (await api.ask(SHOW, token=token)).data["server"]["deletionPreview"]["blockers"]
    assert [each["code"] for each in blockers] == ["CONFLICT"]
    assert [each["code"] for each in (await deleted(api, token))["userErrors"]] == ["CONFLICT"]
    assert (await server(api)).status is ServerStatus.ACTIVE


async def test_an_empty_server_goes_at_once_with_the_grants_on_it(api: Api) -> None:
    key = await a_server(api, "anvil")
    await a_grant(api, FREE, servers={key: [ServerPermission.SSL]})
    told = await deleted(api, await api.token(OWNER), id=global_id("Server", key), confirmation="anvil")
    assert told["userErrors"] == []
    assert [row.name for row in await api.rows(Server)] == ["forge"]
    assert (await api.ask("{ viewer { grantsReceived { totalCount } } }", token=await api.token(FREE))).data == {
        "viewer": {"grantsReceived": {"totalCount": 0}}
    }
