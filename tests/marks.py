"""Rows of customers who have nothing to do with each other, every text in them a mark that says whose it is.

Tables, columns and how they refer to each other are found: from the metadata, and from what the schema declares. What
cannot be guessed of a column stands in `FORMS`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import JSON, Column, Table, UniqueConstraint, insert, select
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from engine.bind import Bound
from engine.declare import One, Reference
from engine.shape import target_of
from models.activity import ACTIONS
from models.column import Email
from models.db import Database, Db
from models.tables import metadata
from tests.database import START

CUSTOMERS = (1, 2, 3)
NOBODY = 0
"""Whose the marks of secrets are: the owner of the row may not see them either."""
ROWS = 4
"""Of each table and customer, where there may be several."""
HERE = "127.0.0.0/8"
MARK = re.compile(r"qx[0-9]\d{4}vz|2001:db8:[0-9]:[0-9a-f]+::/64")
GLOBAL_ID = re.compile(r"[A-Za-z0-9_-]{24,}")


class Place(NamedTuple):
    """What a mark was written into."""

    table: str
    column: str


class Mark(NamedTuple):
    owner: int
    place: Place


class Of(NamedTuple):
    """A row to be made: the how manieth of which customer's."""

    customer: int
    number: int


FORMS: dict[Place, Callable[[Of], Any]] = {
    Place("activity_event", "kind"): lambda of: sorted(ACTIONS)[of.number % len(ACTIONS)],
    Place("profile", "email_verified_at"): lambda of: START,
    Place("profile", "two_factor_since"): lambda of: START,
}
"""Columns whose values have to be what they are."""


def owned_tables() -> list[Table]:
    """The tables whose rows belong to somebody, those referred to first."""
    found: list[Table] = []
    for each in metadata.sorted_tables:
        referred = {key.column.table for column in each.c for key in column.foreign_keys}
        if each.name == "profile" or "owner_id" in each.c or referred.intersection(found):
            found.append(each)
    return found


def references(bound: Bound) -> tuple[dict[Place, str], dict[Place, str]]:
    """The tables that columns refer to; and for columns that name a type, the column of its id."""
    tables: dict[Place, str] = {}
    types: dict[Place, str] = {}
    for each in metadata.sorted_tables:
        for column in each.c:
            tables |= {Place(each.name, column.name): key.column.table.name for key in column.foreign_keys}
    for shape in bound.shapes.values():
        for name, declared in shape.fields.items():
            what = declared.what
            if shape.source and isinstance(what, Reference):
                types[Place(shape.source.table.name, what.type_name)] = what.id
            if shape.source and isinstance(what, One) and what.select is None and isinstance(what.key, str):
                target = bound.shapes[what.kind or target_of(cast(Any, bound.graphql.type_map[shape.name]), name)]
                if target.source:
                    tables.setdefault(Place(shape.source.table.name, what.key), target.source.table.name)
    return tables, types


