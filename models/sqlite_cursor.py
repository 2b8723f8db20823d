"""SQLite: a statement, its rows and its end in one trip to the thread of its connection.

SQLAlchemy makes a cursor, executes, fetches and closes in a trip each: on a busy machine the trips cost more than what
is done at their end.
"""

from collections import deque
from typing import Any, NamedTuple

from models import sqlite  # isort: skip - before anything that imports sqlite3

import aiosqlite
from sqlalchemy.dialects.sqlite import aiosqlite as dialect
from sqlalchemy.util.concurrency import await_


class Told(NamedTuple):
    """What a statement answered."""

    description: Any
    rowcount: int
    lastrowid: int
    rows: list[Any]


class OneTripCursor(dialect.AsyncAdapt_aiosqlite_cursor):
    """A cursor that is not there before its statement, nor after it."""

    __slots__ = ("_told", "arraysize")
    _awaitable_cursor_close = False  # There is nothing to close.

    def __init__(self, adapt_connection: Any) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._rows = deque()
        self._told = Told(None, -1, 0, [])
        self.arraysize = 1

    @property
    def description(self) -> Any:
        return self._told.description

    @property
    def rowcount(self) -> int:
        return self._told.rowcount

    @property
    def lastrowid(self) -> int:
        return self._told.lastrowid

    def close(self) -> None:
        self._rows.clear()

    def execute(self, operation: Any, parameters: Any = None) -> None:
        self._trip(_executed, operation, () if parameters is None else parameters)

    def executemany(self, operation: Any, seq_of_parameters: Any) -> None:
        self._trip(_executed_many, operation, seq_of_parameters)

    def _trip(self, run: Any, operation: Any, parameters: Any) -> None:
        driver: Any = self._connection
        try:
            self._told = await_(driver._execute(run, driver._conn, operation, parameters))
        except Exception as error:
            self._adapt_connection._handle_exception(error)
        self._rows = deque(self._told.rows)


def _executed(connection: Any, operation: str, parameters: Any) -> Told:
    cursor = connection.cursor()
    try:
        cursor.execute(operation, parameters)
        rows = cursor.fetchall() if cursor.description else []
        return Told(cursor.description, cursor.rowcount, cursor.lastrowid, rows)
    finally:
        cursor.close()


def _executed_many(connection: Any, operation: str, parameters: Any) -> Told:
    cursor = connection.cursor()
    try:
        cursor.executemany(operation, parameters)
        return Told(cursor.description, cursor.rowcount, cursor.lastrowid, [])
    finally:
        cursor.close()


class OneTripConnection(dialect.AsyncAdapt_aiosqlite_connection):
    """A connection whose statements take one trip each."""

    __slots__ = ()
    _cursor_cls = OneTripCursor

    def rollback(self) -> None:
        """A pool ends whatever may be open of a connection that it is given back: mostly nothing is."""
        if self._connection.in_transaction:
            super().rollback()


class OneTripDriver(dialect.AsyncAdapt_aiosqlite_dbapi):
    """The driver as SQLAlchemy is given it."""

    def connect(self, *arg: Any, **kw: Any) -> OneTripConnection:
        made = super().connect(*arg, **kw)
        return OneTripConnection(self, made._connection)


def driver() -> OneTripDriver:
    """aiosqlite over the library that this process uses."""
    return OneTripDriver(aiosqlite, sqlite.library)
