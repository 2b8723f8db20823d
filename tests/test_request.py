from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope, Send

from engine.error import BAD_REQUEST, RequestRefused
from engine.request import Params, RequestLimits, read_params

QUERY = {"query": "{ me }"}


async def sent(limits: RequestLimits | None = None, **request: Any) -> Params:
    """What is read of a POST request that httpx sends."""
    outcome: list[Params | RequestRefused] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            outcome.append(await read_params(Request(scope, receive), limits or RequestLimits()))
        except RequestRefused as refused:
            outcome.append(refused)
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        await client.post("/", **request)
    if isinstance(outcome[0], RequestRefused):
        raise outcome[0]
    return outcome[0]


async def posted(body: Any, limits: RequestLimits | None = None, **headers: str) -> Params:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    headers = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await sent(limits, content=content, headers=headers)


async def got(query_string: str | bytes, limits: RequestLimits | None = None) -> Params:
    raw = query_string.encode() if isinstance(query_string, str) else query_string
    request = Request({"type": "http", "method": "GET", "query_string": raw, "headers": []})
    return await read_params(request, limits or RequestLimits())


async def expect_refusal(reading: Awaitable[Params], status: int, message: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        await reading
    refused = caught.value
    assert (refused.status, refused.code) == (status, BAD_REQUEST)
    assert refused.message.format(**refused.figures) == message


async def test_a_body_says_what_is_asked() -> None:
    asked = {
        "query": "query Me { me }",
        "operationName": "Me",
        "variables": {"a": [1, 2.5, None, True, "é😀"]},
        "extensions": {"x": {}},
        "documentId": "sha256:00",
    }
    assert await posted(asked) == Params(
        "query Me { me }", "sha256:00", "Me", {"a": [1, 2.5, None, True, "é😀"]}, {"x": {}}
    )


async def test_null_is_the_same_as_nothing_and_unknown_keys_are_ignored() -> None:
    nothing = Params("{ me }", None, None, {}, {})
    assert await posted(QUERY) == nothing
    names = ("documentId", "operationName", "variables", "extensions")
    assert await posted(QUERY | dict.fromkeys(names)) == nothing
    assert await posted(QUERY | {"operationName": "", "id": 7, "__proto__": {"query": "{ you }"}}) == nothing


async def test_a_url_says_what_is_asked() -> None:
    asked = {"query": "{ me }", "operationName": "Me", "variables": '{"a": "é"}', "extensions": "{}", "ref": "CODE"}
    assert await got(urlencode(asked)) == Params("{ me }", None, "Me", {"a": "é"}, {})
    assert await got("documentId=ab&variables=&operationName=") == Params(None, "ab", None, {}, {})


@pytest.mark.parametrize("value", [7, True, [], {}, ["{ me }"]])
@pytest.mark.parametrize("name", ["query", "operationName", "documentId"])
async def test_a_text_must_be_a_string(name: str, value: object) -> None:
    await expect_refusal(posted(QUERY | {name: value}), 400, f"{name} must be a string.")


@pytest.mark.parametrize("value", [7, False, [], "{}", ""])
@pytest.mark.parametrize("name", ["variables", "extensions"])
async def test_a_map_must_be_an_object(name: str, value: object) -> None:
    await expect_refusal(posted(QUERY | {name: value}), 400, f"{name} must be an object.")


async def test_a_map_in_the_url_must_be_an_object_too() -> None:
    await expect_refusal(got("query=x&variables=[]"), 400, "variables must be an object.")
    await expect_refusal(got("query=x&variables={"), 400, "variables is not valid JSON in UTF-8.")
    await expect_refusal(got('query=x&extensions={"a":NaN}'), 400, "extensions is not valid JSON in UTF-8.")


@pytest.mark.parametrize("body", [b"7", b'"{ me }"', b"null", b"true", b"[]", b'[{"query":"{ me }"}]'])
async def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    await expect_refusal(posted(body), 400, "The body must be one JSON object; batches are not answered.")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"query": "{ me }"',
        b"\xef\xbb\xbf{}",
        b'{"query": "\xff"}',
        b'{"query": "\xed\xa0\x80"}',
        b'{"query": "\\ud800"}',
        b'{"query": "\\udc00\\ud800"}',
        b'{"variables": {"a": NaN}}',
        b'{"variables": {"a": 1e400}}',
        b'{"variables": {"a": %s}}' % (b"9" * 60_000),
        b"[" * 60_000,
        '{"query": "{ me }"}'.encode("utf-16"),
    ],
)
async def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    await expect_refusal(posted(body), 400, "body is not valid JSON in UTF-8.")


@pytest.mark.parametrize(
    "body",
    [{"query": "{ me(a: \0) }"}, {"variables": {"a": ["\0"]}}, {"variables": {"\0": 1}}, {"unknown": ["\0"]}],
)
async def test_no_string_holds_a_nul(body: object) -> None:
    await expect_refusal(posted(body), 400, "A string holds a NUL character.")


