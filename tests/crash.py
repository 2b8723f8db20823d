"""Faults at every boundary of SQL, and databases that are put back as they were before each.

What is cut short here is what writes: reads before it and after it leave nothing behind.
"""

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from models import sqlite  # isort: skip - before anything that imports sqlite3

import asyncpg
from sqlalchemy import event
from sqlmodel import SQLModel
from structlog.testing import capture_logs

from models.db import Database
from resolvers.audit import verify
from schema.global_id import read_global_id
from tests.api import Api
from tests.database import connect

TABLES = tuple(sorted(SQLModel.metadata.tables))
CHANCE = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-f]{64}|[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12})\b")
"""What is another one each time: ids, and what is computed from them."""
SEALED = re.compile(r"\$argon2\w+\$[^'\"]+")


class Fault(Exception):
    """Something breaks, and the code goes on after it as it can."""


class Gone(BaseException):
    """The process ends here: nothing of the code comes after it."""


# Faults


@dataclass
class Boundaries:
    """The boundaries that a database's writers have passed; at the one that is wanted a fault is raised, once."""

    at: int | None = None
    fault: Callable[[], BaseException] = Fault
    passed: list[str] = field(default_factory=list)
    raised: bool = False

    def meet(self, name: str) -> None:
        self.passed.append(name)
        if len(self.passed) - 1 == self.at:
            self.raised = True
            raise self.fault()


@contextmanager
def watched(
    database: Database, at: int | None = None, fault: Callable[[], BaseException] = Fault
) -> Iterator[Boundaries]:
    """Meanwhile every statement and every COMMIT of a writer is two boundaries: before it, and after it."""
    boundaries, engine = Boundaries(at, fault), database.writers.sync_engine
    commit = engine.dialect.do_commit

    def before(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        boundaries.meet(f"before {statement}")

    def after(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        boundaries.meet(f"after {statement}")

    def committed(connection: Any) -> None:
        boundaries.meet("before COMMIT")
        commit(connection)
        boundaries.meet("after COMMIT")

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    setattr(engine.dialect, "do_commit", committed)  # noqa: B010 - a method, as types see it
    try:
        yield boundaries
    finally:
        delattr(engine.dialect, "do_commit")
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "after_cursor_execute", after)


# Databases


class Stand(Protocol):
    """A database that can be put back as it was."""

    async def keep(self) -> None:
        """Remember how it is now."""

    async def restore(self) -> None:
        """Make it what it was, under the connections that are open."""

    async def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything in it."""


@dataclass
class SqliteStand:
    """A file, kept in memory."""

    live: Any
    kept: Any = field(default_factory=lambda: sqlite.library.connect(":memory:"))

    async def keep(self) -> None:
        self.live.backup(self.kept)

    async def restore(self) -> None:
        self.live.execute("BEGIN IMMEDIATE")  # Fails where somebody left a transaction open.
        self.live.execute("ROLLBACK")
        self.kept.backup(self.live)

    async def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        return {name: self.live.execute(f"SELECT * FROM {name}").fetchall() for name in TABLES}


@dataclass
class PostgresqlStand:
    """A database, kept in the temporary tables of one connection."""

    live: asyncpg.Connection

    async def keep(self) -> None:
        for name in TABLES:
            await self.live.execute(f"CREATE TEMPORARY TABLE kept_{name} AS TABLE {name}")

    async def restore(self) -> None:
        put_back = "".join(f"DELETE FROM {name}; INSERT INTO {name} TABLE kept_{name};" for name in TABLES)
        # Past the triggers that keep rows for ever, and foreign keys. It waits for nobody who left something open.
        await self.live.execute(
            f"SET LOCAL session_replication_role = replica; SET LOCAL lock_timeout = '5s'; {put_back}"
        )

    async def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        return {name: [tuple(row) for row in await self.live.fetch(f"TABLE {name}")] for name in TABLES}


@asynccontextmanager
async def stand(database: Database) -> AsyncIterator[Stand]:
    """The database that an application has open, to be put back."""
    if database.is_sqlite:
        live = sqlite.library.connect(str(database.url.database), isolation_level=None, timeout=5)
        live.execute("PRAGMA synchronous=OFF")
        made = SqliteStand(live)
        try:
            yield made
        finally:
            live.close()
            made.kept.close()
        return
    connection = await connect(database.url)
    try:
        yield PostgresqlStand(connection)
    finally:
        await connection.close()


def masked(rows: Mapping[str, list[tuple[Any, ...]]], without: frozenset[str]) -> dict[str, Counter[str]]:
    """What two runs have to agree on: rows without what is of chance, and without the facts that say `without`."""
    found = {name: Counter(plain(row) for row in group) for name, group in rows.items()}
    for name in ("activity_event", "delivery"):
        found[name] = Counter({row: count for row, count in found[name].items() if not any(w in row for w in without)})
    return found


def plain(value: Any) -> str:
    """A value without what is of chance."""
    return SEALED.sub("#", CHANCE.sub("#", repr(value)))


# Mutations


def shape(answer: Any) -> Any:
    """An answer with the types of objects instead of their ids."""
    match answer:
        case dict():
            return {name: shape(value) for name, value in answer.items()}
        case list():
            return [shape(value) for value in answer]
        case str() if found := read_global_id(answer):
            return found[0]
    return answer


@dataclass(frozen=True)
class Mutation:
    """A request that a client sends, and sends again; facts that each success states anew are in `again`."""

    document: str
    variables: Mapping[str, Any]
    token: str
    path: str = "/graphql"
    again: frozenset[str] = frozenset()
    unlike: frozenset[str] = frozenset()
    """Fields of the answer that say whether it came before."""

    async def send(self, api: Api) -> Any:
        """What is answered, where nothing was wrong."""
        body = await self.answer(api)
        assert "errors" not in body, body["errors"]
        (payload,) = body["data"].values()
        assert payload["userErrors"] == [], payload
        return {name: value for name, value in payload.items() if name not in self.unlike}

    async def cut_short(self, api: Api) -> Any:
        """The same while a fault is raised: whatever comes of it."""
        with capture_logs():
            try:
                return await self.answer(api)
            except Gone:
                return None

    async def answer(self, api: Api) -> Any:
        headers = {"authorization": f"Bearer {self.token}", "accept": "application/graphql-response+json"}
        sent = {"query": self.document, "variables": dict(self.variables)}
        return (await api.client.post(self.path, json=sent, headers=headers)).json()


async def survived(api: Api, mutation: Mutation, fault: Callable[[], BaseException] = Fault) -> list[str]:
    """Cut a mutation short at each of its boundaries, and retry it twice; answers the names of the boundaries.

    Whatever was cut short, in the end everything is as if nothing had been.
    """
    async with stand(api.database) as there:
        await there.keep()
        with watched(api.database) as whole:
            first = await mutation.send(api)
        assert [await mutation.send(api) for _ in range(2)] == [first] * 2
        await verify(api.database)
        wanted = masked(await there.rows(), mutation.again)
        for at, name in enumerate(whole.passed):
            await there.restore()
            with watched(api.database, at, fault) as cut:
                await mutation.cut_short(api)
            assert cut.raised, name
            assert cut.passed[at] == name, (name, cut.passed, whole.passed)
            answers = [await mutation.send(api) for _ in range(2)]
            assert answers[0] == answers[1], (name, answers)
            assert shape(answers[0]) == shape(first), (name, answers[0])
            found = masked(await there.rows(), mutation.again)
            assert {kind: rows - wanted[kind] for kind, rows in found.items() if rows != wanted[kind]} == {}, name
            assert found == wanted, name
            await verify(api.database)
    return whole.passed
