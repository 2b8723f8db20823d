"""LIM-1, LIM-2. How much a caller may ask per minute: operations, and points of cost. Kept in this process."""

from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

from graphql import OperationType
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from app.settings import Settings
from engine.error import RATE_LIMITED, RequestRefused
from models.clock import Clock
from models.context import Quota
from models.permission import Viewer


@dataclass(frozen=True, slots=True)
class Window:
    """One limit: its name, and how much of it there is per minute."""

    name: str
    item: RateLimitItemPerMinute


class Allowance:
    """Counts by profile, or by address for those without a session."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._on = settings.rate_limits
        self._clock = clock
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._anonymous = _window("operations", settings.anonymous_per_minute)
        self._queries = _window("queries", settings.queries_per_minute)
        self._mutations = _window("mutations", settings.mutations_per_minute)
        self._points = _window("points", settings.points_per_minute)
        self._anonymous_points = _window("anonymous_points", settings.anonymous_points_per_minute)

    async def charge(self, viewer: Viewer, kind: OperationType | None, cost: int) -> dict[str, str]:
        """Count an operation, or a document to be parsed (`kind` None); answers the rate-limit headers.

        Raises RequestRefused (429) where nothing of the kind is left.
        """
        if not self._on:
            return {}
        window, key = self._window(viewer, kind), caller(viewer)
        headers = await self._take(window, key, 1, "parsed" if kind is None else "run")
        if cost:
            await self._take(self._points_of(viewer), key, cost, "run")
        return headers

    async def quota(self, viewer: Viewer, cost: int) -> Quota:
        """What is left of the points, after `cost` was charged."""
        window = self._points_of(viewer)
        stats = await self._limiter.get_window_stats(window.item, window.name, caller(viewer), "run")
        reset_at = datetime.fromtimestamp(ceil(stats.reset_time), UTC)
        return Quota(cost, window.item.amount, stats.remaining, max(reset_at, self._clock.now().replace(microsecond=0)))

    async def _take(self, window: Window, key: str, amount: int, purpose: str) -> dict[str, str]:
        taken = await self._limiter.hit(window.item, window.name, key, purpose, cost=amount)
        stats = await self._limiter.get_window_stats(window.item, window.name, key, purpose)
        wait = max(1, ceil(stats.reset_time - self._clock.now().timestamp()))
        headers = {
            "RateLimit-Policy": f'"{window.name}";q={window.item.amount};w=60',
            "RateLimit": f'"{window.name}";r={stats.remaining};t={wait}',
        }
        if not taken:
            raise RequestRefused(
                429,
                RATE_LIMITED,
                "Too many requests: try again in {seconds} seconds.",
                headers={**headers, "Retry-After": str(wait)},
                seconds=wait,
            )
        return headers

    def _window(self, viewer: Viewer, kind: OperationType | None) -> Window:
        if viewer.profile_id is None:
            return self._anonymous
        return self._mutations if kind is OperationType.MUTATION else self._queries

    def _points_of(self, viewer: Viewer) -> Window:
        return self._anonymous_points if viewer.profile_id is None else self._points


def caller(viewer: Viewer) -> str:
    """Whom a request is counted against."""
    return str(viewer.profile_id or viewer.ip_address or "unknown")


def _window(name: str, amount: int) -> Window:
    return Window(name, RateLimitItemPerMinute(amount))
