"""ACC-8, BIL-1. Accounts that go to and fro between two customers: one owner, one settlement, sound books."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

import hypothesis
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from models.transfer import TransferMode
from tests.database import Databases
from tests.handing_machine import HandingMachine
from tests.life_ground import Lasting

MANY = {"sqlite": 10, "postgresql": 3}
STEPS = 30
SLICE, SLICES = 40, 10


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


def lived(lasting: Lasting, start: int, examples: int) -> Counter[TransferMode]:
    """So many lives, those of a seed; answers how many transfers were accepted in them."""

    class Machine(HandingMachine):
        runner, ground = lasting.runner, lasting.ground
        accepted: ClassVar[Counter[TransferMode]] = Counter()

    chosen: Any = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(hypothesis.seed(start)(Machine), settings=chosen)
    return Machine.accepted


@pytest.mark.timeout(400)
def test_whatever_is_handed_to_and_fro_has_one_owner_and_is_settled_once(lasting: Lasting, backend: str) -> None:
    """Other lives on each database."""
    found = lived(lasting, {"sqlite": 0, "postgresql": 1_000_000}[backend], MANY[backend])
    assert found.total() >= MANY[backend]


@pytest.mark.campaign
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("start", range(0, SLICE * SLICES, SLICE), ids=lambda start: f"seeds_{start:05}")
def test_so_it_is_in_many_more_lives(sqlite_lasting: Lasting, start: int) -> None:
    """A slice can be taken up alone: `make campaign ARGS="-k seeds_00040"`."""
    found = lived(sqlite_lasting, 7_000_000 + start, SLICE)
    assert set(found) == set(TransferMode)
