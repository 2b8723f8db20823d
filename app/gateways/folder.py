"""EVT-3. Mails as files of a folder: the embedded default, for mail programs and tests to read."""

import asyncio
import os
import re
from collections.abc import Awaitable
from email.message import EmailMessage
from pathlib import Path

from models.mail import MailRefused

NAME = re.compile(r"<([0-9A-Za-z-]+)@[^<>]*>")


class FolderMailer:
    """Writes each mail once, as `<id>.eml`, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, message: EmailMessage) -> Awaitable[None]:
        return asyncio.to_thread(self._write, message)

    def _write(self, message: EmailMessage) -> None:
        found = NAME.fullmatch(str(message["Message-ID"]))
        if found is None:
            raise MailRefused("NO_MESSAGE_ID", permanent=True)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / f"{found[1]}.eml"
        if path.exists():  # It was written, and whoever wrote it did not live to say so.
            return
        unfinished = self.folder / f".{found[1]}.{os.getpid()}"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(bytes(message))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
