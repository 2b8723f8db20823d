"""BIL-1, BIL-3. What a profile has and owes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from engine.declare import Batch, One, declare
from models import profile as rows
from models.context import Context
from models.permission import OverallPermission
from resolvers import billing as acts
from schema.bank_details import BankDetails, bank_details
from schema.connection import Connection
from schema.directive import SEMANTIC_NON_NULL, authorize
from schema.forecast import Forecast, forecast
from schema.invoice import Invoice, documents
from schema.invoice_line import InvoiceLine, line_shown
from schema.ledger import LedgerEntry, movements
from schema.live import live
from schema.money import Money
from schema.node import Node, node
from schema.payment import Payment, payments
from schema.payment_method import PaymentMethod, payment_methods

if TYPE_CHECKING:
    from schema.profile import Profile

BILLING = authorize(overall=[OverallPermission.BILLING])


async def pending_charges(context: Context, keys: Sequence[UUID]) -> list[list[Any]]:
    """What each profile ordered and was not invoiced yet, for this reader."""
    return [[line_shown(context.locale, each) for each in found] for found in await acts.pending(context, keys)]


@node(
    rows.Profile,
    gate=BILLING,
    owner="id",
    description="The financial side of a profile; reached only with the billing permission.",
)
class Billing(Node):
    profile: Annotated["Profile", strawberry.lazy("schema.profile")] = declare(One("id"), description="Profile.")
    balance: Money = declare(Batch("id", acts.balances), description="Prepaid balance; negative when owed.")
    non_refundable: Money = declare(
        Batch("id", acts.non_refundable),
        description="Part of the balance that can only pay invoices (pro-rata refunds).",
    )
    amount_due: Money = declare(Batch("id", acts.amounts_due), description="Sum of unpaid invoices.")
    pending_charges: list[InvoiceLine] = declare(
        Batch("id", pending_charges), description="Charges ordered and not invoiced yet (bounded list)."
    )
    ledger: Connection[LedgerEntry] = movements()
    invoices: Connection[Invoice] = documents()
    payments: Connection[Payment] = payments()
    payment_methods: list[PaymentMethod] = payment_methods()
    invoicing_day: int | None = strawberry.field(
        description="Day of the month on which everything is invoiced; null for each product's own date."
    )
    bank_details: BankDetails = bank_details()
    forecast: Forecast = forecast()


def billing() -> Any:
    """The billing of a profile."""
    return declare(One("id"), BILLING, description="Balance, invoices and means of payment.", marks=[SEMANTIC_NON_NULL])


@strawberry.type
class BillingSubscription:
    billing_changed: Billing | None = live(
        ["ledger.", "invoice."],
        authorize(subject="profileId", overall=[OverallPermission.BILLING]),
        key="owner_id",
        arguments={"profile_id": (strawberry.ID | None, "Profile; default: the viewer.")},
        description="The balance or the sum due changed.",
    )
