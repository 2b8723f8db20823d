"""BIL-8, BIL-10. Payments: topping up, paying invoices, and what the customer does on the way."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from engine.declare import Batch, Computed, Many, One, declare
from models import payment as rows
from models.ledger import InsufficientBalance
from models.money import Money as Amount
from models.payment_provider import PaymentMethodKind
from models.permission import OverallPermission
from models.profile import Locale
from models.refusal import Code
from models.setting import Figures
from resolvers import payment as acts
from resolvers import receipt
from schema import bank_details
from schema.connection import connection, newest
from schema.directive import authorize
from schema.enumeration import described
from schema.error import UserError, said, user_error
from schema.live import live
from schema.money import Money
from schema.mutation import refetched
from schema.node import Node, node
from schema.payment_action import PaymentAction, PaymentFailure, failure
from schema.payment_method import PaymentMethod
from schema.scalar import Url

if TYPE_CHECKING:
    from schema.invoice import Invoice

described(
    rows.PaymentStatus,
    "State of a payment.",
    REQUIRES_ACTION="Waiting for the customer.",
    PROCESSING="Waiting for the bank.",
    SUCCEEDED="Secured.",
    FAILED="Refused.",
    CANCELLED="Abandoned.",
    REVERSED="Returned or disputed.",
)
LaterInvoice = Annotated["Invoice", strawberry.lazy("schema.invoice")]


def next_action(
    figures: Figures,
    status: rows.PaymentStatus,
    kind: PaymentMethodKind,
    owner_id: UUID,
    redirect_url: Url | None,
    client_secret: str | None,
    expires_at: datetime | None,
) -> PaymentAction | None:
    """BIL-8, BIL-10. What the customer has to do."""
    if status is not rows.PaymentStatus.REQUIRES_ACTION or expires_at is None:
        return None
    transfer = kind is PaymentMethodKind.BANK_TRANSFER
    return PaymentAction(
        redirect_url=redirect_url,
        client_secret=client_secret,
        bank_details=bank_details.shown(figures, owner_id) if transfer else None,
        expires_at=expires_at,
    )


@node(
    rows.Payment,
    gate=authorize(overall=[OverallPermission.BILLING]),
    owner="owner_id",
    description="Money received or expected from the customer.",
)
class Payment(Node):
    amount: Money = declare(Computed(Amount, ("amount_cents", "currency")), description="Amount.")
    status: rows.PaymentStatus = strawberry.field(description="State.")
    kind: PaymentMethodKind = strawberry.field(description="Kind of means used.")
    method: PaymentMethod | None = declare(
        One("method_id", kind="CardPaymentMethod"), description="Stored means used, if any."
    )
    invoices: list[LaterInvoice] = declare(Many("id", acts.invoices_of), description="Invoices it pays (bounded list).")
    created_at: datetime = strawberry.field(description="Start.")
    settled_at: datetime | None = strawberry.field(description="When the money was secured.")
    next_action: PaymentAction | None = declare(
        Computed(
            next_action,
            ("status", "kind", "owner_id", "redirect_url", "client_secret", "expires_at"),
            given="figures",
        ),
        description="What the client has to do next (3-D Secure, PayPal approval, bank transfer).",
    )
    failure: PaymentFailure | None = declare(
        Computed(failure, ("reason",), given="locale"), description="Why it failed."
    )
    receipt_number: str | None = declare(
        Batch("id", receipt.numbers), description="Number of the receipt; null while nothing came in."
    )


@strawberry.input(description="Filter; all given criteria must hold.")
class PaymentFilter:
    status: list[rows.PaymentStatus] | None = strawberry.field(
        default=strawberry.UNSET, description="Any of these states."
    )
    kind: list[PaymentMethodKind] | None = strawberry.field(default=strawberry.UNSET, description="Any of these means.")


def criteria(_context: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the select of payments takes of the field's filter."""
    wanted: PaymentFilter = given.get("filter") or PaymentFilter()
    return {
        "states": tuple(sorted(set(wanted.status))) if isinstance(wanted.status, list) else None,
        "kinds": tuple(sorted(set(wanted.kind))) if isinstance(wanted.kind, list) else None,
    }


def payments() -> Any:
    """The connection of a profile's payments."""
    return connection(
        acts.of_owner,
        key="id",
        order=newest("created_at"),
        more={"filter": (PaymentFilter | None, "Keep only matching items.")},
        given=criteria,
        description="Payments, newest first.",
    )


@strawberry.type(description="PAYMENT_DECLINED.")
class PaymentDeclinedError(UserError):
    code: Code = strawberry.field(description="Code.")
    message: str = strawberry.field(description="Localised sentence.")
    field: list[str] | None = strawberry.field(description="Path of the input field.")
    failure: PaymentFailure = strawberry.field(description="Details.")
    payment: Payment | None = refetched("payment", "The failed payment.")


@strawberry.type(description="INSUFFICIENT_BALANCE.")
class InsufficientBalanceError(UserError):
    code: Code = strawberry.field(description="Code.")
    message: str = strawberry.field(description="Localised sentence.")
    field: list[str] | None = strawberry.field(description="Path of the input field.")
    missing: Money = strawberry.field(description="Amount to add first.")


@user_error.register
def _declined(refusal: rows.PaymentDeclined, locale: Locale) -> UserError:
    payment: Any = refusal.payment_id
    return PaymentDeclinedError(**said(refusal, locale), failure=failure(locale, refusal.reason), payment=payment)


@user_error.register
def _insufficient(refusal: InsufficientBalance, locale: Locale) -> UserError:
    missing = Money(amount=refusal.missing.amount, currency=refusal.missing.currency)
    return InsufficientBalanceError(**said(refusal, locale), missing=missing)


@strawberry.type
class PaymentSubscription:
    payment_updated: Payment | None = live(
        ["payment."],
        authorize(subject="paymentId", overall=[OverallPermission.BILLING]),
        arguments={"payment_id": (strawberry.ID, "Payment.")},
        description="A payment changed state.",
    )
