"""EVT-1. The protocol graphql-transport-ws, to the letter; and whoever does not keep to it, is too many or too slow."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from app.settings import Settings
from engine.bind import Bound
from models.db import Database
from tests.api import DELEGATE, FREE, OWNER, Api, serving
from tests.cycle import balance
from tests.following import ACTIVITY, BILLING, Closed, Line, line
from tests.test_cookie import ALLOWED, FOREIGN, OWN, Browser
from tests.test_live import adjusted

INIT = {"type": "connection_init"}
Say = Callable[[Line], None]


async def closing(opened: Line) -> tuple[int, str]:
    """How the server ends the connection, whatever it says before."""
    while True:
        try:
            await opened.heard()
        except Closed as closed:
            return closed.code, closed.reason


async def test_who_speaks_another_protocol_is_sent_away(api: Api) -> None:
    for protocols in ((), ("graphql-ws",), ("mqtt", "graphql-ws")):
        async with line(api.app, protocols=protocols) as opened:
            assert await closing(opened) == (4406, "Subprotocol not acceptable")


async def test_the_protocol_is_chosen_among_several(api: Api) -> None:
    async with line(api.app, protocols=("graphql-ws", "graphql-transport-ws")) as opened:
        await opened.enter(await api.token())
        assert opened.protocol == "graphql-transport-ws"


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["{"], 4400),
        (["null"], 4400),
        (["[]"], 4400),
        (['"connection_init"'], 4400),
        (["{}"], 4400),
        ([{"type": 1}], 4400),
        ([{"type": "start"}], 4400),
        ([{"type": "connection_init", "payload": []}], 4400),
        ([{"type": "connection_init", "payload": {"Authorization": 1}}], 4400),
        ([{"type": "connection_init", "payload": {"Authorization": "Bearer \r\nCookie: a"}}], 4400),
        (['{"type": "connection_init", "payload": ' + "[" * 5_000 + "]" * 5_000 + "}"], 4400),
        ([{"type": "ping", "payload": "x" * 70_000}], 1009),
        ([{"id": "1", "type": "subscribe", "payload": {"query": ACTIVITY}}], 4401),
        ([{"id": "1", "type": "complete"}, {"type": "subscribe", "id": "1", "payload": {}}], 4401),
        ([INIT], 4403),
        ([{"type": "connection_init", "payload": {"Authorization": "Bearer nonsense"}}], 4403),
        ([{"type": "connection_init", "payload": {"Authorization": "Digest x"}}], 4403),
    ],
)
async def test_before_it_is_known_who_calls_nothing_else_is_answered(api: Api, messages: list[Any], code: int) -> None:
    async with line(api.app) as opened:
        for message in messages:
            opened.say(message)
        assert (await closing(opened))[0] == code


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (INIT, 4429),
        ({"type": "unknown"}, 4400),
        ({"type": "subscribe", "payload": {"query": ACTIVITY}}, 4400),
        ({"type": "subscribe", "id": "", "payload": {"query": ACTIVITY}}, 4400),
        ({"type": "subscribe", "id": 1, "payload": {"query": ACTIVITY}}, 4400),
        ({"type": "subscribe", "id": "x" * 200, "payload": {"query": ACTIVITY}}, 4400),
        ({"type": "subscribe", "id": "1"}, 4400),
        ({"type": "subscribe", "id": "1", "payload": ACTIVITY}, 4400),
        ({"type": "complete"}, 4400),
        ({"type": "next", "id": "1"}, 4400),
        ('{"type": "ping", "payload": "\\ud800"}', 4400),
    ],
)
async def test_a_message_that_is_none_ends_the_connection(api: Api, message: Any, code: int) -> None:
    async with line(api.app) as opened:
        await opened.enter(await api.token())
        opened.say(message)
        assert (await closing(opened))[0] == code


async def test_messages_are_text(api: Api) -> None:
    async with line(api.app) as opened:
        opened.give({"type": "websocket.receive", "bytes": orjson.dumps(INIT)})
        assert (await closing(opened))[0] == 4400


async def test_an_id_is_taken_until_its_operation_is_over(api: Api) -> None:
    async with line(api.app) as opened:
        await (await opened.enter(await api.token())).follow(ACTIVITY)
        opened.say({"id": "1", "type": "complete"})
        opened.say({"id": "unknown", "type": "complete"})
        await opened.follow(ACTIVITY)
        opened.subscribe(ACTIVITY)
        assert await closing(opened) == (4409, "Subscriber for 1 already exists")


async def test_what_is_complete_is_told_no_longer(api: Api) -> None:
    async with line(api.app) as opened:
        await (await opened.enter(await api.token())).follow(BILLING)
        opened.say({"id": "1", "type": "complete"})
        opened.say({"type": "ping"})
        assert await opened.heard() == {"type": "pong"}
        await adjusted(api)
        assert await opened.is_quiet()


async def test_whoever_does_not_say_who_calls_is_not_waited_for(database: Database, bound: Bound) -> None:
    async with serving(database, bound, live_init_timeout=0.2) as served, line(served.app) as opened:
        opened.say({"type": "ping"})
        assert await opened.heard() == {"type": "pong"}
        assert await closing(opened) == (4408, "Connection initialisation timeout")


async def test_a_connection_is_pinged(api: Api, database: Database, bound: Bound) -> None:
    async with serving(database, bound, live_keep_alive=0.2) as served, line(served.app) as opened:
        await opened.enter(await api.token())
        assert (await opened.sent())["text"] == '{"type":"ping"}'
        opened.say({"type": "pong"})
        assert (await opened.sent())["text"] == '{"type":"ping"}'


async def test_what_was_asked_wrongly_is_told_in_the_readers_language(api: Api) -> None:
    async with line(api.app) as opened:
        await opened.enter(await api.token(DELEGATE))
        opened.subscribe("{ viewer { id } }")
        (error,) = (await opened.heard())["payload"]
    assert (
        error["message"] == "Ici seules les opérations en direct reçoivent une réponse : envoyez les autres par HTTP."
    )


async def test_the_headers_of_a_handshake_count_as_well(api: Api) -> None:
    async with line(api.app, authorization=f"Bearer {await api.token()}") as opened:
        await (await opened.enter()).follow(ACTIVITY)
    async with line(api.app, authorization=f"Bearer {await api.token()}") as opened:
        opened.say({"type": "connection_init", "payload": {"Authorization": f"Bearer {await api.token()}"}})
        assert (await closing(opened))[0] == 4403


# Cookies and pages


async def test_a_cookie_counts_for_a_page_of_ours_that_sends_its_other_half(
    api: Api, database: Database, bound: Bound
) -> None:
    """CSRF, and the hijacking of WebSockets: another site's page has the cookie sent, and no more."""
    async with serving(database, bound, rate_limits=False, origins=ALLOWED, public_url=OWN) as served:
        browser = Browser(served)
        await browser.sign_in()
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        for origin in (OWN, ALLOWED):
            async with line(served.app, cookie=cookie, origin=origin) as opened:
                await (await opened.enter(**{"X-CSRF-Token": browser.token})).follow(ACTIVITY)
        right: dict[str, str] = {"X-CSRF-Token": browser.token}
        wrong: list[tuple[dict[str, Any], dict[str, str]]] = [
            ({"origin": OWN}, {}),
            ({"origin": OWN}, {"X-CSRF-Token": "x" * 43}),
            ({}, right),
        ]
        for origins, payload in wrong:
            async with line(served.app, cookie=cookie, **origins) as opened:
                opened.say({**INIT, "payload": payload})
                assert (await closing(opened))[0] == 4403
        for origin in (FOREIGN, "null", "http://espace.test.evil.example"):
            with pytest.raises(Closed) as denied:
                async with line(served.app, cookie=cookie, origin=origin):
                    pytest.fail("it was let in")
            assert denied.value.code == 403
            assert orjson.loads(denied.value.reason)["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_cookie_beside_a_token_is_refused_as_it_is_over_http(api: Api) -> None:
    browser = Browser(api)
    await browser.sign_in()
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    async with line(api.app, cookie=cookie, origin=OWN) as opened:
        opened.say({**INIT, "payload": {"Authorization": f"Bearer {await api.token()}"}})
        assert (await closing(opened))[0] == 4403


# How much


async def test_a_connection_follows_so_many_operations(api: Api) -> None:
    most = Settings().live_operations
    async with line(api.app) as opened:
        await opened.enter(await api.token())
        for number in range(1_000):
            opened.subscribe(ACTIVITY, str(number))
        errors = [await opened.heard() for _ in range(1_000 - most)]
        assert {error["id"] for error in errors} == {str(number) for number in range(most, 1_000)}
        assert {error["payload"][0]["extensions"]["code"] for error in errors} == {"RATE_LIMITED"}
        opened.say({"id": "0", "type": "complete"})
        await opened.follow(ACTIVITY, "one more")


async def test_connecting_and_subscribing_are_charged_as_queries_are(
    api: Api, database: Database, bound: Bound
) -> None:
    async with serving(database, bound, queries_per_minute=4) as served:
        secret = await api.token()
        async with line(served.app) as opened:
            await opened.enter(secret)
            for number in range(3):
                await opened.follow(ACTIVITY, str(number))
            opened.subscribe(ACTIVITY, "beyond")
            (error,) = (await opened.heard())["payload"]
        assert error["extensions"]["code"] == "RATE_LIMITED"
        async with line(served.app) as again:
            again.say({**INIT, "payload": {"Authorization": f"Bearer {secret}"}})
            assert (await closing(again))[0] == 4429


async def test_an_answer_is_no_larger_than_is_kept(api: Api, database: Database, bound: Bound) -> None:
    async with serving(database, bound, live_answer_bytes=200) as served, line(served.app) as opened:
        await (await opened.enter(await api.token())).follow(ACTIVITY)
        await (await opened.follow("subscription { activityRecorded { id: action } }", "small")).follow(BILLING, "none")
        await api.token()
        found = [await opened.heard(), await opened.heard()]
    assert {(each["id"], each["type"]) for each in found} == {("1", "error"), ("small", "next")}


async def test_a_document_that_was_not_kept_is_made_ready_again(api: Api, database: Database, bound: Bound) -> None:
    settings = {"rate_limits": False, "document_cache": 1, "plan_cache": 1}
    async with serving(database, bound, **settings) as served, line(served.app) as opened:
        await (await opened.enter(await api.token())).follow(ACTIVITY)
        await opened.follow(BILLING, "2")
        assert not served.app.state.lobbies.customers.documents.known(ACTIVITY)
        await api.token()
        assert (await opened.told())["action"] == "session.opened"


async def test_what_is_told_takes_points_and_ends_where_there_are_none(
    api: Api, database: Database, bound: Bound
) -> None:
    document = "subscription { activityRecorded { owner { accounts(first: 50) { nodes { name } } } } }"
    async with serving(database, bound, points_per_minute=150) as served, line(served.app) as opened:
        await (await opened.enter(await api.token())).follow(document)
        await api.token()
        await opened.told()
        await api.token()
        message = await opened.heard()
    assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "RATE_LIMITED")


