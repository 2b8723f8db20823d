"""The API as a client reaches it: documents in, answers out, over the whole application in this process."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, update
from starlette.applications import Starlette

from app.demo import PASSWORD, PEOPLE
from app.main import create_app
from app.passwords import HashingPool
from app.settings import Settings
from engine.bind import Bound
from models.activity import ActivityChannel, Author
from models.column import table
from models.db import Database, Db
from models.password import Argon2
from models.profile import Locale, Profile
from models.session import Lifetimes, Opened, Session, SessionTransport, open_session
from models.setting import Figures
from models.token import Created, create_token
from schema.global_id import global_id
from schema.root import build
from tests.database import START, Databases
from tests.patience import PATIENT
from tests.seeding import seeded

CHEAP = {"password_memory_kib": 8, "password_passes": 1}
"""Argon2 at its least: what is tested is not how slow it is."""
GRAPHQL = "application/graphql-response+json"
OWNER, DELEGATE, TECH, FREE, STAFF, STAFF2 = PEOPLE


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: httpx.Headers
    body: dict[str, Any]
    text: str

    @property
    def data(self) -> Any:
        """The data, where nothing was wrong."""
        assert "errors" not in self.body, self.body["errors"]
        return self.body["data"]

    @property
    def errors(self) -> list[dict[str, Any]]:
        return list(self.body.get("errors", []))

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.errors]


class Api:
    """A client of the application over one database."""

    def __init__(self, app: Starlette, database: Database) -> None:
        self.app = app
        self.database = database
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=True), base_url="http://espace.test"
        )

    @property
    def bound(self) -> Bound:
        bound: Bound = self.app.state.bound
        return bound

    async def ask(
        self, document: str, variables: Mapping[str, Any] | None = None, *, token: str | None = None, **headers: str
    ) -> Answer:
        """The answer to a document; header names are written with underscores."""
        sent = {"accept": GRAPHQL, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if token:
            sent["authorization"] = f"Bearer {token}"
        response = await self.client.post(
            "/graphql", json={"query": document, "variables": dict(variables or {})}, headers=sent
        )
        return Answer(response.status_code, response.headers, response.json(), response.text)

    async def token(self, person: Any = OWNER) -> str:
        """An access token of a new bearer session of one of the demo's people."""
        return (await self.opened(person)).secret

    async def opened(self, person: Any = OWNER, transport: SessionTransport = SessionTransport.BEARER) -> Opened:
        """A new session, without the detour over a password."""
        figures = Figures()
        author = Author(ActivityChannel.SESSION, person.key, ip_address="192.0.2.1")
        async with Db(self.database, author) as db, db.write() as write:
            opened = open_session(
                write.record,
                profile_id=person.key,
                transport=transport,
                lifetimes=Lifetimes(
                    figures.session_lifetime, figures.access_token_lifetime, figures.refresh_token_lifetime
                ),
                ip_address="192.0.2.1",
                user_agent=None,
            )
            write.add(opened.session)
        return opened

    async def two_factor(self, person: Any = OWNER) -> str:
        """An access token of a session that passed two factors, of a profile that has them on."""
        opened = await self.opened(person)
        now = self.database.clock.now()
        async with Db(self.database) as db:
            await db.note(
                update(table(Session)).where(table(Session).c.id == opened.session.id).values(two_factor_at=now)
            )
            await db.note(update(table(Profile)).where(table(Profile).c.id == person.key).values(two_factor_since=now))
        return opened.secret

    async def api_token(self, person: Any = OWNER, **values: Any) -> Created:
        """A new API token, without the detour over a session that passed two factors."""
        author = Author(ActivityChannel.SESSION, person.key, ip_address="192.0.2.1")
        profile = unsaved(person, two_factor_since=self.database.clock.now())
        async with Db(self.database, author) as db, db.write() as write:
            created = create_token(
                write.record, profile, used=0, limit=1, most_networks=50, values={"name": "Scripts", **values}
            )
            write.add(created.token)
        return created

    async def rows(self, model: Any) -> list[Any]:
        """Every row of a table, as the database has it."""
        async with Db(self.database) as db:
            return list(await db.rows(table(model).select()))


@pytest.fixture(scope="session")
def bound() -> Bound:
    """The schema, built once: it knows no database."""
    return build()


@pytest.fixture(scope="session")
def hashing() -> Iterator[HashingPool]:
    pool = HashingPool(Argon2(memory_kib=8, passes=1, lanes=1), queue=50)
    yield pool
    pool.close()


@pytest.fixture
async def api(databases: Databases, database: Database, bound: Bound, hashing: HashingPool) -> AsyncIterator[Api]:
    """The application over a seeded database, without limits per minute."""
    await seeded(databases, database, hashing)
    async with serving(database, bound, rate_limits=False) as served:
        yield served


@asynccontextmanager
async def serving(database: Database, bound: Bound, **settings: Any) -> AsyncIterator[Api]:
    """The application with these settings; nobody is dunned, unless they say so."""
    app = create_app(
        Settings(**{**CHEAP, **PATIENT, "worker_in_server": False, **settings}), database=database, bound=bound
    )
    async with app.router.lifespan_context(app):
        served = Api(app, database)
        yield served
        await served.client.aclose()


def unsaved(person: Any = OWNER, **values: Any) -> Profile:
    """A profile for rules that are asked without a database."""
    return Profile(
        **{
            "id": person.key,
            "email": person.email,
            "password_hash": "",
            "password_changed_at": START,
            "created_at": START,
            "ip_allowlist": [],
            **values,
        }
    )


def profile_id(person: Any) -> str:
    """The id that clients hold of one of the demo's people."""
    return global_id("Profile", person.key)


__all__ = ["DELEGATE", "FREE", "OWNER", "PASSWORD", "STAFF", "STAFF2", "TECH", "Api", "Locale", "insert"]
