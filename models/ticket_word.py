"""TIC-1. Words of tickets: what is looked for in subjects and messages, at the same cost however many there are."""

import re
import unicodedata
from collections.abc import Iterable
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.column import Name

WORD_LENGTH = 40
MOST_WORDS = 1_000
"""Of one text."""
MOST_WANTED = 8
"""At once."""
WORD = re.compile(r"\w+")


class TicketWord(SQLModel, table=True):
    """TIC-1. That a word stands in a ticket, folded."""

    __tablename__ = "ticket_word"

    word: str = Field(sa_type=Name(WORD_LENGTH), primary_key=True)
    ticket_id: UUID = Field(foreign_key="ticket.id", ondelete="CASCADE", primary_key=True, index=True)


def words_of(*texts: str) -> list[str]:
    """The words of texts, without accents and capitals, each once, in their order."""
    return list(dict.fromkeys(_words(texts)))[:MOST_WORDS]


def wanted(text: str) -> tuple[str, ...]:
    """The words to look for; there have to be all of them."""
    return tuple(words_of(text)[:MOST_WANTED])


def _words(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        bare = unicodedata.normalize("NFKD", text.casefold())
        plain = "".join(letter for letter in bare if not unicodedata.combining(letter))
        yield from (found.group()[:WORD_LENGTH] for found in WORD.finditer(plain))
