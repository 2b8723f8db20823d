"""PER-1, PER-2, PER-3. The permissions that there are, as masks, and what can be required of a caller."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property, lru_cache, reduce
from operator import or_
from typing import Any, Generic, TypeVar

V = TypeVar("V")
KEPT = 1_024
"""Masks of which the permissions are not looked up again: the same few come all the time."""


class Permission(StrEnum):
    """A right that an owner grants. Each has one bit of a mask, which is stored: new ones go to the end."""

    @cached_property
    def bit(self) -> int:
        """Its bit among those of all permissions."""
        return 1 << (FIRST_BIT[type(self)] + list(type(self)).index(self))


class OverallPermission(Permission):
    """PER-1. Rights on everything a profile owns."""

    ACCOUNT_MANAGEMENT = "ACCOUNT_MANAGEMENT"
    BILLING = "BILLING"
    TECHNICAL_ACCOUNT = "TECHNICAL_ACCOUNT"
    TECHNICAL_SERVER = "TECHNICAL_SERVER"


class AccountPermission(Permission):
    """PER-2. Rights on one account."""

    TECHNICAL_CONTACT = "TECHNICAL_CONTACT"
    USAGE = "USAGE"
    RESOURCES = "RESOURCES"
    STATISTICS = "STATISTICS"
    SITES = "SITES"
    DOMAINS = "DOMAINS"
    EMAILS = "EMAILS"
    EMAIL_HISTORY = "EMAIL_HISTORY"
    DATABASES = "DATABASES"
    FTP = "FTP"
    SSH = "SSH"
    WEBDAV = "WEBDAV"
    ENVIRONMENT = "ENVIRONMENT"
    PROCESSES = "PROCESSES"
    IP_ADDRESSES = "IP_ADDRESSES"
    SSL_CERTIFICATES = "SSL_CERTIFICATES"
    MIGRATION = "MIGRATION"
    SCHEDULED_TASKS = "SCHEDULED_TASKS"
    BACKUPS = "BACKUPS"
    SERVICES = "SERVICES"


class ServerPermission(Permission):
    """PER-3. Rights on one server."""

    TECHNICAL_CONTACT = "TECHNICAL_CONTACT"
    SSH_USERS = "SSH_USERS"
    FIREWALL = "FIREWALL"
    SMTP = "SMTP"
    DATABASE_USERS = "DATABASE_USERS"
    SSL = "SSL"
    HTTP = "HTTP"
    CONSUMPTION = "CONSUMPTION"
    RESOURCES = "RESOURCES"
    MIGRATION = "MIGRATION"


FIRST_BIT: dict[type[Permission], int] = {OverallPermission: 0, AccountPermission: 8, ServerPermission: 40}
"""Where the bits of each kind begin; masks are stored in 63 bits."""
OWNER = 1 << 63
"""What no grant can hold: the owner's own right."""


def mask_of(*permissions: Permission) -> int:
    """The bits of these permissions."""
    return reduce(or_, (permission.bit for permission in permissions), 0)


OVERALL_BITS, ACCOUNT_BITS, SERVER_BITS = (
    mask_of(*kind) for kind in (OverallPermission, AccountPermission, ServerPermission)
)
EVERYTHING = OWNER | OVERALL_BITS | ACCOUNT_BITS | SERVER_BITS
TECHNICAL_ACCOUNT, TECHNICAL_SERVER = OverallPermission.TECHNICAL_ACCOUNT.bit, OverallPermission.TECHNICAL_SERVER.bit
COMMERCIAL = mask_of(OverallPermission.BILLING, OverallPermission.ACCOUNT_MANAGEMENT)
SHOWS_ACCOUNTS = mask_of(ServerPermission.CONSUMPTION, ServerPermission.RESOURCES)
"""PER-4. The permissions on a server that reach the accounts on it."""
REACHES_ACCOUNT = OWNER | COMMERCIAL | TECHNICAL_ACCOUNT | ACCOUNT_BITS | SHOWS_ACCOUNTS
REACHES_SERVER = OWNER | COMMERCIAL | TECHNICAL_SERVER | SERVER_BITS


