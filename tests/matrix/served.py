"""The API over the matrix's world, once for a module of tests: nothing that is called there stays."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio

from app.passwords import HashingPool
from engine.bind import Bound
from models.clock import FrozenClock
from models.db import Database
from tests.api import Api, serving
from tests.database import START, Databases
from tests.matrix.expected import CALLERS
from tests.matrix.seed import seeded
from tests.matrix.undone import UndoneDatabase
from tests.matrix.world import World

SMOKE = ("anonymous", "owner_one_factor", "flagged_one_factor", "account:RESOURCES", "token_account")
"""Callers that are tried on PostgreSQL too, whenever tests run."""


@dataclass
class Asked:
    """Where to ask, and whose objects."""

    api: Api
    world: World


@asynccontextmanager
async def _served(databases: Databases, bound: Bound, hashing: HashingPool) -> AsyncIterator[Asked]:
    clock = FrozenClock(START)
    async with databases.migrated() as url:
        database = Database(url, clock=clock, sandbox=True)
        world = await seeded(database, hashing)
        await database.close()
        undone = UndoneDatabase(url, clock=clock, sandbox=True)
        async with serving(undone, bound, rate_limits=False) as api:
            yield Asked(api, world)
        await undone.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def asked(sqlite_databases: Databases, bound: Bound, hashing: HashingPool) -> AsyncIterator[Asked]:
    async with _served(sqlite_databases, bound, hashing) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def asked_on_postgresql(
    postgresql_databases: Databases, bound: Bound, hashing: HashingPool
) -> AsyncIterator[Asked]:
    async with _served(postgresql_databases, bound, hashing) as served:
        yield served


IN_ONE_LOOP = pytest.mark.asyncio(loop_scope="module")
"""The tests of a module share its database, hence its loop."""
EVERY_CALLER = pytest.mark.parametrize("caller", CALLERS.values(), ids=list(CALLERS))
ON_POSTGRESQL = pytest.mark.parametrize(
    "caller",
    [pytest.param(CALLERS[name], id=name, marks=[] if name in SMOKE else pytest.mark.campaign) for name in CALLERS],
)
"""A few of them; all in the campaign."""
