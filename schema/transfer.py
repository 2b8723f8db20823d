"""ACC-8, ACC-9. Transfers: offering an account or a server to somebody, and taking it over."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import strawberry

from engine.declare import Batch, Computed, Either, One, declare
from models import transfer as rows
from models.account import Account as AccountRow
from models.context import Context
from models.money import Money as Amount
from models.permission import OverallPermission, Subject
from models.profile import Locale
from models.refusal import Code, NotFound
from models.server import Server as ServerRow
from models.viewer import Viewer
from resolvers import handover
from resolvers import transfer as acts
from resolvers.handover import Item
from schema.activity import HiddenActor
from schema.connection import connection, newest
from schema.decision import Decision, Doing, decision
from schema.directive import Cost, authorize
from schema.enumeration import described
from schema.global_id import key_of, read_global_id
from schema.invoice import Invoice
from schema.message import say
from schema.money import Money
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.node import Actor, Node, node
from schema.quote import Quote, TransferQuote, quote_shown
from schema.scalar import EmailAddress
from schema.subscription import SubscriptionItem

if TYPE_CHECKING:
    from schema.profile import Profile  # noqa: F401

described(
    rows.TransferMode,
    "How billing moves with what is handed over.",
    BILL_AT_ACCEPTANCE="The recipient pays from acceptance; the sender is refunded pro rata.",
    KEEP_END_DATE="The current period runs to its end; no refund; the recipient pays from then on.",
)
described(
    rows.TransferStatus,
    "State of a transfer.",
    PENDING="Waiting for the recipient.",
    ACCEPTED="Done.",
    DECLINED="Refused by the recipient.",
    CANCELLED="Withdrawn by the sender.",
    EXPIRED="Lapsed.",
)
described(rows.TransferDirection, "Side of a transfer.", SENT="Given away.", RECEIVED="Offered.")
described(
    rows.TransferAction,
    "Actions on a transfer.",
    ACCEPT="transferAccept.",
    DECLINE="transferDecline.",
    CANCEL="transferCancel.",
)
MANAGED = [OverallPermission.ACCOUNT_MANAGEMENT, OverallPermission.BILLING]
START = authorize(subject="input.itemId")
CANCEL = authorize(subject="input.transferId.sender")
ACCEPT = authorize(subject="input.transferId.recipient", interactive=True)
DECLINE = authorize(subject="input.transferId.recipient")
SENDER, RECIPIENT = 0, 1
"""Their places among the parties."""
MODELS: Mapping[str, type[AccountRow] | type[ServerRow]] = {"Account": AccountRow, "Server": ServerRow}
STATE = ("sender_id", "recipient_id", "account_id", "server_id", "status")


def _doing(action: rows.TransferAction, guard: Any) -> Doing:
    return Doing(guard, lambda status: rows.obstacle_to_transfer(action, status))


DOING = {
    action: _doing(action, guard)
    for action, guard in (
        (rows.TransferAction.ACCEPT, ACCEPT),
        (rows.TransferAction.DECLINE, DECLINE),
        (rows.TransferAction.CANCEL, CANCEL),
    )
}


def _subject(action: rows.TransferAction, sender_id: UUID, recipient_id: UUID, *item: Any) -> Subject[UUID]:
    return Subject(sender_id, *item) if action is rows.TransferAction.CANCEL else Subject(recipient_id)


def actions(viewer: Viewer, *state: Any) -> list[rows.TransferAction]:
    """PER-13. What the viewer may do to a transfer now."""
    *about, status = state
    return [action for action, doing in DOING.items() if doing.denied(viewer, _subject(action, *about), status) is None]


def can(reader: tuple[Viewer, Locale], *state: Any, action: rows.TransferAction) -> Decision:
    """PER-13. Whether the viewer may do this to a transfer now."""
    *about, status = state
    viewer, locale = reader
    return decision(locale, DOING[action].denied(viewer, _subject(action, *about), status))


def somebody(locale: Locale) -> Actor:
    """A party whose profile the viewer may not open, as the transfer is over."""
    return HiddenActor(display_name=say(locale, "Somebody"))


async def quotes(context: Context, keys: Sequence[UUID]) -> list[Quote | None]:
    """BIL-14. What the recipient of each transfer would pay; none where it does not wait any more."""
    found = await handover.recipient_quotes(context, keys)
    return [quote_shown(context.locale, each) if each else None for each in found]


async def refunds(context: Context, keys: Sequence[UUID]) -> list[Amount | None]:
    """ACC-8. What the sender of each transfer got back, or would today."""
    return [None if cents is None else Amount(cents) for cents in await handover.refunds(context, keys)]


def party(key: str, description: str) -> Any:
    """One of the two, as far as the viewer may know of them."""
    return declare(One(key, kind="Profile", otherwise=Computed(somebody, (), given="locale")), description=description)


@node(
    rows.Transfer,
    gate=authorize(parties=["sender", "recipient"], overall=MANAGED),
    owner="sender_id",
    account="account_id",
    server="server_id",
    description="Transfer of an account or a server to another profile.",
)
class Transfer(Node):
    item: SubscriptionItem | None = declare(
        Either((("Account", "account_id"), ("Server", "server_id"))),
        description="What is handed over; null once it no longer exists, or is out of the viewer's sight.",
    )
    sender: Actor = party("sender_id", "Present owner, then former owner.")
    recipient: Actor = party("recipient_id", "Recipient; status INVITED when the address has no profile yet.")
    mode: rows.TransferMode = strawberry.field(description="How billing moves.")
    status: rows.TransferStatus = strawberry.field(description="State.")
    created_at: datetime = strawberry.field(description="When it was offered.")
    expires_at: datetime = strawberry.field(description="When the offer lapses.")
    closed_at: datetime | None = strawberry.field(description="When it was accepted, declined, cancelled or lapsed.")
    sender_refund: Money | None = declare(
        Batch("id", refunds),
        authorize(subject="sender", overall=[OverallPermission.BILLING], party=SENDER),
        marks=[Cost(weight=5)],
        description="What the sender gets back; for the sender and their billing delegates.",
    )
    recipient_quote: TransferQuote | None = declare(
        Batch("id", quotes),
        authorize(subject="recipient", overall=[OverallPermission.BILLING], party=RECIPIENT),
        marks=[Cost(weight=5)],
        description="What the recipient is charged on acceptance; for the recipient and their billing delegates.",
    )
    viewer_actions: list[rows.TransferAction] = declare(
        Computed(actions, STATE, given="viewer"), description="What the viewer can do right now."
    )
    viewer_can: Decision = declare(
        Computed(can, STATE, given="reader"),
        arguments={"action": (rows.TransferAction, "What.")},
        description="Whether the viewer may do this now, and why not.",
    )


def pending(select: Any) -> Any:
    """The transfer by which an account or a server is offered."""
    return declare(
        One("id", select),
        authorize(overall=[OverallPermission.ACCOUNT_MANAGEMENT]),
        description="Transfer waiting for the recipient.",
    )


def transfer_quote(model: type[AccountRow] | type[ServerRow]) -> Any:
    """The sender's half, before there is an offer."""

    async def quoted(context: Context, keys: Sequence[UUID], *, mode: rows.TransferMode) -> list[Quote]:
        found = await handover.quotes(context, keys, model=model, mode=mode)
        return [quote_shown(context.locale, each) for each in found]

    return declare(
        Batch("id", quoted),
        authorize(),
        marks=[Cost(weight=5)],
        arguments={"mode": (rows.TransferMode, "How billing moves.")},
        description="Effect of a transfer on the owner's side.",
    )


