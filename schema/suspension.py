"""PRO-12. Suspensions: shown on the profile, put into force and lifted by the abuse team."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from engine.declare import Computed, One, declare
from models.permission import OverallPermission
from models.profile import SuspensionReason
from models.suspension import Breach
from resolvers import suspension as acts
from schema.alert import Alert
from schema.directive import authorize
from schema.enumeration import described
from schema.global_id import key_of
from schema.mutation import Info, mutation
from schema.provisioning import ServicePayload
from schema.service import ABUSE, WHY

described(
    SuspensionReason,
    "Causes of suspension.",
    INACTIVITY="Free plan without any log-in for too long; logging in lifts it.",
    UNPAID_BALANCE="Negative balance not settled in time; paying lifts it.",
    ILLICIT_CONTENT="Illicit content.",
    TERMS_VIOLATION="Breach of the terms.",
)
described(
    Breach,
    "What people suspend a profile for.",
    name="SuspensionBreach",
    ILLICIT_CONTENT="Illicit content.",
    TERMS_VIOLATION="Breach of the terms.",
)


@strawberry.type(description="A suspension in force.")
class Suspension:
    reason: SuspensionReason = strawberry.field(description="Cause.")
    since: datetime = strawberry.field(description="Start.")
    deletion_at: datetime = strawberry.field(description="Automatic deletion if nothing is done.")
    alert: Alert | None = declare(One("alert"), description="Alert that explains and can lift it.")


def shown(
    since: datetime | None, reason: SuspensionReason | None, deletion_at: datetime | None, alert: Any
) -> Suspension | None:
    """What the profile bears of the suspension by which it is deleted first; its alert by its key."""
    if since is None or reason is None or deletion_at is None:
        return None
    return Suspension(reason=reason, since=since, deletion_at=deletion_at, alert=alert)


def suspension() -> Any:
    """PRO-12. The suspension of a profile, for those who can do something about it."""
    return declare(
        Computed(shown, ("suspended_at", "suspension_reason", "deletion_at", "suspension_alert_id")),
        authorize(overall=[OverallPermission.BILLING, OverallPermission.ACCOUNT_MANAGEMENT]),
        description="Why and since when the profile is suspended; null when it is not.",
    )


@strawberry.input(description="Arguments of profileSuspend.")
class ProfileSuspendInput:
    profile_id: strawberry.ID = strawberry.field(description="Profile.")
    reason: Breach = strawberry.field(description="What for.")
    text: str = strawberry.field(description="What the customer is told about it, in the mail.")
    why: str | None = strawberry.field(default=strawberry.UNSET, description=WHY)


@strawberry.input(description="Arguments of profileSuspensionLift.")
class ProfileSuspensionLiftInput:
    profile_id: strawberry.ID = strawberry.field(description="Profile.")
    reason: Breach = strawberry.field(description="What it was suspended for.")
    why: str | None = strawberry.field(default=strawberry.UNSET, description=WHY)


@strawberry.type(description="Result of profileSuspend.")
class ProfileSuspendPayload(ServicePayload):
    changed: bool | None = strawberry.field(description="It was done.")


@strawberry.type(description="Result of profileSuspensionLift.")
class ProfileSuspensionLiftPayload(ServicePayload):
    changed: bool | None = strawberry.field(description="It was done.")


def profile_key(text: str) -> UUID:
    """The key of the profile that an input names."""
    return key_of(text, "Profile", "profile_id")


@strawberry.type
class SuspensionMutation:
    @mutation(ProfileSuspendPayload, ABUSE, description="Suspend a profile, and tell it why.")
    async def profile_suspend(self, info: Info, input: ProfileSuspendInput) -> ProfileSuspendPayload | None:
        key = profile_key(input.profile_id)
        await acts.suspend_for(info.context, key=key, breach=input.reason, text=input.text)
        return ProfileSuspendPayload.of(changed=True)

    @mutation(
        ProfileSuspensionLiftPayload, ABUSE, description="Lift a suspension; those for other reasons stay in force."
    )
    async def profile_suspension_lift(
        self, info: Info, input: ProfileSuspensionLiftInput
    ) -> ProfileSuspensionLiftPayload | None:
        await acts.lift_for(info.context, key=profile_key(input.profile_id), breach=input.reason)
        return ProfileSuspensionLiftPayload.of(changed=True)
