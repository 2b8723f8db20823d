"""Profiles: a person or an organisation that signs in with an e-mail address and owns everything else."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.column import Email, Instant, json_column, one_of
from models.customer_number import customer_number
from models.legal_identity import TEXT_LENGTH, checked_identity
from models.refusal import Code, Refusal

T = TypeVar("T")
CREATED = action("profile.created", "The profile was created")
UPDATED = action("profile.updated", "The profile was changed")
REGISTERED = action("profile.registered", "The profile was registered", mail="email_verification")
KNOWN_ALREADY = action("profile.known_already", "Somebody gave this address as new", mail="email_already_known")
EMAIL_VERIFIED = action("profile.email_verified", "The e-mail address was confirmed")
VERIFICATION_SENT = action("profile.verification_sent", "A confirmation was asked for", mail="email_verification")
EMAIL_CHANGE_ASKED = action("profile.email_change_asked", "Another e-mail address was given", mail="email_change")
EMAIL_CHANGED = action("profile.email_changed", "The e-mail address was changed", mail="email_changed")
PASSWORD_CHANGED = action("profile.password_changed", "The password was changed", mail="password_changed")
PASSWORD_RESET_ASKED = action("profile.password_reset_asked", "A new password was asked for", mail="password_reset")


def _own_number(context: Any) -> str:
    """BIL-8. Of a profile that is written for the first time."""
    return customer_number(context.get_current_parameters()["id"])


class ProfileKind(StrEnum):
    """PRO-2. Legal form."""

    INDIVIDUAL = "INDIVIDUAL"
    COMPANY = "COMPANY"
    NON_PROFIT = "NON_PROFIT"
    PUBLIC_BODY = "PUBLIC_BODY"


class Locale(StrEnum):
    """Languages of the service."""

    EN = "EN"
    FR = "FR"

    def pick(self, en: T, fr: T) -> T:
        """Of what is kept in both languages, what this reader reads."""
        return fr if self is Locale.FR else en


class OrganizationNameMissing(Refusal):
    """PRO-2. An organisation that is called nothing."""

    code = Code.REQUIRED
    message = "A company, a non-profit organisation or a public body needs its name."


class TermsNotAccepted(Refusal):
    """PRO-1. Nobody signs up without accepting the terms."""

    code = Code.REQUIRED
    message = "The terms have to be accepted."


class EmailNotVerified(Refusal):
    """PRO-1. Nothing billable before the address is confirmed."""

    code = Code.EMAIL_NOT_VERIFIED
    message = "Confirm your e-mail address first."


class ProfileSuspended(Refusal):
    """PRO-12. Nothing billable or technical while the profile is suspended."""

    code = Code.PROFILE_SUSPENDED
    message = "The profile is suspended: nothing can be changed meanwhile."


class SuspensionReason(StrEnum):
    """PRO-12. Causes of suspension."""

    INACTIVITY = "INACTIVITY"
    UNPAID_BALANCE = "UNPAID_BALANCE"
    ILLICIT_CONTENT = "ILLICIT_CONTENT"
    TERMS_VIOLATION = "TERMS_VIOLATION"


class ProfileStatus(StrEnum):
    """PER-7, PRO-12. Life-cycle state of a profile."""

    INVITED = "INVITED"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


class AddressInUse(Refusal):
    """PRO-3. Another profile took the address while the link was on its way."""

    code = Code.CONFLICT
    message = "This address is in use by another profile."


class NothingToVerify(Refusal):
    """PRO-1. No address waits to be confirmed."""

    code = Code.CONFLICT
    message = "No address waits to be confirmed."


class Profile(SQLModel, table=True):
    """PRO-1, PRO-2. Who signs in, and the legal identity that documents are made out to."""

    __tablename__ = "profile"
    __table_args__ = (
        Index("ix_profile_inactive", "inactive_at", "id"),
        Index("ix_profile_organization_name", "organization_name"),
        Index("ix_profile_last_name", "last_name"),
        Index(
            "ix_profile_deletion",
            "deletion_at",
            "id",
            sqlite_where=text("deletion_at IS NOT NULL"),
            postgresql_where=text("deletion_at IS NOT NULL"),
        ),
    )
    activity_type: ClassVar[str] = "Profile"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    """Random: one that tells its time would tell whoever grants something that there was no profile before."""
    email: str = Field(sa_type=Email, unique=True)
    email_verified_at: datetime | None = Field(default=None, sa_type=Instant)
    password_hash: str | None = Field(default=None, max_length=200, repr=False)
    invited_at: datetime | None = Field(default=None, sa_type=Instant)
    """PER-7. Somebody was granted something who has not set up the profile yet; without a password until then."""
    password_changed_at: datetime = Field(sa_type=Instant)
    kind: ProfileKind = Field(default=ProfileKind.INDIVIDUAL, sa_type=one_of(ProfileKind, "profile_kind"))
    locale: Locale = Field(default=Locale.EN, sa_type=one_of(Locale, "locale"))
    created_at: datetime = Field(sa_type=Instant)
    organization_name: str | None = Field(default=None, max_length=TEXT_LENGTH)
    first_name: str | None = Field(default=None, max_length=TEXT_LENGTH)
    last_name: str | None = Field(default=None, max_length=TEXT_LENGTH)
    street_lines: list[str] = Field(default_factory=list, sa_type=json_column())
    postal_code: str | None = Field(default=None, max_length=TEXT_LENGTH)
    city: str | None = Field(default=None, max_length=TEXT_LENGTH)
    country: str | None = Field(default=None, max_length=2)
    registration_number: str | None = Field(default=None, max_length=TEXT_LENGTH)
    vat_number: str | None = Field(default=None, max_length=TEXT_LENGTH)
    phone: str | None = Field(default=None, max_length=20)
    pending_email: str | None = Field(default=None, sa_type=Email)
    two_factor_since: datetime | None = Field(default=None, sa_type=Instant)
    ip_allowlist: list[str] = Field(default_factory=list, sa_type=json_column())
    suspended_at: datetime | None = Field(default=None, sa_type=Instant)
    suspension_reason: SuspensionReason | None = Field(
        default=None, sa_type=one_of(SuspensionReason, "suspension_reason")
    )
    deletion_at: datetime | None = Field(default=None, sa_type=Instant)
    """PRO-13. When it is deleted; as the two above it says what models/suspension.py bears on it."""
    suspension_alert_id: UUID | None = None
    last_signed_in_at: datetime | None = Field(default=None, sa_type=Instant)
    """PRO-14. By the business clock, as all of inactivity."""
    inactive_at: datetime | None = Field(default=None, sa_type=Instant)
    """PRO-14. When it is looked whether the profile is inactive; None while there is an alert about that."""

    deleted_at: datetime | None = Field(default=None, sa_type=Instant)
    """PRO-9. The person is gone; the row is the pseudonym of what has to be kept. See models/deletion.py."""
    customer_number: str | None = Field(
        default=None, max_length=11, unique=True, sa_column_kwargs={"default": _own_number}
    )
    """BIL-8. What is quoted on bank transfers, and found by it; it follows from the id."""
    invoicing_day: int | None = None
    """BIL-5. The day of the month on which everything is invoiced; None for each product's own date."""

    @property
    def owner_id(self) -> UUID:
        return self.id

    def update(self, record: Record, changes: Mapping[str, Any]) -> None:
        """PRO-3. Change what `changes` names, a null clears; later documents carry the new identity.

        Raises the refusal of the first value that cannot be; then nothing is changed.
        """
        checked = checked_identity(self, changes)
        if checked.keys() & {"kind", "organization_name"}:
            self._check_name(**checked)
        differences = {
            name: (getattr(self, name), value) for name, value in checked.items() if getattr(self, name) != value
        }
        for name, (_, after) in differences.items():
            setattr(self, name, after)
        record.happened(UPDATED, self, changes=differences)

    def _check_name(self, **changes: Any) -> None:
        """PRO-2. Whatever is no person has a name of its own."""
        kind = changes.get("kind", self.kind)
        if kind is not ProfileKind.INDIVIDUAL and not changes.get("organization_name", self.organization_name):
            raise OrganizationNameMissing().at("identity", "organization_name")

    def verify_email(self, record: Record) -> None:
        """PRO-1. Whoever reads mail to the address is who signs in with it."""
        if self.email_verified_at is None:
            self.email_verified_at = record.real_now
        record.happened(EMAIL_VERIFIED, self)

    def take_email(self, record: Record, address: str) -> None:
        """PRO-3. Sign in with `address` from now on; the old one is told."""
        before, self.email, self.pending_email = self.email, address, None
        self.email_verified_at = record.real_now
        record.happened(EMAIL_CHANGED, self, changes={"email": (before, address)}, address=before)

    def change_password(self, record: Record, hashed: str) -> None:
        """PRO-4. From now on `hashed` is the password's; the caller ends the other sessions."""
        self.password_hash = hashed
        self.password_changed_at = record.real_now
        self.pending_email = None  # Whoever asked for it may have been somebody else.
        record.happened(PASSWORD_CHANGED, self)


def status_of(invited_at: datetime | None, suspended_at: datetime | None) -> ProfileStatus:
    """Life-cycle state."""
    if suspended_at is not None:
        return ProfileStatus.SUSPENDED
    return ProfileStatus.ACTIVE if invited_at is None else ProfileStatus.INVITED


def display_name(organization: str | None, first: str | None, last: str | None, email: str) -> str:
    """Name to show: the organisation, else the person, else the e-mail address."""
    return organization or " ".join(part for part in (first, last) if part) or email
