"""BIL-5. The invoicing day: its price, and choosing it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from engine.declare import Batch, declare
from engine.error import BAD_USER_INPUT, FieldRefused
from models.context import Context
from models.invoicing_day import DayWishes
from models.period import INVOICING_DAYS
from models.permission import OverallPermission
from models.refusal import Code
from resolvers import invoicing_day as acts
from schema.directive import Cost, authorize
from schema.global_id import key_of
from schema.invoice import Invoice
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.quote import Quote, quote_shown

if TYPE_CHECKING:
    from schema.billing import Billing

BILLING = [OverallPermission.BILLING]


def wishes(day: int | None) -> DayWishes:
    """What an argument wants; a day that not every month has is wrong input."""
    if day is not None and day not in INVOICING_DAYS:
        first, last = INVOICING_DAYS[0], INVOICING_DAYS[-1]
        raise FieldRefused(BAD_USER_INPUT, "The day is from {first} to {last}.", first=first, last=last)
    return DayWishes(day)


async def quotes(context: Context, keys: Sequence[UUID], *, wishes: DayWishes) -> list[Quote]:
    """BIL-14. The price of an invoicing day, for each profile."""
    return [quote_shown(context.locale, quote) for quote in await acts.quotes(context, keys, wishes=wishes)]


def _wanted(_context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    return {"wishes": wishes(given.get("day"))}


def invoicing_day_quote() -> Any:
    """The quote of a profile."""
    return declare(
        Batch("id", quotes, _wanted),
        authorize(overall=BILLING),
        marks=[Cost(weight=5)],
        arguments={
            "day": (int | None, "Day of the month, 1 to 28; null to invoice each product on its own date."),
        },
        description="Pro-rata invoice caused by a change of invoicing day.",
    )


@strawberry.input(description="Arguments of invoicingDayUpdate.")
class InvoicingDayUpdateInput:
    profile_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Profile; default: the viewer."
    )
    day: int | None = strawberry.field(
        default=strawberry.UNSET, description="Day, 1 to 28; null for each product's own date."
    )
    quote_token: str = strawberry.field(description="Token of the quote the user agreed to.")
    idempotency_key: UUID = strawberry.field(
        description="Fresh for each intent, the same for each retry; kept 24 hours."
    )


@strawberry.type(description="Result of invoicingDayUpdate.")
class InvoicingDayUpdatePayload(MutationPayload):
    billing: Annotated["Billing", strawberry.lazy("schema.billing")] | None = refetched("billing", "Billing.")
    invoice: Invoice | None = refetched("invoice", "Pro-rata invoice, if any.")


@strawberry.type
class InvoicingDayMutation:
    @mutation(
        InvoicingDayUpdatePayload,
        authorize(subject="input.profileId", overall=BILLING),
        fails=[
            Code.QUOTE_EXPIRED,
            Code.QUOTE_CHANGED,
            Code.PROFILE_SUSPENDED,
            Code.EMAIL_NOT_VERIFIED,
            Code.IDENTITY_INCOMPLETE,
        ],
        description="Choose the invoicing day; a pro-rata invoice aligns the subscriptions.",
    )
    async def invoicing_day_update(
        self, info: Info, input: InvoicingDayUpdateInput
    ) -> InvoicingDayUpdatePayload | None:
        named = input.profile_id
        updated = await acts.update(
            info.context,
            owner_id=key_of(named, "Profile", "profile_id") if isinstance(named, str) else info.context.viewer.key,
            wishes=wishes(input.day if isinstance(input.day, int) else None),
            quote_token=input.quote_token,
            key=input.idempotency_key,
        )
        return InvoicingDayUpdatePayload.of(billing=updated.owner, invoice=updated.invoice)
