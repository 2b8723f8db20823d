"""What the demo's owner asked the support team, and was answered. Made once, the same every time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlmodel import SQLModel

from app.demo_hosting import ACCOUNT_KEYS, FORGE
from models.column import table
from models.db import Db
from models.server import Server
from models.ticket import Ticket, TicketCounter, TicketMessage, TicketPriority, TicketReading, TicketStatus
from models.ticket_category import TicketCategory
from models.ticket_note import TicketNote
from models.ticket_word import TicketWord, words_of
from models.urgent_fee import LABELS, UrgentFee, UrgentFeeStatus

AGENT = "Lou"
LATER = timedelta(minutes=20)
FEE_CENTS, VAT_CENTS, RATE_BP = 10_000, 2_000, 2_000
Row = tuple[type[SQLModel], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Told:
    """A ticket of the demo: who wrote what, in turns, the customer first."""

    title: str
    category: TicketCategory
    status: TicketStatus
    age: timedelta
    texts: tuple[str, ...]
    account: str | None = None
    urgent: bool = False
    by_delegate: bool = False
    note: str | None = None


TICKETS = (
    Told(
        "Disk space of atelier",
        TicketCategory.TECHNICAL,
        TicketStatus.CLOSED,
        timedelta(days=200),
        (
            "The disk of `atelier` fills up quickly. Where does that come from?",
            "Mostly from logs: we rotate them daily now.",
            "Thank you, that helps.",
        ),
        account="atelier",
    ),
    Told(
        "forge does not answer",
        TicketCategory.TECHNICAL,
        TicketStatus.CLOSED,
        timedelta(days=90),
        ("None of the sites on `forge` answers.", "A power supply failed; the other machine of the pair took over."),
        urgent=True,
        note="Supplier informed, part replaced on the next day.",
    ),
    Told(
        "VAT number on invoices",
        TicketCategory.BILLING,
        TicketStatus.WAITING_CUSTOMER,
        timedelta(days=2),
        ("Is our VAT number on the invoices?", "It is, on all since you gave it to us. Is anything missing on one?"),
        by_delegate=True,
    ),
)


def _key(number: int) -> UUID:
    return UUID(f"01900000-0000-7000-8000-0000000004{number:02d}")


async def seed(db: Db, *, owner: UUID, delegate: UUID) -> None:
    """Make all of them; those about a server that is not there are left out."""
    now = await db.now()
    has_server = bool(await db.rows(select(table(Server).c.id).where(table(Server).c.id == FORGE)))
    wanted = [told for told in TICKETS if has_server or not told.urgent]
    async with db.bookkeeping() as connection:
        for number, told in enumerate(wanted, 1):
            for model, values in _rows(told, number, owner, delegate if told.by_delegate else owner, now - told.age):
                await connection.execute(insert(table(model)).values(values))
        await connection.execute(insert(table(TicketCounter)).values(id=1, last=len(wanted)))


def _rows(told: Told, number: int, owner: UUID, writer: UUID, at: datetime) -> Iterator[Row]:
    ticket = Ticket(
        id=_key(10 * number),
        owner_id=owner,
        number=number,
        title=told.title,
        category=told.category,
        priority=TicketPriority.URGENT if told.urgent else TicketPriority.NORMAL,
        status=told.status,
        account_id=ACCOUNT_KEYS[told.account] if told.account else None,
        server_id=FORGE if told.urgent else None,
        opened_by_id=writer,
        created_at=at,
        updated_at=at + LATER * len(told.texts),
        message_count=len(told.texts),
    )
    yield Ticket, ticket.model_dump()
    for position, text in enumerate(told.texts, 1):
        by_team = position % 2 == 0
        message = TicketMessage(
            id=_key(10 * number + position),
            ticket_id=ticket.id,
            position=position,
            author_id=None if by_team else writer,
            agent=AGENT if by_team else None,
            body=text,
            created_at=at + LATER * (position - 1),
            **ticket.concerning,
        )
        yield TicketMessage, message.model_dump()
    for word in words_of(told.title, *told.texts):
        yield TicketWord, {"word": word, "ticket_id": ticket.id}
    if told.status is TicketStatus.CLOSED:
        yield TicketReading, {"ticket_id": ticket.id, "reader_id": owner, "position": len(told.texts)}
    if told.note is not None:
        yield TicketNote, _note(told.note, number, ticket)
    if told.urgent:
        yield UrgentFee, _fee(number, ticket)


def _note(text: str, number: int, ticket: Ticket) -> dict[str, Any]:
    values: dict[str, Any] = {"service_id": UUID(int=0), "agent": AGENT, "text": text, "created_at": ticket.updated_at}
    return TicketNote(id=_key(10 * number + 8), ticket_id=ticket.id, **values).model_dump()


def _fee(number: int, ticket: Ticket) -> dict[str, Any]:
    """TIC-4. Covered by the service guarantee."""
    label_en, label_fr = (label.format(name="forge") for label in LABELS)
    return UrgentFee(
        id=_key(10 * number + 9),
        ticket_id=ticket.id,
        owner_id=ticket.owner_id,
        server_id=ticket.server_id,
        status=UrgentFeeStatus.WAIVED,
        label_en=label_en,
        label_fr=label_fr,
        net_cents=FEE_CENTS,
        tax_cents=VAT_CENTS,
        rate_bp=RATE_BP,
        agreed_at=ticket.created_at,
        agreed_by_id=ticket.opened_by_id,
        decided_at=ticket.updated_at,
        decided_by=AGENT,
        reason="A power supply failed.",
    ).model_dump()
