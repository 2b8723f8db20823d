"""The GraphQL endpoint over HTTP: a request is read, admitted, charged, executed and answered; or refused.

It knows no schema and nobody's rights: a `Host` does, which the application is.
"""

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, Protocol, TypeVar, cast

import orjson
import structlog
import uuid_utils
from graphql import OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from engine.error import BAD_REQUEST, COST_EXCEEDED, INTERNAL, UNAVAILABLE, RequestRefused, Translate, in_english
from engine.failure import WENT_WRONG, log_failure
from engine.live import Lobby, Over
from engine.measure import DocumentLimits, cost_of
from engine.media import GRAPHQL, HTML, JSON, LONGEST, negotiated, weighted_ranges
from engine.operation import Document, Execution, Operation
from engine.request import Params, RequestLimits, read_params
from engine.stream import EVENTS, ONLY, EventStream
from engine.trusted import TrustedDocuments

HEADERS = {
    "Cache-Control": "no-store",
    "Vary": "Accept, Accept-Language, Authorization, Cookie, Origin",
    "X-Content-Type-Options": "nosniff",
}
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
PREFLIGHTED_HEADERS = ("Authorization", "GraphQL-Require-Preflight", "X-CSRF-Token", "X-Requested-With")
PARTIAL_SUCCESS = 294

logger = structlog.get_logger(__name__)

C = TypeVar("C")


class Host(Protocol[C]):
    """The application behind the endpoint. `C` is what it knows of one request: who is calling, the database…

    Any of them may raise RequestRefused.
    """

    def translate(self, request: Request) -> Translate:
        """Into the reader's language; also before the caller is known."""
        ...

    def admit(self, request: Request) -> AbstractAsyncContextManager[C]:
        """The caller's context. Refuses with 400, 401 or 403."""
        ...

    def charge_document(self, context: C) -> None:
        """Counts a document that has to be parsed. Refuses with 429."""
        ...

    def charge(self, context: C, operation: Operation, cost: int) -> None:
        """Counts an operation and takes its points. Refuses with 429."""
        ...

    async def execute(
        self, document: Document, operation: Operation, variables: dict[str, Any], context: C
    ) -> Execution:
        """What the operation gives. Refuses with 422 when the variables do not fit."""
        ...

    def finish(self, context: C, response: Response) -> None:
        """Adds the headers and cookies that the caller is owed, to a refusal too."""
        ...


class DocumentStore(Protocol):
    """Documents made ready."""

    limits: DocumentLimits

    def known(self, text: str) -> bool:
        """Whether the answer of `prepare` is at hand."""
        ...

    def prepare(self, text: str) -> Document:
        """The document, parsed and validated. Refuses with 400 or 422."""
        ...


class ToBeFollowed(Exception):
    """The operation is live, and may be answered as a stream."""


