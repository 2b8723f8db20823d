"""BIL-1 to BIL-6, ACC-6, EVT-4. The whole of billing life against a small model of it, step by step, on both databases.

The verbs of `resolvers/` are called as the API calls them: see `tests/life_machine.py`.
"""

import statistics
from collections.abc import Iterator
from typing import Any, ClassVar

import hypothesis
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.database import Databases
from tests.life_ground import Lasting
from tests.life_machine import LifeMachine

MANY = {"sqlite": 60, "postgresql": 15}
STEPS, MORE_STEPS = 30, 50
SLICE, SLICES = 50, 20


@pytest.fixture
def lasting(databases: Databases) -> Iterator[Lasting]:
    """A database for all the lives of a test."""
    ground = Lasting(databases)
    yield ground
    ground.close()


@pytest.fixture
def sqlite_lasting(sqlite_databases: Databases) -> Iterator[Lasting]:
    """The same, in a file."""
    ground = Lasting(sqlite_databases)
    yield ground
    ground.close()


def lived(lasting: Lasting, start: int, examples: int, steps: int) -> list[int]:
    """So many lives, those of a seed; answers how many entries there were in each."""

    class Machine(LifeMachine):
        runner, ground = lasting.runner, lasting.ground
        ended: ClassVar[list[int]] = []

    chosen: Any = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(hypothesis.seed(start)(Machine), settings=chosen)
    return Machine.ended


@pytest.mark.timeout(600)
def test_lives_are_as_the_model_says(lasting: Lasting, backend: str) -> None:
    """The same whatever happens in whatever order; other lives on each database."""
    found = lived(lasting, {"sqlite": 0, "postgresql": 1_000_000}[backend], MANY[backend], STEPS)
    assert len(found) >= MANY[backend]
    assert statistics.mean(found) > 5


@pytest.mark.campaign
@pytest.mark.parametrize("start", range(0, SLICE * SLICES, SLICE), ids=lambda start: f"seeds_{start:05}")
def test_so_are_many_longer_lives(sqlite_lasting: Lasting, start: int) -> None:
    """A slice can be taken up alone: `make campaign ARGS="-k seeds_00350"`."""
    found = lived(sqlite_lasting, 7_000_000 + start, SLICE, MORE_STEPS)
    assert len(found) >= SLICE
