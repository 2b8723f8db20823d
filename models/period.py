"""BIL-6. Periods of what is subscribed to: civil days, half-open, and the share of a price that some of them are."""

import calendar
from dataclasses import dataclass
from datetime import date

from models.money import nearest
from models.price import MONTHS, BillingPeriod

INVOICING_DAYS = range(1, 29)
"""BIL-5. The days of a month that every month has."""


def after(anchor: date, months: int) -> date:
    """BIL-6. The day so many months after another, or the last of its month; from the anchor, so it never drifts."""
    years, month = divmod(anchor.month - 1 + months, 12)
    year = anchor.year + years
    return date(year, month + 1, min(anchor.day, calendar.monthrange(year, month + 1)[1]))


def period_at(anchor: date, period: BillingPeriod, day: date) -> tuple[date, date]:
    """BIL-6. The period that holds a day, of what began at the anchor: its first day, and the first one after it."""
    months, number = MONTHS[period], 0
    while after(anchor, months * (number + 1)) <= day:
        number += 1
    return after(anchor, months * number), after(anchor, months * (number + 1))


def first_period(day: date, period: BillingPeriod) -> tuple[date, date]:
    """BIL-6. The first period of what begins on a day: the day, and the first one that is not in it."""
    return day, after(day, MONTHS[period])


def days(starts_on: date, ends_before: date) -> int:
    """BIL-6. The days of a half-open period: civil ones, which a change of clocks makes neither fewer nor more."""
    return (ends_before - starts_on).days


def pro_rata(net_cents: int, share_days: int, all_days: int) -> int:
    """BIL-6. What so many days of a period are of its price, half a cent up."""
    if not 0 <= share_days <= all_days or all_days == 0:
        raise ValueError(f"{share_days} of {all_days} days are no share of a period")
    return nearest(net_cents * share_days, all_days)


@dataclass(frozen=True, slots=True)
class Cut:
    """BIL-6. A period that ends early: what was used, and what is given back; together what was charged."""

    net_cents: int
    """What was really charged for the period, after discounts."""
    days: int
    days_left: int

    @property
    def refund_cents(self) -> int:
        return pro_rata(self.net_cents, self.days_left, self.days)

    @property
    def used_cents(self) -> int:
        """Never rounded apart from the refund."""
        return self.net_cents - self.refund_cents


def cut(net_cents: int, starts_on: date, ends_before: date, day: date) -> Cut:
    """BIL-6. A period left on a day, which belongs to what follows; one that is over has nothing left."""
    if day < starts_on:
        raise ValueError(f"{day} is before the period that begins on {starts_on}")
    return Cut(net_cents, days(starts_on, ends_before), max(0, days(day, ends_before)))


@dataclass(frozen=True, slots=True)
class Stub:
    """BIL-5. The days by which a subscription is brought to its invoicing day, and what they cost."""

    starts_on: date
    ends_before: date
    days: int
    period_days: int
    """Of the whole period that would have begun with them."""
    net_cents: int


def stub(net_cents: int, paid_until: date, period: BillingPeriod, invoicing_day: int) -> Stub | None:
    """BIL-5. From the end of what is paid to the next invoicing day; None where that is the same day.

    A share of the period that would have begun there, over its real length.
    """
    ends_before = next_on(invoicing_day, paid_until)
    if ends_before == paid_until:
        return None
    whole = days(*first_period(paid_until, period))
    share = days(paid_until, ends_before)
    return Stub(paid_until, ends_before, share, whole, pro_rata(net_cents, share, whole))


def next_on(invoicing_day: int, day: date) -> date:
    """BIL-5. The first such day of a month that is not before `day`."""
    if invoicing_day not in INVOICING_DAYS:
        raise ValueError(f"{invoicing_day} is not a day of every month")
    this_month = day.replace(day=invoicing_day)
    return this_month if this_month >= day else after(this_month, 1)
