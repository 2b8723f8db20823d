"""Migrations: bring a database to a revision, say where it is, draft the next one. Serving never migrates.

One upgrade is one transaction, whatever it runs through: where it fails nothing is left behind. A second migrator
waits for the first and then finds nothing to do.
"""

import re
import tempfile
from argparse import Namespace
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from models import sqlite
from models.clock import RealClock
from models.db import Database

FOLDER = Path(__file__).parent.parent / "models" / "migrations"
VERSIONS = FOLDER / "versions"
QUEUE = 7_237_412_033
"""Key of the advisory lock that one migrator holds."""
PATIENCE = timedelta(minutes=5)
"""How long a migrator waits for another one on SQLite."""


class BrokenReferences(Exception):
    """A migration left rows whose foreign keys lead nowhere; it was undone."""


async def upgrade(database: Database, revision: str = "head", *, versions: Path = VERSIONS) -> None:
    """Migrate up to `revision`; the folder of a new SQLite file is made."""
    await _in_one_transaction(database, lambda config: command.upgrade(config, revision), versions)


async def downgrade(database: Database, revision: str, *, versions: Path = VERSIONS) -> None:
    """Migrate down to `revision`; "base" is before the first."""
    await _in_one_transaction(database, lambda config: command.downgrade(config, revision), versions)


async def current(database: Database) -> str | None:
    """The revision that the database is at; None when it was never migrated."""
    async with database.reading() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


async def is_at_head(database: Database) -> bool:
    """Whether this code and the database belong together."""
    return await current(database) == head()


@cache
def head(versions: Path = VERSIONS) -> str | None:
    """The last revision that this code knows."""
    return ScriptDirectory.from_config(_config(versions)).get_current_head()


async def draft(message: str, *, versions: Path = VERSIONS) -> Path | None:
    """Write the next version file, from what the models have and the migrations do not; None where they agree.

    What was drafted is read by a human before it is committed.
    """
    known = _numbered(versions)

    def revise(config: Config) -> None:
        _tidy(config)
        command.revision(config, message, autogenerate=True, rev_id=f"{len(known) + 1:04}")

    with tempfile.TemporaryDirectory() as folder:
        scratch = Database(f"sqlite:///{folder}/scratch.db", clock=RealClock(), sandbox=False)
        await upgrade(scratch, versions=versions)
        await _in_one_transaction(scratch, revise, versions)
        await scratch.close()
    head.cache_clear()
    return next((_without_remarks(path) for path in _numbered(versions) - known), None)


def _numbered(versions: Path) -> set[Path]:
    return set(versions.glob("[0-9]*.py"))


def _tidy(config: Config) -> None:
    """Have what is generated put into our layout."""
    steps = {"imports": "check --fix --select I", "layout": "format"}
    config.set_section_option("post_write_hooks", "hooks", ",".join(steps))
    for name, arguments in steps.items():
        options = {"type": "module", "module": "ruff", "options": f"{arguments} --quiet REVISION_SCRIPT_FILENAME"}
        for option, value in options.items():
            config.set_section_option("post_write_hooks", f"{name}.{option}", value)


def _without_remarks(path: Path) -> Path:
    """The generator says in each function that it generated it."""
    lines = path.read_text("utf-8").splitlines(keepends=True)
    text = "".join(line for line in lines if not line.lstrip().startswith("# ###"))
    path.write_text(re.sub(r"\n{4,}", "\n\n\n", text), "utf-8")
    return path


async def _in_one_transaction(database: Database, work: Callable[[Config], None], versions: Path) -> None:
    def run(connection: Connection) -> None:
        config = _config(versions)
        config.attributes["connection"] = connection
        work(config)
        if database.is_sqlite and connection.execute(text("PRAGMA foreign_key_check")).first():
            raise BrokenReferences("a migration left rows whose foreign keys lead nowhere")

    engine = _engine(database)
    try:
        async with engine.begin() as connection:
            if not database.is_sqlite:
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": QUEUE})
                # A table that is in use holds everybody up who comes after a migration that waits for it.
                await connection.execute(text("SET LOCAL lock_timeout = '10s'"))
            await connection.run_sync(run)
    finally:
        await engine.dispose()


def _engine(database: Database) -> AsyncEngine:
    """One connection, without the limits of requests. On SQLite tables are rebuilt, so foreign keys are off."""
    engine = create_async_engine(database.url, poolclass=NullPool)
    if database.is_sqlite:

        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        prepare = sqlite.settings(wait=PATIENCE, journal=database.journal, foreign_keys=False)
        event.listen(engine.sync_engine, "connect", prepare)
        event.listen(engine.sync_engine, "begin", begin)
    return engine


def _config(versions: Path) -> Config:
    config = Config(cmd_opts=Namespace(quiet=True))
    locations = {
        "script_location": FOLDER,
        "version_locations": versions,
        "path_separator": "newline",
        "file_template": "%(rev)s_%(slug)s",
    }
    for name, value in locations.items():
        config.set_main_option(name, str(value).replace("%", "%%"))
    return config
