"""What a write transaction asks again and again: selects whose rows are locked, and rows that are only added."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import Insert, Select, insert, inspect
from sqlmodel import SQLModel

from models.column import table

T = TypeVar("T", bound=SQLModel)
LOCKS = "locks"
"""The execution option of a select that locks already."""


def locking(statement: Select[T]) -> Select[T]:
    """`statement` with locks on its rows, which are read as they are now.

    Where the statement leaves their order open they are locked in the order of their keys, so that two transactions
    that want the same rows queue instead of holding each other up.
    """
    if LOCKS in statement.get_execution_options():
        return statement
    entity = statement.column_descriptions[0]["entity"]
    in_order = statement.order_by(*inspect(entity).selectable.primary_key)
    # NO KEY UPDATE excludes other lockers and writers, and lets rows that only refer to these be inserted.
    locked = in_order.with_for_update(of=entity, key_share=True)
    return locked.execution_options(populate_existing=True, **{LOCKS: True})


def inserting(rows: Sequence[SQLModel]) -> Iterator[tuple[Insert, Sequence[Mapping[str, Any]]]]:
    """The statements that add these rows in their order: one for those of a table that follow each other."""
    for model, of_model in groupby(rows, key=type):
        statement, names = _into(model)
        yield statement, [{name: vars(row)[name] for name in names} for row in of_model]


@cache
def _into(model: type[SQLModel]) -> tuple[Insert, Sequence[str]]:
    into = table(model)
    return insert(into), tuple(column.name for column in into.columns)
