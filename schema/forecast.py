"""BIL-4. Charges to come."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import strawberry

from engine.declare import Batch, declare
from engine.error import BAD_USER_INPUT, FieldRefused
from models.context import Context
from resolvers import forecast as acts
from schema.directive import Cost
from schema.invoice_line import TaxedMoney
from schema.money import Money

USUAL, MOST = 12, 24
"""Months."""


@strawberry.type(description="One month to come.")
class ForecastMonth:
    month: date = strawberry.field(description="First day.")
    charge: TaxedMoney = strawberry.field(description="What will be invoiced.")
    balance_after: Money = strawberry.field(description="Balance at its end, without any payment.")


@strawberry.type(description="Charges to come at today's prices.")
class Forecast:
    months: list[ForecastMonth] = strawberry.field(description="Month by month (bounded list).")
    negative_on: date | None = strawberry.field(description="Day the balance turns negative; null when it does not.")
    top_up_needed: Money = strawberry.field(
        description="Payment now that keeps it from turning negative over the range."
    )


def _wanted(_context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    months = given.get("months", USUAL)
    if not 1 <= months <= MOST:
        raise FieldRefused(BAD_USER_INPUT, "A forecast is of 1 to {most} months.", most=MOST)
    return {"months": months}


def forecast() -> Any:
    """The forecast of a profile."""
    made = declare(
        Batch("id", acts.forecasts, _wanted),
        marks=[Cost(weight=10)],
        arguments={"months": (int, "Months ahead, 1 to 24.")},
        description="Charges to come, month by month, and the day the balance turns negative.",
    )
    made.arguments[0].default = USUAL
    return made
