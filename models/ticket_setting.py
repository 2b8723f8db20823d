"""Figures of tickets and their files that an operator may change."""

from datetime import timedelta

from pydantic import BaseModel, Field, field_validator

from models.duration import Duration
from models.file_type import FILE_TYPES


class TicketFigures(BaseModel):
    """TIC-1, TIC-4. What the rules of tickets read."""

    on_call_address: str = Field(
        default="on-call@espace.example",
        max_length=254,
        pattern=r"^[!-?A-~]+@[!-?A-~]+$",
        description="TIC-4. Whom an urgent ticket calls, by a mail at once, day and night.",
    )
    upload_bytes: int = Field(
        default=20 * 2**20, ge=1, le=2**31 - 1, description="TIC-1. How large a file may be, in bytes."
    )
    upload_types: tuple[str, ...] = Field(
        default=(
            "application/pdf",
            "application/zip",
            "image/gif",
            "image/jpeg",
            "image/png",
            "image/webp",
            "text/plain",
        ),
        description="TIC-1. Types of files that are taken; a JSON list, of these alone: others cannot be checked.",
    )
    upload_lifetime: Duration = Field(
        default=timedelta(hours=1), description="TIC-1. How long an announced file may be sent, and attached."
    )
    uploads_waiting: int = Field(
        default=20, ge=1, description="TIC-1. Files of one profile that are attached to nothing yet."
    )
    upload_room: int = Field(
        default=500 * 2**20, ge=1, description="TIC-1. What all files that one profile sent may have, in bytes."
    )
    message_files: int = Field(default=10, ge=1, description="TIC-1. Files of one message.")
    attachment_link_lifetime: Duration = Field(
        default=timedelta(minutes=10), description="TIC-1. How long the link to a file works, for whoever asked for it."
    )

    @field_validator("upload_types")
    @classmethod
    def _checkable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [each for each in value if each not in FILE_TYPES]:
            raise ValueError(f"files of the type {unknown[0]} cannot be checked")
        return value
