"""BIL-8. Bank transfers that came in: recorded by people, matched by what their payers wrote, booked once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select
from sqlmodel import select as select_rows

from models.bank_transfer import (
    REASON_LENGTH,
    AssignedAlready,
    BankTransfer,
    BankTransferCandidate,
    invoice_numbers,
    needed,
    transfer_came,
)
from models.clock import civil_day
from models.column import INSERTS, table
from models.context import Context
from models.customer_number import customer_numbers
from models.db import Write
from models.document_series import DocumentKind
from models.invoice import Invoice
from models.payment import Payment, PaymentInvoice, PaymentStatus, transfer_received
from models.payment_provider import PaymentMethodKind
from models.profile import Profile
from models.refusal import NotFound
from models.staff import refuse_own
from resolvers import alert
from resolvers.desk import acting
from resolvers.settlement import receive_transfer
from resolvers.suspension import PROFILE

TRANSFERS, CANDIDATES = table(BankTransfer), table(BankTransferCandidate)
PROFILES, INVOICES = table(Profile), table(Invoice)
PAYMENTS, NAMED = table(Payment), table(PaymentInvoice)
MOST = 100


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a transfer that was recorded, now or before."""

    key: UUID
    fresh: bool


@dataclass(slots=True)
class Meant:
    """Whom a text may be of, and which invoices of theirs it names."""

    owners: set[UUID] = field(default_factory=set)
    invoices: set[UUID] = field(default_factory=set)


class _RecordedBefore(Exception):
    """The same was recorded before: there is nothing to write."""


# Reading


async def unmatched(context: Context) -> Sequence[Row[Any]]:
    """BIL-8. Those that wait for somebody to find out whose they are, the oldest first."""
    waiting = select(TRANSFERS).where(TRANSFERS.c.payment_id.is_(None))
    return await context.db.rows(waiting.order_by(TRANSFERS.c.recorded_at, TRANSFERS.c.id).limit(MOST))


