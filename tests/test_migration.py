import ast
import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Enum, Uuid, bindparam, inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.migration import VERSIONS, BrokenReferences, current, downgrade, draft, head, is_at_head, upgrade
from models import tables
from models.clock import FrozenClock
from models.db import Database, Db
from tests.test_db import DONE, Thing

MODELS = Path(tables.__file__).parent


@pytest.fixture
async def unmigrated(database_url: str, clock: FrozenClock) -> AsyncIterator[Database]:
    """A database without tables."""
    made = Database(database_url, clock=clock, sandbox=False)
    yield made
    await made.close()


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """The migrations in a folder of their own, to which a test may add."""
    copied = shutil.copytree(VERSIONS, tmp_path / "versions", ignore=shutil.ignore_patterns("__pycache__"))
    return Path(copied)


def add_migration(versions: Path, *steps: str) -> None:
    """One more migration, which does `steps`."""
    body = "".join(f"    {step}\n" for step in steps)
    (versions / "9999_next.py").write_text(
        f"import sqlalchemy as sa\nfrom alembic import op\n\n"
        f"revision = '9999'\ndown_revision = {head()!r}\n\ndef upgrade():\n{body}\ndef downgrade():\n    pass\n",
        "utf-8",
    )


@pytest.fixture
async def database(database_url: str, clock: FrozenClock) -> AsyncIterator[Database]:
    """A database at head that is nobody else's: what is tested here changes its tables."""
    made = Database(database_url, clock=clock, sandbox=True)
    await upgrade(made)
    yield made
    await made.close()


async def seen(database: Database, look: Any) -> Any:
    """What `look` finds in the database, given a synchronous connection."""
    async with database.reading() as connection:
        return await connection.run_sync(look)


async def table_names(database: Database) -> set[str]:
    return set(await seen(database, lambda connection: inspect(connection).get_table_names()))


# Up and down


async def test_a_database_goes_up_down_and_up_again(unmigrated: Database) -> None:
    assert (await current(unmigrated), await is_at_head(unmigrated)) == (None, False)
    await upgrade(unmigrated)
    assert (await current(unmigrated), await is_at_head(unmigrated)) == (head(), True)
    assert await table_names(unmigrated) == {*tables.metadata.tables, "alembic_version"}
    await downgrade(unmigrated, "base")
    assert await table_names(unmigrated) == {"alembic_version"}
    assert await current(unmigrated) is None
    await upgrade(unmigrated)
    assert await is_at_head(unmigrated)


