"""The write transaction of a command, and the rows it acts on: found, locked and allowed in one call."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar, cast
from uuid import UUID

from sqlalchemy import bindparam, or_
from sqlalchemy import select as select_columns
from sqlmodel import SQLModel, select

from models.activity import Recorded
from models.column import table
from models.context import Context
from models.db import Write
from models.decision import decide
from models.permission import Subject
from models.refusal import NotFound
from models.session import Session, SessionEnded
from models.token import ApiToken
from resolvers.right import with_rights

T = TypeVar("T", bound=SQLModel)
SESSIONS = table(Session)
LIVE = select_columns(SESSIONS.c.id).where(
    SESSIONS.c.id == bindparam("session_id"),
    SESSIONS.c.ended_at.is_(None),
    SESSIONS.c.expires_at > bindparam("real_now"),
)
TOKENS = table(ApiToken)
STANDING = select_columns(TOKENS.c.id).where(
    TOKENS.c.id == bindparam("token_id"),
    TOKENS.c.enabled,
    or_(TOKENS.c.expires_at.is_(None), TOKENS.c.expires_at > bindparam("real_now")),
)


@asynccontextmanager
async def writing(context: Context) -> AsyncIterator[Write]:
    """PRO-8. A write transaction of the caller; SessionEnded where their session or token was ended meanwhile."""
    async with context.db.write() as write:
        key, token = context.viewer.session_id, context.viewer.token_id
        if key is not None and not await write.rows(LIVE, {"session_id": key, "real_now": write.real_now}):
            raise SessionEnded
        if token is not None and not await write.rows(STANDING, {"token_id": token, "real_now": write.real_now}):
            raise SessionEnded
        yield write


async def find(
    context: Context,
    write: Write,
    model: type[T],
    key: UUID,
    *path: str,
    whose: Callable[[T], Subject[UUID]] | None = None,
) -> T:
    """PER-12. The row, locked; NotFound, at the input field `path`, where the caller's right to it is gone.

    `whose` tells the subject of the row where it is another one than its owner's.
    """
    row = await write.lock_one(select(model).where(table(model).c.id == key))
    if row is None or not await _may(context, write, whose(row) if whose else subject_of(row)):
        raise NotFound().at(*path) if path else NotFound()
    return row


def subject_of(row: SQLModel) -> Subject[UUID]:
    """What a row is to the permission model: its owner's, and of the account and server that it says."""
    found: Subject[UUID] | None = getattr(row, "subject", None)
    return found or Subject(cast(Recorded, row).owner_id)


async def belonging(write: Write, model: type[T], key: UUID, owner_id: UUID, *path: str) -> T:
    """PER-12. A further row that an input names, locked; NotFound unless it belongs to the subject's owner."""
    row = await write.lock_one(select(model).where(table(model).c.id == key))
    if row is None or subject_of(row).owner_id != owner_id:
        raise NotFound().at(*path)
    return row


async def _may(context: Context, write: Write, subject: Subject[UUID]) -> bool:
    """Whether the requirement of the command is met; what others granted is read again, as it is now."""
    viewer = context.viewer
    if subject.owner_id != viewer.own_id:
        viewer = await with_rights(write, viewer)
    return decide(viewer, context.requirement, subject) is None
