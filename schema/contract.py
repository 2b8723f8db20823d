"""BIL-19. Contracts: what waits for acceptance, what was accepted, and where it is read."""

from datetime import datetime

import strawberry

from engine.declare import Batch, declare
from models import contract as rows
from models.permission import OverallPermission
from resolvers import contract as acts
from schema.directive import authorize
from schema.global_id import key_of
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.node import Node, node
from schema.scalar import Url


@node(
    rows.Contract,
    gate=authorize(overall=[OverallPermission.BILLING, OverallPermission.ACCOUNT_MANAGEMENT]),
    owner="owner_id",
    description="A contract between the customer and the provider.",
)
class Contract(Node):
    title: str = declare(Batch("version_id", acts.titles), description="Title.")
    version: str = declare(Batch("version_id", acts.numbers), description="Version.")
    accepted_at: datetime | None = declare(
        Batch("id", acts.acceptances), description="When it was accepted; null while it waits."
    )
    document_url: Url = declare(Batch("id", acts.addresses), description="Short-lived link to the document.")


@strawberry.input(description="Arguments of contractAccept.")
class ContractAcceptInput:
    contract_id: strawberry.ID = strawberry.field(description="Contract.")


@strawberry.type(description="Result of contractAccept.")
class ContractAcceptPayload(MutationPayload):
    contract: Contract | None = refetched("contract", "The contract.")


@strawberry.type
class ContractMutation:
    @mutation(
        ContractAcceptPayload,
        authorize(subject="input.contractId", overall=[OverallPermission.ACCOUNT_MANAGEMENT]),
        description="Accept a contract that waits.",
        suspended=True,
    )
    async def contract_accept(self, info: Info, input: ContractAcceptInput) -> ContractAcceptPayload | None:
        key = key_of(input.contract_id, "Contract", "contract_id")
        return ContractAcceptPayload.of(contract=await acts.accept(info.context, key=key))
