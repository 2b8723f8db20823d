"""Statements: a relation's select, completed with the columns, keys, gate and page that a plan needs of it.

Built from declarations alone and executed by whoever plans. Keys are one array parameter, `keys`, so that the text of
a statement does not depend on how many there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Select, String, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from engine.declare import Order, Source
from engine.page import PageRequest, beyond

KEYS = "keys"


@dataclass(frozen=True, slots=True)
class Statement:
    """A select whose rows are (key, *columns), and how its parameters are given."""

    select: Select[Any]
    dialect: str

    def parameters(self, keys: Sequence[Any], bindings: Mapping[str, Any]) -> dict[str, Any]:
        """Values of the parameters: the keys in the database's form, and those of the gate."""
        return {**bindings, KEYS: array(keys, self.dialect)}


def array(keys: Sequence[Any], dialect: str) -> Any:
    """Keys as one parameter: an array on PostgreSQL, JSON on SQLite, where ids are stored as 32 digits."""
    if dialect == "postgresql":
        return list(keys)
    return orjson.dumps([key.hex if isinstance(key, UUID) else key for key in keys]).decode()


def among(column: ColumnElement[Any], dialect: str) -> ColumnElement[bool]:
    """The rows whose column is one of the parameter `keys`."""
    if dialect == "postgresql":
        return column == any_(bindparam(KEYS, type_=ARRAY(column.type)))
    members = func.json_each(bindparam(KEYS, type_=String())).table_valued("value")
    return column.in_(select(members.c.value))


@lru_cache(maxsize=1024)
def by_id(source: Source, columns: tuple[str, ...], dialect: str) -> Statement:
    """The objects whose ids are given, as far as the caller may know them."""
    return related(select(source.table.c.id), source, columns, dialect)


def related(base: Select[Any], source: Source, columns: Sequence[str], dialect: str) -> Statement:
    """Every object of a relation for the given keys, in the order of its select."""
    key = parent_key(base)
    chosen = base.with_only_columns(
        key.label("parent_key"), *(source.table.c[name] for name in columns), maintain_column_froms=True
    )
    return Statement(_gated(chosen, source).where(among(key, dialect)), dialect)


def counted(base: Select[Any], source: Source, dialect: str) -> Statement:
    """(key, how many) for the keys that have any."""
    key = parent_key(base)
    counting = base.with_only_columns(key.label("parent_key"), func.count(), maintain_column_froms=True)
    return Statement(_gated(counting, source).where(among(key, dialect)).group_by(key), dialect)


def paged(
    base: Select[Any],
    source: Source,
    columns: Sequence[str],
    dialect: str,
    *,
    order: Sequence[Order],
    page: PageRequest,
    single: bool,
) -> Statement:
    """A page for each key, and one row more where there is one. For a single key the index ends the search."""
    rows = related(base, source, columns, dialect).select
    for place, following in ((page.after, True), (page.before, False)):
        if place is not None:
            rows = rows.where(beyond(order, source.table, place, following=following))
    ordering = [
        source.table.c[part.column].desc() if part.descending is not page.backwards else source.table.c[part.column]
        for part in order
    ]
    if single:
        return Statement(rows.order_by(*ordering).limit(page.size + 1), dialect)
    position = func.row_number().over(partition_by=parent_key(base), order_by=ordering).label("position")
    numbered = rows.add_columns(position).subquery()
    *wanted, place_in_page = numbered.c
    return Statement(select(*wanted).where(place_in_page <= page.size + 1).order_by(wanted[0], place_in_page), dialect)


def parent_key(base: Select[Any]) -> ColumnElement[Any]:
    """The first column of a relation's select."""
    return base.selected_columns[0]


def _gated(statement: Select[Any], source: Source) -> Select[Any]:
    if source.only is not None:
        statement = statement.where(source.only)
    if source.gate is None:
        return statement
    return statement.where(source.gate.rows(tuple(source.table.c[name] for name in source.subject)))
