from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from graphql import (
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    execute_sync,
    get_variable_values,
    parse,
    validate,
)
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Message
from structlog.testing import capture_logs

from engine.endpoint import Endpoint
from engine.error import (
    BAD_REQUEST,
    BAD_USER_INPUT,
    INTERNAL,
    INVALID_DOCUMENT,
    PERSISTED_DOCUMENT_NOT_FOUND,
    RATE_LIMITED,
    SYNTAX,
    UNAUTHENTICATED,
    RequestRefused,
    Translate,
    in_english,
)
from engine.measure import DocumentLimits
from engine.media import GRAPHQL, JSON
from engine.operation import Cost, Document, Execution, Operation, PageSize
from engine.trusted import TrustedDocuments, digest

SCHEMA = build_schema("""
    input Size { width: Int! next: Size }
    type Query { me: String say(word: String = "hello", size: Size, id: ID): String denied: String refused: String! }
    type Mutation { rename(name: String!): String }
    type Subscription { renamed: String }
""")
SAY = Cost(1, ((PageSize(25, (("first", None),)), Cost(2)),))
PREFLIGHTED = {"GraphQL-Require-Preflight": "1"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SECRET = "hunter2"


class Root:
    """The values of every field, and one error."""

    me = "Ada"

    def say(self, info: object, word: str | None, **rest: object) -> str | None:
        return word

    def denied(self, info: object) -> str:
        raise PermissionError("Not yours.")

    refused = denied

    def rename(self, info: object, name: str) -> str:
        return name


class FakeHost:
    """An application over graphql-core that tells in `steps` what it was asked to do."""

    limits = DocumentLimits()

    def __init__(self) -> None:
        self.steps: list[object] = []
        self.cache: dict[str, Document] = {}
        self.failing: dict[str, Exception] = {}
        """What the methods raise, by name."""
        self.execution: Execution | None = None
        """Given instead of executing."""
        self.left_with: BaseException | None = None

    def step(self, name: str, *facts: object) -> None:
        self.steps.append((name, *facts) if facts else name)
        if name in self.failing:
            raise self.failing[name]

    def translate(self, request: Request) -> Translate:
        if "translate" in self.failing:
            raise self.failing["translate"]
        if request.headers.get("Accept-Language") == "fr":
            return in_french
        return in_english

    @asynccontextmanager
    async def admit(self, request: Request) -> AsyncIterator[str]:
        self.step("admit", request.state.request_id)
        try:
            yield "Ada"
        except BaseException as error:
            self.left_with = error
            raise
        finally:
            self.steps.append("leave")

    def charge_document(self, context: str) -> None:
        self.step("charge_document")

    def charge(self, context: str, operation: Operation, cost: int) -> None:
        self.step("charge", operation.kind, cost)

    def known(self, text: str) -> bool:
        self.step("known")
        return text in self.cache

    def prepare(self, text: str) -> Document:
        self.step("prepare")
        if text not in self.cache:
            self.cache[text] = prepared(text)
        return self.cache[text]

    async def execute(
        self, document: Document, operation: Operation, variables: dict[str, Any], context: str
    ) -> Execution:
        self.step("execute", operation.name)
        return self.execution or executed(document, operation, variables)

    def finish(self, context: str, response: Response) -> None:
        self.step("finish", response.status_code)
        response.set_cookie("caller", context)


def in_french(template: str, /, **figures: Any) -> str:
    return f"fr: {in_english(template, **figures)}"


def prepared(text: str) -> Document:
    try:
        node = parse(text)
    except GraphQLSyntaxError as error:
        raise RequestRefused(400, SYNTAX, error.message, errors=[error], well_formed=True) from None
    if errors := validate(SCHEMA, node):
        raise RequestRefused(422, INVALID_DOCUMENT, "", errors=errors, well_formed=True)
    operations = [
        Operation(node.name.value if node.name else None, node.operation, node, SAY, SAY)
        for node in node.definitions
        if isinstance(node, OperationDefinitionNode)
    ]
    return Document(text, node, tuple(operations))


def executed(document: Document, operation: Operation, variables: dict[str, Any]) -> Execution:
    coerced = get_variable_values(SCHEMA, operation.node.variable_definitions or (), variables)
    if isinstance(coerced, list):
        raise RequestRefused(422, BAD_USER_INPUT, "", errors=coerced, well_formed=True)
    result = execute_sync(SCHEMA, document.node, Root(), variable_values=variables, operation_name=operation.name)
    errors = [{**error.formatted, "extensions": {"code": "FORBIDDEN"}} for error in result.errors or ()]
    return Execution(result.data, errors)


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


def client_of(endpoint: Endpoint[str]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(endpoint), base_url="http://test")


async def ask(endpoint: Endpoint[str], query: str, accept: str = GRAPHQL, **body: Any) -> httpx.Response:
    async with client_of(endpoint) as client:
        return await client.post("/", json={"query": query} | body, headers={"Accept": accept})


async def get(endpoint: Endpoint[str], headers: dict[str, str], **params: str) -> httpx.Response:
    async with client_of(endpoint) as client:
        return await client.get("/", params=params, headers=headers)


def code_of(response: httpx.Response) -> str:
    """The code of the one error of a refusal."""
    body = response.json()
    assert body.keys() == {"errors"}
    (error,) = body["errors"]
    assert error["message"]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize("media_type", [JSON, GRAPHQL])
async def test_a_query_is_answered_in_the_type_asked_for(host: FakeHost, media_type: str) -> None:
    response = await ask(Endpoint(host, host), "{ me }", media_type)
    assert (response.status_code, response.json()) == (200, {"data": {"me": "Ada"}})
    assert response.headers["Content-Type"] == f"{media_type}; charset=utf-8"


async def test_every_answer_is_private_and_named(host: FakeHost) -> None:
    for response in (await ask(Endpoint(host, host), "{ me }"), await ask(Endpoint(host, host), "{")):
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Vary"] == "Accept, Accept-Language, Authorization, Cookie, Origin"
        assert UUID(response.headers["X-Request-ID"]).version == 7


async def test_a_request_goes_its_way_in_order(host: FakeHost) -> None:
    endpoint = Endpoint(host, host)
    query = "query Say($word: String!) { say(word: $word) }"
    response = await ask(endpoint, query, variables={"word": "é", "first": 7})
    assert response.json() == {"data": {"say": "é"}}
    new = ["known", "charge_document", "prepare"]
    rest = [("charge", OperationType.QUERY, 1 + 7 * 2), ("execute", "Say"), ("finish", 200), "leave"]
    assert host.steps == [("admit", response.headers["X-Request-ID"]), *new, *rest]
    host.steps.clear()
    response = await ask(endpoint, query, variables={"word": "é", "first": 7})
    assert host.steps == [("admit", response.headers["X-Request-ID"]), "known", "prepare", *rest]


async def test_the_largest_page_bounds_the_cost(host: FakeHost) -> None:
    await ask(Endpoint(host, host), "{ me }", variables={"first": 1_000})
    assert ("charge", OperationType.QUERY, 1 + 100 * 2) in host.steps


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"query": "{"}, 400, SYNTAX),
        ({"query": "{ you }"}, 422, INVALID_DOCUMENT),
        ({"query": "query ($w: String!) { say(word: $w) }"}, 422, BAD_USER_INPUT),
        ({"query": "query A { me } query B { me }"}, 400, BAD_REQUEST),
        ({"query": "query A { me }", "operationName": "B"}, 400, BAD_REQUEST),
        ({"query": "subscription { renamed }"}, 400, BAD_REQUEST),
        ({"documentId": "x"}, 404, PERSISTED_DOCUMENT_NOT_FOUND),
    ],
)
async def test_a_well_formed_request_is_refused_by_status_or_by_body(
    host: FakeHost, body: dict[str, str], status: int, code: str
) -> None:
    async with client_of(Endpoint(host, host)) as client:
        graphql = await client.post("/", json=body, headers={"Accept": GRAPHQL})
        legacy = await client.post("/", json=body)
    assert (graphql.status_code, code_of(graphql)) == (status, code)
    assert (legacy.status_code, code_of(legacy)) == (200, code)


