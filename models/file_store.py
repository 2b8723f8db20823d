"""TIC-1. Where files are kept: outside of the database, under ids that say nothing of what is in them."""

from typing import BinaryIO, Protocol
from uuid import UUID


class Incoming(Protocol):
    """A file that is being written; it is not there for anybody until it is kept."""

    def write(self, chunk: bytes) -> None: ...

    def read(self) -> BinaryIO:
        """What was written, from its beginning."""
        ...

    def keep(self) -> None:
        """Have it there, whole, also after a loss of power."""
        ...

    def drop(self) -> None:
        """Forget it, where it was not kept."""
        ...


class FileStore(Protocol):
    """Keeps files. Its methods are called in threads: they may take their time."""

    def begin(self, key: UUID) -> Incoming:
        """Write a file; of two at once under one key the last that is kept counts."""
        ...

    def open(self, key: UUID) -> BinaryIO | None:
        """A file to read; None where there is none."""
        ...

    def delete(self, key: UUID) -> None:
        """Forget a file, if it is there, and what was written of it and never kept."""
        ...
