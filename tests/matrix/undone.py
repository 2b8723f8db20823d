"""A database whose transactions all come to nothing, so that thousands of calls find the same rows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from models.db import Database


class UndoneDatabase(Database):
    """Reads like the other; what is written is rolled back at the end of its transaction."""

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        async with self.writers.connect() as connection:
            await connection.begin()
            yield connection
            await connection.rollback()
