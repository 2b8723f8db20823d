"""ALE-4. Money on its way: what was collected and is not settled, and what was received and is not matched.

What a customer announced is not on its way: nobody knows whether it comes.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select

from models.bank_transfer import BankTransfer, BankTransferCandidate
from models.column import table, total
from models.db import Write
from models.payment import Payment, PaymentStatus

PAYMENTS, TRANSFERS, CANDIDATES = table(Payment), table(BankTransfer), table(BankTransferCandidate)
OWNER_ID: Any = bindparam("owner_id")
MOVING = select(
    total(PAYMENTS.c.amount_cents).label("cents"),
    func.count().filter(PAYMENTS.c.automatic).label("collections"),
).where(
    PAYMENTS.c.owner_id == OWNER_ID,
    PAYMENTS.c.status == PaymentStatus.PROCESSING,
    PAYMENTS.c.provider.is_not(None),
)
UNMATCHED = (
    select(TRANSFERS.c.id)
    .join(CANDIDATES, CANDIDATES.c.transfer_id == TRANSFERS.c.id)
    .where(CANDIDATES.c.owner_id == OWNER_ID, TRANSFERS.c.payment_id.is_(None))
    .limit(1)
)


async def in_transit(write: Write, owner_id: UUID, owed_cents: int) -> bool:
    """ALE-4. Whether something is on its way that may settle what is owed; the profile is locked.

    A collection is what we asked for; what a customer began counts where it would settle all of it, so that nobody
    stops the days by paying a euro. A transfer that was received is there, whoever it turns out to be of.
    """
    owner = {"owner_id": owner_id}
    (moving,) = await write.rows(MOVING, owner)
    if moving.collections or (moving.cents and moving.cents >= owed_cents):
        return True
    return bool(await write.rows(UNMATCHED, owner))