@dataclass
class Marked:
    """What was made: rows by table, and the marks in them."""

    bound: Bound
    marks: dict[str, Mark] = field(default_factory=dict)
    rows: dict[str, list[tuple[int, dict[str, Any]]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tables = {each.name: each for each in owned_tables()}
        self.models = {mapper.local_table.name: mapper.class_ for mapper in cast(Any, SQLModel)._sa_registry.mappers}
        self.refers, self.types = references(self.bound)
        self.kinds = sorted(
            (shape.name, shape.source.table.name)
            for shape in self.bound.shapes.values()
            if shape.source and shape.source.table.name in self.tables
        )
        self.others: dict[str, Any] = {}
        """Of each table whose rows are nobody's, the key of the first row."""

    async def fill(self, database: Database) -> None:
        """Write the rows of all customers."""
        async with Db(database) as db:
            for each in metadata.sorted_tables:
                if each.name not in self.tables and "id" in each.c:
                    first = await db.first(select(each.c.id).limit(1))
                    self.others[each.name] = first[0] if first else None
        async with database.writing() as connection:
            for each in self.tables.values():
                self.rows[each.name] = list(self._made(each))
                await connection.execute(insert(each), [row for _, row in self.rows[each.name]])

    def key(self, table: str, of: Of) -> UUID:
        """The id of a row; of a table whose rows are one for each customer, there is no other."""
        number = of.number % self.count(self.tables[table])
        place = list(self.tables).index(table) + 1
        return UUID(f"0190cafe-{place:04x}-7{of.customer:03x}-8000-{number:012x}")

    def count(self, table: Table) -> int:
        """How many rows a customer has."""
        together: list[Any] = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
        together += [each for each in table.indexes if each.unique]
        unique = [set(each.columns.keys()) for each in together]
        keys = {column.name for column in table.c if self.refers.get(Place(table.name, column.name)) == "profile"}
        return 1 if table.name == "profile" or any(each and each <= keys for each in unique) else ROWS

    def _made(self, table: Table) -> Iterator[tuple[int, dict[str, Any]]]:
        for customer in CUSTOMERS:
            for number in range(self.count(table)):
                of = Of(customer, number)
                yield customer, {column.name: self._value(table.name, column, of) for column in table.c}

    def _value(self, table: str, column: Column[Any], of: Of) -> Any:
        place = Place(table, column.name)
        if place in FORMS:
            return FORMS[place](of)
        kind: type = str if isinstance(column.type, AutoString) else column.type.python_type
        if column.primary_key and kind is UUID and not column.foreign_keys:
            return self.key(table, of)
        if place in self.types:
            return self._subject(of)[0]
        if kind is UUID:
            return self._reference(place, of)
        if issubclass(kind, Enum):
            return list(kind)[of.number % len(kind)]
        if issubclass(kind, date):
            return None if column.nullable else self._instant(column.name, of, kind)
        if isinstance(column.type, JSON) or kind in (dict, list):
            return self._json(place, of)
        if kind is str:
            return self._text(place, column, of)
        default = getattr(column.default, "arg", None)
        return None if column.nullable else of.number % 2 if default is None or callable(default) else default

    def _subject(self, of: Of) -> tuple[str, UUID]:
        kind, table = self.kinds[of.number % len(self.kinds)]
        return kind, self.key(table, of)

    def _reference(self, place: Place, of: Of) -> Any:
        if place.column in [column for (table, _), column in self.types.items() if table == place.table]:
            return self._subject(of)[1]
        stem = place.column.removesuffix("_id")
        target = self.refers.get(place) or ("profile" if stem in ("owner", "actor") else stem)
        if target == place.table or target not in self.tables:
            return self.others.get(target)
        return self.key(target, of)

    def _instant(self, name: str, of: Of, kind: type) -> Any:
        later = any(word in name for word in ("expires", "until", "due"))
        instant = START + (timedelta(days=365) if later else -timedelta(hours=of.number + 1))
        return instant if kind is datetime else instant.date()

    def _json(self, place: Place, of: Of) -> Any:
        if "allowlist" in place.column or "networks" in place.column:
            return [HERE, self.network(place, of)]
        annotation = str(self.models[place.table].model_fields[place.column].annotation)
        marks = [self.mark(place, of), self.mark(place, of)]
        return marks if annotation.startswith("list") else {"note": marks}

    def _text(self, place: Place, column: Column[Any], of: Of) -> Any:
        if isinstance(column.type, Email):
            return f"{self.mark(place, of)}@canary.test"
        length = getattr(column.type, "length", None)
        if length is not None and length < len("qx10000vz"):
            return None if column.nullable else "FR"[:length]
        return self.mark(place, of)

    def mark(self, place: Place, of: Of) -> str:
        """A new mark; of a secret, which shows in no repr, it is nobody's."""
        shown = self.models[place.table].model_fields[place.column].repr
        return self._kept(f"qx{of.customer}{len(self.marks):04d}vz", Mark(of.customer if shown else NOBODY, place))

    def network(self, place: Place, of: Of) -> str:
        """A mark where a network is wanted."""
        return self._kept(f"2001:db8:{of.customer}:{len(self.marks) + 1:x}::/64", Mark(of.customer, place))

    def _kept(self, text: str, mark: Mark) -> str:
        self.marks[text] = mark
        return text

    def found(self, text: str) -> set[Mark]:
        """The marks in a text, whatever case it is in, and the ids of rows."""
        texts = {*MARK.findall(text.lower()), *GLOBAL_ID.findall(text)}
        return {self.marks[each] for each in texts if each in self.marks}
