"""PRO-14. Inactivity: how long after the last sign-in a profile with nothing but free accounts is looked after."""

from datetime import datetime
from zoneinfo import ZoneInfo

from models.clock import civil_day, later
from models.period import after
from models.setting import Figures

MONTHS_OF_A_YEAR = 12


def inactive_at(created_at: datetime, signed_in_at: datetime, figures: Figures) -> datetime:
    """PRO-14. When whoever signed in then is inactive, by the age that the profile had."""
    zone = ZoneInfo(figures.billing_zone)
    born, day = civil_day(created_at, zone), civil_day(signed_in_at, zone)
    if day < after(born, MONTHS_OF_A_YEAR * figures.inactivity_grown_years):
        return later(signed_in_at, figures.inactivity_young, zone)
    old = day >= after(born, MONTHS_OF_A_YEAR * figures.inactivity_old_years)
    months = figures.inactivity_old_months if old else figures.inactivity_grown_months
    return later(signed_in_at, after(day, months) - day, zone)
