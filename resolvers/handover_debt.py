"""ACC-8. What is owed for an account or a server: until it is paid, it stays where it is."""

from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, exists, or_, select

from models.charge import Charge, ChargeStatus, RevenueKind
from models.column import table
from models.invoice import Invoice
from models.invoice_line import InvoiceLine
from models.server import Server
from models.subscription import Subscription
from resolvers.right import Reader

SERVERS, SUBSCRIPTIONS, CHARGES = table(Server), table(Subscription), table(Charge)
INVOICES, LINES = table(Invoice), table(InvoiceLine)
ITEM: Any = bindparam("item_id")
FOR_IT = or_(SUBSCRIPTIONS.c.account_id == ITEM, SUBSCRIPTIONS.c.server_id == ITEM)
WORK = RevenueKind.INTERVENTION, RevenueKind.SUPPORT
UNPAID = (
    select(INVOICES.c.id)
    .join_from(INVOICES, LINES, LINES.c.invoice_id == INVOICES.c.id)
    .where(
        INVOICES.c.owner_id == bindparam("owner_id"),
        INVOICES.c.left_cents > 0,
        or_(
            LINES.c.subscription_id.in_(select(SUBSCRIPTIONS.c.id).where(FOR_IT)),
            and_(LINES.c.kind.in_(WORK), exists().where(SERVERS.c.id == ITEM)),
        ),
    )
    .limit(1)
)
ORDERED = (
    select(CHARGES.c.id)
    .where(
        CHARGES.c.owner_id == bindparam("owner_id"),
        CHARGES.c.status == ChargeStatus.PENDING,
        CHARGES.c.kind.in_(WORK),
        exists().where(SERVERS.c.id == ITEM),
    )
    .limit(1)
)
"""CAT-2, TIC-4. Work on servers that is to be invoiced: lines do not say of which, so that all of it counts."""


async def owed_for(reader: Reader, item_id: UUID, owner_id: UUID) -> bool:
    """ACC-8. Whether its owner has something to pay for it, or will have."""
    given = {"item_id": item_id, "owner_id": owner_id}
    return any([await reader.rows(each, given) for each in (UNPAID, ORDERED)])
