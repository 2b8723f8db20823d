"""Requests that nobody should send, for any GraphQL endpoint: each must be answered, and none by a failure.

Hand-written ones, and the same parts put together at random, always in the same way. No document names a field of a
schema other than those that every schema has.
"""

import gzip
import json
import random
import re
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import httpx

Headers = tuple[tuple[bytes, bytes], ...]

JSON: Headers = ((b"content-type", b"application/json"),)
GRAPHQL: Headers = (*JSON, (b"accept", b"application/graphql-response+json"))
PREFLIGHTED: Headers = ((b"graphql-require-preflight", b"1"), (b"accept", b"application/graphql-response+json"))
CHUNK = 4_096
TYPENAME = b'{"query":"{ __typename }"}'

LEAK = re.compile(r'Traceback|File "|line \d+, in |\b\w+(?:Error|Exception)\b|0x[0-9a-f]{6,}|site-packages')


@dataclass(frozen=True)
class Malformed:
    """One request, as it stands on the wire."""

    name: str = ""
    method: str = "POST"
    query_string: bytes = b""
    headers: Headers = GRAPHQL
    body: bytes = b""
    chunked: bool = False


class RawUrl(httpx.URL):
    """An address whose query string goes out as it stands; httpx would mend it."""

    def __init__(self, url: str, query_string: bytes) -> None:
        super().__init__(url)
        self._query_string = query_string

    @property
    def query(self) -> bytes:
        return self._query_string

    @property
    def raw_path(self) -> bytes:
        return super().raw_path + (b"?" + self._query_string if self._query_string else b"")


async def send(client: httpx.AsyncClient, request: Malformed, path: str = "/graphql") -> httpx.Response:
    """The answer to a request, sent with no header but its own and those that HTTP demands."""
    content = in_chunks(request.body) if request.chunked else request.body
    sent = httpx.Request(request.method, "http://test", headers=list(request.headers), content=content)
    sent.method = request.method  # httpx writes it in capitals.
    sent.url = RawUrl(str(client.base_url.join(path)), request.query_string)
    return await client.send(sent)


async def in_chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), CHUNK):
        yield body[start : start + CHUNK]


def breach(request: Malformed, response: httpx.Response) -> str | None:
    """What is wrong with an answer; None when it is as it should be."""
    if response.status_code >= 500:
        return f"answered {response.status_code}"
    if found := LEAK.search(response.text):
        return f"shows {found.group()}"
    if response.status_code < 400 or request.method == "HEAD":
        return None
    try:
        errors = response.json()["errors"]
    except (ValueError, KeyError, TypeError):
        return f"answered {response.status_code} without errors"
    told = [bool(error["message"] and error["extensions"]["code"]) for error in errors]
    return None if told and all(told) else f"answered {response.status_code} with an error of no message or code"


def corpus() -> Iterator[Malformed]:
    """All of them, always the same, each with its own name."""
    sections: dict[str, Iterable[Malformed]] = {
        "body": (Malformed(body=body) for body in bodies()),
        "legacy": (Malformed(body=body, headers=JSON) for body in bodies()),
        "chunked": (Malformed(body=body, chunked=True) for body in bodies() if len(body) > CHUNK),
        "type": (Malformed(body=TYPENAME, headers=headers) for headers in content_types()),
        "accept": (Malformed(body=TYPENAME, headers=(*JSON, (b"accept", accept))) for accept in accepts()),
        "header": (Malformed(body=TYPENAME, headers=(*GRAPHQL, *headers)) for headers in odd_headers()),
        "method": (Malformed(body=TYPENAME, method=method) for method in METHODS),
        "get": (Malformed(method="GET", query_string=query, headers=PREFLIGHTED) for query in query_strings()),
        "crossed": crossed(400),
    }
    for section, requests in sections.items():
        for number, request in enumerate(requests):
            yield replace(request, name=f"{section}-{number}")


