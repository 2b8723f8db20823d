import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models import sqlite
from models.conflict import Busy
from models.db import Database, Db
from tests.test_db import create, like


@pytest.fixture
def backend() -> str:
    return "sqlite"


async def answer(database: Database, question: str) -> object:
    """What a connection that writes says of itself."""
    async with database.writing() as connection:
        return (await connection.execute(text(question))).scalar()


async def test_wal_is_used_only_where_the_library_cannot_corrupt_it(database: Database) -> None:
    expected = "wal" if sqlite.version >= (3, 51, 3) else "delete"
    assert await answer(database, "PRAGMA journal_mode") == expected


def test_an_old_library_is_not_trusted_with_wal() -> None:
    program = (
        "import sqlite3, sys; sqlite3.sqlite_version_info = (3, 40, 1); sys.modules['pysqlite3'] = None\n"
        "from models import sqlite; print(sqlite.wal_is_safe, sqlite.journal_mode)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "DELETE"]


async def test_what_was_acknowledged_survives_a_power_cut(database: Database) -> None:
    full = 2
    assert await answer(database, "PRAGMA synchronous") == full


async def test_foreign_keys_are_enforced(database: Database) -> None:
    assert await answer(database, "PRAGMA foreign_keys") == 1


async def test_a_lock_of_another_process_is_waited_for(database: Database) -> None:
    assert await answer(database, "PRAGMA busy_timeout") == 10_000


async def test_the_drivers_library_is_the_chosen_one(database: Database) -> None:
    async with database.reading() as connection:
        found = (await connection.execute(text("SELECT sqlite_version()"))).scalar_one()
    assert found == ".".join(map(str, sqlite.version))


async def test_the_folder_of_the_file_is_made(database: Database, tmp_path: Path) -> None:
    made = Database(f"sqlite:///{tmp_path}/new/folder/espace.db", clock=database.clock, sandbox=False)
    assert await answer(made, "PRAGMA user_version") == 0
    await made.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file::memory:?cache=shared&uri=true"])
def test_a_database_in_memory_is_refused(database: Database, url: str) -> None:
    with pytest.raises(ValueError, match="works on a file"):
        Database(url, clock=database.clock, sandbox=False)


async def test_a_replacing_insert_does_not_get_past_the_triggers(database: Database) -> None:
    insert = (
        "INSERT OR REPLACE INTO activity_event (id, kind, occurred_at, recorded_at, owner_id, subject_type, subject_id,"
        " channel, facts, changes)"
        " VALUES ('1', :kind, '2026-11-22', '2026-11-22', '2', 'Test', '2', 'SYSTEM', '{}', '{}')"
    )
    async with database.writing() as connection:
        await connection.execute(text(insert), {"kind": "first"})
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.writing() as connection:
            await connection.execute(text(insert), {"kind": "second"})


async def test_a_writer_outside_the_process_makes_busy_after_the_wait(database: Database) -> None:
    impatient = Database(
        database.url.render_as_string(), clock=database.clock, sandbox=False, lock_timeout=timedelta(milliseconds=50)
    )
    async with database.writing():
        with pytest.raises(Busy):
            async with impatient.writing():
                pytest.fail("two writers at once")
    await impatient.close()


async def test_a_commit_that_readers_hold_up_leaves_nothing_behind(database: Database) -> None:
    """Without WAL it waits for who reads. The next writer begins anew."""
    plain = like(database, journal="DELETE", lock_timeout=timedelta(milliseconds=50))
    async with plain.reading() as reader:
        await reader.execute(text("SELECT email FROM profile"))
        with pytest.raises(Busy):
            await create(Db(plain), "lost@example.com")
    await create(Db(plain), "kept@example.com")
    assert await Db(plain).fetch("SELECT email FROM profile", ()) == [("kept@example.com",)]
    await plain.close()
