"""Names of accounts: which can be had."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, Row, bindparam, select

from models.account_name import RESERVED, check_name
from models.column import table
from models.context import Context
from models.held_name import HeldName
from models.refusal import Refusal

Read = Callable[[Executable, Mapping[str, Any]], Awaitable[Sequence[Row[Any]]]]
"""`rows` of what reads: a request's database, or the write transaction that is to take the name."""
NAMES = table(HeldName)
HELD = (
    select(NAMES.c.name)
    .where(NAMES.c.name == bindparam("name"))
    .union_all(select(RESERVED.c.name).where(RESERVED.c.name == bindparam("name")))
)


async def taken(rows: Read, name: str) -> bool:
    """ACC-2. Whether a name is an account's, be it renamed from or to it, or the provider's; not whose."""
    return bool(await rows(HELD, {"name": name}))


async def available(context: Context, keys: Sequence[Any], *, name: str) -> list[bool]:
    """ACC-2. Whether a name is well formed and free; what is not well formed is not looked up."""
    figures = context.figures
    try:
        check_name(name, least=figures.account_name_least, most=figures.account_name_most)
    except Refusal:
        return [False] * len(keys)
    return [not await taken(context.db.rows, name)] * len(keys)
