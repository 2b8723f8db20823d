"""Plans: those on sale, and what they cost."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, literal, select

from models.column import table
from models.context import Context
from models.plan import Plan, PlanKind, PlanPrice
from models.price import Price
from resolvers.price import newest, of_periods

CATALOG = "catalog"
"""What everything on sale belongs to: the key of its lists."""
PLANS = table(Plan)
PRICES = table(PlanPrice)
IN_FORCE = newest(PRICES, PRICES.c.plan_id, PRICES.c.period)


def on_sale(*, kind: PlanKind | None = None) -> Select[Any]:
    """The plans on sale, of one family where it is named."""
    plans = select(literal(CATALOG)).select_from(PLANS).where(PLANS.c.available)
    if kind is not None:
        plans = plans.where(PLANS.c.kind == kind)
    return plans.order_by(PLANS.c.position, PLANS.c.id)


async def prices(context: Context, keys: Sequence[UUID]) -> list[list[Price]]:
    """CAT-4. For each plan its prices that are in force."""
    return await of_periods(context, IN_FORCE, keys)
