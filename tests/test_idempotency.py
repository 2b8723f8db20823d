"""BIL-15. One key is one intent: it is carried out once, and answered the same each time."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from app.settings import Settings
from app.worker import work_once
from models.account import Account
from models.activity import ActivityEvent
from models.clock import FrozenClock
from models.column import new_id, table
from models.conflict import Busy
from models.db import Db, Write
from models.idempotency import Intent, KeptIntent, KeyReused, input_digest, results_of
from models.permission import OverallPermission
from models.subscription import Subscription
from schema.opening import AccountOpenPayload
from tests.api import DELEGATE, OWNER, Api
from tests.granting import a_grant
from tests.hosting import FORGE_ID
from tests.opening import OPEN, codes, on_plan, on_server, opened, wanted

A_KEY = "01900000-0000-4000-8000-0000000000aa"
KEY = "a key of thirty-two characters..."


async def an_input(api: Api, token: str, name: str = "shop", **values: Any) -> dict[str, Any]:
    return await wanted(api, token, await on_plan(api, name, "small"), **values)


async def shops(api: Api) -> list[Any]:
    return [row for row in await api.rows(Account) if row.name.startswith("shop")]


# Rules


def test_an_intent_is_answered_with_what_came_of_it_and_another_is_not() -> None:
    key, values = new_id(), {"name": "shop"}
    kept = input_digest(KEY, "accountOpen", values)
    intent = Intent(new_id(), new_id(), "accountOpen", kept)
    given = {"operation": "accountOpen", "input_digest": kept, "results": {"account": str(key)}}
    assert results_of(intent, **given) == {"account": key}  # type: ignore[arg-type]
    for other in ({"operation": "accountRename"}, {"input_digest": input_digest(KEY, "accountOpen", {"name": "x"})}):
        with pytest.raises(KeyReused):
            results_of(intent, **{**given, **other})  # type: ignore[arg-type]


def test_a_digest_needs_the_key_of_the_service() -> None:
    values = {"password": "secret"}
    assert input_digest(KEY, "a", values) == input_digest(KEY, "a", dict(values))
    others = [(KEY + ".", "a", values), (KEY, "b", values), (KEY, "a", {})]
    assert input_digest(KEY, "a", values) not in [input_digest(*other) for other in others]
    assert input_digest(KEY, "a", values) not in repr(Intent(new_id(), new_id(), "a", input_digest(KEY, "a", values)))


# Over the API


async def test_a_retry_is_answered_the_same_and_does_nothing(api: Api) -> None:
    token = await api.token(OWNER)
    given = await an_input(api, token)
    first = await opened(api, token, given)
    facts = len(await api.rows(ActivityEvent))
    for _ in range(3):
        assert await opened(api, token, given) == first
    assert first["account"]
    assert (len(await shops(api)), len(await api.rows(ActivityEvent))) == (1, facts)
    (kept,) = await api.rows(KeptIntent)
    assert (kept.profile_id, kept.operation) == (OWNER.key, "accountOpen")


async def test_a_retry_needs_no_fresh_quote(api: Api, clock: FrozenClock) -> None:
    token = await api.token(OWNER)
    given = await an_input(api, token)
    first = await opened(api, token, given)
    clock.move(timedelta(minutes=29))
    assert (await opened(api, token, given))["account"] == first["account"]
    clock.move(timedelta(hours=23))
    again = await opened(api, await api.token(OWNER), given)
    assert again["account"] == first["account"]


async def test_a_retry_is_answered_as_things_are_now(api: Api) -> None:
    token = await api.token(OWNER)
    given = await an_input(api, token)
    await opened(api, token, given)
    async with Db(api.database) as db:
        await db.note(update(table(Account)).where(table(Account).c.name == "shop").values(name="shop-renamed"))
    assert (await opened(api, token, given))["account"]["name"] == "shop-renamed"


@pytest.mark.parametrize(
    "change",
    [
        {"servicePassword": "quilt vinegar ladder marmot"},
        {"quoteToken": "x"},
        {"account": on_server("shop", FORGE_ID)},
    ],
)
async def test_the_same_key_with_other_values_is_refused(api: Api, change: Any) -> None:
    token = await api.token(OWNER)
    given = await an_input(api, token)
    await opened(api, token, given)
    payload = await opened(api, token, {**given, **change})
    assert (codes(payload), payload["account"]) == (["IDEMPOTENCY_KEY_REUSED"], None)
    assert payload["userErrors"][0]["field"] == ["input", "idempotencyKey"]
    assert len(await shops(api)) == 1


async def test_a_refusal_is_not_kept_and_the_key_is_good_again(api: Api) -> None:
    token = await api.token(OWNER)
    given = await an_input(api, token)
    assert codes(await opened(api, token, {**given, "quoteToken": "x"})) == ["INVALID"]
    assert await api.rows(KeptIntent) == []
    assert (await opened(api, token, given))["account"]


async def test_keys_are_of_the_caller(api: Api) -> None:
    await a_grant(api, DELEGATE, OverallPermission.ACCOUNT_MANAGEMENT)
    owner, delegate = await api.token(OWNER), await api.token(DELEGATE)
    key = str(uuid4())
    assert (await opened(api, owner, await an_input(api, owner, "shop-1", idempotencyKey=key)))["account"]
    assert (await opened(api, delegate, await an_input(api, delegate, "shop-2", idempotencyKey=key)))["account"]
    assert len(await shops(api)) == 2


async def test_who_lost_the_right_is_not_answered(api: Api) -> None:
    await a_grant(api, DELEGATE, OverallPermission.ACCOUNT_MANAGEMENT)
    token = await api.token(DELEGATE)
    given = await an_input(api, token)
    assert (await opened(api, token, given))["account"]
    await a_grant(api, DELEGATE, OverallPermission.BILLING)
    assert (await api.ask(OPEN, {"input": given}, token=token)).codes == ["FORBIDDEN"]


async def test_two_mutations_of_one_request_are_two_intents(api: Api) -> None:
    token = await api.token(OWNER)
    first, second = await an_input(api, token, "shop-1"), await an_input(api, token, "shop-2")
    await opened(api, token, first)
    document = """mutation ($a: AccountOpenInput!, $b: AccountOpenInput!) {
      a: accountOpen(input: $a) { account { name } userErrors { code } }
      b: accountOpen(input: $b) { account { name } userErrors { code } } }"""
    answer = (await api.ask(document, {"a": first, "b": second}, token=token)).data
    assert [answer[name]["account"]["name"] for name in "ab"] == ["shop-1", "shop-2"]


@pytest.mark.parametrize("key", ["", "1", A_KEY[:-1], A_KEY.replace("-", ""), "{" + A_KEY + "}"])
async def test_a_key_is_a_uuid(api: Api, key: str) -> None:
    token = await api.token(OWNER)
    given = await an_input(api, token)
    answer = await api.ask(OPEN, {"input": {**given, "idempotencyKey": key}}, token=token)
    assert answer.status >= 400
    assert await shops(api) == []


# Crashes and crowds


async def test_a_crash_after_the_commit_is_mended_by_a_retry(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token = await api.token(OWNER)
    given = await an_input(api, token)

    def crash(**_results: Any) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(AccountOpenPayload, "of", crash)
        assert (await api.ask(OPEN, {"input": given}, token=token)).codes == ["INTERNAL"]
    assert len(await shops(api)) == 1
    payload = await opened(api, token, given)
    assert (payload["account"]["name"], payload["userErrors"]) == ("shop", [])
    assert len(await shops(api)) == 1
    assert len([row for row in await api.rows(Subscription) if row.created_at == api.database.clock.now()]) == 1


async def test_a_crash_before_the_commit_leaves_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token = await api.token(OWNER)
    given = await an_input(api, token)

    async def crash(*_: Any, **_results: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr("resolvers.opening.keep", crash)
        assert (await api.ask(OPEN, {"input": given}, token=token)).codes == ["INTERNAL"]
    assert (await shops(api), await api.rows(KeptIntent)) == ([], [])
    assert (await opened(api, token, given))["account"]


async def test_forty_calls_with_one_key_open_one_account(api: Api) -> None:
    tokens = [await api.token(OWNER) for _ in range(10)]
    given = await an_input(api, tokens[0])
    payloads = await asyncio.gather(*(opened(api, tokens[n % 10], given) for n in range(40)))
    answered = {payload["account"]["id"] for payload in payloads if payload["account"]}
    assert len(answered) == 1
    assert {code for payload in payloads for code in codes(payload)} <= {"IDEMPOTENCY_IN_PROGRESS"}
    assert (len(await shops(api)), len(await api.rows(KeptIntent))) == (1, 1)


async def test_who_waits_too_long_for_the_first_is_told_to_retry(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token = await api.token(OWNER)
    given = await an_input(api, token)
    rows = Write.rows

    async def busy(self: Write, statement: Any, *parameters: Any) -> Any:
        if "kept_intent" in str(statement) and str(statement).startswith("INSERT"):
            raise Busy
        return await rows(self, statement, *parameters)

    with monkeypatch.context() as patched:
        patched.setattr(Write, "rows", busy)
        (error,) = (await opened(api, token, given))["userErrors"]
    assert (error["__typename"], error["code"]) == ("ThrottleError", "IDEMPOTENCY_IN_PROGRESS")
    assert error["retryAt"] == "2026-11-22T09:00:02Z"
    assert (await opened(api, token, given))["account"]


# Forgotten


async def test_what_was_done_is_forgotten_after_a_day(api: Api, clock: FrozenClock, tmp_path: Path) -> None:
    settings = Settings(mail_folder=tmp_path)
    token = await api.token(OWNER)
    given = await an_input(api, token)
    await opened(api, token, given)
    clock.move(timedelta(hours=24))
    await work_once(api.database, settings)
    assert len(await api.rows(KeptIntent)) == 1
    clock.move(timedelta(seconds=1))
    await work_once(api.database, settings)
    assert await api.rows(KeptIntent) == []
    payload = await opened(api, await api.token(OWNER), given)
    assert codes(payload) == ["TAKEN"]
