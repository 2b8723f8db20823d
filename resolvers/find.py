"""Finding a row and checking the right to it: one call, under its lock."""

from typing import TypeVar, cast
from uuid import UUID

from sqlmodel import SQLModel, select

from models.activity import Recorded
from models.column import table
from models.context import Context
from models.db import Write
from models.permission import Subject, decide
from models.refusal import NotFound

T = TypeVar("T", bound=SQLModel)


async def find(context: Context, write: Write, model: type[T], key: UUID, *path: str) -> T:
    """PER-12. The row, locked; NotFound, at the input field `path`, where the caller's right to it is gone."""
    row = await write.lock_one(select(model).where(table(model).c.id == key))
    if row is None or decide(context.viewer, context.requirement, Subject(cast(Recorded, row).owner_id)) is not None:
        raise NotFound().at(*path) if path else NotFound()
    return row
