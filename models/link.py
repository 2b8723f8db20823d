"""PRO-1, PRO-3, PRO-7. Links that mails carry: each works once, for a while, and its token is stored nowhere.

The token is the link's id and a seal that only the holder of the service's key can make: it is put together when the
mail is written, and found by its id when it comes back. Links are security and live in real time.
"""

import hashlib
import hmac
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.activity import Record
from models.column import Email, Instant, new_id, one_of
from models.refusal import Code, Refusal
from models.secret import ALPHABET, BODY_LENGTH, SecretKind, is_well_formed, with_checksum

ID_LENGTH = 22  # 22 characters of 62 carry the 128 bits of an id; 21 more carry 125 of the seal
ID_END = 2**128


class LinkKind(StrEnum):
    """What following a link does."""

    EMAIL_VERIFICATION = "EMAIL_VERIFICATION"
    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105 - the name of a kind, not a secret
    EMAIL_CHANGE = "EMAIL_CHANGE"
    INVITATION = "INVITATION"


class LinkUnknown(Refusal):
    """No link of this kind has this token."""

    code = Code.INVALID
    message = "This link is not valid: copy it whole from the mail."


class LinkExpired(Refusal):
    """PRO-7. The link was used, or its time is over."""

    code = Code.EXPIRED
    message = "This link was used already or has expired: ask for another mail."


class Link(SQLModel, table=True):
    """PRO-1, PRO-3, PRO-7. What a mail to `address` lets its reader do, once."""

    __tablename__ = "link"
    __table_args__ = (Index("ix_link_profile", "profile_id", "kind"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: LinkKind = Field(sa_type=one_of(LinkKind, "link_kind"))
    profile_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    address: str = Field(sa_type=Email)
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    used_at: datetime | None = Field(default=None, sa_type=Instant)

    @property
    def owner_id(self) -> UUID:
        return self.profile_id

    def is_open(self, real_now: datetime) -> bool:
        """Whether it can still be used."""
        return self.used_at is None and real_now < self.expires_at

    def use(self, record: Record) -> None:
        """PRO-7. Spend it; raises LinkExpired where it was spent or is too old. Its row has to be locked."""
        if not self.is_open(record.real_now):
            raise LinkExpired
        self.used_at = record.real_now


def new_link(record: Record, *, kind: LinkKind, profile_id: UUID, address: str, lifetime: timedelta) -> Link:
    """A link for a mail: the fact that makes the mail names it, `happened(…, address=…, link_id=link.id)`."""
    return Link(
        kind=kind,
        profile_id=profile_id,
        address=address,
        created_at=record.real_now,
        expires_at=record.real_now + lifetime,
    )


def link_token(key: str, link_id: UUID) -> str:
    """`esp_link_<22 characters of id><21 of seal><6 of checksum>`; the same each time for the same key and link."""
    body = _digits(link_id.int, ID_LENGTH) + _seal(key, link_id)
    return with_checksum(SecretKind.LINK, body)


def read_link_token(key: str, token: str) -> UUID | None:
    """The link that a token is of; None for whatever this key did not seal."""
    if not is_well_formed(token, SecretKind.LINK):
        return None
    body = token.removeprefix(f"esp_{SecretKind.LINK}_")[:BODY_LENGTH]
    number = 0
    for digit in body[:ID_LENGTH]:
        number = number * len(ALPHABET) + ALPHABET.index(digit)
    if number >= ID_END:
        return None
    link_id = UUID(int=number)
    return link_id if hmac.compare_digest(body[ID_LENGTH:], _seal(key, link_id)) else None


def _seal(key: str, link_id: UUID) -> str:
    digest = hmac.new(key.encode(), b"link:" + link_id.bytes, hashlib.sha256).digest()
    return _digits(int.from_bytes(digest), BODY_LENGTH - ID_LENGTH)


def _digits(number: int, length: int) -> str:
    """The last `length` digits of `number` in base 62."""
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
