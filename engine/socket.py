"""Live operations over WebSocket: the protocol graphql-transport-ws, and no other.

A message that is none ends the connection; an operation that cannot be followed ends that operation alone. Whoever
reads too slowly is not waited for: the application keeps so much and no more, and then ends the connection.
"""

import asyncio
from typing import Any

import orjson
import structlog
import uuid_utils
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from engine.error import INTERNAL, RequestRefused
from engine.failure import WENT_WRONG, log_failure
from engine.live import (
    BAD_MESSAGE,
    FAILED,
    FORBIDDEN,
    INIT_TIMEOUT,
    LATER,
    NO_PROTOCOL,
    TAKEN,
    TOO_LARGE,
    TOO_MANY,
    UNAUTHORIZED,
    ClientGone,
    Closing,
    Lobby,
    Over,
    Seat,
)
from engine.request import params_of

PROTOCOL = "graphql-transport-ws"
CLOSE_SECONDS = 2
"""For the frame that ends a connection to be sent, where nobody reads."""
LONGEST_ID = 128
INITIAL_HEADERS = ("authorization", "x-csrf-token", "accept-language")
"""What a browser cannot send with the handshake, it sends in the payload of connection_init."""
DENIAL = "websocket.http.response"
SCHEMES = {"ws": "http", "wss": "https"}

logger = structlog.get_logger(__name__)
Message = dict[str, Any]


class Socket:
    """An ASGI application that follows live operations over WebSocket."""

    def __init__(self, lobby: Lobby) -> None:
        self.lobby = lobby

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        request = asked_for(scope)
        conversation = Conversation(websocket, self.lobby, request)
        try:
            conversation.seat = self.lobby.welcome(request, conversation)
        except RequestRefused as refused:
            await self._deny(websocket, refused, request)
            return
        except Exception as error:
            log_failure("live_failed", error, request_id=request.state.request_id)
            await websocket.close()
            return
        try:
            await conversation.run()
        finally:
            conversation.seat.leave()

    async def _deny(self, websocket: WebSocket, refused: RequestRefused, request: Request) -> None:
        """Before there is a connection, as HTTP says it."""
        if DENIAL not in websocket.scope.get("extensions", {}):
            await websocket.close()
            return
        body = orjson.dumps({"errors": refused.formatted(self.lobby.translate(request))})
        headers = {**refused.headers, "Content-Type": "application/json; charset=utf-8"}
        await websocket.send_denial_response(Response(body, refused.status, headers))


