"""What is compiled once and asked directly is what SQLAlchemy would have answered."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Numeric, bindparam, cast, func, literal, null, select
from sqlalchemy import types as kinds

from models.column import new_id, table
from models.db import Database, Db
from models.prepared import compiled
from models.profile import Profile, ProfileKind
from models.tables import metadata
from tests.api import Api
from tests.database import START

PROFILES = table(Profile)


def example(kind: Any) -> Any:
    """A value of a column's type that is not the simplest one."""
    if isinstance(kind, kinds.Enum):
        return list(kind.enum_class)[-1] if kind.enum_class else kind.enums[-1]
    values: dict[type, Any] = {
        str: "âge “1”",
        bool: True,
        int: 2**40 if isinstance(kind, kinds.BigInteger) else 7,
        UUID: new_id(),
        datetime: datetime(2026, 7, 1, 1, 30, 15, 123456, tzinfo=UTC),
        date: START.date(),
        dict: {"a": [1, None, "é"]},
    }
    return values[str if kind.python_type is object else kind.python_type]


async def same(db: Db, statement: Any, **parameters: Any) -> list[tuple[Any, ...]]:
    """The rows of both ways, which are the same in value and in kind."""
    expected = [tuple(row) for row in await db.rows(statement, parameters)]
    found = [tuple(row) for row in await db.read(db.database.prepared(statement), parameters)]
    assert found == expected
    assert [list(map(type, row)) for row in found] == [list(map(type, row)) for row in expected]
    return found


@pytest.mark.parametrize("name", sorted(metadata.tables))
async def test_values_of_every_column_go_in_and_come_out(database: Database, name: str) -> None:
    columns = metadata.tables[name].c
    given = {f"{column.name}_given": example(column.type) for column in columns}
    back = select(*(bindparam(f"{column.name}_given", type_=column.type).label(column.name) for column in columns))
    fixed = select(*(literal(example(column.type), column.type).label(column.name) for column in columns))
    nulls = select(*(cast(null(), column.type).label(column.name) for column in columns))
    async with Db(database) as db:
        assert await same(db, back, **given) == [tuple(given.values())]
        assert await same(db, back, **dict.fromkeys(given)) == [(None,) * len(given)]
        assert len(await same(db, fixed)) == 1
        assert await same(db, nulls) == [(None,) * len(given)]


async def test_rows_of_every_table_are_the_same(api: Api) -> None:
    counted = 0
    async with Db(api.database) as db:
        for each in metadata.sorted_tables:
            counted += len(await same(db, select(each)))
    assert counted > 50


async def test_parameters_may_come_again_and_beside_fixed_values(api: Api) -> None:
    wanted = bindparam("wanted", type_=PROFILES.c.created_at.type)
    statement = (
        select(PROFILES.c.email, func.count().over())
        .where(PROFILES.c.created_at >= wanted, PROFILES.c.kind.in_(list(ProfileKind)), PROFILES.c.created_at <= wanted)
        .order_by(PROFILES.c.id)
        .limit(2)
    )
    async with Db(api.database) as db:
        (at,) = await db.rows(select(func.max(PROFILES.c.created_at)))
        assert await same(db, statement, wanted=at[0])


async def test_numbers_with_decimals_are_the_same(database: Database) -> None:
    half = literal(7, Numeric(12, 2)) / 2
    async with Db(database) as db:
        assert len(await same(db, select(cast(half, Numeric(12, 2)), func.avg(literal(3)), func.sum(literal(4))))) == 1


async def test_a_value_that_is_missing_is_told(database: Database) -> None:
    prepared = compiled(select(PROFILES.c.id).where(PROFILES.c.email == bindparam("email")), database.readers.dialect)
    assert prepared.names == ("email",)
    with pytest.raises(KeyError):
        prepared.values({})


async def test_a_text_that_depends_on_values_is_refused(database: Database) -> None:
    listed = select(PROFILES.c.id).where(PROFILES.c.email.in_(bindparam("emails", expanding=True)))
    with pytest.raises(TypeError, match="emails"):
        compiled(listed, database.readers.dialect)


async def test_a_select_is_compiled_once(database: Database) -> None:
    statement = select(PROFILES.c.id)
    assert database.prepared(statement) is database.prepared(statement)