@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
@pytest.mark.parametrize(("content", "status"), [(b"{", 400), (b"{}", 400), (b"[]", 400), (b" " * 65_537, 413)])
async def test_a_malformed_request_is_refused_by_status(
    host: FakeHost, accept: str, content: bytes, status: int
) -> None:
    async with client_of(Endpoint(host, host)) as client:
        headers = {"Accept": accept, "Content-Type": JSON}
        response = await client.post("/", content=content, headers=headers)
    assert (response.status_code, code_of(response)) == (status, BAD_REQUEST)
    assert host.steps == []


async def test_another_type_of_body_is_refused(host: FakeHost) -> None:
    async with client_of(Endpoint(host, host)) as client:
        response = await client.post("/", content=b'{"query":"{ me }"}', headers={"Content-Type": "text/plain"})
    assert (response.status_code, code_of(response)) == (415, BAD_REQUEST)


async def test_a_client_that_takes_nothing_we_have_is_told_in_json(host: FakeHost) -> None:
    response = await ask(Endpoint(host, host), "{ me }", "text/plain")
    assert (response.status_code, code_of(response)) == (406, BAD_REQUEST)
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"


async def test_errors_in_fields_are_part_of_the_answer(host: FakeHost) -> None:
    response = await ask(Endpoint(host, host), "{ me denied }")
    assert response.status_code == 200
    assert response.json()["data"] == {"me": "Ada", "denied": None}
    assert response.json()["errors"][0]["path"] == ["denied"]
    response = await ask(Endpoint(host, host), "{ refused }")
    assert (response.status_code, response.json()["data"]) == (200, None)


