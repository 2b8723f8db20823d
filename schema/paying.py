"""BIL-8, BIL-10. Paying in, paying invoices, and concluding what waits for the customer."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from engine.declare import Many, declare
from models.money import InvalidAmount, cents_of
from models.permission import OverallPermission
from models.refusal import Code, LimitReached
from models.secret import unsaid
from resolvers import payment as acts
from schema.directive import authorize
from schema.global_id import key_found, key_of
from schema.invoice import Invoice
from schema.money import MoneyInput
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.payment import Payment

if TYPE_CHECKING:
    from schema.billing import Billing

BILLING = [OverallPermission.BILLING]
MOST_INVOICES = 50
LaterBilling = Annotated["Billing", strawberry.lazy("schema.billing")]


class TooManyInvoices(LimitReached):
    """BIL-8. So many at once."""

    message = "At most {limit} invoices can be paid at once."


@strawberry.input(description="Where the money comes from: exactly one.", one_of=True)
class PaymentSourceInput:
    payment_method_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="A stored means of payment."
    )
    one_time_token: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="A card or PayPal account not to be stored, as tokenised by the payment provider's SDK.",
    )
    bank_transfer: bool | None = strawberry.field(default=strawberry.UNSET, description="A bank transfer to come.")

    __repr__ = unsaid


@strawberry.input(description="Arguments of balanceTopUp.")
class BalanceTopUpInput:
    profile_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Profile; default: the viewer."
    )
    amount: MoneyInput = strawberry.field(description="Amount.")
    source: PaymentSourceInput = strawberry.field(description="Means.")
    idempotency_key: UUID = strawberry.field(
        description="Fresh for each intent, the same for each retry; kept 24 hours."
    )


@strawberry.type(description="Result of balanceTopUp.")
class BalanceTopUpPayload(MutationPayload):
    payment: Payment | None = refetched("payment", "The payment; look at its status and nextAction.")
    billing: LaterBilling | None = refetched("billing", "The balance.")


@strawberry.input(description="Arguments of invoicePay.")
class InvoicePayInput:
    profile_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Profile; default: the viewer."
    )
    invoice_ids: list[strawberry.ID] = strawberry.field(description="Invoices, at most 50.")
    source: PaymentSourceInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="Means for what the balance does not cover; null to use the balance alone.",
    )
    expected_total: MoneyInput = strawberry.field(
        description="Sum the user agreed to pay; refused as CONFLICT when it differs from what is due."
    )
    idempotency_key: UUID = strawberry.field(
        description="Fresh for each intent, the same for each retry; kept 24 hours."
    )


@strawberry.type(description="Result of invoicePay.")
class InvoicePayPayload(MutationPayload):
    invoices: list[Invoice] | None = declare(
        Many("payment", acts.invoices_of), description="The invoices (bounded list)."
    )
    payment: Payment | None = refetched("payment", "The payment, if one was needed.")


@strawberry.input(description="Arguments of paymentConfirm.")
class PaymentConfirmInput:
    payment_id: strawberry.ID = strawberry.field(description="Payment.")


@strawberry.type(description="Result of paymentConfirm.")
class PaymentConfirmPayload(MutationPayload):
    payment: Payment | None = refetched("payment", "The payment.")


@strawberry.input(description="Arguments of paymentCancel.")
class PaymentCancelInput:
    payment_id: strawberry.ID = strawberry.field(description="Payment.")


@strawberry.type(description="Result of paymentCancel.")
class PaymentCancelPayload(MutationPayload):
    payment: Payment | None = refetched("payment", "The payment.")


def _source(wanted: PaymentSourceInput) -> acts.PaymentSource:
    method, token = wanted.payment_method_id, wanted.one_time_token
    return acts.PaymentSource(
        method_id=key_found(method, "CardPaymentMethod") if isinstance(method, str) else None,
        token=token if isinstance(token, str) else None,
        bank_transfer=wanted.bank_transfer is True,
    )


def _cents(wanted: MoneyInput, path: str) -> int:
    try:
        return cents_of(wanted.amount)
    except InvalidAmount as invalid:
        raise invalid.at(path) from None


def _owner(info: Info, named: Any) -> UUID:
    return key_of(named, "Profile", "profile_id") if isinstance(named, str) else info.context.viewer.key


@strawberry.type
class PaymentMutation:
    @mutation(
        BalanceTopUpPayload,
        authorize(subject="input.profileId", overall=BILLING),
        fails=[Code.PAYMENT_DECLINED, Code.PAYMENT_METHOD_UNUSABLE, Code.AMOUNT_OUT_OF_RANGE],
        description="Credit the prepaid balance.",
        suspended=True,
    )
    async def balance_top_up(self, info: Info, input: BalanceTopUpInput) -> BalanceTopUpPayload | None:
        owner_id = _owner(info, input.profile_id)
        payment = await acts.top_up(
            info.context,
            owner_id=owner_id,
            cents=_cents(input.amount, "amount"),
            source=_source(input.source),
            key=input.idempotency_key,
        )
        return BalanceTopUpPayload.of(payment=payment, billing=owner_id)

    @mutation(
        InvoicePayPayload,
        authorize(
            subject="input.profileId",
            overall=BILLING,
            resolves=("input.invoiceIds",),
        ),
        fails=[
            Code.NOTHING_DUE,
            Code.PAYMENT_DECLINED,
            Code.PAYMENT_METHOD_UNUSABLE,
            Code.INSUFFICIENT_BALANCE,
            Code.LIMIT_REACHED,
        ],
        description="Pay what is left due on invoices, from the balance first.",
        suspended=True,
    )
    async def invoice_pay(self, info: Info, input: InvoicePayInput) -> InvoicePayPayload | None:
        keys = list(dict.fromkeys(key_found(each, "Invoice") for each in input.invoice_ids))
        if len(keys) > MOST_INVOICES:
            raise TooManyInvoices(MOST_INVOICES, len(keys)).at("invoice_ids")
        payment = await acts.pay(
            info.context,
            owner_id=_owner(info, input.profile_id),
            invoices=keys,
            expected_cents=_cents(input.expected_total, "expected_total"),
            source=_source(input.source) if isinstance(input.source, PaymentSourceInput) else None,
            key=input.idempotency_key,
        )
        return InvoicePayPayload.of(payment=payment, invoices=None)

    @mutation(
        PaymentConfirmPayload,
        authorize(subject="input.paymentId", overall=BILLING),
        fails=[Code.PAYMENT_DECLINED, Code.EXPIRED],
        description="Conclude a payment after the customer's action (3-D Secure, PayPal).",
        suspended=True,
        quiet=True,
    )
    async def payment_confirm(self, info: Info, input: PaymentConfirmInput) -> PaymentConfirmPayload | None:
        key = await acts.confirm(info.context, key=key_of(input.payment_id, "Payment", "payment_id"))
        return PaymentConfirmPayload.of(payment=key)

    @mutation(
        PaymentCancelPayload,
        authorize(subject="input.paymentId", overall=BILLING),
        description="Abandon a payment that waits for the customer.",
        suspended=True,
        quiet=True,
    )
    async def payment_cancel(self, info: Info, input: PaymentCancelInput) -> PaymentCancelPayload | None:
        key = await acts.cancel(info.context, key=key_of(input.payment_id, "Payment", "payment_id"))
        return PaymentCancelPayload.of(payment=key)
