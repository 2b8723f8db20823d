"""What tests ask for by name."""

from collections.abc import AsyncIterator, Iterator

import hypothesis
import pytest

from models.clock import FrozenClock
from models.db import Database
from tests.database import (
    START,
    Databases,
    SqliteFiles,
    postgresql_server,
    untested,
    untested_on_postgresql,
    with_template,
    without_postgresql,
)

# How long an example takes says how busy the machine is, and nothing of the rule.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

pytest_plugins = ["tests.api", "tests.matrix.served"]


@pytest.fixture
def clock() -> FrozenClock:
    """Stands at 2026-11-22T09:00:00Z until it is moved."""
    return FrozenClock(START)


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Each test that needs a database runs once on each kind."""
    kind: str = request.param
    return kind


@pytest.fixture
def databases(backend: str, request: pytest.FixtureRequest) -> Databases:
    """Makes databases of the kind that the test runs on."""
    chosen: Databases = request.getfixturevalue(f"{backend}_databases")
    return chosen


@pytest.fixture
async def database_url(databases: Databases) -> AsyncIterator[str]:
    """Address of a database without tables."""
    async with databases.empty() as url:
        yield url


@pytest.fixture
async def database(databases: Databases, clock: FrozenClock) -> AsyncIterator[Database]:
    """A database at head, without rows, of a sandbox whose clock is `clock`."""
    async with databases.migrated() as url:
        made = Database(url, clock=clock, sandbox=True)
        yield made
        await made.close()


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    with with_template(SqliteFiles(tmp_path_factory.mktemp("sqlite"))) as databases:
        yield databases


@pytest.fixture(scope="session")
def postgresql_databases() -> Iterator[Databases]:
    with postgresql_server() as server:
        if server is None:
            without_postgresql()
        with with_template(server) as databases:
            yield databases


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    for line in untested_on_postgresql(skipped) + untested(skipped):
        terminalreporter.write_line(line, red=True, bold=True)
