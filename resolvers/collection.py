"""BIL-9. Automatic debit: what is issued is charged to the default card at once, and what fails is tried again."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlmodel import select as select_rows

from models.clock import civil_day
from models.collection import Collection
from models.column import table
from models.db import Db, Write
from models.invoice import Invoice
from models.money import Money
from models.payment import Means, Payment, PaymentInvoice, PaymentStatus, payment_began
from models.payment_method import MethodState, PaymentMethod
from models.setting import Figures
from resolvers import alert
from resolvers.suspension import PROFILE

COLLECTIONS, INVOICES, METHODS = table(Collection), table(Invoice), table(PaymentMethod)
PAYMENTS, NAMED = table(Payment), table(PaymentInvoice)


class NothingToCollect(Exception):
    """What was due is paid, or there is no card for it any more: there is nothing to write."""


async def plan(write: Write, invoice: Invoice) -> None:
    """BIL-9. Collect what is left of a new invoice, right after this transaction, where its owner has that wish."""
    if not invoice.left_cents:
        return
    debited = METHODS.c.owner_id == invoice.owner_id, METHODS.c.is_default, METHODS.c.auto_debit
    if await write.rows(select(METHODS.c.id).where(*debited)):
        write.add(Collection(invoice_id=invoice.id, owner_id=invoice.owner_id, began_at=write.now, due_at=write.now))


async def begin(figures: Figures, write: Write, owner_id: UUID, at: datetime) -> list[UUID]:
    """BIL-9. The payments of what is due of a profile, which is locked; none where there is nothing to charge."""
    await write.lock_one(PROFILE, {"owner_id": owner_id})  # On SQLite whoever claims the work has not.
    card = await _card(figures, write, owner_id)
    due = select_rows(Collection).where(COLLECTIONS.c.owner_id == owner_id, COLLECTIONS.c.due_at <= at)
    begun: list[UUID] = []
    if card is None:
        return begun
    for each in await write.lock(due):
        (invoice,) = await write.lock(select_rows(Invoice).where(INVOICES.c.id == each.invoice_id))
        if not invoice.left_cents:
            each.due_at = None
            continue
        if (other := await _under_way(write, invoice.id)) is not None:
            each.wait_for(write.record, other)
            continue
        payment = payment_began(
            write.record,
            Means(card.kind, card.provider, card.id),
            owner_id=owner_id,
            cents=invoice.left_cents,
            wait=figures.payment_ask_pause,
            automatic=True,
            attempt=each.attempts + 1,
        )
        write.add(payment)
        await write.flush()
        write.add(PaymentInvoice(payment_id=payment.id, invoice_id=invoice.id))
        each.try_with(payment.id)
        begun.append(payment.id)
    await alert.transit_moved(figures, write, owner_id)
    return begun


async def give_up(db: Db, owner_id: UUID, at: datetime) -> None:
    """BIL-9. Nothing is to be charged of what was due: it was paid meanwhile, or the card is gone."""
    due = COLLECTIONS.c.owner_id == owner_id, COLLECTIONS.c.due_at <= at
    await db.note(update(COLLECTIONS).where(*due).values(due_at=None))


async def go_on(write: Write, payment_id: UUID) -> None:
    """BIL-9. A payment is over: what waited for it is collected, where it is not paid by that."""
    for each in await write.lock(select_rows(Collection).where(COLLECTIONS.c.waits_for == payment_id)):
        each.go_on(write.record)


async def failed(figures: Figures, write: Write, payment: Payment) -> dict[str, Any]:
    """BIL-9. Try again later, a few times; answers what the mail about it says."""
    found = await write.lock(select_rows(Collection).where(COLLECTIONS.c.payment_id == payment.id))
    told: dict[str, Any] = {"amount": str(Money(payment.amount_cents).amount)}
    for each in found:
        (invoice,) = await write.rows(select(INVOICES.c.number).where(INVOICES.c.id == each.invoice_id))
        told["number"] = invoice.number
        if (again := each.retry(figures.collection_retry_days, write.now)) is not None:
            told["on"] = civil_day(again, ZoneInfo(figures.billing_zone)).isoformat()
    return told


async def _card(figures: Figures, write: Write, owner_id: UUID) -> PaymentMethod | None:
    wanted = METHODS.c.owner_id == owner_id, METHODS.c.is_default, METHODS.c.auto_debit
    card = await write.lock_one(select_rows(PaymentMethod).where(*wanted, METHODS.c.state == MethodState.STORED))
    today = civil_day(write.now, ZoneInfo(figures.billing_zone))
    return card if card is not None and card.is_usable(today) else None


async def _under_way(write: Write, invoice_id: UUID) -> Payment | None:
    """A payment of it that is not over."""
    of_invoice = PAYMENTS.c.id.in_(select(NAMED.c.payment_id).where(NAMED.c.invoice_id == invoice_id))
    under_way = select_rows(Payment).where(of_invoice, PAYMENTS.c.status == PaymentStatus.PROCESSING).limit(1)
    return await write.lock_one(under_way)