def crossed(number: int) -> Iterator[Malformed]:
    """Parts of all the others, put together at random."""
    dice = random.Random(294)
    queries, types = list(query_strings()), list(content_types())
    accepted, odd = list(accepts()), list(odd_headers())
    parts = [body for body in bodies() if len(body) < CHUNK]
    for _ in range(number):
        headers = dice.choice([JSON, PREFLIGHTED, dice.choice(types)])
        if dice.random() < 0.3:
            headers = (*headers, (b"accept", dice.choice(accepted)))
        if dice.random() < 0.3:
            headers = (*headers, *dice.choice(odd))
        body = dice.choice(parts)
        if dice.random() < 0.5:
            position = dice.randrange(len(body) + 1)
            body = body[:position] + dice.randbytes(dice.randrange(3)) + body[position + 1 :]
        method = dice.choice(["POST", "POST", "POST", "GET", "GET", dice.choice(METHODS)])
        query = b"" if method == "POST" and dice.random() < 0.8 else dice.choice(queries)
        yield Malformed("", method, query, headers, body, chunked=dice.random() < 0.2)


METHODS = [
    *("HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY", "PROPFIND", "BREW"),
    *("get", "post", "Post", "P", "__class__"),
]


# Bodies


def bodies() -> Iterator[bytes]:
    yield from NO_REQUEST
    yield from (WHOLE[:length] for length in range(1, len(WHOLE), 3))
    yield from wrongly_typed()
    yield from deep()
    yield from numbers()
    yield from strings()
    yield from encoded()
    yield from documents()
    yield from variables()
    yield from identified()


WHOLE = rb'{"query":"query Q($a:Int){__typename}","operationName":"Q","variables":{"a":[1,"x\u00e9"]}}'

NO_REQUEST = [
    *rb"""
{
}
[
"
,
:
0
-
7
1e5
NaN
Infinity
undefined
true
null
nul
[]
[{}]
[null]
{}
{}{}
{} ,
{,}
{]
{"query"}
{"query":}
{"query":"x",}
{query:1}
{'query':'x'}
{1:2}
/* */{}
// {}
NONSENSE
<xml/>
query=x
query { __typename }
{ __typename }
"{ __typename }"
["query","{ __typename }"]
[{"query":"{ __typename }"}]
{"qeury":"{ __typename }"}
{"__proto__":{"query":"{ __typename }"}}
{"":""}
{"query":"{ __typename }","query":"{"}
{"query":"{ __typename }","query":null}
""".splitlines(),
    b"\x00",
    b"\xff",
    b"--x\r\ncontent-disposition: form-data; name=operations\r\n\r\n{}\r\n--x--\r\n",
    b" " * 70_000,
    b"[" * 70_000,
    b"9" * 60_000,
    b'{"a":' * 12_000,
    b'{"query":"' + b"x" * 70_000,
]


def wrongly_typed() -> Iterator[bytes]:
    for value in WRONG:
        yield b'{"query":%s}' % value
        for name in (b"operationName", b"variables", b"extensions", b"documentId"):
            yield b'{"query":"{ __typename }","%s":%s}' % (name, value)


WRONG = (
    rb'0 -1 1.5 true false null [] [[]] ["x"] {} {"x":{}} "" "x" "{}" "null" {"__proto__":{}} {"constructor":"x"}'
).split(b" ")


def deep() -> Iterator[bytes]:
    for depth in (31, 33, 100, 1_000, 1_022, 1_030, 5_000):
        nest = b"[" * depth + b"]" * depth
        yield nest
        yield with_variable(nest)
        yield with_variable(b'{"a":' * depth + b"1" + b"}" * depth)
        yield b'{"query":"{ __typename }","unknown":%s}' % nest
    yield with_variable(b"[" + b"0," * 12_000 + b"0]")
    yield with_variable(b"{" + b",".join(b'"%d":0' % key for key in range(6_000)) + b"}")


def with_variable(value: bytes) -> bytes:
    return b'{"query":"query($name:String!){__type(name:$name){name}}","variables":{"name":%s}}' % value


