"""What the database refuses: errors of two drivers, told apart in one place and by the names of our constraints."""

from typing import Any

from sqlalchemy import ExceptionContext, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

UNIQUE_VIOLATION = "23505"
GAVE_WAY = {"40001", "40P01", "55P03"}
"""PostgreSQL's serialization failure, deadlock and lock not available."""
DATA = "22"
"""The class of PostgreSQL's errors about a value."""
SQLITE_UNIQUE = "UNIQUE constraint failed: "
SQLITE_BUSY = "database is locked"


class Conflict(Exception):
    """Another row already has what the unique constraint `constraint` keeps to one."""

    def __init__(self, constraint: str) -> None:
        super().__init__(f"{constraint} is violated")
        self.constraint = constraint


class Busy(Exception):
    """No lock or connection came free in time, or a deadlock was broken. Nothing was done; it can be tried again."""


def translate(context: ExceptionContext) -> None:
    """Listens to `handle_error`: raises Conflict and Busy for what they stand for; all else stays what it is."""
    error = context.original_exception
    meant = _meaning(error, getattr(error, "driver_exception", None))
    if meant is not None:
        raise meant


def refused(error: Exception, text: str) -> Exception:
    """What a driver's own error is told as. Those that may repeat a value are told by their kind."""
    meant = _meaning(error, error)
    if meant is not None:
        return meant
    code = getattr(error, "sqlstate", None)
    repeats_a_value = isinstance(error, ValueError) or (code or "").startswith(DATA)
    told = DatabaseRefusal(f"{type(error).__name__} {code or ''}".rstrip()) if repeats_a_value else error
    return DBAPIError(text, None, told, hide_parameters=True)


class DatabaseRefusal(Exception):
    """An error of a driver without what it says, which may be a secret."""


def _meaning(error: BaseException, driver_error: Any) -> Busy | Conflict | None:
    code = getattr(error, "sqlstate", None)
    message = str(error)
    if code in GAVE_WAY or message.startswith(SQLITE_BUSY):
        return Busy()
    if code == UNIQUE_VIOLATION:
        return Conflict(driver_error.constraint_name)
    if message.startswith(SQLITE_UNIQUE) and (name := constraint_over(message.removeprefix(SQLITE_UNIQUE))):
        return Conflict(name)
    return None


def constraint_over(columns: str) -> str | None:
    """The name of the unique constraint over just these: SQLite says `session.profile_id, session.created_at`."""
    pairs = [column.partition(".")[::2] for column in columns.split(", ")]
    table = SQLModel.metadata.tables.get(pairs[0][0])
    if table is None:
        return None
    wanted = {name for _, name in pairs}
    keys = [rule for rule in table.constraints if isinstance(rule, UniqueConstraint | PrimaryKeyConstraint)]
    indexes = [index for index in table.indexes if index.unique]
    named = (str(rule.name) for rule in (*keys, *indexes) if {column.name for column in rule.columns} == wanted)
    return next(named, None)
