"""EVT-4. The practice system's clock: business time may be moved forward, never back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from models.activity import Record
from models.db import ClockOffset
from models.refusal import Code, Refusal

CLOCK_ID = UUID("01900000-0000-7000-8000-000000000001")
"""Id of the one row that holds the offset."""


class ClockMovesForward(Refusal):
    """EVT-4. The wanted instant has passed already."""

    code = Code.INVALID
    message = "The clock only moves forward."


@dataclass(eq=False)
class ClockStepTooLong(Refusal):
    """EVT-4. One call moves so many years at most; any number of calls may follow."""

    code = Code.INVALID
    message = "One step of the clock is at most {years} years."
    years: int


@dataclass(frozen=True, slots=True)
class ClockOf:
    """The clock as `owner_id` sees it: the sandbox belongs to whoever looks at it."""

    activity_type: ClassVar[str] = "Sandbox"
    id: UUID
    owner_id: UUID


def check_step(now: datetime, to: datetime, years: int) -> None:
    """EVT-4. Raises where the clock may not be moved from `now` to `to`: backwards, or past the day `years` later."""
    if to < now:
        raise ClockMovesForward().at("to")
    if to > _later(now, years):
        raise ClockStepTooLong(years).at("to")


def _later(now: datetime, years: int) -> datetime:
    """The same day of a later year; 29 February becomes 28."""
    try:
        return now.replace(year=now.year + years)
    except ValueError:
        return now.replace(year=now.year + years, day=28)


def move(offset: ClockOffset, record: Record, to: datetime, owner_id: UUID) -> None:
    """EVT-4. Make business time `to` as of now."""
    before = record.now
    offset.microseconds = (to - record.real_now) // timedelta(microseconds=1)
    record.now = to
    subject = ClockOf(offset.id, owner_id)
    record.happened("sandbox.clock_advanced", subject, changes={"now": (before, to)})
