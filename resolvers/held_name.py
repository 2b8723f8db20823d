"""Names of accounts: whether one is free, and taking it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, Row, bindparam, select

from models.account_name import RESERVED
from models.column import table
from models.held_name import HeldName, NameTaken

Read = Callable[[Executable, Mapping[str, Any]], Awaitable[Sequence[Row[Any]]]]
"""`rows` of what reads: a request's database, or the write transaction that is to take the name."""
NAMES = table(HeldName)
HELD = (
    select(NAMES.c.name)
    .where(NAMES.c.name == bindparam("name"))
    .union(select(RESERVED.c.name).where(RESERVED.c.name == bindparam("name")))
)


async def refusal_of_taken(rows: Read, name: str) -> NameTaken | None:
    """ACC-2. Why a name cannot be had that an account holds, be it renamed away from, or that the provider keeps."""
    return NameTaken().at("name") if await rows(HELD, {"name": name}) else None
