"""EVT-2. provisioningReport: how what was asked of those who run the machines came out."""

from uuid import UUID

import strawberry

from models.provisioning import Outcome
from models.refusal import Refusal
from resolvers import provisioning as acts
from schema.enumeration import described
from schema.error import UserError
from schema.mutation import Info, Payload, mutation
from schema.service import PROVISIONING, WHY

described(
    Outcome,
    "How a task came out.",
    name="ProvisioningOutcome",
    DONE="It was done.",
    FAILED="It could not be done: a new account or name is taken back, anything else stays asked for.",
)


@strawberry.interface(description="What every mutation of services returns.")
class ServicePayload(Payload):
    user_errors: list[UserError] = strawberry.field(
        description="Business errors; empty on success. When not empty, nothing was changed."
    )


@strawberry.input(description="Arguments of provisioningReport.")
class ProvisioningReportInput:
    task_id: UUID = strawberry.field(description="Id that came with the order.")
    outcome: Outcome = strawberry.field(description="How it came out.")
    reason: str | None = strawberry.field(default=strawberry.UNSET, description="Why it failed, for the support team.")
    why: str | None = strawberry.field(default=strawberry.UNSET, description=WHY)


@strawberry.type(description="Result of provisioningReport.")
class ProvisioningReportPayload(ServicePayload):
    changed: bool | None = strawberry.field(
        description="False for an answer that came before, or that nobody waits for any more."
    )


@strawberry.type
class ProvisioningMutation:
    @mutation(
        ProvisioningReportPayload,
        PROVISIONING,
        quiet=True,
        description="Report how a task came out; the same answer may come again.",
    )
    async def provisioning_report(self, info: Info, input: ProvisioningReportInput) -> ProvisioningReportPayload | None:
        try:
            changed = await acts.report(
                info.context.db,
                info.context,
                task_id=input.task_id,
                outcome=input.outcome,
                reason=input.reason or None,
                by=info.context.viewer,
            )
        except Refusal as refusal:
            raise refusal.at("task_id") from None
        return ProvisioningReportPayload.of(changed=changed)
