"""EVT-4. The practice system's clock, moved through the API."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from engine.bind import Bound
from models.activity import ActivityEvent
from models.clock import FrozenClock
from models.db import Database
from models.sandbox import ClockOffset
from schema.global_id import global_id
from tests.api import DELEGATE, FREE, OWNER, Api, serving

NOW = "{ sandbox { id now } }"
MOVE = """mutation Move($to: DateTime!) { sandboxClockAdvance(input: {to: $to}) {
  sandbox { now } userErrors { code field message } query { sandbox { now } } } }"""
PRODUCTION: dict[str, Any] = {
    "mode": "production",
    "secret_key": "0123456789abcdef0123456789abcdef",
    "tls_only_cookies": True,
    "public_url": "https://espace.example",
    "bank_iban": "DE89370400440532013000",
    "password_memory_kib": 19_456,
    "password_passes": 2,
}


async def moved(api: Api, token: str, to: str) -> dict[str, Any]:
    payload: dict[str, Any] = (await api.ask(MOVE, {"to": to}, token=token)).data["sandboxClockAdvance"]
    return payload


async def now(api: Api, token: str) -> str:
    instant: str = (await api.ask(NOW, token=token)).data["sandbox"]["now"]
    return instant


def refused(payload: dict[str, Any]) -> bool:
    """Whether it was refused as such: the wanted instant is wrong, and nothing is shown."""
    assert payload["sandbox"] is None
    return [(error["code"], error["field"]) for error in payload["userErrors"]] == [("INVALID", ["input", "to"])]


async def state(api: Api) -> tuple[Any, Any]:
    return await api.rows(ClockOffset), len(await api.rows(ActivityEvent))


async def test_the_clock_starts_at_the_real_time_and_runs_with_it(api: Api, clock: FrozenClock) -> None:
    token = await api.token(OWNER)
    assert await now(api, token) == "2026-11-22T09:00:00Z"
    clock.move(timedelta(minutes=5))
    assert await now(api, token) == "2026-11-22T09:05:00Z"


async def test_the_clock_moves_forward_and_runs_on(api: Api, clock: FrozenClock) -> None:
    token = await api.token(OWNER)
    assert await moved(api, token, "2027-03-01T00:00:00Z") == {
        "sandbox": {"now": "2027-03-01T00:00:00Z"},
        "userErrors": [],
        "query": {"sandbox": {"now": "2027-03-01T00:00:00Z"}},
    }
    clock.move(timedelta(minutes=5))
    assert await now(api, token) == "2027-03-01T00:05:00Z"
    assert await now(api, await api.token(FREE)) == "2027-03-01T00:05:00Z"


async def test_the_clock_never_moves_backwards(api: Api, clock: FrozenClock) -> None:
    token = await api.token(OWNER)
    await moved(api, token, "2027-03-01T00:00:00Z")
    before = await state(api)
    for past in ("2027-02-28T23:59:59.999Z", "2026-11-22T09:00:00Z", "0001-01-01T00:00:00Z"):
        assert refused(await moved(api, token, past)), past
    assert await state(api) == before
    assert await now(api, token) == "2027-03-01T00:00:00Z"


async def test_one_call_moves_it_by_two_years_at_most_and_many_may_follow(api: Api) -> None:
    token = await api.token(OWNER)
    before = await state(api)
    for far in ("2028-11-22T09:00:01Z", "2030-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        assert refused(await moved(api, token, far)), far
    assert await state(api) == before
    for year in (2028, 2030, 2032):
        payload = await moved(api, token, f"{year}-11-22T09:00:00Z")
        assert payload["userErrors"] == []
        assert payload["sandbox"]["now"] == f"{year}-11-22T09:00:00Z"
    assert refused(await moved(api, token, "2034-11-23T09:00:00Z"))


async def test_two_who_move_it_at_once_do_not_move_it_back(api: Api) -> None:
    token = await api.token(OWNER)
    await asyncio.gather(*(moved(api, token, f"{year}-01-01T00:00:00Z") for year in (2027, 2028, 2027, 2028)))
    assert await now(api, token) == "2028-01-01T00:00:00Z"


async def test_what_is_no_instant_is_wrong_input(api: Api) -> None:
    token = await api.token(OWNER)
    before = await state(api)
    for wrong in ("2027-01-01", "2027-01-01T00:00:00", "2027-02-29T00:00:00Z", "tomorrow", "", 1_800_000_000, None):
        answer = await api.ask(MOVE, {"to": wrong}, token=token)
        assert (answer.status, set(answer.codes)) == (422, {"BAD_USER_INPUT"}), wrong
    assert await state(api) == before


async def test_a_move_is_in_the_history_of_who_moved(api: Api) -> None:
    token = await api.token(OWNER)
    await moved(api, token, "2027-03-01T00:00:00Z")
    document = """query History($filter: ActivityFilter) { viewer { activity(filter: $filter) { nodes {
      action actor { displayName } subject { __typename id } changes { name before after } } } } }"""
    given = {"filter": {"action": "sandbox."}}
    nodes = (await api.ask(document, given, token=token)).data["viewer"]["activity"]["nodes"]
    assert len(nodes) == 1
    assert nodes[0]["action"] == "sandbox.clock_advanced"
    assert nodes[0]["actor"] == {"displayName": "Atelier Exemple"}
    assert nodes[0]["subject"]["__typename"] == "Sandbox"
    (change,) = nodes[0]["changes"]
    assert change == {"name": "now", "before": "2026-11-22T09:00:00Z", "after": "2027-03-01T00:00:00Z"}
    other = await api.ask(document, given, token=await api.token(DELEGATE))
    assert other.data["viewer"]["activity"]["nodes"] == []


async def test_the_sandbox_is_for_whoever_is_signed_in(api: Api) -> None:
    before = await state(api)
    anonymous = await api.ask(NOW)
    assert (anonymous.codes, anonymous.body["data"]) == (["UNAUTHENTICATED"], {"sandbox": None})
    anonymous = await api.ask(MOVE, {"to": "2027-01-01T00:00:00Z"})
    assert (anonymous.codes, anonymous.body["data"]) == (["UNAUTHENTICATED"], {"sandboxClockAdvance": None})
    assert await state(api) == before
    ids = {(await api.ask(NOW, token=await api.token(person))).data["sandbox"]["id"] for person in (OWNER, FREE)}
    assert len(ids) == 1


@pytest.fixture
async def production(api: Api, database: Database, bound: Bound) -> AsyncIterator[Api]:
    """An installation for real, over the same rows."""
    async with serving(database, bound, **PRODUCTION) as served:
        yield served


async def test_production_has_no_sandbox_and_no_clock_to_move(api: Api, production: Api) -> None:
    token = await api.token(OWNER)
    sandbox = (await api.ask(NOW, token=token)).data["sandbox"]["id"]
    before = await state(api)
    assert (await production.ask(NOW, token=token)).data == {"sandbox": None}
    node = await production.ask("query Find($id: ID!) { node(id: $id) { id } }", {"id": sandbox}, token=token)
    assert node.data == {"node": None}
    payload = await moved(production, token, "2027-01-01T00:00:00Z")
    assert payload["sandbox"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]
    assert payload["query"] == {"sandbox": None}
    assert await state(api) == before
    assert (await production.ask(MOVE, {"to": "2027-01-01T00:00:00Z"})).codes == ["UNAUTHENTICATED"]


async def test_the_sandbox_has_an_id_like_any_other_object(api: Api) -> None:
    token = await api.token(OWNER)
    shown = (await api.ask(NOW, token=token)).data["sandbox"]["id"]
    document = "query Find($id: ID!) { node(id: $id) { __typename id ... on Sandbox { now } } }"
    found = await api.ask(document, {"id": shown}, token=token)
    assert found.data["node"] == {"__typename": "Sandbox", "id": shown, "now": "2026-11-22T09:00:00Z"}
    elsewhere = await api.ask(document, {"id": global_id("Sandbox", OWNER.key)}, token=token)
    assert elsewhere.data["node"] is None
