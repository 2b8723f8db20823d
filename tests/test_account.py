"""Accounts: found by name, renamed and deleted, as their owner asks and provisioning answers."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from app.demo_hosting import ACCOUNT_KEYS
from models.account import ALLOWED, Account, AccountAction, AccountStatus, new_account, obstacle_to
from models.account_name import MalformedName, WrongLength
from models.activity import ActivityEvent, Author, Record
from models.column import table
from models.db import Db
from models.delivery import Delivery
from models.grant import AccountGrant, PermissionGrant
from models.held_name import HeldName, SameName, WrongConfirmation
from models.obstacle import Obstacle
from models.permission import AccountPermission
from models.provisioning import Operation, Outcome, ProvisioningTask
from models.setting import Figures
from models.token import ApiToken
from tests.api import DELEGATE, FREE, OWNER, TECH, Api
from tests.database import START
from tests.granting import a_grant, an_account
from tests.hosting import ATELIER, BOUTIQUE, HOBBY, account, answer

RENAME = """mutation Rename($id: ID!, $name: String!, $confirmation: String!) {
  accountRename(input: { accountId: $id, name: $name, confirmation: $confirmation }) {
    account { name status defaultHostname }
    userErrors { __typename code field message ... on ConflictError { existing { id } } } } }"""
DELETE = """mutation Delete($id: ID!, $confirmation: String!) {
  accountDelete(input: { accountId: $id, confirmation: $confirmation }) {
    deletedId userErrors { code field } } }"""
PREVIEW = """query Preview($id: ID!, $name: String!) {
  node(id: $id) { ... on Account { renamePreview(name: $name) { kind before after } } } }"""
FIGURES = Figures()


def record() -> Record:
    return Record(Author(), START, START)


def unsaved(**values: Any) -> Account:
    return Account(**{"owner_id": OWNER.key, "name": "atelier", "created_at": START, **values})


async def renamed(api: Api, token: str, name: str, *, id: str = ATELIER, confirmation: str = "atelier") -> Any:
    variables = {"id": id, "name": name, "confirmation": confirmation}
    return (await api.ask(RENAME, variables, token=token)).data["accountRename"]


async def names(api: Api, key: Any) -> set[str]:
    return {row.name for row in await api.rows(HeldName) if row.account_id == key}


# Rules


@pytest.mark.parametrize("status", AccountStatus)
def test_only_an_account_in_normal_use_is_renamed_and_nothing_under_way_is_deleted(status: AccountStatus) -> None:
    row = unsaved(status=status)
    acts: list[tuple[AccountAction, Callable[[], Any]]] = [
        (AccountAction.RENAME, lambda: row.rename(record(), "workshop", "atelier", FIGURES)),
        (AccountAction.DELETE, lambda: row.delete(record(), "atelier")),
    ]
    for action, act in acts:
        row.status = status
        if status in ALLOWED[action]:
            assert obstacle_to(action, status) is None
            act()
            assert row.status in (AccountStatus.RENAMING, AccountStatus.DELETING)
        else:
            with pytest.raises(Obstacle) as refused:
                act()
            assert type(refused.value) is type(obstacle_to(action, status))
            assert row.status is status


@pytest.mark.parametrize(
    ("name", "confirmation", "refusal"),
    [
        ("workshop", "Atelier", WrongConfirmation),
        ("workshop", "", WrongConfirmation),
        ("atelier", "atelier", SameName),
        ("Workshop", "atelier", MalformedName),
        ("w", "atelier", WrongLength),
    ],
)
def test_a_new_name_is_another_one_well_formed_and_confirmed(
    name: str, confirmation: str, refusal: type[Exception]
) -> None:
    row, said = unsaved(), record()
    with pytest.raises(refusal):
        row.rename(said, name, confirmation, FIGURES)
    assert (row.status, said.events) == (AccountStatus.ACTIVE, [])


def test_a_new_account_is_asked_for_and_its_password_is_forgotten_when_that_is_answered() -> None:
    said = record()
    made, held, asked = new_account(
        said, owner_id=OWNER.key, name="new", server_id=None, sealed_password="$hash$", figures=FIGURES
    )
    assert (made.status, held.name, held.account_id) == (AccountStatus.CREATING, "new", made.id)
    assert (asked.operation, asked.sealed_password) == (Operation.CREATE, "$hash$")
    assert said.events[0].facts == {"name": "new", "task_id": asked.id}
    assert "$hash$" not in repr(asked)
    asked.answer(said, Outcome.DONE, None)
    made.settle(said, asked, Outcome.DONE)
    assert (made.status, asked.sealed_password) == (AccountStatus.ACTIVE, None)


# Found


async def test_an_account_is_found_by_its_name_by_whoever_may_see_it(api: Api) -> None:
    document = (
        "query Find($name: String!) { account(name: $name) { id name location defaultHostname owner { email } } }"
    )
    found = (await api.ask(document, {"name": "atelier"}, token=await api.token(OWNER))).data["account"]
    assert found == {
        "id": ATELIER,
        "name": "atelier",
        "location": "PUBLIC_CLOUD",
        "defaultHostname": "atelier.espace.example",
        "owner": {"email": OWNER.email},
    }
    for person, name in ((FREE, "atelier"), (OWNER, "hobby"), (OWNER, "nobody"), (OWNER, "Atelier"), (OWNER, "é" * 99)):
        assert (await api.ask(document, {"name": name}, token=await api.token(person))).data["account"] is None
    assert (await api.ask(document, {"name": "atelier"}, token=await api.token(DELEGATE))).data["account"]["id"]
    assert (await api.ask(document, {"name": "atelier"})).codes == ["UNAUTHENTICATED"]


# Renamed


async def test_what_a_name_changes_is_told_before(api: Api) -> None:
    answer = await api.ask(PREVIEW, {"id": ATELIER, "name": "workshop"}, token=await api.token(OWNER))
    items = [tuple(item.values()) for item in answer.data["node"]["renamePreview"]]
    services = ["ftp", "imap", "mysql", "postgresql", "rabbitmq", "services", "smtp", "ssh", "webdav"]
    assert items == [
        *(("HOSTNAME", f"{each}-atelier.espace.example", f"{each}-workshop.espace.example") for each in services),
        ("SITE_ADDRESS", "https://atelier.espace.example", "https://workshop.espace.example"),
        ("MAILBOX", "atelier@espace.example", "workshop@espace.example"),
        ("HOME_DIRECTORY", f"{FIGURES.account_home}/atelier", f"{FIGURES.account_home}/workshop"),
        ("DATABASES", "atelier_*", "workshop_*"),
        ("CNAME", "atelier.espace.example", "workshop.espace.example"),
    ]


@pytest.mark.parametrize(
    ("name", "code"), [("Work", "INVALID"), ("atelier", "INVALID"), ("hobby", "TAKEN"), ("www", "TAKEN")]
)
async def test_a_preview_of_what_cannot_be_had_says_why(api: Api, name: str, code: str) -> None:
    told = await api.ask(PREVIEW, {"id": ATELIER, "name": name}, token=await api.token(OWNER), accept_language="fr")
    assert (told.codes, told.errors[0]["extensions"]["userErrorCode"]) == (["BAD_USER_INPUT"], code)
    assert told.body["data"]["node"] == {"renamePreview": None}
    assert (await api.ask(PREVIEW, {"id": ATELIER, "name": "x1"}, token=await api.token(DELEGATE))).codes == [
        "FORBIDDEN"
    ]


async def test_a_renamed_account_holds_both_names_until_it_is_done(api: Api) -> None:
    token, key = await api.token(OWNER), ACCOUNT_KEYS["atelier"]
    told = await renamed(api, token, "workshop")
    assert told == {
        "account": {"name": "atelier", "status": "RENAMING", "defaultHostname": "atelier.espace.example"},
        "userErrors": [],
    }
    assert await names(api, key) == {"atelier", "workshop"}
    for name in ("atelier", "workshop"):
        refused = await renamed(api, token, name, id=BOUTIQUE, confirmation="boutique")
        assert [(each["code"], each["__typename"]) for each in refused["userErrors"]] == [("TAKEN", "ConflictError")]
    again = await renamed(api, token, "other")
    assert [each["code"] for each in again["userErrors"]] == ["CONFLICT"]
    await answer(api)
    row = await account(api, "workshop")
    assert (row.id, row.status) == (key, AccountStatus.ACTIVE)
    assert await names(api, key) == {"workshop"}
    assert (await renamed(api, token, "atelier", id=BOUTIQUE, confirmation="boutique"))["userErrors"] == []
    told_of = [event for event in await api.rows(ActivityEvent) if event.kind == "account.renamed"]
    assert [event.changes for event in told_of] == [{"name": ["atelier", "workshop"]}]


async def test_a_renaming_that_fails_rolls_back_and_its_owner_is_told(api: Api) -> None:
    token = await api.token(OWNER)
    await renamed(api, token, "workshop")
    await answer(api, Outcome.FAILED, "DISK")
    row = await account(api, "atelier")
    assert (row.id, row.status) == (ACCOUNT_KEYS["atelier"], AccountStatus.ACTIVE)
    assert await names(api, row.id) == {"atelier"}
    assert "account_renaming_failed" in [mail.template for mail in await api.rows(Delivery)]
    assert (await renamed(api, token, "workshop"))["userErrors"] == []


@pytest.mark.parametrize(
    ("name", "confirmation", "code", "field"),
    [
        ("workshop", "boutique", "CONFIRMATION_MISMATCH", "confirmation"),
        ("atelier", "atelier", "INVALID", "name"),
        ("Work Shop", "atelier", "INVALID", "name"),
        ("boutique", "atelier", "TAKEN", "name"),
        ("postmaster", "atelier", "TAKEN", "name"),
    ],
)
async def test_a_renaming_that_is_refused_changes_nothing(
    api: Api, name: str, confirmation: str, code: str, field: str
) -> None:
    told = await renamed(api, await api.token(OWNER), name, confirmation=confirmation)
    assert [(each["code"], each["field"]) for each in told["userErrors"]] == [(code, ["input", field])]
    assert (await account(api, "atelier")).status is AccountStatus.ACTIVE
    assert await api.rows(ProvisioningTask) == []


async def test_of_two_who_want_one_name_at_once_one_gets_it(api: Api) -> None:
    token = await api.token(OWNER)
    both = await asyncio.gather(
        renamed(api, token, "workshop"), renamed(api, token, "workshop", id=BOUTIQUE, confirmation="boutique")
    )
    codes = sorted([each["code"] for each in told["userErrors"]] for told in both)
    assert codes == [[], ["TAKEN"]]
    assert len([row for row in await api.rows(HeldName) if row.name == "workshop"]) == 1


async def test_only_the_owner_renames(api: Api) -> None:
    variables = {"id": ATELIER, "name": "workshop", "confirmation": "atelier"}
    for token in (await api.token(DELEGATE), await api.two_factor(TECH)):
        assert (await api.ask(RENAME, variables, token=token)).codes == ["FORBIDDEN"]
    stranger = await api.ask(RENAME, {**variables, "id": HOBBY}, token=await api.token(OWNER))
    assert [each["code"] for each in stranger.data["accountRename"]["userErrors"]] == ["NOT_FOUND"]
    assert (await account(api, "atelier")).status is AccountStatus.ACTIVE


# Deleted


async def test_a_deleted_account_goes_with_all_that_was_on_it_when_that_is_done(api: Api) -> None:
    token, key = await api.token(OWNER), await an_account(api, "shop")
    await a_grant(api, FREE, accounts={key: [AccountPermission.SITES]})
    await api.api_token(OWNER, only_account_id=key)
    document = """{ account(name: "shop") { id status
      deletionPreview { confirmation accounts { name } servers { name } blockers { code } } } }"""
    shown = (await api.ask(document, token=token)).data["account"]
    assert shown["deletionPreview"] == {
        "confirmation": "shop",
        "accounts": [{"name": "shop"}],
        "servers": [],
        "blockers": [],
    }
    wrong = await api.ask(DELETE, {"id": shown["id"], "confirmation": "Shop"}, token=token)
    assert wrong.data["accountDelete"]["userErrors"] == [
        {"code": "CONFIRMATION_MISMATCH", "field": ["input", "confirmation"]}
    ]
    told = await api.ask(DELETE, {"id": shown["id"], "confirmation": "shop"}, token=token)
    assert told.data["accountDelete"] == {"deletedId": shown["id"], "userErrors": []}
    going = (await api.ask(document, token=token)).data["account"]
    assert (going["status"], going["deletionPreview"]["blockers"]) == ("DELETING", [{"code": "CONFLICT"}])
    await answer(api)
    assert (await api.ask(document, token=token)).data["account"] is None
    assert await account(api, "shop") is None
    for model, column in ((HeldName, "account_id"), (AccountGrant, "account_id"), (ApiToken, "only_account_id")):
        assert [row for row in await api.rows(model) if getattr(row, column) == key] == []
    assert [row for row in await api.rows(PermissionGrant) if row.grantee_id == FREE.key] == []
    kinds = [row.kind for row in await api.rows(ActivityEvent) if row.subject_id == key]
    assert {"account.deletion_asked", "account.deleted"} <= set(kinds)
    assert "account_deletion" in [row.template for row in await api.rows(Delivery)]


async def test_a_grant_that_gives_something_else_stays(api: Api) -> None:
    token = await api.token(OWNER)
    await api.ask(DELETE, {"id": ATELIER, "confirmation": "atelier"}, token=token)
    await answer(api)
    assert DELEGATE.key in [row.grantee_id for row in await api.rows(PermissionGrant)]


async def test_no_token_deletes_and_no_delegate(api: Api) -> None:
    created = await api.api_token(OWNER)
    for token in (created.secret, await api.token(DELEGATE)):
        assert (await api.ask(DELETE, {"id": ATELIER, "confirmation": "atelier"}, token=token)).codes == ["FORBIDDEN"]
    assert (await account(api, "atelier")).status is AccountStatus.ACTIVE


async def test_a_deletion_that_fails_is_not_undone(api: Api) -> None:
    await api.ask(DELETE, {"id": BOUTIQUE, "confirmation": "boutique"}, token=await api.token(OWNER))
    await answer(api, Outcome.FAILED)
    assert (await account(api, "boutique")).status is AccountStatus.DELETING


async def test_a_suspended_account_is_deleted_and_not_renamed(api: Api) -> None:
    token = await api.token(OWNER)
    async with Db(api.database) as db:
        suspended = update(table(Account)).where(table(Account).c.id == ACCOUNT_KEYS["boutique"])
        await db.note(suspended.values(status=AccountStatus.SUSPENDED))
    refused = await renamed(api, token, "shop", id=BOUTIQUE, confirmation="boutique")
    assert [each["code"] for each in refused["userErrors"]] == ["CONFLICT"]
    told = await api.ask(DELETE, {"id": BOUTIQUE, "confirmation": "boutique"}, token=token)
    assert told.data["accountDelete"]["userErrors"] == []
