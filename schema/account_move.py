"""ACC-7. accountMove: the support team moves an account between the public cloud and a server of its owner."""

from datetime import date, datetime

import strawberry

from engine.error import BAD_USER_INPUT, FieldRefused
from models.account_move import MoveWishes, NoPlace
from models.price import BillingPeriod
from models.refusal import Code, NotFound
from resolvers import account_move as acts
from schema.error import UserError, user_error
from schema.global_id import key_of
from schema.invoice_line import TaxedMoney, sum_shown
from schema.money import Money
from schema.mutation import Info, mutation
from schema.provisioning import ServicePayload
from schema.service import SUPPORT


@strawberry.input(description="Where an account is to go: a server, or a plan with its period.")
class AccountMoveTarget:
    account_id: strawberry.ID = strawberry.field(description="Account.")
    server_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Server of its owner.")
    plan_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Plan, for the public cloud."
    )
    period: BillingPeriod | None = strawberry.field(default=strawberry.UNSET, description="Billing period of the plan.")


@strawberry.type(description="What a move comes to, for the customer to be told before it is done.")
class AccountMoveQuote:
    token: str | None = strawberry.field(
        description="Token that freezes the figures; null while something stands in the way."
    )
    blockers: list[UserError] = strawberry.field(description="What stands in the way (bounded list).")
    expires_at: datetime = strawberry.field(description="When the token stops being accepted.")
    charge: TaxedMoney = strawberry.field(description="What will be invoiced.")
    refund: Money = strawberry.field(description="What goes back to the balance at once, VAT included.")
    balance_after: Money = strawberry.field(description="Balance once everything is booked and invoiced.")
    invoiced_on: date | None = strawberry.field(description="Day the charge will be invoiced.")
    due_on: date | None = strawberry.field(description="Day it will be due.")


def wishes_of(input: AccountMoveTarget) -> MoveWishes:
    """What the input says."""
    server_id, plan_id = input.server_id, input.plan_id
    return MoveWishes(
        key_of(input.account_id, "Account", "account_id"),
        key_of(server_id, "Server", "server_id") if isinstance(server_id, str) else None,
        key_of(plan_id, "Plan", "plan_id") if isinstance(plan_id, str) else None,
        input.period if isinstance(input.period, BillingPeriod) else None,
    )


async def account_move_quote(self: object, info: Info, input: AccountMoveTarget) -> AccountMoveQuote | None:
    """ACC-7, BIL-14. What it would cost, and what would go back; None of an account that is not there."""
    try:
        quote = await acts.quoted(info.context, wishes_of(input))
    except NotFound:
        return None
    except NoPlace as refusal:
        raise FieldRefused(BAD_USER_INPUT, refusal.message) from None
    return AccountMoveQuote(
        token=quote.token,
        blockers=[user_error(blocker, info.context.locale) for blocker in quote.blockers],
        expires_at=quote.expires_at,
        charge=sum_shown(quote.reckoning.lines),
        refund=quote.refund,  # type: ignore[arg-type]
        balance_after=quote.balance_after,  # type: ignore[arg-type]
        invoiced_on=quote.reckoning.invoiced_on,
        due_on=quote.reckoning.due_on,
    )


@strawberry.type
class AccountMoveQuery:
    account_move_quote: AccountMoveQuote | None = strawberry.field(
        resolver=account_move_quote,
        directives=[SUPPORT],
        description="Price of moving an account between the public cloud and a server of its owner.",
    )


@strawberry.input(description="Arguments of accountMove.")
class AccountMoveInput(AccountMoveTarget):
    quote_token: str = strawberry.field(description="Token of the quote that the customer agreed to.")
    reason: str = strawberry.field(description="Why, for the customer.")


@strawberry.type(description="Result of accountMove.")
class AccountMovePayload(ServicePayload):
    changed: bool | None = strawberry.field(description="It was asked of the machines.")


@strawberry.type
class AccountMoveMutation:
    @mutation(
        AccountMovePayload,
        SUPPORT,
        fails=[
            Code.PLAN_UNAVAILABLE,
            Code.PLAN_TOO_SMALL,
            Code.LIMIT_REACHED,
            Code.PROFILE_SUSPENDED,
            Code.CONTRACT_PENDING,
            Code.EMAIL_NOT_VERIFIED,
            Code.IDENTITY_INCOMPLETE,
        ],
        description=(
            "Move an account, which is used meanwhile: what is left of its plan goes back at once, a new plan is "
            "invoiced the next day. After a move that the machines could not do, the same may be asked for again."
        ),
    )
    async def account_move(self, info: Info, input: AccountMoveInput) -> AccountMovePayload | None:
        await acts.move(info.context, wishes=wishes_of(input), quote_token=input.quote_token, reason=input.reason)
        return AccountMovePayload.of(changed=True)
