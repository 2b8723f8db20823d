"""One request over HTTP/1.1 to an outside party: no redirects, no cookies, no more of an answer than is wanted."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit

import httptools

CHUNK = 65_536
FIELD = re.compile(r"[\x20-\x7e]*")
JSON = {"User-Agent": "espace", "Accept": "application/json", "Content-Type": "application/json"}


class WebFailed(Exception):
    """There is no answer: no connection, not HTTP, cut off, or too long. Says a word, and nothing of what was sent."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; the names of its headers are in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


async def post_json(url: str, body: bytes, *, most_bytes: int) -> Response:
    """POST a JSON body; raises WebFailed. Whoever calls says how long it may take: everything here can be cancelled."""
    return await request("POST", url, JSON, body, most_bytes=most_bytes)


async def request(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, most_bytes: int
) -> Response:
    """The same with any method and headers; without a body, nothing is said of its length."""
    try:
        return await _exchange(method, url, headers, body, most_bytes)
    except (OSError, httptools.HttpParserError, asyncio.IncompleteReadError, ValueError) as error:
        raise WebFailed(type(error).__name__) from None


async def _exchange(method: str, url: str, headers: Mapping[str, str], body: bytes | None, most_bytes: int) -> Response:
    parts = urlsplit(url)
    secure = _trusted() if parts.scheme == "https" else None
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or (443 if secure else 80), ssl=secure)
    try:
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        fields = {"Host": parts.netloc, "Connection": "close", **headers}
        if body is not None:
            fields["Content-Length"] = str(len(body))
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        if not all(FIELD.fullmatch(line) for line in lines):
            raise WebFailed("NOT_A_HEADER")
        writer.write("\r\n".join([*lines, "", ""]).encode("ascii") + (body or b""))
        await writer.drain()
        return await _read(reader, most_bytes)
    finally:
        writer.transport.abort()  # Nothing is said any more, and whoever is cancelled waits for no good-bye.


@cache
def _trusted() -> ssl.SSLContext:
    """Whom the machine trusts; to read that takes long."""
    return ssl.create_default_context()


class _Message:
    """What the parser finds."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.headers: dict[str, str] = {}
        self.complete = False
        self.headed = False
        self.measured = False
        """It says how long it is; otherwise it ends with the connection."""

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")
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
    return Response(parser.get_status_code(), bytes(message.body), message.headers)
