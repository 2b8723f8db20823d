"""BIL-10. From a payment that was asked for to what became of it: the provider is asked, and its answer is settled.

The intent is committed before, the call is made outside of any transaction, and what it tells is committed after. Who
hears nothing knows nothing: the same provider is asked again later, with the same key.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlmodel import select as select_rows

from models.clock import civil_day
from models.column import INSERTS, new_id, table
from models.db import Db, Write
from models.issuer import Issuer, Office
from models.journal import LedgerAccount
from models.ledger import Source
from models.payment import OPEN, Payment, PaymentInvoice, PaymentStatus, pause
from models.payment_method import PaymentMethod
from models.payment_provider import (
    ChargeOrder,
    DeclineReason,
    PaymentMethodKind,
    PaymentProvider,
    Providers,
    ProviderSilent,
    ProviderState,
    Told,
)
from models.profile import Profile
from models.quarantine import QuarantinedNotice
from models.restriction import tell
from models.setting import Figures
from resolvers import alert, collection, receipt
from resolvers.ledger import book_payment, reverse_payment
from resolvers.restriction import is_restricted

PAYMENTS, METHODS, PROFILES = table(Payment), table(PaymentMethod), table(Profile)
NAMED, QUARANTINED = table(PaymentInvoice), table(QuarantinedNotice)
CAME_TO = {True: LedgerAccount.BANK, False: LedgerAccount.PAYMENT_CLEARING}
"""BIL-1. Where money is by then: what a bank tells of is in the bank, what a provider tells of is on its way."""
Opened = Callable[[], AbstractAsyncContextManager[Write]]
"""Opens the transaction in which an answer is settled."""


class NothingNew(Exception):
    """What was told changes nothing: there is nothing to write."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What settling works with: the database, the figures, and who is asked."""

    db: Db
    figures: Figures
    providers: Providers

    @property
    def office(self) -> Office:
        """Who issues receipts."""
        return Office(self.figures, self.db.database.sandbox)


async def proceed(
    desk: Desk, payment_id: UUID, *, fresh: bool = False, at: datetime | None = None, opened: Opened | None = None
) -> None:
    """BIL-10. Ask about a payment, and settle what is told; a `fresh` one was not asked about before."""
    payment = await desk.db.first(select(PAYMENTS).where(PAYMENTS.c.id == payment_id))
    now = at or await desk.db.now()
    if payment is None or not _is_asked(payment, now):
        return
    await desk.db.release()  # Nobody waits for the connection of whoever waits for a provider.
    try:
        told = await (_charge(desk, payment, now) if fresh else _ask(desk, payment, now))
    except (ProviderSilent, TimeoutError):
        told = None
    if told is None or not await settle(desk, told, payment.provider, opened=opened or desk.db.write):
        await _postpone(desk, payment, told, now)


def _is_asked(payment: Any, now: datetime) -> bool:
    """Whether there is anything to ask: of a bank transfer its end, of what is over whether it went back."""
    due: bool = payment.ask_at is not None and payment.ask_at <= now
    return due if payment.provider is None else due or payment.status in OPEN


async def settle(desk: Desk, told: Told, provider: str | None, *, opened: Opened) -> bool:
    """BIL-10. Make what was told true here, once; False where it was already, or is looked at by people."""
    known = await desk.db.first(select(PAYMENTS.c.owner_id).where(PAYMENTS.c.id == told.key))
    if known is None:
        await quarantine(desk, told, provider, "UNKNOWN")
        return False
    try:
        async with opened() as write:
            profile = await write.lock_one(select_rows(Profile).where(PROFILES.c.id == known.owner_id))
            payment = await write.lock_one(select_rows(Payment).where(PAYMENTS.c.id == told.key))
            if payment is None or payment.provider != provider:
                raise _Suspect("KEY")
            if (problem := payment.mismatch(told)) is not None:
                raise _Suspect(problem)
            if not await _applied(desk.office, write, profile, payment, told):
                raise NothingNew
    except NothingNew:
        return False
    except _Suspect as suspect:
        await quarantine(desk, told, provider, suspect.problem)
        return False
    return True


