"""EVT-4. The practice system's clock: business time may be moved forward, never back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.refusal import Code, Refusal

CLOCK_ID = UUID("01900000-0000-7000-8000-000000000001")
"""Id of the one row that holds the offset."""


LAST_YEAR = 2200
"""Far from where instants cannot be written any more, real time still to come included."""

CLOCK_ADVANCED = action("sandbox.clock_advanced", "The clock of the practice system was moved")


class ClockMovesForward(Refusal):
    """EVT-4. The wanted instant has passed already."""

    code = Code.INVALID
    message = "The clock only moves forward."


@dataclass(eq=False)
class ClockEnds(Refusal):
    """EVT-4. The wanted instant is beyond what calendars and databases agree on."""

    code = Code.INVALID
    message = "The clock ends with the year {year}."
    year: str


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


class ClockOffset(SQLModel, table=True):
    """EVT-4. How far business time is ahead of real time; the one row exists in sandbox installations only."""

    __tablename__ = "clock_offset"

    id: UUID = Field(default=CLOCK_ID, primary_key=True)
    microseconds: int = Field(default=0, sa_type=BigInteger)

    def check(self, now: datetime, to: datetime, years: int) -> None:
        """EVT-4. Raises why business time, `now`, cannot become `to`: backwards, or past the day `years` later."""
        if to < now:
            raise ClockMovesForward().at("to")
        if to.year > LAST_YEAR:
            raise ClockEnds(str(LAST_YEAR)).at("to")
        if to > _later(now, years):
            raise ClockStepTooLong(years).at("to")

    def advance(
        self, record: Record, *, to: datetime, years: int, owner_id: UUID, since: datetime | None = None
    ) -> None:
        """EVT-4. Make business time `to`: never backwards, nor past the day `years` later; `owner_id` is told.

        `since` is what it was when that was checked, before what fell due on the way was done; the clock moved with it.
        """
        if since is None:
            since = record.real_now + timedelta(microseconds=self.microseconds)
            self.check(since, to, years)
        self.microseconds = max(self.microseconds, (to - record.real_now) // timedelta(microseconds=1))
        record.now = record.real_now + timedelta(microseconds=self.microseconds)
        record.happened(CLOCK_ADVANCED, ClockOf(self.id, owner_id), changes={"now": (since, to)})


def _later(now: datetime, years: int) -> datetime:
    """The same day of a later year; 29 February becomes 28."""
    try:
        return now.replace(year=now.year + years)
    except ValueError:
        return now.replace(year=now.year + years, day=28)
