"""A provider who waits for a century: tests of what years cost let customers owe, and do not suspend them for it.

What comes of it with the figures that are shipped is tested in `tests/test_alert.py`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

A_CENTURY = timedelta(days=36_500)
FIGURES = "alert_first_reminder", "alert_second_reminder", "alert_final_warning", "alert_expiry", "inactivity_young"
PATIENT: Mapping[str, Any] = dict.fromkeys(FIGURES, A_CENTURY)
