"""ACC-8, ACC-9. Transfers: what leads to them, and how an offer begins and ends. Accepting one is in `handover`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, literal, or_, select, union_all
from sqlmodel import select as select_rows

from models.account import Account
from models.attempt import of_grants, of_grants_to
from models.column import Instant, table
from models.conflict import Conflict
from models.context import Context
from models.db import Write
from models.link import LinkKind
from models.profile import Profile
from models.quote import check_quote
from models.refusal import NotFound
from models.server import Server
from models.transfer import Transfer, TransferDirection, TransferMode, TransferStatus, new_transfer
from resolvers import attempt
from resolvers.find import find, writing
from resolvers.grant import whoever_has
from resolvers.handover import Item, of_recipient, quoted_to_sender
from resolvers.idempotency import DoneBefore, done_before, intent_of, keep, take
from resolvers.link import linked

OPERATION = "transferStart"
TRANSFERS, PROFILES = table(Transfer), table(Profile)
SIDES = union_all(
    select(
        TRANSFERS.c.sender_id.label("profile_id"),
        TRANSFERS.c.id.label("transfer_id"),
        literal(TransferDirection.SENT.value).label("direction"),
    ),
    select(TRANSFERS.c.recipient_id, TRANSFERS.c.id, literal(TransferDirection.RECEIVED.value)),
).subquery("sides")
"""Transfers, once for each of their parties."""
LAPSING = select_rows(Transfer).where(
    TRANSFERS.c.sender_id == bindparam("owner_id"),
    TRANSFERS.c.status == TransferStatus.PENDING,
    TRANSFERS.c.expires_at <= bindparam("until", type_=Instant()),
)


WAITING = select(TRANSFERS.c.id).where(
    TRANSFERS.c.status == TransferStatus.PENDING,
    or_(TRANSFERS.c.sender_id == bindparam("owner_id"), TRANSFERS.c.recipient_id == bindparam("owner_id")),
)
"""ACC-8. What a profile offered, or is offered."""


def of_profile(
    *, direction: TransferDirection | None = None, status: Sequence[TransferStatus] | None = None
) -> Select[Any]:
    """ACC-8. The transfers of a profile: what it gave away, what it was offered; those in one of these states."""
    found = select(SIDES.c.profile_id).select_from(TRANSFERS.join(SIDES, SIDES.c.transfer_id == TRANSFERS.c.id))
    if direction is not None:
        found = found.where(SIDES.c.direction == direction.value)
    return found if status is None else found.where(TRANSFERS.c.status.in_(status))


def pending_of_account() -> Select[Any]:
    """ACC-8. The transfer by which an account is offered."""
    return select(TRANSFERS.c.account_id).where(TRANSFERS.c.status == TransferStatus.PENDING)


def pending_of_server() -> Select[Any]:
    """ACC-8. The transfer by which a server is offered."""
    return select(TRANSFERS.c.server_id).where(TRANSFERS.c.status == TransferStatus.PENDING)


async def start(context: Context, *, item: Item, email: str, mode: TransferMode, quote_token: str, key: UUID) -> UUID:
    """ACC-8, ACC-9, BIL-15. Offer it to whoever has the address, as it was quoted; answers the transfer's key.

    The answer is the same whether or not anybody has it.
    """
    values = {"item": item.key, "email": email, "mode": mode, "quote": quote_token}
    intent = intent_of(context, key, OPERATION, values)
    if (before := await done_before(context, intent)) is not None:
        return before["transfer"]
    owner_id, figures = context.viewer.key, context.figures
    await attempt.take(context, of_grants(owner_id, figures), of_grants_to(owner_id, email, figures))

    async def started() -> UUID:
        async with writing(context) as write:
            await take(context, write, intent)
            transfer = await _started(context, write, item, email, mode, quote_token)
            await keep(write, intent, transfer=transfer.id)
        return transfer.id

    try:
        try:
            return await started()
        except Conflict:  # Somebody else made the profile meanwhile: now it is there.
            return await started()
    except DoneBefore as done:
        return done.results["transfer"]


async def _started(
    context: Context, write: Write, item: Item, email: str, mode: TransferMode, quote_token: str
) -> Transfer:
    """ACC-8. Locks both profiles, then what is offered."""
    sender, recipient = await _parties(write, context.viewer.key, email)
    offered = await find(context, write, item.model, item.key, "item_id")
    if offered.owner_id != sender.id:
        raise NotFound().at("item_id")
    quoted = await quoted_to_sender(context, write, item, mode, write.now)
    if quoted.quote.blockers:
        raise quoted.quote.blockers[0]
    check_quote(context.key, quote_token, quoted.quote, quoted.terms, write.now)
    transfer = new_transfer(write.record, offered, sender, recipient, mode, context.figures)
    write.add(transfer)
    await write.flush()
    link_id = None
    if recipient.email_verified_at is None:
        link_id = await linked(context.figures, write, recipient, LinkKind.INVITATION, recipient.email)
    transfer.start(write.record, sender, recipient, link_id)
    return transfer


async def _parties(write: Write, sender_id: UUID, email: str) -> tuple[Profile, Profile]:
    """The sender, and whoever has the address; the rows that are there are locked in the order of their keys."""
    known = await write.rows(select(PROFILES.c.id).where(PROFILES.c.email == email))
    both = PROFILES.c.id.in_([sender_id, *(row.id for row in known)])
    found = {row.id: row for row in await write.lock(select_rows(Profile).where(both))}
    if sender_id not in found:
        raise NotFound().at("item_id")
    sender = found[sender_id]
    return sender, await whoever_has(write, email, sender)


async def cancel(context: Context, *, key: UUID) -> UUID:
    """ACC-8. Withdraw an offer; answers its key."""
    async with writing(context) as write:
        transfer = await find(context, write, Transfer, key, "transfer_id")
        transfer.cancel(write.record, await parties_of(write, transfer))
        await release(write, transfer)
    return transfer.id


async def decline(context: Context, *, key: UUID) -> UUID:
    """ACC-8. Refuse what is offered; answers the transfer's key."""
    async with writing(context) as write:
        transfer = await find(context, write, Transfer, key, "transfer_id", whose=of_recipient)
        transfer.decline(write.record, await parties_of(write, transfer))
        await release(write, transfer)
    return transfer.id


