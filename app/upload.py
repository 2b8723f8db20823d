"""TIC-1. Where announced files are sent to: an address that works once, for the file that it was made for."""

import asyncio
import hashlib
from typing import Any
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.document import HEADERS
from app.settings import Settings
from models.conflict import Busy
from models.db import Database, Db
from models.file_store import FileStore, Incoming
from models.file_type import NotOfThisType, check_type
from models.upload import UploadState, read_upload_token
from resolvers.upload import PATH, NotReceivable, OthersArriving, begin, finish

HELD = 2**20
"""Bytes that are kept in memory before they are written."""


class Refused(Exception):
    """What came is not what was announced; the address is used up."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Unfinished(Exception):
    """The connection ended, or took too long; the file may be sent again."""


def upload_route(settings: Settings, database: Database, store: FileStore) -> Route:
    """TIC-1. PUT with the bytes of a file. Whatever is no address that was made here, or was used, is not found."""
    room = asyncio.Semaphore(settings.uploads_at_once)

    async def upload(request: Request) -> Response:
        upload_id = read_upload_token(settings.secret_key, request.path_params["token"])
        if upload_id is None:
            return _told(404, "not found")
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            return _told(415, "the file must not be compressed on its way")
        if room.locked():
            return _told(503, "busy", {"Retry-After": "5"})
        async with room:
            try:
                async with Db(database) as db:
                    return await _received(settings, db, store, request, upload_id)
            except Busy:
                return _told(503, "busy", {"Retry-After": "1"})

    return Route(f"{PATH}/{{token}}", upload, methods=["PUT"])


async def _received(settings: Settings, db: Db, store: FileStore, request: Request, upload_id: UUID) -> Response:
    """Take the address, then the bytes; whatever happens, it is said what became of them."""
    try:
        announced = await begin(db, upload_id)
    except NotReceivable:
        return _told(404, "not found")
    except OthersArriving:
        return _told(503, "busy", {"Retry-After": "5"})
    state = UploadState.ANNOUNCED
    try:
        async with asyncio.timeout(settings.upload_seconds):
            await _take(store, request, upload_id, announced)
        state = UploadState.RECEIVED
        return Response(status_code=204, headers=HEADERS)
    except Refused as refused:
        state = UploadState.REFUSED
        return _told(refused.status, refused.message)
    except (ClientDisconnect, TimeoutError, Unfinished):
        return _told(408, "the file did not arrive as a whole: send it again")
    finally:
        await asyncio.shield(finish(db, upload_id, state))


async def _take(store: FileStore, request: Request, upload_id: UUID, announced: Any) -> None:
    """Raises Refused. The file is kept once all of it is there, and is what was announced."""
    _check_headers(request, announced)
    incoming = await asyncio.to_thread(store.begin, upload_id)
    kept = False
    try:
        size, digest = await _written(request, incoming, announced.byte_size)
        if size < announced.byte_size:
            raise Unfinished
        if digest != announced.sha256:
            raise Refused(422, "the SHA-256 is another one than was announced")
        await asyncio.to_thread(_check, announced.content_type, incoming, size)
        await asyncio.to_thread(incoming.keep)
        kept = True
    finally:
        if not kept:
            await asyncio.to_thread(incoming.drop)


def _check_headers(request: Request, announced: Any) -> None:
    given = request.headers.get("content-type", announced.content_type).partition(";")[0].strip().lower()
    if given != announced.content_type:
        raise Refused(415, "the type is another one than was announced")
    length = request.headers.get("content-length")
    if length is not None and (not length.isascii() or not length.isdigit()):
        raise Refused(400, "Content-Length is not a number")
    if length is not None and int(length) != announced.byte_size:
        raise Refused(413 if int(length) > announced.byte_size else 422, "the size is another one than was announced")


async def _written(request: Request, incoming: Incoming, most: int) -> tuple[int, str]:
    """How much came, and its hash; raises Refused at the first byte beyond what was announced."""
    size, digest, held = 0, hashlib.sha256(), bytearray()

    async def write() -> None:
        await asyncio.to_thread(incoming.write, bytes(held))
        held.clear()

    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise Refused(413, "the file is larger than was announced")
        digest.update(chunk)
        held += chunk
        if len(held) >= HELD:
            await write()
    await write()
    return size, digest.hexdigest()


def _check(content_type: str, incoming: Incoming, size: int) -> None:
    try:
        check_type(content_type, incoming.read(), size)
    except NotOfThisType:
        raise Refused(422, "the file is not of the type that was announced, or is something else as well") from None


def _told(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{message}\n", status, {**HEADERS, **(headers or {})})
