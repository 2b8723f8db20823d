"""TIC-1. Files of tickets, by links that are good for minutes, and for whoever asked for them alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, BinaryIO
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from app.credential import cookie_values, credential, desk_credential
from app.document import HEADERS
from app.host import Host
from engine.error import RequestRefused
from models.attachment import AttachmentLink, read_attachment_token
from models.conflict import Busy
from models.db import Database, Db
from models.file_store import FileStore
from models.network import AddressNotAllowed
from models.secret import SecretKind, is_well_formed
from models.staff import NotAtDesk
from models.viewer import Viewer
from resolvers import attachment, service, session, staff, token
from schema.ticket import GATE

CHUNK = 2**18


def attachment_route(database: Database, host: Host, store: FileStore) -> Route:
    """TIC-1. A file, to the session, token or service that its link was made for; to anybody else it is not there."""

    async def file(request: Request) -> Response:
        link = read_attachment_token(host.settings.secret_key, request.path_params["token"], database.clock.now())
        if link is None:
            return missing()
        try:
            async with Db(database) as db:
                found = await _found(db, host, request, link)
        except Busy:
            return PlainTextResponse("busy\n", 503, {**HEADERS, "Retry-After": "1"})
        opened = await asyncio.to_thread(store.open, found.stored_as) if found else None
        if found is None or opened is None:
            return missing()
        headers = {**HEADERS, "Content-Disposition": disposition(found.filename)}
        headers["Content-Length"] = str(found.byte_size)
        return StreamingResponse(chunks(opened), media_type=found.content_type, headers=headers)

    return Route(f"{attachment.PATH}/{{token}}", file)


async def _found(db: Db, host: Host, request: Request, link: AttachmentLink) -> Any:
    try:
        for viewer in await callers(db, host, request):
            found = await attachment.read(db, GATE["gate"].requirement, link, await _at_desk(db, host, viewer))
            if found is not None:
                return found
    except (RequestRefused, AddressNotAllowed):
        return None
    return None


async def _at_desk(db: Db, host: Host, viewer: Viewer) -> Viewer:
    """Section 14. Somebody of the staff, with two factors and from where the staff works, has their roles."""
    if viewer.session_id is not None and host.settings.is_of_staff(viewer.ip_address):
        with suppress(NotAtDesk):
            return await staff.at_desk(db, viewer)
    return viewer


async def callers(db: Db, host: Host, request: Request) -> list[Viewer]:
    """Who follows the link. A browser sends its cookie alone: reading needs no more, since no page can read a file."""
    address = host.anonymous(request).ip_address
    caller = session.Caller(address, request.headers.get("user-agent"))
    authorization = request.headers.getlist("authorization")
    if not authorization:
        secrets = list(cookie_values(request, host.cookies.session)[:2])
        good = [each for each in secrets if is_well_formed(each, SecretKind.COOKIE)]
        resumed = [await session.resume(db, host.settings, each, caller) for each in good]
        return [each.viewer for each in resumed if each is not None]
    secret = authorization[0].partition(" ")[2].strip()
    if is_well_formed(secret, SecretKind.SERVICE):
        viewer = await service.resume(db, desk_credential(request, host.cookies).secret, address)
        return [viewer] if viewer else []
    given = credential(request, host.cookies)
    if given is None:
        return []
    if given.kind is SecretKind.API:
        found = await token.resume(db, given.secret, caller)
    else:
        found = await session.resume(db, host.settings, given.secret, caller)
    return [found.viewer] if found else []


def disposition(filename: str) -> str:
    """RFC 6266. To be saved, never shown; a name in other letters is given twice."""
    plain = "".join(each if (each.isascii() and each.isalnum()) or each in "-_. " else "_" for each in filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


async def chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    try:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
    finally:
        file.close()


def missing() -> Response:
    return PlainTextResponse("not found\n", 404, HEADERS)
