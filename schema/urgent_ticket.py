"""TIC-4. Urgent tickets: what one may cost, and what became of that."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import strawberry

from engine.declare import Batch, One, declare
from models import urgent_fee as rows
from models.context import Context
from models.permission import OverallPermission, ServerPermission
from resolvers import urgent_ticket as acts
from schema.directive import Cost, authorize
from schema.invoice import Invoice
from schema.invoice_line import TaxedMoney
from schema.node import part
from schema.quote import Quote, quote_shown
from schema.ticket_list import UrgentFeeStatus

SHOWS_FEE = authorize(
    overall=[OverallPermission.BILLING, OverallPermission.TECHNICAL_SERVER], server=[ServerPermission.TECHNICAL_CONTACT]
)
MAY_ASK = authorize(overall=[OverallPermission.TECHNICAL_SERVER], server=[ServerPermission.TECHNICAL_CONTACT])
BILLING = authorize(overall=[OverallPermission.BILLING])


@part(rows.UrgentFee, gate=SHOWS_FEE, owner="owner_id", server="server_id", description="Fee of an urgent ticket.")
class UrgentFee:
    status: UrgentFeeStatus = strawberry.field(description="State.")
    amount: TaxedMoney = declare(Batch("id", acts.amounts), description="Amount charged or that would be.")
    invoice: Invoice | None = declare(One("charge_id", acts.invoice), BILLING, description="Invoice, once issued.")


async def quotes(context: Context, keys: Sequence[UUID]) -> list[Quote]:
    """BIL-14. What an urgent ticket may cost, for each server."""
    return [quote_shown(context.locale, each) for each in await acts.quotes(context, keys)]


def urgent_ticket_quote() -> Any:
    """The quote of a server."""
    return declare(
        Batch("id", quotes), MAY_ASK, marks=[Cost(weight=5)], description="Cost of opening an urgent ticket now."
    )


def urgent_fee() -> Any:
    """The fee of a ticket."""
    return declare(One("id", acts.of_ticket), SHOWS_FEE, description="Fee of an urgent ticket; null otherwise.")
