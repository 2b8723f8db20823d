"""ACC-1. Opening an account: its price, and doing it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import strawberry

from engine.declare import Batch, declare
from models.context import Context
from models.opening import Wishes
from models.permission import OverallPermission
from models.price import BillingPeriod
from models.refusal import Code
from models.secret import unsaid
from resolvers import opening as acts
from schema.account import Account
from schema.directive import Cost, authorize
from schema.global_id import key_found, key_of
from schema.invoice import Invoice
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.quote import Quote, quote_shown


@strawberry.input(description="A plan and a period.")
class PublicCloudTargetInput:
    plan_id: strawberry.ID = strawberry.field(description="Plan.")
    period: BillingPeriod = strawberry.field(
        default=BillingPeriod.MONTHLY, description="Billing period; ignored for the free plan."
    )


@strawberry.input(description="Where to open an account: exactly one.", one_of=True)
class AccountTargetInput:
    public_cloud: PublicCloudTargetInput | None = strawberry.field(
        default=strawberry.UNSET, description="On the public cloud."
    )
    server_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="On a server of the owner."
    )


@strawberry.input(description="An account to open.")
class AccountOpenQuoteInput:
    name: str = strawberry.field(description="Unique name.")
    target: AccountTargetInput = strawberry.field(description="Where.")


@strawberry.input(description="Arguments of accountOpen.")
class AccountOpenInput:
    owner_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Owner; default: the viewer."
    )
    service_password: str = strawberry.field(
        description="Password for the default service users (FTP, SSH, databases...); handed to provisioning, never "
        "stored in clear."
    )
    account: AccountOpenQuoteInput = strawberry.field(description="What was quoted.")
    quote_token: str = strawberry.field(description="Token of the quote the user agreed to.")
    idempotency_key: UUID = strawberry.field(
        description="Fresh for each intent, the same for each retry; kept 24 hours."
    )

    __repr__ = unsaid


@strawberry.type(description="Result of accountOpen.")
class AccountOpenPayload(MutationPayload):
    account: Account | None = refetched("account", "The account.")
    invoice: Invoice | None = refetched("invoice", "Invoice issued, if any.")


def wishes(wanted: AccountOpenQuoteInput) -> Wishes:
    """What an input wants; an id of anything else leads nowhere."""
    target = wanted.target
    if target.public_cloud:
        plan = target.public_cloud
        return Wishes(wanted.name, plan_id=key_found(plan.plan_id, "Plan"), period=plan.period)
    return Wishes(wanted.name, server_id=key_found(str(target.server_id), "Server"))


async def quotes(context: Context, keys: Sequence[UUID], *, wishes: Wishes) -> list[Quote]:
    """BIL-14. The price of opening an account, for each profile."""
    return [quote_shown(context.locale, quote) for quote in await acts.quotes(context, keys, wishes=wishes)]


def _wanted(context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    return {"wishes": wishes(given["input"])}


def opening_quote() -> Any:
    """The quote of a profile."""
    return declare(
        Batch("id", quotes, _wanted),
        authorize(overall=[OverallPermission.ACCOUNT_MANAGEMENT]),
        marks=[Cost(weight=5)],
        arguments={"input": (AccountOpenQuoteInput, "Wanted account.")},
        description="Price of opening an account.",
    )


@strawberry.type
class OpeningMutation:
    @mutation(
        AccountOpenPayload,
        authorize(subject="input.ownerId", overall=[OverallPermission.ACCOUNT_MANAGEMENT]),
        fails=[
            Code.TAKEN,
            Code.PLAN_UNAVAILABLE,
            Code.LIMIT_REACHED,
            Code.QUOTE_EXPIRED,
            Code.QUOTE_CHANGED,
            Code.PROFILE_SUSPENDED,
            Code.CONTRACT_PENDING,
            Code.EMAIL_NOT_VERIFIED,
            Code.IDENTITY_INCOMPLETE,
        ],
        description="Open an account.",
    )
    async def account_open(self, info: Info, input: AccountOpenInput) -> AccountOpenPayload | None:
        named = input.owner_id
        key = await acts.open_account(
            info.context,
            owner_id=key_of(named, "Profile", "owner_id") if isinstance(named, str) else info.context.viewer.key,
            wishes=wishes(input.account),
            password=input.service_password,
            quote_token=input.quote_token,
            key=input.idempotency_key,
        )
        return AccountOpenPayload.of(account=key)