@pytest.mark.parametrize("query", ["{ me denied }", "{ refused }"])
async def test_a_partial_success_has_its_own_status_where_it_is_wanted(host: FakeHost, query: str) -> None:
    endpoint = Endpoint(host, host, partial_success=True)
    assert (await ask(endpoint, query)).status_code == 294
    assert (await ask(endpoint, query, JSON)).status_code == 200
    assert (await ask(endpoint, "{ me }")).status_code == 200


async def test_an_execution_may_say_its_status_and_extensions(host: FakeHost) -> None:
    host.execution = Execution(None, [{"message": "Late."}], {"cost": 3}, status=503)
    response = await ask(Endpoint(host, host), "{ me }")
    assert response.status_code == 503
    assert response.json() == {"errors": [{"message": "Late."}], "data": None, "extensions": {"cost": 3}}
    assert (await ask(Endpoint(host, host), "{ me }", JSON)).status_code == 200


async def test_the_operation_is_chosen_by_name(host: FakeHost) -> None:
    query = "query A { me } query B { say }"
    assert (await ask(Endpoint(host, host), query, operationName="B")).json() == {"data": {"say": "hello"}}
    assert (await ask(Endpoint(host, host), "query A { me }", operationName="")).json() == {"data": {"me": "Ada"}}


@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "get"])
async def test_other_methods_are_refused(host: FakeHost, method: str) -> None:
    async with client_of(Endpoint(host, host)) as client:
        request = client.build_request("POST", "/")
        request.method = method
        response = await client.send(request)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, POST")
    assert host.steps == []


