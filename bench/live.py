"""What a connection takes that follows something while nothing happens: memory of the server's process."""

import asyncio
import resource
from contextlib import AsyncExitStack

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bench.contender import OURS
from bench.load import cores, served
from bench.population import Visitor
from engine.socket import PROTOCOL

CONNECTIONS, QUICK = 1_000, 200
FIRST = 50
"""Connections after which all code is loaded."""
AT_ONCE = 25
BOUND_KB = 60
FOLLOWED = "subscription { billingChanged { balance { amount } } }"


async def held(url: str, visitor: Visitor, number: int) -> tuple[list[str], bool]:
    """What so many idle connections take each; whether that is within the bound."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2 * number + 500)), hard))
    with served([OURS], url, visitor.token, cores()) as (server,):
        if server.spent()["memory"] is None:
            return ["  the memory of a process cannot be told here"], True
        address = f"ws://127.0.0.1:{server.client.socket.getpeername()[1]}/graphql"
        async with AsyncExitStack() as stack:
            await _followed(stack, address, visitor.token, FIRST)
            before = server.spent()["memory"]
            await _followed(stack, address, visitor.token, number)
            each = (server.spent()["memory"] - before) / number / 1024
    line = f"Memory of each of {number:,} live connections that follow one thing: {BOUND_KB} KB at most"
    return [line, f"  {each:.0f} KB"], each <= BOUND_KB


async def _followed(stack: AsyncExitStack, address: str, token: str, number: int) -> None:
    for _ in range(number // AT_ONCE):
        for opened in await asyncio.gather(*(_opened(address, token) for _ in range(AT_ONCE))):
            stack.push_async_callback(opened.close)


async def _opened(address: str, token: str) -> ClientConnection:
    connection = await connect(address, subprotocols=[Subprotocol(PROTOCOL)], compression=None, ping_interval=None)
    said = [
        {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}},
        {"id": "1", "type": "subscribe", "payload": {"query": FOLLOWED}},
        {"type": "ping"},
    ]
    for message in said:
        await connection.send(orjson.dumps(message).decode())
    for expected in ("connection_ack", "pong"):
        if (answer := orjson.loads(await connection.recv()))["type"] != expected:
            raise AssertionError(f"it is not followed: {answer}")
    return connection
