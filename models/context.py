"""What a command is given: the database, who is calling, the clock, the figures, and the outside parties."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from models.clock import Clock
from models.db import Db
from models.permission import Viewer
from models.setting import Figures


class Passwords(Protocol):
    """Hashes passwords without holding anybody up. Each call costs one hash, whatever it is given."""

    def hash(self, password: str) -> Awaitable[str]: ...

    def matches(self, password: str, hashed: str | None) -> Awaitable[bool]:
        """Whether they belong together; against None (no such profile) it costs the same and is False."""
        ...


@dataclass
class Context:
    """One call of one command. The same for a request, a job of the worker and a test."""

    db: Db
    viewer: Viewer
    clock: Clock
    figures: Figures
    passwords: Passwords
