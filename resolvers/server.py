"""Servers: what leads to them, and what is done to them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, select, union_all
from sqlmodel import select as select_rows

from models.account import Account, AccountStatus
from models.column import IdArray, among, table
from models.conflict import Conflict
from models.context import Context
from models.held_name import NameTaken
from models.intervention import Intervention, InterventionStatus
from models.obstacle import Obstacle
from models.plan import Plan
from models.server import Server, obstacle_on_server
from resolvers.find import find, writing
from resolvers.provisioning import delete_server
from resolvers.suspension import PROFILE

SERVERS, ACCOUNTS, INTERVENTIONS = table(Server), table(Account), table(Intervention)
PLANS = table(Plan)
GOING = union_all(
    select(SERVERS.c.id.label("key"), SERVERS.c.id.label("server_id")), select(SERVERS.c.owner_id, SERVERS.c.id)
).subquery("going_servers")
"""The servers that go with a server, which is itself, or with a profile."""
BY_KEYS = select(SERVERS.c.id, SERVERS.c.name, SERVERS.c.status, SERVERS.c.transfer_id).where(
    among(SERVERS.c.id, bindparam("server_keys", type_=IdArray()))
)
STANDINGS = (
    select(SERVERS.c.id, SERVERS.c.owner_id, SERVERS.c.status, SERVERS.c.transfer_id, PLANS.c.urgent_tickets)
    .join(PLANS, PLANS.c.id == SERVERS.c.plan_id)
    .where(among(SERVERS.c.id, bindparam("server_keys", type_=IdArray())))
)
"""PER-13. What it depends on whether something may be done to servers."""
STATES = (
    select(ACCOUNTS.c.server_id, ACCOUNTS.c.status)
    .where(among(ACCOUNTS.c.server_id, bindparam("server_keys", type_=IdArray())))
    .distinct()
)
PLANNED = (
    select(INTERVENTIONS.c.server_id)
    .where(
        among(INTERVENTIONS.c.server_id, bindparam("server_keys", type_=IdArray())),
        INTERVENTIONS.c.status == InterventionStatus.SCHEDULED,
    )
    .distinct()
)
"""CAT-2. The servers on which an intervention is planned."""


async def standings(context: Context, keys: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """PER-13. Owner, state, offer and transfer of servers, by their keys."""
    return {row.id: row for row in await context.db.rows(STANDINGS, {"server_keys": list(keys)})}


def of_owner() -> Select[Any]:
    """The servers of a profile."""
    return select(SERVERS.c.owner_id)


def named() -> Select[Any]:
    """A server by its name."""
    return select(SERVERS.c.name)


def going() -> Select[Any]:
    """ACC-5, PRO-9. The servers that go with a server or a profile, by the key of that."""
    joined = SERVERS.join(GOING, GOING.c.server_id == SERVERS.c.id)
    return select(GOING.c.key).select_from(joined).order_by(SERVERS.c.name)


async def with_obstacles(context: Context, keys: Sequence[UUID]) -> list[tuple[Row[Any], Obstacle | None]]:
    """ACC-5. Servers, and what their accounts have against their being given up."""
    given = {"server_keys": list(keys)}
    found = {row.id: row for row in await context.db.rows(BY_KEYS, given)}
    states: dict[UUID, set[AccountStatus]] = defaultdict(set)
    for row in await context.db.rows(STATES, given):
        states[row.server_id].add(row.status)
    planned = {row.server_id for row in await context.db.rows(PLANNED, given)}
    return [(found[key], obstacle_on_server(states[key], planned=key in planned)) for key in keys]


async def rename(context: Context, *, key: UUID, name: str) -> UUID:
    """PER-5. Rename the server; answers its key."""
    try:
        async with writing(context) as write:
            server = await find(context, write, Server, key, "server_id")
            server.rename(write.record, name, context.figures)
    except Conflict:
        raise NameTaken().at("name") from None
    return server.id


async def delete(context: Context, *, key: UUID, confirmation: str) -> UUID:
    """ACC-5. Give the server up, with the accounts on it; answers its key."""
    async with writing(context) as write:
        for row in await write.rows(select(SERVERS.c.owner_id).where(SERVERS.c.id == key)):
            await write.lock_one(PROFILE, {"owner_id": row.owner_id})
        server = await find(context, write, Server, key, "server_id")
        accounts = await write.lock(select_rows(Account).where(ACCOUNTS.c.server_id == key))
        planned = bool(await write.rows(PLANNED, {"server_keys": [key]}))
        tasks = server.delete(write.record, accounts, confirmation, planned=planned)
        for task in tasks:
            write.add(task)
        if not accounts:
            await delete_server(write, server)
    return server.id
