"""The worker: does what is due, again and again. Inside the server by default on SQLite, apart on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from time import monotonic

import structlog

from app.gateways import simulator
from app.gateways.folder import FolderMailer
from app.gateways.smtp import SmtpMailer
from app.gateways.upload_folder import UploadFolder
from app.mail import Letters
from app.payments import providers_of
from app.register import register_of
from app.settings import Settings
from engine.failure import log_failure
from models.db import Database, Db
from models.delivery import DeliveryState
from models.issuer import Office
from models.mail import Mailer
from resolvers import (
    access_recovery,
    delivery,
    erasure,
    export,
    idempotency,
    ledger_seal,
    link,
    password,
    payment_method,
    refresh,
    session,
    upload,
)
from resolvers.clockwork import play, turn
from resolvers.works import Works

SWEEP = timedelta(hours=1)
logger = structlog.get_logger(__name__)


async def work(database: Database, settings: Settings, stop: asyncio.Event) -> None:
    """Work until `stop` is set. A failure is logged, and what was due is tried again in the next round."""
    swept: float | None = None
    while not stop.is_set():
        database.queued.clear()
        try:
            await work_once(database, settings, stop)
            if swept is None or monotonic() - swept > SWEEP.total_seconds():
                swept = monotonic()
                await sweep(database, settings)
        except Exception as error:
            log_failure("round_failed", error)
        await _any(stop, database.queued, within=settings.worker_interval)


async def sweep(database: Database, settings: Settings) -> None:
    """TIC-1. Delete the files that nothing refers to any more."""
    async with Db(database) as db:
        await upload.sweep(db, UploadFolder(settings.upload_folder))


async def work_once(database: Database, settings: Settings, stop: asyncio.Event | None = None) -> None:
    """One round: everything that is due now; of what can wait for another worker, nothing more once `stop` is set."""
    async with Db(database) as db:
        await password.answer_requests(db, settings)
        await access_recovery.look_up(db)
        await deliver(db, settings, stop or asyncio.Event())
        await simulator.answer_due(db, Office(settings, settings.sandbox))
        await ledger_seal.seal(db)
        await payment_method.forget(db, settings, providers_of(settings, database))
        await fall_due(db, settings)
        await export.make(db, settings, UploadFolder(settings.upload_folder))
        await erasure.erase(db)
        await delivery.purge(db, settings)
        await link.purge(db, settings)
        await upload.purge(db)
        await export.purge(db)
        await session.purge(db, settings)
        await refresh.purge(db, settings)
        await idempotency.purge(db, settings)
        await access_recovery.purge(db, settings)


async def fall_due(db: Db, settings: Settings) -> None:
    """EVT-4. Do what falls due by now; in a sandbox whoever moves the clock is waited for."""
    payments = providers_of(settings, db.database)
    works = Works(db, Office(settings, settings.sandbox), register_of(settings), payments)
    async with turn(db.database):
        await play(works, await db.now(), lambda error: log_failure("due_failed", error))


async def _any(*events: asyncio.Event, within: timedelta) -> None:
    """Wait until one of them is set, at most so long."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=within.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


async def deliver(db: Db, settings: Settings, stop: asyncio.Event) -> None:
    """EVT-1. Send what is due; a mail that fails holds up no other."""
    letters, mailer, provisioner = Letters(settings), mailer_of(settings), simulator.SimulatedProvisioner()
    while not stop.is_set():
        outcome = await delivery.deliver_next(db, settings, letters.write, mailer, provisioner)
        if outcome is None:
            return
        if outcome.defect is not None:
            log_failure("delivery_failed", outcome.defect)
        if outcome.state is DeliveryState.DEAD:
            logger.warning("delivery_dead", delivery_id=str(outcome.id))


def mailer_of(settings: Settings) -> Mailer:
    """What carries the mails of these settings."""
    return SmtpMailer(settings.smtp_url) if settings.smtp_url else FolderMailer(settings.mail_folder)


@asynccontextmanager
async def working(database: Database, settings: Settings) -> AsyncIterator[None]:
    """The worker beside whatever else this process does; a round under way is finished first."""
    stop = asyncio.Event()
    task = asyncio.create_task(work(database, settings, stop))
    try:
        yield
    finally:
        stop.set()
        await task
