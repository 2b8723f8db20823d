"""Servers as processes of their own, pinned to one core where there are two, and asked over connections kept open."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from bench.contender import HANDWRITTEN, SPENT
from bench.screen import Screen
from engine.media import GRAPHQL
from models.db import async_url
from tests.database import connect

LONGEST_S = 120
NOT_PINNED = "There is one core, or no way to choose one: servers, databases and this client disturb each other."
ELSEWHERE = "PostgreSQL's processes are not pinned: they are somebody else's, or on another machine."
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


class Spent(NamedTuple):
    """What requests took: CPU seconds of the server's process, and seconds until they were answered."""

    cpu: float
    wall: float


class Cores(NamedTuple):
    """Where the server runs, and where its database and the client do."""

    server: int
    others: int


def cores() -> Cores | None:
    """Two cores, where there are two."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    found = sorted(os.sched_getaffinity(0))
    return Cores(found[0], found[1]) if len(found) > 1 else None


@contextmanager
def on_one_core(core: int | None) -> Iterator[None]:
    """This process stays on a core meanwhile."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Client:
    """One connection to one server."""

    def __init__(self, port: int, token: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=LONGEST_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.headers = (
            f"host: 127.0.0.1\r\naccept: {GRAPHQL}, application/json\r\n"
            f"content-type: application/json\r\nauthorization: Bearer {token}\r\n"
        )

    def request(self, path: str, body: bytes) -> bytes:
        """The request's text: made before the clock runs."""
        return f"POST {path} HTTP/1.1\r\n{self.headers}content-length: {len(body)}\r\n\r\n".encode() + body

    def answer(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of its answer."""
        self.socket.sendall(request)
        head, _, body = self._received(b"").partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        (length,) = (int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        while len(body) < length:
            body = self._received(body)
        return int(lines[0].split()[1]), body

    def _received(self, before: bytes) -> bytes:
        more = self.socket.recv(2**18)
        if not more:
            raise ConnectionError("the server hung up")
        return before + more


@dataclass
class Server:
    """One contender, running."""

    name: str
    client: Client

    def request(self, screen: Screen) -> bytes:
        path = f"/{screen.name}" if self.name == HANDWRITTEN else "/graphql"
        return self.client.request(path, screen.body)

    def answer(self, screen: Screen) -> Any:
        """The data that it answers; anything else fails."""
        status, body = self.client.answer(self.request(screen))
        answer = orjson.loads(body)
        if status != 200 or "errors" in answer:
            raise AssertionError(f"{self.name} answers {screen.name} with {status}: {body[:1_000]!r}")
        return answer["data"]

    def spent(self) -> Mapping[str, Any]:
        """What the process took so far."""
        spent: Mapping[str, Any] = orjson.loads(self.client.answer(self.client.request(SPENT, b""))[1])
        return spent

    def time(self, screen: Screen, times: int) -> Spent:
        """What one request takes, of so many."""
        request = self.request(screen)
        cpu, wall = self.spent()["cpu"], time.perf_counter()
        for _ in range(times):
            self.client.answer(request)
        wall = time.perf_counter() - wall
        return Spent((self.spent()["cpu"] - cpu) / times, wall / times)


@contextmanager
def served(names: Sequence[str], url: str, token: str, where: Cores | None) -> Iterator[list[Server]]:
    """A server for each of these contenders."""
    with ExitStack() as stack:
        yield [stack.enter_context(server(name, url, token, where)) for name in names]


@contextmanager
def server(name: str, url: str, token: str, where: Cores | None) -> Iterator[Server]:
    listening = socket.create_server(("127.0.0.1", 0))
    command = [sys.executable, "-m", "bench.contender", name, url, str(listening.fileno())]
    port = listening.getsockname()[1]
    with listening:  # Ours is closed at once: whoever waits is told when the server is gone.
        process = subprocess.Popen(command, pass_fds=[listening.fileno()], stdout=subprocess.DEVNULL)
    try:
        if where is not None:
            os.sched_setaffinity(process.pid, {where.server})
        yield Server(name, Client(port, token))
    finally:
        process.kill()
        process.wait()


async def pin_database(url: str, where: Cores | None) -> str | None:
    """Keep the processes that PostgreSQL works for `url` in on the others' core; or why they are not."""
    address = async_url(url)
    if where is None or address.get_backend_name() == "sqlite":
        return None
    if address.host not in (None, "127.0.0.1", "::1", "localhost"):
        return ELSEWHERE
    connection = await connect(address)
    try:
        keys = [row["pid"] for row in await connection.fetch(BACKENDS)]
    finally:
        await connection.close()
    return None if pinned(keys, where.others) else ELSEWHERE


def pinned(keys: Iterable[int], core: int) -> bool:
    """Whether these are processes of PostgreSQL on this machine that could be told where to run."""
    try:
        for key in keys:
            if not Path(f"/proc/{key}/comm").read_text().startswith("postgres"):
                return False
            os.sched_setaffinity(key, {core})
    except OSError:
        return False
    return True
