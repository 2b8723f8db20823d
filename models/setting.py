"""Figures of the rules that an operator may change: delays, limits, rates. Every one is `ESPACE_<NAME>`."""

from datetime import timedelta
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import BaseModel, BeforeValidator, Field, field_validator


def _seconds(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


Duration = Annotated[timedelta, BeforeValidator(_seconds), Field(gt=timedelta(0))]
"""Seconds, or a duration of ISO 8601 such as `PT30M`."""


class Figures(BaseModel):
    """What rules read. Defaults are the shipped ones; the application adds where it listens and stores."""

    billing_zone: str = Field(default="Europe/Paris", description="Time zone of civil dates on documents and periods.")
    session_lifetime: Duration = Field(
        default=timedelta(days=14), description="How long a cookie session lasts without being used."
    )
    access_token_lifetime: Duration = Field(
        default=timedelta(minutes=30), description="How long the access token of a bearer session is accepted."
    )
    refresh_token_lifetime: Duration = Field(
        default=timedelta(days=60), description="How long a bearer session can be renewed after its last use."
    )
    session_seen_interval: Duration = Field(
        default=timedelta(minutes=1), description="A session's last use is written at most this often."
    )
    sessions_per_profile: int = Field(
        default=50,
        ge=1,
        description="Open sessions of one profile; signing in beyond closes the one unused for longest.",
    )
    clock_advance_years: int = Field(default=2, ge=1, description="How far one call may move the sandbox clock.")
    session_retention: Duration = Field(
        default=timedelta(days=30), description="How long ended and expired sessions are kept before they are deleted."
    )

    @field_validator("billing_zone")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("there is no such time zone")
        return value
