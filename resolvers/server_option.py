"""Options of servers, those that are sold no more included."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, literal, select

from models.column import table
from models.context import Context
from models.price import Price
from models.server_option import ServerOption, ServerOptionPrice
from resolvers.plan import CATALOG
from resolvers.price import newest, of_periods

OPTIONS = table(ServerOption)
PRICES = table(ServerOptionPrice)
IN_FORCE = newest(PRICES, PRICES.c.server_option_id, PRICES.c.period)


def known() -> Select[Any]:
    """CAT-3. Every option."""
    return select(literal(CATALOG)).select_from(OPTIONS).order_by(OPTIONS.c.position, OPTIONS.c.id)


async def prices(context: Context, keys: Sequence[UUID]) -> list[list[Price]]:
    """CAT-4. For each option its prices that are in force."""
    return await of_periods(context, IN_FORCE, keys)
