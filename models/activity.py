"""PRO-15, EVT-1. What happened: one row per business fact, written in the transaction of its cause.

Everything that tells about a fact (the activity history, mail, live operations, and webhooks as they come) derives
from this one row. Rows are never changed: triggers refuse it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.column import Instant, json_column, new_id, one_of


class ActivityChannel(StrEnum):
    """Through what somebody acted."""

    SESSION = "SESSION"
    API_TOKEN = "API_TOKEN"  # noqa: S105 - the name of a channel, not a secret
    SUPPORT = "SUPPORT"
    SYSTEM = "SYSTEM"


ACTIONS: dict[str, "Action"] = {}
"""Every kind of fact, by its code."""


@dataclass(frozen=True, slots=True)
class Action:
    """A kind of fact: its dotted code and its sentence, in English. It stands beside the verb that states it.

    `mail` is the template of the mail that each such fact sends: to the address among its facts (`address=…`), else to
    the readers among them (`reader_ids=…`), else to the owner; with the link that they name (`link_id=…`); of another
    template where they name one (`template=…`).
    """

    code: str
    sentence: str
    mail: str | None = None


def action(code: str, sentence: str, *, mail: str | None = None) -> Action:
    """A new kind of fact; raises ValueError where the code is taken."""
    if code in ACTIONS:
        raise ValueError(f"{code} is the code of another action")
    return ACTIONS.setdefault(code, Action(code, sentence, mail))


class ActivityEvent(SQLModel, table=True):
    """PRO-15. A fact: who did what to whose object, from where, and what changed."""

    __tablename__ = "activity_event"
    __table_args__ = (Index("ix_activity_event_owner", "owner_id", "occurred_at", "id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: str = Field(max_length=80)
    occurred_at: datetime = Field(sa_type=Instant)
    recorded_at: datetime = Field(sa_type=Instant)
    owner_id: UUID
    subject_type: str = Field(max_length=40)
    subject_id: UUID
    actor_id: UUID | None = None
    channel: ActivityChannel = Field(sa_type=one_of(ActivityChannel, "activity_channel"))
    session_id: UUID | None = None
    token_id: UUID | None = None
    ip_address: str | None = Field(default=None, max_length=45)
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=json_column())
    changes: dict[str, Any] = Field(default_factory=dict, sa_type=json_column())


class Fact(NamedTuple):
    """EVT-1. A fact as whoever follows it is woken by it: what it is about; the rest is read again, as it is then."""

    id: UUID
    kind: str
    owner_id: UUID
    subject_type: str
    subject_id: UUID
    facts: dict[str, Any]


class Recorded(Protocol):
    """A row that facts can be about: it has an id, an owner and the name of its type in the API."""

    activity_type: ClassVar[str]

    @property
    def id(self) -> UUID: ...

    @property
    def owner_id(self) -> UUID: ...


@dataclass(frozen=True, slots=True)
class Author:
    """Who acts, through what, from where. `actor_id` None is the service itself."""

    channel: ActivityChannel = ActivityChannel.SYSTEM
    actor_id: UUID | None = None
    session_id: UUID | None = None
    ip_address: str | None = None
    token_id: UUID | None = None
    agent: str | None = None
    """Section 14. The first name of somebody of the staff, which customers see."""
    reason: str | None = None
    """Section 14. Why somebody of the staff acts."""

    @property
    def said(self) -> dict[str, str]:
        """What of it stands among the facts."""
        return {name: text for name, text in (("agent", self.agent), ("why", self.reason)) if text}


@dataclass(slots=True)
class Record:
    """What happens in one transaction. Verbs on rows are given it: for the instant, and to say what they did."""

    author: Author
    now: datetime
    """Business time."""
    real_now: datetime
    events: list[ActivityEvent] = field(default_factory=list)

    def happened(
        self,
        action: Action,
        subject: Recorded,
        *,
        changes: Mapping[str, tuple[Any, Any]] | None = None,
        **facts: Any,
    ) -> None:
        """State a fact about `subject`; `changes` maps what changed to (before, after), secrets never included."""
        self.events.append(
            ActivityEvent(
                kind=action.code,
                occurred_at=self.now,
                recorded_at=self.real_now,
                owner_id=subject.owner_id,
                subject_type=subject.activity_type,
                subject_id=subject.id,
                actor_id=self.author.actor_id,
                channel=self.author.channel,
                session_id=self.author.session_id,
                token_id=self.author.token_id,
                ip_address=self.author.ip_address,
                facts={**self.author.said, **facts},
                changes={name: [before, after] for name, (before, after) in (changes or {}).items()},
            )
        )

    def __iter__(self) -> Iterator[ActivityEvent]:
        return iter(self.events)
