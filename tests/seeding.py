"""The demo's rows, seeded once by each worker and for each kind of database: every other test gets a copy of them."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import func, select

from app.demo import seed
from app.passwords import HashingPool
from models.column import table
from models.db import Database, Db, async_url
from models.plan import Plan
from models.profile import Profile
from tests.database import MAY_DO_WITHOUT_TRIGGERS, START, Databases, PostgresqlServer, connect

KEPT: dict[Databases, Path | None] = {}
"""Where the rows of a kind of database are: in a file, or in the database itself."""
KEEP = """
    DO $$
    DECLARE name text;
    DECLARE any_rows boolean;
    BEGIN
        CREATE SCHEMA seeded;
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
            EXECUTE format('SELECT EXISTS (SELECT 1 FROM public.%I)', name) INTO any_rows;
            IF any_rows THEN
                EXECUTE format('CREATE TABLE seeded.%I AS TABLE public.%I', name, name);
            END IF;
        END LOOP;
    END $$
"""
COPY = """
    DO $$
    DECLARE name text;
    BEGIN
        PERFORM set_config('session_replication_role', 'replica', true);
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'seeded' LOOP
            EXECUTE format('INSERT INTO public.%I SELECT * FROM seeded.%I', name, name);
        END LOOP;
    END $$
"""
"""Whatever order the tables come in: nothing is looked at that refers to them."""


async def seeded(databases: Databases, database: Database, passwords: HashingPool) -> None:
    """Fill a database as `seed` does at the start of the tests' clock."""
    if database.clock.now() != START or not await _is_empty(database):
        await seed(database, passwords)
    elif databases not in KEPT:
        await seed(database, passwords)
        await _keep(databases, database)
    else:
        await _copy(databases, database)


async def _is_empty(database: Database) -> bool:
    profiles, plans = select(func.count(table(Profile).c.id)), select(func.count(table(Plan).c.id))
    async with Db(database) as db:
        return [(await db.rows(count))[0][0] for count in (profiles, plans)] == [0, 0]


async def _keep(databases: Databases, database: Database) -> None:
    if isinstance(databases, PostgresqlServer):
        connection = await connect(database.url)
        try:
            if await connection.fetchval(MAY_DO_WITHOUT_TRIGGERS):
                await connection.execute(KEEP)
                KEPT[databases] = None
        finally:
            await connection.close()
        return
    path = Path(str(async_url(databases.template).database)).with_suffix(".seeded")
    with closing(sqlite3.connect(str(database.url.database))) as there, closing(sqlite3.connect(path)) as here:
        there.backup(here)
    KEPT[databases] = path


async def _copy(databases: Databases, database: Database) -> None:
    path = KEPT[databases]
    if path is None:
        connection = await connect(database.url)
        try:
            await connection.execute(COPY)
        finally:
            await connection.close()
        return
    with closing(sqlite3.connect(path)) as here, closing(sqlite3.connect(str(database.url.database))) as there:
        here.backup(there)
