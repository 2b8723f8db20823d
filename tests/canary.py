"""Canaries: customers whose rows are full of marks, callers of each kind, and what they are sent meanwhile."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from engine.declare import Column, Computed, Embedded, Paged
from engine.error import INTERNAL
from engine.page import cursor
from engine.shape import needs, target_of
from models.activity import ACTIONS
from models.column import table
from models.db import Database
from models.secret import SecretKind, fingerprint, new_secret
from models.session import Session, SessionMethod
from models.token import ApiToken
from schema.global_id import global_id
from tests.api import GRAPHQL, Api
from tests.arguments import Supply
from tests.dealings import CUSTOMERS, NOBODY, Caller, Mark, Of, Place, allowed
from tests.marks import NARROWED, Marked, narrowed
from tests.scope import Request
from tests.walker import Walker

ROOTS = ("account", "node", "nodes", "sandbox", "server", "session", "ticket", "viewer")
"""What leads to something that is somebody's. The catalogue is everybody's: one document in four asks for it too."""
MINE = ("viewer",)
"""What leads to all that is one's own: one document in four asks for nothing else."""
ECHOES = "renamePreview"
"""What says the name again that it is asked about."""
SESSIONS = 3
"""How often a session calls for each time that a token does: a token sees less."""
NAMES = (Place("account", "name"), Place("server", "name"))
"""What root fields find something by."""


@dataclass
class Canaries:
    """The marked rows, who calls, and what they could ask for."""

    marked: Marked
    callers: list[Caller] = field(default_factory=lambda: [Caller("nobody")])

    async def prepare(self, database: Database) -> None:
        """Write the rows, and give each customer every kind of credential."""
        await self.marked.fill(database)
        tables = dict(self.marked.kinds)
        for kind, of, text in list(self._ids()):
            self.marked.marks.setdefault(text, Mark(of.customer, Place(tables[kind], "id"), of.number))
        now = database.clock.now()
        async with database.writing() as connection:

            async def credential(model: Any, kind: SecretKind, of: Of, **values: Any) -> str:
                secret, rows = new_secret(kind), table(model)
                key, values = self.marked.key(rows.name, of), values | {"secret_hash": fingerprint(secret)}
                await connection.execute(update(rows).where(rows.c.id == key).values(values))
                return secret

            for customer in CUSTOMERS:
                for number, two_factor in enumerate((False, True)):
                    session = {"method": SessionMethod.BEARER, "two_factor_at": now if two_factor else None}
                    secret = await credential(Session, SecretKind.ACCESS, Of(customer, number), **session)
                    name = f"customer {customer} with {number + 1} factors"
                    self.callers += [Caller(name, customer, secret, two_factor)] * SESSIONS
                for number in range(len(NARROWED)):
                    of, read_only = Of(customer, number), number == 1
                    secret = await credential(ApiToken, SecretKind.API, of, enabled=True, read_only=read_only)
                    owner, account = narrowed(of)
                    name = f"customer {customer} with token {number} for {owner or 'any'}, {account or 'all'}"
                    self.callers.append(Caller(name, customer, secret, True, False, owner, account))

    def _ids(self) -> Iterator[tuple[str, Of, str]]:
        """Type, owner and number, and id of every object that can be refetched."""
        for kind, rows in self.marked.kinds:
            for customer in CUSTOMERS:
                own = [row for owner, row in self.marked.rows[rows] if owner == customer]
                for number, row in enumerate(own):
                    yield kind, Of(customer, number), global_id(kind, row["id"])

    def supply(self, customer: int | None = None) -> Supply:
        """The ids and cursors of everybody's objects, what is in them, and ids of nothing; half are the customer's."""
        ids: dict[str, list[str]] = {kind: [] for kind, _ in self.marked.kinds}
        for kind, of, text in self._ids():
            ids[kind] += [text] * (len(CUSTOMERS) - 1 if of.customer == customer else 1)
        ids |= {kind: [global_id(kind, key)] for kind, key in self._unowned()}
        ids["Nothing"] = [global_id("Profile", UUID(int=7)), global_id("Nothing", UUID(int=7))]
        marks = [text for text, mark in self.marked.marks.items() if mark.place.column != "id"]
        named = {text: mark.owner for text, mark in self.marked.marks.items() if mark.place in NAMES}
        names = [text for text, owner in named.items() for _ in range(3 if owner == customer else 1)]
        return Supply(ids, list(self._cursors()), [*sorted(ACTIONS), *marks[::40], *names])

    def _unowned(self) -> Iterator[tuple[str, UUID]]:
        for shape in self.marked.bound.shapes.values():
            if shape.source and (keys := self.marked.others.get(shape.source.table.name)):
                yield shape.name, keys[0]

    def _cursors(self) -> Iterator[str]:
        """The places of all rows in all lists."""
        bound = self.marked.bound
        for shape in bound.shapes.values():
            for name, declared in shape.fields.items():
                if isinstance(declared.what, Paged):
                    kinds: Any = bound.graphql.type_map
                    source = bound.shapes[target_of(kinds[target_of(kinds[shape.name], name)], "nodes")].source
                    for _, row in self.marked.rows.get(source.table.name, []) if source else []:
                        yield cursor([row[part.column] for part in declared.what.order])

    def exposed(self) -> set[Place]:
        """The marked columns that fields of the schema are made of."""
        bound, places = self.marked.bound, set[Place]()
        for shape in bound.shapes.values():
            for name, declared in shape.fields.items() if shape.source else ():
                kinds: Any = bound.graphql.type_map
                columns = needs(declared) if isinstance(declared.what, Column | Computed) else ()
                if isinstance(declared.what, Embedded):
                    columns = bound.shapes[target_of(kinds[shape.name], name)].columns
                places |= {Place(shape.source.table.name, column) for column in columns if shape.source}
        return places & {mark.place for mark in self.marked.marks.values() if mark.owner}


