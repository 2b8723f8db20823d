"""BIL-19. Contracts: their versions, which of them waits for whom, and who accepted what when."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.column import Instant, new_id
from models.refusal import Code, Refusal

ACCEPTED = action("contract.accepted", "A contract was accepted")


class ContractPending(Refusal):
    """BIL-19. What costs money waits until the latest contract and terms are accepted."""

    code = Code.CONTRACT_PENDING
    message = "A contract waits for acceptance."


class AlreadyAccepted(Refusal):
    """BIL-19. An acceptance is of its day, and is not repeated."""

    code = Code.CONFLICT
    message = "This contract was accepted already."


class Superseded(Refusal):
    """BIL-19. A later version is in force: accepting this one would bind nobody to anything."""

    code = Code.CONFLICT
    message = "A later version of this contract is in force: accept that one."


class ContractVersion(SQLModel, table=True):
    """BIL-19. One version of a document, as it was published; triggers keep it so."""

    __tablename__ = "contract_version"
    __table_args__ = (UniqueConstraint("document", "version"), UniqueConstraint("document", "in_force_from"))

    id: UUID = Field(default_factory=new_id, primary_key=True)
    document: str = Field(max_length=40)
    """What it is a version of: the contract, the terms."""
    version: str = Field(max_length=40)
    in_force_from: datetime = Field(sa_type=Instant)
    at_sign_up: bool = False
    """Signing up accepts it: what `acceptTerms` is about."""
    title_en: str = Field(max_length=200)
    title_fr: str = Field(max_length=200)
    text_en: str
    """CommonMark, as the French one."""
    text_fr: str


class Contract(SQLModel, table=True):
    """BIL-19. A version as it is put to one profile."""

    __tablename__ = "contract"
    __table_args__ = (UniqueConstraint("owner_id", "version_id"),)
    activity_type: ClassVar[str] = "Contract"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    version_id: UUID = Field(foreign_key="contract_version.id")

    def accept(self, record: Record, *, accepted: bool, latest: bool) -> "ContractAcceptance":
        """BIL-19. Bind the owner; raises AlreadyAccepted, Superseded. The row has to be locked."""
        if accepted:
            raise AlreadyAccepted
        if not latest:
            raise Superseded
        record.happened(ACCEPTED, self)
        return self.accepted(record, by=record.author.actor_id)

    def accepted(self, record: Record, *, by: UUID | None) -> "ContractAcceptance":
        """BIL-19. The acceptance, of now; stated by itself only where nothing else is, as signing up is."""
        return ContractAcceptance(
            owner_id=self.owner_id, version_id=self.version_id, accepted_at=record.now, actor_id=by
        )


class ContractAcceptance(SQLModel, table=True):
    """BIL-19. Who accepted which version for whom, and when. It outlives the profile, and is never changed."""

    __tablename__ = "contract_acceptance"
    __table_args__ = (UniqueConstraint("owner_id", "version_id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_id: UUID
    version_id: UUID = Field(foreign_key="contract_version.id")
    accepted_at: datetime = Field(sa_type=Instant)
    actor_id: UUID | None = None
    """The profile that accepted: the owner, or whom they let manage their accounts. None is the service itself."""


class Dated(Protocol):
    """A version, however much of it was read."""

    @property
    def id(self) -> UUID: ...

    @property
    def document(self) -> str: ...

    @property
    def in_force_from(self) -> datetime: ...


def in_force(versions: Iterable[Dated], at: datetime) -> set[UUID]:
    """BIL-19. Of each document, the newest version that has begun at `at`."""
    begun = sorted((each for each in versions if each.in_force_from <= at), key=lambda each: each.in_force_from)
    return set({each.document: each.id for each in begun}.values())


def concerning(versions: Iterable[Dated], at: datetime) -> set[UUID]:
    """BIL-19. The versions that are put to somebody who comes at `at`: those in force, and those to come."""
    known = list(versions)
    return in_force(known, at) | {each.id for each in known if each.in_force_from > at}


def check_accepted(versions: Iterable[Dated], accepted: Collection[UUID], at: datetime) -> None:
    """BIL-19. Raises ContractPending where a version that is in force at `at` is not among the accepted ones."""
    if not in_force(versions, at) <= set(accepted):
        raise ContractPending
