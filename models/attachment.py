"""TIC-1. Files of messages: who may read one, and links to them, good for minutes and for whoever asked for them."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from models.column import Instant, new_id
from models.ticket import TicketMessage
from models.ticket_category import Concerned, TicketCategory, category_of
from models.upload import FILENAME_LENGTH, TYPE_LENGTH, Upload

PURPOSE = b"espace:attachment"
BODY_BYTES, SEAL_BYTES = 16 + 16 + 8, 20
TOKEN = re.compile("[A-Za-z0-9_-]{80}")


class Attachment(Concerned, table=True):
    """TIC-1. A file of a message; its bytes are kept outside of the database."""

    __tablename__ = "attachment"
    __table_args__ = (
        UniqueConstraint("message_id", "position"),
        Index("ix_attachment_uploader", "uploader_id", "byte_size"),
    )
    activity_type: ClassVar[str] = "Attachment"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    message_id: UUID = Field(foreign_key="ticket_message.id", ondelete="CASCADE")
    position: int
    category: TicketCategory = Field(sa_type=category_of("attachment"))
    uploader_id: UUID | None = Field(default=None, foreign_key="profile.id", ondelete="SET NULL")
    stored_as: UUID = Field(unique=True)
    """Under what its bytes are kept."""
    filename: str = Field(max_length=FILENAME_LENGTH)
    content_type: str = Field(max_length=TYPE_LENGTH)
    byte_size: int
    sha256: str = Field(max_length=64)
    created_at: datetime = Field(sa_type=Instant)


def attach(message: TicketMessage, upload: Upload, position: int) -> Attachment:
    """TIC-1. An upload as a file of a message."""
    return Attachment(
        message_id=message.id,
        position=position,
        uploader_id=upload.owner_id,
        stored_as=upload.id,
        filename=upload.filename,
        content_type=upload.content_type,
        byte_size=upload.byte_size,
        sha256=upload.sha256,
        created_at=message.created_at,
        **message.concerning,
    )


@dataclass(frozen=True, slots=True)
class AttachmentLink:
    """What a link opens, through which session, token or service, and until when."""

    attachment_id: UUID
    bearer_id: UUID
    expires_at: datetime


def attachment_token(key: str, link: AttachmentLink) -> str:
    """The link as a part of an address."""
    body = link.attachment_id.bytes + link.bearer_id.bytes + int(link.expires_at.timestamp()).to_bytes(8)
    return base64.urlsafe_b64encode(body + _seal(key, body)).decode()


def read_attachment_token(key: str, token: str, real_now: datetime) -> AttachmentLink | None:
    """The link of a token; None for whatever this key did not seal, and for what has expired."""
    if not TOKEN.fullmatch(token):
        return None
    raw = base64.urlsafe_b64decode(token)
    body, seal = raw[:BODY_BYTES], raw[BODY_BYTES:]
    if not hmac.compare_digest(seal, _seal(key, body)):
        return None
    expires_at = datetime.fromtimestamp(int.from_bytes(body[32:40]), UTC)
    return AttachmentLink(UUID(bytes=body[:16]), UUID(bytes=body[16:32]), expires_at) if real_now < expires_at else None


def _seal(key: str, body: bytes) -> bytes:
    derived = hmac.new(key.encode(), PURPOSE, hashlib.sha256).digest()
    return hmac.new(derived, body, hashlib.sha256).digest()[:SEAL_BYTES]
