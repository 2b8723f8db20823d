"""ACC-3. Plans, what they promise and what they cost."""

from decimal import Decimal

import strawberry

from engine.declare import Batch, Computed, One, declare
from models import plan as rows
from models import service_level
from models.price import BillingPeriod
from models.profile import Locale
from resolvers import plan as acts
from schema.directive import PUBLIC
from schema.enumeration import described
from schema.money import Money
from schema.node import Node, listed, node

described(
    rows.PlanKind,
    "Families of plans.",
    PUBLIC_CLOUD="Shared servers.",
    DEDICATED="One dedicated server.",
    GOLD="Two mirrored dedicated servers in two data centres.",
)
described(BillingPeriod, "Billing periods.", MONTHLY="Month.", YEARLY="Year, cheaper.")
NAME = Computed(Locale.pick, ("name_en", "name_fr"), given="locale")


@strawberry.type(description="Price of a plan for one period.")
class PlanPrice:
    period: BillingPeriod = strawberry.field(description="Period.")
    monthly: Money = strawberry.field(description="Price brought back to one month, VAT excluded.")
    total: Money = strawberry.field(description="Price of the whole period, VAT excluded.")


@listed(service_level.ServiceLevel, description="Service level of a plan.")
class ServiceLevel:
    response_minutes: int = strawberry.field(description="Guaranteed response time, minutes.")
    repair_minutes: int = strawberry.field(description="Mean time to repair, minutes.")
    availability: Decimal = declare(
        Computed(service_level.percent, ("availability_hundredths",)),
        description='Availability in percent, e.g. "99.95".',
    )


@node(rows.Plan, gate=PUBLIC, owner=None, description="Something one can subscribe to.")
class Plan(Node):
    code: str = strawberry.field(description='Stable code, e.g. "small".')
    name: str = declare(NAME, description="Name to show.")
    kind: rows.PlanKind = strawberry.field(description="Family.")
    disk_gigabytes: int = strawberry.field(description="Disk space in GB.")
    memory_megabytes: int = strawberry.field(description="Memory in MB.")
    cpu_cores: Decimal = declare(
        Computed(rows.cores, ("cpu_thousandths",)), description='Processor share, e.g. "0.25".'
    )
    backup_days: int = strawberry.field(description="Days of backups kept.")
    prices: list[PlanPrice] = declare(
        Batch("id", acts.prices), description="Prices per period; empty when free or on quotation (bounded list)."
    )
    free: bool = strawberry.field(description="Free of charge.")
    available: bool = strawberry.field(description="Still on sale.")
    service_level: ServiceLevel = declare(One("service_level_id"), description="Commitments of the provider.")
    urgent_tickets: bool = strawberry.field(description="Urgent tickets can be opened.")
    restrictions: list[str] = declare(
        Computed(Locale.pick, ("restrictions_en", "restrictions_fr"), given="locale"),
        description="Localised sentences: what may not be done on it (bounded list).",
    )
