"""TOK-1. Secrets that the service hands out: recognisable, checkable without a look-up, kept only as a hash."""

import hashlib
import hmac
import re
import secrets
import zlib
from enum import StrEnum

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BODY_LENGTH = 43  # 43 characters of 62 carry 256 bits
CHECKSUM_LENGTH = 6
FORM = re.compile(rf"esp_([a-z]+)_([0-9A-Za-z]{{{BODY_LENGTH}}})([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})")


class SecretKind(StrEnum):
    """What a secret opens; it is readable in the secret, so that a leaked one is recognised."""

    COOKIE = "cookie"
    ACCESS = "access"
    REFRESH = "refresh"
    API = "api"
    LINK = "link"
    CHALLENGE = "challenge"
    SERVICE = "service"


def unsaid(holder: object) -> str:
    """The `__repr__` of what holds secrets: tracebacks and logs show reprs."""
    return f"<{type(holder).__name__}>"


def new_secret(kind: SecretKind) -> str:
    """`esp_<kind>_<43 random characters><6 of checksum>`."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(BODY_LENGTH))
    return with_checksum(kind, body)


def with_checksum(kind: SecretKind, body: str) -> str:
    """The whole secret around a body of 43 characters."""
    return f"esp_{kind}_{body}{_checksum(kind, body)}"


def is_well_formed(secret: str, kind: SecretKind) -> bool:
    """Whether `secret` could be of this kind: its prefix and checksum are right."""
    match = FORM.fullmatch(secret)
    return match is not None and match[1] == kind and hmac.compare_digest(match[3], _checksum(kind, match[2]))


def fingerprint(secret: str) -> str:
    """What is stored of a secret. It has 256 random bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def csrf_token(key: str, secret: str) -> str:
    """The value of the readable cookie that goes with a session cookie; of no use without it."""
    return hmac.new(key.encode(), b"csrf:" + secret.encode(), hashlib.sha256).hexdigest()


def _checksum(kind: str, body: str) -> str:
    rest = zlib.crc32(f"{kind}:{body}".encode())
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
