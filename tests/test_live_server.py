"""EVT-1. Live operations in processes of their own: over a real WebSocket, between servers and a worker, to the end."""

import asyncio
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pyotp
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from app.demo import TWO_FACTOR_SECRET
from engine.socket import PROTOCOL
from models.column import new_id
from tests.api import CHEAP, FREE, STAFF
from tests.database import PostgresqlServer
from tests.following import ACTIVITY, ALERTS
from tests.house import ROOT
from tests.server import PATIENCE, SIGN_IN, Server, access_token, answers, environment, free_port, running, untested

LIMITLESS = {
    "rate_limits": "off",
    "metrics_networks": "127.0.0.0/8",
    "sessions_per_profile": 10_000,
    "live_patience": 2,
    "live_queue": 20,
}
BOTH_HEAR = 1.0
"""Seconds in which what happens in one process is told by another."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("live"), **LIMITLESS) as served:
        yield served


@asynccontextmanager
async def opened(
    url: str, token: str | None = None, *, path: str = "/graphql", **options: Any
) -> AsyncIterator[ClientConnection]:
    """A WebSocket; with a token, of whoever has it."""
    address = f"{url.replace('http', 'ws', 1)}{path}"
    async with connect(address, subprotocols=[Subprotocol(PROTOCOL)], **options) as connection:
        if token:
            await connection.send(
                json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
            )
            assert json.loads(await connection.recv())["type"] == "connection_ack"
        yield connection


async def follow(connection: ClientConnection, document: str, **variables: Any) -> None:
    await connection.send(
        json.dumps({"id": "1", "type": "subscribe", "payload": {"query": document, "variables": variables}})
    )
    await connection.send(json.dumps({"type": "ping"}))
    while (found := await message(connection)) != {"type": "pong"}:  # What happened just before may be told first.
        assert found["type"] == "next", found


async def message(connection: ClientConnection) -> Any:
    """The next one that is no ping."""
    while (found := json.loads(await connection.recv())) == {"type": "ping"}:
        continue
    return found


async def told(connection: ClientConnection, within: float = PATIENCE) -> Any:
    async with asyncio.timeout(within):
        found = await message(connection)
    assert found["type"] == "next", found
    (value,) = found["payload"]["data"].values()
    return value


def signed_in(url: str, person: Any = FREE) -> str:
    variables = {"email": person.email, "password": "espace-demo-2026"}
    answer = httpx.post(f"{url}/graphql", json={"query": SIGN_IN, "variables": variables})
    token: str = answer.json()["data"]["sessionCreate"]["credentials"]["accessToken"]
    return token


def at_desk(url: str) -> str:
    """The token of somebody of the staff, who signed in with two factors."""
    ask = """mutation($email: EmailAddress!, $password: String!) {
      sessionCreate(input: {email: $email, password: $password, transport: BEARER}) { challenge { challengeId } } }"""
    verify = """mutation($id: ID!, $code: String!) { sessionVerifyTwoFactor(input: {challengeId: $id, code: $code}) {
      credentials { accessToken } } }"""
    given: dict[str, Any] = {"email": STAFF.email, "password": "espace-demo-2026"}
    answer = httpx.post(f"{url}/graphql", json={"query": ask, "variables": given})
    challenge = answer.json()["data"]["sessionCreate"]["challenge"]["challengeId"]
    given = {"id": challenge, "code": pyotp.TOTP(TWO_FACTOR_SECRET).now()}
    answer = httpx.post(f"{url}/graphql", json={"query": verify, "variables": given})
    token: str = answer.json()["data"]["sessionVerifyTwoFactor"]["credentials"]["accessToken"]
    return token


def written(url: str, token: str, subject: str) -> None:
    """A ticket of a customer, over HTTP."""
    open_ticket = """mutation($input: TicketOpenInput!) {
      ticketOpen(input: $input) { ticket { id } userErrors { code } } }"""
    given = {"subject": subject, "body": "It is.", "category": "BILLING", "idempotencyKey": str(uuid4())}
    sent = {"query": open_ticket, "variables": {"input": given}}
    answer = httpx.post(f"{url}/graphql", json=sent, headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["data"]["ticketOpen"]["userErrors"] == []


def figure(server: Server, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", httpx.get(f"{server.url}/metrics").text, re.M)
    assert found
    return float(found[1])


async def test_what_happens_over_http_is_told_by_websocket(server: Server) -> None:
    async with opened(server.url, access_token(server.url)) as connection:
        await follow(connection, ACTIVITY)
        await asyncio.to_thread(access_token, server.url)
        assert (await told(connection))["action"] == "session.opened"
        assert connection.subprotocol == PROTOCOL
        assert figure(server, "espace_live_connections") == 1
        assert figure(server, "espace_live_operations") == 1


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x00\x01", 4400),
        ("x" * 70_000, 1009),
        ("{", 4400),
        (json.dumps({"type": "subscribe", "id": "1", "payload": {"query": ACTIVITY}}), 4401),
    ],
)
async def test_hostile_frames_end_their_connection(server: Server, frame: str | bytes, code: int) -> None:
    async with opened(server.url) as connection:
        await connection.send(frame)
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code


async def test_text_that_is_none_ends_its_connection(server: Server) -> None:
    async with opened(server.url) as connection:
        await connection.send(b"\xff\xfe", text=True)
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1007


async def test_nothing_of_a_handshake_or_a_message_is_logged(server: Server) -> None:
    token = await asyncio.to_thread(access_token, server.url)
    address = f"{server.url.replace('http', 'ws', 1)}/graphql?token=thesecret"
    async with connect(address, subprotocols=[Subprotocol(PROTOCOL)]) as connection:
        await connection.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}))
        await connection.recv()
        await follow(connection, ACTIVITY.replace("action", "othersecret: action"))
        await connection.send("lastsecret")
        with pytest.raises(ConnectionClosed):
            await connection.recv()
    log = server.log()
    assert not [word for word in ("thesecret", "othersecret", "lastsecret", token, "WebSocket") if word in log]


async def test_a_page_of_another_origin_is_refused_with_a_status(server: Server) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with opened(server.url, origin="https://evil.example"):
            pytest.fail("it was let in")
    assert refused.value.response.status_code == 403


async def test_whoever_reads_nothing_is_cut_off(server: Server) -> None:
    """The machine keeps some of what is not read, the process hardly anything."""
    token = await asyncio.to_thread(access_token, server.url)
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    await asyncio.to_thread(narrow.connect, ("127.0.0.1", int(server.url.rpartition(":")[2])))
    fields = " ".join(f"a{'x' * 300}{number}: action" for number in range(20))
    large = f"subscription {{ activityRecorded {{ owner {{ activity(first: 30) {{ nodes {{ {fields} }} }} }} }} }}"
    async with opened(server.url, token, sock=narrow, ping_interval=None, max_queue=1) as connection:
        await follow(connection, large)
        connection.transport.pause_reading()
        for _ in range(20):
            await asyncio.gather(*(asyncio.to_thread(access_token, server.url) for _ in range(10)))
            if figure(server, "espace_live_connections") == 0:
                break
        assert figure(server, "espace_live_connections") == 0
        connection.transport.abort()
    assert "live_failed" not in server.log()


async def test_a_stream_of_events_is_read_by_any_client(server: Server) -> None:
    token = await asyncio.to_thread(access_token, server.url)
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(timeout=PATIENCE) as client,
        client.stream("POST", f"{server.url}/graphql", json={"query": ACTIVITY}, headers=headers) as response,
    ):
        assert response.headers["content-type"] == "text/event-stream"
        lines = response.aiter_lines()
        assert await anext(lines) == ":"
        await asyncio.to_thread(access_token, server.url)
        found = [line async for line in until(lines, "data: ")]
    assert json.loads(found[-1].removeprefix("data: "))["data"]["activityRecorded"]["action"] == "session.opened"


async def test_the_example_of_the_document_works_as_shown(server: Server) -> None:
    if shutil.which("curl") is None:
        untested("there is no curl")
    text = (ROOT / "docs" / "live.md").read_text("utf-8")
    (script,) = re.findall(r"```sh\n(.*?)```", text, re.S)
    shown = re.findall(r"```text\n(.*?)```", text, re.S)[0]
    run = await asyncio.to_thread(
        subprocess.run,
        ["sh", "-euc", script.replace("http://127.0.0.1:8000", server.url)],
        env={**environment({}), "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.fullmatch(".*".join(map(re.escape, shown.strip().split("…"))), run.stdout.strip(), re.S), run


async def test_graphiql_follows_as_any_client_does(server: Server) -> None:
    node = shutil.which("node")
    if node is None:
        untested("there is no Node")
    token = await asyncio.to_thread(access_token, server.url)
    followed = await asyncio.create_subprocess_exec(
        node,
        str(ROOT / "tests" / "fetcher.mjs"),
        server.url,
        token,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environment({}), "NO_PROXY": "127.0.0.1"},
    )
    assert followed.stderr is not None
    assert await followed.stderr.readline() == b"following\n"
    await asyncio.to_thread(access_token, server.url)
    async with asyncio.timeout(PATIENCE):
        output, _ = await followed.communicate()
    found = json.loads(output)
    assert found["asked"]["data"] == {"viewer": {"displayName": "Atelier Exemple"}}
    assert found["refused"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert found["told"]["data"] == {"activityRecorded": {"action": "session.opened"}}


async def until(lines: AsyncIterator[str], start: str) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if line.startswith(start):
            return


async def test_a_server_that_stops_says_so_and_waits_for_nobody(tmp_path: Path) -> None:
    settings = {"database_url": f"sqlite:///{tmp_path}/stopping.sqlite", **CHEAP}
    with process("demo", tmp_path, **settings) as (url, started):
        assert await asyncio.to_thread(answers, f"{url}/livez", started)
        token = await asyncio.to_thread(access_token, url)
        async with opened(url, token) as connection, httpx.AsyncClient(timeout=PATIENCE) as client:
            await follow(connection, ACTIVITY)
            headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {token}"}
            asked = client.build_request("POST", f"{url}/graphql", json={"query": ACTIVITY}, headers=headers)
            stream = await client.send(asked, stream=True)
            started.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as closed:
                await connection.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
            assert [line async for line in stream.aiter_lines() if line not in ("", ":")] == []
            await asyncio.to_thread(started.wait, 10)
        assert started.returncode in (0, -signal.SIGTERM)


# Several processes


@contextmanager
def process(command: str, folder: Path, **settings: object) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """`espace <command>`, and where it answers."""
    port = free_port()
    words = (sys.executable, "-c", "from app.cli import main; main()", command)
    with (folder / f"{command}{port}.log").open("wb") as log:
        started = subprocess.Popen(
            words, cwd=ROOT, env=environment({"port": port, **settings}), stdout=subprocess.DEVNULL, stderr=log
        )
    try:
        yield f"http://127.0.0.1:{port}", started
        started.send_signal(signal.SIGTERM)
        started.wait(PATIENCE)
    finally:
        started.kill()
        started.wait()


async def test_two_servers_and_a_worker_tell_the_same(postgresql_databases: PostgresqlServer, tmp_path: Path) -> None:
    async with PostgresqlServer(postgresql_databases.url).empty() as url:
        settings = {"database_url": url.replace("+asyncpg", ""), "rate_limits": "off", "log_format": "json", **CHEAP}
        with ExitStack() as stack:
            one, first = stack.enter_context(process("demo", tmp_path, **settings))
            assert await asyncio.to_thread(answers, f"{one}/livez", first, 60)
            two, second = stack.enter_context(process("serve", tmp_path, **settings))
            assert await asyncio.to_thread(answers, f"{two}/livez", second)
            token = await asyncio.to_thread(signed_in, one)
            async with opened(one, token) as here, opened(two, token) as there:
                await follow(here, ACTIVITY)
                await follow(there, ALERTS)
                await follow_more(there, ACTIVITY)
                await asyncio.sleep(0.5)
                for through in (one, two):
                    await asyncio.to_thread(signed_in, through)
                    assert (await told(here, BOTH_HEAR))["action"] == "session.opened"
                    assert (await told(there, BOTH_HEAR))["action"] == "session.opened"
                stack.enter_context(process("worker", tmp_path, **settings))
                await alert(settings["database_url"])
                found = [await told(there), await told(there)]
                assert {"OPEN", "alert.notified"} == {each.get("status") or each.get("action") for each in found}


async def test_a_ticket_is_before_the_team_on_another_server_within_a_second(
    postgresql_databases: PostgresqlServer, tmp_path: Path
) -> None:
    """TIC-1. Written through one server by a customer, followed through another one by somebody of the staff."""
    async with PostgresqlServer(postgresql_databases.url).empty() as url:
        settings = {"database_url": url.replace("+asyncpg", ""), "rate_limits": "off", "log_format": "json", **CHEAP}
        with ExitStack() as stack:
            one, first = stack.enter_context(process("demo", tmp_path, **settings))
            assert await asyncio.to_thread(answers, f"{one}/livez", first, 60)
            two, second = stack.enter_context(process("serve", tmp_path, **settings))
            assert await asyncio.to_thread(answers, f"{two}/livez", second)
            customer, team = await asyncio.to_thread(signed_in, one), await asyncio.to_thread(at_desk, one)
            async with opened(two, team, path="/staff/graphql") as there:
                await follow(there, "subscription { ticketChanged { subject customerEmail } }")
                await asyncio.sleep(0.5)
                for subject in ("The site is slow", "The site is slower"):
                    await asyncio.to_thread(written, one, customer, subject)
                    assert await told(there, BOTH_HEAR) == {"subject": subject, "customerEmail": FREE.email}


async def follow_more(connection: ClientConnection, document: str) -> None:
    await connection.send(json.dumps({"id": "2", "type": "subscribe", "payload": {"query": document}}))


async def alert(url: object) -> None:
    """One that is to be told of, by whoever works: it was written without a word."""
    connection = await asyncpg.connect(str(url))
    try:
        await connection.execute(
            "INSERT INTO alert (id, owner_id, kind, status, concerned, about_type, about_id, cause_id, opened_at,"
            " since, turn, told, stops, next_at)"
            " VALUES ($1, $2, 'TERMS_VIOLATION', 'OPEN', 0, 'Profile', $2, $2, now(), now(), 1, '{}', '[]', now())",
            new_id(),
            FREE.key,
        )
    finally:
        await connection.close()
