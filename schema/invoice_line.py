"""BIL-6. Lines, sums and VAT, as documents and previews show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from engine.declare import One, declare
from models import money
from models.profile import Locale
from schema.explanation import explained
from schema.money import Money

if TYPE_CHECKING:
    from schema.subscription import ServiceSubscription

ONE_DAY = timedelta(days=1)


@strawberry.type(description="A price before and after VAT; net + tax = gross.")
class TaxedMoney:
    net: Money = strawberry.field(description="VAT excluded.")
    tax: Money = strawberry.field(description="VAT.")
    gross: Money = strawberry.field(description="VAT included.")
    tax_rate: Decimal | None = strawberry.field(
        description='Rate in percent, e.g. "20.00"; zero under reverse charge; null for a sum over several rates.'
    )


@strawberry.type(description="A line of an invoice.")
class InvoiceLine:
    label: str = strawberry.field(description="Label as printed.")
    quantity: Decimal = strawberry.field(description="Quantity.")
    unit_price: Money = strawberry.field(description="Unit price, VAT excluded.")
    total: TaxedMoney = strawberry.field(description="Line total.")
    period_start: date | None = strawberry.field(description="First day covered.")
    period_end: date | None = strawberry.field(description="Last day covered.")
    subscription: Annotated["ServiceSubscription", strawberry.lazy("schema.subscription")] | None = declare(
        One("subscription_id"), description="Subscription billed."
    )
    explanation: str = strawberry.field(
        description=("How the amount came about: days, basis, price version, discounts in order, VAT rule, rounding.")
    )


@strawberry.type(description="VAT of one rate on a document.")
class TaxSubtotal:
    rate: Decimal = strawberry.field(description="Rate in percent.")
    base: Money = strawberry.field(description="Sum of the lines at this rate, VAT excluded.")
    tax: Money = strawberry.field(description="VAT, rounded once on the base.")
    mention: str | None = strawberry.field(
        description="Mention printed when no French VAT applies, e.g. reverse charge."
    )


@dataclass(frozen=True, slots=True)
class Line:
    """What `InvoiceLine` is made of."""

    label: str
    quantity: Decimal
    unit_price: money.Money
    total: money.TaxedAmount
    period_start: date | None
    period_end: date | None
    subscription_id: UUID | None
    explanation: str


@dataclass(frozen=True, slots=True)
class Subtotal:
    """What `TaxSubtotal` is made of."""

    rate: Decimal
    base: money.Money
    tax: money.Money
    mention: str | None


def line_shown(locale: Locale, line: Any) -> Any:
    """A line for this reader: of a document as it was issued, or of a draft."""
    return Line(
        label=locale.pick(line.label_en, line.label_fr),
        quantity=Decimal(line.quantity),
        unit_price=money.Money(line.unit_cents),
        total=money.TaxedAmount(line.net_cents, line.tax_cents, line.rate_bp),
        period_start=line.period_start,
        period_end=line.period_end - ONE_DAY if line.period_end else None,
        subscription_id=line.subscription_id,
        explanation=explained(locale, line),
    )


def sum_shown(lines: Sequence[Any]) -> Any:
    """The sum of lines, with the rate that they have in common."""
    rates = {line.rate_bp for line in lines}
    rate_bp = rates.pop() if len(rates) == 1 else None
    return money.TaxedAmount(sum(line.net_cents for line in lines), sum(line.tax_cents for line in lines), rate_bp)


def subtotal_shown(locale: Locale, tax: Any) -> Any:
    """The VAT at one rate, for this reader."""
    return Subtotal(
        rate=money.percent(tax.rate_bp),
        base=money.Money(tax.base_cents),
        tax=money.Money(tax.tax_cents),
        mention=locale.pick(tax.mention_en, tax.mention_fr),
    )
