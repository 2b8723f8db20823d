"""BIL-1. The seal of the journal: committed entries in the order in which they were sealed, each chained to the last.

Sealing is not in the way of money: it is done by the worker, later, and is as hard to undo.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from models.chain import content_of, link
from models.column import table
from models.journal import JournalEntry, JournalLine


class LedgerSeal(SQLModel, table=True):
    """BIL-1. One sealed entry; triggers keep it as it is."""

    __tablename__ = "ledger_seal"

    position: int = Field(sa_type=BigInteger, primary_key=True)
    entry_id: UUID = Field(foreign_key="journal_entry.id", unique=True)
    previous_hash: str = Field(max_length=64)
    hash: str = Field(max_length=64)


def sealed(previous: str, entry: Any, lines: Sequence[Any]) -> str:
    """BIL-1. The hash of an entry with its lines, however they were read."""
    content = {
        "entry": content_of(entry, table(JournalEntry)),
        "lines": [content_of(line, table(JournalLine)) for line in lines],
    }
    return link(previous, content)
