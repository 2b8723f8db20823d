"""Password hashing beside the event loop: two at a time, so that sign-ins cannot take the machine."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from app.settings import Settings
from models.password import Argon2

AT_ONCE = 2


class HashingPool:
    """Hashes in threads of its own; callers queue."""

    def __init__(self, argon2: Argon2) -> None:
        self._argon2 = argon2
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")

    async def hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._argon2.hash, password)

    async def matches(self, password: str, hashed: str | None) -> bool:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._argon2.matches, password, hashed)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def hashing_pool(settings: Settings) -> HashingPool:
    """A pool that hashes as the settings say."""
    return HashingPool(Argon2(memory_kib=settings.password_memory_kib, passes=settings.password_passes, lanes=1))
