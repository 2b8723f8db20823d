"""BIL-2, BIL-3. Invoices and credit notes."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import strawberry

from engine.declare import Batch, Computed, Given, Many, One, Order, declare
from engine.error import BAD_USER_INPUT, FieldRefused
from models import document_series
from models import invoice as rows
from models.context import Context
from models.money import Money as Amount
from models.permission import OverallPermission
from resolvers import billing as acts
from resolvers import payment as paying
from schema.activity import DateRangeInput
from schema.allocation import Allocation
from schema.connection import OrderDirection, connection, newest
from schema.directive import authorize
from schema.enumeration import described
from schema.identity import LegalIdentity, kept_identity
from schema.invoice_line import InvoiceLine, TaxedMoney, TaxSubtotal, line_shown, subtotal_shown
from schema.money import Money
from schema.node import Node, node
from schema.payment import Payment

MOST_CHARACTERS = 35
"""Of a number."""
described(
    document_series.DocumentKind,
    "Nature of a billing document.",
    name="InvoiceKind",
    INVOICE="Invoice.",
    CREDIT_NOTE="Credit note.",
)
described(
    rows.InvoiceStatus,
    "State of an invoice.",
    OPEN="To be paid, not late.",
    OVERDUE="To be paid, late.",
    PAID="Paid.",
    CANCELLED="Cancelled by a credit note.",
)


class InvoiceOrderField(StrEnum):
    """What invoices are ordered by."""

    ISSUED_ON = "ISSUED_ON"
    DUE_ON = "DUE_ON"


described(InvoiceOrderField, "Sort keys of invoices.", ISSUED_ON="Issue date.", DUE_ON="Due date.")
BILLING = authorize(overall=[OverallPermission.BILLING])
ORDERS: Mapping[Any, tuple[Order, ...]] = {
    (field, direction): (Order(column), Order("id")) if direction is OrderDirection.ASC else newest(column)
    for field, column in ((InvoiceOrderField.ISSUED_ON, "issued_on"), (InvoiceOrderField.DUE_ON, "due_on"))
    for direction in OrderDirection
}


async def lines(context: Context, keys: Sequence[UUID]) -> list[list[Any]]:
    """The lines of each document, for this reader."""
    return [[line_shown(context.locale, each) for each in found] for found in await acts.lines(context, keys)]


async def taxes(context: Context, keys: Sequence[UUID]) -> list[list[Any]]:
    """The VAT of each document, for this reader."""
    return [[subtotal_shown(context.locale, each) for each in found] for found in await acts.taxes(context, keys)]


@node(rows.Invoice, gate=BILLING, owner="owner_id", description="An invoice or a credit note; immutable once issued.")
class Invoice(Node):
    number: str = strawberry.field(description="Printed number.")
    kind: document_series.DocumentKind = strawberry.field(description="Nature.")
    status: rows.InvoiceStatus = declare(Batch("id", acts.states), description="State.")
    issued_on: date = strawberry.field(description="Issue date.")
    due_on: date = strawberry.field(description="Due date: 30 days later.")
    paid_at: datetime | None = strawberry.field(description="When nothing was left to pay.")
    billed_to: LegalIdentity = declare(
        Computed(kept_identity, ("buyer",)), description="Identity printed on it, as it was then."
    )
    lines: list[InvoiceLine] = declare(Batch("id", lines), description="Lines (bounded list).")
    total: TaxedMoney = declare(Batch("id", acts.sums), description="Total.")
    taxes: list[TaxSubtotal] = declare(Batch("id", taxes), description="VAT per rate (bounded list).")
    corrects: "Invoice | None" = declare(
        One("corrects_id"), description="Invoice that this credit note corrects; null on an invoice."
    )
    credit_notes: "list[Invoice]" = declare(
        Many("id", acts.credit_notes), description="Credit notes against this invoice (bounded list)."
    )
    amount_due: Money = declare(Computed(Amount, ("left_cents",)), description="Left to pay.")
    payments: list[Payment] = declare(
        Many("id", paying.of_invoice), description="Payments set against it (bounded list)."
    )
    allocations: list[Allocation] = declare(
        Batch("id", acts.of_invoices), description="What settled it, credits included (bounded list)."
    )


@strawberry.input(description="Filter; all given criteria must hold.")
class InvoiceFilter:
    status: list[rows.InvoiceStatus] | None = strawberry.field(
        default=strawberry.UNSET, description="Any of these states."
    )
    kind: document_series.DocumentKind | None = strawberry.field(default=strawberry.UNSET, description="Nature.")
    issued: DateRangeInput | None = strawberry.field(default=strawberry.UNSET, description="Issue dates.")
    search: str | None = strawberry.field(default=strawberry.UNSET, description="Part of the number.")


@strawberry.input(description="Order of invoices.")
class InvoiceOrder:
    field: InvoiceOrderField = strawberry.field(default=InvoiceOrderField.ISSUED_ON, description="Key.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Direction.")


def chosen(wanted: InvoiceOrder) -> Any:
    """Which of `ORDERS` is asked for."""
    return wanted.field, wanted.direction


def criteria(context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the select of invoices takes of the field's filter; numbers are written in upper case."""
    wanted: InvoiceFilter = given.get("filter") or InvoiceFilter()
    if wanted.search and len(wanted.search) > MOST_CHARACTERS:
        raise FieldRefused(BAD_USER_INPUT, "No number is that long.")
    days = wanted.issued or DateRangeInput()
    return {
        "states": tuple(sorted(set(wanted.status))) if isinstance(wanted.status, list) else None,
        "kind": wanted.kind or None,
        "since": days.from_ or None,
        "until": days.to or None,
        "search": wanted.search.upper() if wanted.search else None,
    }


def documents() -> Any:
    """The connection of a profile's documents."""
    return connection(
        acts.invoices,
        key="id",
        order=newest("issued_on"),
        orders=ORDERS,
        chosen=chosen,
        more={
            "filter": (InvoiceFilter | None, "Keep only matching items."),
            "order_by": (InvoiceOrder | None, "Order; default: see the input's defaults."),
        },
        given=criteria,
        description="Invoices and credit notes.",
    )


def _number(text: Any) -> str | None:
    return text.upper() if isinstance(text, str) and len(text) <= MOST_CHARACTERS and "\0" not in text else None


@strawberry.type
class InvoiceQuery:
    invoice: Invoice | None = declare(
        One(Given("number", _number), acts.numbered),
        arguments={"number": (str, "Printed number.")},
        description="An invoice by its printed number, for deep links.",
    )
