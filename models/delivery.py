"""EVT-1. What leaves the service: a row for each thing to send, written in the transaction of its cause.

A worker takes a row for the time of a lease, acts outside any transaction, and settles it only where the lease is
still its own. So nothing is lost when a worker dies, and the row's id, by which the outside party knows a thing that
it was given twice, is the same at every attempt. All of it is in real time.
"""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.activity import ACTIONS, ActivityEvent
from models.column import Email, Instant, new_id, one_of


class DeliveryKind(StrEnum):
    """How it leaves."""

    MAIL = "MAIL"
    PROVISIONING = "PROVISIONING"


@dataclass(eq=False)
class Undelivered(Exception):
    """EVT-1. It did not leave. `reason` is a code or the name of an error, never what somebody wrote."""

    reason: str
    permanent: bool
    """It would be refused again: there is no point in trying."""


class DeliveryState(StrEnum):
    """Whether it has left."""

    PENDING = "PENDING"
    SENT = "SENT"
    DEAD = "DEAD"


class Delivery(SQLModel, table=True):
    """EVT-1. One thing to send: what of, to whom, and how far it got."""

    __tablename__ = "delivery"
    __table_args__ = (Index("ix_delivery_due", "state", "due_at", "id"), Index("ix_delivery_event", "event_id"))

    id: UUID = Field(default_factory=new_id, primary_key=True)
    event_id: UUID = Field(foreign_key="activity_event.id")
    kind: DeliveryKind = Field(sa_type=one_of(DeliveryKind, "delivery_kind"))
    template: str = Field(max_length=80)
    """Of the mail; for anything else the code of its fact."""
    address: str | None = Field(default=None, sa_type=Email)
    """None is the reader's, as it is when the mail is sent."""
    reader_id: UUID | None = None
    """Who reads it, where that is not the owner."""
    state: DeliveryState = Field(default=DeliveryState.PENDING, sa_type=one_of(DeliveryState, "delivery_state"))
    due_at: datetime = Field(sa_type=Instant)
    attempt: int = 0
    lease_by: UUID | None = None
    lease_until: datetime | None = Field(default=None, sa_type=Instant)
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
    last_error: str | None = Field(default=None, max_length=80)


LINKED = frozenset({"email_verification", "email_change", "password_reset", "grant_invitation", "transfer_invitation"})
"""Mails that carry a link: a fact without one, which looks the same to whoever caused it, sends none."""


def deliveries(events: Iterable[ActivityEvent], real_now: datetime) -> Iterator[Delivery]:
    """EVT-1. What the facts of one transaction send."""
    for event in events:
        if "task_id" in event.facts:
            yield Delivery(event_id=event.id, kind=DeliveryKind.PROVISIONING, template=event.kind, due_at=real_now)
        action = ACTIONS.get(event.kind)
        template = event.facts.get("template") or (action.mail if action else None)
        if template is not None and (template not in LINKED or "link_id" in event.facts):
            for reader_id in event.facts.get("reader_ids", [None]):
                yield Delivery(
                    event_id=event.id,
                    kind=DeliveryKind.MAIL,
                    template=template,
                    address=event.facts.get("address"),
                    reader_id=UUID(reader_id) if reader_id else None,
                    due_at=real_now,
                )


def backoff(attempt: int, *, first: timedelta, most: timedelta) -> timedelta:
    """How long to wait after attempt number `attempt` failed: twice as long each time, up to `most`.

    Half to the whole of it, by chance: what failed together does not come back together.
    """
    longest = min(first * (1 << min(attempt - 1, 30)), most)
    return longest * (500 + secrets.randbelow(501)) // 1000
