"""Cookie sessions over HTTP: what the browser is given, and when what it sends back counts."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.cookies import Morsel, SimpleCookie
from typing import Any

import httpx
import pytest

from app.setting_check import SANDBOX_SECRET
from engine.bind import Bound
from models.clock import FrozenClock
from models.db import Database
from models.secret import csrf_token
from models.session import SessionTransport
from tests.api import FREE, GRAPHQL, OWNER, PASSWORD, Api, profile_id, serving

OWN, ALLOWED, FOREIGN = "http://espace.test", "https://app.example.com", "https://evil.example"
SIGN_IN = """mutation { sessionCreate(input: {email: "%s", password: "%s"}) { session { id } userErrors { code } } }"""
SIGN_OUT = "mutation { sessionDelete(input: {}) { deletedIds userErrors { code } } }"
WHO = "{ viewer { id } }"
FORTNIGHT = 14 * 24 * 3600


@dataclass
class Browser:
    """Keeps cookies as a page does, and says exactly what it is told to say."""

    api: Api
    base: str = OWN
    cookies: dict[str, str] = field(default_factory=dict)
    given: dict[str, Morsel[str]] = field(default_factory=dict)
    """The last Set-Cookie of each name."""

    async def ask(self, document: str, *, cookies: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        """Header names are written with underscores; without cookies, its own are sent."""
        sent = {"accept": GRAPHQL, **{name.replace("_", "-"): value for name, value in headers.items()}}
        cookies = self.cookies if cookies is None else cookies
        if cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        self.api.client.cookies.clear()
        response = await self.api.client.post(f"{self.base}/graphql", json={"query": document}, headers=sent)
        self.given = {}
        for line in response.headers.get_list("set-cookie"):
            self.given |= SimpleCookie(line)
        self.cookies |= {name: morsel.value for name, morsel in self.given.items()}
        return response

    async def sign_in(self, email: str = OWNER.email) -> None:
        response = await self.ask(SIGN_IN % (email, PASSWORD), cookies={})
        assert response.json()["data"]["sessionCreate"]["userErrors"] == []

    @property
    def token(self) -> str:
        return self.cookies["espace_csrf"]


async def viewer(browser: Browser, **headers: Any) -> Any:
    """The id of who asks; None for nobody."""
    response = await browser.ask(WHO, **headers)
    assert response.status_code == 200, response.text
    found = response.json()["data"]["viewer"]
    return found and found["id"]


@asynccontextmanager
async def browsing(database: Database, bound: Bound, **settings: Any) -> AsyncIterator[Browser]:
    """A browser in front of an application that other origins may use."""
    settings = {"rate_limits": False, "origins": ALLOWED, "public_url": OWN, **settings}
    async with serving(database, bound, **settings) as served:
        yield Browser(served)


@pytest.fixture
async def browser(api: Api, database: Database, bound: Bound) -> AsyncIterator[Browser]:
    """A signed-in owner, before an application whose public address is `OWN` and that allows `ALLOWED`."""
    async with browsing(database, bound) as made:
        await made.sign_in()
        yield made


# What is given


def attributes(morsel: Morsel[str]) -> dict[str, Any]:
    return {name: value for name, value in morsel.items() if value}


async def test_a_sign_in_sets_a_hidden_cookie_and_a_readable_one(browser: Browser) -> None:
    shown = {"path": "/", "max-age": str(FORTNIGHT), "samesite": "lax"}
    assert {name: attributes(morsel) for name, morsel in browser.given.items()} == {
        "espace_session": {**shown, "httponly": True},
        "espace_csrf": shown,
    }
    assert browser.token == csrf_token(SANDBOX_SECRET, browser.cookies["espace_session"])


async def test_over_tls_cookies_are_bound_to_the_host(api: Api, database: Database, bound: Bound) -> None:
    """The readable one keeps the name that pages look for; it is of no use without the other."""
    async with browsing(database, bound, tls_only_cookies=True, public_url="https://espace.test") as browser:
        browser.base = "https://espace.test"
        await browser.sign_in()
        assert set(browser.given) == {"__Host-espace_session", "espace_csrf"}
        for morsel in browser.given.values():
            assert morsel["secure"]
            assert (morsel["path"], morsel["domain"]) == ("/", "")
        assert await viewer(browser, x_csrf_token=browser.token) == profile_id(OWNER)
        plain = {"espace_session": browser.cookies["__Host-espace_session"], "espace_csrf": browser.token}
        assert await viewer(browser, cookies=plain, x_csrf_token=browser.token) is None


async def test_a_refused_sign_in_sets_no_cookie(browser: Browser) -> None:
    await browser.ask(SIGN_IN % (OWNER.email, "wrong"), cookies={})
    assert browser.given == {}


async def test_a_bearer_sign_in_sets_no_cookie(browser: Browser) -> None:
    document = """mutation { sessionCreate(input: {email: "%s", password: "%s", transport: BEARER}) {
      credentials { accessToken } } }"""
    response = await browser.ask(document % (OWNER.email, PASSWORD), cookies={})
    assert response.json()["data"]["sessionCreate"]["credentials"]["accessToken"]
    assert browser.given == {}


async def test_a_session_that_is_used_keeps_its_cookies(browser: Browser, clock: FrozenClock) -> None:
    """Fourteen days from the last use: a browser that drops its cookies fourteen days after the sign-in forgets it."""
    clock.move(timedelta(days=10))
    assert await viewer(browser, x_csrf_token=browser.token) == profile_id(OWNER)
    assert {name: morsel["max-age"] for name, morsel in browser.given.items()} == {
        "espace_session": str(FORTNIGHT),
        "espace_csrf": str(FORTNIGHT),
    }


# When it counts


async def test_a_cookie_counts_only_from_a_page_of_ours(browser: Browser) -> None:
    """Fine print: both cookies, the token in its header, and an allowed Origin where there is one; else nobody asks."""
    async with browsing(browser.api.database, browser.api.bound) as other:
        await other.sign_in()
    right = browser.token
    tokens = {"right": right, "wrong": "0" * len(right), "missing": None, "empty": "", "another's": other.token}
    halves = {"right": right, "missing": None, "another's": other.token}
    origins = {OWN: True, ALLOWED: True, FOREIGN: False, "null": False, None: True}
    counted = []
    for (token, sent), (half, kept), (origin, known) in itertools.product(
        tokens.items(), halves.items(), origins.items()
    ):
        cookies = {"espace_session": browser.cookies["espace_session"]}
        if kept is not None:
            cookies["espace_csrf"] = kept
        headers = {} if sent is None else {"x_csrf_token": sent}
        headers |= {} if origin is None else {"origin": origin}
        found = await viewer(browser, cookies=cookies, **headers)
        should = token == half == "right" and known
        assert found == (profile_id(OWNER) if should else None), (token, half, origin)
        counted.append(should)
    assert counted.count(True) == 3


async def test_without_an_origin_the_browser_may_still_say_that_the_page_is_foreign(browser: Browser) -> None:
    for site, known in {"same-origin": True, "none": True, "same-site": False, "cross-site": False}.items():
        found = await viewer(browser, x_csrf_token=browser.token, sec_fetch_site=site)
        assert found == (profile_id(OWNER) if known else None), site
    assert await viewer(browser, x_csrf_token=browser.token, sec_fetch_site="cross-site", origin=ALLOWED)


async def test_an_origin_counts_only_whole(browser: Browser) -> None:
    """Another scheme or port on the same host is another origin: who listens to plain HTTP may answer as the host."""
    strangers = (
        "https://espace.test",
        "http://espace.test:8000",
        "http://espace.test.evil.example",
        "http://evil.example/http://espace.test",
        "http://app.example.com",
        "https://app.example.com.evil.example",
        "https://sub.app.example.com",
        "ftp://espace.test",
        "//espace.test",
        "espace.test",
        f"{OWN} {FOREIGN}",
        "",
    )
    taken = [origin for origin in strangers if await viewer(browser, x_csrf_token=browser.token, origin=origin)]
    assert taken == []


async def test_simple_content_types_are_not_answered_at_all(browser: Browser) -> None:
    """A form of a foreign page can send these three without asking the browser first."""
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        browser.api.client.cookies.clear()
        response = await browser.api.client.post(
            "/graphql",
            content=b'{"query": "{ viewer { id } }"}',
            headers={
                "accept": GRAPHQL,
                "content-type": content_type,
                "x-csrf-token": browser.token,
                "cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items()),
            },
        )
        assert response.status_code == 415, content_type


async def test_a_cookie_and_a_bearer_token_together_are_refused(browser: Browser) -> None:
    token = await browser.api.token(FREE)
    for authorization in (f"Bearer {token}", "Bearer nonsense", "Basic eDo="):
        response = await browser.ask(WHO, authorization=authorization, x_csrf_token=browser.token)
        assert response.status_code == 400, authorization
        assert "data" not in response.json()


async def test_a_cookie_that_is_no_good_is_nobody_and_not_an_error(browser: Browser) -> None:
    opened = await browser.api.opened(OWNER)
    for secret in ("", "x", browser.cookies["espace_session"][:-1] + "!", opened.secret, str(opened.refresh)):
        token = csrf_token(SANDBOX_SECRET, secret)
        cookies = {"espace_session": secret, "espace_csrf": token}
        assert await viewer(browser, cookies=cookies, x_csrf_token=token) is None


async def test_the_secret_of_a_cookie_is_no_bearer_token(browser: Browser) -> None:
    opened = await browser.api.opened(OWNER, SessionTransport.COOKIE)
    response = await browser.ask(WHO, cookies={}, authorization=f"Bearer {opened.secret}")
    assert response.status_code == 401


async def test_without_its_token_a_cookie_changes_nothing(browser: Browser) -> None:
    document = "mutation { profileUpdate(input: {kind: INDIVIDUAL}) { userErrors { code } } }"
    for token, origin in (("", OWN), (browser.token, FOREIGN)):
        response = await browser.ask(document, x_csrf_token=token, origin=origin)
        assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    response = await browser.ask(document, x_csrf_token=browser.token, origin=OWN)
    assert response.json()["data"] == {"profileUpdate": {"userErrors": []}}


# Taking it back


async def test_signing_out_takes_both_cookies_back(browser: Browser) -> None:
    session, token = browser.cookies["espace_session"], browser.token
    response = await browser.ask(SIGN_OUT, x_csrf_token=token)
    assert len(response.json()["data"]["sessionDelete"]["deletedIds"]) == 1
    assert {name: (morsel.value, morsel["max-age"], morsel["path"]) for name, morsel in browser.given.items()} == {
        "espace_session": ("", "0", "/"),
        "espace_csrf": ("", "0", "/"),
    }
    kept = {"espace_session": session, "espace_csrf": token}
    assert await viewer(browser, cookies=kept, x_csrf_token=token) is None


async def test_signing_others_out_leaves_the_cookies_alone(browser: Browser) -> None:
    await browser.api.opened(OWNER)
    response = await browser.ask("mutation { sessionDelete(input: {allOthers: true}) { deletedIds } }")
    assert response.json()["data"]["sessionDelete"] is None
    response = await browser.ask(
        "mutation { sessionDelete(input: {allOthers: true}) { deletedIds } }", x_csrf_token=browser.token
    )
    assert len(response.json()["data"]["sessionDelete"]["deletedIds"]) == 1
    assert browser.given == {}
    assert await viewer(browser, x_csrf_token=browser.token) == profile_id(OWNER)


# Other origins


async def preflight(browser: Browser, origin: str) -> httpx.Response:
    return await browser.api.client.options(
        "/graphql",
        headers={
            "origin": origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type,x-csrf-token",
        },
    )


async def test_an_allowed_page_may_read_what_it_asks_for(browser: Browser) -> None:
    response = await preflight(browser, ALLOWED)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == ALLOWED
    assert response.headers["access-control-allow-credentials"] == "true"
    allowed = response.headers["access-control-allow-headers"].lower()
    assert {"content-type", "x-csrf-token", "authorization"} <= set(allowed.replace(" ", "").split(","))
    answer = await browser.ask(WHO, x_csrf_token=browser.token, origin=ALLOWED)
    assert answer.headers["access-control-allow-origin"] == ALLOWED
    assert answer.json()["data"]["viewer"] == {"id": profile_id(OWNER)}


async def test_a_foreign_page_may_not(browser: Browser) -> None:
    response = await preflight(browser, FOREIGN)
    assert response.status_code == 400
    assert "access-control-allow-origin" not in response.headers
    answer = await browser.ask(WHO, x_csrf_token=browser.token, origin=FOREIGN)
    assert "access-control-allow-origin" not in answer.headers
    assert answer.json()["data"]["viewer"] is None


async def test_another_host_reads_the_csrf_cookie_where_their_domain_is_named(api: Api, bound: Bound) -> None:
    """The session cookie stays with the host in any case."""
    settings = {"public_url": "https://api.example.com", "cookie_domain": "example.com", "origins": (ALLOWED,)}
    async with serving(api.database, bound, rate_limits=False, **settings) as served:
        browser = Browser(served)
        await browser.sign_in()
        domains = {name: morsel["domain"] for name, morsel in browser.given.items()}
        assert domains == {"espace_session": "", "espace_csrf": "example.com"}
        await browser.ask(SIGN_OUT, x_csrf_token=browser.token, origin=ALLOWED)
        assert {name: morsel["domain"] for name, morsel in browser.given.items()} == domains


async def test_vary_names_each_header_once(api: Api, bound: Bound) -> None:
    async with serving(api.database, bound, rate_limits=False, origins=(ALLOWED,)) as served:
        response = await Browser(served).ask(WHO, origin=ALLOWED)
        assert response.headers["access-control-allow-origin"] == ALLOWED
        assert response.headers["vary"] == "Accept, Accept-Language, Authorization, Cookie, Origin"
        page = await served.client.get("/schema.graphql", headers={"origin": ALLOWED})
        assert page.headers["vary"] == "Origin"