async def test_nothing_is_left_at_the_base(unmigrated: Database) -> None:
    await upgrade(unmigrated)
    await downgrade(unmigrated, "base")
    left = {
        "sqlite": "SELECT name FROM sqlite_master WHERE tbl_name <> 'alembic_version'",
        "postgresql": "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    }
    async with Db(unmigrated) as db:
        assert await db.rows(text(left[unmigrated.dialect])) == []


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    await upgrade(database)
    assert await is_at_head(database)


async def test_two_migrators_at_once_both_succeed(unmigrated: Database) -> None:
    await asyncio.gather(*(upgrade(unmigrated) for _ in range(2)))
    assert await is_at_head(unmigrated)


# Rows that were there


SERVERS_BEFORE = (
    "INSERT INTO profile (id, email, password_hash, password_changed_at, kind, locale, created_at, street_lines)"
    " VALUES (:owner, 'ada@example.com', '-', :now, 'COMPANY', 'EN', :now, '[]')",
    "INSERT INTO service_level (id, code, response_minutes, repair_minutes, availability_hundredths)"
    " VALUES (:level, 'level', 1, 1, 1)",
    *(
        "INSERT INTO plan (id, code, position, kind, service_level_id, name_en, name_fr, disk_gigabytes,"
        " memory_megabytes, cpu_thousandths, backup_days, free, available, urgent_tickets, committed_months,"
        " uncommitted_surcharge_percent, restrictions_en, restrictions_fr)"
        f" VALUES (:{code}, '{code}', {position}, '{kind}', :level, '-', '-', 1, 1, 1, 1, false, true, false, 0, 0,"
        " '[]', '[]')"
        for position, (code, kind) in enumerate(
            (("small", "PUBLIC_CLOUD"), ("gold", "GOLD"), ("dedicated", "DEDICATED"), ("dearer", "DEDICATED"))
        )
    ),
    *(
        "INSERT INTO server (id, owner_id, name, status, created_at, cpu, disks, memory_megabytes,"
        f" traffic_gigabytes, options) VALUES (:{name}, :owner, '{name}', 'ACTIVE', :now, '-', '-', 1, 1, '[]')"
        for name in ("running", "ended", "without")
    ),
    *(
        "INSERT INTO subscription (id, owner_id, server_id, plan_id, period, price_cents, anchor, period_start,"
        " period_end, status, renews, created_at, quantity, discounts, ended_on)"
        f" VALUES (:{key}, :owner, :{server}, :{plan}, 'YEARLY', 1, '{year}-01-01', '{year}-01-01', '{year + 1}-01-01',"
        f" '{status}', true, :now, 1, '[]', {on})"
        for key, server, plan, year, status, on in (
            ("first", "running", "dearer", 2025, "ENDED", "'2026-01-01'"),
            ("second", "running", "gold", 2026, "ACTIVE", "NULL"),
            ("third", "ended", "dedicated", 2024, "ENDED", "'2025-01-01'"),
            ("fourth", "ended", "dearer", 2025, "ENDED", "'2026-01-01'"),
        )
    ),
)


async def test_servers_get_the_plan_of_what_runs_for_them(unmigrated: Database) -> None:
    """CAT-1. Else of what ran last, else the first dedicated one."""
    await upgrade(unmigrated, "0009")
    words = sorted({word for statement in SERVERS_BEFORE for word in re.findall(r":(\w+)", statement)} - {"now"})
    keys = {word: UUID(int=number) for number, word in enumerate(words, 1)}
    async with unmigrated.writing() as connection:
        for statement in SERVERS_BEFORE:
            given = {name: value for name, value in keys.items() if re.search(rf":{name}\b", statement)}
            typed = [bindparam(name, type_=Uuid()) for name in given]
            text_of = statement.replace(":now", "CURRENT_TIMESTAMP")
            await connection.execute(text(text_of).bindparams(*typed), given)
    await upgrade(unmigrated)
    async with Db(unmigrated) as db:
        found = text("SELECT s.name, p.code FROM server s JOIN plan p ON p.id = s.plan_id ORDER BY s.name")
        assert [tuple(row) for row in await db.rows(found)] == [
            ("ended", "dearer"),
            ("running", "gold"),
            ("without", "dedicated"),
        ]
    await downgrade(unmigrated, "0009")
    await upgrade(unmigrated)


# What fails


async def test_a_migration_that_fails_leaves_nothing_behind(unmigrated: Database, versions: Path) -> None:
    add_migration(versions, "op.create_table('half', sa.Column('id', sa.Integer()))", "raise ZeroDivisionError")
    with pytest.raises(ZeroDivisionError):
        await upgrade(unmigrated, versions=versions)
    assert await table_names(unmigrated) == set()


async def test_a_migration_that_fails_leaves_the_revision_before(database: Database, versions: Path) -> None:
    add_migration(versions, "op.add_column('profile', sa.Column('half', sa.Integer()))", "op.execute('nonsense')")
    with pytest.raises(DBAPIError):
        await upgrade(database, versions=versions)
    assert await current(database) == head()
    columns = await seen(database, lambda connection: inspect(connection).get_columns("profile"))
    assert "half" not in [column["name"] for column in columns]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_migration_that_breaks_references_is_undone(database: Database, versions: Path) -> None:
    orphan = (
        "INSERT INTO session (id, profile_id, method, secret_hash, ip_address, created_at, last_seen_at, expires_at,"
        " access_expires_at) VALUES ('1', 'nobody', 'COOKIE', '-', '-', '2026', '2026', '2026', '2026')"
    )
    add_migration(versions, f'op.execute("{orphan}")')
    with pytest.raises(BrokenReferences):
        await upgrade(database, versions=versions)
    assert await current(database) == head()


async def test_rebuilding_a_table_keeps_the_rows_that_refer_to_it(database: Database, versions: Path) -> None:
    """SQLite rebuilds it to change it, and with foreign keys on, dropping the old one deletes its children."""
    rows = (
        "INSERT INTO profile (id, email, password_hash, password_changed_at, kind, locale, created_at, street_lines)"
        " VALUES (:id, 'ada@example.com', '-', '2026-11-22', 'COMPANY', 'EN', '2026-11-22', '[]')",
        "INSERT INTO session (id, profile_id, method, secret_hash, ip_address, created_at, last_seen_at, expires_at,"
        " access_expires_at) VALUES (:id, :id, 'COOKIE', '-', '-', '2026-11-22', '2026-11-22', '2026-11-22',"
        " '2026-11-22')",
    )
    plain = {"id": "0" * 32}
    async with database.writing() as connection:
        for row in rows:
            cast_row = row if database.is_sqlite else row.replace(":id", "CAST(CAST(:id AS text) AS uuid)")
            dated = cast_row.replace("'2026-11-22'", "CURRENT_TIMESTAMP")
            await connection.execute(text(dated), plain)
    add_migration(
        versions, "with op.batch_alter_table('profile') as table:", "    table.alter_column('city', type_=sa.Text())"
    )
    await upgrade(database, versions=versions)
    async with Db(database) as db:
        assert len(await db.rows(text("SELECT id FROM session"))) == 1


# Models and migrations


async def test_models_and_migrations_agree(database: Database) -> None:
    def differences(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), tables.metadata))

    assert await seen(database, differences) == []


