"""Lengths of time among the figures of the rules."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field


def _seconds(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


Duration = Annotated[timedelta, BeforeValidator(_seconds), Field(gt=timedelta(0))]
"""Seconds, or a duration of ISO 8601 such as `PT30M`."""
