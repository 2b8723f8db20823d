"""TOK-1, TOK-2. API tokens: one long-lived secret for each application, kept only as a hash."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.column import Instant, json_column, new_id
from models.legal_identity import CannotBeEmpty
from models.network import check_within, distinct
from models.profile import Profile
from models.refusal import Code, LimitReached, Refusal
from models.secret import SecretKind, fingerprint, new_secret

NAME_LENGTH = 80
PREFIX_LENGTH = 12
"""`esp_api_` and 4 of 43 random characters: enough to recognise a token by, and far from enough to guess the rest."""

CREATED = action("token.created", "An API token was created", mail="api_token_created")
UPDATED = action("token.updated", "An API token was changed")
REGENERATED = action("token.regenerated", "The secret of an API token was replaced")
DELETED = action("token.deleted", "An API token was revoked")


class TwoFactorNotEnabled(Refusal):
    """TOK-1. The profile signs in with its password alone."""

    code = Code.TWO_FACTOR_NOT_ENABLED
    message = "Enable two-factor authentication first: API tokens need it."


class TooManyTokens(LimitReached):
    """TOK-2. The profile has as many tokens as it may."""

    message = "A profile has at most {limit} API tokens, and {used} are there."


@dataclass(eq=False)
class InvalidTokenName(Refusal):
    """TOK-2. A token is recognised by its name, so it has one, of a length that lists can show."""

    code = Code.INVALID
    message = "The name has between 1 and {limit} characters."
    limit: int


class AlreadyExpired(Refusal):
    """TOK-2. The end of validity is over."""

    code = Code.INVALID
    message = "The end of validity is in the future."


class ApiToken(SQLModel, table=True):
    """TOK-2. What one application calls with: the permissions of its profile, or fewer."""

    __tablename__ = "api_token"
    __table_args__ = (Index("ix_api_token_profile", "profile_id", "created_at", "id"),)
    activity_type: ClassVar[str] = "ApiToken"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    profile_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    name: str = Field(max_length=NAME_LENGTH)
    prefix: str = Field(max_length=PREFIX_LENGTH)
    secret_hash: str = Field(max_length=64, unique=True, repr=False)
    ip_allowlist: list[str] = Field(default_factory=list, sa_type=json_column())
    enabled: bool = True
    read_only: bool = False
    only_owner_id: UUID | None = Field(default=None, foreign_key="profile.id", ondelete="CASCADE")
    only_account_id: UUID | None = Field(default=None, foreign_key="account.id", ondelete="CASCADE")
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    last_used_at: datetime | None = Field(default=None, sa_type=Instant)
    last_used_from: str | None = Field(default=None, max_length=45)

    @property
    def owner_id(self) -> UUID:
        return self.profile_id

    def update(self, record: Record, changes: Mapping[str, Any], *, profile: Profile, most_networks: int) -> None:
        """TOK-2. Change what `changes` names, a null clears; its secret stays. Where it refuses, nothing is changed."""
        check_two_factor(profile)
        checked = {name: checked_value(name, value, record, profile, most_networks) for name, value in changes.items()}
        differences = {
            name: (getattr(self, name), value) for name, value in checked.items() if getattr(self, name) != value
        }
        for name, (_, after) in differences.items():
            setattr(self, name, after)
        record.happened(UPDATED, self, changes=_readable(differences), name=self.name)

    def regenerate(self, record: Record, *, profile: Profile) -> str:
        """TOK-1. Answers a new secret; the old one is refused from the next request on."""
        check_two_factor(profile)
        secret = new_secret(SecretKind.API)
        self.prefix, self.secret_hash = secret[:PREFIX_LENGTH], fingerprint(secret)
        record.happened(REGENERATED, self, name=self.name)
        return secret

    def revoke(self, record: Record) -> None:
        """TOK-1. Say that it is gone; its row is deleted by whoever holds the transaction."""
        record.happened(DELETED, self, name=self.name)


@dataclass(frozen=True, slots=True)
class Created:
    """A token just made, with its secret, which exists nowhere else."""

    token: ApiToken
    secret: str

    def __repr__(self) -> str:
        return f"Created({self.token.id})"


def create_token(
    record: Record, profile: Profile, *, used: int, limit: int, most_networks: int, values: Mapping[str, Any]
) -> Created:
    """TOK-1, TOK-2. A new token of the profile, which has `used` already; raises the refusal of what cannot be."""
    check_two_factor(profile)
    if used >= limit:
        raise TooManyTokens(limit, used)
    checked = {name: checked_value(name, value, record, profile, most_networks) for name, value in values.items()}
    secret = new_secret(SecretKind.API)
    token = ApiToken(
        profile_id=profile.id,
        prefix=secret[:PREFIX_LENGTH],
        secret_hash=fingerprint(secret),
        created_at=record.real_now,
        **checked,
    )
    record.happened(CREATED, token, name=token.name)
    return Created(token, secret)


def has_two_factor(profile: Profile) -> bool:
    """PRO-5. Whether the profile signs in with two factors."""
    return profile.two_factor_since is not None


def check_two_factor(profile: Profile) -> None:
    """TOK-1. Raises TwoFactorNotEnabled."""
    if not has_two_factor(profile):
        raise TwoFactorNotEnabled


def checked_value(name: str, value: Any, record: Record, profile: Profile, most_networks: int) -> Any:
    """`value` in its stored form, or the refusal of the rule that it breaks, at its input field."""
    try:
        if name == "name":
            return _name(value)
        if name == "ip_allowlist":
            return _networks(value or [], profile.ip_allowlist, most_networks)
        if name == "expires_at":
            return _end(value, record.real_now)
        if name == "enabled" and value is None:
            raise CannotBeEmpty
        return value
    except Refusal as refusal:
        raise refusal.at(name) from None


def _name(value: str | None) -> str:
    if value is None:
        raise CannotBeEmpty
    tidy = re.sub(r"\s+", " ", value).strip()
    if not 1 <= len(tidy) <= NAME_LENGTH:
        raise InvalidTokenName(NAME_LENGTH)
    return tidy


def _networks(networks: Sequence[str], outer: Sequence[str], most: int) -> list[str]:
    once = distinct(networks, most)
    check_within(once, outer)
    return once


def _end(value: datetime | None, now: datetime) -> datetime | None:
    if value is not None and value <= now:
        raise AlreadyExpired
    return value


def _readable(differences: Mapping[str, tuple[Any, Any]]) -> dict[str, tuple[Any, Any]]:
    """Changes as they can be stored: instants as text."""

    def text(value: Any) -> Any:
        return value.isoformat() if isinstance(value, datetime) else value

    return {name: (text(before), text(after)) for name, (before, after) in differences.items()}
