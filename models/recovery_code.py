"""PRO-5. Recovery codes: ten of them, each in place of a one-time code, once."""

import re
import secrets
from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.column import Instant, new_id
from models.secret import fingerprint

COUNT = 10
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Base32 without letters that are read as digits, and without U."""
GROUPS, GROUP_LENGTH = 6, 4  # 24 characters of 32 carry 120 bits: one round of SHA-256 is enough
FORM = re.compile(f"[{ALPHABET}]{{{GROUPS * GROUP_LENGTH}}}")
MISREAD = str.maketrans("OIL", "011", "- ")


class RecoveryCode(SQLModel, table=True):
    """PRO-5. A code that was shown once; only its hash is kept."""

    __tablename__ = "recovery_code"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    profile_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE", index=True)
    code_hash: str = Field(max_length=64, unique=True, repr=False)
    created_at: datetime = Field(sa_type=Instant)
    used_at: datetime | None = Field(default=None, sa_type=Instant)


def new_codes() -> list[str]:
    """Ten codes to be shown: `7Q2M-0ZKD-…`."""
    return ["-".join(_group() for _ in range(GROUPS)) for _ in range(COUNT)]


def code_hash(code: str) -> str | None:
    """What is stored of a code, however it was typed; None for what cannot be one."""
    tidy = code.strip().upper().translate(MISREAD)
    return fingerprint(tidy) if FORM.fullmatch(tidy) else None


def _group() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH))
