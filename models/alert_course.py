"""ALE-1, ALE-4. The days of an alert: what is told when, and when its time is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from models.clock import day_start, later
from models.setting import Figures


class Step(StrEnum):
    """ALE-4. What is told on the way, in order."""

    OPENING = "OPENING"
    FIRST_REMINDER = "FIRST_REMINDER"
    SECOND_REMINDER = "SECOND_REMINDER"
    FINAL_WARNING = "FINAL_WARNING"


@dataclass(frozen=True, slots=True)
class Course:
    """The days of one alert."""

    steps: tuple[tuple[Step, datetime], ...]
    expires_at: datetime | None = None
    whole: timedelta | None = None
    """How long there is after a warning at least, where its time waits for that: what comes of itself does not wait."""

    def over(self, now: datetime) -> bool:
        """Whether it is over, whatever was told."""
        return self.whole is None and self.expires_at is not None and self.expires_at <= now

    def until(self, told: Step, now: datetime, figures: Figures) -> datetime | None:
        """When it is over, once this is told now: not before whoever is warned late had a whole warning."""
        if self.expires_at is None or self.whole is None or told is not Step.FINAL_WARNING:
            return self.expires_at
        return max(self.expires_at, later(now, self.whole, ZoneInfo(figures.billing_zone)))


def from_opening(since: datetime, figures: Figures, still: timedelta = timedelta()) -> Course:
    """ALE-4. The days are counted from its opening; `still` is how long they stood still since."""
    zone = ZoneInfo(figures.billing_zone)
    delays = (
        (Step.FIRST_REMINDER, figures.alert_first_reminder),
        (Step.SECOND_REMINDER, figures.alert_second_reminder),
        (Step.FINAL_WARNING, figures.alert_final_warning),
    )
    return Course(
        ((Step.OPENING, since), *((step, later(since, delay + still, zone)) for step, delay in delays)),
        later(since, figures.alert_expiry + still, zone),
        figures.alert_expiry - figures.alert_final_warning,
    )


def towards(
    since: datetime,
    on: date,
    reminders: Sequence[tuple[Step, timedelta]],
    figures: Figures,
    *,
    expires: bool,
    whole: timedelta | None = None,
) -> Course:
    """ALE-1. The days are counted back from the end of a day on which something happens."""
    zone = ZoneInfo(figures.billing_zone)
    end = day_after(on, figures)
    steps = tuple((step, later(end, -before, zone)) for step, before in reminders)
    return Course(((Step.OPENING, since), *steps), end if expires else None, whole)


def day_after(on: date, figures: Figures) -> datetime:
    """The instant at which a day is over."""
    return day_start(on + timedelta(days=1), ZoneInfo(figures.billing_zone))
