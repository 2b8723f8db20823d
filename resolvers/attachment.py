"""TIC-1. Files of messages: links to them, and what a link leads to for whoever follows it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select

from models.attachment import Attachment, AttachmentLink, attachment_token
from models.column import table
from models.context import Context
from models.db import Db
from models.decision import decide
from models.permission import Requirement, Subject
from models.service import ServiceScope
from models.staff import decide_desk
from models.viewer import Viewer

ATTACHMENTS = table(Attachment)
PATH = "/attachments"
READ = select(ATTACHMENTS).where(ATTACHMENTS.c.id == bindparam("attachment_id"))


def bearer_of(viewer: Viewer) -> UUID | None:
    """What somebody calls through: the token, the session, or the service."""
    return viewer.token_id or viewer.session_id or viewer.service_id


def address(context: Context, key: UUID) -> str:
    """TIC-1. A link to a file, for the session, token or service that asks and a few minutes of real time."""
    bearer = bearer_of(context.viewer)
    assert bearer is not None  # noqa: S101 - behind a gate there is one
    link = AttachmentLink(key, bearer, context.clock.now() + context.figures.attachment_link_lifetime)
    return f"{context.public_url}{PATH}/{attachment_token(context.key, link)}"


async def addresses(context: Context, keys: Sequence[UUID]) -> list[str]:
    """TIC-1. For each file a link."""
    return [address(context, key) for key in keys]


async def read(db: Db, requirement: Requirement, link: AttachmentLink, viewer: Viewer) -> Row[Any] | None:
    """TIC-1, TIC-2. The file of a link, where whoever follows it got it, and still may; else None."""
    if bearer_of(viewer) != link.bearer_id:
        return None
    row = await db.first(READ, {"attachment_id": link.attachment_id})
    if row is None:
        return None
    if decide_desk(viewer, scope=ServiceScope.SUPPORT) is None:
        return row
    if viewer.service_id is not None:
        return None
    subject = Subject(row.owner_id, row.account_id, row.server_id, kind=row.category)
    return row if decide(viewer, requirement, subject) is None else None
