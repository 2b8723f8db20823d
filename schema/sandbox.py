"""EVT-4. The practice system: a clock that can be moved."""

from datetime import datetime

import strawberry
from sqlalchemy import true

from engine.declare import Batch, One, declare
from models.permission import IN_SANDBOX
from models.refusal import Code
from models.sandbox import CLOCK_ID, ClockOffset
from resolvers import sandbox as acts
from schema.directive import authorize
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.node import Node, node


@node(
    ClockOffset,
    gate=authorize(),
    owner=None,
    only=true() == IN_SANDBOX,
    description=(
        "The practice system: simulated payments and a clock that can be moved. Does not exist in production."
    ),
)
class Sandbox(Node):
    now: datetime = declare(Batch("id", acts.now), description="Present instant of the system.")


@strawberry.input(description="Arguments of sandboxClockAdvance.")
class SandboxClockAdvanceInput:
    to: datetime = strawberry.field(
        description="Instant to move to; never backwards, at most two years ahead of the present one."
    )


@strawberry.type(description="Result of sandboxClockAdvance.")
class SandboxClockAdvancePayload(MutationPayload):
    sandbox: Sandbox | None = refetched("sandbox", "The sandbox.")


@strawberry.type
class SandboxQuery:
    sandbox: Sandbox | None = declare(
        One(lambda context: CLOCK_ID if context.sandbox else None),
        description="The practice system; null in production.",
    )


@strawberry.type
class SandboxMutation:
    @mutation(
        SandboxClockAdvancePayload,
        authorize(),
        fails=[Code.INVALID],
        description="Move the clock of the practice system; everything due on the way happens in order.",
    )
    async def sandbox_clock_advance(
        self, info: Info, input: SandboxClockAdvanceInput
    ) -> SandboxClockAdvancePayload | None:
        return SandboxClockAdvancePayload.of(sandbox=await acts.clock_advance(info.context, to=input.to))
