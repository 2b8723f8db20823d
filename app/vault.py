"""PRO-5. Seals with AES-GCM, under a key that is derived from `ESPACE_SECRET_KEY` for this purpose alone."""

import base64
import os
from uuid import UUID

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from models.secret import unsaid
from models.vault import Unopened

PURPOSE = b"espace:vault:1"
logger = structlog.get_logger(__name__)
KEY_BYTES, NONCE_BYTES = 32, 12


class KeyVault:
    """A vault whose key is derived from a secret of the settings."""

    def __init__(self, secret_key: str) -> None:
        key = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=PURPOSE).derive(secret_key.encode())
        self._cipher = AESGCM(key)
        self._told = False

    __repr__ = unsaid

    def seal(self, text: str, owner_id: UUID) -> str:
        nonce = os.urandom(NONCE_BYTES)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), owner_id.bytes)).decode()

    def open(self, sealed: str, owner_id: UUID) -> str:
        raw = base64.b64decode(sealed)
        try:
            return self._cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], owner_id.bytes).decode()
        except (InvalidTag, ValueError):
            if not self._told:  # Every code of every profile would say the same.
                logger.error("secret_key_opens_nothing")
            self._told = True
            raise Unopened from None