class Endpoint(Generic[C]):
    """An ASGI application that answers GraphQL over HTTP.

    `page` is what a browser gets that navigates here.
    `partial_success` answers 294 where there are errors beside the data.
    `lobby` seats those who follow live operations, as streams of events.
    """

    def __init__(
        self,
        host: Host[C],
        documents: DocumentStore,
        *,
        limits: RequestLimits | None = None,
        trusted: TrustedDocuments | None = None,
        page: Callable[[Request], Response] | None = None,
        partial_success: bool = False,
        lobby: Lobby | None = None,
    ) -> None:
        self.host = host
        self.lobby = lobby
        self.limits = limits or RequestLimits()
        self.trusted = trusted or TrustedDocuments({})
        self.page = page
        self.documents = documents
        self.partial_success = partial_success

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        request.state.request_id = request_id(request)
        try:
            response = await self._respond(request)
        except ClientDisconnect:
            logger.info("client_gone", request_id=request.state.request_id)
            return
        except Exception as error:
            response = self._failed(request, error)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers["X-Request-ID"] = request.state.request_id
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        try:
            if request.method not in ("GET", "POST"):
                raise _method_not_allowed("GET, POST")
            if self.page is not None and is_navigation(request):
                return self.page(request)
            params = await self._read(request)
            request.state.extensions = params.extensions
            text = self.trusted.text_of(params)
            async with self.host.admit(request) as context:
                response = await self._respond_to(request, context, text, params)
                self.host.finish(context, response)
                return response
        except ToBeFollowed:
            return await self._follow(request, params)
        except RequestRefused as refused:
            return self._refusal(request, refused)

    async def _read(self, request: Request) -> Params:
        if accepted(request) is None and not accepts_events(request):
            raise _refused(406, "The answer is application/graphql-response+json or application/json.")
        if request.method == "GET" and not is_preflighted(request):
            raise _refused(403, "A GET request needs the header GraphQL-Require-Preflight.")
        return await read_params(request, self.limits)

    async def _respond_to(self, request: Request, context: C, text: str, params: Params) -> Response:
        try:
            return self._answer(request, await self._execute(request, context, text, params))
        except RequestRefused as refused:
            return self._refusal(request, refused)

    async def _execute(self, request: Request, context: C, text: str, params: Params) -> Execution:
        if not self.documents.known(text):
            self.host.charge_document(context)
        document = self.documents.prepare(text)
        operation = chosen(document, params.operation_name)
        if operation.kind is OperationType.MUTATION and request.method != "POST":
            raise _method_not_allowed("POST")
        if operation.kind is OperationType.SUBSCRIPTION:
            if self.lobby is None or not accepts_events(request):
                raise _refused(400, "Follow live operations as text/event-stream or by WebSocket.", well_formed=True)
            raise ToBeFollowed
        if accepted(request) is None:
            raise _refused(406, "Only live operations are answered as text/event-stream.")
        cost = cost_of(operation, params.variables, self.documents.limits)
        self.host.charge(context, operation, cost)
        return await self.host.execute(document, operation, params.variables, context)

    async def _follow(self, request: Request, params: Params) -> Response:
        """The stream of a live operation. What it was read in is let go: it may take for ever."""
        stream, lobby = EventStream(), cast(Lobby, self.lobby)
        try:
            stream.seat = lobby.welcome(request, stream)
            try:
                await stream.seat.enter()
                await stream.seat.subscribe(ONLY, params)
            except BaseException:
                stream.seat.leave()
                raise
        except RequestRefused as refused:
            return self._refusal(request, refused, streamed=True)
        except Over as over:
            ended = RequestRefused(503, UNAVAILABLE, over.closing.reason, headers={"Retry-After": "1"})
            return self._refusal(request, ended, streamed=True)
        return stream

    def _answer(self, request: Request, execution: Execution) -> Response:
        body: dict[str, Any] = {"data": execution.data}
        if execution.errors:
            body = {"errors": execution.errors, **body}
        if execution.extensions:
            body["extensions"] = execution.extensions
        status = PARTIAL_SUCCESS if execution.errors and self.partial_success else 200
        response = _json(request, execution.status or status, body, always_200=True)
        if len(response.body) > self.limits.answer_bytes:
            raise RequestRefused(
                422,
                COST_EXCEEDED,
                "The answer is larger than {limit} bytes.",
                extensions={"limit": "answer_bytes", "allowed": self.limits.answer_bytes},
                well_formed=True,
                limit=self.limits.answer_bytes,
            )
        return response

    def _refusal(self, request: Request, refused: RequestRefused, *, streamed: bool = False) -> Response:
        """`streamed`: to whoever waits for a stream, which a status tells that there is none."""
        body = {"errors": refused.formatted(self.host.translate(request))}
        always_200 = refused.well_formed and not streamed and accepted(request) is not None
        response = _json(request, refused.status, body, always_200=always_200)
        response.headers.update(refused.headers)
        return response

    def _failed(self, request: Request, error: Exception) -> Response:
        log_failure("request_failed", error, request_id=request.state.request_id)
        try:
            message = self.host.translate(request)(WENT_WRONG)
        except Exception as untranslatable:
            log_failure("request_failed", untranslatable, request_id=request.state.request_id)
            message = in_english(WENT_WRONG)
        extensions = {"code": INTERNAL, "requestId": request.state.request_id}
        return _json(request, 500, {"errors": [{"message": message, "extensions": extensions}]})


def request_id(request: Request) -> str:
    """The id that came with the request, where it is a plain one; a new one otherwise."""
    given = request.headers.get("X-Request-ID", "")
    return given if REQUEST_ID.fullmatch(given) else str(uuid_utils.uuid7())


def is_navigation(request: Request) -> bool:
    """Whether a browser came to look, and asks no GraphQL."""
    return (
        request.method == "GET"
        and accepted(request, JSON, GRAPHQL, HTML) == HTML
        and request.query_params.keys().isdisjoint({"query", "documentId"})
    )


def is_preflighted(request: Request) -> bool:
    """Whether it is more than a link, an image or a form of another site can make a browser send."""
    return request.headers.get("Sec-Fetch-Mode") in ("cors", "same-origin") or any(
        name in request.headers for name in PREFLIGHTED_HEADERS
    )


def accepted(request: Request, *offers: str) -> str | None:
    """The media type that the caller prefers, of the API's two unless said otherwise."""
    return negotiated(", ".join(request.headers.getlist("Accept")), offers or (JSON, GRAPHQL))


def accepts_events(request: Request) -> bool:
    """Whether the caller reads a stream of events, and says so."""
    return any(
        media_range.name == EVENTS and weight > 0
        for media_range, weight in weighted_ranges(", ".join(request.headers.getlist("Accept"))[:LONGEST])
    )


def chosen(document: Document, name: str | None) -> Operation:
    """The operation of that name, or the only one. Refuses with 400."""
    operations = [operation for operation in document.operations if name in (None, operation.name)]
    if len(operations) == 1:
        return operations[0]
    if name is None:
        raise _refused(400, "The document has several operations: give an operationName.", well_formed=True)
    raise _refused(400, "The document has no operation of that name.", well_formed=True)


def _json(request: Request, status: int, body: dict[str, Any], *, always_200: bool = False) -> Response:
    """`always_200`: to application/json, whose readers take any other status for a failure of the transport."""
    media_type = accepted(request) or JSON
    return Response(
        orjson.dumps(body),
        200 if always_200 and media_type == JSON else status,
        {"Content-Type": f"{media_type}; charset=utf-8"},
    )


def _refused(status: int, message: str, *, well_formed: bool = False, **figures: Any) -> RequestRefused:
    return RequestRefused(status, BAD_REQUEST, message, well_formed=well_formed, **figures)


def _method_not_allowed(allow: str) -> RequestRefused:
    return RequestRefused(405, BAD_REQUEST, "Only {methods} is allowed here.", headers={"Allow": allow}, methods=allow)
