"""BIL-10. What payment providers tell unasked: signed, and taken once, however often and in whatever order it comes."""

import asyncio

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.settings import Settings
from engine.error import RequestRefused
from engine.request import read_body
from models.conflict import Busy, Conflict
from models.db import Database, Db
from models.payment_provider import Providers, ProviderSilent, UntrustedNotice
from resolvers.settlement import Desk, settle

PATH = "/webhooks/payments/{provider}"
logger = structlog.get_logger(__name__)


def notice_route(settings: Settings, database: Database, providers: Providers) -> Route:
    """Where notices are sent to. What is signed is answered 204, also where it changes nothing: it came."""

    async def notice(request: Request) -> Response:
        provider = providers.named(request.path_params["provider"])
        if provider is None:
            return PlainTextResponse("not found\n", 404)
        try:
            async with asyncio.timeout(settings.requests.body_seconds):
                body = await read_body(request, settings.requests.body_bytes)
        except TimeoutError:
            return PlainTextResponse("too slow\n", 408)
        except RequestRefused as refused:
            return PlainTextResponse("refused\n", refused.status)
        try:
            async with asyncio.timeout(settings.payment_timeout.total_seconds()):
                told = await provider.notice(body, request.headers, database.clock.now())
        except UntrustedNotice:
            logger.warning("notice_untrusted", provider=provider.name)
            return PlainTextResponse("the signature does not match, or is too old\n", 400)
        except (ProviderSilent, TimeoutError):
            logger.warning("notice_unclear", provider=provider.name)
            return PlainTextResponse("it cannot be looked at now\n", 503, {"Retry-After": "60"})
        try:
            async with Db(database) as db:
                if told is not None:
                    await settle(Desk(db, settings, providers), told, provider.name, opened=db.write)
        except (Busy, Conflict):
            return PlainTextResponse("busy\n", 503, {"Retry-After": "1"})
        return Response(status_code=204)

    return Route(PATH, notice, methods=["POST"])
