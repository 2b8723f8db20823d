"""Worlds that can be made twice: ids and secrets are drawn from a number, and callers of every kind are there."""

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Table, insert, null, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.demo import PEOPLE, seed
from app.host import Host
from app.passwords import HashingPool
from app.settings import Settings
from engine.bind import Bound
from engine.declare import Column, Computed, Paged
from engine.document import Documents
from engine.shape import target_of
from models.column import new_id, table
from models.db import Database, Db
from models.profile import Profile, SuspensionReason
from models.tables import metadata
from schema.directive import weight_of
from schema.global_id import global_id
from tests.api import CHEAP, FREE, OWNER, STAFF, STAFF2, TECH
from tests.arguments import Supply
from tests.canary import Canaries
from tests.database import START, ddl
from tests.dealings import CUSTOMERS, Caller, Of
from tests.differential import Asker
from tests.marks import Marked
from tests.matrix.seed import signed_in, token

EMPTY = 0.25
"""How many values are null, of those that may be."""
MOST_IDS = 12
ID_BYTES = 16
KEPT = frozenset({"session", "api_token", "clock_offset"})
"""Tables that say who calls, and when."""
STANDING = frozenset(
    f"profile.{name}"
    for name in ("locale", "ip_allowlist", "email", "email_verified_at", "kind", "suspended_at", "two_factor_since")
)
"""Columns by which callers are recognised, and that say what they may do at all."""
CHECKED = frozenset({"journal_entry.balance_after_cents"})
"""Columns that a CHECK keeps from being null, where their row has an owner."""


@contextmanager
def drawn(number: int) -> Iterator[None]:
    """Let new ids and secrets come from a number."""
    random, profiles, count, system = Random(number), Random(number), itertools.count(1), os.urandom

    def uuid7() -> UUID:
        return UUID(f"{0x0190D1FF0000 + next(count):012x}7{random.getrandbits(12):03x}8{random.getrandbits(60):015x}")

    def urandom(size: int) -> bytes:
        """What ids of version 4 are made of; others may ask as often as they like."""
        return profiles.randbytes(size) if size == ID_BYTES else system(size)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("uuid_utils.compat.uuid7", uuid7)
        patched.setattr("secrets.choice", Random(number).choice)
        patched.setattr("os.urandom", urandom)
        yield


@dataclass
class Twin:
    """A database full of rows of the demo and of canaries, and whoever may call."""

    database: Database
    asker: Asker
    callers: list[Caller]
    supplies: Mapping[str, Supply]
    """What each caller could ask for, by name."""
    profiles: Mapping[str, UUID]
    """Who each caller is, by name; nobody is not among them."""


TIED = {("transfer", "closed_at")}
"""What a CHECK ties to the state of its row."""


async def twin(database: Database, bound: Bound, hashing: HashingPool, *, holes: bool = True) -> Twin:
    """The same one each time, in a migrated database without rows. `holes`: values are missing here and there."""
    with drawn(0):
        await seed(database, hashing)
        canaries = Canaries(Marked(bound))
        await canaries.prepare(database)
        customers = [*dict.fromkeys(canaries.callers)]
        profiles = await _demo_callers(database)
        callers = [*customers, *profiles]
        if holes:
            await _emptied(database, bound)
        if holes and database.is_sqlite:
            await _nullable(database)
            await _emptied(database, bound, even=True)
    cheap: dict[str, Any] = {**CHEAP, "worker_in_server": False, "rate_limits": False}
    settings = Settings(**cheap)
    documents = Documents(bound.graphql, settings.documents, weight_of, entries=10_000, size_bytes=2**30)
    supplies = await _supplies(database, bound, canaries, callers)
    asker = Asker(bound, Host(settings, bound, database, hashing), documents)
    of_customers = {each: canaries.marked.key("profile", Of(each, 0)) for each in CUSTOMERS}
    whose = {**profiles, **{each: of_customers[each.customer] for each in customers if each.customer is not None}}
    return Twin(database, asker, callers, supplies, {each.name: key for each, key in whose.items()})


async def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables; without what is made of what cannot be drawn."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    async with Db(database) as db:
        for rows in metadata.sorted_tables:
            columns = [each for each in rows.c if not each.name.startswith(("sealed_", "password_hash"))]
            found[rows.name] = sorted((tuple(row) for row in await db.rows(select(*columns))), key=repr)
    return found


