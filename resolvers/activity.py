"""The history of what happened to what a profile owns."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from models.activity import ActivityChannel, ActivityEvent, Fact
from models.column import table
from models.db import Db
from models.profile import Profile

EVENTS, PROFILES = table(ActivityEvent), table(Profile)
SIZES = (1, 10, 100)
"""Keys are filled up to one of these: three statements are prepared, and not a hundred."""
FACTS = select(*(EVENTS.c[name] for name in Fact._fields)).order_by(EVENTS.c.id)


def of_owner(
    *,
    action: str | None = None,
    subject: tuple[str, UUID] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Select[Any]:
    """PRO-15. The history of an owner: of one kind or family of kinds, about one object, in [since, until)."""
    events = select(EVENTS.c.owner_id)
    if action is not None:
        events = events.where(func.substr(EVENTS.c.kind, 1, func.length(action)) == action)
    if subject is not None:
        kind, key = subject
        events = events.where(EVENTS.c.subject_type == kind, EVENTS.c.subject_id == key)
    if since is not None:
        events = events.where(EVENTS.c.occurred_at >= since)
    if until is not None:
        events = events.where(EVENTS.c.occurred_at < until)
    return events


async def facts(db: Db, keys: Sequence[UUID]) -> list[Fact]:
    """EVT-1. Those of these facts that there are, in their order; at most the largest of `SIZES`."""
    size = next(size for size in SIZES if size >= len(keys))
    filled = [*keys, *[keys[-1]] * (size - len(keys))]
    return [Fact._make(row) for row in await db.rows(FACTS.where(EVENTS.c.id.in_(filled)))]


async def facts_between(db: Db, start: UUID, end: UUID, most: int) -> list[UUID]:
    """EVT-1. The ids of so many facts between these, the first of them first; ids sort by time."""
    found = select(EVENTS.c.id).where(EVENTS.c.id > start, EVENTS.c.id < end).order_by(EVENTS.c.id).limit(most)
    return [row.id for row in await db.rows(found)]


def actor() -> Select[Any]:
    """PRO-15. Whose profile acted. Who of the staff it was, no customer is told, whatever they know of them."""
    return (
        select(EVENTS.c.id)
        .join_from(EVENTS, PROFILES, PROFILES.c.id == EVENTS.c.actor_id)
        .where(EVENTS.c.channel != ActivityChannel.SUPPORT)
    )
