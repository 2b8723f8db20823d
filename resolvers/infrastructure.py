"""ACC-10. Figures of the machines: one call for everything of a level, and no request that waits for long."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from models.context import Context
from models.infrastructure import Health, HealthStatus, InfrastructureSilent
from resolvers.account import placed

V = TypeVar("V")
Ask = Callable[[Sequence[UUID], datetime], Awaitable[Mapping[UUID, V]]]


async def usage(context: Context, keys: Sequence[UUID]) -> list[Any]:
    """ACC-10. What accounts take of their disk space; an error for each that is not known."""
    found = await _told(context, context.infrastructure.usage, keys)
    return [found.get(key) or InfrastructureSilent() for key in keys]


async def statistics(context: Context, keys: Sequence[UUID]) -> list[Any]:
    """ACC-10. Visits of the sites of accounts; None where nothing is measured."""
    found = await _told(context, context.infrastructure.statistics, keys)
    return [found.get(key) for key in keys]


async def resources(context: Context, keys: Sequence[UUID]) -> list[Any]:
    """ACC-10. Limits of accounts on servers; None in the public cloud, where the plan has them."""
    private = [key for key, row in (await placed(context, keys)).items() if row.server_id]
    found = await _told(context, context.infrastructure.resources, private)
    return [found.get(key) for key in keys]


async def account_health(context: Context, keys: Sequence[UUID]) -> list[Health]:
    """ACC-10. How the machines are that accounts are on."""
    servers = {key: row.server_id for key, row in (await placed(context, keys)).items()}
    shared = [key for key in keys if servers.get(key) is None]
    private = sorted({server for server in servers.values() if server})
    of_servers = await _health(context, context.infrastructure.server_health, private)
    of_shared = await _health(context, context.infrastructure.shared_health, shared)
    return [of_shared[key] if servers.get(key) is None else of_servers[servers[key]] for key in keys]


async def server_health(context: Context, keys: Sequence[UUID]) -> list[Health]:
    """ACC-10. How servers are."""
    found = await _health(context, context.infrastructure.server_health, keys)
    return [found[key] for key in keys]


async def _health(context: Context, ask: Ask[Health], keys: Sequence[UUID]) -> dict[UUID, Health]:
    """The health of machines; UNKNOWN where nobody tells."""
    try:
        found = await _told(context, ask, keys)
    except InfrastructureSilent:
        found = {}
    now = await context.db.now()
    return {key: found.get(key) or Health(HealthStatus.UNKNOWN, now) for key in keys}


async def _told(context: Context, ask: Ask[V], keys: Sequence[UUID]) -> Mapping[UUID, V]:
    """What the machines tell within the time that they are given; raises InfrastructureSilent."""
    if not keys:
        return {}
    now = await context.db.now()
    await context.db.release()  # Nobody waits for the connection of a request that waits for others.
    try:
        async with asyncio.timeout(context.figures.infrastructure_timeout.total_seconds()):
            return await ask(keys, now)
    except TimeoutError:
        raise InfrastructureSilent from None
