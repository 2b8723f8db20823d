"""Amounts, as the API reads and writes them."""

from decimal import Decimal

import strawberry

from models import money as rows
from schema.enumeration import described

described(rows.Currency, "Currencies in use.", EUR="Euro.")


@strawberry.type(description="An amount in one currency.")
class Money:
    amount: Decimal = strawberry.field(description="Exact amount, two decimals; negative when owed.")
    currency: rows.Currency = strawberry.field(description="Currency.")


@strawberry.input(description="An amount in one currency.")
class MoneyInput:
    amount: Decimal = strawberry.field(description="Exact amount.")
    currency: rows.Currency = strawberry.field(default=rows.Currency.EUR, description="Currency.")
