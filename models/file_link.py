"""Links to files: good for minutes of real time, for the session, token or service that asked, and stored nowhere."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

BODY_BYTES, SEAL_BYTES = 16 + 16 + 8, 20
TOKEN = re.compile("[A-Za-z0-9_-]{80}")


@dataclass(frozen=True, slots=True)
class FileLink:
    """What a link opens, through what it was asked for, and until when."""

    key: UUID
    bearer_id: UUID
    expires_at: datetime


def file_token(secret: str, purpose: str, link: FileLink) -> str:
    """The link as a part of an address; one made for another purpose opens nothing."""
    body = link.key.bytes + link.bearer_id.bytes + int(link.expires_at.timestamp()).to_bytes(8)
    return base64.urlsafe_b64encode(body + _seal(secret, purpose, body)).decode()


def read_file_token(secret: str, purpose: str, token: str, real_now: datetime) -> FileLink | None:
    """The link of a token; None for whatever this secret did not seal for this purpose, and for what has expired."""
    if not TOKEN.fullmatch(token):
        return None
    raw = base64.urlsafe_b64decode(token)
    body, seal = raw[:BODY_BYTES], raw[BODY_BYTES:]
    if not hmac.compare_digest(seal, _seal(secret, purpose, body)):
        return None
    expires_at = datetime.fromtimestamp(int.from_bytes(body[32:40]), UTC)
    return FileLink(UUID(bytes=body[:16]), UUID(bytes=body[16:32]), expires_at) if real_now < expires_at else None


def _seal(secret: str, purpose: str, body: bytes) -> bytes:
    derived = hmac.new(secret.encode(), b"espace:" + purpose.encode(), hashlib.sha256).digest()
    return hmac.new(derived, body, hashlib.sha256).digest()[:SEAL_BYTES]