class Conversation:
    """One connection, and where its messages go."""

    seat: Seat

    def __init__(self, websocket: WebSocket, lobby: Lobby, request: Request) -> None:
        self.websocket = websocket
        self.lobby = lobby
        self.request = request
        self._began = self._known = False
        self._closing: Closing | None = None
        self._deadline: asyncio.Timeout | None = None
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Until one of the two ends it."""
        if PROTOCOL not in self.websocket.scope["subprotocols"]:
            await self.websocket.accept()
            await self._end(NO_PROTOCOL)
            return
        await self.websocket.accept(PROTOCOL)
        try:
            async with asyncio.timeout(self.lobby.init_seconds) as self._deadline:
                while True:
                    await self._answer(await self._message())
        except (WebSocketDisconnect, ClientGone):
            return
        except Over as over:
            closing = over.closing
        except TimeoutError as error:
            closing = self._closing or (INIT_TIMEOUT if self._expired else self._failed(error))
        except Exception as error:
            closing = self._failed(error)
        self.seat.leave()
        await self._end(closing)

    async def next(self, key: str, body: bytes) -> None:
        """One answer of an operation."""
        await self._send(b'{"id":%b,"type":"next","payload":%b}' % (orjson.dumps(key), body))

    async def error(self, key: str, errors: list[dict[str, Any]]) -> None:
        """The end of an operation that cannot go on."""
        await self._send(orjson.dumps({"id": key, "type": "error", "payload": errors}))

    async def ping(self) -> None:
        """Something that the client answers."""
        await self._send(b'{"type":"ping"}')

    def close(self, closing: Closing) -> None:
        """End the connection: whoever waits for the next message is woken."""
        if self._closing is None and self._deadline is not None and not self._expired:
            self._closing = closing
            self._deadline.reschedule(asyncio.get_running_loop().time())

    @property
    def _expired(self) -> bool:
        return self._deadline is not None and self._deadline.expired()

    async def _answer(self, message: Message) -> None:
        match message["type"]:
            case "connection_init":
                await self._begin(message.get("payload"))
            case "ping":
                await self._send(b'{"type":"pong"}')
            case "pong":
                return
            case "subscribe":
                await self._subscribe(_id(message), message.get("payload"))
            case "complete":
                self.seat.complete(_id(message))
            case _:
                raise _malformed("This type of message is not known")

    async def _begin(self, payload: Any) -> None:
        if self._began:
            raise Over(Closing(TOO_MANY, "Too many initialisation requests"))
        self._began = True
        self.request.scope["headers"] += _headers(payload)
        try:
            await self.seat.enter()
        except RequestRefused as refused:
            raise Over(closing_of(refused)) from None
        self._known = True
        if self._deadline is not None and not self._expired:
            self._deadline.reschedule(None)
        await self._send(b'{"type":"connection_ack"}')

    async def _subscribe(self, key: str, payload: Any) -> None:
        if not self._known:
            raise Over(Closing(UNAUTHORIZED, "Unauthorized"))
        if self.seat.holds(key):
            raise Over(Closing(TAKEN, f"Subscriber for {key} already exists"))
        if not isinstance(payload, dict):
            raise _malformed("A payload is an object")
        try:
            await self.seat.subscribe(key, params_of(payload, self.lobby.limits))
        except RequestRefused as refused:
            await self.error(key, refused.formatted(self.lobby.translate(self.request)))
        except (Over, WebSocketDisconnect, ClientGone):
            raise
        except Exception as error:
            await self.error(key, [self._masked(error)])

    async def _message(self) -> Message:
        """The next message. Over where it is none."""
        event = await self.websocket.receive()
        if event["type"] == "websocket.disconnect":
            raise ClientGone
        text = event.get("text")
        if text is None:
            raise _malformed("Messages are text")
        if len(text.encode(errors="replace")) > self.lobby.limits.body_bytes:
            raise Over(TOO_LARGE)
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise _malformed("A message is JSON") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise _malformed("A message is an object with a type")
        return message

    async def _send(self, message: bytes) -> None:
        async with self._turn:
            try:
                await self.websocket.send_text(message.decode())
            except (WebSocketDisconnect, RuntimeError):  # Starlette's word for what has ended already.
                raise ClientGone from None

    async def _end(self, closing: Closing) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.websocket.close(closing.code, closing.text)
        except (TimeoutError, WebSocketDisconnect, RuntimeError) as error:
            logger.info("live_connection_cut", code=closing.code, exc_type=type(error).__name__)

    def _failed(self, error: Exception) -> Closing:
        log_failure("live_failed", error, request_id=self.request.state.request_id)
        return FAILED

    def _masked(self, error: Exception) -> dict[str, Any]:
        identity = self.request.state.request_id
        log_failure("live_failed", error, request_id=identity)
        message = self.lobby.translate(self.request)(WENT_WRONG)
        return {"message": message, "extensions": {"code": INTERNAL, "requestId": identity}}


def asked_for(scope: Scope) -> Request:
    """The handshake as a request, which is what callers are known by.

    Its cookies count only with the origin of a page: browsers always say it.
    """
    headers = [(name, value) for name, value in scope["headers"] if name != b"sec-websocket-protocol"]
    if not any(name == b"origin" for name, _ in headers):
        headers = [(name, value) for name, value in headers if name != b"cookie"]
    scheme = SCHEMES.get(scope.get("scheme", "ws"), "http")
    request = Request({**scope, "type": "http", "method": "GET", "scheme": scheme, "headers": headers, "state": {}})
    request.state.request_id = str(uuid_utils.uuid7())
    request.state.extensions = {}
    return request


def closing_of(refused: RequestRefused) -> Closing:
    """How a connection ends whose caller is refused."""
    if refused.status == 503:
        return LATER
    code = TOO_MANY if refused.status == 429 else FORBIDDEN
    return Closing(code, refused.message.format(**refused.figures))


def _headers(payload: Any) -> list[tuple[bytes, bytes]]:
    """What the payload of connection_init says that headers say elsewhere. Over where it cannot be one."""
    if payload is None:
        return []
    if not isinstance(payload, dict):
        raise _malformed("A payload is an object")
    found = [(name.lower(), value) for name, value in payload.items() if name.lower() in INITIAL_HEADERS]
    if any(not isinstance(value, str) or not (value.isascii() and value.isprintable()) for _, value in found):
        raise _malformed("A header is printable text")
    return [(name.encode(), value.encode()) for name, value in found]


def _id(message: Message) -> str:
    key = message.get("id")
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_ID:
        raise _malformed("An id is a text that is not empty, and not long")
    return key


def _malformed(reason: str) -> Over:
    return Over(Closing(BAD_MESSAGE, f"Invalid message: {reason}"))