async def test_what_asks_for_too_much_is_refused_before_it_is_looked_at(api: Api) -> None:
    page = "accounts(first: 100) { nodes { owner { %s } } }"
    async with line(api.app) as opened:
        await opened.enter(await api.token())
        opened.subscribe(f"subscription {{ activityRecorded {{ owner {{ {page % (page % 'id')} }} }} }}")
        (error,) = (await opened.heard())["payload"]
    assert error["extensions"]["code"] == "COST_EXCEEDED"


async def test_a_profile_has_so_many_connections(api: Api, database: Database, bound: Bound) -> None:
    async with serving(database, bound, live_connections_per_profile=2) as served:
        secret = await api.token()
        async with line(served.app) as first, line(served.app) as second:
            await first.enter(secret)
            await second.enter(secret)
            async with line(served.app) as third:
                third.say({**INIT, "payload": {"Authorization": f"Bearer {secret}"}})
                assert (await closing(third))[0] == 4429
            async with line(served.app) as other:
                await other.enter(await api.token(FREE))
        async with line(served.app) as again:
            await again.enter(secret)


async def test_an_address_has_so_many_of_whom_nothing_is_known(database: Database, bound: Bound) -> None:
    async with serving(database, bound, live_connections_per_profile=1) as served, line(served.app):
        with pytest.raises(Closed) as denied:
            async with line(served.app):
                pytest.fail("it was let in")
    assert denied.value.code == 429


