"""A live operation as server-sent events: graphql-sse in its mode of distinct connections."""

import asyncio
from typing import Any

import orjson
import structlog
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from engine.live import ClientGone, Closing, Seat

EVENTS = "text/event-stream"
ONLY = ""
"""The id of its one operation."""
LAST_SECONDS = 2
"""For the end of the stream to be sent, where nobody reads."""

logger = structlog.get_logger(__name__)


class EventStream(Response):
    """The answers of one operation, until one of the two ends it."""

    seat: Seat

    def __init__(self) -> None:
        super().__init__(
            headers={"Content-Type": EVENTS, "X-Accel-Buffering": "no", "Cache-Control": "no-store, no-transform"}
        )
        del self.headers["content-length"]
        self._send: Send | None = None
        self._closing: Closing | None = None
        self._deadline: asyncio.Timeout | None = None
        self._turn = asyncio.Lock()
        self._begun = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            self._send = send
            await self._write(b":\n\n")
            self._begun.set()
            async with asyncio.timeout(0 if self._closing else None) as self._deadline:
                while (await receive())["type"] != "http.disconnect":
                    continue
        except ClientGone:
            return
        except TimeoutError:
            self.seat.leave()
            await self._finish()
        finally:
            self.seat.leave()

    async def next(self, key: str, body: bytes) -> None:
        """One answer."""
        await self._begun.wait()
        await self._write(b"event: next\ndata: %b\n\n" % body)

    async def error(self, key: str, errors: list[dict[str, Any]]) -> None:
        """The end of the operation, and with it of the stream."""
        await self.next(key, orjson.dumps({"errors": errors}))
        await self._write(b"event: complete\ndata:\n\n")
        self.close(Closing(1000, "complete"))

    async def ping(self) -> None:
        """A comment, which nobody reads."""
        await self._begun.wait()
        await self._write(b":\n\n")

    def close(self, closing: Closing) -> None:
        """End the stream: whoever waits for the client to go is woken."""
        if self._closing is None:
            self._closing = closing
            if self._deadline is not None and not self._deadline.expired():
                self._deadline.reschedule(asyncio.get_running_loop().time())

    async def _write(self, text: bytes, *, more: bool = True) -> None:
        message: Message = {"type": "http.response.body", "body": text, "more_body": more}
        if self._send is None:
            raise ClientGone
        async with self._turn:
            try:
                await self._send(message)
            except OSError:
                raise ClientGone from None

    async def _finish(self) -> None:
        try:
            async with asyncio.timeout(LAST_SECONDS):
                await self._write(b"", more=False)
        except (TimeoutError, ClientGone) as error:
            logger.info("live_stream_cut", exc_type=type(error).__name__)
