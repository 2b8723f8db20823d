"""BIL-2. Series of documents: numbers without gaps, dates that never go back, each document chained to the one before.

The row of a series is the last thing that a transaction locks, and is held until the document is there: a number is
never drawn for a document that is not issued.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlmodel import Field, SQLModel

from models.setting import Figures

DIGITS = 6
"""Of a number at least; a series that outgrows them goes on with more."""


class DocumentKind(StrEnum):
    """Kinds of documents that have a number."""

    INVOICE = "INVOICE"
    CREDIT_NOTE = "CREDIT_NOTE"


class SeriesKind(StrEnum):
    """BIL-2. What has a series of its own in each year."""

    INVOICE = "INVOICE"
    CREDIT_NOTE = "CREDIT_NOTE"
    RECEIPT = "RECEIPT"


class DocumentSeries(SQLModel, table=True):
    """BIL-2. How far the numbers of one kind and year have come."""

    __tablename__ = "document_series"

    name: str = Field(primary_key=True, max_length=24)
    """What its numbers begin with."""
    last_sequence: int
    last_issued_on: date
    last_hash: str = Field(max_length=64)


@dataclass(frozen=True, slots=True)
class Number:
    """BIL-2. A number that was drawn: the day of its document, and the hash of the one before."""

    series: str
    sequence: int
    issued_on: date
    previous_hash: str

    @property
    def text(self) -> str:
        """As it is printed."""
        return printed(self.series, self.sequence)


def printed(series: str, sequence: int) -> str:
    """BIL-2. A number as it is printed: `F2026-000042`."""
    return f"{series}{sequence:0{DIGITS}}"


def series_of(kind: SeriesKind, day: date, figures: Figures, *, sandbox: bool) -> str:
    """BIL-2. What numbers of a kind begin with in a year: no real one begins as those of a sandbox do."""
    return f"{SANDBOX if sandbox else ''}{prefix_of(kind, figures)}{day.year}-"


def prefix_of(kind: SeriesKind, figures: Figures) -> str:
    """BIL-2. What numbers of a kind begin with, before the year."""
    match kind:
        case SeriesKind.INVOICE:
            return figures.invoice_prefix
        case SeriesKind.CREDIT_NOTE:
            return figures.credit_note_prefix
        case SeriesKind.RECEIPT:
            return figures.receipt_prefix


SANDBOX = "TEST-"
