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
KEEP_POSTGRESQL = (
    """CREATE FUNCTION {table}_keep_columns() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        IF TG_OP = 'UPDATE' THEN
            IF ({before}) IS NOT DISTINCT FROM ({after}) THEN RETURN NEW; END IF;
        END IF;
        RAISE EXCEPTION '{table} is immutable' USING ERRCODE = 'integrity_constraint_violation';
    END $$""",
    """CREATE TRIGGER {table}_keep_columns BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {table}_keep_columns()""",
    """CREATE TRIGGER {table}_keep_rows BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_keep_columns()""",
)
KEEP_SQLITE = (
    """CREATE TRIGGER {table}_keep_columns BEFORE UPDATE OF {columns} ON {table}
    BEGIN SELECT RAISE(ABORT, '{table} is immutable'); END""",
    """CREATE TRIGGER {table}_keep_rows BEFORE DELETE ON {table}
    BEGIN SELECT RAISE(ABORT, '{table} is immutable'); END""",
)
KEEP_POSTGRESQL_UNDO = ("DROP FUNCTION {table}_keep_columns() CASCADE",)
KEEP_SQLITE_UNDO = ("DROP TRIGGER {table}_keep_columns", "DROP TRIGGER {table}_keep_rows")
POSTGRESQL_UNDO = ("DROP FUNCTION {table}_refuse_change() CASCADE",)
SQLITE_UNDO = ("DROP TRIGGER {table}_refuse_update", "DROP TRIGGER {table}_refuse_delete")

ERASING = "EXISTS (SELECT 1 FROM erasure WHERE erased_at IS NULL"
ERASE_POSTGRESQL = (
    f"""CREATE FUNCTION {{table}}_let_erase() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        IF TG_OP = 'DELETE' THEN
            IF {ERASING} AND owner_id = OLD.owner_id) THEN RETURN OLD; END IF;
        ELSIF TG_OP = 'UPDATE' THEN
            IF {ERASING}) AND ({{before}}) IS NOT DISTINCT FROM ({{after}}) THEN RETURN NEW; END IF;
        END IF;
        RAISE EXCEPTION '{{table}} is append-only' USING ERRCODE = 'integrity_constraint_violation';
    END $$""",
    """CREATE TRIGGER {table}_let_erase BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {table}_let_erase()""",
    """CREATE TRIGGER {table}_keep_rows BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_let_erase()""",
)
ERASE_SQLITE = (
    f"""CREATE TRIGGER {{table}}_let_erase BEFORE DELETE ON {{table}}
    WHEN NOT {ERASING} AND owner_id = OLD.owner_id)
    BEGIN SELECT RAISE(ABORT, '{{table}} is append-only'); END""",
    f"""CREATE TRIGGER {{table}}_let_blank BEFORE UPDATE ON {{table}} WHEN NOT {ERASING})
    BEGIN SELECT RAISE(ABORT, '{{table}} is append-only'); END""",
    """CREATE TRIGGER {table}_keep_columns BEFORE UPDATE OF {columns} ON {table}
    BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END""",
)
ERASE_POSTGRESQL_UNDO = ("DROP FUNCTION {table}_let_erase() CASCADE",)
ERASE_SQLITE_UNDO = (
    "DROP TRIGGER {table}_let_erase",
    "DROP TRIGGER {table}_let_blank",
    "DROP TRIGGER {table}_keep_columns",
)


def refuse_changes(table: str) -> None:
    """Refuse UPDATE and DELETE on `table` from now on."""
    _execute(table, POSTGRESQL, SQLITE)


def allow_changes(table: str) -> None:
    """Accept UPDATE and DELETE on `table` again."""
    _execute(table, POSTGRESQL_UNDO, SQLITE_UNDO)


def keep_columns(table: str, *columns: str) -> None:
    """Refuse DELETE on `table`, and UPDATE of these columns, from now on."""
    _execute(table, KEEP_POSTGRESQL, KEEP_SQLITE, columns)


def let_columns(table: str) -> None:
    """Accept DELETE on `table`, and UPDATE of any column, again."""
    _execute(table, KEEP_POSTGRESQL_UNDO, KEEP_SQLITE_UNDO)


def let_erase(table: str, *columns: str) -> None:
    """Refuse UPDATE and DELETE on `table` from now on, but to what erases a person: its rows of an owner who is being
    erased go, and of others what is not among these columns changes, while anybody is.
    """
    _execute(table, ERASE_POSTGRESQL, ERASE_SQLITE, columns)


def let_nothing_more(table: str) -> None:
    """Take the triggers of `let_erase` away."""
    _execute(table, ERASE_POSTGRESQL_UNDO, ERASE_SQLITE_UNDO)


def _execute(table: str, postgresql: tuple[str, ...], sqlite: tuple[str, ...], columns: tuple[str, ...] = ()) -> None:
    on_postgresql = op.get_context().dialect.name == "postgresql"
    parts = {
        "columns": ", ".join(columns),
        "before": ", ".join(f"OLD.{column}" for column in columns),
        "after": ", ".join(f"NEW.{column}" for column in columns),
    }
    for statement in postgresql if on_postgresql else sqlite:
        op.execute(statement.format(table=table, **parts))
