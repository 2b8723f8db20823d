"""BIL-2. Receipts: one for each payment that came in, in the transaction that books it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from models.column import IdArray, among, table
from models.context import Context
from models.db import Write
from models.document_series import SeriesKind
from models.issuer import Issuer
from models.payment import Payment
from models.receipt import Receipt, receipt_of
from resolvers.document_series import chain, drawn

RECEIPTS = table(Receipt)
WANTED: Any = bindparam("wanted", type_=IdArray())
NUMBERS = select(RECEIPTS.c.payment_id, RECEIPTS.c.number).where(among(RECEIPTS.c.payment_id, WANTED))


async def issue(office: Issuer, write: Write, payment: Payment) -> None:
    """BIL-2. The receipt of a payment that was just booked; from here on the series is locked, the last of all."""
    number = await drawn(office, write, SeriesKind.RECEIPT)
    receipt = receipt_of(payment, number, write.now)
    write.append(receipt)
    await chain(write, number, receipt.hash)


async def numbers(context: Context, keys: Sequence[UUID]) -> list[str | None]:
    """BIL-2. The number of the receipt of each payment; None where nothing came in."""
    found = {row.payment_id: row.number for row in await context.db.rows(NUMBERS, {"wanted": list(keys)})}
    return [found.get(key) for key in keys]
