"""Figures of the rules that an operator may change: delays, limits, rates. Every one is `ESPACE_<NAME>`."""

from datetime import timedelta

from pydantic import BaseModel, Field


class Figures(BaseModel):
    """What rules read. Defaults are the shipped ones; the application adds where it listens and stores."""

    billing_zone: str = Field(default="Europe/Paris", description="Time zone of civil dates on documents and periods.")
    session_lifetime: timedelta = Field(
        default=timedelta(days=14), description="How long a cookie session lasts without being used."
    )
    access_token_lifetime: timedelta = Field(
        default=timedelta(minutes=30), description="How long the access token of a bearer session is accepted."
    )
    refresh_token_lifetime: timedelta = Field(
        default=timedelta(days=60), description="How long a bearer session can be renewed after its last use."
    )
    session_seen_interval: timedelta = Field(
        default=timedelta(minutes=1), description="A session's last use is written at most this often."
    )
    sessions_per_profile: int = Field(
        default=50,
        ge=1,
        description="Open sessions of one profile; signing in beyond closes the one unused for longest.",
    )
    clock_advance_limit: timedelta = Field(
        default=timedelta(days=731), description="How far one call may move the sandbox clock."
    )
    session_retention: timedelta = Field(
        default=timedelta(days=30), description="How long ended and expired sessions are kept before they are deleted."
    )
