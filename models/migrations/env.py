"""Runs migrations on the connection that it is given, inside that connection's transaction (see app/migration.py)."""

from collections.abc import Iterable
from typing import Any, Literal

from alembic import context
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation
from alembic.operations.ops import CreateTableOp, MigrationScript
from alembic.runtime.migration import MigrationContext
from sqlalchemy import JSON
from sqlalchemy.types import TypeDecorator

from models.column import Name
from models.tables import APPEND_ONLY, MUTABLE_COLUMNS, metadata


class Protect(MigrateOperation):
    """In a drafted migration, the line that calls `verb` of trigger.py for `table`."""

    def __init__(self, verb: str, table: str, columns: Iterable[str] = ()) -> None:
        self.verb = verb
        self.arguments = table, *columns


@renderers.dispatch_for(Protect)
def render_protection(rendering: AutogenContext, operation: Protect) -> str:
    rendering.imports.add(f"from models.migrations.trigger import {operation.verb}")
    arguments = ", ".join(f'"{argument}"' for argument in operation.arguments)
    return f"{operation.verb}({arguments})"


def render_item(kind: str, item: Any, rendering: AutogenContext) -> str | Literal[False]:
    """Our column types as what they are in the database: migrations outlive the code that they were written beside."""
    if kind == "type" and isinstance(item, Name):
        text = f"sa.{item.impl_instance!r}"
        return f'{text}.with_variant({text[:-1]}, collation="C"), "postgresql")'
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    if kind == "type" and isinstance(item, JSON):
        rendering.imports.add("from sqlalchemy.dialects import postgresql")
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


def complete(_context: MigrationContext, _revision: Any, scripts: list[MigrationScript]) -> None:
    """Protect new tables that only grow, and columns that stay; write no migration where nothing differs."""
    for script in scripts:
        upgrade, downgrade = script.upgrade_ops_list[0], script.downgrade_ops_list[0]
        for name in _new_tables(upgrade.ops):
            if name in APPEND_ONLY:
                upgrade.ops.append(Protect("refuse_changes", name))
                downgrade.ops.insert(0, Protect("allow_changes", name))
            if name in MUTABLE_COLUMNS:
                upgrade.ops.append(Protect("keep_columns", name, _kept(name)))
                downgrade.ops.insert(0, Protect("let_columns", name))
    scripts[:] = [script for script in scripts if not script.upgrade_ops_list[0].is_empty()]


def _kept(name: str) -> list[str]:
    return [column.name for column in metadata.tables[name].columns if column.name not in MUTABLE_COLUMNS[name]]


def _new_tables(operations: Iterable[object]) -> list[str]:
    return [operation.table_name for operation in operations if isinstance(operation, CreateTableOp)]


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    render_item=render_item,
    process_revision_directives=complete,
)
context.run_migrations()
