"""LIM-1, LIM-2. How much a caller may ask per minute and at once, and what they are told of it."""

import re

from engine.bind import Bound
from models.db import Database
from tests.api import FREE, OWNER, Api, serving

VIEWER = "{ viewer { id } }"
UPDATE = "mutation { profileUpdate(input: {kind: COMPANY}) { userErrors { code } } }"
TEN = "{ viewer { activity(first: 10) { nodes { id } } } }"
DEAR = (
    "query ($n: Int) { viewer { activity(first: $n) { nodes { owner { activity(first: 100) { nodes { id } } } } } } }"
)


async def test_strangers_are_counted_by_address(api: Api, database: Database, bound: Bound) -> None:
    async with serving(database, bound, anonymous_per_minute=2, trusted_proxies="127.0.0.1") as limited:
        answers = [await limited.ask(VIEWER, x_forwarded_for="192.0.2.1") for _ in range(3)]
        other = await limited.ask(VIEWER, x_forwarded_for="192.0.2.2")
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].codes == ["RATE_LIMITED"]
    assert "data" not in answers[2].body
    assert other.status == 200


async def test_profiles_are_counted_whatever_the_session(api: Api, database: Database, bound: Bound) -> None:
    async with serving(database, bound, queries_per_minute=2) as limited:
        statuses = [(await limited.ask(VIEWER, token=await api.token(OWNER))).status for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert (await limited.ask(VIEWER, token=await api.token(FREE))).status == 200


async def test_queries_and_mutations_are_counted_apart(api: Api, database: Database, bound: Bound) -> None:
    token = await api.token(OWNER)
    async with serving(database, bound, mutations_per_minute=1) as limited:
        statuses = [(await limited.ask(document, token=token)).status for document in (UPDATE, UPDATE, VIEWER)]
    assert statuses == [200, 429, 200]


async def test_headers_say_what_is_left_and_when_to_come_back(api: Api, database: Database, bound: Bound) -> None:
    token = await api.token(OWNER)
    async with serving(database, bound, queries_per_minute=1) as limited:
        first, second = [(await limited.ask(VIEWER, token=token)).headers for _ in range(2)]
    assert first["RateLimit-Policy"] == second["RateLimit-Policy"] == '"queries";q=1;w=60'
    assert re.fullmatch(r'"queries";r=0;t=\d+', first["RateLimit"])
    assert "Retry-After" not in first
    assert 1 <= int(second["Retry-After"]) <= 60


async def test_points_run_out_before_operations_do(api: Api, database: Database, bound: Bound) -> None:
    token = await api.token(OWNER)
    async with serving(database, bound, points_per_minute=20) as limited:
        first, second = [await limited.ask(TEN, token=token) for _ in range(2)]
    assert (first.status, second.status) == (200, 429)


async def test_the_cost_is_told_beside_the_answer_and_in_it(api: Api, database: Database, bound: Bound) -> None:
    document = "{ rateLimit { cost limit remaining resetAt } " + TEN[1:]
    async with serving(database, bound) as limited:
        answer = await limited.ask(document, token=await api.token(OWNER))
    assert answer.data["rateLimit"] == answer.body["extensions"]["cost"]
    assert answer.data["rateLimit"]["cost"] == 12
    assert answer.data["rateLimit"]["limit"] == 50_000


async def test_what_costs_too_much_is_not_begun(api: Api) -> None:
    token = await api.token(OWNER)
    assert (await api.ask(DEAR, {"n": 1}, token=token)).status == 200
    refused = await api.ask(DEAR, {"n": 100}, token=token)
    assert (refused.status, refused.codes) == (422, ["COST_EXCEEDED"])
    assert "data" not in refused.body
    assert refused.errors[0]["extensions"]["limit"] == "cost"
