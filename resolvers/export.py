"""PRO-10. Exports: asked for, made by the worker, read by who asked, and forgotten."""

import asyncio
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, bindparam, delete, or_, select, update
from sqlmodel import select as select_rows

from models.account import Account
from models.activity import ActivityChannel, ActivityEvent
from models.alert import Alert
from models.attachment import Attachment
from models.charge import Charge
from models.collection import Collection
from models.column import Instant, table
from models.context import Context
from models.contract import Contract, ContractAcceptance
from models.credit import Allocation, Credit
from models.db import Db
from models.delivery import Delivery
from models.domain import Domain
from models.export import Export, ExportStatus, Part, export_asked
from models.file_link import FileLink, file_token
from models.file_store import FileStore, Incoming
from models.grant import AccountGrant, PermissionGrant, ServerGrant
from models.intervention import Intervention
from models.invoice import Invoice
from models.invoice_line import InvoiceLine, InvoiceTax
from models.journal import JournalEntry
from models.known_network import KnownNetwork
from models.link import Link
from models.mail import SandboxMail
from models.migration import Migration
from models.payment import Payment, PaymentInvoice
from models.payment_method import PaymentMethod
from models.profile import Profile
from models.receipt import Receipt
from models.server import Server
from models.session import Session
from models.setting import Figures
from models.subscription import Subscription
from models.subscription_period import SubscriptionPeriod
from models.suspension import Suspension
from models.ticket import Ticket, TicketMessage
from models.token import ApiToken
from models.transfer import Transfer
from models.two_factor import TwoFactor
from models.upload import StoredFile, Upload
from models.urgent_fee import UrgentFee
from models.vat_consultation import VatConsultation
from models.viewer import Viewer
from resolvers.attachment import bearer_of
from resolvers.attempt import ask_password, still
from resolvers.find import find, writing
from resolvers.suspension import PROFILE