async def lapse(write: Write, owner_id: UUID, at: datetime) -> None:
    """ACC-8. What a profile offered, and nobody answered in time; the profile is locked."""
    for transfer in await write.lock(LAPSING, {"owner_id": owner_id, "until": at}):
        transfer.lapse(write.record, await parties_of(write, transfer))
        await release(write, transfer)


async def end_of(write: Write, profile_id: UUID) -> None:
    """PRO-13. Of a profile that is deleted nothing is offered any more, and nothing to it."""
    waiting = await write.rows(WAITING, {"owner_id": profile_id})
    for transfer in await write.lock(select_rows(Transfer).where(TRANSFERS.c.id.in_([row.id for row in waiting]))):
        if transfer.status is not TransferStatus.PENDING:
            continue
        sent, parties = transfer.sender_id == profile_id, await parties_of(write, transfer)
        (transfer.cancel if sent else transfer.decline)(write.record, parties)
        await release(write, transfer)
    await write.flush()


async def take_over(write: Write, profile: Profile, address: str) -> None:
    """ACC-9. What was offered to an address before anybody had it is this profile's, which takes the address now.

    What it offered there itself is withdrawn.
    """
    invited = select_rows(Profile).where(PROFILES.c.email == address, PROFILES.c.invited_at.is_not(None))
    before = await write.lock_one(invited)
    if before is None:
        return
    for transfer in await write.lock(select_rows(Transfer).where(TRANSFERS.c.recipient_id == before.id)):
        if transfer.sender_id == profile.id and transfer.status is TransferStatus.PENDING:
            transfer.cancel(write.record, await parties_of(write, transfer))
            await release(write, transfer)
        transfer.recipient_id = profile.id
    await write.flush()


async def release(write: Write, transfer: Transfer) -> None:
    """ACC-8. What was offered is as any other again; it is locked for that, after the transfer."""
    for model, key in ((Account, transfer.account_id), (Server, transfer.server_id)):
        item: Any = await write.lock_one(select_rows(model).where(table(model).c.id == key)) if key else None
        if item is not None and item.transfer_id == transfer.id:
            item.transfer_id = None


async def parties_of(write: Write, transfer: Transfer) -> Mapping[str, str]:
    """The addresses of both, for the mails about it."""
    wanted = PROFILES.c.id.in_([transfer.sender_id, transfer.recipient_id])
    found = {row.id: row.email for row in await write.rows(select(PROFILES.c.id, PROFILES.c.email).where(wanted))}
    return {"sender": found[transfer.sender_id], "recipient": found[transfer.recipient_id]}