async def test_a_query_may_come_by_get(host: FakeHost) -> None:
    query = "query Say($w: String) { say(word: $w) }"
    response = await get(Endpoint(host, host), PREFLIGHTED, query=query, variables='{"w": "hi"}', operationName="Say")
    assert (response.status_code, response.json()) == (200, {"data": {"say": "hi"}})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"GraphQL-Require-Preflight": "1"}, 200),
        ({"X-CSRF-Token": "x"}, 200),
        ({"X-Requested-With": "x"}, 200),
        ({"Authorization": "Bearer x"}, 200),
        ({"Sec-Fetch-Mode": "cors"}, 200),
        ({"Sec-Fetch-Mode": "same-origin"}, 200),
        ({"Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Sec-Fetch-Mode": "navigate"}, 403),
        ({"Cookie": "session=x"}, 403),
        ({}, 403),
    ],
)
async def test_a_get_that_another_site_could_cause_is_refused(
    host: FakeHost, headers: dict[str, str], status: int
) -> None:
    response = await get(Endpoint(host, host), headers, query="{ me }")
    assert response.status_code == status
    assert (host.steps == []) == (status == 403)


@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
async def test_a_get_changes_nothing(host: FakeHost, accept: str) -> None:
    response = await get(Endpoint(host, host), PREFLIGHTED | {"Accept": accept}, query='mutation { rename(name: "x") }')
    assert (response.status_code, code_of(response)) == (405, BAD_REQUEST)
    assert response.headers["Allow"] == "POST"
    assert ("execute", None) not in host.steps
    assert (await ask(Endpoint(host, host), 'mutation { rename(name: "x") }')).json() == {"data": {"rename": "x"}}


def a_page(request: Request) -> Response:
    return HTMLResponse("GraphiQL", headers={"Cache-Control": "no-cache"})


async def test_a_browser_that_comes_to_look_gets_the_page(host: FakeHost) -> None:
    endpoint = Endpoint(host, host, page=a_page)
    response = await get(endpoint, BROWSER)
    assert (response.status_code, response.text) == (200, "GraphiQL")
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("headers", "params", "status"),
    [
        (BROWSER, {"query": "{ me }"}, 403),
        (BROWSER, {"documentId": "x"}, 403),
        ({"Accept": "*/*"}, {}, 403),
        (PREFLIGHTED, {}, 400),
    ],
)
async def test_whoever_asks_something_gets_no_page(
    host: FakeHost, headers: dict[str, str], params: dict[str, str], status: int
) -> None:
    response = await get(Endpoint(host, host, page=a_page), headers, **params)
    assert (response.status_code, code_of(response)) == (status, BAD_REQUEST)


async def test_without_a_page_a_browser_is_refused_as_anyone(host: FakeHost) -> None:
    assert (await get(Endpoint(host, host), BROWSER)).status_code == 403
    assert (await get(Endpoint(host, host), {"Accept": "text/html"})).status_code == 406


async def test_a_trusted_document_is_had_by_its_id(host: FakeHost) -> None:
    endpoint = Endpoint(host, host, trusted=TrustedDocuments({digest("{ me }"): "{ me }"}, only=True))
    response = await get(endpoint, PREFLIGHTED, documentId=f"sha256:{digest('{ me }')}")
    assert response.json() == {"data": {"me": "Ada"}}
    assert code_of(await ask(endpoint, "{ say }")) == PERSISTED_DOCUMENT_NOT_FOUND


async def test_who_is_not_admitted_is_told_so(host: FakeHost) -> None:
    challenge = {"WWW-Authenticate": "Bearer"}
    host.failing["admit"] = RequestRefused(401, UNAUTHENTICATED, "Who are you?", headers=challenge)
    response = await ask(Endpoint(host, host), "{ me }", JSON)
    assert (response.status_code, code_of(response)) == (401, UNAUTHENTICATED)
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert "prepare" not in host.steps


async def test_who_asks_too_much_is_told_when_to_come_back(host: FakeHost) -> None:
    host.failing["charge_document"] = RequestRefused(429, RATE_LIMITED, "Too many.", headers={"Retry-After": "7"})
    response = await ask(Endpoint(host, host), "{ me }", JSON)
    assert (response.status_code, code_of(response)) == (429, RATE_LIMITED)
    assert (response.headers["Retry-After"], response.cookies["caller"]) == ("7", "Ada")
    assert "prepare" not in host.steps