class _Suspect(Exception):
    """What was told does not fit the payment."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


async def quarantine(desk: Desk, told: Told, provider: str | None, problem: str) -> None:
    """BIL-10. Keep what fits nothing, for people to look at; told again it is the same."""
    values = {
        "id": new_id(),
        "provider": provider or "",
        "payment_id": told.key,
        "reference": told.reference,
        "state": told.state,
        "amount_cents": told.amount_cents,
        "currency": told.currency[:3],
        "problem": problem,
        "seen_at": desk.db.database.clock.now(),
    }
    await desk.db.note(INSERTS[desk.db.database.dialect](QUARANTINED).values(values).on_conflict_do_nothing())


# Asking


async def _ask(desk: Desk, payment: Any, now: datetime) -> Told:
    """What became of it. What never arrived is sent again while the customer may still expect it."""
    provider = _provider(desk, payment)
    if provider is None:
        return _given_up(payment)
    async with asyncio.timeout(desk.figures.payment_timeout.total_seconds()):
        overdue = payment.status is PaymentStatus.REQUIRES_ACTION and payment.expires_at <= now
        ask = provider.cancel if overdue else provider.status
        told = await ask(payment.id, now, payment.reference)
    if told is not None:
        return told
    if payment.reference is None and now < payment.created_at + desk.figures.payment_patience:
        return await _charge(desk, payment, now)
    return Told(payment.id, ProviderState.FAILED, "", 0, reason=DeclineReason.PROVIDER_ERROR)


async def _charge(desk: Desk, payment: Any, now: datetime) -> Told:
    provider = _provider(desk, payment)
    if provider is None:
        raise ProviderSilent("NOBODY_TO_ASK")
    token = payment.token
    if payment.method_id is not None:
        kept = METHODS.c.id == payment.method_id, METHODS.c.removed_at.is_(None)
        method = await desk.db.first(select(METHODS.c.token).where(*kept))
        token = method.token if method else None
        await desk.db.release()
    if token is None:
        return Told(payment.id, ProviderState.FAILED, "", 0, reason=DeclineReason.DECLINED)
    on_file = payment.method_id is not None
    order = ChargeOrder(payment.id, payment.amount_cents, payment.currency, token, payment.automatic, on_file)
    async with asyncio.timeout(desk.figures.payment_timeout.total_seconds()):
        return await provider.charge(order, now)


def _provider(desk: Desk, payment: Any) -> PaymentProvider | None:
    """Who was asked; nobody about a bank transfer."""
    if payment.provider is None:
        return None
    provider = desk.providers.named(payment.provider)
    if provider is None:
        raise ProviderSilent("NOBODY_TO_ASK")
    return provider


def _given_up(payment: Any) -> Told:
    """BIL-8. A bank transfer that was announced and never came."""
    return Told(payment.id, ProviderState.CANCELLED, "", 0)


async def _postpone(desk: Desk, payment: Any, told: Told | None, now: datetime) -> None:
    """Ask again later, unless somebody was told something meanwhile."""
    wait = pause(payment.asks, desk.figures.payment_ask_pause, desk.figures.payment_ask_longest_pause)
    ask_at: datetime | None = now + wait
    if payment.status is PaymentStatus.REQUIRES_ACTION and now < payment.expires_at:
        ask_at = payment.expires_at
    elif payment.status not in OPEN and told is not None:
        ask_at = told.look_at
    mine = PAYMENTS.c.id == payment.id, PAYMENTS.c.status == payment.status, PAYMENTS.c.asks == payment.asks
    await desk.db.note(update(PAYMENTS).where(*mine).values(ask_at=ask_at, asks=payment.asks + 1))


async def ask_soon(desk: Desk, payment_id: UUID, now: datetime) -> None:
    """BIL-10. A provider was silent about the customer's action: it may be done, or not."""
    mine = PAYMENTS.c.id == payment_id, PAYMENTS.c.status.in_(OPEN)
    await desk.db.note(update(PAYMENTS).where(*mine).values(ask_at=now + desk.figures.payment_ask_pause))


