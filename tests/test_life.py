"""BIL-1 to BIL-6, ACC-6, EVT-4. The whole of billing life against a small model of it, step by step, on both databases.

The verbs of `resolvers/` are called as the API calls them: see `tests/life_machine.py`. One life goes over the API.
"""

import statistics
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar

import hypothesis
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import select

from models.column import table
from models.db import Database, Db
from models.journal import JournalEntry
from models.money import Money
from resolvers import ledger
from resolvers.audit import verify
from tests.api import Api
from tests.booking import a_customer
from tests.cycle import alone, balance, change, change_quote, choose_day, documents, move, open_account, pay
from tests.database import START, Databases
from tests.life_ground import Lasting
from tests.life_machine import LifeMachine
from tests.life_model import Life

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


async def test_over_the_api_it_is_the_same(api: Api) -> None:
    """One life through GraphQL, told by hand: what others call directly is reached like this."""
    await alone(api)
    life = Life(START)
    key = await open_account(api, "site", "small")
    life.open("site", "small", "MONTHLY", 0, life.price_of_opening("small", "MONTHLY"))
    for day, plan, period, invoicing_day in (
        ("2026-12-05T10:00:00Z", "medium", "MONTHLY", 15),
        ("2026-12-05T12:00:00Z", "large", "MONTHLY", None),
        ("2027-02-28T23:30:00Z", "large", "YEARLY", 28),
        ("2027-03-28T01:00:00Z", "xlarge", "MONTHLY", 1),
    ):
        await move(api, day)
        life.advance(datetime.fromisoformat(day))
        shown, price = await change_quote(api, key, plan, period), life.price_of_change("site", plan, period)
        assert shown["refund"]["amount"] == str(Money(price.refund).amount)
        assert shown["charge"]["gross"]["amount"] == str(Money(price.gross).amount)
        assert (await change(api, key, plan, period, token=shown["token"]))["userErrors"] == []
        life.change("site", plan, period, price)
        price = life.price_of_day(invoicing_day)
        assert (await choose_day(api, invoicing_day))["userErrors"] == []
        life.choose_day(invoicing_day, price)
        await pay(api, 5_000)
        life.books.pay(5_000)
    await move(api, "2027-06-01T00:00:00Z")
    life.advance(datetime(2027, 6, 1, tzinfo=UTC))
    told = [(each.kind, each.day.isoformat(), each.net, each.tax) for each in life.books.documents]
    assert await documents(api) == told
    assert len(told) > 8
    assert await balance(api) == str(Money(life.books.balance).amount)


async def test_who_reads_after_a_verification_is_not_bound_by_it(database: Database) -> None:
    """BIL-1. Its view of the books ends with it, also on the connection that the next request gets."""
    owner = await a_customer(database)
    await verify(database)
    async with Db(database) as db:
        for cents in (100, 200):
            async with db.write() as write:
                await ledger.book_payment(write, owner, cents)
            entries = await db.rows(select(table(JournalEntry).c.amount_cents))
            assert max(row.amount_cents for row in entries) == cents


@pytest.mark.campaign
@pytest.mark.parametrize("start", range(0, SLICE * SLICES, SLICE), ids=lambda start: f"seeds_{start:05}")
def test_so_are_many_longer_lives(sqlite_lasting: Lasting, start: int) -> None:
    """A slice can be taken up alone: `make campaign ARGS="-k seeds_00350"`."""
    found = lived(sqlite_lasting, 7_000_000 + start, SLICE, MORE_STEPS)
    assert len(found) >= SLICE
