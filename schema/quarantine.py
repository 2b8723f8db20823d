"""BIL-10. What people have to look at: what providers told that fits no payment."""

from datetime import datetime
from uuid import UUID

import strawberry

from models.payment_provider import ProviderState
from resolvers import quarantine as acts
from schema.enumeration import described
from schema.mutation import Info
from schema.service import PAYMENTS

described(
    ProviderState,
    "What a payment provider says of a payment.",
    REQUIRES_ACTION="The customer has to act.",
    PROCESSING="The bank has it.",
    SUCCEEDED="Secured.",
    FAILED="Refused.",
    CANCELLED="Given up.",
    REVERSED="All of it went back.",
)


@strawberry.type(description="Something that a payment provider told and that fits no payment; nothing was booked.")
class QuarantinedNotice:
    provider: str = strawberry.field(description="Who told it.")
    payment_key: UUID = strawberry.field(description="The key that was told, whether or not there is such a payment.")
    reference: str = strawberry.field(description="The provider's reference.")
    state: ProviderState = strawberry.field(description="What was told.")
    amount_cents: str = strawberry.field(description="The amount that was told, in the smallest unit.")
    currency: str = strawberry.field(description="The currency that was told.")
    problem: str = strawberry.field(description="UNKNOWN, or what differs: KEY, REFERENCE, CURRENCY, AMOUNT.")
    seen_at: datetime = strawberry.field(description="When it came first.")


async def quarantined(self: object, info: Info) -> list[QuarantinedNotice]:
    """BIL-10. The newest of them."""
    return [
        QuarantinedNotice(
            provider=row.provider,
            payment_key=row.payment_id,
            reference=row.reference,
            state=row.state,
            amount_cents=str(row.amount_cents),
            currency=row.currency,
            problem=row.problem,
            seen_at=row.seen_at,
        )
        for row in await acts.newest(info.context)
    ]


@strawberry.type
class QuarantineQuery:
    quarantined_notices: list[QuarantinedNotice] | None = strawberry.field(
        resolver=quarantined,
        directives=[PAYMENTS],
        description="What payment providers told that fits no payment, the newest first (bounded list).",
    )