async def test_a_process_has_so_many_connections(database: Database, bound: Bound) -> None:
    async with serving(database, bound, live_connections=1) as served:
        async with line(served.app):
            with pytest.raises(Closed) as denied:
                async with line(served.app):
                    pytest.fail("it was let in")
            assert denied.value.code == 503
        async with line(served.app):
            assert len(served.app.state.lobbies.customers.seats) == 1
        assert not served.app.state.lobbies.customers.seats


async def test_who_reads_too_slowly_is_cut_off(api: Api, database: Database, bound: Bound) -> None:
    async with serving(database, bound, rate_limits=False, live_queue=5) as served:
        async with line(served.app, room=2) as opened:
            await (await opened.enter(await api.token())).follow(ACTIVITY)
            for _ in range(20):
                await api.token()
            await asyncio.sleep(0.1)
            assert (await closing(opened))[0] == 1013
        assert not served.app.state.lobbies.customers.seats


async def test_one_answer_is_not_waited_for_forever(api: Api, database: Database, bound: Bound) -> None:
    settings = {"rate_limits": False, "live_patience": 0.2}
    async with serving(database, bound, **settings) as served, line(served.app, room=1) as opened:
        await (await opened.enter(await api.token())).follow(ACTIVITY)
        for _ in range(3):
            await api.token()
        await asyncio.sleep(0.5)
        assert (await closing(opened))[0] == 1013


