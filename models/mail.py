"""EVT-3. Mails: what one is made of, who carries them, and those of the practice system, which are kept for reading."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.column import Instant
from models.delivery import Undelivered
from models.profile import Locale

TOKEN_PLACE = "{token}"  # noqa: S105 - where a kept mail had its token
SUBJECT_LENGTH = 300


class MailRefused(Undelivered):
    """EVT-3. A mail did not leave."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What a mail tells about: the fact, and to whom."""

    delivery_id: UUID
    template: str
    address: str
    owner_id: UUID
    name: str | None
    """How to address the reader; None where the address may be somebody else's than the profile's."""
    locale: Locale
    occurred_at: datetime
    sent_at: datetime
    """Real time."""
    ip_address: str | None
    facts: Mapping[str, Any]
    link_id: UUID | None = None
    link_expires_at: datetime | None = None
    thread_id: UUID | None = None
    """TIC-3. The ticket that it belongs to."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it is sent, and its text for the practice system."""

    message: EmailMessage
    subject: str
    text: str
    token: str | None

    def __repr__(self) -> str:
        return f"Letter({self.message['Message-ID']})"


WriteLetter = Callable[[Cause], Letter]
"""Writes a mail; raises MailRefused where it cannot be written safely."""


class Mailer(Protocol):
    """EVT-3. Carries mails. The same Message-ID may be given twice: the reader should get one mail."""

    def send(self, message: EmailMessage) -> Awaitable[None]:
        """Raises MailRefused."""
        ...


class SandboxMail(SQLModel, table=True):
    """EVT-3. A mail of the practice system, for whoever has its address. Its token is put together on reading."""

    __tablename__ = "sandbox_mail"
    __table_args__ = (Index("ix_sandbox_mail_owner", "owner_id", "sent_at", "id"),)

    id: UUID = Field(primary_key=True)
    owner_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    sent_at: datetime = Field(sa_type=Instant)
    template: str = Field(max_length=80)
    subject: str = Field(max_length=SUBJECT_LENGTH)
    text: str
    link_id: UUID | None = None
