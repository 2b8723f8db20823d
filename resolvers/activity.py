"""The history of what happened to what a profile owns."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from models.activity import ActivityChannel, ActivityEvent
from models.column import table
from models.profile import Profile

EVENTS, PROFILES = table(ActivityEvent), table(Profile)


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


def actor() -> Select[Any]:
    """PRO-15. Whose profile acted. Who of the staff it was, no customer is told, whatever they know of them."""
    return (
        select(EVENTS.c.id)
        .join_from(EVENTS, PROFILES, PROFILES.c.id == EVENTS.c.actor_id)
        .where(EVENTS.c.channel != ActivityChannel.SUPPORT)
    )
