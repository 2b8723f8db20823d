"""Documents of a walker, asked of both executors, one caller after the other, with faults and without."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from structlog.testing import capture_logs

from engine.error import RequestRefused
from engine.measure import cost_of
from tests.differential import (
    Answer,
    Makes,
    Question,
    Tried,
    disagreement,
    is_below_its_place,
    on_graphql_core,
    planned,
)
from tests.fault import Faults
from tests.scope import Request
from tests.shrinker import shrunk
from tests.twin import Twin
from tests.walker import Walker

TOGETHER = 12
"""Documents in a row that have the same faults; those of every third row have none."""
MISFITS: tuple[Any, ...] = ({"bad": 1}, ["x", None], "no such value", -(2**40), None, 1.5)
SHARE_OF_MISFITS = 0.06
ANOTHER = 3
"""Of so many documents one is asked by somebody else as well, and one with other variables."""
TOLD = 3
"""Disagreements that are shrunk; more of them tell no more."""


@dataclass
class Outcome:
    """What a comparison came to."""

    disagreements: list[str] = field(default_factory=list)
    fallbacks: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    with_errors: int = 0
    nulled: int = 0
    """Answers with a place that an error further down has nulled."""
    misfits: int = 0
    codes: Counter[str] = field(default_factory=Counter)

    def count(self, answer: Answer) -> None:
        """Remember what it was an answer with."""
        self.asked += 1
        self.with_errors += bool(answer.errors)
        self.misfits += answer.refusal is not None
        self.nulled += any(is_below_its_place(answer, error) for error in answer.errors)
        self.codes.update(error["extensions"]["code"] for error in answer.errors)


@dataclass
class Pair:
    """Both executors over one schema, whose faults are those of `number`; None for none."""

    number: int | None
    one: Tried
    other: Tried


def pairs(world: Twin, seeds: Iterable[int], makes: Makes) -> Iterator[tuple[int, Pair]]:
    """Each seed with the executors that are to answer it."""
    clean = world.asker.bound
    without = Pair(None, on_graphql_core(clean), makes(clean))
    pair = without
    for seed in seeds:
        row = seed // TOGETHER
        if row % 3 == 0:
            pair = without
        elif pair.number != row:
            bound = Faults(row).bound()
            pair = Pair(row, on_graphql_core(bound), makes(bound))
        yield seed, pair


async def compared(world: Twin, seeds: Iterable[int], makes: Makes = planned) -> Outcome:
    """Ask the documents of these numbers, each caller in turn."""
    outcome = Outcome()
    walkers = {name: Walker(world.asker.bound.graphql, supply) for name, supply in world.supplies.items()}
    with capture_logs() as logs:
        for seed, pair in pairs(world, seeds, makes):
            request = asked(world, walkers[caller_of(world, seed).name], seed)
            if request is None:
                continue
            for question in questions(world, seed, request):
                await _compare(world, pair, question, f"seed {seed}", outcome)
            logs.clear()
    return outcome


def questions(world: Twin, seed: int, request: Request) -> Iterator[Question]:
    """The document of a number; now and then by somebody else as well, or with other variables: plans are kept."""
    caller = caller_of(world, seed)
    yield Question(caller, request)
    if seed % ANOTHER == 0:
        yield Question(caller_of(world, seed // 7), request)
    elif seed % ANOTHER == 1 and request.variables:
        ids = sorted({each for several in world.supplies[caller.name].ids.values() for each in several})
        random = Random(seed)
        others = {name: varied(value, ids, random) for name, value in request.variables.items()}
        yield Question(caller, request._replace(variables=others))


def varied(value: Any, ids: Sequence[str], random: Random) -> Any:
    """Another value of the same kind, for most."""
    match value:
        case bool():
            return random.random() < 0.5
        case int():
            return random.choice((0, 1, 2, 25))
        case str() if value in ids:
            return random.choice(ids)
        case list():
            return [varied(each, ids, random) for each in value][: random.randint(0, 3)]
    return value


def caller_of(world: Twin, seed: int) -> Any:
    return world.callers[seed % len(world.callers)]


def asked(world: Twin, walker: Walker, seed: int) -> Request | None:
    """The document of a number, now and then with a variable that does not fit; None where it is refused anyway."""
    request, random = walker.request(seed), Random(seed)
    prepared = world.asker.prepared(request)
    if prepared is None:
        return None
    try:
        cost_of(prepared[1], request.variables, world.asker.documents.limits)
    except RequestRefused:
        return None
    names = [each.variable.name.value for each in prepared[1].node.variable_definitions or ()]
    if not names or random.random() >= SHARE_OF_MISFITS:
        return request
    return request._replace(variables={**request.variables, random.choice(names): random.choice(MISFITS)})


async def _compare(world: Twin, pair: Pair, question: Question, case: str, outcome: Outcome) -> None:
    before = pair.other.fallbacks.copy()
    one = await world.asker.answer(pair.one, question)
    other = await world.asker.answer(pair.other, question)
    outcome.count(one)
    outcome.fallbacks += pair.other.fallbacks - before
    found = disagreement(one, other)
    if found and len(outcome.disagreements) < TOLD:
        question = await smallest(world, pair, question)
        one, other = [await world.asker.answer(tried, question) for tried in (pair.one, pair.other)]
    if found:
        told = f"# {case}: {found}\nFAULTS = {pair.number}\n{question}"
        outcome.disagreements.append(f"{told}\n# graphql-core: {one}\n# the other: {other}")


async def smallest(world: Twin, pair: Pair, question: Question) -> Question:
    """The same question about less."""

    async def differs(request: Request) -> bool:
        if world.asker.prepared(request) is None:
            return False
        each = Question(question.caller, request)
        one, other = [await world.asker.answer(tried, each) for tried in (pair.one, pair.other)]
        return disagreement(one, other) is not None

    return Question(question.caller, await shrunk(question.request, differs))
