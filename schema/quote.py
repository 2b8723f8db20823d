"""BIL-14. Quotes, as the API shows them: what will be charged, line by line, and what stands in the way."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import strawberry

from engine.declare import Batch, declare
from engine.error import FieldRefused, told
from models import quote as rows
from models.context import Context
from models.money import Money as Amount
from models.permission import OverallPermission, Subject
from models.profile import Locale
from models.refusal import Code
from schema.directive import SEMANTIC_NON_NULL, authorize
from schema.error import UserError, said, user_error
from schema.invoice_line import InvoiceLine, TaxedMoney, line_shown, sum_shown
from schema.message import say
from schema.money import Money

NO_REFUND = "Deleting the account before the end of a period is not refunded."
RESTRICTED = "The free plan has restrictions: they are shown with the plan."
NOT_REFUNDED = "Nothing is refunded of what was paid or ordered when an account goes to the free plan."
VAT_UNCHECKED = (
    "The VAT number has not been looked up in VIES yet: until it is, the price is with VAT. It is looked up when you "
    "confirm, and you are asked again where that changes the price."
)
URGENT_CHARGE = (
    "You agree to be charged this if the cause turns out not to be covered by the service guarantee: our team decides, "
    "and says why."
)
STAYS_BEHIND = "Tickets, invoices and history stay with you. Permissions that you granted on it end."
PERIOD_GOES_WITH_IT = "The period that is paid for goes with it: nothing is refunded to you."
PAID_UNTIL_ITS_END = (
    "Nothing is charged now: the period that runs is paid until its end. From then on it renews itself, and you pay."
)
CUT = "What was ordered and is not invoiced yet will be invoiced for the days used."
CHARGED_WHEN_DONE = "It is charged once it is done, or cancelled too shortly before its slot."
CHARGED_ALL_THE_SAME = "The slot is too near, or over: what was agreed on is charged all the same."
BILLING = authorize(overall=[OverallPermission.BILLING], itself=True)


class Balance(NamedTuple):
    """A balance after an operation, whose it is, and where in the schema it is shown."""

    owner_id: UUID
    cents: int
    coordinate: str


async def balances(context: Context, keys: Sequence[Balance]) -> list[Any]:
    """BIL-14, PER-1. Balances after operations; an error where the caller may not know the owner's."""
    shown: list[Any] = []
    for key in keys:
        try:
            with told(key.coordinate):
                BILLING.check(context, Subject(key.owner_id))
            shown.append(Amount(key.cents))
        except FieldRefused as refusal:
            shown.append(refusal)
    return shown


def balance_after() -> Any:
    """The balance after the operation, for whoever may know it."""
    return declare(
        Batch("balance_after", balances), BILLING, marks=[SEMANTIC_NON_NULL], description="Balance after the operation."
    )


@strawberry.interface(
    description="A binding price shown before a mutation; pass `token` to the mutation to be charged exactly this."
)
class Quote:
    token: str | None = strawberry.field(
        description="Opaque signed token that freezes the figures until `expiresAt`; null while something stands in "
        "the way."
    )
    blockers: list[UserError] = strawberry.field(
        description="What stands in the way; while there is any, there is no token (bounded list)."
    )
    expires_at: datetime = strawberry.field(
        description="When the token stops being accepted (15 minutes after it was issued)."
    )
    charge: TaxedMoney = strawberry.field(description="What will be invoiced.")
    refund: Money = strawberry.field(
        description="What will be credited to the prepaid balance, VAT included, pro rata of unused time; zero when "
        "none."
    )
    balance_after: Money | None = strawberry.field(
        description="Balance once everything is booked and invoiced, before any new payment: balance + refund - "
        "charge.gross.",
        directives=[BILLING, SEMANTIC_NON_NULL],
    )
    lines: list[InvoiceLine] = strawberry.field(
        description="The very lines that the documents will carry (bounded list)."
    )
    invoiced_on: date | None = strawberry.field(description="Day the charge will be invoiced.")
    due_on: date | None = strawberry.field(description="Day it will be due.")
    warnings: list[str] = strawberry.field(
        description="Localised sentences the user has to read before confirming (no refund, data loss, ...)."
    )


