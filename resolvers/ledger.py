"""BIL-1, BIL-3. Booking: the purse of a profile under its lock, and what is added to it in one transaction."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import select as select_rows

from models.column import table, total
from models.credit import Allocation, Credit
from models.db import Write
from models.invoice import Invoice
from models.journal import EntryKind, JournalEntry, JournalLine, LedgerAccount, Posting
from models.ledger import Booked, Purse, Source
from models.locking import locking
from models.money import InvalidAmount
from models.profile import Profile
from models.refusal import NotFound
from resolvers import alert
from resolvers.suspension import PROFILE

ENTRIES, POSTINGS = table(JournalEntry), table(JournalLine)
CREDITS, ALLOCATIONS, INVOICES = table(Credit), table(Allocation), table(Invoice)
LAST = (
    select(ENTRIES.c.position, ENTRIES.c.balance_after_cents, ENTRIES.c.booked_at)
    .where(ENTRIES.c.owner_id == bindparam("owner_id"))
    .order_by(ENTRIES.c.position.desc())
    .limit(1)
)
OPEN_CREDITS = locking(
    select_rows(Credit)
    .where(CREDITS.c.owner_id == bindparam("owner_id"), CREDITS.c.left_cents != 0)
    .order_by(CREDITS.c.position)
)
OPEN_INVOICES = locking(
    select_rows(Invoice)
    .where(INVOICES.c.owner_id == bindparam("owner_id"), INVOICES.c.left_cents > 0)
    .order_by(INVOICES.c.position)
)
PAYMENT = (
    select(ENTRIES.c.owner_id, ENTRIES.c.amount_cents, POSTINGS.c.account)
    .join(POSTINGS, POSTINGS.c.entry_id == ENTRIES.c.id)
    .where(ENTRIES.c.id == bindparam("entry_id"), ENTRIES.c.kind == EntryKind.PAYMENT, POSTINGS.c.cents > 0)
)
"""A payment, and where it came in: there it goes out again."""
REVERSED = select(total(ENTRIES.c.amount_cents).label("cents")).where(
    ENTRIES.c.source_type == JournalEntry.activity_type,
    ENTRIES.c.source_id == bindparam("entry_id"),
    ENTRIES.c.kind == EntryKind.PAYMENT_REVERSAL,
)
SETTLED = (
    select(ALLOCATIONS.c.invoice_id, total(ALLOCATIONS.c.cents).label("cents"))
    .where(ALLOCATIONS.c.entry_id == bindparam("entry_id"), ALLOCATIONS.c.invoice_id.is_not(None))
    .group_by(ALLOCATIONS.c.invoice_id)
)


async def locked(write: Write, owner_id: UUID, *, for_invoice: bool = False) -> Purse:
    """BIL-3. What a profile has and owes; whoever books for it waits until this transaction ends.

    Of who issues an invoice, other debts are not read where there is no credit: then nothing settles them.
    """
    owner = {"owner_id": owner_id}
    if write.held(Profile, owner_id) is None and await write.lock_one(PROFILE, owner) is None:
        raise NotFound
    last = await write.rows(LAST, owner)
    purse = Purse(owner_id, *last[0]) if last else Purse(owner_id)
    purse.credits = list(await write.lock(OPEN_CREDITS, owner))
    if purse.credits or not for_invoice:
        purse.invoices = list(await write.lock(OPEN_INVOICES, owner))
    return purse


async def add(write: Write, booked: Booked, before: Sequence[Allocation] = ()) -> None:
    """BIL-1. Write what was booked; `before` is what was taken back for it."""
    write.append(booked.entry)
    if booked.credit is not None:
        await write.flush()  # The entry that it refers to.
        write.add(booked.credit)
    write.append(*booked.lines, *before, *booked.allocations)
    await write.flush()
    entry = booked.entry
    if entry.owner_id is not None and entry.balance_after_cents is not None:
        await alert.balance_moved(write, entry.owner_id, entry.balance_after_cents)


async def book_payment(
    write: Write,
    owner_id: UUID,
    cents: int,
    *,
    source: Source | None = None,
    first: Collection[UUID] = (),
    account: LedgerAccount = LedgerAccount.PAYMENT_CLEARING,
) -> Booked:
    """BIL-3, BIL-8. Money came in: it is credited, and settles `first` what it is for, then the oldest open debt."""
    if cents <= 0:
        raise InvalidAmount
    purse = await locked(write, owner_id)
    postings = Posting(account, cents), Posting(LedgerAccount.CUSTOMERS, -cents)
    booked = purse.book(write.record, EntryKind.PAYMENT, postings, source=source, first=first)
    await add(write, booked)
    return booked


async def adjust(
    write: Write,
    owner_id: UUID,
    cents: int,
    *,
    reason: str,
    account: LedgerAccount = LedgerAccount.ADJUSTMENTS,
    non_refundable: bool = False,
    source: Source | None = None,
) -> Booked:
    """BIL-1. Correct a balance by a new entry; below zero it takes away, but only what may leave the balance.

    Raises InsufficientBalance.
    """
    if cents == 0:
        raise InvalidAmount
    purse = await locked(write, owner_id)
    if cents < 0:
        purse.check_spendable(-cents)
    postings = Posting(account, cents), Posting(LedgerAccount.CUSTOMERS, -cents)
    facts: dict[str, Any] = {"reason": reason}
    booked = purse.book(
        write.record, EntryKind.ADJUSTMENT, postings, source=source, non_refundable=non_refundable, **facts
    )
    await add(write, booked)
    return booked


async def reverse_payment(write: Write, entry_id: UUID, *, cents: int | None = None) -> Booked:
    """BIL-9. A payment went back to its payer, in whole or in part: what it had settled is open again, newest first.

    What of it had left the balance is owed from then on.
    """
    payments = await write.rows(PAYMENT, {"entry_id": entry_id})
    if not payments:
        raise NotFound
    (payment,) = payments
    purse = await locked(write, payment.owner_id)
    (reversed_already,) = await write.rows(REVERSED, {"entry_id": entry_id})
    left = payment.amount_cents + reversed_already.cents
    wanted = left if cents is None else cents
    if not 0 < wanted <= left:
        raise InvalidAmount
    credit, undone = await _undone(write, purse, entry_id, wanted)
    postings = Posting(LedgerAccount.CUSTOMERS, wanted), Posting(payment.account, -wanted)
    source = Source(JournalEntry.activity_type, entry_id)
    booked = purse.book(write.record, EntryKind.PAYMENT_REVERSAL, postings, source=source, drawn_from=credit)
    await add(write, booked, undone)
    return booked


async def _undone(write: Write, purse: Purse, entry_id: UUID, wanted: int) -> tuple[Credit, list[Allocation]]:
    """The credit of a payment, with so much left of it as can be; and what was taken back from invoices for that."""
    (credit,) = await write.lock(select_rows(Credit).where(CREDITS.c.entry_id == entry_id))
    settled = {row.invoice_id: row.cents for row in await write.rows(SETTLED, {"entry_id": entry_id}) if row.cents}
    of_payment = select_rows(Invoice).where(INVOICES.c.id.in_(list(settled)))
    undone = []
    for invoice in sorted(await write.lock(of_payment), key=lambda each: -each.position):
        cents = min(settled[invoice.id], wanted - max(0, credit.left_cents))
        if cents > 0:
            undone.append(purse.take_back(write.record, credit, invoice, cents))
    return credit, undone
