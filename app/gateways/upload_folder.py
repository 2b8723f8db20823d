"""TIC-1. Files of tickets in a folder, named by ids alone: what people call them never becomes a path."""

import os
from pathlib import Path
from typing import BinaryIO
from uuid import UUID, uuid4

UNFINISHED = ".part"


class FolderIncoming:
    """A file that is being written, beside those that are there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unfinished = path.with_name(f"{path.name}.{uuid4().hex}{UNFINISHED}")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self.file = open(descriptor, "w+b")  # noqa: SIM115 - open until it is kept or dropped

    def write(self, chunk: bytes) -> None:
        self.file.write(chunk)

    def read(self) -> BinaryIO:
        self.file.flush()
        self.file.seek(0)
        return self.file

    def keep(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        self.unfinished.replace(self.path)
        _sync(self.path.parent)

    def drop(self) -> None:
        self.file.close()
        self.unfinished.unlink(missing_ok=True)


class UploadFolder:
    """Keeps each file as `<two digits>/<id>`, readable by nobody else on the machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, key: UUID) -> FolderIncoming:
        return FolderIncoming(self._path(key))

    def open(self, key: UUID) -> BinaryIO | None:
        try:
            return self._path(key).open("rb")
        except FileNotFoundError:
            return None

    def delete(self, key: UUID) -> None:
        path = self._path(key)
        path.unlink(missing_ok=True)
        for unfinished in path.parent.glob(f"{path.name}.*{UNFINISHED}"):
            unfinished.unlink(missing_ok=True)

    def _path(self, key: UUID) -> Path:
        return self.folder / key.hex[-2:] / key.hex


def _sync(folder: Path) -> None:
    """Have the name on the disk as well as the bytes."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