# Settling


async def _applied(office: Issuer, write: Write, profile: Profile | None, payment: Payment, told: Told) -> bool:
    """Whether anything changed; what follows from that is done with it, the receipt last."""
    paid_before = payment.entry_id is not None
    if not await _changed(office.figures, write, profile, payment, told):
        return False
    if payment.is_over:
        await collection.go_on(write, payment.id)
    await alert.transit_moved(office.figures, write, payment.owner_id)
    if payment.entry_id is not None and not paid_before:
        await receipt.issue(office, write, payment)
    return True


async def _changed(figures: Figures, write: Write, profile: Profile | None, payment: Payment, told: Told) -> bool:
    later = write.now + pause(0, figures.payment_ask_pause, figures.payment_ask_longest_pause)
    match told.state:
        case ProviderState.REQUIRES_ACTION if payment.automatic:  # Nobody is there to act.
            return await _failed(figures, write, payment, DeclineReason.AUTHENTICATION_FAILED, told.reference)
        case ProviderState.REQUIRES_ACTION:
            return payment.require_action(write.record, told, told.action.expires_at if told.action else later)
        case ProviderState.PROCESSING:
            return payment.processing(write.record, told, later)
        case ProviderState.FAILED:
            return await _failed(figures, write, payment, told.reason, told.reference)
        case ProviderState.CANCELLED if payment.automatic:  # Nobody gave it up: it is told, and tried again.
            return await _failed(figures, write, payment, DeclineReason.PROVIDER_ERROR, told.reference)
        case ProviderState.CANCELLED:
            return payment.cancel(write.record, told.reference)
    came_in = payment.entry_id is None
    if came_in:
        await book(figures, write, profile, payment, told)
    if cents := payment.went_back(told):
        await reverse_payment(write, _entry(payment), cents=cents)
        payment.reverse(write.record, cents)
    return came_in or cents > 0


async def _failed(
    figures: Figures, write: Write, payment: Payment, reason: DeclineReason | None, reference: str
) -> bool:
    """BIL-10; BIL-9. An automatic debit is tried again later."""
    if payment.is_over:
        return False
    facts = await collection.failed(figures, write, payment) if payment.automatic else {}
    return payment.fail(write.record, reason, reference, **facts)


async def receive_transfer(office: Issuer, write: Write, profile: Profile, payment: Payment, reference: str) -> None:
    """BIL-8. A bank transfer is there: booked as any other payment."""
    told = Told(payment.id, ProviderState.SUCCEEDED, reference, payment.amount_cents)
    await _applied(office, write, profile, payment, told)


async def book(figures: Figures, write: Write, profile: Profile | None, payment: Payment, told: Told) -> None:
    """BIL-1, BIL-8, PRO-11. The money is there: credited, and allocated to the invoices that it is for, first."""
    today = civil_day(write.now, ZoneInfo(figures.billing_zone))
    before = await is_restricted(write, payment.owner_id, today)
    named = await write.rows(select(NAMED.c.invoice_id).where(NAMED.c.payment_id == payment.id))
    booked = await book_payment(
        write,
        payment.owner_id,
        payment.amount_cents,
        source=Source(Payment.activity_type, payment.id),
        first={row.invoice_id for row in named},
        account=CAME_TO[payment.kind is PaymentMethodKind.BANK_TRANSFER],
    )
    payment.succeed(write.record, told, booked.entry.id)
    if profile is not None:
        tell(write.record, profile, before=before, after=False)


def _entry(payment: Payment) -> UUID:
    if payment.entry_id is None:
        raise AssertionError("what came in was booked")
    return payment.entry_id