async def candidates(context: Context, keys: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """BIL-8. Whose each of them may be."""
    found: dict[UUID, list[UUID]] = {key: [] for key in keys}
    wanted = select(CANDIDATES).where(CANDIDATES.c.transfer_id.in_(list(keys))).order_by(CANDIDATES.c.owner_id)
    for row in await context.db.rows(wanted) if keys else ():
        found[row.transfer_id].append(row.owner_id)
    return found


async def told(context: Context, key: UUID) -> Row[Any]:
    """BIL-8. One of them."""
    found = await context.db.first(select(TRANSFERS).where(TRANSFERS.c.id == key))
    if found is None:
        raise NotFound().at("transfer_id")
    return found


# Commands


async def record(
    context: Context, *, cents: int, value_on: date, quoted: str, bank_reference: str, reason: str
) -> Recorded:
    """BIL-8. Book what came in for whom it is of, once for each reference; what fits nobody, or several, is kept."""
    key: UUID | None = None
    try:
        async with acting(context) as write:
            came = transfer_came(
                write.record,
                cents=cents,
                value_on=value_on,
                today=civil_day(write.now, ZoneInfo(context.figures.billing_zone)),
                quoted=quoted,
                bank_reference=bank_reference,
                reason=reason,
            )
            transfer = await _taken(write, came)
            key = transfer.id
            if transfer.id != came.id:
                transfer.check_same(came.amount_cents, came.value_on, came.quoted)
                raise _RecordedBefore
            await _matched(context, write, transfer)
    except _RecordedBefore:
        return Recorded(_present(key), fresh=False)
    return Recorded(_present(key), fresh=True)


async def assign(context: Context, *, key: UUID, owner_id: UUID, number: str | None, reason: str) -> bool:
    """BIL-8. Book a transfer that was kept for a profile, and first for an invoice; False where it was before."""
    said = needed(reason, REASON_LENGTH, "reason")
    refuse_own(context.viewer, owner_id)
    try:
        async with acting(context) as write:
            transfer = await write.lock_one(select_rows(BankTransfer).where(TRANSFERS.c.id == key))
            if transfer is None:
                raise NotFound().at("transfer_id")
            if transfer.payment_id is not None:
                if transfer.owner_id == owner_id and await _is_for(write, transfer.payment_id, owner_id, number):
                    raise _RecordedBefore
                raise AssignedAlready().at("transfer_id")
            await _assigned(context, write, transfer, owner_id, number, said)
    except _RecordedBefore:
        return False
    return True


# Parts


async def _is_for(write: Write, payment_id: UUID, owner_id: UUID, number: str | None) -> bool:
    """Whether a payment is for this invoice, where one is named."""
    if not number:
        return True
    named = NAMED.c.payment_id == payment_id, NAMED.c.invoice_id == await _invoice(write, owner_id, number)
    return bool(await write.rows(select(NAMED.c.invoice_id).where(*named)))


async def _taken(write: Write, came: BankTransfer) -> BankTransfer:
    """The row of this reference: this one, or the one that was there; whoever comes at once waits for the first."""
    values = {column.name: getattr(came, column.name) for column in TRANSFERS.c}
    insertion = INSERTS[write.dialect](TRANSFERS).values(values).on_conflict_do_nothing()
    await write.run(insertion)
    mine = select_rows(BankTransfer).where(TRANSFERS.c.bank_reference == came.bank_reference)
    (found,) = await write.lock(mine)
    return found


async def _matched(context: Context, write: Write, transfer: BankTransfer) -> None:
    meant = await _meant(context, write, transfer.quoted)
    profile = None
    for owner_id in meant.owners:
        refuse_own(context.viewer, owner_id)
    if len(meant.owners) == 1:
        (owner_id,) = meant.owners
        profile = await write.lock_one(PROFILE, {"owner_id": owner_id})
    if profile is None:
        await _kept(context, write, transfer, meant.owners)
        return
    payment = await _payment(write, profile, transfer, meant.invoices)
    transfer.match(write.record, profile.id, payment.id)
    await receive_transfer(context, write, profile, payment, transfer.bank_reference)


async def _kept(context: Context, write: Write, transfer: BankTransfer, owners: set[UUID]) -> None:
    """BIL-8, ALE-4. It fits nobody, or several: for each of them it is money that was received."""
    transfer.keep(write.record)
    found = await write.lock(select_rows(Profile).where(PROFILES.c.id.in_(list(owners)))) if owners else ()
    for profile in found:
        write.add(BankTransferCandidate(transfer_id=transfer.id, owner_id=profile.id))
    await write.flush()
    for profile in found:
        await alert.transit_moved(context.figures, write, profile.id)


async def _assigned(
    context: Context, write: Write, transfer: BankTransfer, owner_id: UUID, number: str | None, reason: str
) -> None:
    """ALE-4. Whose it might have been, and is not: their days pass again, in the same transaction."""
    might = await write.rows(select(CANDIDATES.c.owner_id).where(CANDIDATES.c.transfer_id == transfer.id))
    keys = {owner_id, *(row.owner_id for row in might)}
    profiles = {each.id: each for each in await write.lock(select_rows(Profile).where(PROFILES.c.id.in_(list(keys))))}
    if owner_id not in profiles:
        raise NotFound().at("profile_id")
    named = {await _invoice(write, owner_id, number)} if number else set()
    payment = await _payment(write, profiles[owner_id], transfer, named)
    transfer.assign(write.record, owner_id, payment.id, reason)
    await write.flush()
    for key in sorted(profiles.keys() - {owner_id}):
        await alert.transit_moved(context.figures, write, key)
    await receive_transfer(context, write, profiles[owner_id], payment, transfer.bank_reference)


async def _meant(context: Context, write: Write, quoted: str) -> Meant:
    """Whose the customer numbers and the invoices are that a text names."""
    meant = Meant()
    numbers = list(customer_numbers(quoted))
    if numbers:
        of_numbers = select(PROFILES.c.id).where(PROFILES.c.customer_number.in_(numbers))
        meant.owners |= {row.id for row in await write.rows(of_numbers)}
    named = list(invoice_numbers(quoted, context.figures, sandbox=context.sandbox))
    if named:
        issued = INVOICES.c.number.in_(named), INVOICES.c.kind == DocumentKind.INVOICE
        for row in await write.rows(select(INVOICES.c.id, INVOICES.c.owner_id).where(*issued)):
            meant.owners.add(row.owner_id)
            meant.invoices.add(row.id)
    return meant


async def _invoice(write: Write, owner_id: UUID, number: str) -> UUID:
    mine = INVOICES.c.number == number, INVOICES.c.owner_id == owner_id, INVOICES.c.kind == DocumentKind.INVOICE
    found = await write.rows(select(INVOICES.c.id).where(*mine))
    if not found:
        raise NotFound().at("invoice_number")
    key: UUID = found[0].id
    return key


async def _payment(write: Write, profile: Profile, transfer: BankTransfer, named: set[UUID]) -> Payment:
    """BIL-8. What was announced, with what came; else a new one. It is for the invoices that were named, too."""
    payment = await _announced(write, profile.id, transfer.amount_cents, named)
    if payment is None:
        payment = transfer_received(write.record, owner_id=profile.id, cents=transfer.amount_cents)
        write.add(payment)
        await write.flush()
    payment.take_amount(write.record, transfer.amount_cents)
    known = {row.invoice_id for row in await write.rows(select(NAMED).where(NAMED.c.payment_id == payment.id))}
    for invoice_id in named - known:
        write.add(PaymentInvoice(payment_id=payment.id, invoice_id=invoice_id))
    await write.flush()
    return payment


async def _announced(write: Write, owner_id: UUID, cents: int, named: set[UUID]) -> Payment | None:
    """BIL-8. Of what the customer announced: what is for these invoices, else of this amount, else the only one."""
    waiting = (
        PAYMENTS.c.owner_id == owner_id,
        PAYMENTS.c.kind == PaymentMethodKind.BANK_TRANSFER,
        PAYMENTS.c.status == PaymentStatus.REQUIRES_ACTION,
    )
    rows = await write.lock(select_rows(Payment).where(*waiting).order_by(PAYMENTS.c.created_at, PAYMENTS.c.id))
    of_payments = select(NAMED).where(NAMED.c.payment_id.in_([each.id for each in rows]))
    linked = await write.rows(of_payments) if rows else ()
    for_them = {row.payment_id for row in linked if row.invoice_id in named}
    if named:
        rows = [each for each in rows if each.id in for_them] or [each for each in rows if not _names(each, linked)]
    exact = [each for each in rows if each.amount_cents == cents]
    return exact[0] if exact else rows[0] if len(rows) == 1 else None


def _names(payment: Payment, linked: Sequence[Row[Any]]) -> bool:
    return any(row.payment_id == payment.id for row in linked)


def _present(key: UUID | None) -> UUID:
    if key is None:
        raise AssertionError("a transfer that was recorded has a key")
    return key
