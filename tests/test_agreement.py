"""Both executors agree where executors usually differ: named documents, on both databases."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from app.passwords import HashingPool
from engine.bind import Bound
from models.clock import FrozenClock
from models.db import Database
from tests.agreement import CASES, Case
from tests.database import START, Databases
from tests.differential import Question, disagreement, on_graphql_core, planned
from tests.matrix.served import IN_ONE_LOOP
from tests.scope import Request
from tests.twin import Twin, twin

pytestmark = IN_ONE_LOOP


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> Databases:
    chosen: Databases = request.getfixturevalue(f"{request.param}_databases")
    return chosen


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(kind: Databases, bound: Bound, hashing: HashingPool) -> AsyncIterator[Twin]:
    """One for all cases: nothing is written."""
    async with kind.migrated() as url:
        database = Database(url, clock=FrozenClock(START), sandbox=True)
        yield await twin(database, bound, hashing, holes=False)
        await database.close()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_both_executors_agree(world: Twin, case: Case) -> None:
    """Asked twice: a plan is made the first time, and taken up again the second."""
    caller = next(each for each in world.callers if each.name == case.who)
    question = Question(caller, Request(case.document, dict(case.variables), None))
    bound = case.faults.bound() if case.faults else world.asker.bound
    plans = planned(bound)
    with capture_logs():
        one = await world.asker.answer(on_graphql_core(bound), question)
        others = [await world.asker.answer(plans, question) for _ in range(2)]
    assert [disagreement(one, other) for other in others] == [None, None], f"{question}\n{one}\n{others[0]}"
    assert plans.fallbacks == {}
    refused = one.refusal or {}
    codes = [error["extensions"]["code"] for error in one.errors] or [refused["code"]] if refused or one.errors else []
    assert codes == list(case.codes), f"{one}"
