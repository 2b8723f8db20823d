"""PER-5 to PER-8. Grants: all the permissions that one profile gives another; at most one for each pair."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint, select
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.column import Instant, new_id, table
from models.refusal import Code, LimitReached, Refusal
from models.visible import PARTNERS, VIEWER_ID

GRANTED = action("grant.saved", "Permissions were granted", mail="grant_received")
CHANGED = action("grant.changed", "Permissions were changed", mail="grant_received")
REVOKED = action("grant.revoked", "Permissions were taken back", mail="grant_revoked")
ENDED = action("grant.ended", "Permissions ended, since what they were on was handed over", mail="grant_ended")
RENOUNCED = action("grant.renounced", "Permissions were given up", mail="grant_renounced")


class NothingGranted(Refusal):
    """PER-8. A grant gives something; taking everything back is revoking it."""

    code = Code.INVALID
    message = "Name at least one permission; to take all of them back, revoke the grant."


class GrantedToOneself(Refusal):
    """PER-5. An owner has every right already."""

    code = Code.INVALID_RECIPIENT
    message = "You have every permission on what is yours already."


class NamedTwice(Refusal):
    """PER-2. One list of permissions for each account or server."""

    code = Code.INVALID
    message = "It is named twice: name each once, with all its permissions."


class OnlyOnServers(Refusal):
    """PER-2. RESOURCES concerns accounts that are on a server."""

    code = Code.INVALID
    message = "This permission concerns accounts that are on a server; this one is in the public cloud."


@dataclass(eq=False)
class TooManyEntries(Refusal):
    """PER-5. One grant names so many accounts, and so many servers, at most."""

    code = Code.INVALID
    message = "At most {limit} can be named in one grant."
    limit: int


class TooManyGrants(LimitReached):
    """PER-5. The owner has granted to as many profiles as they may."""

    message = "Permissions can be granted to at most {limit} profiles, and {used} have some."


@dataclass(frozen=True)
class Given:
    """PER-1 to PER-3, PER-6. What a grant gives: masks of permissions, by the keys of accounts and servers."""

    overall: int = 0
    accounts: Mapping[UUID, int] = field(default_factory=dict)
    servers: Mapping[UUID, int] = field(default_factory=dict)
    requires_two_factor: bool = False

    def check(self) -> None:
        """Raises NothingGranted."""
        if not (self.overall or any(self.accounts.values()) or any(self.servers.values())):
            raise NothingGranted

    def of_something(self) -> "Given":
        """Without the accounts and servers on which it gives nothing."""
        accounts, servers = (
            {key: mask for key, mask in each.items() if mask} for each in (self.accounts, self.servers)
        )
        return Given(self.overall, accounts, servers, self.requires_two_factor)


class PermissionGrant(SQLModel, table=True):
    """PER-1, PER-6. What an owner gives a grantee; masks of permissions."""

    __tablename__ = "permission_grant"
    __table_args__ = (
        UniqueConstraint("owner_id", "grantee_id"),
        Index("ix_permission_grant_owner", "owner_id", "created_at", "id"),
        Index("ix_permission_grant_grantee", "grantee_id", "created_at", "id"),
    )
    activity_type: ClassVar[str] = "PermissionGrant"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    grantee_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    overall: int = Field(default=0, sa_type=BigInteger)
    requires_two_factor: bool = False
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)

    def change(self, record: Record, wanted: Given, words: Mapping[str, tuple[Any, Any]], **parties: str) -> None:
        """PER-5. Give what is wanted instead of what was given; `words` tells the history what that changes."""
        self.overall, self.requires_two_factor = wanted.overall, wanted.requires_two_factor
        self.updated_at = record.now
        record.happened(CHANGED, self, changes=words, **parties)

    def revoke(self, record: Record, **parties: str) -> None:
        """PER-5, PER-14. Say that it is taken back; its row is deleted by whoever holds the transaction."""
        record.happened(REVOKED, self, changes={}, **parties)

    def end_with(self, record: Record, **facts: str) -> None:
        """ACC-8. Say that what it gives on something ends, as that is handed over."""
        record.happened(ENDED, self, changes={}, reader_ids=[str(self.grantee_id)], **facts)

    def renounce(self, record: Record, **parties: str) -> None:
        """PER-8. Say that its holder gives it up, all of it."""
        record.happened(RENOUNCED, self, changes={}, **parties)


class AccountGrant(SQLModel, table=True):
    """PER-2. What a grant gives on one account."""

    __tablename__ = "account_grant"
    __table_args__ = (Index("ix_account_grant_account", "account_id", "grant_id"),)

    grant_id: UUID = Field(foreign_key="permission_grant.id", ondelete="CASCADE", primary_key=True)
    account_id: UUID = Field(foreign_key="account.id", ondelete="CASCADE", primary_key=True)
    permissions: int = Field(sa_type=BigInteger)


class ServerGrant(SQLModel, table=True):
    """PER-3. What a grant gives on one server."""

    __tablename__ = "server_grant"
    __table_args__ = (Index("ix_server_grant_server", "server_id", "grant_id"),)

    grant_id: UUID = Field(foreign_key="permission_grant.id", ondelete="CASCADE", primary_key=True)
    server_id: UUID = Field(foreign_key="server.id", ondelete="CASCADE", primary_key=True)
    permissions: int = Field(sa_type=BigInteger)


def new_grant(owner_id: UUID, grantee_id: UUID, wanted: Given, now: datetime) -> PermissionGrant:
    """PER-5. A grant from one profile to another, which may not be set up yet."""
    if owner_id == grantee_id:
        raise GrantedToOneself().at("email")
    return PermissionGrant(
        owner_id=owner_id,
        grantee_id=grantee_id,
        overall=wanted.overall,
        requires_two_factor=wanted.requires_two_factor,
        created_at=now,
        updated_at=now,
    )


PARTNERS.append(
    lambda: select(table(PermissionGrant).c.grantee_id).where(table(PermissionGrant).c.owner_id == VIEWER_ID)
)
