"""Selects whose rows are locked: in which order, and made once where they are used again and again."""

from typing import TypeVar

from sqlalchemy import Select, inspect
from sqlmodel import SQLModel

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
