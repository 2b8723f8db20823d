"""PER-11. Who may do what: one model, asked by every field, mutation and row filter.

A `Requirement` stands in the schema beside what it guards and is printed there. `decide` is the truth: given a viewer,
a requirement and the subject it concerns, it answers why not, or None. `visible` is the same truth as SQL, for lists;
a test compares the two over every seeded row.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, Uuid, bindparam

from models.column import Instant

VIEWER_ID = bindparam("viewer_id", type_=Uuid())
"""`Viewer.own_id` in every generated row filter; null without a session, which equals nothing."""


IN_SANDBOX = bindparam("in_sandbox", type_=Boolean())
"""Whether the installation is one to practise with."""


REAL_NOW = bindparam("real_now", type_=Instant())
"""The instant of the request, for rows that end with real time."""


class OverallPermission(StrEnum):
    """PER-1. Rights on everything a profile owns."""

    ACCOUNT_MANAGEMENT = "ACCOUNT_MANAGEMENT"
    BILLING = "BILLING"
    TECHNICAL_ACCOUNT = "TECHNICAL_ACCOUNT"
    TECHNICAL_SERVER = "TECHNICAL_SERVER"


class AccountPermission(StrEnum):
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


class ServerPermission(StrEnum):
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


class DenialReason(StrEnum):
    """Why something is denied."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    PERMISSION_MISSING = "PERMISSION_MISSING"
    OWNER_ONLY = "OWNER_ONLY"
    TWO_FACTOR_REQUIRED = "TWO_FACTOR_REQUIRED"
    EMAIL_NOT_VERIFIED = "EMAIL_NOT_VERIFIED"
    TOKEN_SCOPE = "TOKEN_SCOPE"  # noqa: S105 - the name of a reason, not a secret


@dataclass(frozen=True, slots=True)
class Requirement:
    """Who passes: the owner of the subject, and whoever holds one of the listed permissions on it.

    Nobody can grant a permission yet, so that only owners pass.
    """

    overall: tuple[OverallPermission, ...] = ()
    account: tuple[AccountPermission, ...] = ()
    server: tuple[ServerPermission, ...] = ()
    two_factor: bool = False
    """The session has verified a second factor."""
    related: bool = False
    """Any permission at all suffices."""
    interactive: bool = False
    """A session, not a token."""

    @property
    def needs_subject(self) -> bool:
        """Whether it can only be asked of a row: without one, a permission on nothing would be granted to all."""
        return bool(self.overall or self.account or self.server or self.related)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a requirement is about: the profile that owns it. None is nobody's, in SQL as here: nobody passes."""

    owner_id: UUID | None


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
    token_id: UUID | None = None
    read_only: bool = False
    """A token that may change nothing."""
    only_owner_id: UUID | None = None
    """A token that reaches what this profile owns, and nothing else."""

    @property
    def key(self) -> UUID:
        """The profile that calls; behind a guard there always is one."""
        return _present(self.profile_id)

    @property
    def own_id(self) -> UUID | None:
        """TOK-3. The profile whose rows are the caller's own, if the token is not narrowed to another owner."""
        return self.profile_id if self.only_owner_id in (None, self.profile_id) else None

    @property
    def session_key(self) -> UUID:
        """The session that it calls through."""
        return _present(self.session_id)


def _present(key: UUID | None) -> UUID:
    if key is None:
        raise LookupError("a caller without a session reached what is behind a guard")
    return key


ANYBODY = Viewer()
"""A caller without a session."""


@dataclass(frozen=True, slots=True)
class Denial:
    """Why not, and which permission would help, if one would."""

    reason: DenialReason
    missing: OverallPermission | None = None


def decide_session(viewer: Viewer, requirement: Requirement) -> Denial | None:
    """PER-11. The part of a requirement that concerns no row: None when `viewer` meets it."""
    if viewer.profile_id is None:
        return Denial(DenialReason.UNAUTHENTICATED)
    if requirement.interactive and not viewer.interactive:
        return Denial(DenialReason.TOKEN_SCOPE)
    if requirement.two_factor and not viewer.two_factor:
        return Denial(DenialReason.TWO_FACTOR_REQUIRED)
    return None


def decide_change(viewer: Viewer, *, unverified: bool) -> Denial | None:
    """PRO-1, TOK-3. Whether `viewer` may change anything at all: what every mutation asks, whatever else it requires.

    `unverified` is what may be done before the address is confirmed.
    """
    if viewer.read_only:
        return Denial(DenialReason.TOKEN_SCOPE)
    if not (viewer.email_verified or unverified):
        return Denial(DenialReason.EMAIL_NOT_VERIFIED)
    return None


def decide(viewer: Viewer, requirement: Requirement, subject: Subject) -> Denial | None:
    """PER-11. None when `viewer` meets `requirement` on `subject`."""
    if (denial := decide_session(viewer, requirement)) is not None:
        return denial
    if subject.owner_id is not None and subject.owner_id == viewer.own_id:
        return None
    if viewer.only_owner_id not in (None, subject.owner_id):
        return Denial(DenialReason.TOKEN_SCOPE)
    if requirement.overall:
        return Denial(DenialReason.PERMISSION_MISSING, requirement.overall[0])
    return Denial(DenialReason.OWNER_ONLY)


def visible(requirement: Requirement, owner: ColumnElement[Any] | None) -> ColumnElement[bool]:
    """PER-12. The rows that `decide` lets through, by the column of their owner; None where whoever looks owns them."""
    return VIEWER_ID.is_not(None) if owner is None else owner == VIEWER_ID
