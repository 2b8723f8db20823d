"""The same screens, asked of us, of Strawberry as it comes and of a bare route, in turns: CPU time of this process."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

import orjson
from sqlalchemy import insert
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Scope
from strawberry.extensions import ParserCache, ValidationCache

from app.demo import PEOPLE, seed
from app.main import create_app
from app.migration import upgrade
from app.passwords import HashingPool
from app.settings import Settings
from bench.stock import View
from engine.media import GRAPHQL
from models.activity import ACTIONS, ActivityChannel, ActivityEvent
from models.clock import RealClock
from models.column import new_id, table
from models.db import Database, Db
from models.password import Argon2
from models.session import Lifetimes, SessionTransport, open_session

EVENTS = 500
HOUR = timedelta(hours=1)
OWNER = PEOPLE[0].key
PAGE = "activity(first: 50) { nodes { id action occurredAt summary channel ipAddress %s} }"
SCREENS = {
    "who is signed in": "{ viewer { id } }",
    "50 events": "{ viewer { %s } }" % (PAGE % ""),
    "50 events, their actors and changes": "{ viewer { %s } }"
    % (PAGE % "actor { displayName } changes { name before after } "),
}
OURS, BARE, STOCK, STOCK_CACHED = "ours", "bare", "stock", "stock with caches"


@dataclass(frozen=True)
class Effort:
    """How often everything is asked."""

    rounds: int = 15
    requests: int = 20
    """Of each kind, in each round."""


Headers = list[tuple[bytes, bytes]]
Costs = dict[tuple[str, str], float]
"""CPU seconds of one request, by screen and contender."""


async def costs(url: str, effort: Effort) -> Costs:
    """What each screen costs each contender over the empty database at `url`: the median of rounds that take turns."""
    database = Database(url, clock=RealClock(), sandbox=True)
    try:
        headers = await filled(database)
        async with contenders(database, headers) as apps:
            spent: dict[tuple[str, str], list[float]] = {key: [] for key in apps}
            for _ in range(effort.rounds):
                for (screen, contender), app in apps.items():
                    seconds = await spent_on(app, SCREENS[screen], headers, effort.requests)
                    spent[screen, contender].append(seconds / effort.requests)
    finally:
        await database.close()
    return {key: median(seconds) for key, seconds in spent.items()}


async def filled(database: Database) -> Headers:
    """Migrate, seed, and give the owner a history; answers the headers of a request of theirs."""
    await upgrade(database)
    passwords = HashingPool(Argon2(memory_kib=8, passes=1, lanes=1), queue=50)
    await seed(database, passwords)
    passwords.close()
    async with database.writing() as connection:
        await connection.execute(insert(table(ActivityEvent)), [event(number) for number in range(EVENTS)])
    async with Db(database) as db, db.write() as write:
        opened = open_session(
            write.record,
            profile_id=OWNER,
            transport=SessionTransport.BEARER,
            lifetimes=Lifetimes(HOUR, HOUR, HOUR),
            ip_address="192.0.2.1",
            user_agent=None,
        )
        write.add(opened.session)
    return [
        (b"accept", f"{GRAPHQL}, application/json".encode()),
        (b"authorization", f"Bearer {opened.secret}".encode()),
        (b"content-type", b"application/json"),
        (b"host", b"127.0.0.1"),
    ]


def event(number: int) -> dict[str, Any]:
    """One in three changes something, one in ten is of the service's own doing."""
    at = RealClock().now() - timedelta(minutes=EVENTS - number)
    by_service = number % 10 == 0
    return {
        "id": new_id(),
        "kind": list(ACTIONS)[number % len(ACTIONS)],
        "occurred_at": at,
        "recorded_at": at,
        "owner_id": OWNER,
        "subject_type": "Profile",
        "subject_id": OWNER,
        "actor_id": None if by_service else PEOPLE[0].key,
        "channel": ActivityChannel.SYSTEM if by_service else ActivityChannel.SESSION,
        "ip_address": None if by_service else "192.0.2.1",
        "facts": {},
        "changes": {"first_name": ["A", "B"], "postal_code": [None, "75011"]} if number % 3 == 0 else {},
    }


@asynccontextmanager
async def contenders(database: Database, headers: Headers) -> AsyncIterator[dict[tuple[str, str], ASGIApp]]:
    """Who is asked for each screen; all of them give the same answer."""
    settings = Settings.model_validate(
        {"rate_limits": False, "worker_in_server": False, "session_seen_interval": HOUR, "password_memory_kib": 8}
    )
    ours = create_app(settings, database=database)
    others: dict[str, ASGIApp] = {
        OURS: ours,
        STOCK: View(database),
        STOCK_CACHED: View(database, [ParserCache, ValidationCache]),
    }
    apps: dict[tuple[str, str], ASGIApp] = {}
    async with ours.router.lifespan_context(ours):
        for screen, document in SCREENS.items():
            answers = {name: await answer(app, document, headers) for name, app in others.items()}
            shown = {name: orjson.loads(text)["data"] for name, text in answers.items()}
            if any(data != shown[OURS] for data in shown.values()):
                raise AssertionError(f"not everybody answers the same: {shown}")
            apps |= {(screen, name): app for name, app in others.items()} | {(screen, BARE): bare(answers[OURS])}
        yield apps


def bare(text: bytes) -> Starlette:
    """A route that has the answer at hand."""

    async def respond(request: Request) -> Response:
        return Response(text, media_type=GRAPHQL)

    return Starlette(routes=[Route("/graphql", respond, methods=["POST"])])


async def spent_on(app: ASGIApp, document: str, headers: Headers, times: int) -> float:
    start = time.process_time()
    for _ in range(times):
        await answer(app, document, headers)
    return time.process_time() - start


async def answer(app: ASGIApp, document: str, headers: Headers) -> bytes:
    """The body that an application answers, without a socket or a client in between."""
    body = orjson.dumps({"query": document})
    sent = bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.extend(message.get("body", b""))

    await app(scope([*headers, (b"content-length", str(len(body)).encode())]), receive, send)
    return bytes(sent)


def scope(headers: Headers) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8_000),
    }
