"""BIL-19. Documents, by links that are good for minutes: as text, which no browser takes for a page of ours."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from models.conflict import Busy
from models.db import Database, Db
from models.document_link import read_document_token
from resolvers.contract import DOCUMENTS, read

HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def document_route(database: Database, key: str) -> Route:
    """What a link to a document leads to; whatever was not sealed with `key`, or has expired, is not found."""

    async def document(request: Request) -> Response:
        link = read_document_token(key, request.path_params["token"], database.clock.now())
        if link is None:
            return _missing()
        try:
            async with Db(database) as db:
                found = await read(db, link)
        except Busy:
            return PlainTextResponse("busy\n", 503, {**HEADERS, "Retry-After": "1"})
        if found is None:
            return _missing()
        name, text = found
        headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(text, media_type="text/markdown; charset=utf-8", headers=headers)

    return Route(f"{DOCUMENTS}/{{token}}", document)


def _missing() -> Response:
    return PlainTextResponse("not found\n", 404, HEADERS)