@lru_cache(maxsize=KEPT)
def permissions_in(mask: int, kind: type[Permission]) -> tuple[Any, ...]:
    """The permissions of one kind that a mask holds, in their order."""
    return tuple(permission for permission in kind if permission.bit & mask)


class DenialReason(StrEnum):
    """Why something is denied."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    PERMISSION_MISSING = "PERMISSION_MISSING"
    OWNER_ONLY = "OWNER_ONLY"
    TWO_FACTOR_REQUIRED = "TWO_FACTOR_REQUIRED"
    TOKEN_SCOPE = "TOKEN_SCOPE"  # noqa: S105 - the name of a reason, not a secret
    IP_NOT_ALLOWED = "IP_NOT_ALLOWED"
    PROFILE_SUSPENDED = "PROFILE_SUSPENDED"
    EMAIL_NOT_VERIFIED = "EMAIL_NOT_VERIFIED"


RULES: dict[str, Mapping[Any, frozenset[Permission]]] = {}
"""Rules that say which of the permissions that a requirement lists count for an object, by its kind; each stands beside
its noun. Where none does, the object is its owner's alone."""


@dataclass(frozen=True)
class Requirement:
    """Who passes: the owner of the subject, and whoever holds one of the listed permissions on it."""

    overall: tuple[OverallPermission, ...] = ()
    account: tuple[AccountPermission, ...] = ()
    server: tuple[ServerPermission, ...] = ()
    parties: tuple[str, ...] = ()
    """The columns of other profiles that pass."""
    two_factor: bool = False
    """The session has verified a second factor."""
    related: bool = False
    """Any permission that reaches the subject suffices."""
    interactive: bool = False
    """A session, not a token."""
    rule: str | None = None
    """One of `RULES`, which narrows it by the kind of the object."""

    @property
    def needs_subject(self) -> bool:
        """Whether it can only be asked of a row: without one, a permission on nothing would be granted to all."""
        return bool(self.listed or self.related or self.parties)

    @cached_property
    def listed(self) -> tuple[Permission, ...]:
        """Every permission that suffices."""
        return (*self.overall, *self.account, *self.server)

    @cached_property
    def mask(self) -> int:
        """The bits of which one suffices, where the subject is not asked what reaches it."""
        return OWNER | mask_of(*self.listed)

    @cached_property
    def by_kind(self) -> Mapping[Any, "Requirement"]:
        """What is left of it for objects of each kind that its rule knows."""
        rule = RULES[self.rule] if self.rule is not None else {}
        return {kind: self._only(counting) for kind, counting in rule.items()}

    def about(self, kind: Any) -> "Requirement":
        """What is asked for an object of this kind."""
        if self.rule is None:
            return self
        return self.by_kind[kind] if kind in self.by_kind else self._only(frozenset())

    def _only(self, counting: frozenset[Permission]) -> "Requirement":
        return replace(
            self,
            rule=None,
            overall=tuple(each for each in self.overall if each in counting),
            account=tuple(each for each in self.account if each in counting),
            server=tuple(each for each in self.server if each in counting),
        )


@dataclass(frozen=True, slots=True)
class Subject(Generic[V]):
    """What a requirement is about: the profile that owns it, and the account and the server that it is or belongs to.

    Ids here, columns in SQL. An owner of None is nobody's, in SQL as here: nobody passes.
    """

    owner_id: V | None
    account_id: V | None = None
    server_id: V | None = None
    parties: tuple[V, ...] = ()
    """Other profiles that may see it, where the requirement says so."""
    concerned: Any = None
    """ALE-3. The bits of the permissions that count on it beside its owner's right, of those asked; None is all."""
    kind: Any = None
    """TIC-2. What it is about, where a rule asks for that."""

    def reach(self, requirement: Requirement) -> int:
        """PER-4. The bits of which one suffices on this subject."""
        if isinstance(self.concerned, int):
            return requirement.mask & (OWNER | self.concerned)
        if not requirement.related:
            return requirement.mask
        if self.account_id is not None:
            return REACHES_ACCOUNT
        return REACHES_SERVER if self.server_id is not None else EVERYTHING
