"""What an installation is for, and how it keeps what is being written."""

from enum import StrEnum


class Mode(StrEnum):
    """What the installation is for."""

    SANDBOX = "sandbox"
    PRODUCTION = "production"


class Journal(StrEnum):
    """How SQLite keeps what is being written."""

    AUTO = "auto"
    WAL = "wal"
    DELETE = "delete"
