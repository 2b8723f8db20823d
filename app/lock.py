"""One server process for each SQLite file: it holds the clock, the worker and the queue of writers."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.db import async_url


class DatabaseInUse(Exception):
    """Another process serves this SQLite file."""

    def __init__(self, database: Path, process: str) -> None:
        super().__init__(
            f"{database} is in use by process {process}: one process at a time serves an SQLite file, its worker"
            " inside. Stop the other one, or use PostgreSQL, where there may be as many as you like."
        )


@contextmanager
def only_process(url: str) -> Iterator[None]:
    """Be the only process that serves the database at `url`; raises DatabaseInUse. PostgreSQL needs nothing of it.

    The operating system lets the lock go with its process, however that ends; the file beside the database stays.
    """
    parsed = async_url(url)
    if parsed.get_backend_name() != "sqlite":
        yield
        return
    database = Path(str(parsed.database)).resolve()
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with database.with_name(f"{database.name}.lock").open("a+", encoding="ascii") as file:
        try:
            _lock(file.fileno())
        except OSError as error:
            file.seek(0)
            raise DatabaseInUse(database, file.read().strip() or "unknown") from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _lock(descriptor: int) -> None:
    """Raises OSError where another process has it. POSIX only: on Windows nothing is locked."""
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