def numbers() -> Iterator[bytes]:
    long = [b"9" * 400, b"9" * 50_000, b"1" + b"0" * 1_000_000, b"0." + b"1" * 50_000, b"1e" + b"9" * 5_000]
    for number in [*NUMBERS, *long]:
        yield with_variable(number)
        yield b'{"query":"query($on:Boolean!){__typename @include(if:$on)}","variables":{"on":%s}}' % number


NUMBERS = (
    b"NaN Infinity -Infinity 1e400 -1e400 1e-400 1e308 1e5 0x10 01 +1 .5 1. -0 1_000 \xd9\xa1 9007199254740993 "
    b"9223372036854775807 9223372036854775808 -9223372036854775809 18446744073709551615 18446744073709551616"
).split(b" ")


def strings() -> Iterator[bytes]:
    for text in STRINGS:
        yield b'{"query":"{ __type(name: \\"%s\\") { name } }"}' % text
        yield b'{"query":"{ __typename } # %s"}' % text
        yield b'{"query":"{ __typename }","operationName":"%s"}' % text
        yield b'{"query":"{ __typename }","%s":["%s"]}' % (text, text)
        yield with_variable(b'"%s"' % text)
        yield with_variable(b'{"%s":"%s"}' % (text, text))


STRINGS = [
    *rb"\u0000 a\u0000b \ud800 \udfff \udc00\ud800 \ud83d\ude00 \uD8 \x00 \' \ \ufeff \u202e %00 {} %s".split(b" "),
    *(b"'; drop table profile; --", b"${jndi:ldap://x}", b"{{7*7}}", b"../../x"),
    *(b"\x00", b"\x01", b"\n", b"\xff", b"\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x80\xae"),
]


def encoded() -> Iterator[bytes]:
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp037", "latin-1"):
        yield '{"query":"{ __typename } # é"}'.encode(encoding)
    yield from (gzip.compress(TYPENAME, mtime=0), zlib.compress(TYPENAME), zlib.compress(b" " * 10_000_000))


def documents() -> Iterator[bytes]:
    for document in DOCUMENTS:
        yield in_json(query=document)
    for name in ("", "B", "a", "A ", "__typename", "{name}", "%s", "x" * 10_000):
        yield in_json(query="query A { __typename }", operationName=name)


def in_json(**body: object) -> bytes:
    return json.dumps(body).encode()


DOCUMENTS = [
    *"""
{
}
{}
{ }
#
...
{ __typename
__typename
query
query {
query Q
mutation
{ ...F }
{ ...F } fragment F on Nothing { x }
{ ...F } fragment F on Query { ...F }
{ __typename } fragment F on Query { ...F }
fragment F on Query { __typename }
{ ...on { x } }
{ a: }
{ : a }
{ a b: }
{ __typename @skip }
{ __typename @skip(if: 1) }
{ __typename @nothing }
{ __typename(a: 1) }
{ __typename { x } }
{ __schema }
{ __type { name } }
{ __type(name: 1) { name } }
{ __type(name: $a) { name } }
query($a) { __typename }
query($a: Nothing) { __typename }
query($a: Int) { __typename }
query($a: Int! $a: Int) { __typename }
query A { __typename } query A { __typename }
query A { __typename } query B { __typename }
{ __typename } query A { __typename }
{ __typename } { __typename }
subscription { __typename }
mutation { __typename(a: 1) }
type Query { a: Int }
extend type Query { a: Int }
schema { query: Query }
directive @a on FIELD
{ a(b: "
{ a(b: \\"\\"\\"
{ a(b: "\\u{110000}") }
{ a(b: "\\uD800") }
{ a(b: 1e) }
{ a(b: 00) }
{ a(b: [[[[[) }
{ a(b: {{) }
{ é }
{ \u202e }
\ufeff{ __typename }
{ __typename }\u0000
""".splitlines(),
    "{" * 5_000,
    "{a" * 2_000 + "}" * 2_000,
    "{ a(b: " + "[" * 5_000 + "]" * 5_000 + ") }",
    "query($a: " + "[" * 5_000 + ")",
    "{" + "a: __typename " * 900 + "}",
    "{ __typename " + "@skip(if: true) " * 900 + "}",
    "{ " + "x" * 16_000 + " }",
    "{ " + "x" * 20_000 + " }",
    "# " + "é" * 9_000,
    "{ ...F0 }" + "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(60)),
]


