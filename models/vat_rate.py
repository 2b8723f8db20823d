"""BIL-7. The table of VAT rates: dated rows, of which the newest that has begun counts. None is ever edited."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TypeVar
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from models.column import new_id, one_of
from models.vat import ELSEWHERE, Audience, Rate, VatTable, VatTreatment

TERRITORY_LENGTH = 20
R = TypeVar("R", bound=Rate)


class VatRate(SQLModel, table=True):
    """BIL-7. What one kind of customer of one territory pays from a day on. Rows are only added: triggers see to it."""

    __tablename__ = "vat_rate"
    __table_args__ = (UniqueConstraint("territory", "audience", "valid_from"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    territory: str = Field(max_length=TERRITORY_LENGTH)
    audience: Audience = Field(sa_type=one_of(Audience, "vat_audience"))
    treatment: VatTreatment = Field(sa_type=one_of(VatTreatment, "vat_treatment"))
    rate_bp: int
    mention_en: str | None = None
    mention_fr: str | None = None
    """What documents say. `{seller}` and `{buyer}` stand for the VAT numbers of both sides."""
    valid_from: date


class RateRefused(Exception):
    """The table cannot become what the catalogue's file says."""


def added_rates(known: Sequence[Rate], wanted: Iterable[R], today: date) -> list[R]:
    """BIL-7. Of the rows that a file wants, those to be added to the ones that are known; one day of one each.

    Raises RateRefused where a row would be edited, or a day taxed otherwise that has begun: of the first table, none
    has. What the file leaves out stays.
    """
    there = {(each.territory, each.audience, each.valid_from): each for each in known}
    added: list[R] = []
    problems: list[str] = []
    for each in wanted:
        name = f"vat: {each.territory}, {each.audience.lower()}, from {each.valid_from}"
        same_day = there.get((each.territory, each.audience, each.valid_from))
        if same_day is not None:
            if _said(same_day) != _said(each):
                problems.append(f"{name}: a dated rate is never edited; name a later day")
        elif not known or each.valid_from > today:
            added.append(each)
        elif _said(_before(known, each)) != _said(each):
            problems.append(f"{name}: the day has passed; name a later one")
    if problems:
        raise RateRefused("\n".join(problems))
    return added


def _before(known: Sequence[Rate], wanted: Rate) -> Rate | None:
    """What counts on the day on which a row would begin."""
    table = VatTable(known)
    found = table.rate(wanted.territory, wanted.audience, wanted.valid_from)
    return found or table.rate(ELSEWHERE, wanted.audience, wanted.valid_from)


def _said(rate: Rate | None) -> tuple[object, ...] | None:
    return None if rate is None else (rate.treatment, rate.rate_bp, rate.mention_en, rate.mention_fr)
