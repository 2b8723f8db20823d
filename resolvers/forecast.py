"""BIL-4. Forecasts of what a profile will be charged."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select

from models.charge import Charge, ChargeStatus
from models.clock import civil_day
from models.column import table
from models.context import Context
from models.forecast import Goes, Outlook, forecast
from models.subscription import Subscription, discounts_of
from resolvers.billing import treatment_of
from resolvers.quote import balance
from resolvers.renewal import GOING_ON, Priceable, priceable

CHARGES, SUBSCRIPTIONS = table(Charge), table(Subscription)
PENDING = select(CHARGES.c.due_at, CHARGES.c.net_cents).where(
    CHARGES.c.owner_id == bindparam("owner_id"), CHARGES.c.status == ChargeStatus.PENDING
)
GOES_ON = select(SUBSCRIPTIONS).where(*GOING_ON)


async def forecasts(context: Context, keys: Sequence[UUID], *, months: int) -> list[Outlook]:
    """BIL-4. For each profile what it will be charged over so many months, at today's prices and VAT."""
    now, zone = await context.db.now(), ZoneInfo(context.figures.billing_zone)
    today = civil_day(now, zone)
    found = []
    for key in keys:
        of_owner = {"owner_id": key}
        taxed = await treatment_of(context, context.db, key, now)
        ordered = await context.db.rows(PENDING, of_owner)
        pending = [(civil_day(row.due_at, zone), row.net_cents) for row in ordered]
        goes = [
            _goes(each, today, zone) for each in await priceable(context.db, await context.db.rows(GOES_ON, of_owner))
        ]
        found.append(forecast(today, months, await balance(context.db, key), taxed.rate_bp, pending, goes))
    return found


def _goes(each: Priceable, today: date, zone: ZoneInfo) -> Goes:
    row = each.row
    return Goes(
        each.item, each.price(today, zone), row.anchor, row.period_end, each.invoicing_day, discounts_of(row.discounts)
    )
