"""BIL-8, BIL-10. Paying: topping up the balance, paying invoices, and what the customer does on the way."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select, union
from sqlmodel import select as select_rows

from models.clock import civil_day
from models.column import table
from models.context import Context
from models.credit import Allocation
from models.db import Write
from models.idempotency import Intent
from models.invoice import Invoice
from models.ledger import InsufficientBalance
from models.money import LARGEST_CENTS, Money
from models.payment import (
    TEXT_LENGTH,
    AmountOutOfRange,
    Means,
    NothingDue,
    NotWaiting,
    OtherTotal,
    PaidAlready,
    Payment,
    PaymentDeclined,
    PaymentInvoice,
    PaymentStatus,
    payment_began,
)
from models.payment_method import MethodUnusable, PaymentMethod
from models.payment_provider import DeclineReason, PaymentMethodKind, ProviderSilent, Told
from models.profile import Profile
from models.refusal import NotFound
from resolvers import alert
from resolvers.find import belonging, find, writing
from resolvers.idempotency import DoneBefore, done_before, intent_of, keep, take
from resolvers.settlement import Desk, ask_soon, proceed, settle

PAYMENTS, NAMED, INVOICES = table(Payment), table(PaymentInvoice), table(Invoice)
ALLOCATIONS = table(Allocation)
LINKS = union(
    select(NAMED.c.payment_id, NAMED.c.invoice_id),
    select(PAYMENTS.c.id, ALLOCATIONS.c.invoice_id)
    .join_from(ALLOCATIONS, PAYMENTS, PAYMENTS.c.entry_id == ALLOCATIONS.c.entry_id)
    .where(ALLOCATIONS.c.invoice_id.is_not(None)),
).subquery()
"""BIL-3. What a payment is for, and what it settled."""


@dataclass(frozen=True, slots=True)
class PaymentSource:
    """BIL-8. What the customer pays with: exactly one."""

    method_id: UUID | None = None
    token: str | None = None
    bank_transfer: bool = False


# Lists


def of_owner(
    *, states: Sequence[PaymentStatus] | None = None, kinds: Sequence[PaymentMethodKind] | None = None
) -> Select[Any]:
    """BIL-8. The payments of a profile, in some states, by some means."""
    found = select(PAYMENTS.c.owner_id)
    if states is not None:
        found = found.where(PAYMENTS.c.status.in_(states))
    return found if kinds is None else found.where(PAYMENTS.c.kind.in_(kinds))


def of_invoice() -> Select[Any]:
    """BIL-3. The payments that are for an invoice, or settled some of it."""
    linked = select(LINKS.c.invoice_id).join(PAYMENTS, PAYMENTS.c.id == LINKS.c.payment_id)
    return linked.order_by(PAYMENTS.c.created_at, PAYMENTS.c.id)


def invoices_of() -> Select[Any]:
    """BIL-3. The invoices that a payment is for, or settled some of."""
    linked = select(LINKS.c.payment_id).join(INVOICES, INVOICES.c.id == LINKS.c.invoice_id)
    return linked.order_by(INVOICES.c.position)


# Commands


async def top_up(context: Context, *, owner_id: UUID, cents: int, source: PaymentSource, key: UUID) -> UUID:
    """BIL-8, BIL-15. Pay in; answers the payment. Raises PaymentDeclined where it failed."""

    async def begin(write: Write) -> Payment:
        await find(context, write, Profile, owner_id, "profile_id")
        least, most = 100 * context.figures.top_up_least, 100 * context.figures.top_up_most
        if not least <= cents <= most:
            raise AmountOutOfRange(Money(least), Money(most)).at("amount")
        return await _begun(context, write, owner_id, cents, source)

    values = {"owner": owner_id, "cents": cents, "source": asdict(source)}
    return await _once(context, intent_of(context, key, "balanceTopUp", values), begin)


async def pay(
    context: Context,
    *,
    owner_id: UUID,
    invoices: Sequence[UUID],
    expected_cents: int,
    source: PaymentSource | None,
    key: UUID,
) -> UUID:
    """BIL-8, BIL-15. Pay what is left of invoices; answers the payment.

    Whatever the balance has is allocated to open invoices as they are issued, so that what is left of them is what it
    does not cover.
    """

    async def begin(write: Write) -> Payment:
        await find(context, write, Profile, owner_id, "profile_id")
        due = await _due(write, owner_id, invoices)
        if due != expected_cents:
            raise OtherTotal(Money(due)).at("expected_total")
        if source is None:
            raise InsufficientBalance(Money(due)).at("source")
        payment = await _begun(context, write, owner_id, due, source)
        for invoice_id in invoices:
            write.add(PaymentInvoice(payment_id=payment.id, invoice_id=invoice_id))
        await write.flush()
        return payment

    values = {
        "owner": owner_id,
        "invoices": list(invoices),
        "expected": expected_cents,
        "source": asdict(source) if source else None,
    }
    return await _once(context, intent_of(context, key, "invoicePay", values), begin)


async def confirm(context: Context, *, key: UUID) -> UUID:
    """BIL-10. Go on after the customer's action. Raises PaymentDeclined, NotWaiting, ActionExpired."""
    payment, now = await _waiting(context, key), await context.db.now()
    payment.check_in_time(now)
    provider = context.payments.named(payment.provider)
    if provider is None:
        raise NotWaiting
    await _concluded(context, payment, provider.confirm(key, now, payment.reference))
    await _check_declined(context, key)
    return key


