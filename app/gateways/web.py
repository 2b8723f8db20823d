"""One request over HTTP/1.1 to an outside party: no redirects, no cookies, no more of an answer than is wanted."""

import asyncio
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import httptools

CHUNK = 65_536


class WebFailed(Exception):
    """There is no answer: no connection, not HTTP, cut off, or too long. Says a word, and nothing of what was sent."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back."""

    status: int
    body: bytes


async def post_json(url: str, body: bytes, *, most_bytes: int) -> Response:
    """POST a JSON body; raises WebFailed. Whoever calls says how long it may take: everything here can be cancelled."""
    try:
        return await _exchange(url, body, most_bytes)
    except (OSError, httptools.HttpParserError, asyncio.IncompleteReadError, ValueError) as error:
        raise WebFailed(type(error).__name__) from None


async def _exchange(url: str, body: bytes, most_bytes: int) -> Response:
    parts = urlsplit(url)
    secure = ssl.create_default_context() if parts.scheme == "https" else None
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or (443 if secure else 80), ssl=secure)
    try:
        head = (
            f"POST {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n"
            f"User-Agent: espace\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode("ascii") + body)
        await writer.drain()
        return await _read(reader, most_bytes)
    finally:
        writer.transport.abort()  # Nothing is said any more, and whoever is cancelled waits for no good-bye.


class _Message:
    """What the parser finds."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.complete = False
        self.headed = False
        self.measured = False
        """It says how long it is; otherwise it ends with the connection."""

    def on_header(self, name: bytes, value: bytes) -> None:
        self.measured |= name.lower() in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        self.headed = True

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.complete = True


async def _read(reader: asyncio.StreamReader, most_bytes: int) -> Response:
    message = _Message()
    parser = httptools.HttpResponseParser(message)
    received = 0
    while not message.complete:
        data = await reader.read(CHUNK)
        received += len(data)
        if received > most_bytes:
            raise WebFailed("TOO_LONG")
        if not data:
            if message.measured or not message.headed:
                raise WebFailed("CUT_OFF")
            break
        parser.feed_data(data)
    return Response(parser.get_status_code(), bytes(message.body))
