"""Which SQLite library the process uses; imported before anything that imports `sqlite3`.

Between 3.7.0 and 3.51.2 SQLite can corrupt a WAL database when a checkpoint races with a WAL reset, and the library
that comes with Python is older than the fix nearly everywhere. aiosqlite cannot be told which library to use: it says
`import sqlite3`. So a newer library, where it is installed, takes that name before aiosqlite is imported; where it
is not, databases run without WAL, which is slower and safe.
"""

import sys
from types import ModuleType

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
