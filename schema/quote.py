"""BIL-14. Quotes, as the API shows them: what will be charged, line by line, and what stands in the way."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import strawberry

from models import quote as rows
from models.money import Money as Amount
from models.price import BillingPeriod
from models.profile import Locale
from models.refusal import Code
from schema.error import UserError, said, user_error
from schema.message import say
from schema.money import Money

ONE_DAY = timedelta(days=1)
FOR_A_MONTH = "{plan}, one month, account {account}"
FOR_A_YEAR = "{plan}, one year, account {account}"
NO_REFUND = "Deleting the account before the end of a period is not refunded."
RESTRICTED = "The free plan has restrictions: they are shown with the plan."
EXPLAINED = "{quantity} × {price}, list price in force since {since}; a whole period of {days} days, without discount."


@strawberry.type(description="Amounts of a line or a sum.")
class TaxedMoney:
    net: Money = strawberry.field(description="VAT excluded.")


@strawberry.type(description="A line of an invoice.")
class InvoiceLine:
    label: str = strawberry.field(description="Label as printed.")
    quantity: Decimal = strawberry.field(description="Quantity.")
    unit_price: Money = strawberry.field(description="Unit price, VAT excluded.")
    total: TaxedMoney = strawberry.field(description="Line total.")
    period_start: date | None = strawberry.field(description="First day covered.")
    period_end: date | None = strawberry.field(description="Last day covered.")
    explanation: str = strawberry.field(
        description=("How the amount came about: days, basis, price version, discounts in order, VAT rule, rounding.")
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
    lines: list[InvoiceLine] = strawberry.field(
        description="The very lines that the documents will carry (bounded list)."
    )
    warnings: list[str] = strawberry.field(
        description="Localised sentences the user has to read before confirming (no refund, data loss, ...)."
    )


@strawberry.type(description="Price of opening an account.")
class AccountOpenQuote(Quote):
    token: str | None = strawberry.field(description="Opaque signed token.")
    blockers: list[UserError] = strawberry.field(description="What stands in the way (bounded list).")
    expires_at: datetime = strawberry.field(description="End of validity.")
    charge: TaxedMoney = strawberry.field(description="What will be invoiced.")
    refund: Money = strawberry.field(description="What will be credited, pro rata.")
    lines: list[InvoiceLine] = strawberry.field(
        description="The very lines that the documents will carry (bounded list)."
    )
    warnings: list[str] = strawberry.field(description="To be read before confirming.")


@strawberry.type(description="QUOTE_EXPIRED or QUOTE_CHANGED.")
class QuoteError(UserError):
    code: Code = strawberry.field(description="Code.")
    message: str = strawberry.field(description="Localised sentence.")
    field: list[str] | None = strawberry.field(description="Path of the input field.")
    current: Quote = strawberry.field(description="The quote as of now, to confirm again.")


TYPES: dict[rows.QuoteKind, type[Quote]] = {rows.QuoteKind.ACCOUNT_OPEN: AccountOpenQuote}


def quote_shown(locale: Locale, quote: rows.Quote) -> Quote:
    """A quote, for this reader."""
    return TYPES[quote.kind](
        token=quote.token,
        blockers=[user_error(blocker, locale) for blocker in quote.blockers],
        expires_at=quote.expires_at,
        charge=TaxedMoney(net=_money(quote.charge)),
        refund=_money(quote.refund),
        lines=[_line(locale, line) for line in quote.lines],
        warnings=[_warning(locale, caution) for caution in quote.cautions],
    )


@user_error.register
def _stale(refusal: rows.StaleQuote, locale: Locale) -> UserError:
    return QuoteError(**said(refusal, locale), current=quote_shown(locale, refusal.current))


def _line(locale: Locale, line: rows.Line) -> InvoiceLine:
    price = Amount(line.cents)
    return InvoiceLine(
        label=_label(locale, line),
        quantity=Decimal(line.quantity),
        unit_price=_money(price),
        total=TaxedMoney(net=_money(Amount(line.net_cents))),
        period_start=line.starts_on,
        period_end=line.ends_before - ONE_DAY,
        explanation=say(
            locale,
            EXPLAINED,
            quantity=line.quantity,
            price=price,
            since=line.priced_since,
            days=(line.ends_before - line.starts_on).days,
        ),
    )


def _label(locale: Locale, line: rows.Line) -> str:
    plan = locale.pick(line.plan_en, line.plan_fr)
    if line.period is BillingPeriod.MONTHLY:
        return say(locale, FOR_A_MONTH, plan=plan, account=line.account)
    return say(locale, FOR_A_YEAR, plan=plan, account=line.account)


def _warning(locale: Locale, caution: rows.Caution) -> str:
    return say(locale, NO_REFUND) if caution is rows.Caution.NO_REFUND else say(locale, RESTRICTED)


def _money(amount: Amount) -> Money:
    return Money(amount=amount.amount, currency=amount.currency)
