"""CAT-2. Interventions: seen and cancelled by the customer, planned and closed by the support team."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from engine.declare import Batch, Many, One, declare
from models import intervention as rows
from models.context import Context
from models.intervention_work import WorkWishes
from models.permission import OverallPermission, ServerPermission
from models.refusal import Code
from resolvers import intervention as acts
from schema.directive import SEMANTIC_NON_NULL, Cost, authorize
from schema.enumeration import described
from schema.global_id import global_id, key_of
from schema.invoice_line import TaxedMoney
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.node import Node, node
from schema.provisioning import ServicePayload
from schema.quote import InterventionQuote, quote_shown
from schema.service import SUPPORT

if TYPE_CHECKING:
    from schema.server import Server

described(
    rows.InterventionStatus,
    "State of an intervention.",
    SCHEDULED="Planned.",
    DONE="Done.",
    CANCELLED="Cancelled in time, free.",
    CANCELLED_CHARGED="Cancelled too late, charged.",
)
CONCERNED = authorize(
    overall=[OverallPermission.BILLING, OverallPermission.ACCOUNT_MANAGEMENT, OverallPermission.TECHNICAL_SERVER],
    server=[ServerPermission.TECHNICAL_CONTACT],
)
CANCEL = authorize(subject="input.interventionId", overall=[OverallPermission.ACCOUNT_MANAGEMENT])


async def work_quotes(context: Context, keys: Sequence[UUID], *, codes: tuple[str, ...]) -> list[Any]:
    """CAT-2, BIL-14. The price of work, for each server."""
    return [quote_shown(context.locale, each) for each in await acts.quotes(context, keys, codes=codes)]


async def cancel_quotes(context: Context, keys: Sequence[UUID]) -> list[Any]:
    """CAT-2, BIL-14. The price of cancelling, for each intervention."""
    return [quote_shown(context.locale, each) for each in await acts.cancel_quotes(context, keys)]


@node(
    rows.Intervention,
    gate=CONCERNED,
    owner="owner_id",
    server="server_id",
    description="Work on a server by the provider's technicians.",
)
class Intervention(Node):
    server: Annotated["Server", strawberry.lazy("schema.server")] = declare(One("server_id"), description="Server.")
    codes: list[str] = strawberry.field(description="Codes of InterventionRate (bounded list).")
    status: rows.InterventionStatus = strawberry.field(description="State.")
    scheduled_for: datetime = strawberry.field(description="Slot.")
    price: TaxedMoney | None = declare(
        Batch("id", acts.prices),
        authorize(overall=[OverallPermission.BILLING]),
        description="Price; charged even when cancelled within 24 hours of the slot.",
    )
    cancel_quote: InterventionQuote | None = declare(
        Batch("id", cancel_quotes),
        authorize(overall=[OverallPermission.ACCOUNT_MANAGEMENT]),
        marks=[Cost(weight=5)],
        description="Price of cancelling it now.",
    )


def interventions() -> Any:
    """The interventions on a server."""
    return declare(
        Many("id", acts.of_server),
        CONCERNED,
        marks=[SEMANTIC_NON_NULL],
        description="Interventions asked for, planned or done (bounded list).",
    )


def _wanted(_context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    return {"codes": tuple(given["codes"])}


def intervention_quote() -> Any:
    """The price of work on a server."""
    return declare(
        Batch("id", work_quotes, _wanted),
        authorize(overall=[OverallPermission.BILLING, OverallPermission.ACCOUNT_MANAGEMENT]),
        marks=[Cost(weight=5)],
        arguments={"codes": (list[str], "Codes of InterventionRate.")},
        description="Price of interventions done together.",
    )


@strawberry.input(description="Arguments of interventionCancel.")
class InterventionCancelInput:
    intervention_id: strawberry.ID = strawberry.field(description="Intervention.")
    quote_token: str = strawberry.field(description="Token of the quote the user agreed to.")
    idempotency_key: UUID = strawberry.field(
        description="Fresh for each intent, the same for each retry; kept 24 hours."
    )


@strawberry.type(description="Result of interventionCancel.")
class InterventionCancelPayload(MutationPayload):
    intervention: Intervention | None = refetched("intervention", "The intervention.")


@strawberry.type
class InterventionMutation:
    @mutation(
        InterventionCancelPayload,
        CANCEL,
        fails=[Code.QUOTE_EXPIRED, Code.QUOTE_CHANGED, Code.PROFILE_SUSPENDED, Code.EMAIL_NOT_VERIFIED],
        description="Cancel a planned intervention; within 24 hours of the slot it is charged all the same.",
    )
    async def intervention_cancel(self, info: Info, input: InterventionCancelInput) -> InterventionCancelPayload | None:
        key = await acts.cancel(
            info.context,
            key=_key(input.intervention_id),
            quote_token=input.quote_token,
            intent_key=input.idempotency_key,
        )
        return InterventionCancelPayload.of(intervention=key)


# Support


@strawberry.input(description="Arguments of interventionSchedule.")
class InterventionScheduleInput:
    server_id: strawberry.ID = strawberry.field(description="Server.")
    codes: list[str] = strawberry.field(description="Codes of InterventionRate, each once.")
    scheduled_for: datetime = strawberry.field(description="Slot.")
    reason: str = strawberry.field(description="What it is for, for the customer.")
    quote_token: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Token of the quote that the customer agreed to: exactly that is charged, or nothing is planned.",
    )


@strawberry.type(description="Result of interventionSchedule.")
class InterventionSchedulePayload(ServicePayload):
    intervention_id: strawberry.ID | None = strawberry.field(description="Id of the intervention.")


@strawberry.input(description="Arguments of interventionComplete.")
class InterventionCompleteInput:
    intervention_id: strawberry.ID = strawberry.field(description="Intervention.")
    reason: str = strawberry.field(description="What was done, for the customer.")


@strawberry.type(description="Result of interventionComplete.")
class InterventionCompletePayload(ServicePayload):
    changed: bool | None = strawberry.field(description="It was done.")


@strawberry.input(description="Arguments of interventionCallOff.")
class InterventionCallOffInput:
    intervention_id: strawberry.ID = strawberry.field(description="Intervention.")
    reason: str = strawberry.field(description="Why, for the customer.")
    asked_by_customer: bool = strawberry.field(
        description="The customer asked for it: within 24 hours of the slot, or after it, it is charged all the same."
    )


@strawberry.type(description="Result of interventionCallOff.")
class InterventionCallOffPayload(ServicePayload):
    changed: bool | None = strawberry.field(description="It was done.")


def _key(text: str) -> UUID:
    return key_of(text, "Intervention", "intervention_id")


@strawberry.type
class InterventionSupport:
    @mutation(
        InterventionSchedulePayload,
        SUPPORT,
        fails=[Code.PROFILE_SUSPENDED, Code.CONTRACT_PENDING, Code.EMAIL_NOT_VERIFIED, Code.IDENTITY_INCOMPLETE],
        description="Plan work on a server; the customer is told.",
    )
    async def intervention_schedule(
        self, info: Info, input: InterventionScheduleInput
    ) -> InterventionSchedulePayload | None:
        key = await acts.schedule(
            info.context,
            wishes=WorkWishes(key_of(input.server_id, "Server", "server_id"), tuple(input.codes)),
            scheduled_for=input.scheduled_for,
            reason=input.reason,
            quote_token=input.quote_token if isinstance(input.quote_token, str) else None,
        )
        return InterventionSchedulePayload.of(intervention_id=global_id("Intervention", key))

    @mutation(InterventionCompletePayload, SUPPORT, description="Say that planned work was done: it is charged.")
    async def intervention_complete(
        self, info: Info, input: InterventionCompleteInput
    ) -> InterventionCompletePayload | None:
        await acts.complete(info.context, key=_key(input.intervention_id), reason=input.reason)
        return InterventionCompletePayload.of(changed=True)

    @mutation(InterventionCallOffPayload, SUPPORT, description="Cancel planned work; the customer is told.")
    async def intervention_call_off(
        self, info: Info, input: InterventionCallOffInput
    ) -> InterventionCallOffPayload | None:
        await acts.call_off(
            info.context,
            key=_key(input.intervention_id),
            reason=input.reason,
            asked_by_customer=input.asked_by_customer,
        )
        return InterventionCallOffPayload.of(changed=True)
