"""`python -m bench.contender NAME URL FD`: serve the screens over one database, as one of those who are compared."""

import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import orjson
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.extensions import ParserCache, ValidationCache

from app.main import create_app
from app.server import Protocol
from app.settings import Settings
from bench.statement import handwritten
from bench.stock import View

OURS, UNPLANNED, STOCK, CACHED, HANDWRITTEN = "ours", "graphql-core", "stock", "stock with caches", "statement"
MANY = 100_000
SPENT = "/spent"
"""Where a contender tells what it took so far."""
STATUS = "/proc/self/status"


async def ours(url: str, *, planner: bool = True) -> ASGIApp:
    """The service, without what depends on how often it is asked."""
    options: dict[str, Any] = {
        "rate_limits": False,
        "worker_in_server": False,
        "session_seen_interval": timedelta(days=1),
        "live_connections": MANY,
        "live_connections_per_profile": MANY,
    }
    return create_app(Settings(database_url=url, planner=planner, **options))


async def unplanned(url: str) -> ASGIApp:
    return await ours(url, planner=False)


async def stock(url: str) -> ASGIApp:
    return View(url)


async def cached(url: str) -> ASGIApp:
    return View(url, [ParserCache, ValidationCache])


CONTENDERS: dict[str, Callable[[str], Awaitable[ASGIApp]]] = {
    OURS: ours,
    UNPLANNED: unplanned,
    STOCK: stock,
    CACHED: cached,
    HANDWRITTEN: handwritten,
}


class Observed:
    """The application, and what its process took: CPU time in seconds, and memory in bytes where that can be told."""

    def __init__(self, name: str, url: str) -> None:
        self.name, self.url = name, url
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.app is None:
            self.app = await CONTENDERS[self.name](self.url)
        if scope["type"] != "http" or scope["path"] != SPENT:
            await self.app(scope, receive, send)
            return
        text = orjson.dumps({"cpu": time.process_time(), "memory": memory()})
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
        await send({"type": "http.response.body", "body": text})


def memory() -> int | None:
    """What the process holds in memory now."""
    if not os.path.exists(STATUS):
        return None
    with open(STATUS) as status:
        (line,) = (line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def main(name: str, url: str, fd: str) -> None:
    """Serve on a socket that the parent opened, as the service is served."""
    config = uvicorn.Config(
        Observed(name, url),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="error",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=3_600,
        timeout_graceful_shutdown=1,
        ws=Protocol,
        ws_per_message_deflate=False,
    )
    # Not uvicorn's own `fd`: it takes every socket for a Unix one, and so leaves Nagle's algorithm on.
    uvicorn.Server(config).run([socket.socket(fileno=int(fd))])


if __name__ == "__main__":
    main(*sys.argv[1:])
