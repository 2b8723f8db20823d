"""ACC-10. What the machines tell, as the API shows it."""

from datetime import datetime
from decimal import Decimal

import strawberry

from models.infrastructure import HealthStatus
from schema.enumeration import described

described(
    HealthStatus,
    "States of health.",
    OPERATIONAL="All well.",
    DEGRADED="Slow or partly unavailable.",
    DOWN="Down.",
    UNKNOWN="Not known.",
)


@strawberry.type(description="Consumption of an account.")
class AccountUsage:
    disk_used_bytes: Decimal = strawberry.field(description="Disk space used by files, e-mail and databases, in bytes.")
    disk_quota_bytes: Decimal = strawberry.field(description="Disk quota, in bytes.")
    measured_at: datetime = strawberry.field(description="When it was measured.")


@strawberry.type(description="Visits of an account's sites over the last 30 days.")
class AccountStatistics:
    visits: int = strawberry.field(description="Visits.")
    traffic_bytes: Decimal = strawberry.field(description="Traffic in bytes.")
    measured_at: datetime = strawberry.field(description="When it was measured.")


@strawberry.type(description="Limits of an account on a server.")
class AccountResources:
    memory_megabytes: int = strawberry.field(description="Memory in MB.")
    cpu_cores: Decimal = strawberry.field(description="Processor share.")
    disk_gigabytes: int = strawberry.field(description="Disk space in GB.")


@strawberry.type(description="Health of a machine.")
class ServerHealth:
    status: HealthStatus = strawberry.field(description="State.")
    measured_at: datetime = strawberry.field(description="When it was measured.")


@strawberry.type(description="What a server is made of.")
class ServerConfiguration:
    cpu: str = strawberry.field(description="Processor.")
    disks: str = strawberry.field(description="Disks.")
    memory_megabytes: int = strawberry.field(description="Memory in MB.")
    traffic_gigabytes: int = strawberry.field(description="Monthly traffic in GB.")
    options: list[str] = strawberry.field(description="Options paid for (bounded list).")