async def test_no_string_of_a_url_holds_a_nul_or_half_a_character() -> None:
    await expect_refusal(got(b"query=%00"), 400, "A string holds a NUL character.")
    await expect_refusal(got(b'query=x&variables={"a":"\\u0000"}'), 400, "A string holds a NUL character.")
    malformed = "The query string is not URL-encoded UTF-8, or has too many parameters."
    await expect_refusal(got(b"query=%ED%A0%80"), 400, malformed)
    await expect_refusal(got(b"query=%ff"), 400, malformed)
    await expect_refusal(got("&".join(f"p{number}" for number in range(101))), 400, malformed)


@pytest.mark.parametrize("number", [b"9223372036854775808", b"-1e300", b"123456789012345678901234567890"])
async def test_a_number_beyond_64_bits_is_refused(number: bytes) -> None:
    await expect_refusal(posted(b'{"variables": {"a": %s}}' % number), 400, "A number is out of range.")


async def test_the_largest_number_passes() -> None:
    assert (await posted({"variables": {"a": 2**63 - 1}})).variables == {"a": 2**63 - 1}


async def test_json_is_as_deep_as_the_limit_and_no_deeper() -> None:
    limits = RequestLimits(json_depth=5)
    assert (await posted({"variables": {"a": [[1]]}}, limits)).variables == {"a": [[1]]}
    too_deep = "The parameters are nested more than 5 levels deep."
    await expect_refusal(posted({"variables": {"a": [[[1]]]}}, limits), 400, too_deep)


async def test_json_has_as_many_values_as_the_limit_and_no_more() -> None:
    limits = RequestLimits(json_values=7)
    assert (await posted({"variables": {"a": [1, 2]}}, limits)).variables == {"a": [1, 2]}
    await expect_refusal(
        posted({"variables": {"a": [1, 2, 3]}}, limits), 400, "The parameters hold more than 7 values."
    )


async def test_a_query_string_has_as_many_bytes_as_the_limit_and_no_more() -> None:
    limits = RequestLimits(url_bytes=10)
    assert (await got("query=1234", limits)).query == "1234"
    await expect_refusal(got("query=12345", limits), 414, "The query string is longer than 10 bytes.")


async def test_a_parameter_given_twice_is_refused() -> None:
    await expect_refusal(got("query=a&query=b"), 400, "query is given twice.")
    await expect_refusal(got("variables=&variables="), 400, "variables is given twice.")
    assert (await got("query=a&ref=1&ref=2")).query == "a"


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/json; charset=latin-1"])
async def test_another_type_of_body_is_refused(content_type: str) -> None:
    message = "The body must be of the type application/json, in UTF-8."
    await expect_refusal(posted(QUERY, Content_Type=content_type), 415, message)


async def test_a_compressed_body_is_refused() -> None:
    await expect_refusal(posted(QUERY, Content_Encoding="gzip"), 415, "The body must not be compressed.")
    assert (await posted(QUERY, Content_Encoding="Identity")).query == "{ me }"


async def test_a_body_has_as_many_bytes_as_the_limit_and_no_more() -> None:
    limits = RequestLimits(body_bytes=19)
    assert (await posted(b'{"query": "123456"}', limits)).query == "123456"
    await expect_refusal(posted(b'{"query": "1234567"}', limits), 413, "The body is larger than 19 bytes.")


def receiving(*messages: Message) -> Callable[[], Awaitable[Message]]:
    """Gives the messages in turn; a read beyond the last one fails the test."""
    waiting = list(messages)

    async def receive() -> Message:
        return waiting.pop(0)

    return receive


def post_of(receive: Receive, **headers: str) -> Request:
    raw = [(b"content-type", b"application/json")]
    raw += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "query_string": b"", "headers": raw}, receive)


async def test_a_body_announced_too_large_is_not_even_read() -> None:
    request = post_of(receiving(), content_length="65537")
    await expect_refusal(read_params(request, RequestLimits()), 413, "The body is larger than 65536 bytes.")


@pytest.mark.parametrize("length", ["many", "", "9" * 5_000])
async def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    request = post_of(receiving(), content_length=length)
    await expect_refusal(read_params(request, RequestLimits()), 400, "Content-Length is not a number.")


async def test_a_body_of_no_announced_size_is_read_up_to_the_limit() -> None:
    chunk: Message = {"type": "http.request", "body": b" " * 40_000, "more_body": True}
    request = post_of(receiving(chunk, chunk))
    await expect_refusal(read_params(request, RequestLimits()), 413, "The body is larger than 65536 bytes.")


async def test_a_body_in_chunks_is_put_together() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for chunk in (b'{"query": "\xc3', b'\xa9"', b"", b"}"):
            yield chunk

    asked = await sent(content=chunks(), headers={"Content-Type": "application/json"})
    assert asked.query == "é"


async def test_a_client_that_leaves_is_not_a_refusal() -> None:
    request = post_of(receiving({"type": "http.disconnect"}))
    with pytest.raises(ClientDisconnect):
        await read_params(request, RequestLimits())
