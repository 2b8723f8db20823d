"""PRO-7. Lost access: a case that somebody opens without being signed in, and that staff takes through its steps.

A call to the number on file, or documents, show who asks; where the second factor or the list of networks is lost, a
code that was mailed to the profile shows that its mail is read as well. Only then may a change be asked for, and
another member of the staff approves it.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.activity import Action, Record, action
from models.approval import Dangerous
from models.column import Instant, new_id, one_of
from models.profile import Profile
from models.refusal import Code, Refusal

MAIL = "access_recovery_step"
ASKED = action("access_recovery.asked", "Help with lost access was asked for", mail=MAIL)
CALLED = action("access_recovery.called", "The support team called the number on file", mail=MAIL)
DOCUMENTED = action("access_recovery.documented", "The support team checked documents", mail=MAIL)
CODE_SENT = action("access_recovery.code_sent", "The support team mailed a code", mail="access_recovery_code")
CODE_CONFIRMED = action("access_recovery.code_confirmed", "The code that was mailed was told", mail=MAIL)
CODE_WRONG = action("access_recovery.code_wrong", "A wrong code was told", mail=MAIL)
CLOSED = action("access_recovery.closed", "The request for help with lost access was closed", mail=MAIL)
ADDRESS_LENGTH, CONTACT_LENGTH, MESSAGE_LENGTH = 254, 200, 2_000
CODE_LENGTH = 8


class LostAccess(StrEnum):
    """PRO-7. What is lost."""

    EMAIL = "EMAIL"
    TWO_FACTOR = "TWO_FACTOR"
    IP_ALLOWLIST = "IP_ALLOWLIST"


class RecoveryStep(StrEnum):
    """PRO-7. How somebody shows who they are."""

    CALL = "CALL"
    DOCUMENTS = "DOCUMENTS"


class RecoveryStatus(StrEnum):
    """PRO-7. Where a case is."""

    OPEN = "OPEN"
    DONE = "DONE"
    CLOSED = "CLOSED"


REMEDIES = {
    LostAccess.EMAIL: Dangerous.EMAIL_CHANGE,
    LostAccess.TWO_FACTOR: Dangerous.TWO_FACTOR_OFF,
    LostAccess.IP_ALLOWLIST: Dangerous.IP_ALLOWLIST_CLEAR,
}
"""PRO-7. What a verified request lets staff do; nothing else."""


class TextMissing(Refusal):
    """PRO-7. Without it nobody could be helped."""

    code = Code.REQUIRED
    message = "This is needed, so that we can help."


@dataclass(eq=False)
class TextTooLong(Refusal):
    """PRO-7. It is read by people."""

    code = Code.INVALID
    message = "At most {limit} characters."
    limit: int


class CaseOver(Refusal):
    """PRO-7. Nothing more is done in a case that is over."""

    code = Code.CONFLICT
    message = "This request is done or closed."


class WhoseUnknown(Refusal):
    """PRO-7. A case of an address that nobody signs in with can only be closed."""

    code = Code.CONFLICT
    message = "Nobody signs in with the address that was given: say which profile it is about."


class WhoseKnown(Refusal):
    """PRO-7. What was verified of one profile is never used for another."""

    code = Code.CONFLICT
    message = "It is known which profile this is about: close it, and let the customer ask again."


class NoNumber(Refusal):
    """PRO-7. There is no number on file that could be called."""

    code = Code.CONFLICT
    message = "There is no telephone number on file: ask for documents."


class NoCodeNeeded(Refusal):
    """PRO-7. Whoever lost their mailbox cannot read a code in it."""

    code = Code.CONFLICT
    message = "No code is mailed where the e-mail address is what was lost."


class NoCodeSent(Refusal):
    """PRO-7. There is no code to be told, or its time is over, or it was guessed at too often."""

    code = Code.EXPIRED
    message = "No code is good now: mail another one."


class NotVerified(Refusal):
    """PRO-7. Only a verified request lets staff change anything."""

    code = Code.CONFLICT
    message = "The request is not verified: its steps are not complete."


class AddressNeeded(Refusal):
    """PRO-7. Where the address is lost, another one is needed."""

    code = Code.REQUIRED
    message = "Name the address that replaces the lost one."


class AddressForNothing(Refusal):
    """PRO-7. Only who lost their address gets another one."""

    code = Code.INVALID
    message = "The e-mail address is not what was lost."


class AccessRecovery(SQLModel, table=True):
    """PRO-7. One request for help with lost access, on the staff's desk. All of it in real time: it is security."""

    __tablename__ = "access_recovery"
    __table_args__ = (
        Index("ix_access_recovery_status", "status", "asked_at", "id"),
        Index("ix_access_recovery_owner", "owner_id"),
        Index("ix_access_recovery_asked", "asked_at"),
        Index(
            "ix_access_recovery_unseen",
            "id",
            sqlite_where=text("looked_up_at IS NULL"),
            postgresql_where=text("looked_up_at IS NULL"),
        ),
    )
    activity_type: ClassVar[str] = "AccessRecovery"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    address: str = Field(max_length=ADDRESS_LENGTH)
    """As it was given."""
    lost: LostAccess = Field(sa_type=one_of(LostAccess, "access_recovery_lost"))
    contact: str = Field(max_length=CONTACT_LENGTH)
    message: str = Field(max_length=MESSAGE_LENGTH)
    ip_address: str = Field(max_length=45)
    asked_at: datetime = Field(sa_type=Instant)
    looked_up_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the worker looked up whose it is: whoever asks learns nothing of that."""
    owner_id: UUID | None = Field(default=None, foreign_key="profile.id", ondelete="CASCADE")
    status: RecoveryStatus = Field(
        default=RecoveryStatus.OPEN, sa_type=one_of(RecoveryStatus, "access_recovery_status")
    )
    called_at: datetime | None = Field(default=None, sa_type=Instant)
    documents_at: datetime | None = Field(default=None, sa_type=Instant)
    code_key: UUID | None = None
    """What the code is made of, with the service's key: the code itself stands nowhere."""
    code_expires_at: datetime | None = Field(default=None, sa_type=Instant)
    code_guesses: int = 0
    code_at: datetime | None = Field(default=None, sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)

    @property
    def needs_code(self) -> bool:
        """PRO-7. Whether a mailed code is one of its steps."""
        return self.lost is not LostAccess.EMAIL

    @property
    def is_verified(self) -> bool:
        """PRO-7. Whether who asks has shown who they are."""
        return is_verified(self.lost, self.called_at, self.documents_at, self.code_at)

    def note(self, record: Record, customer: Profile, step: RecoveryStep) -> None:
        """PRO-7. Somebody answered at the number on file, or documents that came by mail are theirs."""
        self._check_open()
        if step is RecoveryStep.CALL and not customer.phone:
            raise NoNumber
        if step is RecoveryStep.CALL:
            self.called_at = record.real_now
        else:
            self.documents_at = record.real_now
        self._happened(CALLED if step is RecoveryStep.CALL else DOCUMENTED, record, customer)

    def send_code(self, record: Record, customer: Profile, lifetime: timedelta) -> None:
        """PRO-7. Mail a random code to the address that the profile signs in with; one that went before is no good."""
        self._check_open()
        if not self.needs_code:
            raise NoCodeNeeded
        self.code_key, self.code_guesses, self.code_at = new_id(), 0, None
        self.code_expires_at = record.real_now + lifetime
        record.happened(CODE_SENT, customer, lost=self.lost, code_key=str(self.code_key), address=customer.email)

    def check_code(self, record: Record, customer: Profile, code: str, *, key: str, guesses: int) -> bool:
        """PRO-7. Whether it is the code; a wrong one is counted, and stands in the customer's history."""
        self._check_open()
        live = self.code_expires_at is not None and record.real_now < self.code_expires_at
        if self.code_key is None or not live or self.code_guesses >= guesses or self.code_at is not None:
            raise NoCodeSent
        self.code_guesses += 1
        right = hmac.compare_digest("".join(code.split()).encode(), recovery_code(key, self.code_key).encode())
        if right:
            self.code_at = record.real_now
        self._happened(CODE_CONFIRMED if right else CODE_WRONG, record, customer)
        return right

    def remedy(self, address: str | None) -> tuple[Dangerous, dict[str, str]]:
        """PRO-7. What may be asked for, and its arguments. Raises NotVerified and what is wrong with the address."""
        self._check_open()
        if not self.is_verified:
            raise NotVerified
        if self.lost is LostAccess.EMAIL and address is None:
            raise AddressNeeded().at("new_email")
        if self.lost is not LostAccess.EMAIL and address is not None:
            raise AddressForNothing().at("new_email")
        return REMEDIES[self.lost], {"address": address} if address else {}

    def finish(self, record: Record) -> None:
        """PRO-7. What was asked for is carried out; the approval's fact says so. What was verified is used up."""
        self._check_open()
        if not self.is_verified:
            raise NotVerified
        self.status, self.closed_at = RecoveryStatus.DONE, record.real_now

    def close(self, record: Record, customer: Profile | None, member: Profile) -> None:
        """PRO-7. Nothing comes of it. Where nobody is concerned, it stands in the history of who closed it."""
        self._check_open()
        self.status, self.closed_at = RecoveryStatus.CLOSED, record.real_now
        if customer is not None:
            self._happened(CLOSED, record, customer)
        else:
            record.happened(CLOSED_UNKNOWN, member, case=str(self.id))

    def concerns(self, record: Record, customer: Profile) -> None:
        """PRO-7. Staff says which profile it is about, where the address given is nobody's."""
        self._check_open()
        if self.owner_id is not None:
            raise WhoseKnown
        self.owner_id = customer.id
        self._happened(ASKED, record, customer)

    def _check_open(self) -> None:
        if self.status is not RecoveryStatus.OPEN:
            raise CaseOver

    def _happened(self, what: Action, record: Record, customer: Profile) -> None:
        record.happened(what, customer, **told(what, self.lost))


