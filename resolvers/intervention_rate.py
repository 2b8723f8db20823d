"""Rates of interventions, and the single amounts beside them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, literal, select

from models.column import table
from models.context import Context
from models.fee import Fee, FeePrice
from models.intervention_rate import InterventionPrice, InterventionRate
from models.money import Money
from models.plan import PlanKind
from resolvers.plan import CATALOG
from resolvers.price import in_force, newest

RATES = table(InterventionRate)
PRICES = table(InterventionPrice)
FEES = table(FeePrice)
IN_FORCE = newest(PRICES, PRICES.c.intervention_rate_id, PRICES.c.kind)
FEES_IN_FORCE = newest(FEES, FEES.c.fee)


def offered() -> Select[Any]:
    """CAT-2. The rates of what is done."""
    rates = select(literal(CATALOG)).select_from(RATES).where(RATES.c.available)
    return rates.order_by(RATES.c.position, RATES.c.id)


async def dedicated(context: Context, keys: Sequence[UUID]) -> list[Money | None]:
    """CAT-2. The price of each rate on a dedicated server."""
    return await _on(PlanKind.DEDICATED, context, keys)


async def gold(context: Context, keys: Sequence[UUID]) -> list[Money | None]:
    """CAT-2. The price of each rate on a gold server."""
    return await _on(PlanKind.GOLD, context, keys)


async def _on(kind: PlanKind, context: Context, keys: Sequence[UUID]) -> list[Money | None]:
    found = {row[0]: Money(row.cents) for row in await in_force(context, IN_FORCE, keys) if row.kind is kind}
    return [found.get(key) for key in keys]


async def fees(context: Context, keys: Sequence[Fee]) -> list[Money | None]:
    """Single amounts as they are now; None before the catalogue was loaded."""
    found = {row.fee: Money(row.cents) for row in await in_force(context, FEES_IN_FORCE, keys)}
    return [found.get(key) for key in keys]
