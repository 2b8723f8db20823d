"""Section 14. What waits for a second member of the staff, and what they decide."""

from datetime import datetime
from uuid import UUID

import strawberry

from models import approval as rows
from models.staff import StaffRole
from resolvers import approval as acts
from schema.enumeration import described
from schema.global_id import global_id, key_of
from schema.mutation import Info, mutation
from schema.page import MOST
from schema.provisioning import ServicePayload
from schema.service import ANY_STAFF

described(
    rows.Dangerous,
    "What nobody of the staff does alone.",
    name="DangerousAction",
    EMAIL_CHANGE="Another e-mail address, which counts once its mail was read.",
    TWO_FACTOR_OFF="No second factor any more.",
    IP_ALLOWLIST_CLEAR="The profile may be used from anywhere.",
)
REASON = "Why; it stands in the customer's history."


@strawberry.type(description="Something that waits for a second member of the staff.")
class Approval:
    id: strawberry.ID = strawberry.field(description="Id of it.")
    what: rows.Dangerous = strawberry.field(description="What is done with the approval.")
    role: StaffRole = strawberry.field(description="Whose it is to approve.")
    recovery_id: strawberry.ID = strawberry.field(description="The request for help with lost access that it is of.")
    profile_id: strawberry.ID = strawberry.field(description="Global id of the profile concerned.")
    customer_email: str = strawberry.field(description="Its e-mail address.")
    new_email: str | None = strawberry.field(description="The address that is to replace it.")
    asked_by: str | None = strawberry.field(description="First name of who asks.")
    own: bool = strawberry.field(description="You asked for it: somebody else has to decide.")
    reason: str = strawberry.field(description="Why it is asked for.")
    asked_at: datetime = strawberry.field(description="Since when.")
    expires_at: datetime = strawberry.field(description="Until when.")


async def approvals_waiting(self: object, info: Info) -> list[Approval]:
    """Section 14. What waits for the caller, or for somebody with the same role."""
    return [
        Approval(
            id=strawberry.ID(global_id("Approval", row.id)),
            what=row.what,
            role=row.role,
            recovery_id=strawberry.ID(global_id("AccessRecovery", row.subject_id)),
            profile_id=strawberry.ID(global_id("Profile", row.owner_id)),
            customer_email=row.email,
            new_email=row.arguments.get("address"),
            asked_by=row.agent,
            own=row.asked_by == info.context.viewer.profile_id,
            reason=row.reason,
            asked_at=row.asked_at,
            expires_at=row.expires_at,
        )
        for row in await acts.waiting(info.context, MOST)
    ]


@strawberry.type
class ApprovalQuery:
    approvals_waiting: list[Approval] | None = strawberry.field(
        resolver=approvals_waiting,
        directives=[ANY_STAFF],
        description="What waits for approval by somebody with a role of yours (bounded list).",
    )


@strawberry.input(description="Arguments of approvalGrant.")
class ApprovalGrantInput:
    approval_id: strawberry.ID = strawberry.field(description="What is approved.")
    reason: str | None = strawberry.field(default=strawberry.UNSET, description=REASON)


@strawberry.input(description="Arguments of approvalRefuse.")
class ApprovalRefuseInput:
    approval_id: strawberry.ID = strawberry.field(description="What is refused.")
    reason: str | None = strawberry.field(default=strawberry.UNSET, description=REASON)


@strawberry.type(description="Result of a decision.")
class ApprovalPayload(ServicePayload):
    changed: bool | None = strawberry.field(description="It was decided, and done where it was granted.")


def approval_key(text: str) -> UUID:
    """The key of the request that an input names."""
    return key_of(text, "Approval", "approval_id")


@strawberry.type
class ApprovalMutation:
    @mutation(
        ApprovalPayload, ANY_STAFF, description="Approve what somebody else of the staff asked for: it is done at once."
    )
    async def approval_grant(self, info: Info, input: ApprovalGrantInput) -> ApprovalPayload | None:
        await acts.grant(info.context, key=approval_key(input.approval_id))
        return ApprovalPayload.of(changed=True)

    @mutation(ApprovalPayload, ANY_STAFF, description="Refuse what somebody else of the staff asked for.")
    async def approval_refuse(self, info: Info, input: ApprovalRefuseInput) -> ApprovalPayload | None:
        await acts.refuse(info.context, key=approval_key(input.approval_id))
        return ApprovalPayload.of(changed=True)
