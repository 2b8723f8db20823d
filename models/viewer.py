"""Who is calling, and what they hold: loaded once for each request, asked by `models/decision.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from models.permission import ACCOUNT_BITS, EVERYTHING, SERVER_BITS, TECHNICAL_ACCOUNT, TECHNICAL_SERVER, Subject


@dataclass(frozen=True, slots=True)
class Granted:
    """What one owner has granted the caller: masks of permissions on everything, and by account and by server."""

    overall: int = 0
    accounts: Mapping[UUID, int] = field(default_factory=dict)
    servers: Mapping[UUID, int] = field(default_factory=dict)
    two_factor: bool = False
    """PER-6. It counts only for a caller with two factors."""
    suspended: bool = False
    """PRO-12. Its owner is suspended."""

    def on(self, subject: Subject[UUID]) -> int:
        """The permissions on one subject of this owner."""
        mask = self.overall
        if subject.account_id is not None:
            mask |= self.accounts.get(subject.account_id, 0) | (ACCOUNT_BITS if mask & TECHNICAL_ACCOUNT else 0)
        if subject.server_id is not None:
            mask |= self.servers.get(subject.server_id, 0) | (SERVER_BITS if mask & TECHNICAL_SERVER else 0)
        return mask


NOTHING_GRANTED = Granted()


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is calling, and how. `profile_id` is None for an anonymous caller."""

    profile_id: UUID | None = None
    session_id: UUID | None = None
    interactive: bool = False
    two_factor: bool = False
    ip_address: str = ""
    user_agent: str | None = None
    email_verified: bool = True
    suspended: bool = False
    token_id: UUID | None = None
    read_only: bool = False
    """A token that may change nothing."""
    only_owner_id: UUID | None = None
    """A token that reaches what this profile owns, and nothing else."""
    only_account_id: UUID | None = None
    """A token that reaches this account, and nothing else."""
    service_id: UUID | None = None
    """A service of the provider, which is no profile."""
    scopes: frozenset[str] = frozenset()
    """What that service may ask."""
    roles: frozenset[str] = frozenset()
    """Of the provider's staff; counted at `/staff/graphql` only, where nobody else gets in."""
    agent: str | None = None
    """The first name of somebody of the staff."""
    granted: Mapping[UUID, Granted] = field(default_factory=dict)
    """What others have granted, by owner, as far as the token reaches."""

    @property
    def key(self) -> UUID:
        """The profile that calls; behind a guard there always is one."""
        return _present(self.profile_id)

    @property
    def own_id(self) -> UUID | None:
        """TOK-3. The profile whose rows are the caller's own, if the token is not narrowed to something else."""
        return self.profile_id if self.only_owner_id in (None, self.profile_id) and not self.only_account_id else None

    @property
    def party_id(self) -> UUID | None:
        """The profile that the caller is where it is the other party of something; an unverified one is nobody yet."""
        return self.own_id if self.email_verified and self.only_owner_id is None else None

    @property
    def session_key(self) -> UUID:
        """The session that it calls through."""
        return _present(self.session_id)

    def in_force(self, owner_id: UUID | None) -> Granted:
        """PER-6. What this owner has granted, if it counts now."""
        found = self.granted.get(owner_id, NOTHING_GRANTED) if owner_id is not None else NOTHING_GRANTED
        return found if self.two_factor or not found.two_factor else NOTHING_GRANTED

    def holds(self, subject: Subject[UUID]) -> int:
        """The permissions that count now on one subject."""
        if subject.owner_id is not None and subject.owner_id == self.own_id:
            return EVERYTHING
        return self.in_force(subject.owner_id).on(subject)


def _present(key: UUID | None) -> UUID:
    if key is None:
        raise LookupError("a caller without a session reached what is behind a guard")
    return key


ANYBODY = Viewer()
"""A caller without a session."""
