"""GraphiQL: the operations it opens with, the page as it is served, and what it does in a browser without a network."""

import re
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.requests import Request

from app.examples import Example, examples
from app.graphiql import CONTENT_SECURITY_POLICY, WEB, graphiql_page
from tests.api import OWNER, PASSWORD, Api
from tests.browser import PICTURE, is_bundled, visit
from tests.database import START
from tests.server import access_token, running, untested

DEMO = examples(sandbox=True, now=START)
NAME = "Atelier Exemple"
SIGN_IN = (
    f'mutation {{ sessionCreate(input: {{email: "{OWNER.email}", password: "{PASSWORD}"}}) {{ session {{ id }} }} }}'
)
WHO = "{ viewer { displayName } }"
CODE_WITHOUT_BUNDLE = """
from pathlib import Path
from app import cli, graphiql
graphiql.BUNDLE = Path("nowhere")
cli.main()
"""
REFUSED = "Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"


def name_of(example: Example) -> str:
    """As its tab is called."""
    found = re.search(r"^(?:query|mutation) (\w+)", example.query, re.MULTILINE)
    assert found is not None
    return found[1]


def html(mode: str = "sandbox") -> str:
    """The page of an installation."""
    return bytes(graphiql_page(mode)(Request({"type": "http"})).body).decode()


# The examples


async def test_every_example_runs_in_the_demo_one_after_the_other(api: Api) -> None:
    signed_in = []
    for example in DEMO:
        token = api.client.cookies.get("espace_csrf") or ""
        answer = await api.ask(example.query, orjson.loads(example.variables or "{}"), x_csrf_token=token)
        (payload,) = answer.data.values()
        assert payload.get("userErrors", []) == [], example
        signed_in.append("espace_session" in api.client.cookies)
    assert signed_in == [True] * (len(DEMO) - 1) + [False]


async def test_the_page_is_given_the_examples(api: Api) -> None:
    answer = await api.client.get("/_graphiql/examples.json")
    assert answer.json() == [example._asdict() for example in DEMO]


def test_an_example_fits_its_editor() -> None:
    lines = [line for example in DEMO for line in example.query.splitlines() if line.startswith("#")]
    assert max(map(len, lines)) <= 50


def test_production_names_no_password_and_has_no_clock() -> None:
    real = examples(sandbox=False, now=START)
    assert [name_of(example) for example in real] == [name_of(one) for one in DEMO if name_of(one) != "MoveClock"]
    assert PASSWORD in str(DEMO)
    assert PASSWORD not in str(real)


# The page as it is served


async def test_scripts_come_from_here_or_not_at_all(api: Api) -> None:
    for path in ("/graphql", "/_graphiql/examples.json", "/_graphiql/fallback.js"):
        answer = await api.client.get(path, headers={"accept": "text/html"})
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    directives = dict(directive.split(" ", 1) for directive in CONTENT_SECURITY_POLICY.split("; "))
    assert directives["default-src"] == "'none'"
    assert {directives[name] for name in ("script-src", "worker-src", "connect-src")} == {"'self'"}


