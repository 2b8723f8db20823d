"""BIL-7. What the register of VAT numbers answered, and when: the proof that no VAT had to be charged."""

from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.activity import Record, Recorded, action
from models.column import Instant, new_id
from models.vat import Buyer
from models.vat_register import Registered

NUMBER_LENGTH = 40
NAME_LENGTH = 500
CHECKED = action("profile.vat_checked", "The VAT number was looked up in VIES")


class VatConsultation(SQLModel, table=True):
    """BIL-7. One answer about a number that a profile had. It outlives the profile, and is never changed."""

    __tablename__ = "vat_consultation"
    __table_args__ = (Index("ix_vat_consultation_owner", "owner_id", "checked_at", "id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_id: UUID
    vat_number: str = Field(max_length=NUMBER_LENGTH)
    valid: bool
    consultation_number: str | None = Field(default=None, max_length=NUMBER_LENGTH)
    """What proves it to the tax office; given to whoever says who asks."""
    name: str | None = Field(default=None, max_length=NAME_LENGTH)
    address: str | None = Field(default=None, max_length=NAME_LENGTH)
    """Whose number it is, where the member state tells."""
    checked_at: datetime = Field(sa_type=Instant)
    """Business time: how long an answer holds is a matter of documents."""


class Consultation(Protocol):
    """Such a row, however it was read."""

    @property
    def vat_number(self) -> str: ...
    @property
    def valid(self) -> bool: ...
    @property
    def consultation_number(self) -> str | None: ...
    @property
    def checked_at(self) -> datetime: ...


def still_holds(found: Consultation | None, vat_number: str | None, now: datetime, validity: timedelta) -> bool:
    """BIL-7. Whether an answer is about this number, and not older than answers may be."""
    return found is not None and found.vat_number == vat_number and found.checked_at > now - validity


def buyer_of(
    country: str, postal_code: str | None, vat_number: str | None, found: Consultation | None, *, is_person: bool
) -> Buyer:
    """BIL-7. What decides about VAT, of a profile: who is no person is a business, and who has a VAT number."""
    known = found if found is not None and found.vat_number == vat_number else None
    is_business = vat_number is not None or not is_person
    return Buyer(country, postal_code, is_business, vat_number, None if known is None else known.valid)


def consulted(record: Record, owner: Recorded, vat_number: str, told: Registered, now: datetime) -> VatConsultation:
    """BIL-7. What the register answered about the number of a profile."""
    record.happened(
        CHECKED, owner, vat_number=vat_number, valid=told.valid, consultation_number=told.consultation_number
    )
    return VatConsultation(
        owner_id=owner.owner_id,
        vat_number=vat_number,
        valid=told.valid,
        consultation_number=told.consultation_number,
        name=told.name,
        address=told.address,
        checked_at=now,
    )
