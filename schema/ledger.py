"""BIL-1, BIL-3. The movements of a balance, and what settled what."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import strawberry

from engine.declare import Batch, Computed, Reference, declare
from engine.error import BAD_USER_INPUT, FieldRefused
from models import journal as rows
from models.clock import day_start
from models.context import Context
from models.money import Money as Amount
from models.permission import OverallPermission
from models.profile import Locale
from resolvers import billing as acts
from schema.activity import DateRangeInput
from schema.allocation import Allocation
from schema.connection import connection, newest
from schema.directive import authorize
from schema.enumeration import described
from schema.invoice import Invoice
from schema.message import say
from schema.money import Money
from schema.node import Node, node
from schema.payment import Payment

described(
    rows.LedgerEntryKind,
    "Nature of a movement.",
    PAYMENT="Payment received.",
    INVOICE="Invoice debited.",
    CREDIT_NOTE="Credit note.",
    PRORATA_REFUND="Pro-rata refund, usable for invoices only.",
    COMMISSION="Referral commission.",
    PAYMENT_REVERSAL="Payment returned to the payer or disputed.",
    ADJUSTMENT="Correction by support.",
)
BILLING = authorize(overall=[OverallPermission.BILLING])
LedgerSource = Annotated[
    Invoice | Payment, strawberry.union("LedgerSource", description="Documents behind a movement.")
]


def label(locale: Locale, kind: rows.EntryKind, facts: Mapping[str, Any]) -> str:
    """What an entry is called."""
    number = facts.get("number", "")
    match kind:
        case rows.EntryKind.PAYMENT:
            return say(locale, "Payment received")
        case rows.EntryKind.INVOICE:
            return say(locale, "Invoice {number}", number=number)
        case rows.EntryKind.CREDIT_NOTE:
            return say(locale, "Credit note {number}", number=number)
        case rows.EntryKind.PRORATA_REFUND:
            return say(locale, "Pro-rata refund, credit note {number}", number=number)
        case rows.EntryKind.COMMISSION:
            return say(locale, "Referral commission")
        case rows.EntryKind.PAYMENT_REVERSAL:
            return say(locale, "Payment returned")
        case _:
            return say(locale, "Correction by support")


@node(
    rows.JournalEntry,
    gate=BILLING,
    owner="owner_id",
    description="One movement of the prepaid balance; entries are never changed or removed.",
)
class LedgerEntry(Node):
    kind: rows.LedgerEntryKind = declare(
        Computed(lambda kind: rows.LedgerEntryKind(kind.value), ("kind",)), description="Nature."
    )
    amount: Money = declare(
        Computed(Amount, ("amount_cents",)), description="Signed amount: positive credits, negative debits."
    )
    balance_after: Money = declare(
        Computed(Amount, ("balance_after_cents",)), description="Balance once it was booked."
    )
    booked_at: datetime = strawberry.field(description="When it was booked.")
    label: str = declare(Computed(label, ("kind", "facts"), given="locale"), description="Localised label.")
    source: LedgerSource | None = declare(
        Reference("source_type", "source_id", only=("Invoice", "Payment")), description="Document it comes from."
    )
    allocations: list[Allocation] = declare(Batch("id", acts.of_entries), description="What it settled (bounded list).")


@strawberry.input(description="Filter; all given criteria must hold.")
class LedgerFilter:
    kind: list[rows.LedgerEntryKind] | None = strawberry.field(
        default=strawberry.UNSET, description="Any of these natures."
    )
    booked: DateRangeInput | None = strawberry.field(default=strawberry.UNSET, description="Days.")


def criteria(context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the select of entries takes of the field's filter; days are those of the provider's zone."""
    wanted: LedgerFilter = given.get("filter") or LedgerFilter()
    days, zone = wanted.booked or DateRangeInput(), ZoneInfo(context.figures.billing_zone)
    kinds = wanted.kind if isinstance(wanted.kind, list) else None
    try:
        return {
            "kinds": None if kinds is None else tuple(sorted({rows.EntryKind(kind.value) for kind in kinds})),
            "since": day_start(days.from_, zone) if days.from_ else None,
            "until": day_start(days.to + timedelta(days=1), zone) if days.to else None,
        }
    except OverflowError:
        raise FieldRefused(BAD_USER_INPUT, "This day is out of range.") from None


def movements() -> Any:
    """The connection of a balance's movements."""
    return connection(
        acts.entries,
        key="id",
        order=newest("position"),
        more={"filter": (LedgerFilter | None, "Keep only matching items.")},
        given=criteria,
        description="Movements of the balance, newest first.",
    )
