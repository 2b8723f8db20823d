"""What a request asks for, read within bounds: JSON by POST, the query string by GET."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request

from engine.error import BAD_REQUEST, RequestRefused
from engine.media import is_json

PARAMETERS = frozenset({"query", "documentId", "operationName", "variables", "extensions"})
MOST_FIELDS = 100
OUT_OF_RANGE = 2**63
"""No number is this large: neither databases nor JavaScript would keep it."""


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """How large a request may be."""

    body_bytes: int = 65_536
    body_seconds: int = 10
    """For the body to arrive."""
    url_bytes: int = 8_192
    """Of the query string, as sent."""
    json_depth: int = 32
    """Levels, that of the innermost values included."""
    json_values: int = 10_000
    """Keys included."""
    answer_bytes: int = 4_194_304
    """Of what is sent back."""


@dataclass(frozen=True, slots=True)
class Params:
    """What was asked for. No string holds a NUL or half a surrogate pair, no number is out of a database's range."""

    query: str | None = field(repr=False)
    document_id: str | None = field(repr=False)
    operation_name: str | None = field(repr=False)
    variables: dict[str, Any] = field(repr=False)
    extensions: dict[str, Any] = field(repr=False)


async def read_params(request: Request, limits: RequestLimits) -> Params:
    """The parameters of a GET or POST request. Refuses with 400, 413, 414 or 415."""
    return params_of(await _posted(request, limits) if request.method == "POST" else _in_url(request, limits), limits)


def params_of(given: dict[str, Any], limits: RequestLimits) -> Params:
    """The parameters in what was sent. Refuses with 400."""
    check(given, limits)
    return Params(
        query=_text(given, "query"),
        document_id=_text(given, "documentId"),
        operation_name=_text(given, "operationName"),
        variables=_object(given, "variables"),
        extensions=_object(given, "extensions"),
    )


async def _posted(request: Request, limits: RequestLimits) -> dict[str, Any]:
    if not is_json(", ".join(request.headers.getlist("content-type"))):
        raise _refused(415, "The body must be of the type application/json, in UTF-8.")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        refused = _refused(415, "The body must not be compressed.")
        refused.headers["Accept-Encoding"] = "identity"
        raise refused
    try:
        async with asyncio.timeout(limits.body_seconds):
            content = await read_body(request, limits.body_bytes)
    except TimeoutError:
        raise _refused(408, "The body took more than {limit} seconds.", limit=limits.body_seconds) from None
    body = _json(content, "body")
    if not isinstance(body, dict):
        raise _refused(400, "The body must be one JSON object; batches are not answered.")
    return body


async def read_body(request: Request, limit: int) -> bytes:
    """The bytes of a body; refuses one that is larger, before all of it is there."""
    try:
        declared = int(request.headers.get("content-length", "0"))
    except ValueError:
        raise _refused(400, "Content-Length is not a number.") from None
    body = bytearray()
    if declared <= limit:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                break
    if max(declared, len(body)) > limit:
        raise _refused(413, "The body is larger than {limit} bytes.", limit=limit)
    return bytes(body)


def _in_url(request: Request, limits: RequestLimits) -> dict[str, Any]:
    raw: bytes = request.scope["query_string"]
    if len(raw) > limits.url_bytes:
        raise _refused(414, "The query string is longer than {limit} bytes.", limit=limits.url_bytes)
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise _refused(400, "The query string is not URL-encoded UTF-8, or has too many parameters.") from None
    given: dict[str, Any] = {}
    for name, value in pairs:
        if name in given:
            raise _refused(400, "{name} is given twice.", name=name)
        if name in PARAMETERS:
            given[name] = value or None
    for name in ("variables", "extensions"):
        if given.get(name):
            given[name] = _json(given[name], name)
    return given


def _json(text: bytes | str, name: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _refused(400, "{name} is not valid JSON in UTF-8.", name=name) from None


def check(given: dict[str, Any], limits: RequestLimits) -> None:
    """Refuses what no database or stack would hold. Level by level: recursion would be bounded by the stack."""
    level: list[Any] = [given]
    depth = values = 0
    while level:
        depth += 1
        values += len(level)
        if depth > limits.json_depth:
            raise _refused(400, "The parameters are nested more than {limit} levels deep.", limit=limits.json_depth)
        if values > limits.json_values:
            raise _refused(400, "The parameters hold more than {limit} values.", limit=limits.json_values)
        deeper: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                deeper += value
                deeper += value.values()
            elif isinstance(value, list):
                deeper += value
            elif isinstance(value, str) and "\0" in value:
                raise _refused(400, "A string holds a NUL character.")
            elif isinstance(value, int | float) and abs(value) >= OUT_OF_RANGE:
                raise _refused(400, "A number is out of range.")
        level = deeper


def _text(given: dict[str, Any], name: str) -> str | None:
    """A string, or None when it is absent, null or empty: none of them may be empty."""
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise _refused(400, "{name} must be a string.", name=name)
    return value or None


def _object(given: dict[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _refused(400, "{name} must be an object.", name=name)
    return value


def _refused(status: int, message: str, **figures: Any) -> RequestRefused:
    return RequestRefused(status, BAD_REQUEST, message, **figures)
