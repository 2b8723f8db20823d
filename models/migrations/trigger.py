"""Triggers by which a table only ever grows, on both databases.

Published migrations call these, so they never change: another protection is another pair of functions. Rebuilding a
table in batch mode on SQLite loses its triggers: such a migration calls `refuse_changes` again.
"""

from alembic import op

POSTGRESQL = (
    """CREATE FUNCTION {table}_refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
    """CREATE TRIGGER {table}_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse_change()""",
)
SQLITE = (
    """CREATE TRIGGER {table}_refuse_update BEFORE UPDATE ON {table}
    BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END""",
    """CREATE TRIGGER {table}_refuse_delete BEFORE DELETE ON {table}
    BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END""",
)
POSTGRESQL_UNDO = ("DROP FUNCTION {table}_refuse_change() CASCADE",)
SQLITE_UNDO = ("DROP TRIGGER {table}_refuse_update", "DROP TRIGGER {table}_refuse_delete")


def refuse_changes(table: str) -> None:
    """Refuse UPDATE and DELETE on `table` from now on."""
    _execute(table, POSTGRESQL, SQLITE)


def allow_changes(table: str) -> None:
    """Accept UPDATE and DELETE on `table` again."""
    _execute(table, POSTGRESQL_UNDO, SQLITE_UNDO)


def _execute(table: str, postgresql: tuple[str, ...], sqlite: tuple[str, ...]) -> None:
    on_postgresql = op.get_context().dialect.name == "postgresql"
    for statement in postgresql if on_postgresql else sqlite:
        op.execute(statement.format(table=table))
