"""PRO-10. Archives of what is held about a profile, by links that are good for minutes, for whoever asked for them."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from app.attachment import callers, chunks, disposition, missing
from app.document import HEADERS
from app.host import Host
from engine.error import RequestRefused
from models.conflict import Busy
from models.db import Database, Db
from models.file_link import FileLink, read_file_token
from models.file_store import FileStore
from models.network import AddressNotAllowed
from resolvers import export

NAME = "export.zip"


def export_route(database: Database, host: Host, store: FileStore) -> Route:
    """PRO-10. The archive, to the session that its link was made for; to anybody else it is not there."""

    async def archive(request: Request) -> Response:
        token, secret = request.path_params["token"], host.settings.secret_key
        link = read_file_token(secret, export.PURPOSE, token, database.clock.now())
        if link is None:
            return missing()
        try:
            async with Db(database) as db:
                found = await _found(db, host, request, link)
        except Busy:
            return PlainTextResponse("busy\n", 503, {**HEADERS, "Retry-After": "1"})
        opened = await asyncio.to_thread(store.open, found.id) if found else None
        if found is None or opened is None:
            return missing()
        headers = {**HEADERS, "Content-Disposition": disposition(NAME), "Content-Length": str(found.byte_size)}
        return StreamingResponse(chunks(opened), media_type="application/zip", headers=headers)

    return Route(f"{export.PATH}/{{token}}", archive)


async def _found(db: Db, host: Host, request: Request, link: FileLink) -> Any:
    try:
        for viewer in await callers(db, host, request):
            if (found := await export.read(db, link, viewer)) is not None:
                return found
    except (RequestRefused, AddressNotAllowed):
        return None
    return None
