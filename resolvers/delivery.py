"""What leaves the service: taken by a worker, sent, and settled."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, func, insert, or_, select, update
from sqlmodel import select as select_rows

from models.activity import ActivityChannel, ActivityEvent, Author
from models.column import new_id, normalised_email, table
from models.db import Db
from models.delivery import Delivery, DeliveryKind, DeliveryState, Undelivered, backoff
from models.link import Link
from models.mail import SUBJECT_LENGTH, TOKEN_PLACE, Cause, Letter, Mailer, MailRefused, SandboxMail, WriteLetter
from models.profile import EMAIL_CHANGE_ASKED, KNOWN_ALREADY, Profile, display_name
from models.provisioning import Provisioner, ProvisionerRefused
from models.setting import Figures
from models.ticket import TicketMessage
from resolvers import provisioning

DELIVERIES = table(Delivery)
EVENTS = table(ActivityEvent)
LINKS = table(Link)
MAILS = table(SandboxMail)
PROFILES = table(Profile)
MESSAGES = table(TicketMessage)

CAUSE = (
    select(
        DELIVERIES.c.template,
        DELIVERIES.c.address,
        EVENTS.c.occurred_at,
        EVENTS.c.channel,
        EVENTS.c.ip_address,
        EVENTS.c.facts,
        EVENTS.c.subject_id,
        PROFILES.c.id.label("owner_id"),
        PROFILES.c.email,
        PROFILES.c.email_verified_at,
        PROFILES.c.locale,
        PROFILES.c.organization_name,
        PROFILES.c.first_name,
        PROFILES.c.last_name,
        PROFILES.c.deleted_at,
    )
    .join(EVENTS, EVENTS.c.id == DELIVERIES.c.event_id)
    .join(PROFILES, PROFILES.c.id == func.coalesce(DELIVERIES.c.reader_id, EVENTS.c.owner_id))
    .where(DELIVERIES.c.id == bindparam("delivery_id"))
)
"""What a mail tells about, and who reads it."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that belongs to one worker until its lease ends; nobody else has this holder and attempt."""

    id: UUID
    holder: UUID
    attempt: int
    kind: DeliveryKind = DeliveryKind.MAIL


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one delivery."""

    id: UUID
    state: DeliveryState
    defect: Exception | None = field(default=None, repr=False)
    """What failed although it should not have."""


async def deliver_next(
    db: Db, figures: Figures, write_letter: WriteLetter, mailer: Mailer, provisioner: Provisioner | None = None
) -> Outcome | None:
    """EVT-1. Send the delivery that has been due for longest; None when nothing is due.

    It is sent outside any transaction, in half the time of its lease at most: whoever takes it after that has it alone.
    """
    claimed = await claim(db, figures)
    if claimed is None:
        return None
    try:
        if claimed.attempt > figures.delivery_attempts:  # Whoever took it last never came back.
            raise Undelivered("ABANDONED", permanent=True)
        if claimed.kind is DeliveryKind.PROVISIONING:
            await _ask(db, figures, claimed, provisioner)
            return Outcome(claimed.id, DeliveryState.SENT)
        cause = await _cause(db, claimed)
        if await _told_instead(db, claimed, cause):
            return Outcome(claimed.id, DeliveryState.SENT)
        letter = write_letter(cause)
        await db.release()
        async with asyncio.timeout((figures.delivery_lease / 2).total_seconds()):
            await mailer.send(letter.message)
    except Undelivered as refusal:
        state = await _failed(db, figures, claimed, refusal.reason, permanent=refusal.permanent)
        return Outcome(claimed.id, state)
    except TimeoutError:
        return Outcome(claimed.id, await _failed(db, figures, claimed, "TIMEOUT"))
    except Exception as error:
        return Outcome(claimed.id, await _failed(db, figures, claimed, type(error).__name__), error)
    await _sent(db, claimed, cause, letter)
    return Outcome(claimed.id, DeliveryState.SENT)


async def claim(db: Db, figures: Figures) -> Claimed | None:
    """EVT-1. Take the delivery that has been due for longest and is nobody's; None when there is none."""
    async with db.bookkeeping() as connection:
        now = db.database.clock.now()
        due = (
            select(DELIVERIES.c.id, DELIVERIES.c.attempt, DELIVERIES.c.kind)
            .where(
                DELIVERIES.c.state == DeliveryState.PENDING,
                DELIVERIES.c.due_at <= now,
                or_(DELIVERIES.c.lease_until.is_(None), DELIVERIES.c.lease_until <= now),
            )
            .order_by(DELIVERIES.c.due_at, DELIVERIES.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        found = (await connection.execute(due)).first()
        if found is None:
            return None
        claimed = Claimed(found.id, new_id(), found.attempt + 1, found.kind)
        await connection.execute(
            update(DELIVERIES)
            .where(DELIVERIES.c.id == claimed.id)
            .values(lease_by=claimed.holder, lease_until=now + figures.delivery_lease, attempt=claimed.attempt)
        )
    return claimed


async def _ask(db: Db, figures: Figures, claimed: Claimed, provisioner: Provisioner | None) -> None:
    """EVT-2. Hand a task over, and settle that it was; one that is answered already is asked of nobody."""
    order = await provisioning.order(db, claimed.id)
    await db.release()
    if order is not None and provisioner is None:
        raise ProvisionerRefused("NOBODY_TO_ASK", permanent=False)
    if order is not None and provisioner is not None:
        async with asyncio.timeout((figures.delivery_lease / 2).total_seconds()):
            await provisioner.ask(order)
    async with db.bookkeeping() as connection:
        await connection.execute(update(DELIVERIES).where(*_held(claimed)).values(_settled(db)))
        if order is not None:
            await connection.execute(provisioning.handed(order.id, db.database.clock.now()))


async def _cause(db: Db, claimed: Claimed) -> Cause:
    """What the mail tells about, as it is now; MailRefused where there is nothing to tell, or nobody."""
    row = await db.first(CAUSE, {"delivery_id": claimed.id})
    if row is None or (row.deleted_at is not None and row.address is None):
        raise MailRefused("PROFILE_GONE", permanent=True)
    now = db.database.clock.now()
    link = await _link(db, row.facts.get("link_id"), now)
    return Cause(
        delivery_id=claimed.id,
        template=row.template,
        address=row.address or row.email,
        owner_id=row.owner_id,
        name=_name(row),
        locale=row.locale,
        occurred_at=row.occurred_at,
        sent_at=now,
        ip_address=None if row.channel is ActivityChannel.SUPPORT else row.ip_address,
        facts=await _with_message(db, row.facts),
        link_id=link.id if link else None,
        link_expires_at=link.expires_at if link else None,
        thread_id=row.subject_id if "message_id" in row.facts else None,
    )


async def _with_message(db: Db, facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """TIC-3. What is told of a ticket with what was written, which is kept in one place."""
    if "message_id" not in facts:
        return facts
    row = await db.first(select(MESSAGES.c.body).where(MESSAGES.c.id == UUID(facts["message_id"])))
    if row is None:
        raise MailRefused("MESSAGE_GONE", permanent=True)
    return {**facts, "lines": [line for line in row.body.splitlines() if line.strip()]}


async def _told_instead(db: Db, claimed: Claimed, cause: Cause) -> bool:
    """PRO-3. Whether the address that somebody wants is in use: then who has it is told, and no link leaves.

    It is looked up here, where nobody waits for an answer: the time that one takes would tell.
    """
    if cause.template != EMAIL_CHANGE_ASKED.mail:
        return False
    in_use = (
        PROFILES.c.email == normalised_email(cause.address),
        PROFILES.c.id != cause.owner_id,
        PROFILES.c.invited_at.is_(None),
    )
    found = await db.first(select(PROFILES.c.id).where(*in_use))
    if found is None:
        return False
    await db.release()
    settled = (
        update(DELIVERIES).where(*_held(claimed)).values(_settled(db, "ADDRESS_IN_USE")).returning(DELIVERIES.c.id)
    )
    async with Db(db.database, Author(ip_address=cause.ip_address)) as own, own.write() as write:
        holder = await write.lock_one(select_rows(Profile).where(PROFILES.c.id == found.id, *in_use))
        if holder is None or not await write.rows(settled):
            raise MailRefused("ADDRESS_CHANGED", permanent=False)
        write.record.happened(KNOWN_ALREADY, holder, address=cause.address)
    return True


async def _link(db: Db, named: str | None, now: datetime) -> Link | None:
    if named is None:
        return None
    row = await db.first(select(LINKS).where(LINKS.c.id == UUID(named)))
    link = Link.model_validate(dict(row._mapping)) if row else None
    if link is None or not link.is_open(now):
        raise MailRefused("LINK_CLOSED", permanent=True)
    return link


def _name(row: Row[Any]) -> str | None:
    """Only the profile's own address is greeted by name: to any other, its owner could write what they like."""
    if row.email_verified_at is None or (row.address or row.email) != row.email:
        return None
    return display_name(row.organization_name, row.first_name, row.last_name, "") or None


async def _sent(db: Db, claimed: Claimed, cause: Cause, letter: Letter) -> None:
    async with db.bookkeeping() as connection:
        settled = await connection.execute(update(DELIVERIES).where(*_held(claimed)).values(_settled(db)))
        if settled.rowcount and db.database.sandbox:
            # Read by whoever has the address, which need not be whose fact it was.
            holder = await connection.execute(
                select(PROFILES.c.id).where(PROFILES.c.email == normalised_email(cause.address))
            )
            await connection.execute(insert(MAILS).values(kept(cause, letter, holder.scalar() or cause.owner_id)))


def _settled(db: Db, remark: str | None = None) -> dict[str, Any]:
    sent = {"state": DeliveryState.SENT, "sent_at": db.database.clock.now(), "last_error": remark}
    return {**sent, "lease_by": None, "lease_until": None}


def kept(cause: Cause, letter: Letter, owner_id: UUID) -> dict[str, Any]:
    """A mail as the practice system keeps it: without its token, at the instant of its fact."""
    text = letter.text.replace(letter.token, TOKEN_PLACE) if letter.token else letter.text
    return {
        "id": cause.delivery_id,
        "owner_id": owner_id,
        "sent_at": cause.occurred_at,
        "template": cause.template,
        "subject": letter.subject[:SUBJECT_LENGTH],
        "text": text,
        "link_id": cause.link_id,
    }


async def _failed(db: Db, figures: Figures, claimed: Claimed, reason: str, *, permanent: bool = False) -> DeliveryState:
    now = db.database.clock.now()
    pause = backoff(claimed.attempt, first=figures.delivery_pause, most=figures.delivery_longest_pause)
    given_up = permanent or claimed.attempt >= figures.delivery_attempts
    state = DeliveryState.DEAD if given_up else DeliveryState.PENDING
    await db.note(
        update(DELIVERIES)
        .where(*_held(claimed))
        .values(state=state, due_at=now + pause, lease_by=None, lease_until=None, last_error=reason[:80])
    )
    return state


def _held(claimed: Claimed) -> tuple[Any, ...]:
    """The fence: whoever came too late settles nothing."""
    return (
        DELIVERIES.c.id == claimed.id,
        DELIVERIES.c.lease_by == claimed.holder,
        DELIVERIES.c.attempt == claimed.attempt,
        DELIVERIES.c.state == DeliveryState.PENDING,
    )


async def purge(db: Db, figures: Figures) -> None:
    """EVT-1. Delete what was sent long enough ago, and what the sandbox shows of it; never what was not."""
    before = db.database.clock.now() - figures.delivery_retention
    # What was sent then was due before: by that the index finds it.
    old = DELIVERIES.c.state == DeliveryState.SENT, DELIVERIES.c.due_at < before, DELIVERIES.c.sent_at < before
    await db.note(delete(MAILS).where(MAILS.c.id.in_(select(DELIVERIES.c.id).where(*old))))
    await db.note(delete(DELIVERIES).where(*old))


# For operators


async def listed(db: Db, *, state: DeliveryState | None, limit: int) -> list[Row[Any]]:
    """The newest deliveries, in one state or any."""
    newest = select(DELIVERIES, EVENTS.c.kind.label("action")).join(EVENTS, EVENTS.c.id == DELIVERIES.c.event_id)
    if state is not None:
        newest = newest.where(DELIVERIES.c.state == state)
    return list(await db.rows(newest.order_by(DELIVERIES.c.id.desc()).limit(limit)))


async def shown(db: Db, key: UUID) -> Row[Any] | None:
    """One delivery and the fact behind it."""
    return await db.first(
        select(DELIVERIES, EVENTS.c.kind.label("action"), EVENTS.c.owner_id, EVENTS.c.occurred_at)
        .join(EVENTS, EVENTS.c.id == DELIVERIES.c.event_id)
        .where(DELIVERIES.c.id == key)
    )


async def retry(db: Db, key: UUID) -> bool:
    """Begin again with one that is dead or waits; False for what has left, is under way or is not there."""
    async with db.bookkeeping() as connection:
        now = db.database.clock.now()
        again = await connection.execute(
            update(DELIVERIES)
            .where(
                DELIVERIES.c.id == key,
                DELIVERIES.c.state != DeliveryState.SENT,
                or_(DELIVERIES.c.lease_until.is_(None), DELIVERIES.c.lease_until <= now),
            )
            .values(state=DeliveryState.PENDING, due_at=now, attempt=0, lease_by=None, lease_until=None)
        )
    return bool(again.rowcount)