def variables() -> Iterator[bytes]:
    for value in (None, 7, 1.5, True, [], ["x"], [None], [[["x"]]], {}, {"a": 1}, "", "{limit}", "x" * 30_000):
        yield with_variable(json.dumps(value).encode())
    for name in ("Name", "name ", "", "$name", "__proto__", "other"):
        yield in_json(query="query($name:String!){__type(name:$name){name}}", variables={name: "x"})


def identified() -> Iterator[bytes]:
    for name in IDS:
        yield in_json(documentId=name)
        yield in_json(documentId=name, query="{ __typename }")
        yield in_json(extensions={"persistedQuery": {"version": 1, "sha256Hash": name}})
    malformed: list[tuple[object, object]] = [(0, "x"), (2, "x"), ("1", "x"), (None, "x"), (1, None), (1, 7), (1, {})]
    for version, digest in malformed:
        persisted = {"version": version, "sha256Hash": digest}
        yield in_json(query="{ __typename }", extensions={"persistedQuery": persisted})


IDS = [
    *("", "x", ":", "é", "\0", "sha256:", "sha256:" + "0" * 64, "0" * 64, "0" * 63, "F" * 64, "md5:" + "0" * 32),
    "x" * 9_999,
]


# Headers


def content_types() -> Iterator[Headers]:
    yield ()
    yield (*JSON, *JSON)
    for content_type in [
        *CONTENT_TYPES,
        "x" * 9_000,
        "application/json;" * 2_000,
        "application/json;x=" + '"\\' * 9_000,
    ]:
        yield ((b"content-type", content_type.encode()),)
    for encoding in ("gzip", "deflate", "br", "zstd", "identity", "", "x", "gzip, identity", "IDENTITY", "é"):
        yield (*JSON, (b"content-encoding", encoding.encode()))
    for length in ("-1", "0", "1", "x", "", "1e3", "99999999", "9" * 5_000, "0x10", "+5", " 5", "5,5"):
        yield (*JSON, (b"content-length", length.encode()))


CONTENT_TYPES = """
;
/
json
application
application/
/json
*/*
application/*
text/json
text/plain
text/plain;charset=utf-8
text/plain; application/json
text/html
application/jsonp
application/json-seq
application/ld+json
application/graphql
application/graphql+json
application/x-www-form-urlencoded
multipart/form-data
multipart/form-data; boundary=x
application/json, text/plain
application/json text/plain
application/json; charset=utf-16
application/json; charset=latin-1
application/json; charset=utf-7
application/json; charset
application/json; charset=
application/json; charset="utf-8
application/json; charset=utf-8; charset=utf-16
application/json;;;
application/json; x=";"
application/json; é=1
application/json\x00
APPLICATION/JSON; CHARSET=UTF-8
""".splitlines()


def accepts() -> Iterator[bytes]:
    long = [part * 15_000 for part in ("a/b,", ";", '"', '"\\', "application/json;a=b,")]
    for accept in [*ACCEPTS, *long, "application/json" + ";a=b" * 15_000, "a/b;q=" + "9" * 60_000]:
        yield accept.encode()


ACCEPTS = """
\x20
,
;
/
*
*/*
*/json
x
x/y
é/é
\x00
text/html
text/*
image/png
application/xml
application/graphql+json
text/event-stream
multipart/mixed; deferSpec=20220824
application/json;q=0
*/*;q=0
application/*;q=0.0
application/json;q=0, text/html
application/json;q=x
application/json;q=
application/json;q=1.1.1
application/json;q=-1
application/json;q=1e9
application/json;q=0.5;q=0
application/json;charset=utf-16
application/graphql-response+json;q=0
text/html;q=nan
text/plain; x="
""".splitlines()


