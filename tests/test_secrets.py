"""A secret that is sent in any place a client can write to is found in no log, no error and no repr."""

import json
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, cast

import httpx
import pytest
from graphql import build_schema
from sqlalchemy import text
from structlog.testing import capture_logs

from app.credential import CSRF, CSRF_HEADER, SESSION, Cookies, Credential
from app.host import Call
from app.passwords import HashingPool
from app.settings import Settings
from engine.document import Documents
from engine.measure import DocumentLimits
from engine.request import Params
from models.clock import FrozenClock
from models.db import Database, Db
from models.profile import Profile
from models.secret import SecretKind, new_secret
from models.session import Opened, Session, SessionMethod, SessionTransport
from models.viewer import Viewer
from schema.scalar import EmailAddress
from schema.session import BearerCredentials, SessionCreateInput
from tests.api import GRAPHQL, OWNER, PASSWORD, Api
from tests.database import START
from tests.server import access_token, running

MARK = "q9Zk3xW7"
SECRET = MARK * 3
"""However it is cut, the mark is in what is left."""
NUMBER = 8675309867530986
TOKEN, COOKIE = new_secret(SecretKind.ACCESS), new_secret(SecretKind.COOKIE)
"""Of the right form, and unknown."""
NEEDLES = (MARK, "8675309", TOKEN.rpartition("_")[2], COOKIE.rpartition("_")[2])
LOGGED = {"event", "exc_type", "cause_type", "field", "frames", "level", "log_level", "request_id", "timestamp"}
"""All that the log line of a failure may say."""

SIGN_IN = """mutation ($email: EmailAddress!, $password: String!, $transport: SessionTransport! = BEARER) {
  sessionCreate(input: { email: $email, password: $password, transport: $transport }) {
    session { id } credentials { accessToken refreshToken } userErrors { code message field } } }"""
SIGN_IN_INPUT = "mutation ($input: SessionCreateInput!) { sessionCreate(input: $input) { userErrors { message } } }"
UPDATE = """mutation ($identity: LegalIdentityInput!) {
  profileUpdate(input: { identity: $identity }) { userErrors { code message field } } }"""
CREDENTIALS = {"email": OWNER.email, "password": PASSWORD}


class Planted(NamedTuple):
    """A request that holds a secret: where, and what httpx is told of it."""

    place: str
    request: dict[str, Any]


def posted(query: str, variables: Any = None, **rest: Any) -> dict[str, Any]:
    return {"method": "POST", "url": "/graphql", "json": {"query": query, "variables": variables, **rest}}


def sent(body: str | bytes, content_type: str = "application/json") -> dict[str, Any]:
    return {"method": "POST", "url": "/graphql", "content": body, "headers": {"Content-Type": content_type}}


def fetched(url: str) -> dict[str, Any]:
    return {"method": "GET", "url": url, "headers": {"GraphQL-Require-Preflight": "1"}}


