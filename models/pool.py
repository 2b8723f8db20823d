"""Pools of connections: what each driver is told when it connects."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from models import sqlite, sqlite_cursor  # isort: skip - before anything that imports sqlite3

import orjson
from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from models.conflict import translate


def sqlite_engine(url: URL, *, wait: timedelta, journal: str, read_only: bool = False, **options: Any) -> AsyncEngine:
    """Connections to an SQLite file, in a folder that is made where it is missing."""
    Path(str(url.database)).absolute().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = _engine(url, module=sqlite_cursor.driver(), connect_args={"cached_statements": 500}, **options)
    begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"

    def begin_transaction(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        if not driver.in_transaction:  # What was asked directly may have begun it.
            connection.exec_driver_sql(begin)

    event.listen(engine.sync_engine, "connect", sqlite.settings(wait=wait, journal=journal, read_only=read_only))
    event.listen(engine.sync_engine, "begin", begin_transaction)
    return engine


def postgresql_engine(
    url: URL, limits: Mapping[str, timedelta], *, read_only: bool = False, **options: Any
) -> AsyncEngine:
    """Connections to PostgreSQL. Those that only read have no transactions: a select is one round trip."""
    settings = {name: str(limit // timedelta(milliseconds=1)) for name, limit in limits.items()}
    settings |= {"application_name": "espace", "jit": "off", "timezone": "UTC"}
    if read_only:
        settings["default_transaction_read_only"] = "on"
        options["isolation_level"] = "AUTOCOMMIT"
    arguments = {
        "server_settings": settings,
        "timeout": 10,
        "prepared_statement_cache_size": 500,  # SQLAlchemy's; the driver's own follow, for what is asked directly.
        "statement_cache_size": 500,
        "max_cached_statement_lifetime": 0,
        "max_cacheable_statement_size": 0,
    }
    engine = _engine(url, connect_args=arguments, **options)
    setattr(engine.sync_engine.dialect, "do_ping", _answers)  # noqa: B010 - a method, as types see it
    return engine


def _answers(connection: Any) -> bool:
    """Whether the server is still there, in one round trip: SQLAlchemy makes a transaction of it, which takes three."""
    try:
        connection.run_async(lambda driver: driver.execute("SELECT 1"))
    except Exception as error:
        connection._handle_exception(error)
    return True


def _engine(url: URL, **options: Any) -> AsyncEngine:
    """Errors name no parameters: they may be secrets, and errors are logged."""
    engine = create_async_engine(
        url, hide_parameters=True, json_serializer=_json, json_deserializer=orjson.loads, **options
    )
    event.listen(engine.sync_engine, "handle_error", translate)
    return engine


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z).decode()
