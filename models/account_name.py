"""ACC-2. Names of accounts: how they are written, and which are nobody's to take."""

import re
from dataclasses import dataclass

from sqlmodel import Field, SQLModel

from models.column import table
from models.refusal import Code, Refusal

FORM = re.compile(r"[a-z][a-z0-9_-]*")
LONGEST = 63
"""Of what a name is looked up for; hostnames derive from it, and a label of one has no more characters."""


@dataclass(eq=False)
class WrongLength(Refusal):
    """ACC-2. Too short to tell apart, or too long for what derives from it."""

    code = Code.INVALID
    message = "A name has between {least} and {most} characters."
    least: int
    most: int


class MalformedName(Refusal):
    """ACC-2. Hostnames, paths and user names derive from it, so it holds what all of them hold."""

    code = Code.INVALID
    message = "A name has lower-case letters, digits, hyphens and underscores, and begins with a letter."


class ReservedName(SQLModel, table=True):
    """ACC-2. A name that the provider keeps to itself."""

    __tablename__ = "reserved_name"

    name: str = Field(primary_key=True, max_length=LONGEST)


RESERVED = table(ReservedName)


def check_name(name: str, *, least: int, most: int) -> None:
    """ACC-2. Raises the refusal of a name that is not well formed."""
    if not least <= len(name) <= most:
        raise WrongLength(least, most)
    if not FORM.fullmatch(name):
        raise MalformedName
