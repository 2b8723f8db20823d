"""TIC-1. Files on their way in: announced, sent once to an address of their own, checked, and attached to a message.

An address works once, for a while of real time, for one announced file; whoever has it needs no session, and can do
nothing else with it.
"""

import base64
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.column import Instant, new_id, one_of
from models.refusal import Code, Refusal
from models.setting import Figures

ANNOUNCED = action("upload.announced", "A file was announced")
FILENAME_LENGTH = 200
TYPE_LENGTH = 100
PURPOSE = b"espace:upload"
SEAL_BYTES = 16
TOKEN = re.compile("[A-Za-z0-9_-]{43}")
SHA256 = re.compile("[0-9a-f]{64}")
RESERVED_NAMES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
)
"""What one system takes for a device, whatever follows the dot."""
NO_NAME = "file"


class UploadState(StrEnum):
    """How far a file has come."""

    ANNOUNCED = "ANNOUNCED"
    RECEIVING = "RECEIVING"
    RECEIVED = "RECEIVED"
    REFUSED = "REFUSED"


class UploadRejected(Refusal):
    """TIC-1. A file that is not taken."""

    code = Code.UPLOAD_REJECTED
    message = "This file cannot be attached: it is not there, was refused, or is used already."


class NothingToUpload(UploadRejected):
    """TIC-1. A file has bytes."""

    message = "The file is empty."


@dataclass(eq=False)
class FileTooLarge(UploadRejected):
    """TIC-1. Files have a size."""

    message = "A file has {most} bytes at most."
    most: int


@dataclass(eq=False)
class TypeNotTaken(UploadRejected):
    """TIC-1. Files of some types are taken."""

    message = "Files of this type are not taken. These are: {types}."
    types: str


class NoHash(UploadRejected):
    """TIC-1. What is announced is what has to come."""

    message = "The SHA-256 of a file is 64 hexadecimal digits in lower case."


@dataclass(eq=False)
class TooManyWaiting(UploadRejected):
    """TIC-1. What was announced is attached, or forgotten after a while."""

    message = "There are {most} files that are attached to nothing yet: attach them, or wait until they are forgotten."
    most: int


@dataclass(eq=False)
class NoRoomLeft(UploadRejected):
    """TIC-1. Everybody has some room."""

    message = "All your files together have {most} bytes at most."
    most: int


@dataclass(eq=False)
class TooManyFiles(UploadRejected):
    """TIC-1. A message has a bounded list of files."""

    message = "A message has {most} files at most."
    most: int


class StoredFile(SQLModel, table=True):
    """TIC-1. That bytes may be kept under an id: there until they are deleted, whatever became of who sent them."""

    __tablename__ = "stored_file"

    id: UUID = Field(primary_key=True)
    created_at: datetime = Field(sa_type=Instant)


class Upload(SQLModel, table=True):
    """TIC-1. A file that somebody announced, until it is attached."""

    __tablename__ = "upload"
    __table_args__ = (Index("ix_upload_owner", "owner_id", "id"), Index("ix_upload_expiry", "expires_at", "id"))
    activity_type: ClassVar[str] = "Upload"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    """Under which its bytes are kept, for good."""
    owner_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    filename: str = Field(max_length=FILENAME_LENGTH)
    content_type: str = Field(max_length=TYPE_LENGTH)
    byte_size: int
    sha256: str = Field(max_length=64)
    state: UploadState = Field(default=UploadState.ANNOUNCED, sa_type=one_of(UploadState, "upload_state"))
    created_at: datetime = Field(sa_type=Instant)
    """Real time, as its end."""
    expires_at: datetime = Field(sa_type=Instant)

    def check_usable(self, profile_id: UUID | None, real_now: datetime) -> None:
        """TIC-1. Whether somebody can attach it: their own, all of it there, in time."""
        mine = self.owner_id == profile_id and self.state is UploadState.RECEIVED and real_now < self.expires_at
        if not mine:
            raise UploadRejected


@dataclass(frozen=True, slots=True)
class Stock:
    """What somebody has sent already."""

    waiting: int
    waiting_bytes: int
    attached_bytes: int


def announce(
    record: Record,
    figures: Figures,
    stock: Stock,
    *,
    owner_id: UUID,
    filename: str,
    content_type: str,
    byte_size: int,
    sha256: str,
) -> Upload:
    """TIC-1. A file that may be sent, for a while."""
    kind = content_type.strip().lower()
    if kind not in figures.upload_types:
        raise TypeNotTaken(", ".join(figures.upload_types)).at("content_type")
    if byte_size < 1:
        raise NothingToUpload().at("byte_size")
    if byte_size > figures.upload_bytes:
        raise FileTooLarge(figures.upload_bytes).at("byte_size")
    if not SHA256.fullmatch(sha256):
        raise NoHash().at("sha256")
    if stock.waiting >= figures.uploads_waiting:
        raise TooManyWaiting(figures.uploads_waiting)
    if stock.waiting_bytes + stock.attached_bytes + byte_size > figures.upload_room:
        raise NoRoomLeft(figures.upload_room)
    announced = Upload(
        owner_id=owner_id,
        filename=safe_name(filename),
        content_type=kind,
        byte_size=byte_size,
        sha256=sha256,
        created_at=record.real_now,
        expires_at=record.real_now + figures.upload_lifetime,
    )
    record.happened(ANNOUNCED, announced, content_type=kind, byte_size=byte_size)
    return announced


def safe_name(name: str) -> str:
    """TIC-1. A file's name as it may stand in a header, a mail and a folder: no path, no order, no device.

    It is mended, not refused: a name says nothing about what is in the file.
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    kept = "".join(letter for letter in last if not _steers(letter) and letter not in '<>:"|?*;%')
    bare = " ".join(kept.split()).strip(" .")
    stem, dot, ending = bare.rpartition(".")
    if bare.partition(".")[0].lower() in RESERVED_NAMES:
        bare = f"_{bare}"
        stem, dot, ending = bare.rpartition(".")
    if len(bare) > FILENAME_LENGTH:
        tail = dot + ending if stem and len(ending) < 20 else ""
        bare = bare[: FILENAME_LENGTH - len(tail)].rstrip(" .") + tail
    return bare or NO_NAME


def _steers(letter: str) -> bool:
    """Whether it is no letter but an order, such as to write from right to left; or half of one."""
    return unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def upload_token(key: str, upload_id: UUID) -> str:
    """The part of the address that is nobody else's: the id, and a seal that only the holder of the key can make."""
    return base64.urlsafe_b64encode(upload_id.bytes + _seal(key, upload_id)).decode().rstrip("=")


def read_upload_token(key: str, token: str) -> UUID | None:
    """The upload of an address; None for whatever this key did not seal."""
    if not TOKEN.fullmatch(token):
        return None
    raw = base64.urlsafe_b64decode(token + "=")
    upload_id = UUID(bytes=raw[:16])
    exact = hmac.compare_digest(raw[16:], _seal(key, upload_id)) and upload_token(key, upload_id) == token
    return upload_id if exact else None


def _seal(key: str, upload_id: UUID) -> bytes:
    derived = hmac.new(key.encode(), PURPOSE, hashlib.sha256).digest()
    return hmac.new(derived, upload_id.bytes, hashlib.sha256).digest()[:SEAL_BYTES]


def check_count(ids: Collection[UUID], figures: Figures) -> None:
    """TIC-1. How many files one message has; each of them once."""
    if len(ids) > figures.message_files:
        raise TooManyFiles(figures.message_files).at("upload_ids")
    if len(set(ids)) < len(ids):
        raise UploadRejected().at("upload_ids")
