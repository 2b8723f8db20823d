"""SQLite: which library the process uses, and how connections behave. Imported before anything that imports `sqlite3`.

Between 3.7.0 and 3.51.2 SQLite can corrupt a WAL database when a checkpoint races with a WAL reset, and the library
that comes with Python is older than the fix nearly everywhere. aiosqlite cannot be told which library to use: it says
`import sqlite3`. So a newer library, where it is installed, takes that name before aiosqlite is imported; where it
is not, databases run without WAL, which is safe, and slower: a writer waits until readers are done.
"""

import asyncio
import sys
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType
from typing import Any

WAL_RESET_FIXED = (3, 51, 3)


def _preferred() -> ModuleType:
    import sqlite3

    if sqlite3.sqlite_version_info >= WAL_RESET_FIXED:
        return sqlite3
    try:
        import pysqlite3
    except ImportError:  # No wheel for this platform: the standard library's stays, and WAL is not used.
        return sqlite3
    newer: ModuleType = pysqlite3
    if newer.sqlite_version_info < WAL_RESET_FIXED or "aiosqlite" in sys.modules:
        return sqlite3
    sys.modules["sqlite3"] = newer
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2
    return newer


library = _preferred()
version: tuple[int, int, int] = library.sqlite_version_info
wal_is_safe: bool = version >= WAL_RESET_FIXED
journal_mode = "WAL" if wal_is_safe else "DELETE"
"""The best that is safe with this library."""
BUSY, INTERRUPTED = 5, 9
"""SQLITE_BUSY and SQLITE_INTERRUPT; the second byte of a code tells more of it."""


def settings(
    *, wait: timedelta, journal: str = journal_mode, read_only: bool = False, foreign_keys: bool = True
) -> Callable[[Any, Any], None]:
    """What every new connection is told. `wait` is for a lock that another process holds."""
    pragmas = (
        "synchronous=FULL",  # NORMAL loses acknowledged commits when the power fails.
        f"foreign_keys={'ON' if foreign_keys else 'OFF'}",
        "recursive_triggers=ON",  # Else INSERT OR REPLACE deletes rows past the triggers that forbid it.
        f"query_only={'ON' if read_only else 'OFF'}",
    )

    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # Transactions are begun by us: the driver begins none for a SELECT.
        cursor = connection.cursor()
        try:
            cursor.execute(f"PRAGMA busy_timeout={wait // timedelta(milliseconds=1)}")
            _set_journal_mode(connection, cursor, journal)
            for pragma in pragmas:
                cursor.execute(f"PRAGMA {pragma}")
        finally:
            cursor.close()

    return prepare


def _set_journal_mode(connection: Any, cursor: Any, journal: str) -> None:
    """Connections that change the mode of a new file at once are not made to wait for each other: one has to yield."""
    for tries_left in reversed(range(100)):
        try:
            cursor.execute(f"PRAGMA journal_mode={journal}")
        except library.OperationalError:
            if not tries_left:
                raise
            connection.run_async(lambda _driver: asyncio.sleep(10 / 1000))
        else:
            return


def was_interrupted(error: Exception) -> bool:
    """The statement took longer than its connection allows."""
    return _code(error) == INTERRUPTED


def could_not_wait(error: Exception) -> bool:
    """The statement was interrupted, or met a lock."""
    return _code(error) in (BUSY, INTERRUPTED)


def _code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
