"""The ASGI application: the endpoint, the schema's text, the GraphiQL page, and what says whether all is well."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from strawberry import Schema

from app.attachment import attachment_route
from app.bus import telling
from app.document import document_route
from app.examples import examples
from app.export import export_route
from app.gateways.upload_folder import UploadFolder
from app.graphiql import graphiql_page, graphiql_routes
from app.host import Call, Host, StaffHost
from app.live import Lobbies, Lobby, looked_after
from app.metrics import metrics_route
from app.migration import is_at_head
from app.notice import notice_route
from app.passwords import hashing_pool
from app.settings import Settings
from app.upload import upload_route
from app.worker import working
from engine.bind import Bound
from engine.document import Documents
from engine.endpoint import Endpoint
from engine.error import RequestRefused
from engine.executor import Executor
from engine.socket import Socket
from engine.trusted import TrustedDocuments, read_manifest
from models.clock import Clock, RealClock
from models.conflict import Busy
from models.db import Database
from schema.directive import weight_of
from schema.root import build
from schema.staff import build as build_staff

READY_FOR = timedelta(seconds=1)
logger = structlog.get_logger(__name__)

staff_schema = cache(build_staff)
"""The staff schema knows no database: one for all applications of a process."""
NONE_TRUSTED = TrustedDocuments({}, only=False)
Answer = Callable[[Request], Awaitable[Response]]
CORS_HEADERS = ["Authorization", "Content-Type", "GraphQL-Require-Preflight", "X-CSRF-Token", "X-Request-ID"]


def create_app(
    settings: Settings, *, clock: Clock | None = None, database: Database | None = None, bound: Bound | None = None
) -> Starlette:
    """An application over its own database, or over one that somebody else closes."""
    ours = database is None
    database = database or open_database(settings, clock or RealClock())
    bound = bound or build()
    passwords = hashing_pool(settings)
    host = Host(settings, bound, database, passwords)
    staff = StaffHost(settings, staff_schema(), database, passwords)
    lobbies = Lobbies(_lobby(settings, host, trusted(settings)), _lobby(settings, staff, NONE_TRUSTED))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(passwords.close)
            if ours:
                stack.push_async_callback(database.close)
            await stack.enter_async_context(looked_after(lobbies))
            await stack.enter_async_context(telling(database, lobbies, settings))
            if settings.has_worker:
                await stack.enter_async_context(working(database, settings))
            yield

    app = Starlette(
        routes=[
            Route("/graphql", _endpoint(settings, host, lobbies.customers)),
            WebSocketRoute("/graphql", Socket(lobbies.customers)),
            Route("/staff/graphql", _staff_endpoint(settings, staff, lobbies.staff)),
            WebSocketRoute("/staff/graphql", Socket(lobbies.staff)),
            Route("/schema.graphql", _schema_response(bound)),
            *_watched(settings, database, {"customer": host.executor, "staff": staff.executor}, lobbies),
            document_route(database, settings.secret_key),
            notice_route(settings, database, host.payments),
            *_files(settings, database, host),
            *graphiql_routes(lambda: examples(sandbox=settings.sandbox, now=database.clock.now())),
        ],
        middleware=[_cross_origin(settings)],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # It would lead to whatever host the request names.
    app.state.bound, app.state.database, app.state.host, app.state.lobbies = bound, database, host, lobbies
    return app


def _lobby(settings: Settings, host: Host, known: TrustedDocuments) -> Lobby:
    return Lobby(settings, host, _documents(settings, host.bound), known)


def _watched(
    settings: Settings, database: Database, executors: Mapping[str, Executor], lobbies: Lobbies
) -> list[BaseRoute]:
    """Where operators look."""
    return [
        Route("/livez", _live),
        Route("/readyz", _ready(database)),
        metrics_route(settings, executors, lobbies),
    ]


def _files(settings: Settings, database: Database, host: Host) -> list[Route]:
    """TIC-1, PRO-10. Where files come in and go out."""
    store = UploadFolder(settings.upload_folder)
    return [
        upload_route(settings, database, store),
        attachment_route(database, host, store),
        export_route(database, host, store),
    ]


def _documents(settings: Settings, bound: Bound) -> Documents:
    return Documents(
        bound.graphql,
        settings.documents,
        weight_of,
        entries=settings.document_cache,
        size_bytes=settings.document_cache_bytes,
    )


def _staff_endpoint(settings: Settings, host: StaffHost, desk: Lobby) -> Endpoint[Call]:
    return Endpoint(
        host,
        desk.documents,
        limits=settings.requests,
        lobby=desk,
        partial_success=settings.partial_success_status,
    )


def _endpoint(settings: Settings, host: Host, lobby: Lobby) -> Endpoint[Call]:
    _make_ready(lobby.trusted, lobby.documents, host.executor)
    return Endpoint(
        host,
        lobby.documents,
        limits=settings.requests,
        trusted=lobby.trusted,
        lobby=lobby,
        page=graphiql_page(settings.mode.value),
        partial_success=settings.partial_success_status,
    )


def _make_ready(known: TrustedDocuments, documents: Documents, executor: Executor) -> None:
    """Plan what is known beforehand. A document that does not fit the schema is told, and refused when it is asked."""
    for name, text in known.texts.items():
        try:
            executor.make_ready(documents.prepare(text))
        except RequestRefused as refused:
            logger.error("trusted_document_refused", document=name, code=refused.code)


class CrossOrigin(CORSMiddleware):
    """Starlette's, which names Origin in Vary a second time where the answer names it already."""

    @staticmethod
    def allow_explicit_origin(headers: MutableHeaders, origin: str) -> None:
        headers["Access-Control-Allow-Origin"] = origin
        if "origin" not in {part.strip().lower() for part in headers.get("vary", "").split(",")}:
            headers.add_vary_header("Origin")


