"""EVT-2, ACC-10. Machines that are not there: orders that are done by themselves, and figures made of ids."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import TypeVar
from uuid import UUID

from models.db import Db
from models.infrastructure import Health, HealthStatus, Resources, Statistics, Usage
from models.issuer import Issuer
from models.provisioning import Order, Outcome
from resolvers import provisioning

AT_ONCE = 100
"""Orders that are answered in one round."""
QUOTA_BYTES = 50 * 10**9
HEALTHY_OF_HUNDRED = 95
V = TypeVar("V")


class SimulatedProvisioner:
    """EVT-2. Takes every order. `answer_due` answers those that it took long enough ago: it remembers nothing."""

    async def ask(self, order: Order) -> None:
        """There is nothing to do."""


async def answer_due(db: Db, office: Issuer) -> None:
    """EVT-2. Report as done what was handed over before the delay began."""
    before = db.database.clock.now() - office.figures.provisioning_delay
    for task_id in await provisioning.unanswered(db, before, AT_ONCE):
        await provisioning.report(db, office, task_id=task_id, outcome=Outcome.DONE)


class SimulatedInfrastructure:
    """ACC-10. The same figures for the same account or server, always."""

    async def usage(self, accounts: Sequence[UUID], now: datetime) -> Mapping[UUID, Usage]:
        return _each(
            accounts, lambda key: Usage(Decimal(_drawn(key, "disk", QUOTA_BYTES)), Decimal(QUOTA_BYTES), _hour(now))
        )

    async def statistics(self, accounts: Sequence[UUID], now: datetime) -> Mapping[UUID, Statistics]:
        return _each(
            accounts,
            lambda key: Statistics(_drawn(key, "visits", 50_000), Decimal(_drawn(key, "traffic", 10**11)), _hour(now)),
        )

    async def resources(self, accounts: Sequence[UUID], now: datetime) -> Mapping[UUID, Resources]:
        return _each(
            accounts,
            lambda key: Resources(
                1024 * (1 + _drawn(key, "memory", 4)),
                Decimal(1 + _drawn(key, "cpu", 8)) / 2,
                50 * (1 + _drawn(key, "space", 4)),
            ),
        )

    async def shared_health(self, accounts: Sequence[UUID], now: datetime) -> Mapping[UUID, Health]:
        return _each(accounts, lambda key: Health(_status(key), _hour(now)))

    async def server_health(self, servers: Sequence[UUID], now: datetime) -> Mapping[UUID, Health]:
        return _each(servers, lambda key: Health(_status(key), _hour(now)))


def _each(keys: Sequence[UUID], make: Callable[[UUID], V]) -> Mapping[UUID, V]:
    return {key: make(key) for key in keys}


def _drawn(key: UUID, what: str, most: int) -> int:
    """A number below `most`, the same each time."""
    return int.from_bytes(sha256(key.bytes + what.encode()).digest()[:8]) % most


def _status(key: UUID) -> HealthStatus:
    healthy = _drawn(key, "health", 100) < HEALTHY_OF_HUNDRED
    return HealthStatus.OPERATIONAL if healthy else HealthStatus.DEGRADED


def _hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)
