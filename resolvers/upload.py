"""TIC-1. Files on their way in: announced, received once, attached, and forgotten where nobody attaches them."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, exists, func, select, update
from sqlmodel import select as select_rows

from models.attachment import Attachment, attach
from models.column import Instant, table, total
from models.context import Context
from models.db import Db, Write
from models.export import Export
from models.file_store import FileStore
from models.ticket import TicketMessage
from models.upload import Stock, StoredFile, Upload, UploadRejected, UploadState, announce, upload_token
from resolvers.find import writing
from resolvers.suspension import PROFILE

UPLOADS, ATTACHMENTS, FILES, EXPORTS = table(Upload), table(Attachment), table(StoredFile), table(Export)
PATH = "/uploads"
OWNER_ID: Any = bindparam("owner_id")
WAITING = select(func.count().label("files"), total(UPLOADS.c.byte_size).label("bytes")).where(
    UPLOADS.c.owner_id == OWNER_ID
)
ATTACHED = select(total(ATTACHMENTS.c.byte_size).label("bytes")).where(ATTACHMENTS.c.uploader_id == OWNER_ID)
EXPIRED = (
    select(UPLOADS.c.id)
    .where(UPLOADS.c.expires_at < bindparam("before", type_=Instant()))
    .order_by(UPLOADS.c.expires_at)
    .limit(100)
)
FORGOTTEN = (
    select(FILES.c.id)
    .where(
        FILES.c.created_at < bindparam("before", type_=Instant()),
        ~exists().where(UPLOADS.c.id == FILES.c.id),
        ~exists().where(ATTACHMENTS.c.stored_as == FILES.c.id),
        ~exists().where(EXPORTS.c.id == FILES.c.id),
    )
    .limit(100)
)
ARRIVING = UPLOADS.alias("arriving")
AT_ONCE = 3
"""Files of one profile that arrive at once."""
GRACE = timedelta(hours=1)
"""After its end: a file that was arriving by then has come, or was given up."""


class NotReceivable(Exception):
    """TIC-1. The address leads to nothing that may be sent."""


class OthersArriving(Exception):
    """TIC-1. So many files of the same profile arrive already that this one has to wait: others want to send too."""


async def create(
    context: Context, *, filename: str, content_type: str, byte_size: int, sha256: str
) -> tuple[Upload, str]:
    """TIC-1. Announce a file; answers it and the address that takes it."""
    owner_id = context.viewer.key
    async with writing(context) as write:
        await write.lock_one(PROFILE, {"owner_id": owner_id})
        (waiting,) = await write.rows(WAITING, {"owner_id": owner_id})
        (attached_,) = await write.rows(ATTACHED, {"owner_id": owner_id})
        announced = announce(
            write.record,
            context.figures,
            Stock(waiting.files, waiting.bytes, attached_.bytes),
            owner_id=owner_id,
            filename=filename,
            content_type=content_type,
            byte_size=byte_size,
            sha256=sha256,
        )
        write.add(announced)
        write.add(StoredFile(id=announced.id, created_at=announced.created_at))
    return announced, f"{context.public_url}{PATH}/{upload_token(context.key, announced.id)}"


async def begin(db: Db, upload_id: UUID) -> Row[Any]:
    """TIC-1. Take an announced file for whoever sends it: nobody else does. Raises NotReceivable, OthersArriving."""
    now = db.database.clock.now()
    waits = UPLOADS.c.id == upload_id, UPLOADS.c.state == UploadState.ANNOUNCED, UPLOADS.c.expires_at > now
    arriving = ARRIVING.c.owner_id == UPLOADS.c.owner_id, ARRIVING.c.expires_at > now
    count = select(func.count()).where(*arriving, ARRIVING.c.state == UploadState.RECEIVING).scalar_subquery()
    taken = update(UPLOADS).where(*waits, count < AT_ONCE).values(state=UploadState.RECEIVING)
    async with db.bookkeeping() as connection:
        found = (
            await connection.execute(taken.returning(UPLOADS.c.byte_size, UPLOADS.c.sha256, UPLOADS.c.content_type))
        ).first()
        if found is None and (await connection.execute(select(UPLOADS.c.id).where(*waits))).first():
            raise OthersArriving
    if found is None:
        raise NotReceivable
    return found


async def finish(db: Db, upload_id: UUID, state: UploadState) -> None:
    """TIC-1. What became of a file that was being sent: it is there, is refused, or may be sent again."""
    mine = UPLOADS.c.id == upload_id, UPLOADS.c.state == UploadState.RECEIVING
    await db.note(update(UPLOADS).where(*mine).values(state=state))


async def locked(write: Write, profile_id: UUID | None, keys: Sequence[UUID]) -> list[Upload]:
    """TIC-1. The files that somebody attaches, in their order, locked. Raises UploadRejected."""
    if not keys:
        return []
    found = {row.id: row for row in await write.lock(select_rows(Upload).where(UPLOADS.c.id.in_(keys)))}
    if len(found) < len(keys):
        raise UploadRejected().at("upload_ids")
    for row in found.values():
        try:
            row.check_usable(profile_id, write.real_now)
        except UploadRejected as refusal:
            raise refusal.at("upload_ids") from None
    return [found[key] for key in keys]


async def attached(write: Write, message: TicketMessage, uploads: Sequence[Upload]) -> None:
    """TIC-1. Make files of a message of them; they can be attached to nothing else."""
    for position, each in enumerate(uploads, 1):
        write.add(attach(message, each, position))
    if uploads:
        await write.flush()
        await write.run(delete(UPLOADS).where(UPLOADS.c.id.in_([each.id for each in uploads])))


async def purge(db: Db) -> None:
    """TIC-1. Forget what nobody attached in time; the sweep deletes its bytes."""
    before = db.database.clock.now() - GRACE
    rows = await db.rows(EXPIRED, {"before": before})
    for row in rows:
        await db.note(delete(UPLOADS).where(UPLOADS.c.id == row.id, UPLOADS.c.expires_at < before))


async def sweep(db: Db, store: FileStore) -> None:
    """TIC-1. Delete the bytes that nothing refers to any more, such as those of a profile that was deleted."""
    while rows := await db.rows(FORGOTTEN, {"before": db.database.clock.now() - GRACE}):
        await db.release()
        for row in rows:
            await asyncio.to_thread(store.delete, row.id)
            await db.note(delete(FILES).where(FILES.c.id == row.id))
