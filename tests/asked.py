"""What a database is asked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import event

from models.db import Db
from tests.api import Api


@contextmanager
def statements(api: Api) -> Iterator[list[str]]:
    """What the database is asked meanwhile, through SQLAlchemy or directly."""
    run: list[str] = []
    fetch = Db.fetch

    def note(*facts: Any) -> None:
        if facts[2] != "BEGIN":  # Whether a connection that was kept is in a transaction depends on who had it before.
            run.append(facts[2])

    async def noted(db: Db, text: str, values: Sequence[Any]) -> Sequence[Any]:
        run.append(text)
        return await fetch(db, text, values)

    engines = [engine.sync_engine for engine in (api.database.readers, api.database.writers)]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    with patch.object(Db, "fetch", noted):
        yield run
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)