async def cancel(context: Context, *, key: UUID) -> UUID:
    """BIL-10. Give up what waits for the customer; what came in before that is kept. Raises NotWaiting."""
    payment, now = await _waiting(context, key), await context.db.now()
    provider = context.payments.named(payment.provider)
    if payment.provider is None:
        await _abandon(context, key)
    elif provider is not None:
        await _concluded(context, payment, provider.cancel(key, now, payment.reference))
    return key


async def _waiting(context: Context, key: UUID) -> Payment:
    row = await context.db.first(select(PAYMENTS).where(PAYMENTS.c.id == key))
    if row is None:
        raise NotFound().at("payment_id")
    payment = Payment(**row._mapping)
    payment.check_waits()
    return payment


async def _concluded(context: Context, payment: Payment, asked: Awaitable[Told | None]) -> None:
    """Settle what the provider says to the customer's decision; its silence is cleared up later."""
    desk, now = desk_of(context), await context.db.now()
    await context.db.release()
    try:
        async with asyncio.timeout(context.figures.payment_timeout.total_seconds()):
            told = await asked
    except (ProviderSilent, TimeoutError):
        told = None
    if told is None:
        await ask_soon(desk, payment.id, now)
    else:
        await settle(desk, told, payment.provider, opened=context.db.write)


async def _abandon(context: Context, key: UUID) -> None:
    """BIL-8. A bank transfer is given up between us and the customer."""
    async with writing(context) as write:
        payment = await find(context, write, Payment, key, "payment_id")
        payment.check_waits()
        payment.cancel(write.record)


# Parts


def desk_of(context: Context) -> Desk:
    """What payments of a request are settled with."""
    return Desk(context.db, context.figures, context.payments)


async def _once(context: Context, intent: Intent, begin: Callable[[Write], Awaitable[Payment]]) -> UUID:
    """BIL-15. The intent and its payment are committed together; whoever retries goes on with that payment."""
    fresh = False
    done = await done_before(context, intent)
    if done is None:
        try:
            async with writing(context) as write:
                await take(context, write, intent)
                payment = await begin(write)
                await keep(write, intent, payment=payment.id)
            done, fresh = {"payment": payment.id}, True
        except DoneBefore as before:
            done = before.results
    await proceed(desk_of(context), done["payment"], fresh=fresh)
    await _check_declined(context, done["payment"])
    return done["payment"]


async def _begun(context: Context, write: Write, owner_id: UUID, cents: int, source: PaymentSource) -> Payment:
    means = await means_of(context, write, owner_id, source)
    figures = context.figures
    wait = figures.bank_transfer_patience if means.provider is None else figures.payment_ask_pause
    payment = payment_began(write.record, means, owner_id=owner_id, cents=cents, wait=wait)
    write.add(payment)
    await write.flush()
    await alert.transit_moved(figures, write, owner_id)
    return payment


async def means_of(context: Context, write: Write, owner_id: UUID, source: PaymentSource) -> Means:
    """BIL-8. What is paid with. Raises MethodUnusable, and NotFound where it is somebody else's."""
    if source.bank_transfer:
        return Means(PaymentMethodKind.BANK_TRANSFER)
    if source.method_id is not None:
        method = await belonging(write, PaymentMethod, source.method_id, owner_id, "source", "payment_method_id")
        try:
            method.check_usable(civil_day(write.now, ZoneInfo(context.figures.billing_zone)))
        except MethodUnusable as unusable:
            raise unusable.at("source", "payment_method_id") from None
        return Means(method.kind, method.provider, method.id)
    provider = context.payments.taking(PaymentMethodKind.CARD)
    if provider is None or not source.token or len(source.token) > TEXT_LENGTH:
        raise MethodUnusable().at("source")
    return Means(PaymentMethodKind.CARD, provider.name, token=source.token)


async def _due(write: Write, owner_id: UUID, keys: Sequence[UUID]) -> int:
    """BIL-8. What is left of these invoices. Raises NotFound, NothingDue, PaidAlready."""
    wanted = select_rows(Invoice).where(INVOICES.c.id.in_(list(keys)), INVOICES.c.owner_id == owner_id)
    found = await write.lock(wanted)
    if len(found) != len(set(keys)):
        raise NotFound().at("invoice_ids")
    due = sum(invoice.left_cents for invoice in found)
    if not 0 < due < LARGEST_CENTS:
        raise NothingDue().at("invoice_ids")
    under_way = (
        select(NAMED.c.invoice_id)
        .join(PAYMENTS, PAYMENTS.c.id == NAMED.c.payment_id)
        .where(NAMED.c.invoice_id.in_(list(keys)), PAYMENTS.c.status == PaymentStatus.PROCESSING)
    )
    if await write.rows(under_way):
        raise PaidAlready().at("invoice_ids")
    return due


async def _check_declined(context: Context, key: UUID) -> None:
    """BIL-10. Raises PaymentDeclined where the bank or the provider said no."""
    row = await context.db.first(select(PAYMENTS.c.status, PAYMENTS.c.reason).where(PAYMENTS.c.id == key))
    if row is not None and row.status is PaymentStatus.FAILED:
        raise PaymentDeclined(row.reason or DeclineReason.DECLINED, key)
