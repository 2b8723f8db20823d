"""CAT-4. Prices are versioned: dated rows, of which the newest that has begun is in force. None is ever edited."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from models.column import Instant, new_id
from models.money import Money


class BillingPeriod(StrEnum):
    """What a price is for."""

    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


MONTHS = {BillingPeriod.MONTHLY: 1, BillingPeriod.YEARLY: 12}


class DatedPrice(SQLModel):
    """CAT-4. What a table of prices has besides its keys. Its rows are only ever added: triggers refuse the rest."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    cents: int = Field(sa_type=BigInteger)
    """Of the whole period, VAT excluded."""
    valid_from: datetime = Field(sa_type=Instant)


class Dated(Protocol):
    """A row of such a table, however it was read."""

    @property
    def cents(self) -> int: ...

    @property
    def valid_from(self) -> datetime: ...


P = TypeVar("P", bound=Dated)


class PriceRefused(Exception):
    """A price cannot be changed as the catalogue's file says."""


@dataclass(frozen=True, slots=True)
class Price:
    """What one period costs, VAT excluded."""

    period: BillingPeriod
    cents: int

    @property
    def total(self) -> Money:
        """Of the whole period."""
        return Money(self.cents)

    @property
    def monthly(self) -> Money:
        """Brought back to one month, to the cent: half a cent goes up."""
        months = MONTHS[self.period]
        return Money((2 * self.cents + months) // (2 * months))


def in_force(prices: Sequence[P], at: datetime) -> P | None:
    """CAT-4. The newest price that has begun at `at`; None before the first."""
    return max((price for price in prices if price.valid_from <= at), key=lambda price: price.valid_from, default=None)


def begins(prices: Sequence[Dated], *, cents: int, valid_from: datetime, now: datetime) -> datetime | None:
    """CAT-4. When a price of `cents` that is wanted from `valid_from` on begins; None where it is that already.

    What is new is sold from `now` on at the latest. Raises PriceRefused where another price would be in force at an
    instant that has passed, or was announced for that very instant.
    """
    if not prices:
        return min(valid_from, now)
    then = in_force(prices, valid_from) or min(prices, key=lambda price: price.valid_from)
    if then.cents == cents:
        return None
    figures = f"{Money(cents).amount} instead of {Money(then.cents).amount}"
    if then.valid_from == valid_from:
        raise PriceRefused(f"{figures} from the same instant; a dated price is never edited, so name a later one")
    if valid_from <= now:
        raise PriceRefused(f"{figures} from an instant that has passed; name a later one in prices_from")
    return valid_from