@dataclass
class Outcome:
    """What a walk came to."""

    leaks: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    shown: set[Place] = field(default_factory=set)
    """Columns of which somebody saw a mark of their own."""
    lent: set[tuple[int, int, Place]] = field(default_factory=set)
    """Of whom somebody saw which column of somebody else."""
    left_open: str = ""
    """How many connections were left after a document, and after which one first."""
    codes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)


async def walk(api: Api, canaries: Canaries, seeds: Iterable[int], caplog: pytest.LogCaptureFixture) -> Outcome:
    """Ask the documents of these numbers, each caller in turn, and look at all that comes of them."""
    outcome, schema = Outcome(), api.bound.graphql
    supplies = {customer: canaries.supply(customer) for customer in (None, *CUSTOMERS)}
    walkers = {
        (customer, roots): Walker(schema, supply, roots=roots)
        for customer, supply in supplies.items()
        for roots in (None, MINE, ROOTS)
    }
    with capture_logs() as logs:
        for seed in seeds:
            caller = canaries.callers[seed % len(canaries.callers)]
            request = walkers[caller.customer, (None, MINE, ROOTS, ROOTS)[seed % 4]].request(seed)
            logs.clear()
            caplog.clear()
            response = await send(api, caller, request)
            case = f"seed {seed}, {caller.name}, {request.operation_name}, {request.variables}:\n{request.text}"
            seen = canaries.marked.found(f"{response.headers.raw} {response.text}")
            if ECHOES in request.text:
                seen -= canaries.marked.found(f"{request.text} {request.variables}")
            logged = canaries.marked.found(repr(logs) + caplog.text)
            outcome.leaks += [f"{mark} in an answer, {case}" for mark in seen if not allowed(caller)(mark)]
            outcome.leaks += [f"{mark} in the log, {case}" for mark in logged]
            outcome.shown |= {mark.place for mark in seen if mark.owner == caller.customer}
            others = {mark for mark in seen if mark.owner not in (NOBODY, caller.customer)}
            outcome.lent |= {(caller.customer or NOBODY, mark.owner, mark.place) for mark in others}
            codes = [error["extensions"]["code"] for error in response.json().get("errors", ())]
            outcome.codes.update(codes)
            outcome.statuses[response.status_code] += 1
            if response.status_code >= 500 or INTERNAL in codes:
                outcome.failures.append(f"{response.status_code} {response.text[:500]} {logs}, {case}")
            if (left := await left_open(api)) and not outcome.left_open:
                outcome.left_open = f"{left}, {case}"
    return outcome


async def left_open(api: Api) -> int:
    """Connections that nobody gave back, although nothing is under way; what is left of a request gets a moment."""
    for _ in range(3):
        await asyncio.sleep(0)
    writers: Any = api.database.writers.sync_engine.pool
    return api.database.readings.in_use + int(writers.checkedout())


async def send(api: Api, caller: Caller, request: Request) -> httpx.Response:
    headers = {"Accept": GRAPHQL} | ({"Authorization": f"Bearer {caller.token}"} if caller.token else {})
    body = {"query": request.text, "variables": request.variables, "operationName": request.operation_name}
    return await api.client.post("/graphql", json=body, headers=headers)


def written(message: EmailMessage) -> str:
    """All that a mail says, headers included."""
    parts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    return "\n".join([*map(str, message.values()), *parts])
