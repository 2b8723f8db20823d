"""BIL-4, CAT-4. Renewals to come: when a subscription renews, and which of its renewals is announced, and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from models.clock import day_start
from models.price import BillingPeriod, Dated, in_force
from models.term import span


@dataclass(frozen=True, slots=True)
class Announcement:
    """A renewal that its owner is told about before, and what it costs then."""

    on: date
    at: datetime
    before_cents: int
    after_cents: int

    @property
    def changes(self) -> bool:
        """CAT-4. It costs another price."""
        return self.before_cents != self.after_cents


@dataclass(frozen=True, slots=True)
class Renewal:
    """When a subscription renews, and when it has to be looked whether that is announced."""

    at: datetime
    look_at: datetime | None


@dataclass(frozen=True, slots=True)
class Course:
    """How a subscription goes on: what its renewals depend on."""

    anchor: date
    period: BillingPeriod
    ends_before: date
    """Where what is paid ends."""
    cents: int
    """Of a whole period now, before discounts."""
    invoicing_day: int | None = None
    noticed_on: date | None = None
    """The last renewal that was announced."""


def announcement(course: Course, prices: Sequence[Dated], zone: ZoneInfo, notice: timedelta) -> Announcement | None:
    """BIL-4, CAT-4. The next renewal to announce: each of a year, and any at another price; so long before it.

    The renewal after the next is looked at too: where a month is shorter than the notice, its time is in this period.
    """
    day, before = course.ends_before, course.cents
    for _ in range(2):
        price = in_force(prices, day_start(day, zone))
        cents = price.cents if price else before
        told = course.noticed_on is not None and day <= course.noticed_on
        if not told and (course.period is BillingPeriod.YEARLY or cents != before):
            return Announcement(day, day_start(day - notice, zone), before, cents)
        day, before = span(course.anchor, course.invoicing_day, day, course.period).ends_before, cents
    return None


def renewal(course: Course, prices: Sequence[Dated], zone: ZoneInfo, notice: timedelta) -> Renewal:
    """BIL-4. When what is paid ends, and when to look for what is announced of it."""
    told = announcement(course, prices, zone, notice)
    return Renewal(day_start(course.ends_before, zone), told.at if told else None)
