"""TIC-4. Urgent tickets: what one may cost, for the preview and under the locks of its opening; and its fee."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, bindparam, select

from models.charge import Charge
from models.clock import civil_day
from models.column import IdArray, Instant, among, table
from models.context import Context
from models.db import Write
from models.fee import Fee, FeePrice
from models.invoice import Invoice
from models.invoice_line import InvoiceLine
from models.money import TaxedAmount
from models.plan import Plan, PlanKind
from models.profile import Profile
from models.quote import Quote, QuoteKind, Reckoning, Terms, check_quote
from models.refusal import NotFound
from models.server import Server
from models.ticket import TicketPriority, TicketWishes
from models.ticket_category import TicketCategory
from models.urgent_fee import (
    ChargeNotAccepted,
    UrgentFee,
    UrgentFeeStatus,
    UrgentIsTechnical,
    UrgentNotAvailable,
    UrgentSituation,
    decide_urgency,
)
from resolvers.quote import Asked, quote, reckoned
from resolvers.right import Reader

SERVERS, PLANS, PROFILES, PRICES = table(Server), table(Plan), table(Profile), table(FeePrice)
FEES, CHARGES, LINES, INVOICES = table(UrgentFee), table(Charge), table(InvoiceLine), table(Invoice)
SITUATION = (
    select(
        SERVERS.c.owner_id,
        SERVERS.c.name,
        SERVERS.c.status,
        PLANS.c.urgent_tickets,
        PLANS.c.kind,
        PROFILES.c.suspended_at,
    )
    .join(PLANS, PLANS.c.id == SERVERS.c.plan_id)
    .join(PROFILES, PROFILES.c.id == SERVERS.c.owner_id)
    .where(SERVERS.c.id == bindparam("server_id"))
)
PRICE = (
    select(PRICES.c.cents, PRICES.c.valid_from)
    .where(PRICES.c.fee == Fee.URGENT_TICKET, PRICES.c.valid_from <= bindparam("now", type_=Instant()))
    .order_by(PRICES.c.valid_from.desc())
    .limit(1)
)
AMOUNTS = (
    select(
        FEES.c.id,
        FEES.c.status,
        FEES.c.net_cents,
        FEES.c.tax_cents,
        FEES.c.rate_bp,
        LINES.c.net_cents.label("line_net"),
        LINES.c.tax_cents.label("line_tax"),
        LINES.c.rate_bp.label("line_rate"),
    )
    .outerjoin(CHARGES, CHARGES.c.id == FEES.c.charge_id)
    .outerjoin(LINES, LINES.c.id == CHARGES.c.invoice_line_id)
    .where(among(FEES.c.id, bindparam("wanted", type_=IdArray())))
)


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote and its terms."""

    quote: Quote
    terms: Terms
    server: str

    @property
    def reckoning(self) -> Reckoning:
        """What would be charged."""
        return self.quote.reckoning


def of_ticket() -> Select[Any]:
    """TIC-4. The fee of a ticket."""
    return select(FEES.c.ticket_id)


def invoice() -> Select[Any]:
    """TIC-4. The document that a charge stands on."""
    on = LINES.c.id == CHARGES.c.invoice_line_id
    return select(CHARGES.c.id).join(LINES, on).join(INVOICES, INVOICES.c.id == LINES.c.invoice_id)


async def amounts(context: Context, keys: Sequence[UUID]) -> list[TaxedAmount]:
    """TIC-4. What was agreed to, or stands on the invoice; nothing once it is covered."""
    found = {row.id: row for row in await context.db.rows(AMOUNTS, {"wanted": list(keys)})}
    return [_amount(found[key]) for key in keys]


def _amount(row: Any) -> TaxedAmount:
    if row.status is UrgentFeeStatus.WAIVED:
        return TaxedAmount(0, 0, row.rate_bp)
    if row.line_net is not None:
        return TaxedAmount(row.line_net, row.line_tax, row.line_rate)
    return TaxedAmount(row.net_cents, row.tax_cents, row.rate_bp)


async def quotes(context: Context, keys: Sequence[UUID]) -> list[Quote]:
    """TIC-4, BIL-14. For each server what an urgent ticket about it may cost now."""
    now = await context.db.now()
    return [(await _quoted(context, context.db, key, now)).quote for key in keys]


def check_wishes(wishes: TicketWishes, *, accepted: bool) -> None:
    """TIC-4. What an urgent ticket has to say, whatever else is right."""
    if wishes.priority is not TicketPriority.URGENT:
        return
    if wishes.category is not TicketCategory.TECHNICAL:
        raise UrgentIsTechnical().at("category")
    if wishes.server_id is None:
        raise UrgentNotAvailable().at("server_id")
    if not accepted:
        raise ChargeNotAccepted().at("quote_token")


async def checked(context: Context, write: Write, wishes: TicketWishes, token: str) -> Quoted | None:
    """TIC-4, BIL-14. What is agreed to, under the locks of the profile and the server; None for a ticket that can wait.

    Raises QuoteChanged, QuoteExpired, UrgentNotAvailable.
    """
    if wishes.priority is not TicketPriority.URGENT or wishes.server_id is None:
        return None
    quoted = await _quoted(context, write, wishes.server_id, write.now)
    if quoted.quote.blockers:
        raise quoted.quote.blockers[0].at("server_id")
    check_quote(context.key, token, quoted.quote, quoted.terms, write.now)
    return quoted


async def _quoted(context: Context, reader: Reader, server_id: UUID, now: datetime) -> Quoted:
    rows = await reader.rows(SITUATION, {"server_id": server_id})
    if not rows:
        raise NotFound().at("server_id")
    found, zone = rows[0], ZoneInfo(context.figures.billing_zone)
    prices = await reader.rows(PRICE, {"now": now})
    situation = UrgentSituation(
        server=found.name,
        offered=found.urgent_tickets and found.kind is not PlanKind.PUBLIC_CLOUD,
        status=found.status,
        suspended=found.suspended_at is not None or context.viewer.suspended,
        fee=(prices[0].cents, civil_day(prices[0].valid_from, zone)) if prices else None,
    )
    urgency = decide_urgency(situation)
    asked = Asked(QuoteKind.URGENT_TICKET, found.owner_id, {"server_id": server_id}, now)
    reckoning = await reckoned(context, reader, asked, urgency.lines, civil_day(now, zone))
    undated = replace(reckoning, invoiced_on=None, due_on=None)  # Whether it is invoiced is decided later.
    made, terms = await quote(context, reader, asked, undated, urgency.blockers, urgency.cautions)
    return Quoted(made, terms, found.name)