def with_headers(**headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return posted("{ viewer { id } session { id } }") | {"headers": named}


def signing_in(fields: str) -> str:
    return f"mutation {{ sessionCreate(input: {{ {fields} }}) {{ userErrors {{ code message field }} }} }}"


DOCUMENTS = {
    "a string": f'{{ node(id: "{SECRET}") {{ id }} }}',
    "a block string": f'{{ node(id: """{SECRET}""") {{ id }} }}',
    "a comment": f"{{ viewer {{ id }} }} # {SECRET}",
    "a cursor": f'{{ viewer {{ activity(after: "{SECRET}") {{ totalCount nodes {{ id }} }} }} }}',
    "a filter": f'{{ viewer {{ activity(filter: {{ action: "{SECRET}" }}) {{ totalCount }} }} }}',
    "an id in a filter": f'{{ viewer {{ activity(filter: {{ subjectId: "{SECRET}" }}) {{ totalCount }} }} }}',
    "a day": f'{{ viewer {{ activity(filter: {{ occurred: {{ from: "{SECRET}" }} }}) {{ totalCount }} }} }}',
    "a string for a number": f'{{ viewer {{ activity(first: "{SECRET}") {{ totalCount }} }} }}',
    "a string for a condition": f'{{ viewer @include(if: "{SECRET}") {{ id }} }}',
    "a default value": f'query ($first: Int = "{SECRET}") {{ viewer {{ activity(first: $first) {{ totalCount }} }} }}',
    "an argument nobody knows": f'{{ viewer(password: "{SECRET}") {{ id }} }}',
    "an instant": f'mutation {{ sandboxClockAdvance(input: {{ to: "{SECRET}" }}) {{ userErrors {{ message }} }} }}',
    "an id to delete": f'mutation {{ sessionDelete(input: {{ sessionId: "{SECRET}" }}) {{ deletedIds }} }}',
    "a wrong password": signing_in(f'email: "{OWNER.email}", password: "{SECRET}"'),
    "an unknown address": signing_in(f'email: "{SECRET}@example.org", password: "{SECRET}"'),
    "no address": signing_in(f'email: "{SECRET}", password: "{SECRET}"'),
    "a password alone": signing_in(f'password: "{SECRET}"'),
    "a field nobody knows": signing_in(f'email: "{OWNER.email}", password: "x", code: "{SECRET}"'),
    "no value of an enum": signing_in(f'email: "{OWNER.email}", password: "x", transport: "{SECRET}"'),
    "no quotes": signing_in(f'email: "{OWNER.email}", password: {SECRET}'),
    "digits": signing_in(f'email: "{OWNER.email}", password: {NUMBER}'),
    "a list": signing_in(f'email: "{OWNER.email}", password: ["{SECRET}"]'),
    "an object": signing_in(f'email: "{OWNER.email}", password: {{ password: "{SECRET}" }}'),
    "a syntax error after it": signing_in(f'email: "{OWNER.email}", password: "{SECRET}" !'),
    "a syntax error before it": signing_in(f'email: "{OWNER.email}", password "{SECRET}"'),
    "a string after it": signing_in(f'email: "{OWNER.email}", password: "{SECRET}" "{SECRET}"'),
    "a quote in it": signing_in(f'email: "{OWNER.email}", password: "x"{SECRET}"'),
    "a quote before digits": signing_in(f'email: "{OWNER.email}", password: "x"{NUMBER}{MARK}"'),
    "a wrong escape": signing_in(rf'email: "{OWNER.email}", password: "{SECRET}\q{SECRET}"'),
    "a wrong escape of four digits": signing_in(rf'email: "{OWNER.email}", password: "\u{SECRET}"'),
    "no end of a string": signing_in(f'email: "{OWNER.email}", password: "{SECRET}'),
    "no end of a block string": signing_in(f'email: "{OWNER.email}", password: """{SECRET}'),
    "nothing but it": f'"{SECRET}"',
}

VARIABLES: dict[str, tuple[str, Any]] = {
    "a wrong password": (SIGN_IN, CREDENTIALS | {"password": SECRET}),
    "no address": (SIGN_IN, CREDENTIALS | {"email": SECRET}),
    "no value of an enum": (SIGN_IN, CREDENTIALS | {"transport": SECRET}),
    "a list": (SIGN_IN, CREDENTIALS | {"password": [SECRET]}),
    "an object": (SIGN_IN, CREDENTIALS | {"password": {"password": SECRET}}),
    "a number": (SIGN_IN, CREDENTIALS | {"password": NUMBER}),
    "a variable nobody declares": (SIGN_IN, CREDENTIALS | {"password": "x", "code": SECRET}),
    "half of a pair": (SIGN_IN_INPUT, {"input": {"password": SECRET}}),
    "no value of a nested enum": (SIGN_IN_INPUT, {"input": CREDENTIALS | {"transport": SECRET}}),
    "a nested field nobody knows": (SIGN_IN_INPUT, {"input": CREDENTIALS | {"password": "x", "code": SECRET}}),
    "an input that is none": (SIGN_IN_INPUT, {"input": SECRET}),
    "what the rules refuse": (UPDATE, {"identity": {"vatNumber": SECRET, "phone": SECRET}}),
    "no country": (UPDATE, {"identity": {"country": SECRET}}),
    "a NUL": (SIGN_IN, CREDENTIALS | {"password": f"{SECRET}\0"}),
    "no variables": (SIGN_IN, SECRET),
}

REQUESTS = {
    "an operation that is not there": posted("query A { viewer { id } }", operationName=SECRET),
    "a documentId": {"method": "POST", "url": "/graphql", "json": {"documentId": f"sha256:{SECRET}"}},
    "an id of Apollo's": posted(
        "{ viewer { id } }", extensions={"persistedQuery": {"version": 1, "sha256Hash": SECRET}}
    ),
    "extensions": posted("{ viewer { id } }", extensions={"token": SECRET}),
    "JSON that ends early": sent(f'{{"query": "{{ viewer {{ id }} }}", "variables": {{"password": "{SECRET}'),
    "JSON that is a string": sent(json.dumps(SECRET)),
    "half of a letter": sent(rf'{{"query": "{{ viewer {{ id }} }}", "variables": {{"password": "{SECRET}\ud800"}}}}'),
    "a wrong encoding": sent(f'{{"query": "{SECRET}é"}}'.encode("latin-1")),
    "a form": sent(f"query={SECRET}", "application/x-www-form-urlencoded"),
    "a query string": fetched(f'/graphql?query={{node(id:"{SECRET}"){{id}}}}'),
    "variables in a query string": fetched(f'/graphql?query={{viewer{{id}}}}&variables={{"password":"{SECRET}"}}'),
    "a parameter nobody knows": fetched(f"/graphql?query={{viewer{{id}}}}&token={SECRET}"),
    "a parameter twice": fetched(f"/graphql?token={SECRET}&token={SECRET}"),
    "a name of a parameter twice": fetched(f"/graphql?{SECRET}=1&{SECRET}=1"),
    "a name of an operation": fetched(f"/graphql?query={{viewer{{id}}}}&operationName={SECRET}"),
    "a mutation in a query string": fetched(
        f'/graphql?query=mutation{{sessionDelete(input:{{sessionId:"{SECRET}"}})}}'
    ),
    "a broken query string": fetched(f"/graphql?query=%ff{SECRET}"),
    "broken JSON in a query string": fetched(f'/graphql?query={{viewer{{id}}}}&variables={{"password":"{SECRET}'),
    "a link": {"method": "GET", "url": f"/graphql?query={{viewer{{id}}}}&token={SECRET}"},
    "another method": {"method": "PUT", "url": f"/graphql?token={SECRET}"},
    "another path": {"method": "GET", "url": f"/{SECRET}?token={SECRET}"},
    "a file of GraphiQL": {"method": "GET", "url": f"/_graphiql/{SECRET}"},
}

HEADERS: dict[str, dict[str, str]] = {
    "an unknown token": {"Authorization": f"Bearer {TOKEN}"},
    "a broken token": {"Authorization": f"Bearer {SECRET}"},
    "Basic": {"Authorization": f"Basic {SECRET}"},
    "no scheme": {"Authorization": SECRET},
    "an unknown cookie": {"Cookie": f"{SESSION}={COOKIE}; {CSRF}={SECRET}", CSRF_HEADER: SECRET},
    "a broken cookie": {"Cookie": f"{SESSION}={SECRET}; other={SECRET}"},
    "cookie and token": {"Cookie": f"{SESSION}={COOKIE}", "Authorization": f"Bearer {TOKEN}"},
    "X-Request-ID": {"X-Request-ID": f"{SECRET} {SECRET}"},
    "User-Agent": {"User-Agent": SECRET},
    "Referer": {"Referer": f"https://example.org/?token={SECRET}"},
    "Origin": {"Origin": f"https://{SECRET}.example.org"},
    "Accept": {"Accept": SECRET},
    "Accept-Language": {"Accept-Language": SECRET},
    "Content-Type": {"Content-Type": SECRET},
    "Content-Encoding": {"Content-Encoding": SECRET},
    "X-Forwarded-For": {"X-Forwarded-For": SECRET},
}


def planted() -> Iterator[Planted]:
    yield from (Planted(f"{place}, in the document", posted(document)) for place, document in DOCUMENTS.items())
    yield from (Planted(f"{place}, in variables", posted(*given)) for place, given in VARIABLES.items())
    yield from (Planted(place, request) for place, request in REQUESTS.items())
    yield from (Planted(f"{place}, in a header", with_headers(**headers)) for place, headers in HEADERS.items())


def both_ways(token: str) -> Iterator[Planted]:
    """Each as it is, and signed in where it does not say itself who is calling."""
    for place, request in planted():
        yield Planted(place, request)
        headers = {"Accept": GRAPHQL, **request.get("headers", {})}
        if not {"Authorization", "Cookie"} & headers.keys():
            yield Planted(place, {**request, "headers": {**headers, "Authorization": f"Bearer {token}"}})


def told(response: httpx.Response) -> str:
    """Everything that came back, headers included."""
    return f"{response.headers} {response.text}"


def holds(text: str) -> bool:
    return any(needle in text for needle in NEEDLES)


# What is answered, and logged


def test_every_request_holds_a_secret() -> None:
    assert [each.place for each in planted() if not holds(repr(each.request))] == []


async def test_no_answer_and_no_log_repeats_it(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    token, leaks = await api.token(), dict[str, str]()
    with capture_logs() as logs:
        for place, request in both_ways(token):
            response = await api.client.request(**request)
            if holds(told(response)):
                leaks[place] = response.text
    assert leaks == {}
    assert not holds(repr(logs) + caplog.text)


@pytest.mark.parametrize("transport", SessionTransport)
async def test_signing_in_leaves_neither_password_nor_secrets_in_the_log(
    api: Api, transport: SessionTransport, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with capture_logs() as logs:
        answer = await api.ask(SIGN_IN, CREDENTIALS | {"transport": transport})
    payload = answer.data["sessionCreate"]
    handed_out = [*(payload["credentials"] or {}).values(), *api.client.cookies.values()]
    assert len(handed_out) == 2
    assert PASSWORD not in answer.text
    assert not any(secret in repr(logs) + caplog.text for secret in (PASSWORD, *handed_out))


def test_a_server_logs_none_of_it_even_when_its_database_fails(tmp_path: Path) -> None:
    leaks: dict[str, str] = {}
    with running(tmp_path, rate_limits="off") as server, httpx.Client(base_url=server.url) as client:
        token = access_token(server.url)
        for breaks in (False, True):
            if breaks:
                with closing(sqlite3.connect(server.database)) as database:
                    database.execute("ALTER TABLE profile RENAME TO elsewhere")
            client.request(**posted(SIGN_IN, CREDENTIALS))
            for place, request in both_ways(token):
                response = client.request(**request)
                if holds(told(response)):
                    leaks[place] = response.text
        log = server.log()
    failures = {json.loads(line)["event"] for line in log.splitlines() if line.startswith("{")}
    assert {"request_failed", "field_failed"} <= failures
    assert not any(secret in log for secret in (*NEEDLES, PASSWORD, token))
    assert leaks == {}


# What fails


def broken(*_: object, **__: object) -> Any:
    raise RuntimeError(f"no luck with {SECRET}") from ValueError(SECRET)


FAILURES = [
    ("schema.activity.say", "{ viewer { activity { nodes { summary } } } }", "summary"),
    ("models.db.Db.now", "{ sandbox { now } }", "now"),
    (
        "models.profile.Profile.update",
        'mutation { profileUpdate(input: { identity: { city: "Lyon" } }) { userErrors { code } } }',
        "profileUpdate",
    ),
    ("app.passwords.HashingPool.matches", signing_in('email: "a@example.org", password: "x"'), "sessionCreate"),
]


@pytest.mark.parametrize(("culprit", "document", "field"), FAILURES, ids=lambda value: str(value).partition(" ")[0])
async def test_a_defect_is_masked_and_logged_by_its_class_and_place(
    api: Api, monkeypatch: pytest.MonkeyPatch, culprit: str, document: str, field: str
) -> None:
    token = await api.token()
    monkeypatch.setattr(culprit, broken)
    with capture_logs() as logs:
        answer = await api.ask(document, token=token)
    (error,) = answer.errors
    name = answer.headers["X-Request-ID"]
    assert error["extensions"] == {"code": "INTERNAL", "requestId": name}
    assert not holds(answer.text)
    (log,) = logs
    assert (log["exc_type"], log["field"], log["request_id"]) == ("RuntimeError", field, name)
    assert any("test_secrets.py:" in frame for frame in log["frames"])
    assert log.keys() <= LOGGED
    assert not holds(repr(logs))


async def test_a_statement_that_fails_tells_no_parameter(api: Api) -> None:
    async with api.database.writing() as connection:
        await connection.execute(text("ALTER TABLE profile RENAME TO elsewhere"))
    with capture_logs() as logs:
        answer = await api.ask(SIGN_IN, {"email": f"{SECRET}@example.org", "password": SECRET})
    async with api.database.writing() as connection:
        await connection.execute(text("ALTER TABLE elsewhere RENAME TO profile"))
    assert answer.codes == ["INTERNAL"]
    assert [log["field"] for log in logs] == ["sessionCreate"]
    assert not holds(answer.text + repr(logs))


# What objects show of themselves


def settings() -> Settings:
    return Settings.model_validate(
        {"secret_key": SECRET * 2, "database_url": f"postgresql://espace:{SECRET}@127.0.0.1/espace"}
    )


def opened() -> Opened:
    session = Session(
        profile_id=OWNER.key,
        method=SessionMethod.BEARER,
        secret_hash="",
        ip_address="",
        created_at=START,
        last_seen_at=START,
        expires_at=START,
        access_expires_at=START,
    )
    return Opened(session, SECRET, SECRET)


def call() -> Call:
    return Call(
        db=cast(Db, None),
        viewer=Viewer(),
        clock=FrozenClock(START),
        figures=settings(),
        passwords=cast(HashingPool, None),
        opened=opened(),
        credential=Credential(SECRET, SecretKind.ACCESS),
    )


def document() -> Any:
    schema = build_schema("type Query { node(id: ID): ID }")
    return Documents(schema, DocumentLimits(), lambda field: None, entries=1, size_bytes=10**6).prepare(
        f'{{ node(id: "{SECRET}") }}'
    )


CARRIERS: dict[str, Callable[[], Any]] = {
    "BearerCredentials": lambda: BearerCredentials(access_token=SECRET, refresh_token=SECRET, expires_at=START),
    "Call": call,
    "Cookies": lambda: Cookies(SECRET, True, ()),
    "Credential": lambda: Credential(SECRET, SecretKind.ACCESS),
    "Database": lambda: Database(settings().database_url, clock=FrozenClock(START), sandbox=True),
    "Document": document,
    "Opened": opened,
    "Params": lambda: Params(SECRET, SECRET, SECRET, {"password": SECRET}, {"token": SECRET}),
    "Profile": lambda: Profile(email=OWNER.email, password_hash=SECRET, password_changed_at=START, created_at=START),
    "SessionCreateInput": lambda: SessionCreateInput(email=EmailAddress(OWNER.email), password=SECRET),
    "Settings": settings,
}


@pytest.mark.parametrize("kind", CARRIERS)
def test_no_repr_shows_a_secret(kind: str) -> None:
    carrier = CARRIERS[kind]()
    assert not holds(repr(carrier))
    assert not holds(str(carrier))
