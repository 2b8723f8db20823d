"""ACC-6. Changing plan or period: its price, and doing it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from engine.declare import Batch, declare
from models.context import Context
from models.permission import OverallPermission
from models.plan_change import PlanTooSmall, PlanWishes
from models.price import BillingPeriod
from models.profile import Locale
from models.quote import Quote
from models.refusal import Code
from resolvers import plan_change as acts
from schema.directive import Cost, authorize
from schema.error import UserError, said, user_error
from schema.global_id import key_found, key_of
from schema.ledger import LedgerEntry
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.quote import quote_shown

if TYPE_CHECKING:
    from schema.account import Account

CHANGE = authorize(
    subject="input.accountId", overall=[OverallPermission.ACCOUNT_MANAGEMENT], resolves=("input.planId",)
)


@strawberry.type(description="PLAN_TOO_SMALL.")
class PlanTooSmallError(UserError):
    code: Code = strawberry.field(description="Code.")
    message: str = strawberry.field(description="Localised sentence.")
    field: list[str] | None = strawberry.field(description="Path of the input field.")
    disk_used_bytes: Decimal = strawberry.field(description="Disk space in use, in bytes.")
    disk_quota_bytes: Decimal = strawberry.field(description="Disk space of the wanted plan, in bytes.")


@user_error.register
def _too_small(refusal: PlanTooSmall, locale: Locale) -> UserError:
    return PlanTooSmallError(
        **said(refusal, locale),
        disk_used_bytes=refusal.disk_used_bytes,
        disk_quota_bytes=refusal.disk_quota_bytes,
    )


async def quotes(context: Context, keys: Sequence[UUID], *, wishes: PlanWishes) -> list[Any]:
    """BIL-14. The price of a change, for each account; an error where its disk use is not known and matters."""
    found = await acts.quotes(context, keys, wishes=wishes)
    return [quote_shown(context.locale, each) if isinstance(each, Quote) else each for each in found]


def _wanted(_context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    return {"wishes": PlanWishes(UUID(int=0), key_found(given["plan_id"], "Plan"), given["period"])}


def plan_change_quote() -> Any:
    """The quote of an account."""
    return declare(
        Batch("id", quotes, _wanted),
        authorize(overall=[OverallPermission.ACCOUNT_MANAGEMENT]),
        marks=[Cost(weight=5)],
        arguments={
            "plan_id": (strawberry.ID, "Wanted plan."),
            "period": (BillingPeriod, "Wanted billing period."),
        },
        description="Price of another plan or period.",
    )


@strawberry.input(description="Arguments of accountPlanChange.")
class AccountPlanChangeInput:
    account_id: strawberry.ID = strawberry.field(description="Account.")
    plan_id: strawberry.ID = strawberry.field(description="Plan.")
    period: BillingPeriod = strawberry.field(description="Billing period.")
    quote_token: str = strawberry.field(description="Token of the quote the user agreed to.")
    idempotency_key: UUID = strawberry.field(
        description="Fresh for each intent, the same for each retry; kept 24 hours."
    )


@strawberry.type(description="Result of accountPlanChange.")
class AccountPlanChangePayload(MutationPayload):
    account: Annotated["Account", strawberry.lazy("schema.account")] | None = refetched("account", "The account.")
    refund: LedgerEntry | None = refetched(
        "refund",
        "Pro-rata refund booked, if any; null, without an error, for whoever may not read the ledger (BILLING).",
    )


@strawberry.type
class PlanChangeMutation:
    @mutation(
        AccountPlanChangePayload,
        CHANGE,
        fails=[
            Code.PLAN_UNAVAILABLE,
            Code.PLAN_TOO_SMALL,
            Code.TRANSFER_PENDING,
            Code.LIMIT_REACHED,
            Code.QUOTE_EXPIRED,
            Code.QUOTE_CHANGED,
            Code.PROFILE_SUSPENDED,
            Code.CONTRACT_PENDING,
            Code.EMAIL_NOT_VERIFIED,
            Code.IDENTITY_INCOMPLETE,
        ],
        description="Change plan or period; unused time is refunded to the balance, except towards the free plan.",
    )
    async def account_plan_change(self, info: Info, input: AccountPlanChangeInput) -> AccountPlanChangePayload | None:
        wishes = PlanWishes(
            key_of(input.account_id, "Account", "account_id"), key_found(input.plan_id, "Plan"), input.period
        )
        changed = await acts.change_plan(
            info.context, wishes=wishes, quote_token=input.quote_token, key=input.idempotency_key
        )
        return AccountPlanChangePayload.of(account=changed.account, refund=changed.refund)