@pytest.mark.parametrize("name", ["index.html", "fallback.html"])
def test_each_page_is_told_the_mode(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.graphiql.BUNDLE", WEB if name == "index.html" else Path("nowhere"))
    assert 'data-mode="sandbox"' in html("sandbox")
    assert 'data-mode="production"' in html("production")
    assert "sandbox" not in html("production").replace("[data-mode='sandbox']", "")


def test_a_wheel_has_no_pages_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("BUNDLE", "WEB"):
        monkeypatch.setattr(f"app.graphiql.{folder}", Path("nowhere"))
    assert "n’est pas installé" in html()
    assert "is not installed" in html()


# In a browser


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a visitor of GraphiQL saw: tests/graphiql.mjs."""
    if not is_bundled():
        untested("without `npm run build` in web/ there is no GraphiQL to look at")
    with running(tmp_path_factory.mktemp("graphiql")) as server:
        found = visit("graphiql.mjs", server.url, access_token(server.url))
    return {**found, "url": server.url}


@pytest.fixture(scope="module")
def fallback(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a visitor saw of the page without a bundle: tests/fallback.mjs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.server.COMMAND", (sys.executable, "-c", CODE_WITHOUT_BUNDLE, "demo"))
        with running(tmp_path_factory.mktemp("fallback")) as server:
            found = visit("fallback.mjs", server.url, "{ __typename }", SIGN_IN, WHO)
    return {**found, "url": server.url}


@pytest.mark.parametrize("page", ["seen", "fallback"])
def test_nothing_comes_from_elsewhere(page: str, request: pytest.FixtureRequest) -> None:
    found = request.getfixturevalue(page)
    assert len(found["requests"]) > 3
    assert [url for url in found["requests"] if not url.startswith((found["url"], "data:"))] == []


def test_the_console_shows_nothing_but_the_refusal_that_was_asked_for(seen: dict[str, Any]) -> None:
    assert seen["complaints"] == [REFUSED]


def test_it_opens_with_the_examples_in_a_sandbox_that_says_so(seen: dict[str, Any]) -> None:
    assert seen["tabs"] == [name_of(example) for example in DEMO]
    assert seen["variables"] == orjson.loads(DEMO[0].variables)
    assert seen["banner"] == "Sandbox · nothing here is real · ici, rien n’est réel"


def test_the_schema_is_explained_and_explored(seen: dict[str, Any]) -> None:
    assert "The signed-in profile; null without a session." in seen["documentation"]
    assert "sessionCreate" in seen["explorer"]


def test_the_editors_complete_check_and_format(seen: dict[str, Any]) -> None:
    assert {url.removeprefix(seen["url"]) for url in seen["workers"]} == {
        f"/_graphiql/{name}.worker.js" for name in ("editor", "graphql", "json")
    }
    assert seen["suggestions"] == ["viewer\nProfile"]
    assert seen["mistake"] == 'Cannot query field "shoeSize" on type "Profile".'
    assert seen["mistakeInVariables"] == 'Incorrect type. Expected "string".'
    assert seen["formatted"] == "query {\n  viewer {\n    email\n  }\n}\n"


def test_a_refusal_is_shown(seen: dict[str, Any]) -> None:
    assert [error["extensions"]["code"] for error in seen["refusal"]["errors"]] == ["INVALID_DOCUMENT"]


def test_a_header_is_sent_and_kept_nowhere(seen: dict[str, Any]) -> None:
    assert seen["byHeader"]["data"]["viewer"]["displayName"] == NAME
    assert "WhoAmI" in seen["stored"]
    assert not re.search("esp_|Bearer|Authorization", seen["stored"])
    assert seen["headersAfterReload"] == ""


def test_the_examples_sign_in_act_and_sign_out_by_cookie(seen: dict[str, Any]) -> None:
    names, answers = zip(*seen["tour"], strict=True)
    assert names == ("WhoAmI", *seen["tabs"], "WhoAmI")
    assert not any("errors" in answer for answer in answers)
    before, signed_in, who, *_, signed_out, after = [answer["data"] for answer in answers]
    assert before["viewer"] is after["viewer"] is None
    assert signed_in["sessionCreate"]["session"]["method"] == "COOKIE"
    assert who["viewer"]["displayName"] == NAME
    assert len(signed_out["sessionDelete"]["deletedIds"]) == 1


def test_what_is_sent_with_the_cookie_proves_that_the_page_sent_it(seen: dict[str, Any]) -> None:
    assert seen["proofs"].count(True) == len(seen["tabs"]) - 1  # From the tab after SignIn to SignOut.


def test_the_page_without_a_bundle_says_so_and_asks(fallback: dict[str, Any]) -> None:
    for sentence in ("GraphiQL n’a pas été construit", "GraphiQL was not bundled", "ici, rien n’est réel"):
        assert sentence in fallback["text"]
    typename, signed_in, who = [answer["data"] for answer in fallback["answers"]]
    assert typename == {"__typename": "Query"}
    assert signed_in["sessionCreate"]["session"]
    assert who == {"viewer": {"displayName": NAME}}
    assert fallback["complaints"] == []


def test_the_picture_is_small() -> None:
    picture = PICTURE.read_bytes()
    width, height = (int.from_bytes(picture[start : start + 4], "big") for start in (16, 20))
    assert (width, height) == (1280, 800)
    assert len(picture) < 250_000
