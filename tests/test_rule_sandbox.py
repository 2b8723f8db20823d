"""EVT-4. The clock of the practice system: forward, by at most two years at once, and not in production."""

from datetime import datetime, timedelta

import pytest

from engine.bind import Bound
from models.activity import ActivityEvent
from models.clock import FrozenClock
from models.db import Database
from tests.api import FREE, OWNER, Api, serving

ADVANCE = """mutation Advance($to: DateTime!) { sandboxClockAdvance(input: {to: $to}) {
  sandbox { now } userErrors { code field } query { sandbox { now } } } }"""
REFUSED = {"sandbox": None, "userErrors": [{"code": "INVALID", "field": ["input", "to"]}]}


async def advance(api: Api, to: datetime | str) -> dict[str, object]:
    text = to if isinstance(to, str) else to.isoformat()
    answer = await api.ask(ADVANCE, {"to": text}, token=await api.token(OWNER))
    payload: dict[str, object] = answer.data["sandboxClockAdvance"]
    return payload


async def test_the_clock_is_moved_for_everybody_and_goes_on_from_there(api: Api, clock: FrozenClock) -> None:
    assert (await advance(api, "2027-11-22T09:00:00Z"))["sandbox"] == {"now": "2027-11-22T09:00:00Z"}
    clock.move(timedelta(hours=1))
    answer = await api.ask("{ sandbox { now } }", token=await api.token(FREE))
    assert answer.data["sandbox"] == {"now": "2027-11-22T10:00:00Z"}


async def test_the_answer_and_the_graph_beside_it_tell_the_new_time(api: Api) -> None:
    payload = await advance(api, "2027-01-01T00:00:00Z")
    assert payload["query"] == {"sandbox": payload["sandbox"]} == {"sandbox": {"now": "2027-01-01T00:00:00Z"}}


async def test_two_years_at_once_are_the_most_and_more_calls_may_follow(api: Api, clock: FrozenClock) -> None:
    beyond = await advance(api, clock.now() + timedelta(days=731, seconds=1))
    assert {name: beyond[name] for name in REFUSED} == REFUSED
    assert (await advance(api, clock.now() + timedelta(days=731)))["userErrors"] == []
    assert (await advance(api, clock.now() + timedelta(days=2 * 731)))["userErrors"] == []


async def test_the_clock_does_not_go_back(api: Api, clock: FrozenClock) -> None:
    await advance(api, clock.now() + timedelta(days=10))
    back = await advance(api, clock.now() + timedelta(days=9))
    assert {name: back[name] for name in REFUSED} == REFUSED
    assert back["query"] == {"sandbox": {"now": "2026-12-02T09:00:00Z"}}


async def test_moving_it_is_in_the_history_of_who_moved_it(api: Api, clock: FrozenClock) -> None:
    await advance(api, clock.now() + timedelta(days=1))
    event = max(await api.rows(ActivityEvent), key=lambda row: row.id)
    assert (event.kind, event.owner_id, event.actor_id) == ("sandbox.clock_advanced", OWNER.key, OWNER.key)
    assert event.occurred_at == clock.now() + timedelta(days=1)
    assert event.recorded_at == clock.now()


@pytest.mark.parametrize("document", ["{ sandbox { now } }", "{ session { id } sandbox { now } }"])
async def test_production_has_no_sandbox(api: Api, database: Database, bound: Bound, document: str) -> None:
    real = {
        "mode": "production",
        "secret_key": "x" * 32,
        "tls_only_cookies": True,
        "public_url": "https://espace.test",
    }
    token = await api.token(OWNER)
    async with serving(database, bound, **real) as production:
        assert (await production.ask(document, token=token)).data["sandbox"] is None
        answer = await production.ask(ADVANCE, {"to": "2027-01-01T00:00:00Z"}, token=token)
    payload = answer.data["sandboxClockAdvance"]
    assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]