async def test_enums_and_checks_have_the_same_values(database: Database) -> None:
    """The comparison above does not look into CHECK constraints."""

    def checks(connection: Connection) -> dict[str, set[str]]:
        return {
            str(check["name"]): set(re.findall(r"'(\w+)'", check["sqltext"]))
            for name in tables.metadata.tables
            for check in inspect(connection).get_check_constraints(name)
        }

    in_models = {
        f"ck_{table.name}_{column.type.name}": set(column.type.enums)
        for table in tables.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Enum)
    }
    in_database = await seen(database, checks)
    assert in_models
    assert {name: in_database.get(name) for name in in_models} == in_models


def test_every_module_with_a_table_is_registered() -> None:
    def has_table(path: Path) -> bool:
        classes = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ClassDef)]
        return any(keyword.arg == "table" for found in classes for keyword in found.keywords)

    assert {module.__name__ for module in tables.MODULES} == {
        f"models.{path.stem}" for path in MODELS.glob("*.py") if has_table(path)
    }


@pytest.mark.parametrize("path", sorted(VERSIONS.glob("[0-9]*.py")), ids=lambda path: path.stem)
def test_migrations_import_nothing_that_will_have_changed(path: Path) -> None:
    imported = re.findall(r"^\s*(?:from|import) (\S+)", path.read_text("utf-8"), re.MULTILINE)
    ours = [name for name in imported if name.partition(".")[0] in ("models", "app", "schema", "resolvers", "engine")]
    assert set(ours) <= {"models.migrations.trigger"}


# Append-only tables


async def check_facts_stay(database: Database) -> None:
    """Neither UPDATE nor DELETE gets at facts."""
    facts = tables.metadata.tables["activity_event"]
    async with Db(database) as db:
        async with db.write() as write:
            write.record.happened(DONE, Thing())
        before = await db.rows(facts.select())
        assert len(before) == 1
        for change in (facts.update().values(kind="test.undone"), facts.delete()):
            with pytest.raises(IntegrityError, match="append-only"):
                await db.note(change)
        assert await db.rows(facts.select()) == before


async def test_facts_are_never_changed_or_deleted(database: Database) -> None:
    await check_facts_stay(database)


async def test_every_append_only_table_has_its_triggers(database: Database) -> None:
    names = {
        "sqlite": "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%refuse_update'",
        "postgresql": "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%refuse_change'",
    }
    async with Db(database) as db:
        found = {name for (name,) in await db.rows(text(names[database.dialect]))}
    assert found | tables.LET_ERASE == tables.APPEND_ONLY


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_facts_are_not_truncated(database: Database) -> None:
    with pytest.raises(IntegrityError, match="append-only"):
        await Db(database).note(text("TRUNCATE activity_event CASCADE"))


# Drafting


async def test_nothing_is_drafted_where_nothing_differs(versions: Path) -> None:
    assert await draft("nothing", versions=versions) is None


async def test_a_draft_from_nothing_makes_what_the_models_have(unmigrated: Database, tmp_path: Path) -> None:
    drafted = await draft("all tables", versions=tmp_path)
    assert drafted is not None
    assert drafted.name == "0001_all_tables.py"
    await upgrade(unmigrated, versions=tmp_path)
    assert await table_names(unmigrated) == {*tables.metadata.tables, "alembic_version"}
    await check_facts_stay(unmigrated)
