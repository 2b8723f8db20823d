"""Password hashing beside the event loop: two at a time, so that sign-ins cannot take the machine."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from app.settings import Settings
from models.conflict import Busy
from models.password import Argon2
from models.strength import USUAL, Strength, check_strength

AT_ONCE = 2
Result = TypeVar("Result")
Given = TypeVarTuple("Given")


class HashingPool:
    """Hashes in threads of its own. At most `queue` callers wait or are served; whoever comes then finds it Busy."""

    def __init__(self, argon2: Argon2, queue: int, strength: Strength = USUAL) -> None:
        self._argon2 = argon2
        self._strength = strength
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
        self._places = queue

    async def hash(self, password: str) -> str:
        return await self._run(self._argon2.hash, password)

    async def matches(self, password: str, hashed: str | None) -> bool:
        return await self._run(self._argon2.matches, password, hashed)

    async def check(self, password: str, about_its_owner: Sequence[str]) -> None:
        await self._run(check_strength, password, about_its_owner, self._strength)

    def outdated(self, hashed: str) -> bool:
        return self._argon2.outdated(hashed)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    async def _run(self, work: Callable[[*Given], Result], *given: *Given) -> Result:
        if not self._places:
            raise Busy
        self._places -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *given)
        finally:
            self._places += 1


def hashing_pool(settings: Settings) -> HashingPool:
    """A pool that hashes as the settings say."""
    argon2 = Argon2(memory_kib=settings.password_memory_kib, passes=settings.password_passes, lanes=1)
    strength = Strength(settings.password_least_length, settings.password_most_length, settings.password_least_score)
    return HashingPool(argon2, settings.password_queue, strength)
