"""BIL-5. The invoicing day: a day of the month on which everything of a profile is invoiced."""

from dataclasses import dataclass

from models.activity import action
from models.opening import Standing, of_standing
from models.quote import Caution
from models.refusal import Refusal
from models.term import Term

CHANGED = action("profile.invoicing_day_changed", "The invoicing day was changed")


@dataclass(frozen=True, slots=True)
class DayWishes:
    """BIL-5. A day that every month has, or each product's own."""

    day: int | None


@dataclass(frozen=True, slots=True)
class DayChange:
    """BIL-5. What a change comes to: a part of a period for each subscription whose end is another day."""

    terms: tuple[Term, ...]
    blockers: tuple[Refusal, ...]
    cautions: tuple[Caution, ...] = ()


def decide_invoicing_day(following: tuple[Term, ...], standing: Standing) -> DayChange:
    """BIL-5, BIL-14. `following` are the next periods with the new day: those that are parts of one are paid now."""
    terms = tuple(each for each in following if not each.span.whole)
    return DayChange(terms, tuple(of_standing(standing, None, billable=bool(terms))))
