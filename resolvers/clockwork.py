"""EVT-4. What falls due: rows with an instant, done in order, each in a transaction of its own.

In production workers share the work: whoever has a profile's row does what is due of it, and others pass on. In a
sandbox one at a time plays, the worker or who moves the clock, and the clock moves with what is done.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, Select, bindparam, cast, literal, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from models.alert import Alert
from models.charge import Charge, ChargeStatus
from models.collection import Collection
from models.column import Instant, table
from models.db import Database, Db
from models.domain import Domain
from models.invoice import Invoice
from models.migration import Migration
from models.payment import Payment
from models.payment_method import PaymentMethod
from models.profile import Profile
from models.subscription import Subscription
from models.suspension import Suspension
from models.transfer import Transfer, TransferStatus
from resolvers import renewal
from resolvers.due import do
from resolvers.works import Due, Item, NothingDue, Works

COLLECTIONS, PROFILES = table(Collection), table(Profile)
SUBSCRIPTIONS, CHARGES, INVOICES, PAYMENTS = table(Subscription), table(Charge), table(Invoice), table(Payment)
SUSPENSIONS, ALERTS, METHODS = table(Suspension), table(Alert), table(PaymentMethod)
DOMAINS, MIGRATIONS, TRANSFERS = table(Domain), table(Migration), table(Transfer)
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
LOOK = timedelta(milliseconds=50)
AT_ONCE = 50
"""Of each kind, how much is looked for at once, beyond what was passed by."""
UNTIL: Any = bindparam("until", type_=Instant())
Told = Callable[[Exception], None]


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
    _of(Due.CARD, METHODS, METHODS.c.look_at),
    _of(Due.DOMAIN, DOMAINS, DOMAINS.c.look_at),
    _of(Due.MIGRATION, MIGRATIONS, MIGRATIONS.c.retry_at),
    _of(Due.CARD_END, METHODS, METHODS.c.ends_at, METHODS.c.ends_at.is_not(None)),
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
                await do(works, item)
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
