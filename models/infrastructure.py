"""ACC-10. What the machines tell of accounts and servers: the shapes, and who is asked."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class HealthStatus(StrEnum):
    """How a machine is."""

    OPERATIONAL = "OPERATIONAL"
    DEGRADED = "DEGRADED"
    DOWN = "DOWN"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account takes of its disk space."""

    disk_used_bytes: Decimal
    disk_quota_bytes: Decimal
    measured_at: datetime


@dataclass(frozen=True, slots=True)
class Statistics:
    """Who visits the sites of an account."""

    visits: int
    traffic_bytes: Decimal
    measured_at: datetime


@dataclass(frozen=True, slots=True)
class Resources:
    """What an account may take of its server."""

    memory_megabytes: int
    cpu_cores: Decimal
    disk_gigabytes: int


@dataclass(frozen=True, slots=True)
class Health:
    """How a machine is, and since when that is known."""

    status: HealthStatus
    measured_at: datetime


class InfrastructureSilent(Exception):
    """ACC-10. The machines do not tell: whoever asks cannot be reached, or is not answered in time."""


class Infrastructure(Protocol):
    """ACC-10. Asks the machines. One call is about many; what it leaves out is not known. Raises InfrastructureSilent.

    `now` is business time, for whoever makes figures up.
    """

    def usage(self, accounts: Sequence[UUID], now: datetime) -> Awaitable[Mapping[UUID, Usage]]: ...

    def statistics(self, accounts: Sequence[UUID], now: datetime) -> Awaitable[Mapping[UUID, Statistics]]: ...

    def resources(self, accounts: Sequence[UUID], now: datetime) -> Awaitable[Mapping[UUID, Resources]]: ...

    def shared_health(self, accounts: Sequence[UUID], now: datetime) -> Awaitable[Mapping[UUID, Health]]:
        """Of the machines of the public cloud that these accounts are on."""
        ...

    def server_health(self, servers: Sequence[UUID], now: datetime) -> Awaitable[Mapping[UUID, Health]]: ...


class NoInfrastructure:
    """Nobody to ask."""

    def usage(self, accounts: Sequence[UUID], now: datetime) -> Awaitable[Mapping[UUID, Usage]]:
        raise InfrastructureSilent

    def statistics(self, accounts: Sequence[UUID], now: datetime) -> Awaitable[Mapping[UUID, Statistics]]:
        raise InfrastructureSilent

    def resources(self, accounts: Sequence[UUID], now: datetime) -> Awaitable[Mapping[UUID, Resources]]:
        raise InfrastructureSilent

    def shared_health(self, accounts: Sequence[UUID], now: datetime) -> Awaitable[Mapping[UUID, Health]]:
        raise InfrastructureSilent

    def server_health(self, servers: Sequence[UUID], now: datetime) -> Awaitable[Mapping[UUID, Health]]:
        raise InfrastructureSilent