async def test_what_waits_for_a_reader_is_one_reading_of_each_object(
    api: Api, database: Database, bound: Bound
) -> None:
    """A balance that moved a hundred times meanwhile is told once, as it is then."""
    settings = {"rate_limits": False, "live_queue": 5}
    async with serving(database, bound, **settings) as served, line(served.app, room=1) as opened:
        await (await opened.enter(await api.token())).follow(BILLING)
        for _ in range(30):
            await adjusted(api)
        told = [await opened.told() for _ in range(3)]
        while not await opened.is_quiet():
            told.append(await opened.told())
    assert told[-1]["balance"]["amount"] == await balance(api)
    assert len(told) < 30


async def test_a_process_that_stops_says_so(api: Api) -> None:
    async with line(api.app) as opened, line(api.app) as idle:
        await (await opened.enter(await api.token())).follow(ACTIVITY)
        await asyncio.gather(
            api.app.state.lobbies.customers.stop(), closing_with(opened, 1012), closing_with(idle, 1012)
        )
        with pytest.raises(Closed) as denied:
            async with line(api.app):
                pytest.fail("it was let in")
    assert denied.value.code == 503


async def closing_with(opened: Line, code: int) -> None:
    assert (await closing(opened))[0] == code


async def test_whoever_goes_without_a_word_leaves_nothing(api: Api) -> None:
    lobby = api.app.state.lobbies.customers
    for _ in range(3):
        async with line(api.app) as opened:
            await (await opened.enter(await api.token(OWNER))).follow(ACTIVITY)
        assert (len(lobby.seats), lobby.is_followed) == (0, False)


async def test_what_fails_on_our_side_is_masked(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a secret")

    async with line(api.app) as opened:
        await (await opened.enter(await api.token())).follow(ACTIVITY)
        monkeypatch.setattr(api.app.state.host, "execute", broken)
        await api.token()
        assert await closing(opened) == (1011, "Internal error")