async def test_a_refusal_speaks_the_language_of_its_reader(host: FakeHost) -> None:
    async with client_of(Endpoint(host, host)) as client:
        response = await client.post("/", json=[], headers={"Accept-Language": "fr"})
    assert response.json()["errors"][0]["message"].startswith("fr: The body must be")


@pytest.mark.parametrize("given", ["a", "trace-1.2_3", "A" * 64])
async def test_a_plain_request_id_is_kept(host: FakeHost, given: str) -> None:
    response = await get(Endpoint(host, host), PREFLIGHTED | {"X-Request-ID": given}, query="{ me }")
    assert response.headers["X-Request-ID"] == given
    assert host.steps[0] == ("admit", given)


@pytest.mark.parametrize("given", ["", "A" * 65, "a b", "a\x1b[31m", "é", "${jndi:x}", "a\n"])
async def test_any_other_request_id_is_replaced(host: FakeHost, given: str) -> None:
    headers = {key.encode(): value.encode() for key, value in (PREFLIGHTED | {"X-Request-ID": given}).items()}
    async with client_of(Endpoint(host, host)) as client:
        response = await client.get("/", params={"query": "{ me }"}, headers=headers)
    assert UUID(response.headers["X-Request-ID"]).version == 7


STAGES = ["admit", "known", "charge_document", "charge", "prepare", "execute", "finish"]


@pytest.mark.parametrize("stage", STAGES)
async def test_a_failure_is_told_and_logged_without_a_value(host: FakeHost, stage: str) -> None:
    host.failing[stage] = LookupError(SECRET)
    with capture_logs() as logs:
        response = await ask(Endpoint(host, host), "{ me }", variables={"password": SECRET})
    assert response.status_code == 500
    name = response.headers["X-Request-ID"]
    extensions = {"code": INTERNAL, "requestId": name}
    assert response.json() == {"errors": [{"message": "Something went wrong on our side.", "extensions": extensions}]}
    (log,) = logs
    assert (log["event"], log["log_level"], log["request_id"]) == ("request_failed", "error", name)
    assert log["exc_type"] == "LookupError"
    assert any("test_endpoint.py:" in frame for frame in log["frames"])
    assert SECRET not in repr(logs) + response.text


async def test_a_failure_passes_through_what_was_admitted(host: FakeHost) -> None:
    host.failing["execute"] = LookupError()
    await ask(Endpoint(host, host), "{ me }")
    assert host.left_with is host.failing["execute"]
    assert host.steps[-1] == "leave"


async def test_a_failure_is_told_in_english_where_nothing_can_be_translated(host: FakeHost) -> None:
    host.failing |= {"translate": LookupError(SECRET), "execute": ValueError(SECRET)}
    with capture_logs() as logs:
        response = await ask(Endpoint(host, host), "{ me }")
    assert (response.status_code, code_of(response)) == (500, INTERNAL)
    assert [log["exc_type"] for log in logs] == ["ValueError", "LookupError"]
    assert logs[1]["cause_type"] == "ValueError"


async def test_an_answer_that_cannot_be_written_is_a_failure(host: FakeHost) -> None:
    host.execution = Execution({"me": "\ud800"})
    assert (await ask(Endpoint(host, host), "{ me }", JSON)).status_code == 500
    host.execution = Execution({"me": object()})
    assert (await ask(Endpoint(host, host), "{ me }", JSON)).status_code == 500


async def test_a_client_that_leaves_is_not_a_failure(host: FakeHost) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "query_string": b"", "headers": [(b"content-type", JSON.encode())]}
    with capture_logs() as logs:
        await Endpoint(host, host)(scope, receive, send)
    assert sent == []
    assert [log["log_level"] for log in logs] == ["info"]
