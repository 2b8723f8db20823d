"""LIM-1, LIM-2. How much a caller may ask per minute, what a document costs, and what is told about both."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx

from engine.measure import DocumentLimits
from models.activity import ActivityEvent
from models.clock import FrozenClock
from tests.api import DELEGATE, FREE, GRAPHQL, OWNER, Answer, Api, profile_id, serving

WHO = "{ viewer { id } }"
UPDATE = "mutation { profileUpdate(input: {}) { userErrors { code } } }"
QUOTA = "{ rateLimit { cost limit remaining resetAt } }"


@asynccontextmanager
async def limited(api: Api, **settings: Any) -> AsyncIterator[Api]:
    """The application with its limits on, over the seeded database."""
    async with serving(api.database, api.bound, **settings) as served:
        yield served


async def ask_from(served: Api, peer: str, document: str = WHO) -> int:
    """The status of what an address is answered."""
    transport = httpx.ASGITransport(served.app, client=(peer, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://espace.test") as client:
        response = await client.post("/graphql", json={"query": document}, headers={"accept": GRAPHQL})
    return response.status_code


async def known(served: Api, *documents: str) -> None:
    """Let somebody else send documents first: one that was never seen costs a point more."""
    token = await served.token(DELEGATE)
    for document in documents:
        await served.ask(document, token=token)


def expect_refused(answer: Answer, policy: str) -> None:
    """A refusal by a limit says so in the standard ways, and nothing was executed."""
    assert (answer.status, answer.codes) == (429, ["RATE_LIMITED"])
    assert "data" not in answer.body
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    name, _, _ = policy.partition(";")
    assert answer.headers["ratelimit-policy"] == policy
    assert answer.headers["ratelimit"] == f"{name};r=0;t={answer.headers['retry-after']}"


# LIM-1


async def test_ten_operations_a_minute_without_a_session(api: Api, clock: FrozenClock) -> None:
    async with limited(api) as served:
        for left in reversed(range(10)):
            answer = await served.ask(WHO)
            assert answer.data == {"viewer": None}
            assert answer.headers["ratelimit-policy"] == '"operations";q=10;w=60'
            assert answer.headers["ratelimit"] == f'"operations";r={left};t=60'
        clock.move(timedelta(seconds=45))
        refused = await served.ask(WHO)
        expect_refused(refused, '"operations";q=10;w=60')
        assert refused.headers["retry-after"] == "15"
        clock.move(timedelta(seconds=15))
        assert (await served.ask(WHO)).status == 200


async def test_each_address_has_its_own_allowance(api: Api) -> None:
    async with limited(api, anonymous_per_minute=2) as served:
        first = [await ask_from(served, "198.51.100.7") for _ in range(3)]
        second = [await ask_from(served, "198.51.100.8") for _ in range(3)]
        assert first == second == [200, 200, 429]
        assert await ask_from(served, "::ffff:198.51.100.7") == 429
        token = await api.token(OWNER)
        assert (await served.ask(WHO, token=token)).status == 200


async def test_a_signed_in_profile_has_250_queries_and_50_mutations(api: Api) -> None:
    token = await api.token(OWNER)
    async with limited(api) as served:
        query, mutation = await served.ask(WHO, token=token), await served.ask(UPDATE, token=token)
    assert query.headers["ratelimit-policy"] == '"queries";q=250;w=60'
    assert mutation.headers["ratelimit-policy"] == '"mutations";q=50;w=60'


async def test_queries_and_mutations_are_counted_apart_and_by_profile(api: Api, clock: FrozenClock) -> None:
    one, same, other = await api.token(OWNER), await api.token(OWNER), await api.token(FREE)
    async with limited(api, queries_per_minute=3, mutations_per_minute=2) as served:
        assert [(await served.ask(WHO, token=token)).status for token in (one, same, one)] == [200] * 3
        expect_refused(await served.ask(WHO, token=same), '"queries";q=3;w=60')
        assert [(await served.ask(UPDATE, token=token)).status for token in (one, same)] == [200] * 2
        facts = len(await api.rows(ActivityEvent))
        document = 'mutation { profileUpdate(input: {identity: {city: "Lyon"}}) { userErrors { code } } }'
        expect_refused(await served.ask(document, token=one), '"mutations";q=2;w=60')
        assert len(await api.rows(ActivityEvent)) == facts
        assert (await served.ask(WHO, token=other)).status == 200
        assert (await served.ask(UPDATE, token=other)).status == 200
        assert (await served.ask(WHO)).status == 200
        clock.move(timedelta(minutes=1))
        assert [(await served.ask(document, token=token)).status for token in (one, same)] == [200] * 2


async def test_documents_that_are_never_run_are_counted_too(api: Api) -> None:
    """Parsing and validating is work: who sends only documents that fail is not let go on."""
    async with limited(api, anonymous_per_minute=5) as served:
        statuses = [(await served.ask(f"{{ nothing{number} }}")).status for number in range(6)]
    assert statuses == [422] * 5 + [429]


async def test_moving_the_sandbox_clock_frees_nobody(api: Api) -> None:
    token = await api.token(OWNER)
    document = 'mutation { sandboxClockAdvance(input: {to: "2028-01-01T00:00:00Z"}) { userErrors { code } } }'
    async with limited(api, queries_per_minute=1) as served:
        assert (await served.ask(WHO, token=token)).status == 200
        assert (await served.ask(document, token=token)).data == {"sandboxClockAdvance": {"userErrors": []}}
        assert (await served.ask(WHO, token=token)).status == 429


async def test_a_limit_speaks_the_language_of_the_reader(api: Api) -> None:
    token = await api.token(OWNER)
    async with limited(api, anonymous_per_minute=1, queries_per_minute=1) as served:
        await served.ask(WHO)
        await served.ask(WHO, token=token)
        english = (await served.ask(WHO, accept_language="en")).errors[0]["message"]
        french = (await served.ask(WHO, accept_language="fr")).errors[0]["message"]
        owner = (await served.ask(WHO, accept_language="en", token=token)).errors[0]["message"]
    assert english.startswith("Too many requests")
    assert "requêtes" in french
    assert "requêtes" in owner


async def test_without_limits_per_minute_those_of_a_document_stay(api: Api) -> None:
    async with limited(api, rate_limits="off", anonymous_per_minute=1, documents=DocumentLimits(cost=50)) as served:
        answers = [await served.ask(WHO) for _ in range(5)]
        assert [answer.status for answer in answers] == [200] * 5
        assert "ratelimit" not in answers[-1].headers
        token = await api.token(OWNER)
        exceeding = "{ viewer { activity(first: 100) { nodes { id } } } }"
        assert (await served.ask(exceeding, token=token)).codes == ["COST_EXCEEDED"]
        assert (await served.ask(QUOTA, token=token)).data["rateLimit"]["cost"] == 1


# Points


async def test_points_are_used_up_by_what_is_asked(api: Api, clock: FrozenClock) -> None:
    one, same, other = await api.token(OWNER), await api.token(OWNER), await api.token(FREE)
    screen = "{ viewer { activity(first: 20) { nodes { id } } } rateLimit { cost limit remaining } }"
    async with limited(api, points_per_minute=50) as served:
        await known(served, screen, QUOTA)
        left = [(await served.ask(screen, token=token)).data["rateLimit"] for token in (one, same)]
        assert left == [{"cost": 22, "limit": 50, "remaining": rest} for rest in (28, 6)]
        refused = await served.ask(screen, token=one)
        assert (refused.status, refused.codes) == (429, ["RATE_LIMITED"])
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert (await served.ask(QUOTA, token=same)).data["rateLimit"]["remaining"] == 5
        assert (await served.ask(screen, token=other)).data["rateLimit"]["remaining"] == 28
        clock.move(timedelta(minutes=1))
        assert (await served.ask(screen, token=one)).data["rateLimit"]["remaining"] == 28


async def test_the_quota_is_told_in_the_answer_and_beside_it(api: Api) -> None:
    token = await api.token(OWNER)
    async with limited(api, points_per_minute=100, anonymous_points_per_minute=40) as served:
        await known(served, QUOTA, WHO)
        for caller, limit in ((token, 100), (None, 40)):
            answer = await served.ask(QUOTA, token=caller)
            told = {"cost": 1, "limit": limit, "remaining": limit - 1, "resetAt": "2026-11-22T09:01:00Z"}
            assert answer.data["rateLimit"] == told
            assert answer.body["extensions"]["cost"] == told
        answer = await served.ask(WHO, token=token)
        assert answer.body["extensions"]["cost"] == {**told, "limit": 100, "remaining": 98}


# Cost


CHANGED = "profile { id } userErrors { code } query { viewer { id } }"


async def test_a_document_costs_what_the_contract_says(api: Api) -> None:
    """Told without limits per minute, too."""
    priced: list[tuple[str, dict[str, Any], int]] = [
        # An object is 1, a scalar 0.
        ("{ __typename }", {}, 0),
        ("{ viewer { id email displayName } }", {}, 1),
        ("{ viewer { id identity { city } } session { id } }", {}, 3),
        ("{ viewer { id } viewer { email } }", {}, 1),
        ("{ a: viewer { id } b: viewer { id } }", {}, 2),
        ("{ viewer { ...Named ...Placed } } fragment Named on Profile { identity { lastName } }"
         " fragment Placed on Profile { identity { city } }", {}, 2),
        ("query Q($id: ID!) { node(id: $id) { id ... on Profile { identity { city } } } }",
         {"id": profile_id(OWNER)}, 2),
        # A connection is its page size times its nodes.
        ("{ viewer { activity(first: 10) { nodes { id action } } } }", {}, 11),
        ("{ viewer { activity(last: 10) { nodes { id } } } }", {}, 11),
        ("{ viewer { activity { nodes { id } } } }", {}, 26),
        ("{ viewer { activity(first: null) { nodes { id } } } }", {}, 26),
        ("{ viewer { activity(first: 0) { nodes { id } } } }", {}, 2),
        ("{ viewer { activity(first: 10) { edges { cursor node { id } } } } }", {}, 11),
        ("{ viewer { activity(first: 9) { nodes { owner { id } actor { displayName } changes { name } } } } }", {}, 37),
        ("{ viewer { activity(first: 3) { nodes { owner { activity(first: 4) { nodes { id } } } } } } }", {}, 19),
        ("{ viewer { activity(first: 10) { nodes { id } pageInfo { endCursor } } } }", {}, 12),
        # The size may come as a variable.
        ("query Q($n: Int) { viewer { activity(first: $n) { nodes { id } } } }", {"n": 7}, 8),
        ("query Q($n: Int) { viewer { activity(first: $n) { nodes { id } } } }", {}, 26),
        ("query Q($n: Int) { viewer { activity(first: $n) { nodes { id } } } }", {"n": None}, 26),
        ("query Q($n: Int = 5) { viewer { activity(first: $n) { nodes { id } } } }", {}, 6),
        ("query Q($n: Int = 5) { viewer { activity(first: $n) { nodes { id } } } }", {"n": 6}, 7),
        # A field may have a weight of its own; what is found by ids is as many objects as there are ids.
        ("query Q($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": [profile_id(OWNER)] * 3}, 13),
        ("query Q($ids: [ID!]!) { nodes(ids: $ids) { id } viewer { id } }", {"ids": []}, 11),
        # What is written costs as what is read: payload, profile, error, root, viewer.
        (f"mutation {{ profileUpdate(input: {{}}) {{ {CHANGED} }} }}", {}, 5),
    ]  # fmt: skip
    token = await api.token(OWNER)
    for document, variables, cost in priced:
        answer = await api.ask(document, variables, token=token)
        assert answer.data is not None
        assert answer.body["extensions"]["cost"]["cost"] == cost, document


async def test_what_costs_too_much_is_not_executed(api: Api) -> None:
    token = await api.token(OWNER)
    facts = len(await api.rows(ActivityEvent))
    mutation = """mutation Change($first: Int) { profileUpdate(input: {identity: {city: "Lyon"}}) {
      profile { activity(first: $first) { nodes { id } } } } }"""
    async with limited(api, documents=DocumentLimits(cost=50)) as served:
        for first in (49, 100, None):
            answer = await served.ask(mutation, {"first": first} if first else {}, token=token)
            expected = [] if first is None else ["COST_EXCEEDED"]
            assert answer.codes == expected, first
            assert ("data" in answer.body) == (not expected)
        assert len(await api.rows(ActivityEvent)) == facts + 1
        answer = await served.ask("{ viewer { activity(first: 100) { nodes { id } } } }")
        assert answer.codes == ["COST_EXCEEDED"]


async def test_what_a_document_may_ask_is_bounded_by_default(api: Api) -> None:
    page = "activity(first: 100) { nodes { id } }"
    exceeding = {
        "aliases": "{ " + " ".join(f"a{number}: viewer {{ id }}" for number in range(101)) + " }",
        "depth": "{ viewer { " + "activity(first: 1) { nodes { owner { " * 7 + "id" + " } } }" * 7 + " } }",
        "tokens": "{ viewer { " + "email " * 2_500 + "} }",
        "cost": "{ " + " ".join(f"a{number}: viewer {{ {page} }}" for number in range(51)) + " }",
    }
    token = await api.token(OWNER)
    for limit, document in exceeding.items():
        answer = await api.ask(document, token=token)
        assert (answer.status, answer.codes) == (422, ["COST_EXCEEDED"]), limit
        assert "data" not in answer.body
