"""PRO-5. What keeps secrets that must be read back: sealed in the database, opened with the service's key alone."""

from typing import Protocol
from uuid import UUID


class Unopened(Exception):
    """It was sealed with another key, for another owner, or was changed."""


class Vault(Protocol):
    """Seals texts, each for its owner: moved to another one's row, it does not open."""

    def seal(self, text: str, owner_id: UUID) -> str: ...

    def open(self, sealed: str, owner_id: UUID) -> str:
        """Raises Unopened."""
        ...


class NoVault:
    """Where there is no key: nothing can be sealed or opened."""

    def seal(self, text: str, owner_id: UUID) -> str:
        raise LookupError("there is no key to seal with")

    def open(self, sealed: str, owner_id: UUID) -> str:
        raise LookupError("there is no key to open with")
