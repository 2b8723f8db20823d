"""BIL-9. Means of payment on file."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry

from engine.declare import Batch, Column, Computed, Many, declare
from models import payment_method as rows
from models.context import Context
from models.payment_provider import CardBrand
from models.permission import OverallPermission
from models.refusal import Code
from models.secret import unsaid
from resolvers import payment_method as acts
from schema.directive import authorize
from schema.enumeration import described
from schema.global_id import global_id, key_of
from schema.mutation import Info, MutationPayload, given, mutation, refetched
from schema.node import Node, node
from schema.payment_action import PaymentAction

described(CardBrand, "Accepted card brands.", VISA="Visa.", MASTERCARD="MasterCard.")
BILLING = [OverallPermission.BILLING]
METHOD = authorize(subject="input.paymentMethodId", overall=BILLING)


@strawberry.interface(description="A stored means of payment.")
class PaymentMethod(Node):
    label: str = strawberry.field(description='Label to show, e.g. "Visa 4242".')
    default: bool = strawberry.field(description="Proposed first.")
    auto_debit: bool = strawberry.field(description="Debited automatically for every invoice.")
    usable: bool = strawberry.field(description="Usable now.")
    created_at: datetime = strawberry.field(description="When it was added.")


@node(
    rows.PaymentMethod,
    gate=authorize(overall=BILLING),
    owner="owner_id",
    only=acts.SHOWN,
    description="A card.",
)
class CardPaymentMethod(PaymentMethod):
    label: str = declare(Computed(rows.label, ("brand", "last4")), description="Label to show.")
    default: bool = declare(Column("is_default"), description="Proposed first.")
    auto_debit: bool = strawberry.field(description="Debited automatically for every invoice.")
    usable: bool = declare(Batch("id", acts.usable), description="Usable now.")
    created_at: datetime = strawberry.field(description="When it was added.")
    brand: CardBrand = strawberry.field(description="Brand.")
    last4: str = strawberry.field(description="Last four digits.")
    expires_on: date = strawberry.field(description="Last day of validity.")


def payment_methods() -> Any:
    """Those of a profile."""
    return declare(
        Many("id", acts.of_owner, kind="CardPaymentMethod"), description="Stored means of payment (bounded list)."
    )


async def actions(context: Context, keys: Sequence[UUID | None]) -> list[PaymentAction | None]:
    """BIL-9. What each waits for."""
    found = {row.id: row for row in await acts.waiting(context, [key for key in keys if key is not None])}
    return [_action(found.get(key)) for key in keys]


def _action(row: Any) -> PaymentAction | None:
    if row is None:
        return None
    return PaymentAction(
        redirect_url=row.redirect_url,
        client_secret=row.client_secret,
        bank_details=None,
        expires_at=row.action_expires_at,
    )


@strawberry.input(
    description="A means of payment to store: exactly one. Card numbers never reach this API.", one_of=True
)
class NewPaymentMethodInput:
    card_token: str | None = strawberry.field(
        default=strawberry.UNSET, description="Card tokenised by the payment provider's SDK."
    )

    __repr__ = unsaid


@strawberry.input(description="Arguments of paymentMethodAdd.")
class PaymentMethodAddInput:
    profile_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Profile; default: the viewer."
    )
    method: NewPaymentMethodInput = strawberry.field(description="What to store.")
    auto_debit: bool = strawberry.field(default=False, description="Debit every invoice.")
    idempotency_key: UUID = strawberry.field(
        description="Fresh for each intent, the same for each retry; kept 24 hours."
    )


@strawberry.type(description="Result of paymentMethodAdd.")
class PaymentMethodAddPayload(MutationPayload):
    payment_method: PaymentMethod | None = refetched(
        "payment_method", "The means of payment; not usable until nextAction is done.", kind="CardPaymentMethod"
    )
    next_action: PaymentAction | None = declare(
        Batch("payment_method", actions), description="What the client has to do."
    )


@strawberry.input(description="Arguments of paymentMethodConfirm.")
class PaymentMethodConfirmInput:
    payment_method_id: strawberry.ID = strawberry.field(description="Means of payment.")


@strawberry.type(description="Result of paymentMethodConfirm.")
class PaymentMethodConfirmPayload(MutationPayload):
    payment_method: PaymentMethod | None = refetched(
        "payment_method", "The means of payment.", kind="CardPaymentMethod"
    )


@strawberry.input(description="Arguments of paymentMethodUpdate.")
class PaymentMethodUpdateInput:
    payment_method_id: strawberry.ID = strawberry.field(description="Means of payment.")
    default: bool | None = strawberry.field(default=strawberry.UNSET, description="Make it the default.")
    auto_debit: bool | None = strawberry.field(default=strawberry.UNSET, description="Debit every invoice.")


@strawberry.type(description="Result of paymentMethodUpdate.")
class PaymentMethodUpdatePayload(MutationPayload):
    payment_method: PaymentMethod | None = refetched(
        "payment_method", "The means of payment.", kind="CardPaymentMethod"
    )


@strawberry.input(description="Arguments of paymentMethodRemove.")
class PaymentMethodRemoveInput:
    payment_method_id: strawberry.ID = strawberry.field(description="Means of payment.")


@strawberry.type(description="Result of paymentMethodRemove.")
class PaymentMethodRemovePayload(MutationPayload):
    deleted_id: strawberry.ID | None = strawberry.field(description="Its id.")


def _key(text: str) -> UUID:
    return key_of(text, "CardPaymentMethod", "payment_method_id")


@strawberry.type
class PaymentMethodMutation:
    @mutation(
        PaymentMethodAddPayload,
        authorize(subject="input.profileId", overall=BILLING),
        fails=[Code.PAYMENT_DECLINED, Code.LIMIT_REACHED, Code.PAYMENT_METHOD_UNUSABLE],
        description="Store a means of payment.",
        suspended=True,
    )
    async def payment_method_add(self, info: Info, input: PaymentMethodAddInput) -> PaymentMethodAddPayload | None:
        named = input.profile_id
        key = await acts.add(
            info.context,
            owner_id=key_of(named, "Profile", "profile_id") if isinstance(named, str) else info.context.viewer.key,
            token=input.method.card_token or "",
            auto_debit=input.auto_debit,
            key=input.idempotency_key,
        )
        return PaymentMethodAddPayload.of(payment_method=key)

    @mutation(
        PaymentMethodConfirmPayload,
        METHOD,
        fails=[Code.PAYMENT_DECLINED, Code.EXPIRED, Code.PAYMENT_METHOD_UNUSABLE],
        description="Conclude the storing of a means of payment after the customer's action (3-D Secure).",
        suspended=True,
        quiet=True,
    )
    async def payment_method_confirm(
        self, info: Info, input: PaymentMethodConfirmInput
    ) -> PaymentMethodConfirmPayload | None:
        key = await acts.confirm(info.context, key=_key(input.payment_method_id))
        return PaymentMethodConfirmPayload.of(payment_method=key)

    @mutation(
        PaymentMethodUpdatePayload,
        METHOD,
        fails=[Code.PAYMENT_METHOD_UNUSABLE],
        description="Make a means of payment the default one, or switch automatic debit.",
        suspended=True,
    )
    async def payment_method_update(
        self, info: Info, input: PaymentMethodUpdateInput
    ) -> PaymentMethodUpdatePayload | None:
        wanted = given(input)
        key = await acts.change(
            info.context,
            key=_key(input.payment_method_id),
            default=wanted.get("default"),
            auto_debit=wanted.get("auto_debit"),
        )
        return PaymentMethodUpdatePayload.of(payment_method=key)

    @mutation(
        PaymentMethodRemovePayload,
        METHOD,
        description="Forget a means of payment.",
        suspended=True,
    )
    async def payment_method_remove(
        self, info: Info, input: PaymentMethodRemoveInput
    ) -> PaymentMethodRemovePayload | None:
        key = await acts.remove(info.context, key=_key(input.payment_method_id))
        return PaymentMethodRemovePayload.of(deleted_id=global_id("CardPaymentMethod", key))