def odd_headers() -> Iterator[Headers]:
    for line in filter(None, HEADERS.splitlines()):
        name, _, value = line.partition(":")
        yield ((name.encode(), value.encode()),)
    for name, part in LONG_HEADERS:
        yield ((name.encode(), part.encode() * 9_000),)
    yield tuple((b"x-%d" % number, b"x") for number in range(1_000))
    yield ((b"authorization", b"Basic x"), (b"authorization", b"Bearer x"), (b"cookie", b"a=b"), (b"cookie", b"a=c"))


HEADERS = """
authorization:
authorization:Bearer
authorization:Bearer\x20
authorization:Bearer x y
authorization:Bearer é
authorization:Bearer \x00
authorization:Basic
authorization:Basic x
authorization:Basic ====
authorization:Basic OjpP
authorization:Basic /////w==
authorization:Digest x
authorization:Token
cookie:
cookie:=
cookie:;;;
cookie:a
cookie:a=b=c
cookie:a=\x00
cookie:é=é
cookie:"
cookie:a=\\351
origin:
origin:null
origin:x
origin:http://
origin:http://[
origin:http://é
origin:http://a http://b
origin:javascript:x
host:
host:[
host:a:b
host:a b
host:é
host:test:99999
host:test@evil
accept-language:
accept-language:x
accept-language:*
accept-language:fr;q=x
accept-language:fr,,en;q
accept-language:-
accept-language:é
accept-language:\x00
x-forwarded-for:
x-forwarded-for:x
x-forwarded-for:1.2.3.4.5
x-forwarded-for:::ffff:1.2.3.4
x-forwarded-for:1.2.3.4, x
x-forwarded-for:[::1]:x
x-forwarded-for:%
x-forwarded-for:\x00
x-request-id:
x-request-id:a b
x-request-id:é
x-request-id:\x1b[31m
x-request-id:../x
x-request-id:{limit}
x-csrf-token:
x-csrf-token:é
sec-fetch-mode:
sec-fetch-mode:x
sec-fetch-site:x
sec-fetch-site:cross-site
traceparent:
traceparent:00-x
"""
LONG_HEADERS = [
    ("authorization", "Bearer x"),
    ("authorization", "x"),
    ("cookie", "x"),
    ("cookie", "a=b;"),
    ("origin", "x"),
    ("host", "x"),
    ("accept-language", "fr;q=9,"),
    ("accept-language", "a-"),
    ("x-forwarded-for", "1,"),
    ("x-request-id", "x"),
    ("x-csrf-token", "x"),
    ("x", "xxxxxxx"),
]


# Query strings


def query_strings() -> Iterator[bytes]:
    yield from QUERIES
    for part in (b"&a", b"%20", b"+", b"x", b"&"):
        yield b"query={__typename}" + part * 9_000
    for name in ("variables", "extensions"):
        for value in VALUES:
            yield urlencode({"query": "{__typename}", name: value}).encode()
    for document in DOCUMENTS[:60]:
        yield urlencode({"query": document}).encode()
    for name in IDS:
        yield urlencode({"documentId": name}).encode()
        yield urlencode({"query": "{__typename}", "operationName": name}).encode()


QUERIES = b"""
&
=
&&&
?
%
query
query=
=query
query=%
query=%7
query=%zz
query=%00
query=%ff
query=\xff
query=\x00
query=%ed%a0%80
query=%c0%80
query=%u0041
query[]=x
query[a]=x
query.a=x
qeury=x
QUERY={__typename}
__proto__=x
%ff=1
query=x;query=y
query={__typename}&query={__typename}
query={__typename}&variables={}&variables={}
documentId=x&documentId=x
query=mutation{__typename}
query=subscription{__typename}
""".splitlines()

VALUES = [
    *("null", "[]", "1", '"x"', "{", "}", "undefined", "NaN", '{"a":NaN}', '{"persistedQuery":1}'),
    r'{"a":"\u0000"}',
    r'{"a":"\ud800"}',
    '{"a":' + "[" * 40 + "]" * 40 + "}",
    '{"a":' + "9" * 400 + "}",
    "[" * 2_000,
]
