"""Mutations do the same under both executors, and answer the same: each executor has a world of its own."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest
from graphql import OperationType
from structlog.testing import capture_logs

from app.migration import upgrade
from app.passwords import HashingPool
from engine.bind import Bound
from models.clock import FrozenClock
from models.db import Database
from tests.comparison import Outcome, pairs
from tests.database import Databases
from tests.dealings import Caller
from tests.deed import DEEDS, QUOTES, stock
from tests.differential import Answer, Question, Tried, disagreement, on_graphql_core, planned
from tests.scope import Bounds, Request
from tests.test_differential import DECLINED
from tests.twin import Twin, contents, drawn, twin
from tests.walker import Walker

MANY = {"sqlite": 150, "postgresql": 60}
START = {"sqlite": 0, "postgresql": 1_000_000}
SLICE, SLICES = 500, 10
BOUNDS = Bounds(depth=8, selections=40, points=400)
OUTSIDE = {"passwordChange", "passwordReset", "twoFactorEnroll", "recoveryCodesRegenerate", "sandboxClockAdvance"}
"""What takes long or cannot be drawn."""
RANDOM = 0.25
"""How many documents are random all through; the others are written to succeed."""


@asynccontextmanager
async def both(
    database: Database, databases: Databases, clock: FrozenClock, bound: Bound, hashing: HashingPool
) -> AsyncIterator[tuple[Twin, Twin]]:
    """Two worlds that are alike."""
    async with databases.empty() as url:
        other = Database(url, clock=clock, sandbox=True)
        try:
            await upgrade(other)
            yield await twin(database, bound, hashing), await twin(other, bound, hashing)
        finally:
            await other.close()


async def compared(worlds: tuple[Twin, Twin], seeds: Iterable[int]) -> Outcome:
    """Let each executor do the same, one thing after the other."""
    outcome, world = Outcome(), worlds[0]
    schema: Any = world.asker.bound.graphql
    roots = [name for name in (*schema.mutation_type.fields, *schema.query_type.fields) if name not in OUTSIDE]
    walkers = {
        name: Walker(world.asker.bound.graphql, supply, roots=roots, kinds=(OperationType.MUTATION,), bounds=BOUNDS)
        for name, supply in world.supplies.items()
    }
    with capture_logs() as logs:
        for seed, pair in pairs(world, seeds, planned):
            question = await asked(world, walkers, seed)
            if world.asker.prepared(question.request) is None:
                continue
            answers = [
                await done(each, tried, question, seed)
                for each, tried in zip(worlds, (pair.one, pair.other), strict=True)
            ]
            outcome.count(answers[0])
            if found := disagreement(*answers):
                told = f"# seed {seed}: {found}\nFAULTS = {pair.number}\n{question}"
                outcome.disagreements.append(f"{told}\n# graphql-core: {answers[0]}\n# the other: {answers[1]}")
                break  # From here on the worlds may differ.
            outcome.fallbacks += pair.other.fallbacks
            logs.clear()
    return outcome


async def done(world: Twin, tried: Tried, question: Question, seed: int) -> Answer:
    with drawn(seed + 1):
        return await world.asker.answer(tried, question)


async def asked(world: Twin, walkers: dict[str, Walker], seed: int) -> Question:
    random = Random(seed)
    caller = random.choice(able(world) if random.random() < 0.8 else world.callers)
    walker = walkers[caller.name]
    if random.random() < RANDOM or caller.name not in world.profiles:
        return Question(caller, walker.request(seed))
    name = random.choice(sorted(DEEDS))
    there = await stock(world.database, world.profiles[caller.name], random)
    given = DEEDS[name](there)
    if name in QUOTES:
        given["quoteToken"] = await quoted(world, caller, name, given) or given["quoteToken"]
    return Question(caller, walker.mutation(seed, name, given))


async def quoted(world: Twin, caller: Caller, name: str, given: dict[str, Any]) -> str | None:
    """The token of what a mutation costs now; None where something stands in its way."""
    text = QUOTES[name]
    variables = {each: value for each, value in given.items() if f"${each}:" in text}
    answer = await world.asker.answer(
        on_graphql_core(world.asker.bound), Question(caller, Request(text, variables, None))
    )
    objects = [each for each in (answer.data or {}).values() if each]
    quotes = [quote for each in objects for quote in each.values() if quote]
    return quotes[0]["token"] if quotes else None


def able(world: Twin) -> list[Caller]:
    """Those who have something, and may do anything with it."""
    interactive = [each for each in world.callers if each.two_factor and each.interactive]
    return [each for each in interactive if each.customer or each.name.startswith("owner")]


def check(outcome: Outcome) -> None:
    assert not outcome.disagreements, outcome.disagreements[0]
    assert outcome.fallbacks.keys() <= DECLINED


async def test_mutations_do_and_answer_the_same(
    database: Database, databases: Databases, clock: FrozenClock, bound: Bound, hashing: HashingPool, backend: str
) -> None:
    async with both(database, databases, clock, bound, hashing) as worlds:
        before = await contents(database)
        assert before == await contents(worlds[1].database)
        start, many = START[backend], MANY[backend]
        outcome = await compared(worlds, range(start, start + many))
        check(outcome)
        after = await contents(database)
        assert after == await contents(worlds[1].database)
        assert len(after["activity_event"]) > len(before["activity_event"]) + 0.3 * many


SET = "userErrors { __typename code message field } query { viewer { identity { city } kind } session { id } }"
NAMED = {
    "the whole graph after it": f"""mutation {{ profileUpdate(input: {{identity: {{city: "Lyon"}}}}) {{
      profile {{ identity {{ city }} activity(first: 1) {{ nodes {{ action summary actor {{ displayName }} }} }} }}
      {SET} }} }}""",
    "one after the other": f"""mutation {{ a: profileUpdate(input: {{identity: {{city: "A"}}}}) {{ {SET} }}
      b: profileUpdate(input: {{identity: {{city: "B", country: "FR"}}}}) {{ ...P }} __typename
      c: serverRename(input: {{serverId: "nothing", name: "c"}}) {{ server {{ name }} userErrors {{ code field }} }} }}
      fragment P on MutationPayload {{ {SET} ... on ProfileUpdatePayload {{ profile {{ identity {{ city }} }} }} }}""",
    "one that is refused, and one that is left out": f"""mutation ($no: Boolean = false) {{
      apiTokenRegenerate(input: {{apiTokenId: "nothing"}}) {{ secret {SET} }}
      profileUpdate(input: {{}}) @include(if: $no) {{ {SET} }}
      passwordResetRequest(input: {{email: "nobody@example.org"}}) {{ {SET} }} }}""",
    "one that ends the session": f"mutation {{ sessionDelete(input: {{}}) {{ deletedIds {SET} }} after: __typename }}",
}
"""All by the same caller, in this order."""


async def test_named_mutations_do_and_answer_the_same(
    database: Database, databases: Databases, clock: FrozenClock, bound: Bound, hashing: HashingPool
) -> None:
    async with both(database, databases, clock, bound, hashing) as worlds:
        caller = next(each for each in worlds[0].callers if each.name == "owner with 2 factors")
        for number, (name, document) in enumerate(NAMED.items()):
            question = Question(caller, Request(document, {}, None))
            one = await done(worlds[0], on_graphql_core(bound), question, number)
            other = await done(worlds[1], planned(bound), question, number)
            assert disagreement(one, other) is None, f"{name}\n{one}\n{other}"
            assert one.data is not None, name
        assert await contents(database) == await contents(worlds[1].database)


@pytest.mark.campaign
@pytest.mark.parametrize("start", range(0, SLICE * SLICES, SLICE), ids=lambda start: f"seeds_{start:05}")
async def test_so_do_many(
    database: Database, databases: Databases, clock: FrozenClock, bound: Bound, hashing: HashingPool, start: int
) -> None:
    async with both(database, databases, clock, bound, hashing) as worlds:
        check(await compared(worlds, range(start, start + SLICE)))
        assert await contents(database) == await contents(worlds[1].database)
