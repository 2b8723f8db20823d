"""EVT-3, EVT-4. The practice system: a clock that can be moved, the mails that were sent, cards to pay with."""

from datetime import datetime
from uuid import UUID

import strawberry
from sqlalchemy import true

from engine.declare import Batch, Computed, One, declare
from engine.failure import log_failure
from models.mail import SandboxMail as MailRow
from models.profile import Locale
from models.refusal import Code
from models.sandbox import CLOCK_ID, ClockOffset
from models.visible import IN_SANDBOX
from resolvers import mail as mails
from resolvers import sandbox as acts
from schema.connection import Connection, connection, newest
from schema.directive import authorize
from schema.message import say
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.node import Node, node


@strawberry.type(description="A card to practise with.")
class TestCard:
    token: str = strawberry.field(description="Token to pass as cardToken or oneTimeToken.")
    behaviour: str = strawberry.field(
        description="What it does: succeeds, is declined, needs 3-D Secure, expires next month, never answers."
    )


def cards(locale: Locale, _sandbox: UUID) -> list[TestCard]:
    """The cards of the practice system's payment provider."""
    return [
        _card("card_ok", say(locale, "Visa 4242: it succeeds.")),
        _card("card_declined", say(locale, "It is declined: insufficient funds.")),
        _card("card_3ds", say(locale, "It needs the customer’s action, then succeeds.")),
        _card("card_expiring", say(locale, "It is valid to the end of next month.")),
        _card(
            "card_silent",
            say(locale, "The provider never answers: processing until reconciled, then it succeeds."),
        ),
        _card("card_reversed", say(locale, "It succeeds, and is disputed 10 days later.")),
    ]


def _card(token: str, behaviour: str) -> TestCard:
    return TestCard(token=token, behaviour=behaviour)


@node(
    MailRow,
    gate=authorize(interactive=True),
    owner="owner_id",
    only=true() == IN_SANDBOX,
    description="A mail sent by the practice system.",
)
class SandboxMail(Node):
    sent_at: datetime = strawberry.field(description="When it was sent.")
    template: str = strawberry.field(description='Stable name of the template, e.g. "email_verification".')
    subject: str = strawberry.field(description="Subject.")
    text: str = declare(Batch("id", mails.text), description="Text.")
    token: str | None = declare(
        Batch("link_id", mails.token), description="Token carried by the link of the mail, if any."
    )


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
    mails: Connection[SandboxMail] = connection(
        mails.of_sandbox,
        key="id",
        order=newest("sent_at"),
        description="Mails sent to the viewer's address, newest first.",
    )
    test_cards: list[TestCard] = declare(
        Computed(cards, ("id",), given="locale"),
        description="Card tokens to practise with and what each does (bounded list).",
    )


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
        suspended=True,
    )
    async def sandbox_clock_advance(
        self, info: Info, input: SandboxClockAdvanceInput
    ) -> SandboxClockAdvancePayload | None:
        def told(error: Exception) -> None:
            log_failure("due_failed", error, request_id=info.context.request_id)

        return SandboxClockAdvancePayload.of(sandbox=await acts.clock_advance(info.context, to=input.to, told=told))
