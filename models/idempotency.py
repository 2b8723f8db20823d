"""BIL-15. Intents: a key that a client sends with each retry, so that what moves money happens once.

The row is written first in the transaction of what it stands for, and stays with it: a refusal takes it back.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.column import Instant, json_column, new_id
from models.quote import canonical
from models.refusal import Code, Refusal

PURPOSE = b"espace:intent"
"""What the key of input digests is derived for: inputs hold passwords, so nobody else may try values against one."""


class KeyReused(Refusal):
    """BIL-15. One key is one intent."""

    code = Code.IDEMPOTENCY_KEY_REUSED
    message = "This key was used with other values: take a fresh one for each intent."


@dataclass(eq=False)
class InProgress(Refusal):
    """BIL-15. The first request with this key is not over."""

    code = Code.IDEMPOTENCY_IN_PROGRESS
    message = "The first request with this key is still running: retry shortly."
    retry_at: datetime


@dataclass(frozen=True, slots=True)
class Intent:
    """BIL-15. What somebody wants done once."""

    key: UUID
    profile_id: UUID
    """Whose key it is: the caller's, whomever they act for."""
    operation: str
    input_digest: str = field(repr=False)


class KeptIntent(SQLModel, table=True):
    """BIL-15. An intent that was carried out, and the ids of what came of it."""

    __tablename__ = "kept_intent"
    __table_args__ = (UniqueConstraint("profile_id", "key"), Index("ix_kept_intent_kept", "kept_at"))

    id: UUID = Field(default_factory=new_id, primary_key=True)
    profile_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    key: UUID
    operation: str = Field(max_length=80)
    input_digest: str = Field(max_length=64, repr=False)
    results: dict[str, str] = Field(default_factory=dict, sa_type=json_column())
    """Ids by name."""
    kept_at: datetime = Field(sa_type=Instant)
    """Real time."""


def input_digest(key: str, operation: str, values: Mapping[str, Any]) -> str:
    """BIL-15. What tells one input from another, and can only be compared by the holder of the service's key."""
    derived = hmac.new(key.encode(), PURPOSE, hashlib.sha256).digest()
    return hmac.new(derived, canonical([operation, values]), hashlib.sha256).hexdigest()


def results_of(intent: Intent, *, operation: str, input_digest: str, results: Mapping[str, str]) -> dict[str, UUID]:
    """BIL-15. What a kept intent answers to this one; raises KeyReused where it is another."""
    same = operation == intent.operation and hmac.compare_digest(input_digest, intent.input_digest)
    if not same:
        raise KeyReused().at("idempotency_key")
    return {name: UUID(value) for name, value in results.items()}