EXPORTS, ATTACHMENTS = table(Export), table(Attachment)
PATH, PURPOSE = "/exports", "export"
AT_ONCE = 1_000
"""Rows that are read, and written, at once."""
GRANTS = table(PermissionGrant)
PARTIES = "owner_id", "grantee_id"
OWN = (
    *(Account, Server, Subscription, Charge, Invoice, JournalEntry, Allocation, Credit, Payment, PaymentMethod),
    *(Collection, Alert, Suspension, Contract, ContractAcceptance, VatConsultation, ActivityEvent, SandboxMail),
    *(Ticket, TicketMessage, Attachment, Upload, UrgentFee, Export, Domain, Migration, Intervention, Receipt),
)
CREDENTIALS = Session, ApiToken, KnownNetwork, Link, TwoFactor
PARTS: Sequence[Part] = (
    Part(table(Profile), ("id",)),
    *(Part(table(model)) for model in OWN),
    *(Part(table(model), ("profile_id",)) for model in CREDENTIALS),
    Part(GRANTS, PARTIES),
    Part(table(Transfer), ("sender_id", "recipient_id")),
    Part(table(AccountGrant), PARTIES, ("grant_id", GRANTS)),
    Part(table(ServerGrant), PARTIES, ("grant_id", GRANTS)),
    Part(table(SubscriptionPeriod), parent=("subscription_id", table(Subscription))),
    Part(table(InvoiceLine), parent=("invoice_id", table(Invoice))),
    Part(table(InvoiceTax), parent=("invoice_id", table(Invoice))),
    Part(table(PaymentInvoice), parent=("payment_id", table(Payment))),
    Part(table(Delivery), parent=("event_id", table(ActivityEvent))),
)
"""The files of an archive. A test asks of every table whether it is here, or why not."""
RECENT = select(EXPORTS.c.status).where(
    EXPORTS.c.owner_id == bindparam("owner_id"),
    or_(
        EXPORTS.c.status == ExportStatus.RUNNING,
        (EXPORTS.c.status == ExportStatus.READY) & (EXPORTS.c.asked_at > bindparam("since", type_=Instant())),
    ),
)
WAITING = (
    select(EXPORTS.c.id)
    .where(EXPORTS.c.status == ExportStatus.RUNNING, EXPORTS.c.lease_until <= bindparam("now", type_=Instant()))
    .order_by(EXPORTS.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)


async def ask(context: Context, *, password: str) -> UUID:
    """PRO-10. Have everything put together that is held about the caller; answers the export."""
    context.guess()
    hashed = await ask_password(context, password, "current_password")
    async with writing(context) as write:
        profile = await find(context, write, Profile, context.viewer.key)
        await still(context, write, profile, hashed, "current_password")
        since = write.real_now - context.figures.export_interval
        recent = [row.status for row in await write.rows(RECENT, {"owner_id": profile.id, "since": since})]
        asked = export_asked(write.record, profile.id, recent=recent)
        write.add(asked)
        await write.flush()
        write.add(StoredFile(id=asked.id, created_at=write.real_now))
    context.db.database.queued.set()
    return asked.id


async def addresses(context: Context, keys: Sequence[UUID]) -> list[str | None]:
    """PRO-10. For each that is there a link, for the session that asks and a few minutes; tokens get none (TOK-3)."""
    session_id, now = context.viewer.session_id, context.clock.now()
    if session_id is None:
        return [None for _ in keys]
    rows = await context.db.rows(
        select(EXPORTS.c.id, EXPORTS.c.status, EXPORTS.c.expires_at).where(EXPORTS.c.id.in_(keys))
    )
    there = {row.id for row in rows if row.expires_at and row.status is ExportStatus.READY and now < row.expires_at}
    until = now + context.figures.export_link_lifetime
    tokens = {key: file_token(context.key, PURPOSE, FileLink(key, session_id, until)) for key in there}
    return [f"{context.public_url}{PATH}/{tokens[key]}" if key in tokens else None for key in keys]


async def read(db: Db, link: FileLink, viewer: Viewer) -> Row[Any] | None:
    """PRO-10. The export of a link, to the session that it was made for, while the archive is there."""
    if viewer.session_id is None or bearer_of(viewer) != link.bearer_id:
        return None
    now = db.database.clock.now()
    mine = EXPORTS.c.id == link.key, EXPORTS.c.owner_id == viewer.profile_id, EXPORTS.c.expires_at > now
    return await db.first(select(EXPORTS).where(*mine, EXPORTS.c.status == ExportStatus.READY))


# The worker


async def make(db: Db, figures: Figures, store: FileStore) -> None:
    """PRO-10. Make one of the archives that were asked for: what else is due does not wait for more of them."""
    claimed = await _claim(db, figures)
    if claimed is None:
        return
    key, owner_id, attempts = claimed
    try:
        size = await _archived(db, store, key, owner_id)
    except Exception:
        if attempts >= figures.export_attempts:
            with suppress(_Gone):
                await _settled(db, figures, key, owner_id, None)
        raise
    try:
        await _settled(db, figures, key, owner_id, size)
    except _Gone:  # The sweep may have been there before: nobody else knows of these bytes.
        await asyncio.to_thread(store.delete, key)
    db.database.queued.set()  # There may be another one, after what else is due.


async def purge(db: Db) -> None:
    """PRO-10. Forget what was there long enough; the sweep of files deletes its bytes."""
    await db.note(delete(EXPORTS).where(EXPORTS.c.expires_at <= db.database.clock.now()))


class _Gone(Exception):
    """Its profile was deleted meanwhile: there is nobody to tell."""


async def _claim(db: Db, figures: Figures) -> tuple[UUID, UUID, int] | None:
    async with db.bookkeeping() as connection:
        now = db.database.clock.now()
        found = (await connection.execute(WAITING, {"now": now})).first()
        if found is None:
            return None
        taken = {"lease_until": now + figures.export_lease, "attempts": EXPORTS.c.attempts + 1}
        claimed = update(EXPORTS).where(EXPORTS.c.id == found.id).values(**taken)
        row = (await connection.execute(claimed.returning(EXPORTS.c.id, EXPORTS.c.owner_id, EXPORTS.c.attempts))).one()
    return row.id, row.owner_id, row.attempts


async def _settled(db: Db, figures: Figures, key: UUID, owner_id: UUID, size: int | None) -> None:
    async with db.write() as write:
        await write.lock_one(PROFILE, {"owner_id": owner_id})
        export = await write.lock_one(select_rows(Export).where(EXPORTS.c.id == key))
        if export is None:
            raise _Gone
        if export.status is not ExportStatus.RUNNING:  # Whoever had it before was late, and is done.
            return
        until = write.real_now + figures.export_retention
        if size is None:
            export.fail(write.record, until)
        else:
            export.ready(write.record, size, until)


async def _archived(db: Db, store: FileStore, key: UUID, owner_id: UUID) -> int:
    """Write the archive; answers its size. Written in threads: nothing else waits for it."""
    incoming = await asyncio.to_thread(store.begin, key)
    kept = False
    try:
        size = await _written(db, store, incoming, owner_id)
        await asyncio.to_thread(incoming.keep)
        kept = True
    finally:
        if not kept:
            await asyncio.to_thread(incoming.drop)
        await db.release()
    return size


async def _written(db: Db, store: FileStore, incoming: Incoming, owner_id: UUID) -> int:
    counted = _Counted(incoming)
    file_like: Any = counted
    with zipfile.ZipFile(file_like, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in PARTS:
            with archive.open(part.name, "w", force_zip64=True) as file:
                await asyncio.to_thread(file.write, b"[")
                between = b"\n"
                async for rows in _read(db, part, owner_id):
                    text = await asyncio.to_thread(_as_json, rows, owner_id)
                    await asyncio.to_thread(file.write, between + text)
                    between = b",\n"
                await asyncio.to_thread(file.write, b"\n]\n")
        mine = select(ATTACHMENTS.c.stored_as, ATTACHMENTS.c.filename).where(ATTACHMENTS.c.owner_id == owner_id)
        for row in await db.rows(mine.order_by(ATTACHMENTS.c.id)):
            await asyncio.to_thread(_copied, archive, store, row)
    return counted.size


def _copied(archive: zipfile.ZipFile, store: FileStore, row: Row[Any]) -> None:
    """A file of a ticket, under its id and the name that it was given, which is safe."""
    source = store.open(row.stored_as)
    if source is None:
        return
    with source, archive.open(f"files/{row.stored_as}/{row.filename}", "w", force_zip64=True) as file:
        while chunk := source.read(2**20):
            file.write(chunk)


async def _read(db: Db, part: Part, owner_id: UUID) -> AsyncIterator[Sequence[Row[Any]]]:
    """The rows of a part, so many at a time, in the order of their keys."""
    rows = part.rows
    of = rows if part.parent is None else part.parent[1]
    mine = or_(*(of.c[name] == owner_id for name in part.columns))
    found = select(*part.shown).where(mine).order_by(*rows.primary_key).limit(AT_ONCE)
    if part.parent is not None:
        found = found.join(of, of.c.id == rows.c[part.parent[0]])
    offset = 0
    while chunk := await db.rows(found.offset(offset)):
        yield chunk
        if len(chunk) < AT_ONCE:
            return
        offset += AT_ONCE


def _as_json(rows: Sequence[Row[Any]], owner_id: UUID) -> bytes:
    return b",\n".join(orjson.dumps(_told(row, owner_id), default=str) for row in rows)


def _told(row: Row[Any], owner_id: UUID) -> dict[str, Any]:
    """What the API would tell of a row: not who of the staff acted and from where, nor what another got back."""
    told = dict(row._mapping)
    if told.get("channel") is ActivityChannel.SUPPORT:
        told |= {"ip_address": None, "session_id": None, "actor_id": None}
    if "refund_cents" in told and told["sender_id"] != owner_id:
        told["refund_cents"] = None
    return told


class _Counted:
    """A file that is only written, from its beginning to its end, as archives can be."""

    def __init__(self, incoming: Incoming) -> None:
        self.incoming, self.size = incoming, 0

    def write(self, chunk: bytes, /) -> int:
        self.incoming.write(bytes(chunk))
        self.size += len(chunk)
        return len(chunk)

    def flush(self) -> None:
        """There is nothing between."""
