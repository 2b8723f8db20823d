"""BIL-3. What settled what."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from engine.declare import One, declare
from schema.money import Money

if TYPE_CHECKING:
    from schema.invoice import Invoice
    from schema.ledger import LedgerEntry


@strawberry.type(description="Part of a credit set against an invoice.")
class Allocation:
    invoice: Annotated["Invoice", strawberry.lazy("schema.invoice")] = declare(
        One("invoice_id"), description="Invoice settled."
    )
    entry: Annotated["LedgerEntry", strawberry.lazy("schema.ledger")] = declare(
        One("entry_id"), description="Credit used."
    )
    amount: Money = strawberry.field(description="How much of it.")
