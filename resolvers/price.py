"""The dated prices that are in force."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Table, bindparam, func, select

from models.column import Instant
from models.context import Context
from models.price import Price


def newest(prices: Table, *keys: ColumnElement[Any]) -> Select[Any]:
    """CAT-4. The newest row that has begun at `now`, for each combination of `keys`, of the first in `wanted`."""
    newest_first = func.row_number().over(partition_by=keys, order_by=prices.c.valid_from.desc()).label("age")
    ranked = (
        select(*keys, prices.c.cents, newest_first)
        .where(
            keys[0].in_(bindparam("wanted", expanding=True)), prices.c.valid_from <= bindparam("now", type_=Instant())
        )
        .subquery()
    )
    *wanted, age = ranked.c
    return select(*wanted).where(age == 1).order_by(*wanted)


async def in_force(context: Context, statement: Select[Any], keys: Sequence[Any]) -> Sequence[Row[Any]]:
    """The rows of `newest` for these keys, at business time."""
    return await context.db.rows(statement, {"wanted": list(keys), "now": await context.db.now()})


async def of_periods(context: Context, statement: Select[Any], keys: Sequence[UUID]) -> list[list[Price]]:
    """For each key the prices of its periods, the month first."""
    prices: dict[UUID, list[Price]] = {key: [] for key in keys}
    for row in await in_force(context, statement, keys):
        prices[row[0]].append(Price(row.period, row.cents))
    return [prices[key] for key in keys]
