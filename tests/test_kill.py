"""BIL-15. A server that is killed under load: what it acknowledged is there once, and a retry says so.

A nursery has all code loaded and forks one server after the other: what is killed is a process of its own each time,
and comes up in a moment.
"""

import asyncio
import json
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from app import log
from app.demo import seed
from app.lock import only_process
from app.main import create_app
from app.passwords import HashingPool
from app.settings import Settings
from engine.bind import Bound
from models.clock import RealClock
from models.db import Database
from resolvers.audit import verify
from tests.api import CHEAP, Api, serving
from tests.contention import Crowd, facts_of
from tests.cycle import MOVE, alone, open_account
from tests.database import Databases
from tests.house import ROOT
from tests.server import environment, free_port
from tests.test_contention import check_kept, check_last, check_replay

KILLS, MANY = 10, 100
CLIENTS = 4
WEIGHTS = {"change": 40, "renew": 15, "day": 25, "open": 20}


def nursery() -> None:
    """Serve with the settings of the first line at the port of each other one, each time in a process of its own.

    Says which it is, and when it is gone.
    """
    settings = Settings(**json.loads(sys.stdin.readline()))
    log.configure(settings.log_format)
    app = create_app(settings)  # It has no thread and no connection before it is asked something.
    print("ready", flush=True)
    for line in sys.stdin:
        if (pid := os.fork()) == 0:
            with only_process(settings.database_url):
                uvicorn.run(app, host=settings.host, port=int(line), access_log=False, log_config=None)
            os._exit(0)
        print(pid, flush=True)
        os.waitpid(pid, 0)
        print("gone", flush=True)


class Remote(Api):
    """A client of the application in another process."""

    def __init__(self, url: str, database: Database) -> None:
        self.database = database
        self.client = httpx.AsyncClient(base_url=url, timeout=60)

    async def up(self) -> None:
        """Wait until it answers."""
        for _ in range(1_000):
            with suppress(httpx.TransportError):
                if (await self.client.get("/livez")).is_success:
                    return
            await asyncio.sleep(0.02)
        raise AssertionError("the server does not come up")


@asynccontextmanager
async def servers(errors: Path, settings: Mapping[str, Any]) -> AsyncIterator[asyncio.subprocess.Process]:
    """The nursery, ready."""
    command = [sys.executable, "-c", "from tests.test_kill import nursery; nursery()"]
    pipe = asyncio.subprocess.PIPE
    with errors.open("wb") as file:
        made = await asyncio.create_subprocess_exec(
            *command, env=environment({}), cwd=ROOT, stdin=pipe, stdout=pipe, stderr=file
        )
    try:
        await tell(made, json.dumps(settings))
        assert await told(made) == "ready"
        yield made
    finally:
        if made.returncode is None:
            made.kill()
        await made.wait()


async def tell(process: asyncio.subprocess.Process, line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n".encode())
    await process.stdin.drain()


async def told(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


@asynccontextmanager
async def serves(process: asyncio.subprocess.Process, database: Database) -> AsyncIterator[tuple[int, Remote]]:
    """A server over the database, which is killed at the end, whatever it is at."""
    port = free_port()
    await tell(process, str(port))
    pid, remote = int(await told(process)), Remote(f"http://127.0.0.1:{port}", database)
    try:
        await remote.up()
        yield pid, remote
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        assert await told(process) == "gone"
        await remote.client.aclose()


async def busy(crowd: Crowd, token: str) -> None:
    """A client that goes on until nobody answers."""
    with suppress(httpx.TransportError):
        await crowd.go_on(token)


async def amid(crowd: Crowd) -> None:
    """Wait until some mutations have left, the last of them a moment ago."""
    until = crowd.left - crowd.chance.randrange(1, 12)
    while crowd.left > until:  # noqa: ASYNC110 - what the clients do is not told
        await asyncio.sleep(0.002)
    await asyncio.sleep(crowd.chance.uniform(0, 0.06))


async def killed(crowd: Crowd, process: asyncio.subprocess.Process, times: int) -> int:
    """Serve and kill so many times; answers how many mutations had no answer when their server was gone."""
    unanswered = 0
    for _ in range(times):
        async with serves(process, crowd.api.database) as (pid, remote):
            crowd.api = remote
            await crowd.take_up()
            crowd.asked.clear()  # What is answered the same once is so ever after.
            clients = [asyncio.create_task(busy(crowd, token)) for token in crowd.tokens]
            await amid(crowd)
            os.kill(pid, signal.SIGKILL)
            await asyncio.gather(*clients)
        unanswered += len(crowd.unsure)
    async with serves(process, crowd.api.database) as (pid, remote):
        crowd.api = remote
        await crowd.take_up()
    return unanswered


async def prepared(api: Api, number: int) -> Crowd:
    """Clients of a profile that was invoiced some accounts."""
    await alone(api)
    accounts = [await open_account(api, f"hot{each}", "small") for each in range(3)]
    now = api.database.clock.now().replace(microsecond=0)
    later = now.replace(year=now.year + (now.month == 12), month=now.month % 12 + 1, day=10)
    await api.ask(MOVE, {"to": later.isoformat().replace("+00:00", "Z")}, token=await api.token())
    made = Crowd(api, random.Random(number), 10**6, accounts=accounts, before=await facts_of(api))
    made.weights = WEIGHTS
    await made.come(CLIENTS)
    return made


async def check_killed(
    databases: Databases, bound: Bound, hashing: HashingPool, folder: Path, number: int, times: int
) -> None:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(databases.migrated())
        served = {"database_url": url, "mail_folder": str(folder), "rate_limits": False, "log_format": "json"}
        process = await stack.enter_async_context(servers(folder / "log", {**served, **CHEAP}))
        database = Database(url, clock=RealClock(), sandbox=True)
        try:
            await seed(database, hashing)
            async with serving(database, bound, rate_limits=False) as api:
                crowd = await prepared(api, number)
                await database.close()  # On a file the server finds what the one before it left.
                unanswered = await killed(crowd, process, times)
                crowd.api = api
                await check(crowd)
        finally:
            await database.close()
    print(
        f"{times} kills on {database.dialect}: done {dict(crowd.done)}, refused {dict(crowd.refused)}, "
        f"without an answer {unanswered}, retried {dict(crowd.repeated)}"
    )
    assert unanswered >= times / 2
    assert crowd.done.total() >= times


async def check(crowd: Crowd) -> None:
    """Each thing is there as often as it was acknowledged; what has no key may be there without that."""
    found, done = await facts_of(crowd.api) - crowd.before, crowd.done
    assert done["renew"] <= found["renew"] <= done["renew"] + crowd.lost["renew"]
    keyed = ("open", "change", "day", "pay")
    assert Counter({name: found[name] for name in keyed}) == Counter({name: done[name] for name in keyed})
    await check_kept(crowd)
    await check_last(crowd)
    await check_replay(crowd)
    await verify(crowd.api.database)


@pytest.mark.timeout(600)
async def test_a_server_that_is_killed_keeps_what_it_acknowledged_and_does_nothing_twice(
    databases: Databases, bound: Bound, hashing: HashingPool, tmp_path: Path
) -> None:
    await check_killed(databases, bound, hashing, tmp_path, 0, KILLS)


@pytest.mark.campaign
@pytest.mark.parametrize("number", range(1, 6))
async def test_so_do_many_more_kills(
    databases: Databases, bound: Bound, hashing: HashingPool, tmp_path: Path, number: int
) -> None:
    await check_killed(databases, bound, hashing, tmp_path, number, MANY)
