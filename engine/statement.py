"""Statements: a relation's select, completed with the columns, keys, gate and page that a plan needs of it.

Built from declarations alone, once for each shape of a request, and executed by whoever plans. Keys are one array
parameter, `keys`, so that the text of a statement does not depend on how many there are; a page of one has its `key`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Integer, Select, String, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from engine.declare import Order, Paged, Source
from engine.page import PageRequest, beyond

KEY, KEYS = "key", "keys"
LIMIT = "page_limit"
PLACE = "page_place"
"""What no column of a table is called."""
Arguments = tuple[tuple[str, Any], ...]
"""What a relation's select is called with, as a key."""


class PageLayout(NamedTuple):
    """What of a page is in the text of its statement; sizes and places are parameters."""

    after: bool = False
    before: bool = False
    backwards: bool = False
    single: bool = True
    """For one key; the index then ends the search."""
    order: tuple[Order, ...] = ()
    """Another one than the usual order of the connection."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A select whose rows are (key, *columns), and how its parameters are given."""

    select: Select[Any]
    dialect: str

    def parameters(
        self, keys: Sequence[Any], bindings: Mapping[str, Any], page: PageRequest | None = None
    ) -> dict[str, Any]:
        """Values of the parameters: the keys in the database's form, those of the gate, and those of the page."""
        given = {**bindings, KEY: keys[0], KEYS: array(keys, self.dialect)}
        if page is not None:
            given[LIMIT] = page.size + 1
            for name, place in (("after", page.after), ("before", page.before)):
                given |= {f"{name}_{index}": value for index, value in enumerate(place or ())}
        return given


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


def being(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """The rows whose column is the parameter `key`: a page of them is read from an index, in its order.

    Of one of several, even of a single one, PostgreSQL would read and sort all rows that there are.
    """
    return column == bindparam(KEY, type_=column.type)


@lru_cache(maxsize=1024)
def by_id(source: Source, columns: tuple[str, ...], dialect: str) -> Statement:
    """The objects whose ids are given, as far as the caller may know them."""
    return Statement(_rows(select(source.table.c.id), source, columns, among(source.table.c.id, dialect)), dialect)


@lru_cache(maxsize=1024)
def related(
    relation: Callable[..., Select[Any]], arguments: Arguments, source: Source, columns: tuple[str, ...], dialect: str
) -> Statement:
    """Every object of a relation for the given keys, in the order of its select."""
    base = relation(**dict(arguments))
    return Statement(_rows(base, source, columns, among(parent_key(base), dialect)), dialect)


@lru_cache(maxsize=1024)
def counted(relation: Paged, arguments: Arguments, source: Source, dialect: str) -> Statement:
    """(key, how many) for the keys that have any."""
    base = relation.select(**dict(arguments))
    key = parent_key(base)
    counting = base.with_only_columns(key.label("parent_key"), func.count(), maintain_column_froms=True)
    return Statement(_gated(counting, source).where(among(key, dialect)).group_by(key), dialect)


@lru_cache(maxsize=1024)
def paged(
    relation: Paged,
    arguments: Arguments,
    source: Source,
    columns: tuple[str, ...],
    dialect: str,
    layout: PageLayout,
) -> Statement:
    """A page for each key, and one row more where there is one."""
    base = relation.select(**dict(arguments))
    key, order = parent_key(base), layout.order or relation.order
    rows = _rows(base, source, columns, being(key) if layout.single else among(key, dialect))
    for name, there, following in (("after", layout.after, True), ("before", layout.before, False)):
        if there:
            rows = rows.where(beyond(order, source.table, name, following=following))
    ordering = [
        source.table.c[part.column].desc() if part.descending is not layout.backwards else source.table.c[part.column]
        for part in order
    ]
    limit = bindparam(LIMIT, type_=Integer())
    if layout.single:
        return Statement(rows.order_by(*ordering).limit(limit), dialect)
    position = func.row_number().over(partition_by=key, order_by=ordering).label(PLACE)
    *wanted, place = rows.add_columns(position).subquery().c
    return Statement(select(*wanted).where(place <= limit).order_by(wanted[0], place), dialect)


def _rows(base: Select[Any], source: Source, columns: Sequence[str], which: ColumnElement[bool]) -> Select[Any]:
    chosen = base.with_only_columns(
        parent_key(base).label("parent_key"), *(source.table.c[name] for name in columns), maintain_column_froms=True
    )
    return _gated(chosen, source).where(which)


def parent_key(base: Select[Any]) -> ColumnElement[Any]:
    """The first column of a relation's select."""
    return base.selected_columns[0]


def _gated(statement: Select[Any], source: Source) -> Select[Any]:
    if source.only is not None:
        statement = statement.where(source.only)
    if source.gate is None:
        return statement
    return statement.where(source.gate.rows(source.subject_of(source.table.c.__getitem__)))
