"""Column types that mean the same on SQLite and PostgreSQL, names of constraints, and ids."""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from inspect import Signature
from typing import Any, cast
from uuid import UUID

import orjson
import uuid_utils.compat
from sqlalchemy import (
    JSON,
    BigInteger,
    BindParameter,
    Boolean,
    ColumnElement,
    DateTime,
    Dialect,
    String,
    Table,
    Uuid,
    func,
)
from sqlalchemy import Enum as EnumType
from sqlalchemy import cast as cast_to
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import SQLModel

# Here, because every module with a table imports this one first: constraints are named as tables are made.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def table(model: type[SQLModel]) -> Table:
    """The Core table of `model`, for selects of columns."""
    return cast(Table, model.__table__)  # type: ignore[attr-defined]


INSERTS: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""INSERT … ON CONFLICT, by dialect."""


def new_id() -> UUID:
    """A UUID version 7: unique, and sorting by time of creation."""
    return uuid_utils.compat.uuid7()


# Pydantic reads it for every row that is made, to know whether the factory takes a parameter.
setattr(new_id, "__signature__", Signature())  # noqa: B010 - an attribute of a function, which types do not know


class Instant(TypeDecorator[datetime]):
    """An instant. Naive values are refused, what is read is aware and in UTC, on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError("a naive datetime is not an instant")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or value.tzinfo is UTC:
            return value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Email(TypeDecorator[str]):
    """An e-mail address in its one normalised form: lower case, no surrounding space."""

    impl = String(254)
    cache_ok = True

    @property
    def python_type(self) -> type[str]:
        return str

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else normalised_email(value)


class Name(TypeDecorator[str]):
    """A name that is unique and sorted by: compared by code points on every database, whatever its collation."""

    impl = String
    cache_ok = True

    @property
    def python_type(self) -> type[str]:
        return str

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(String(cast(String, self.impl_instance).length, collation=collation))


def normalised_email(address: str) -> str:
    """The form in which addresses are stored and compared."""
    # Not casefold(): it makes one address of straße@ and strasse@, which may belong to two people.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", address.strip()).lower())


def one_of(kind: type[Enum], name: str) -> Any:
    """Text restricted to the values of `kind` by a CHECK named `name`; no native enum, so that values can be added."""
    return EnumType(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=40,
        values_callable=lambda members: [cast(str, member.value) for member in members],
    )


def json_column() -> Any:
    """JSON: text on SQLite, JSONB on PostgreSQL."""
    return JSON().with_variant(JSONB(), "postgresql")


def total(column: ColumnElement[int]) -> ColumnElement[int]:
    """The sum of a column of whole numbers, zero of none: PostgreSQL makes decimals of such sums."""
    return func.coalesce(cast_to(func.sum(column), BigInteger), 0)


class IdArray(TypeDecorator[Sequence[UUID]]):
    """A parameter that holds ids: an array on PostgreSQL, JSON on SQLite, where ids are stored as 32 digits."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(Uuid()) if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: Sequence[UUID] | None, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return list(value or ())
        return orjson.dumps([key.hex for key in value]).decode() if value else "[]"


class among(FunctionElement[bool]):
    """Whether a column is one of the ids of a parameter; its text does not depend on how many there are."""

    type = Boolean()
    inherit_cache = True
    _is_implicitly_boolean = True
    """SQLite would be asked whether it `= 1`, and then use no index."""

    def __init__(self, column: ColumnElement[Any], keys: BindParameter[Any]) -> None:
        super().__init__(column, keys)


class rows_as_json(FunctionElement[Any]):
    """All rows of a select in one value: a list of lists, or nothing where there are no rows."""

    type = JSON()
    inherit_cache = True


@compiles(rows_as_json)
def _rows_as_json(element: Any, compiler: Any, **options: Any) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **options)}))"


@compiles(rows_as_json, "postgresql")
def _rows_as_postgresql_json(element: Any, compiler: Any, **options: Any) -> str:
    return f"json_agg(json_build_array({compiler.process(element.clauses, **options)}))"


@compiles(among)
def _among(element: Any, compiler: Any, **options: Any) -> str:
    column, keys = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({keys}))"  # noqa: S608 - parts that SQLAlchemy made


@compiles(among, "postgresql")
def _among_array(element: Any, compiler: Any, **options: Any) -> str:
    column, keys = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} = ANY ({keys})"


class business_now(FunctionElement[datetime]):
    """Business time in SQL: real time, which is given, and the sandbox offset, of which there is no row elsewhere."""

    type = Instant()
    inherit_cache = True

    def __init__(self, real_now: BindParameter[Any]) -> None:
        super().__init__(real_now)


@compiles(business_now)
def _business_now(element: Any, compiler: Any, **options: Any) -> str:
    (real_now,) = (compiler.process(part, **options) for part in element.clauses)
    seconds = "(SELECT (coalesce(max(microseconds), 0) / 1000000.0) || ' seconds' FROM clock_offset)"
    # Instants are text there, with microseconds; what it computes has milliseconds, and is their last moment.
    return f"strftime('%Y-%m-%d %H:%M:%f', {real_now}, {seconds}) || '999'"


@compiles(business_now, "postgresql")
def _business_now_there(element: Any, compiler: Any, **options: Any) -> str:
    (real_now,) = (compiler.process(part, **options) for part in element.clauses)
    offset = "(SELECT coalesce(max(microseconds), 0) FROM clock_offset) * INTERVAL '1 microsecond'"
    return f"(CAST({real_now} AS TIMESTAMP WITH TIME ZONE) + {offset})"
