"""Live operations in tests: a WebSocket and a stream of events to the application in this process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self
from urllib.parse import urlsplit

import orjson
from starlette.applications import Starlette

from engine.socket import PROTOCOL

PATIENCE = 10
"""Seconds that something may take to be told."""
QUIET = 0.15
"""Seconds in which whatever is told would have been."""
BILLING = "subscription { billingChanged { balance { amount } amountDue { amount } } }"
ACTIVITY = "subscription { activityRecorded { action subject { id } } }"
ALERTS = "subscription Alerts($id: ID) { alertChanged(profileId: $id) { id kind status } }"
PAYMENT = "subscription Payment($id: ID!) { paymentUpdated(paymentId: $id) { id status amount { amount } } }"
Message = dict[str, Any]


class Closed(Exception):
    """The server ended the connection."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Exchange:
    """An ASGI application that is given messages, and whose messages are read at leisure."""

    def __init__(self, app: Callable[..., Awaitable[None]], scope: Mapping[str, Any], room: int = 0) -> None:
        self._given: asyncio.Queue[Message] = asyncio.Queue()
        self._sent: asyncio.Queue[Message] = asyncio.Queue(room)
        self._over = asyncio.Event()
        self._task = asyncio.ensure_future(self._run(app, dict(scope)))

    async def _run(self, app: Callable[..., Awaitable[None]], scope: Message) -> None:
        try:
            await app(scope, self._given.get, self._sent.put)
        finally:
            self._over.set()

    def give(self, message: Message) -> None:
        self._given.put_nowait(message)

    async def sent(self) -> Message:
        """The next message; Closed where there is none any more."""
        waiting, over = asyncio.ensure_future(self._sent.get()), asyncio.ensure_future(self._over.wait())
        await asyncio.wait([waiting, over], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        if not waiting.done():
            waiting.cancel()
            if not self._over.is_set():
                raise TimeoutError("nothing was sent")
            self._task.result()
            raise Closed(1006)
        return waiting.result()

    async def is_quiet(self) -> bool:
        """Whether nothing is sent for a while."""
        await asyncio.sleep(QUIET)
        return self._sent.empty()

    async def end(self, message: Message) -> None:
        """The other side goes."""
        self.give(message)
        while not self._over.is_set():
            if self._sent.full():
                self._sent.get_nowait()
            await asyncio.sleep(0)
        await self._task


class Line(Exchange):
    """A WebSocket."""

    protocol: str | None

    async def open(self) -> Self:
        self.give({"type": "websocket.connect"})
        first = await self.sent()
        if first["type"] == "websocket.http.response.start":
            raise Closed(first["status"], (await self.sent())["body"].decode())
        assert first["type"] == "websocket.accept"
        self.protocol = first["subprotocol"]
        return self

    def say(self, message: Any) -> None:
        """Anything; text as it is."""
        text = message if isinstance(message, str) else orjson.dumps(message).decode()
        self.give({"type": "websocket.receive", "text": text})

    async def heard(self) -> Message:
        """The next message that is no ping; Closed where the connection is."""
        sent = await self.sent()
        if sent["type"] == "websocket.close":
            raise Closed(sent["code"], sent["reason"])
        message: Message = orjson.loads(sent["text"])
        return message if message["type"] != "ping" else await self.heard()

    async def enter(self, token: str | None = None, **payload: Any) -> Self:
        """Say who calls."""
        given = {**({"Authorization": f"Bearer {token}"} if token else {}), **payload}
        self.say({"type": "connection_init", "payload": given})
        assert await self.heard() == {"type": "connection_ack"}
        return self

    def subscribe(self, document: str, key: str = "1", **variables: Any) -> None:
        self.say({"id": key, "type": "subscribe", "payload": {"query": document, "variables": variables}})

    async def follow(self, document: str, key: str = "1", **variables: Any) -> Self:
        """Subscribe, and know that it was done: what is said after it was answered."""
        self.subscribe(document, key, **variables)
        self.say({"type": "ping"})
        message = await self.heard()
        assert message == {"type": "pong"}, message
        return self

    async def told(self, key: str = "1") -> Any:
        """The data of the next answer."""
        message = await self.heard()
        assert (message["type"], message.get("id")) == ("next", key), message
        assert "errors" not in message["payload"], message
        (value,) = message["payload"]["data"].values()
        return value


def scope(kind: str, url: str, headers: Mapping[str, str], **more: Any) -> Message:
    parts = urlsplit(url)
    given = {"host": parts.netloc, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": parts.scheme,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "client": ("192.0.2.1", 50_000),
        "server": ("espace.test", 80),
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        **more,
    }


@asynccontextmanager
async def line(
    app: Starlette, *, protocols: tuple[str, ...] = (PROTOCOL,), room: int = 0, path: str = "/graphql", **headers: str
) -> AsyncIterator[Line]:
    """A WebSocket that is open, of nobody yet; `room` is for so many messages that are not read."""
    more = {"subprotocols": list(protocols), "extensions": {"websocket.http.response": {}}}
    opened = Line(app, scope("websocket", f"ws://espace.test{path}", headers, **more), room)
    try:
        yield await opened.open()
    finally:
        await opened.end({"type": "websocket.disconnect", "code": 1001})


class Stream(Exchange):
    """Server-sent events."""

    status: int
    headers: dict[str, str]
    body: bytes

    async def open(self, body: bytes) -> Self:
        self.give({"type": "http.request", "body": body, "more_body": False})
        start = await self.sent()
        self.status = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.body = (await self.sent())["body"]
        return self

    async def event(self) -> tuple[str, Any]:
        """The next one, by name and data; Closed where the stream is over."""
        sent = await self.sent()
        if not sent.get("more_body"):
            raise Closed(0)
        if sent["body"].startswith(b":"):
            return await self.event()
        name, data, *rest = sent["body"].decode().split("\n")
        assert rest == ["", ""]
        text = data.removeprefix("data:").strip()
        return name.removeprefix("event: "), orjson.loads(text) if text else None


@asynccontextmanager
async def stream(app: Starlette, document: str, token: str | None = None, **headers: str) -> AsyncIterator[Stream]:
    """An operation that is asked for as a stream."""
    given = {"accept": "text/event-stream", "content_type": "application/json", **headers}
    if token:
        given["authorization"] = f"Bearer {token}"
    asked = Stream(app, scope("http", "http://espace.test/graphql", given, method="POST"))
    try:
        yield await asked.open(orjson.dumps({"query": document}))
    finally:
        await asked.end({"type": "http.disconnect"})
