"""Both executors give the same answer: to random documents of all kinds of callers, whatever fails."""

import asyncio

import pytest
from structlog.testing import capture_logs

from app.passwords import HashingPool
from engine.bind import Bound
from models.db import Database
from tests.comparison import Outcome, asked, caller_of, compared
from tests.differential import Question, disagreement, on_graphql_core, planned
from tests.twin import twin
from tests.walker import Walker

MANY = {"sqlite": 400, "postgresql": 150}
"""Documents for each database."""
START = {"sqlite": 0, "postgresql": 3_000_000}
DECLINED = {"condition", "conditions"}
"""Why a document of the walker may have no plan: the variables that say which of its parts count are null, or many."""
SLICE, SLICES = 1_000, 20


def check(outcome: Outcome) -> None:
    """Nothing differs, and nothing was left to graphql-core that a plan should have answered."""
    assert not outcome.disagreements, "\n\n".join(outcome.disagreements[:5])
    assert outcome.fallbacks.keys() <= DECLINED
    assert outcome.fallbacks.total() < 0.05 * outcome.asked


async def test_both_executors_answer_the_same(
    database: Database, bound: Bound, hashing: HashingPool, backend: str
) -> None:
    """Other documents on each database: these take a while."""
    world = await twin(database, bound, hashing)
    start, many = START[backend], MANY[backend]
    outcome = await compared(world, range(start, start + many))
    check(outcome)
    assert outcome.asked > many
    assert outcome.with_errors > 0.3 * many
    assert outcome.nulled > 0.1 * many
    assert outcome.misfits > 0.02 * many


async def test_they_do_so_at_the_same_time(
    database: Database, bound: Bound, hashing: HashingPool, backend: str
) -> None:
    """A plan that several requests run at once mixes nothing up."""
    world = await twin(database, bound, hashing)
    asker, plans, found = world.asker, planned(bound), []
    with capture_logs():
        for start in range(START[backend], START[backend] + 10):
            walker = Walker(bound.graphql, world.supplies[caller_of(world, start).name])
            if (request := asked(world, walker, start)) is None:
                continue
            several = [Question(caller, request) for caller in world.callers[start % 5 :: 5]]
            right = [await asker.answer(on_graphql_core(bound), question) for question in several]
            answers = await asyncio.gather(*(asker.answer(plans, question) for question in several))
            found += [disagreement(*pair) for pair in zip(right, answers, strict=True)]
    assert len(found) > 50
    assert set(found) == {None}


# graphql-core leaves behind what it had begun of a list that fails; that is found out whenever memory is cleaned up.
@pytest.mark.filterwarnings("ignore:.*coroutine object Bound:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.campaign
@pytest.mark.parametrize("start", range(0, SLICE * SLICES, SLICE), ids=lambda start: f"seeds_{start:05}")
async def test_so_they_do_to_many_documents(database: Database, bound: Bound, hashing: HashingPool, start: int) -> None:
    """A slice can be taken up alone: `make campaign ARGS="-k seeds_07000"`."""
    check(await compared(await twin(database, bound, hashing), range(start, start + SLICE)))