def told(what: Action, lost: LostAccess) -> dict[str, Any]:
    """PRO-7. What the customer is mailed of a step."""
    return {"lost": lost, "step": what.code.rpartition(".")[2]}


CLOSED_UNKNOWN = action("access_recovery.closed_unknown", "A request for help with lost access, of nobody, was closed")


def is_verified(
    lost: LostAccess, called_at: datetime | None, documents_at: datetime | None, code_at: datetime | None
) -> bool:
    """PRO-7. A call or documents, and for the second factor and the list of networks a mailed code as well."""
    known = called_at is not None or documents_at is not None
    return known and (lost is LostAccess.EMAIL or code_at is not None)


def recovery_code(key: str, code_key: UUID) -> str:
    """PRO-7. Eight digits that only the service's key makes of a random id."""
    digest = hmac.new(key.encode(), b"recovery:" + code_key.bytes, hashlib.sha256).digest()
    return f"{int.from_bytes(digest) % 10**CODE_LENGTH:0{CODE_LENGTH}d}"


def checked(field: str, value: str, limit: int) -> str:
    """PRO-7. What somebody wrote, without space around it."""
    written = value.strip()
    if not written:
        raise TextMissing().at(field)
    if len(written) > limit:
        raise TextTooLong(limit).at(field)
    return written
