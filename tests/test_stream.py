"""EVT-1. Live operations as server-sent events: graphql-sse, one connection for each."""

import asyncio
from typing import Any

import orjson
import pytest

from engine.bind import Bound
from models.db import Database
from tests.api import FREE, OWNER, Api, profile_id, serving
from tests.cycle import balance
from tests.following import ACTIVITY, ALERTS, BILLING, Closed, stream
from tests.test_cookie import FOREIGN, OWN, Browser
from tests.test_live import SIGN_OUT, adjusted

BOTH = "application/graphql-response+json, application/json, text/event-stream"


async def test_what_happens_is_an_event(api: Api) -> None:
    async with stream(api.app, BILLING, await api.token()) as opened:
        assert (opened.status, opened.headers["content-type"], opened.body) == (200, "text/event-stream", b":\n\n")
        assert opened.headers["cache-control"] == "no-store, no-transform"
        assert opened.headers["x-request-id"]
        assert "content-length" not in opened.headers
        await adjusted(api)
        name, body = await opened.event()
    assert name == "next"
    assert body["data"]["billingChanged"]["balance"]["amount"] == await balance(api)
    assert not api.app.state.lobbies.customers.seats


async def test_whoever_reads_both_is_answered_by_what_they_ask(api: Api) -> None:
    token = await api.token()
    async with stream(api.app, ACTIVITY, token, accept=BOTH) as opened:
        assert opened.headers["content-type"] == "text/event-stream"
    async with stream(api.app, "{ viewer { id } }", token, accept=BOTH) as opened:
        assert opened.headers["content-type"].startswith("application/graphql-response+json")


@pytest.mark.parametrize(
    ("document", "token", "status", "code"),
    [
        ("{ viewer { id } }", True, 406, "BAD_REQUEST"),
        ("subscription { activityRecorded { nothing } }", True, 422, "INVALID_DOCUMENT"),
        ("subscription { activityRecorded", True, 400, "SYNTAX"),
        ("subscription Alerts($id: ID = true) { alertChanged(profileId: $id) { id } }", True, 422, "INVALID_DOCUMENT"),
        (
            "subscription A($no: Boolean = false) { alertChanged @include(if: $no) { id } }",
            True,
            422,
            "INVALID_DOCUMENT",
        ),
        (ACTIVITY, False, 401, "UNAUTHENTICATED"),
        (
            f'subscription {{ alertChanged(profileId: "{profile_id(OWNER)}") {{ id }} }}',
            True,
            404,
            "NOT_FOUND",
        ),
    ],
)
async def test_what_is_no_stream_has_a_status(api: Api, document: str, token: bool, status: int, code: str) -> None:
    async with stream(api.app, document, await api.token(FREE) if token else None) as opened:
        assert (opened.status, opened.headers["content-type"]) == (status, "application/json; charset=utf-8")
        assert [error["extensions"]["code"] for error in orjson.loads(opened.body)["errors"]] == [code]


async def test_without_a_word_of_streams_a_live_operation_says_how_it_is_followed(api: Api) -> None:
    answer = await api.ask(ACTIVITY, token=await api.token(FREE))
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])
    assert answer.errors[0]["message"] == "Follow live operations as text/event-stream or by WebSocket."


async def test_a_session_that_ends_ends_its_streams(api: Api) -> None:
    token = await api.token()
    async with stream(api.app, ACTIVITY, token) as opened:
        await api.ask(SIGN_OUT, token=token)
        await ended(opened)
        assert not api.app.state.lobbies.customers.seats


async def test_what_can_not_be_told_any_more_is_the_last_event(api: Api, database: Database, bound: Bound) -> None:
    token = await api.token()
    few = {"points_per_minute": 3}
    async with serving(database, bound, **few) as served, stream(served.app, ACTIVITY, token) as opened:
        await api.token()
        name, body = await opened.event()
        assert (name, body["errors"][0]["extensions"]["code"]) == ("next", "RATE_LIMITED")
        assert await opened.event() == ("complete", None)
        with pytest.raises(Closed):
            await opened.event()


async def test_a_cookie_counts_as_it_does_elsewhere(api: Api) -> None:
    browser = Browser(api)
    await browser.sign_in()
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    async with stream(api.app, ACTIVITY, cookie=cookie, origin=OWN, x_csrf_token=browser.token) as opened:
        assert opened.status == 200
    async with stream(api.app, ACTIVITY, cookie=cookie, origin=OWN) as opened:
        assert opened.status == 401
    async with stream(api.app, ACTIVITY, cookie=cookie, origin=FOREIGN, x_csrf_token=browser.token) as opened:
        assert opened.status == 403


async def test_a_stream_is_kept_alive_and_ends_with_the_process(api: Api, database: Database, bound: Bound) -> None:
    token = await api.token()
    often = {"live_keep_alive": 0.2}
    async with serving(database, bound, **often) as served, stream(served.app, ACTIVITY, token) as opened:
        assert (await opened.sent())["body"] == b":\n\n"
        await asyncio.gather(served.app.state.lobbies.customers.stop(), ended(opened))


async def ended(opened: Any) -> None:
    """Whatever was told before."""
    while True:
        try:
            await opened.event()
        except Closed:
            return


async def test_streams_count_as_connections(api: Api, database: Database, bound: Bound) -> None:
    async with serving(database, bound, live_connections_per_profile=1) as served:
        token = await api.token()
        async with stream(served.app, ACTIVITY, token), stream(served.app, ALERTS, token) as second:
            assert (second.status, second.headers["retry-after"]) == (429, "5")
        async with stream(served.app, ACTIVITY, token) as third:
            assert third.status == 200


async def test_a_stream_is_no_request_under_way(api: Api, database: Database, bound: Bound) -> None:
    """LIM-1. Whoever follows something may still ask: neither their requests nor connections are taken for it."""
    async with serving(database, bound, operations_at_once=1) as served:
        token = await api.token()
        async with stream(served.app, ACTIVITY, token), stream(served.app, BILLING, token):
            assert database.readings.in_use == 0
            assert (await served.ask("{ viewer { id } }", token=token)).data["viewer"]
