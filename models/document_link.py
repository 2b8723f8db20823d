"""BIL-19. Links to documents: good for minutes of real time, for what and whom they were made, and stored nowhere."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from models.profile import Locale

LOCALES = tuple(Locale)
SEAL_BYTES = 16
BODY_BYTES = 16 + 16 + 8 + 1
TOKEN_LENGTH = 76
"""Characters of base64 for the 57 bytes of both."""


@dataclass(frozen=True, slots=True)
class DocumentLink:
    """What a link opens, in which language, who was given it, and until when."""

    contract_id: UUID
    reader_id: UUID
    locale: Locale
    expires_at: datetime


def document_token(key: str, link: DocumentLink) -> str:
    """The link as a part of an address: its content and a seal that only the holder of the service's key can make."""
    seconds = int(link.expires_at.timestamp())
    locale = bytes([LOCALES.index(link.locale)])
    body = link.contract_id.bytes + link.reader_id.bytes + seconds.to_bytes(8) + locale
    return base64.urlsafe_b64encode(body + _seal(key, body)).decode()


def read_document_token(key: str, token: str, real_now: datetime) -> DocumentLink | None:
    """The link of a token; None for whatever this key did not seal, and for what has expired."""
    if len(token) != TOKEN_LENGTH or not token.isascii():
        return None
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except ValueError:
        return None
    body, seal = raw[:BODY_BYTES], raw[BODY_BYTES:]
    if not hmac.compare_digest(seal, _seal(key, body)):
        return None
    expires_at = datetime.fromtimestamp(int.from_bytes(body[32:40]), UTC)
    if real_now >= expires_at:
        return None
    return DocumentLink(UUID(bytes=body[:16]), UUID(bytes=body[16:32]), LOCALES[body[40]], expires_at)


def _seal(key: str, body: bytes) -> bytes:
    return hmac.new(key.encode(), b"document:" + body, hashlib.sha256).digest()[:SEAL_BYTES]
