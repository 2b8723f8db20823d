"""ALE-4. Money on its way: what was collected and is not settled, and what was received and is not matched.

What a customer announced is not on its way: nobody knows whether it comes.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, func, select

from models.bank_transfer import BankTransfer, BankTransferCandidate
from models.column import table, total
from models.db import Write
from models.invoice import Invoice
from models.payment import Payment, PaymentStatus

PAYMENTS, INVOICES = table(Payment), table(Invoice)
TRANSFERS, CANDIDATES = table(BankTransfer), table(BankTransferCandidate)
OWNER_ID: Any = bindparam("owner_id")
UNMATCHED = (
    select(TRANSFERS.c.id)
    .join(CANDIDATES, CANDIDATES.c.transfer_id == TRANSFERS.c.id)
    .where(CANDIDATES.c.owner_id == OWNER_ID, TRANSFERS.c.payment_id.is_(None))
)
OLDEST = select(func.min(INVOICES.c.issued_at)).where(INVOICES.c.owner_id == OWNER_ID, INVOICES.c.left_cents > 0)
MOVING = select(
    total(PAYMENTS.c.amount_cents).label("cents"),
    func.count().filter(PAYMENTS.c.automatic).label("collections"),
    UNMATCHED.exists().label("unmatched"),
    OLDEST.scalar_subquery().label("oldest"),
).where(
    PAYMENTS.c.owner_id == OWNER_ID,
    PAYMENTS.c.status == PaymentStatus.PROCESSING,
    PAYMENTS.c.provider.is_not(None),
)


class Transit(NamedTuple):
    """ALE-4. Whether something is on its way, and since when the oldest invoice waits for it."""

    moving: bool
    oldest: datetime | None


async def in_transit(write: Write, owner_id: UUID, owed_cents: int) -> Transit:
    """ALE-4. Whether something is on its way that may settle what is owed; the profile is locked.

    A collection is what we asked for; what a customer began counts where it would settle all of it, so that nobody
    stops the days by paying a euro. A transfer that was received is there, whoever it turns out to be of.
    """
    (found,) = await write.rows(MOVING, {"owner_id": owner_id})
    settles = found.cents and found.cents >= owed_cents
    return Transit(bool(found.collections or settles or found.unmatched), found.oldest)
