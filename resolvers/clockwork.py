"""EVT-4. What falls due: rows with an instant, done in order, each in a transaction of its own.

In production workers share the work: whoever has a profile's row does what is due of it, and others pass on. In a
sandbox one at a time plays, the worker or who moves the clock, and the clock moves with what is done.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Integer, Select, bindparam, cast, literal, select, text, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from models.alert import Alert
from models.charge import Charge, ChargeStatus
from models.collection import Collection
from models.column import Instant, table
from models.db import Database, Db, Write
from models.invoice import Invoice
from models.issuer import Issuer
from models.obstacle import Obstacle
from models.payment import Payment
from models.payment_provider import Providers
from models.profile import Profile
from models.sandbox import ClockOffset
from models.subscription import Subscription
from models.suspension import Suspension
from models.transfer import Transfer, TransferStatus
from models.vat_register import VatRegister
from resolvers import (
    alert,
    collection,
    deletion,
    issuing,
    renewal,
    settlement,
    suspension,
    transfer,
    vat,
    vat_correction,
)
from resolvers.suspension import PROFILE

OFFSETS, COLLECTIONS, PROFILES = table(ClockOffset), table(Collection), table(Profile)
SUBSCRIPTIONS, CHARGES, INVOICES, PAYMENTS = table(Subscription), table(Charge), table(Invoice), table(Payment)
SUSPENSIONS, ALERTS, TRANSFERS = table(Suspension), table(Alert), table(Transfer)
SLEEPERS = select(PROFILES.c.id, PROFILES.c.id.label("owner_id"), PROFILES.c.inactive_at).subquery()
LEAVERS = select(PROFILES.c.id, PROFILES.c.id.label("owner_id"), PROFILES.c.deletion_at).subquery()
OFFERS = (
    select(TRANSFERS.c.id, TRANSFERS.c.sender_id.label("owner_id"), TRANSFERS.c.expires_at)
    .where(TRANSFERS.c.status == TransferStatus.PENDING)
    .subquery()
)
TURN = 7_237_412_034
"""Key of the advisory lock of whoever plays in a sandbox."""
LOCK, UNLOCK = text("SELECT pg_try_advisory_lock(:key)"), text("SELECT pg_advisory_unlock(:key)")
MOVED = (
    update(OFFSETS)
    .where(OFFSETS.c.microseconds < bindparam("there", type_=BigInteger()))
    .values(microseconds=bindparam("there", type_=BigInteger()))
)
UNLESS_LOCKED = PROFILE.with_for_update(of=Profile, key_share=True, skip_locked=True)
LOOK = timedelta(milliseconds=50)
AT_ONCE = 50
"""Of each kind, how much is looked for at once, beyond what was passed by."""
UNTIL: Any = bindparam("until", type_=Instant())
Told = Callable[[Exception], None]


class Due(IntEnum):
    """What falls due; of one instant in this order."""

    RENEWAL = 1
    NOTICE = 2
    CHARGE = 3
    VAT_CHECK = 4
    PAYMENT_CHECK = 5
    COLLECTION = 6
    SUSPENSION = 7
    ALERT = 8
    INACTIVITY = 9
    DELETION = 10
    TRANSFER = 11


@dataclass(frozen=True, slots=True)
class Item:
    """Something that falls due of one profile."""

    at: datetime
    kind: Due
    owner_id: UUID


class NothingDue(Exception):
    """Somebody else did it, or has the profile: there is nothing to write."""


@dataclass(frozen=True, slots=True)
class Works:
    """What the clockwork works with: the database, who issues documents, who is asked about VAT numbers, who pays."""

    db: Db
    office: Issuer
    register: VatRegister
    payments: Providers = field(default_factory=Providers)
    reached: set[datetime] = field(default_factory=set)
    """Instants at which the clock has been."""

    @asynccontextmanager
    async def write(self, item: Item) -> AsyncIterator[Write]:
        """The transaction of an item. In a sandbox it happens when it fell due, and the clock is there with it."""
        async with self.db.write(at=self.at(item)) as write:
            await self._claim(write, item)
            if self.office.sandbox and item.at not in self.reached:
                there = (item.at - write.real_now) // timedelta(microseconds=1)
                await write.run(MOVED, {"there": there})
            yield write
            if not write.record.events:
                raise NothingDue
        self.reached.add(item.at)

    async def _claim(self, write: Write, item: Item) -> None:
        """Lock the profile. In production another worker may have it, or a customer be at it: the next round comes."""
        if write.dialect == "sqlite":
            return  # There is one writer.
        claim = PROFILE if self.office.sandbox else UNLESS_LOCKED
        if await write.lock_one(claim, {"owner_id": item.owner_id}) is None:
            raise NothingDue

    def at(self, item: Item) -> datetime | None:
        """When an item happens; None is now."""
        return item.at if self.office.sandbox else None


def _of(kind: Due, rows: Any, instant: Any, *conditions: Any) -> Select[Any]:
    first = (
        select(instant.label("due_at"), cast(literal(kind.value), Integer).label("kind"), rows.c.owner_id)
        .where(instant <= UNTIL, *conditions)
        .order_by(instant, *rows.primary_key)
        .limit(bindparam("most", type_=Integer()))
        .subquery()
    )
    return select(first)


DUE = union_all(
    _of(Due.RENEWAL, SUBSCRIPTIONS, SUBSCRIPTIONS.c.renews_at, ~renewal.WAITS),
    _of(Due.NOTICE, SUBSCRIPTIONS, SUBSCRIPTIONS.c.notice_at, ~renewal.WAITS),
    _of(Due.CHARGE, CHARGES, CHARGES.c.due_at, CHARGES.c.status == ChargeStatus.PENDING),
    _of(Due.VAT_CHECK, INVOICES, INVOICES.c.vat_check_at, INVOICES.c.vat_check_at.is_not(None)),
    _of(Due.PAYMENT_CHECK, PAYMENTS, PAYMENTS.c.ask_at, PAYMENTS.c.ask_at.is_not(None)),
    _of(Due.COLLECTION, COLLECTIONS, COLLECTIONS.c.due_at, COLLECTIONS.c.due_at.is_not(None)),
    _of(Due.SUSPENSION, SUSPENSIONS, SUSPENSIONS.c.next_at),
    _of(Due.ALERT, ALERTS, ALERTS.c.next_at),
    _of(Due.INACTIVITY, SLEEPERS, SLEEPERS.c.inactive_at),
    _of(Due.DELETION, LEAVERS, LEAVERS.c.deletion_at, LEAVERS.c.deletion_at.is_not(None)),
    _of(Due.TRANSFER, OFFERS, OFFERS.c.expires_at),
)


@asynccontextmanager
async def turn(database: Database) -> AsyncIterator[None]:
    """EVT-4. Until the end nobody else plays in this sandbox, in this process or another. In production all may."""
    if not database.sandbox:
        yield
        return
    async with database.clockwork:
        if database.is_sqlite:
            yield
            return
        # A connection of its own: what is done meanwhile commits, and the lock is not of any transaction.
        async with database.reading() as connection:
            await _locked(connection)
            try:
                yield
            finally:
                await connection.execute(UNLOCK, {"key": TURN})


async def _locked(connection: AsyncConnection) -> None:
    """Asked again and again: waiting for a lock inside the database would end at its limit for locks."""
    while not (await connection.execute(LOCK, {"key": TURN})).scalar():  # noqa: ASYNC110 - another process has it
        await asyncio.sleep(LOOK.total_seconds())


async def play(works: Works, until: datetime, told: Told) -> None:
    """EVT-4. Do what falls due up to an instant, in the order of (instant, kind, profile); for whoever has the turn.

    What cannot be done is told, and waits for the next time: it holds up nobody else.
    """
    passed: set[Item] = set()
    while items := await _next(works.db, until, passed):
        for item in items:
            try:
                await _do(works, item)
            except NothingDue:
                passed.add(item)
            except Exception as error:
                told(error)
                passed.add(item)


async def _next(db: Db, until: datetime, passed: set[Item]) -> Sequence[Item]:
    """What is to be done at the first instant of all; doing it may make other things due before the next."""
    given = {"until": until, "most": AT_ONCE + len(passed)}
    found = {Item(row.due_at, Due(row.kind), row.owner_id) for row in await db.rows(DUE, given)}
    waiting = found - passed
    first = min((item.at for item in waiting), default=None)
    return sorted((item for item in waiting if item.at == first), key=lambda item: (item.kind, item.owner_id))


async def _do(works: Works, item: Item) -> None:
    match item.kind:
        case Due.RENEWAL:
            async with works.write(item) as write:
                await renewal.renew(works.office.figures, write, item.owner_id, item.at)
        case Due.NOTICE:
            await _tell(works, item)
        case Due.CHARGE:
            await _issue(works, item)
        case Due.VAT_CHECK:
            await _check_again(works, item)
        case Due.PAYMENT_CHECK:
            await _ask_about_payments(works, item)
        case Due.COLLECTION:
            await _collect(works, item)
        case Due.SUSPENSION:
            async with works.write(item) as write:
                await suspension.warn(works.office.figures, write, item.owner_id, item.at)
        case Due.ALERT:
            async with works.write(item) as write:
                await alert.advance(works.office.figures, write, item.owner_id, item.at)
        case Due.INACTIVITY:
            await _look_for_inactivity(works, item)
        case Due.DELETION:
            await _delete(works, item)
        case Due.TRANSFER:
            async with works.write(item) as write:
                await transfer.lapse(write, item.owner_id, item.at)


async def _tell(works: Works, item: Item) -> None:
    """BIL-4, CAT-4. Announce what is to be announced; that there is nothing to tell yet is no fact."""
    later: list[renewal.Later] = []
    try:
        async with works.write(item) as write:
            later = await renewal.announce(works.office.figures, write, item.owner_id, item.at)
    except NothingDue:
        if not later:
            raise
        await renewal.look_later(works.db, later)


async def _look_for_inactivity(works: Works, item: Item) -> None:
    """PRO-14. Whoever has more than free accounts is looked at again later; that is no fact."""
    looked = False
    try:
        async with works.write(item) as write:
            looked = True
            await alert.look_for_inactivity(write, item.owner_id, item.at)
    except NothingDue:
        if not looked:
            raise
        await alert.look_later(works.db, item.owner_id, item.at, works.office.figures.inactivity_look)


async def _delete(works: Works, item: Item) -> None:
    """PRO-13. Whoever waits for a payment, an invoice or the machines is deleted later."""
    figures = works.office.figures
    try:
        async with works.write(item) as write:
            await deletion.delete_suspended(figures, write, item.owner_id, item.at)
    except deletion.DeletedMeanwhile:
        raise NothingDue from None
    except Obstacle:
        await deletion.look_later(works.db, figures, item.owner_id, item.at)


async def _issue(works: Works, item: Item, *, asked: bool = False) -> None:
    """BIL-2, BIL-7. Invoice what is due; VIES is asked between two transactions, and waited for."""
    try:
        async with works.write(item) as write:
            await issuing.issue_due(works.office, write, item.owner_id, item.at, asked=asked)
    except issuing.Waits as waits:
        if not waits.ask:
            await issuing.postpone(works.db, item.owner_id, item.at, waits.until)
            return
        await vat.consult(works.db, works.office.figures, works.register, item.owner_id, at=works.at(item))
        await _issue(works, item, asked=True)


async def _check_again(works: Works, item: Item) -> None:
    """BIL-7. Ask VIES again about what was invoiced with VAT since it did not tell; outside of any transaction."""
    figures, owner_id = works.office.figures, item.owner_id
    now = works.at(item) or await works.db.now()
    if await vat.consult(works.db, figures, works.register, owner_id, at=works.at(item)) is None:
        await vat_correction.look_later(works.db, figures, owner_id, item.at, now)
        return
    if await vat_correction.wrong(works.db, figures, owner_id, item.at, now) is not None:
        async with works.write(item) as write:
            await vat_correction.correct(works.office, write, owner_id, item.at)
    await vat_correction.settle(works.db, owner_id, item.at)


async def _ask_about_payments(works: Works, item: Item) -> None:
    """BIL-10. Ask about the payments that nothing is known of, and about those that may have gone back."""
    desk = settlement.Desk(works.db, works.office.figures, works.payments)
    mine = PAYMENTS.c.owner_id == item.owner_id, PAYMENTS.c.ask_at <= item.at
    for row in await works.db.rows(select(PAYMENTS.c.id).where(*mine).order_by(PAYMENTS.c.id)):
        await settlement.proceed(desk, row.id, at=works.at(item), opened=lambda: works.write(item))


async def _collect(works: Works, item: Item) -> None:
    """BIL-9. Charge what is due to the default card: the payment is committed before its provider is called."""
    begun: list[UUID] = []
    try:
        async with works.write(item) as write:
            begun = await collection.begin(works.office.figures, write, item.owner_id, item.at)
            if not begun:
                raise collection.NothingToCollect
    except collection.NothingToCollect:
        await collection.give_up(works.db, item.owner_id, item.at)
    desk = settlement.Desk(works.db, works.office.figures, works.payments)
    for key in begun:
        await settlement.proceed(desk, key, fresh=True, at=works.at(item), opened=lambda: works.write(item))