@strawberry.type(description="Price of opening an account.")
class AccountOpenQuote(Quote):
    balance_after: Money | None = balance_after()


@strawberry.type(description="Price of a change of plan or period.")
class PlanChangeQuote(Quote):
    balance_after: Money | None = balance_after()


@strawberry.type(description="Pro-rata invoice that aligns all subscriptions.")
class InvoicingDayQuote(Quote):
    balance_after: Money | None = balance_after()


@strawberry.type(
    description="Price of an urgent ticket if the cause is not the provider's; `charge` is zero once found covered."
)
class UrgentTicketQuote(Quote):
    balance_after: Money | None = balance_after()


@strawberry.type(description="Effect of a transfer on one side.")
class TransferQuote(Quote):
    balance_after: Money | None = balance_after()


@strawberry.type(description="Price of interventions done together.")
class InterventionQuote(Quote):
    balance_after: Money | None = balance_after()


@strawberry.type(description="QUOTE_EXPIRED or QUOTE_CHANGED.")
class QuoteError(UserError):
    code: Code = strawberry.field(description="Code.")
    message: str = strawberry.field(description="Localised sentence.")
    field: list[str] | None = strawberry.field(description="Path of the input field.")
    current: Quote = strawberry.field(description="The quote as of now, to confirm again.")


TYPES: dict[rows.QuoteKind, type[Quote]] = {
    rows.QuoteKind.ACCOUNT_OPEN: AccountOpenQuote,
    rows.QuoteKind.PLAN_CHANGE: PlanChangeQuote,
    rows.QuoteKind.INVOICING_DAY: InvoicingDayQuote,
    rows.QuoteKind.URGENT_TICKET: UrgentTicketQuote,
    rows.QuoteKind.TRANSFER: TransferQuote,
    rows.QuoteKind.INTERVENTION: InterventionQuote,
    rows.QuoteKind.INTERVENTION_CANCEL: InterventionQuote,
}


def quote_shown(locale: Locale, quote: rows.Quote) -> Quote:
    """A quote, for this reader."""
    reckoning, kind = quote.reckoning, TYPES[quote.kind]
    shown: dict[str, Any] = {
        "token": quote.token,
        "blockers": [user_error(blocker, locale) for blocker in quote.blockers],
        "expires_at": quote.expires_at,
        "charge": sum_shown(reckoning.lines),
        "refund": quote.refund,
        "balance_after": Balance(quote.owner_id, quote.balance_after.cents, f"{kind.__name__}.balanceAfter"),
        "lines": [line_shown(locale, line) for line in reckoning.lines],
        "invoiced_on": reckoning.invoiced_on,
        "due_on": reckoning.due_on,
        "warnings": [_warning(locale, caution) for caution in quote.cautions],
    }
    return kind(**shown)


@user_error.register
def _stale(refusal: rows.StaleQuote, locale: Locale) -> UserError:
    return QuoteError(**said(refusal, locale), current=quote_shown(locale, refusal.current))


def _warning(locale: Locale, caution: rows.Caution) -> str:
    match caution:
        case rows.Caution.NO_REFUND:
            return say(locale, NO_REFUND)
        case rows.Caution.RESTRICTED:
            return say(locale, RESTRICTED)
        case rows.Caution.NOT_REFUNDED:
            return say(locale, NOT_REFUNDED)
        case rows.Caution.CUT:
            return say(locale, CUT)
        case rows.Caution.STAYS_BEHIND:
            return say(locale, STAYS_BEHIND)
        case rows.Caution.PERIOD_GOES_WITH_IT:
            return say(locale, PERIOD_GOES_WITH_IT)
        case rows.Caution.PAID_UNTIL_ITS_END:
            return say(locale, PAID_UNTIL_ITS_END)
        case rows.Caution.VAT_UNCHECKED:
            return say(locale, VAT_UNCHECKED)
        case rows.Caution.URGENT_CHARGE:
            return say(locale, URGENT_CHARGE)
        case rows.Caution.CHARGED_WHEN_DONE:
            return say(locale, CHARGED_WHEN_DONE)
        case rows.Caution.CHARGED_ALL_THE_SAME:
            return say(locale, CHARGED_ALL_THE_SAME)
