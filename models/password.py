"""PRO-4. Passwords: argon2id, and what of a hash is checked when parameters rise."""

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError


class Argon2:
    """Argon2id with one set of parameters. Blocking: call it from a thread, outside any transaction."""

    def __init__(self, *, memory_kib: int, passes: int, lanes: int) -> None:
        self._hasher = PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=lanes, hash_len=32, salt_len=16, type=Type.ID
        )
        self._nobody = self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        return self._hasher.hash(password)

    def matches(self, password: str, hashed: str | None) -> bool:
        """One hash, always: an unknown profile costs what a known one costs."""
        try:
            return self._hasher.verify(hashed or self._nobody, password) and hashed is not None
        except (VerificationError, InvalidHashError):
            return False

    def outdated(self, hashed: str) -> bool:
        """Whether it was made with other parameters than these."""
        return self._hasher.check_needs_rehash(hashed)
