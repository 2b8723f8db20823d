"""PRO-5. One-time codes of RFC 6238: six digits, made of a shared secret and the time in steps of 30 seconds.

Pure: what was used already is remembered by whoever asks.
"""

import hmac
import re
from datetime import UTC, datetime, timedelta

import pyotp

STEP = timedelta(seconds=30)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WINDOW = 1
"""Steps on either side of now whose codes are taken as well: clocks differ, and typing takes time."""
SECRET_LENGTH = 32  # 32 characters of base32 carry 160 bits, as long as the hash that is made of them
CODE = re.compile("[0-9]{6}")


def new_secret() -> str:
    """A secret as people type it in: base32, without padding."""
    return pyotp.random_base32(SECRET_LENGTH)


def provisioning_uri(secret: str, *, issuer: str, account: str) -> str:
    """The `otpauth://` address that an authenticator reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def normalised(code: str) -> str | None:
    """Six digits of ASCII, spaces left out; None for anything else, digits of other scripts included."""
    tidy = "".join(code.split())
    return tidy if CODE.fullmatch(tidy) else None


def step_at(instant: datetime) -> int:
    """The number of the step that `instant` is in."""
    return (instant - EPOCH) // STEP


def code_at(secret: str, step: int) -> str:
    """The code of a step."""
    return pyotp.TOTP(secret).generate_otp(step)


def matched_step(secret: str, code: str, now: datetime, window: int = WINDOW) -> int | None:
    """The newest step around `now` that `code` is of, or None. It takes as long for every code of six digits."""
    given = normalised(code)
    if given is None:
        return None
    current, found = step_at(now), None
    for step in range(max(0, current - window), current + window + 1):
        if hmac.compare_digest(code_at(secret, step), given):
            found = step
    return found
