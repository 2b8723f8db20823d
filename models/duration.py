"""How long something takes, as an operator writes it."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field


def _seconds(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


Duration = Annotated[timedelta, BeforeValidator(_seconds), Field(gt=timedelta(0))]
"""Seconds, or a duration of ISO 8601 such as `PT30M`."""