def _cross_origin(settings: Settings) -> Middleware:
    return Middleware(
        CrossOrigin,
        allow_origins=list(settings.origins),
        allow_methods=["GET", "POST", "PUT"],
        allow_headers=CORS_HEADERS,
        expose_headers=["RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID"],
        allow_credentials=True,
    )


def open_database(settings: Settings, clock: Clock) -> Database:
    """The database that the settings name."""
    return Database(
        settings.database_url,
        clock=clock,
        sandbox=settings.sandbox,
        pool_size=settings.database_pool,
        journal=settings.journal_mode,
    )


def trusted(settings: Settings) -> TrustedDocuments:
    """The documents that are known by their hash."""
    documents = read_manifest(settings.trusted_documents) if settings.trusted_documents else {}
    return TrustedDocuments(documents, only=settings.trusted_only)


@cache
def _printed(schema: Schema) -> str:
    return schema.as_str() + "\n"


def _schema_response(bound: Bound) -> Answer:
    text = _printed(bound.schema)

    async def schema_response(request: Request) -> Response:
        return PlainTextResponse(text, headers={"Cache-Control": "public, max-age=300"})

    return schema_response


async def _live(request: Request) -> Response:
    return PlainTextResponse("alive\n")


def _ready(database: Database) -> Answer:
    """Whether requests can be answered: the database is there, and migrated to what this code knows."""
    asked, state = datetime.min.replace(tzinfo=UTC), ""

    async def ready(request: Request) -> Response:
        nonlocal asked, state
        now = database.clock.now()
        if now - asked >= READY_FOR:  # Anybody may ask, as often as they like.
            asked, state = now, await _state(database)
        return PlainTextResponse(f"{state}\n", 200 if state == "ready" else 503)

    return ready


async def _state(database: Database) -> str:
    try:
        return "ready" if await is_at_head(database) else "the database is not migrated"
    except (SQLAlchemyError, OSError, Busy) as error:
        logger.warning("database_unreachable", exc_type=type(error).__name__)
        return "the database cannot be reached"