@strawberry.input(description="Filter; all given criteria must hold.")
class TransferFilter:
    direction: rows.TransferDirection | None = strawberry.field(
        default=strawberry.UNSET, description="Sent or received."
    )
    status: list[rows.TransferStatus] | None = strawberry.field(
        default=strawberry.UNSET, description="Any of these states."
    )


def criteria(context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the select of transfers takes of the field's filter."""
    wanted: TransferFilter = given.get("filter") or TransferFilter()
    return {
        "direction": wanted.direction or None,
        "status": tuple(sorted(set(wanted.status))) if isinstance(wanted.status, list) else None,
    }


def transfers() -> Any:
    """The connection of what a profile gives away and is offered."""
    return connection(
        acts.of_profile,
        authorize(overall=MANAGED),
        key="id",
        order=newest("created_at"),
        more={"filter": (TransferFilter | None, "Keep only matching items.")},
        given=criteria,
        description="Transfers sent or received.",
    )


@strawberry.input(description="Arguments of transferStart.")
class TransferStartInput:
    item_id: strawberry.ID = strawberry.field(description="Account or server.")
    recipient_email: EmailAddress = strawberry.field(description="Recipient.")
    mode: rows.TransferMode = strawberry.field(description="How billing moves.")
    quote_token: str = strawberry.field(description="Token of the quote the user agreed to.")
    idempotency_key: UUID = strawberry.field(
        description="Fresh for each intent, the same for each retry; kept 24 hours."
    )


@strawberry.type(description="Result of transferStart.")
class TransferStartPayload(MutationPayload):
    transfer: Transfer | None = refetched("transfer", "The transfer.")


@strawberry.input(description="Arguments of transferCancel.")
class TransferCancelInput:
    transfer_id: strawberry.ID = strawberry.field(description="Transfer.")


@strawberry.type(description="Result of transferCancel.")
class TransferCancelPayload(MutationPayload):
    transfer: Transfer | None = refetched("transfer", "The transfer.")


@strawberry.input(description="Arguments of transferAccept.")
class TransferAcceptInput:
    transfer_id: strawberry.ID = strawberry.field(description="Transfer.")
    quote_token: str = strawberry.field(description="Token of the quote the user agreed to.")
    idempotency_key: UUID = strawberry.field(
        description="Fresh for each intent, the same for each retry; kept 24 hours."
    )


@strawberry.type(description="Result of transferAccept.")
class TransferAcceptPayload(MutationPayload):
    transfer: Transfer | None = refetched("transfer", "The transfer.")
    invoice: Invoice | None = refetched("invoice", "Invoice issued, if any.")


@strawberry.input(description="Arguments of transferDecline.")
class TransferDeclineInput:
    transfer_id: strawberry.ID = strawberry.field(description="Transfer.")


@strawberry.type(description="Result of transferDecline.")
class TransferDeclinePayload(MutationPayload):
    transfer: Transfer | None = refetched("transfer", "The transfer.")


def item_of(text: str) -> Item:
    """The account or server that an id names; raises NotFound for anything else."""
    found = read_global_id(text)
    if found is None or found[0] not in MODELS:
        raise NotFound().at("item_id")
    return Item(MODELS[found[0]], found[1])


@strawberry.type
class TransferMutation:
    @mutation(
        TransferStartPayload,
        START,
        fails=[
            Code.INVALID_RECIPIENT,
            Code.TRANSFER_PENDING,
            Code.QUOTE_EXPIRED,
            Code.QUOTE_CHANGED,
            Code.PROFILE_SUSPENDED,
            Code.UNPAID_INVOICE,
        ],
        description="Offer an account or a server to another profile.",
    )
    async def transfer_start(self, info: Info, input: TransferStartInput) -> TransferStartPayload | None:
        key = await acts.start(
            info.context,
            item=item_of(input.item_id),
            email=input.recipient_email,
            mode=input.mode,
            quote_token=input.quote_token,
            key=input.idempotency_key,
        )
        return TransferStartPayload.of(transfer=key)

    @mutation(TransferCancelPayload, CANCEL, suspended=True, description="Withdraw an offer.")
    async def transfer_cancel(self, info: Info, input: TransferCancelInput) -> TransferCancelPayload | None:
        key = await acts.cancel(info.context, key=key_of(input.transfer_id, "Transfer", "transfer_id"))
        return TransferCancelPayload.of(transfer=key)

    @mutation(
        TransferAcceptPayload,
        ACCEPT,
        fails=[
            Code.QUOTE_EXPIRED,
            Code.QUOTE_CHANGED,
            Code.LIMIT_REACHED,
            Code.PROFILE_SUSPENDED,
            Code.CONTRACT_PENDING,
            Code.EMAIL_NOT_VERIFIED,
            Code.IDENTITY_INCOMPLETE,
        ],
        description="Take over what is offered.",
    )
    async def transfer_accept(self, info: Info, input: TransferAcceptInput) -> TransferAcceptPayload | None:
        key = await handover.accept(
            info.context,
            key=key_of(input.transfer_id, "Transfer", "transfer_id"),
            quote_token=input.quote_token,
            intent_key=input.idempotency_key,
        )
        return TransferAcceptPayload.of(transfer=key)

    @mutation(TransferDeclinePayload, DECLINE, suspended=True, description="Refuse what is offered.")
    async def transfer_decline(self, info: Info, input: TransferDeclineInput) -> TransferDeclinePayload | None:
        key = await acts.decline(info.context, key=key_of(input.transfer_id, "Transfer", "transfer_id"))
        return TransferDeclinePayload.of(transfer=key)