async def _demo_callers(database: Database) -> dict[Caller, UUID]:
    """The demo's people, with one factor, with two, and with tokens; one is suspended, one has no address."""
    found: dict[Caller, UUID] = {}
    async with database.writing() as connection:
        people = table(Profile)
        for person in PEOPLE:
            name = person.email.partition("@")[0]
            for factors in (1, 2):
                secret, rows = signed_in(person.key, new_id(), two_factors=factors == 2)
                found[Caller(f"{name} with {factors} factors", None, secret, factors == 2)] = person.key
                for row in rows:
                    await connection.execute(insert(table(type(row))).values(row.model_dump()))
        narrowings: list[dict[str, Any]] = [{"read_only": True}, {"only_owner_id": OWNER.key}, {}]
        for number, (person, values) in enumerate(zip((OWNER, TECH, OWNER), narrowings, strict=True)):
            secret, rows = token(person.key, new_id(), f"token {number}", **values)
            found[Caller(f"{person.email} with token {number}", None, secret, True, False)] = person.key
            for row in rows:
                await connection.execute(insert(table(type(row))).values(row.model_dump()))
        suspended = {"suspended_at": START, "suspension_reason": SuspensionReason.UNPAID_BALANCE}
        for person, values in ((FREE, suspended), (STAFF2, {"email_verified_at": None})):
            await connection.execute(update(people).where(people.c.id == person.key).values(values))
        two_factor = (
            update(people).where(people.c.id.in_([OWNER.key, TECH.key, STAFF.key])).values(two_factor_since=START)
        )
        await connection.execute(two_factor)
    return found


async def _without_triggers(connection: AsyncConnection, rows: Table, *, on: bool = False) -> None:
    """Let what is written for ever be changed."""
    if connection.dialect.name == "postgresql":
        await connection.execute(ddl(f"ALTER TABLE {rows.name} {'ENABLE' if on else 'DISABLE'} TRIGGER USER"))
    else:
        query = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :of")
        for (name,) in (await connection.execute(query, {"of": rows.name})).all():
            await connection.execute(ddl(f"DROP TRIGGER {name}"))


async def _nullable(database: Database) -> None:
    """Let every column be null, whatever was promised: what the schema calls non-null may then not be there.

    What a CHECK says of null stays, written in one word.
    """
    async with database.writing() as connection:
        await connection.execute(text("PRAGMA writable_schema = ON"))
        await connection.execute(
            text(
                "UPDATE sqlite_master SET sql = replace(replace(sql, 'IS NOT NULL', 'NOTNULL'), 'NOT NULL', '')"
                " WHERE type = 'table'"
            )
        )
    await database.close()


async def _emptied(database: Database, bound: Bound, *, even: bool = False) -> None:
    """Null some of what leaves are made of; `even` what must not be."""
    random = Random(1)
    for rows, names in _leaf_columns(bound).items():
        free = sorted(name for name in names if (rows.name, name) not in TIED)
        columns = [rows.c[name] for name in free if rows.c[name].nullable is not even]
        async with Db(database) as db:
            keys = [row.id for row in await db.rows(select(rows.c.id).order_by(rows.c.id))]
        async with database.writing() as connection:
            await _without_triggers(connection, rows)
            for column in columns:
                share = EMPTY if not even else 0.04
                empty = [key for key in keys if random.random() < share]
                if empty:
                    await connection.execute(update(rows).where(rows.c.id.in_(empty)).values({column: null()}))
            await _without_triggers(connection, rows, on=True)


def _leaf_columns(bound: Bound) -> dict[Table, set[str]]:
    """By table the columns that leaves read, and nothing else does."""
    leaves: dict[Table, set[str]] = {}
    used: dict[Table, set[str]] = {}
    for shape in bound.shapes.values():
        for name, declared in shape.fields.items():
            if isinstance(declared.what, Paged):
                kinds: Any = bound.graphql.type_map
                source = bound.shapes[target_of(kinds[target_of(kinds[shape.name], name)], "nodes")].source
                if source:
                    parts = itertools.chain(*declared.what.every_order)
                    used.setdefault(source.table, set()).update(part.column for part in parts)
        if shape.source is None or shape.source.table.name in KEPT or "id" not in shape.source.table.c:
            continue
        for declared in shape.fields.values():
            what = declared.what
            names = what.needs if isinstance(what, Computed) else (str(what.name),) if isinstance(what, Column) else ()
            leaves.setdefault(shape.source.table, set()).update(names)
    return {
        rows: {
            name
            for name in names - used.get(rows, set())
            if name != "id" and not name.endswith("_id") and f"{rows.name}.{name}" not in STANDING | CHECKED
        }
        for rows, names in leaves.items()
    }


async def _supplies(
    database: Database, bound: Bound, canaries: Canaries, callers: Sequence[Caller]
) -> dict[str, Supply]:
    """Ids of everything; of customers half of them their own, of the demo's people those of the demo."""
    ids: dict[str, list[str]] = {}
    async with Db(database) as db:
        for shape in bound.shapes.values():
            if shape.source and "id" in shape.source.table.c and "id" in shape.fields:
                rows = await db.rows(select(shape.source.table.c.id).order_by(shape.source.table.c.id).limit(MOST_IDS))
                ids[shape.name] = [global_id(shape.name, row.id) for row in rows]
    ids = {name: each for name, each in ids.items() if each}
    of_customers = {customer: canaries.supply(customer) for customer in (None, *CUSTOMERS)}
    demo = Supply({**ids, "Nothing": [global_id("Nothing", UUID(int=7))]}, of_customers[None].cursors, ("atelier",))
    return {each.name: demo if each.customer is None else of_customers[each.customer] for each in callers}
