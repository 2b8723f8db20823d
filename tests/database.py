"""Where tests get their databases: fresh for each test and migrated, a copy of a template made once by each worker.

PostgreSQL is the server that `ESPACE_TEST_DATABASE_URL` names, else one that listens on this machine, else one started
for the tests from what is installed.
"""

import asyncio
import getpass
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import asyncpg
import pytest
from sqlalchemy import DDL
from sqlalchemy.engine import URL

from app.migration import upgrade
from models.clock import FrozenClock
from models.db import Database, async_url

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NO_POSTGRESQL = "there is no PostgreSQL"
NUMBERS = itertools.count(1)
EVERYBODY_OUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
EMPTY_EVERY_TABLE = """
    DO $$
    DECLARE tables text[] := ARRAY(
        SELECT format('%I', tablename) FROM pg_tables
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    );
    DECLARE name text;
    BEGIN
        FOREACH name IN ARRAY tables LOOP EXECUTE 'ALTER TABLE ' || name || ' DISABLE TRIGGER USER'; END LOOP;
        EXECUTE 'TRUNCATE ' || array_to_string(tables, ', ');
        FOREACH name IN ARRAY tables LOOP EXECUTE 'ALTER TABLE ' || name || ' ENABLE TRIGGER USER'; END LOOP;
    END $$
"""
"""Past the triggers that keep rows for ever."""
DELETE_ALL_ROWS = """
    DO $$
    DECLARE name text;
    BEGIN
        PERFORM set_config('session_replication_role', 'replica', true);
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
            EXECUTE format('DELETE FROM public.%I', name);
        END LOOP;
    END $$
"""
"""The same, by whoever may do without triggers; much faster than to make some forty new files, while rows are few."""
LARGEST = """
    SELECT max(pg_relation_size(format('public.%I', tablename)::regclass)) < 1000000
    FROM pg_tables WHERE schemaname = 'public'
"""
MAY_DO_WITHOUT_TRIGGERS = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"


def ddl(statement: str) -> DDL:
    """What changes tables or triggers, whose names cannot be bound."""
    return DDL(statement)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class SqliteFiles:
    """Databases as files of `folder`."""

    folder: Path
    template: str = ""
    """Address of a database at head."""

    @asynccontextmanager
    async def empty(self) -> AsyncIterator[str]:
        """Address of a file that is not there yet."""
        yield f"sqlite:///{self.folder}/{next(NUMBERS)}.db"

    @asynccontextmanager
    async def migrated(self) -> AsyncIterator[str]:
        """Address of a database at head."""
        async with self.empty() as url:
            shutil.copyfile(str(async_url(self.template).database), str(async_url(url).database))
            yield url


@dataclass(frozen=True)
class PostgresqlServer:
    """Databases on the server that `url` leads to, dropped after use."""

    url: URL
    template: str = ""
    """Address of a database at head."""

    @asynccontextmanager
    async def empty(self) -> AsyncIterator[str]:
        """Address of a database without tables."""
        name = f"espace_test_{os.getpid()}_{next(NUMBERS)}"
        await self._run(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield self.url.set(database=name).render_as_string(hide_password=False)
        finally:
            await self._run(f"DROP DATABASE {name} WITH (FORCE)")

    @asynccontextmanager
    async def migrated(self) -> AsyncIterator[str]:
        """Address of the database at head, emptied of what the last test left: a copy for each takes much longer."""
        connection = await connect(async_url(self.template))
        try:
            await connection.execute(EVERYBODY_OUT)
            few = await connection.fetchval(LARGEST) and await connection.fetchval(MAY_DO_WITHOUT_TRIGGERS)
            await connection.execute(DELETE_ALL_ROWS if few else EMPTY_EVERY_TABLE)
        finally:
            await connection.close()
        yield self.template

    async def _run(self, statement: str) -> None:
        connection = await connect(self.url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


Databases = SqliteFiles | PostgresqlServer


@contextmanager
def with_template(databases: Databases) -> Iterator[Databases]:
    """The same databases, with a template for those that are migrated."""
    with asyncio.Runner() as runner:
        empty = databases.empty()
        url = runner.run(empty.__aenter__())
        try:
            runner.run(_migrate(url))
            yield replace(databases, template=url)
        finally:
            runner.run(empty.__aexit__(None, None, None))


async def _migrate(url: str) -> None:
    database = Database(url, clock=FrozenClock(START), sandbox=False)
    await upgrade(database)
    await database.close()


@contextmanager
def postgresql_server() -> Iterator[PostgresqlServer | None]:
    """The server to test on; None where there is none and none can be started."""
    if named := os.environ.get("ESPACE_TEST_DATABASE_URL"):
        yield PostgresqlServer(async_url(named))
        return
    for user in dict.fromkeys((getpass.getuser(), "postgres", "root")):
        url = URL.create("postgresql+asyncpg", username=user, host="127.0.0.1", port=5432, database="postgres")
        if asyncio.run(may_create(url)):
            yield PostgresqlServer(url)
            return
    programs = installed_programs()
    if programs is None:
        yield None
        return
    with started_server(programs) as url:
        yield PostgresqlServer(url)


async def may_create(url: URL) -> bool:
    """Whether a server answers and lets us in to create databases."""
    try:
        connection = await connect(url)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    try:
        return bool(
            await connection.fetchval(
                "SELECT rolcreatedb OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user"
            )
        )
    finally:
        await connection.close()


async def connect(url: URL) -> asyncpg.Connection:
    return await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False), timeout=5)


def installed_programs() -> Path | None:
    """The folder of initdb and pg_ctl, the newest where there are several."""
    found = shutil.which("pg_ctl")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: folder.parent.name, reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@contextmanager
def started_server(programs: Path) -> Iterator[URL]:
    """A server of our own on a socket in a temporary folder, with nothing to lose: it never waits for the disk."""
    with tempfile.TemporaryDirectory(prefix="espace-", ignore_cleanup_errors=True) as folder:
        user = None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root.
            user = "nobody"
            shutil.chown(folder, user)

        def run(program: str, *arguments: str) -> None:
            command = [str(programs / program), *arguments]
            subprocess.run(command, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)

        data = f"{folder}/data"
        options = f"-k {folder} -c listen_addresses= -c fsync=off -c full_page_writes=off"
        run("initdb", "-D", data, "-U", "espace", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        run("pg_ctl", "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield URL.create("postgresql+asyncpg", username="espace", database="postgres", query={"host": folder})
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")


def without_postgresql() -> NoReturn:
    """Skip the test; where CI promises a server, fail it."""
    if os.environ.get("CI"):
        pytest.fail(NO_POSTGRESQL)
    pytest.skip(NO_POSTGRESQL)


def untested_on_postgresql(reports: list[pytest.TestReport]) -> list[str]:
    """The lines that the summary ends with, where tests were skipped for want of a server."""
    skipped = [report.nodeid.partition("::")[0] for report in reports if NO_POSTGRESQL in str(report.longrepr)]
    if not skipped:
        return []
    files = ", ".join(sorted(set(skipped)))
    return [
        f"NOT TESTED ON POSTGRESQL, {len(skipped)} tests of {files}:",
        "no server answers at 127.0.0.1:5432 and none is installed; ESPACE_TEST_DATABASE_URL names one elsewhere.",
    ]


def untested(reports: list[pytest.TestReport]) -> list[str]:
    """The line of every other test that was skipped for want of something."""
    reasons = (str(report.longrepr).partition("NOT TESTED: ")[1:] for report in reports)
    return sorted({"".join(reason).rstrip("')") for reason in reasons if reason[0]})
