"""BIL-8. Bank transfers that came in: recorded by people, booked for whom they are of, or kept until that is known."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry

from models.money import InvalidAmount, Money, cents_of
from resolvers import bank_transfer as acts
from schema.global_id import global_id, key_of
from schema.money import Money as ShownMoney
from schema.money import MoneyInput
from schema.mutation import Info, mutation
from schema.provisioning import ServicePayload
from schema.service import PAYMENTS


@strawberry.type(description="A bank transfer that came in.")
class BankTransfer:
    transfer_id: UUID = strawberry.field(description="Its key, to assign it by.")
    bank_reference: str = strawberry.field(description="The bank's own reference: there is one transfer for each.")
    amount: ShownMoney = strawberry.field(description="What came.")
    value_on: date = strawberry.field(description="Value date.")
    text: str = strawberry.field(description="What its payer wrote.")
    recorded_at: datetime = strawberry.field(description="When it was recorded first.")
    profile_id: strawberry.ID | None = strawberry.field(
        description="Profile that it was credited to; null while nobody knows whose it is."
    )
    payment_id: strawberry.ID | None = strawberry.field(description="Payment that it was booked as.")
    candidates: list[strawberry.ID] = strawberry.field(
        description="Profiles that an unmatched one may be of, as its text names several (bounded list)."
    )


@strawberry.input(description="Arguments of bankTransferRecord.")
class BankTransferRecordInput:
    bank_reference: str = strawberry.field(
        description="The bank's own reference. Recorded again with it, the same transfer is booked once."
    )
    amount: MoneyInput = strawberry.field(description="What came, whatever was expected.")
    value_on: date = strawberry.field(description="Value date, today at the latest.")
    text: str = strawberry.field(
        description=(
            "What its payer wrote. A customer number, a reference of ISO 11649 made of one, and numbers of invoices are"
            " found in it."
        )
    )
    reason: str = strawberry.field(description="Why it is recorded, such as the statement that shows it.")


@strawberry.input(description="Arguments of bankTransferAssign.")
class BankTransferAssignInput:
    transfer_id: UUID = strawberry.field(description="Unmatched transfer.")
    profile_id: strawberry.ID = strawberry.field(description="Profile that it is of.")
    invoice_number: str | None = strawberry.field(
        default=strawberry.UNSET, description="Number of the invoice that it pays first; else the oldest."
    )
    reason: str = strawberry.field(description="How it was found out.")


@strawberry.type(description="Result of bankTransferRecord.")
class BankTransferRecordPayload(ServicePayload):
    transfer: BankTransfer | None = strawberry.field(description="The transfer, as it is by now.")
    changed: bool | None = strawberry.field(description="False where it was recorded before.")


@strawberry.type(description="Result of bankTransferAssign.")
class BankTransferAssignPayload(ServicePayload):
    transfer: BankTransfer | None = strawberry.field(description="The transfer, as it is by now.")
    changed: bool | None = strawberry.field(description="False where it was assigned to this profile before.")


def shown(row: Any, candidates: Sequence[UUID]) -> BankTransfer:
    """A transfer, as people see it."""
    amount = Money(row.amount_cents)
    return BankTransfer(
        transfer_id=row.id,
        bank_reference=row.bank_reference,
        amount=ShownMoney(amount=amount.amount, currency=amount.currency),
        value_on=row.value_on,
        text=row.quoted,
        recorded_at=row.recorded_at,
        profile_id=_id("Profile", row.owner_id),
        payment_id=_id("Payment", row.payment_id),
        candidates=[strawberry.ID(global_id("Profile", key)) for key in candidates],
    )


async def told(info: Info, key: UUID) -> BankTransfer:
    """One of them, read again."""
    row = await acts.told(info.context, key)
    return shown(row, (await acts.candidates(info.context, [key]))[key])


async def unmatched(self: object, info: Info) -> list[BankTransfer]:
    """BIL-8. Those that wait for somebody to find out whose they are."""
    rows = await acts.unmatched(info.context)
    candidates = await acts.candidates(info.context, [row.id for row in rows])
    return [shown(row, candidates[row.id]) for row in rows]


def _id(kind: str, key: UUID | None) -> strawberry.ID | None:
    return None if key is None else strawberry.ID(global_id(kind, key))


@strawberry.type
class BankTransferQuery:
    unmatched_transfers: list[BankTransfer] | None = strawberry.field(
        resolver=unmatched,
        directives=[PAYMENTS],
        description="Bank transfers that nobody knows the owner of yet, the oldest first (bounded list).",
    )


@strawberry.type
class BankTransferMutation:
    @mutation(
        BankTransferRecordPayload,
        PAYMENTS,
        quiet=True,
        description="Record a bank transfer that came in; it is credited to whom its text names, once.",
    )
    async def bank_transfer_record(
        self, info: Info, input: BankTransferRecordInput
    ) -> BankTransferRecordPayload | None:
        try:
            cents = cents_of(input.amount.amount)
        except InvalidAmount as invalid:
            raise invalid.at("amount") from None
        recorded = await acts.record(
            info.context,
            cents=cents,
            value_on=input.value_on,
            quoted=input.text,
            bank_reference=input.bank_reference,
            reason=input.reason,
        )
        return BankTransferRecordPayload.of(transfer=await told(info, recorded.key), changed=recorded.fresh)

    @mutation(
        BankTransferAssignPayload,
        PAYMENTS,
        quiet=True,
        description="Credit an unmatched bank transfer to the profile that it is of.",
    )
    async def bank_transfer_assign(
        self, info: Info, input: BankTransferAssignInput
    ) -> BankTransferAssignPayload | None:
        changed = await acts.assign(
            info.context,
            key=input.transfer_id,
            owner_id=key_of(input.profile_id, "Profile", "profile_id"),
            number=input.invoice_number or None,
            reason=input.reason,
        )
        return BankTransferAssignPayload.of(transfer=await told(info, input.transfer_id), changed=changed)
