"""CAT-1. serverCreate: the support team sets up a server for a customer."""

import strawberry

from models.money import InvalidAmount, cents_of
from models.price import BillingPeriod
from models.refusal import Code
from models.server_creation import Machine, ServerWishes
from resolvers import server_creation as acts
from schema.global_id import global_id, key_of
from schema.money import MoneyInput
from schema.mutation import Info, mutation
from schema.provisioning import ServicePayload
from schema.service import SUPPORT


@strawberry.input(description="An option of a server.")
class ServerOptionInput:
    code: str = strawberry.field(description="Code of ServerOption.")
    quantity: int = strawberry.field(default=1, description="How many of it.")


@strawberry.input(description="Arguments of serverCreate.")
class ServerCreateInput:
    profile_id: strawberry.ID = strawberry.field(description="Whose it will be.")
    name: str = strawberry.field(description="Unique name.")
    plan: str = strawberry.field(description="Code of the plan.")
    period: BillingPeriod = strawberry.field(description="Billing period.")
    committed: bool = strawberry.field(
        description="Of a monthly one: the customer commits to the first months; without that they are dearer."
    )
    agreed_price: MoneyInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="Price of a whole period, VAT excluded, where the plan is on quotation; it stays the price.",
    )
    options: list[ServerOptionInput] | None = strawberry.field(
        default=strawberry.UNSET, description="Options, each once (bounded list)."
    )
    cpu: str = strawberry.field(description="Processor.")
    disks: str = strawberry.field(description="Disks.")
    memory_megabytes: int = strawberry.field(description="Memory in MB.")
    traffic_gigabytes: int = strawberry.field(description="Monthly traffic in GB.")
    reason: str = strawberry.field(description="What it is for, for the customer.")


@strawberry.type(description="Result of serverCreate.")
class ServerCreatePayload(ServicePayload):
    server_id: strawberry.ID | None = strawberry.field(description="Id of the server.")


def wishes(input: ServerCreateInput) -> ServerWishes:
    """What the input says."""
    options = input.options if isinstance(input.options, list) else []
    return ServerWishes(
        owner_id=key_of(input.profile_id, "Profile", "profile_id"),
        name=input.name,
        plan=input.plan,
        period=input.period,
        committed=input.committed,
        machine=Machine(input.cpu, input.disks, input.memory_megabytes, input.traffic_gigabytes),
        reason=input.reason,
        options=tuple((each.code, each.quantity) for each in options),
        agreed_cents=_agreed(input.agreed_price) if isinstance(input.agreed_price, MoneyInput) else None,
    )


def _agreed(price: MoneyInput) -> int:
    try:
        return cents_of(price.amount)
    except InvalidAmount as invalid:
        raise invalid.at("agreed_price") from None


@strawberry.type
class ServerCreationMutation:
    @mutation(
        ServerCreatePayload,
        SUPPORT,
        fails=[
            Code.PLAN_UNAVAILABLE,
            Code.PROFILE_SUSPENDED,
            Code.CONTRACT_PENDING,
            Code.EMAIL_NOT_VERIFIED,
            Code.IDENTITY_INCOMPLETE,
        ],
        description="Set up a server for a customer, who is told, and charged from now on.",
    )
    async def server_create(self, info: Info, input: ServerCreateInput) -> ServerCreatePayload | None:
        key = await acts.create(info.context, wishes=wishes(input))
        return ServerCreatePayload.of(server_id=global_id("Server", key))
