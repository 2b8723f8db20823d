"""Money: whole cents of one currency. Decimals are for showing and for reading, floats for nothing."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from models.refusal import Code, Refusal

LARGEST_CENTS = 10**15
"""Beyond what anybody owes, and far from the end of a BIGINT: sums of amounts stay below it."""


class Currency(StrEnum):
    """Currencies in use."""

    EUR = "EUR"


class InvalidAmount(Refusal):
    """More decimals than cents, or more money than there is."""

    code = Code.INVALID
    message = "An amount has two decimals at most, such as 12.50."


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency."""

    cents: int
    currency: Currency = Currency.EUR

    @property
    def amount(self) -> Decimal:
        """The exact amount, with two decimals."""
        return Decimal(self.cents).scaleb(-2)


@dataclass(frozen=True, slots=True)
class TaxedAmount:
    """An amount with its VAT: of a line, or a sum."""

    net_cents: int
    tax_cents: int
    rate_bp: int | None = None
    """In hundredths of a percent; None of a sum over several rates."""

    @property
    def net(self) -> Money:
        return Money(self.net_cents)

    @property
    def tax(self) -> Money:
        return Money(self.tax_cents)

    @property
    def gross(self) -> Money:
        return Money(self.net_cents + self.tax_cents)

    @property
    def tax_rate(self) -> Decimal | None:
        """In percent."""
        return None if self.rate_bp is None else percent(self.rate_bp)


def percent(rate_bp: int) -> Decimal:
    """A rate in percent, with two decimals."""
    return Decimal(rate_bp).scaleb(-2)


def cents_of(amount: Decimal) -> int:
    """The whole cents of `amount`; raises InvalidAmount where it has a part of one."""
    if not amount.is_finite() or abs(amount) >= LARGEST_CENTS // 100 or amount != round(amount, 2):
        raise InvalidAmount
    return int(amount.scaleb(2))


def nearest(numerator: int, denominator: int) -> int:
    """The whole number nearest to a fraction; a half goes away from zero, so a credit mirrors its charge."""
    away = (2 * abs(numerator) + abs(denominator)) // (2 * abs(denominator))
    return away if (numerator < 0) == (denominator < 0) else -away
