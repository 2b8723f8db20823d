"""LIM-1, LIM-2. How much a caller may ask per minute: operations, and points of cost. Kept in this process."""

from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_network
from math import ceil

from graphql import OperationType
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from app.address import parsed
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
        queries, mutations = settings.queries_per_minute, settings.mutations_per_minute
        self._anonymous = {kind: _window("operations", settings.anonymous_per_minute) for kind in OperationType}
        self._signed_in = {kind: _window("queries", queries) for kind in OperationType}
        self._signed_in[OperationType.MUTATION] = _window("mutations", mutations)
        self._anonymous_documents = _window("documents", settings.anonymous_per_minute)
        self._documents = _window("documents", queries + mutations)
        self._anonymous_points = _window("points", settings.anonymous_points_per_minute)
        self._points = _window("points", settings.points_per_minute)

    async def charge_document(self, viewer: Viewer) -> None:
        """Count a document that has to be parsed. Raises RequestRefused (429) where there were too many."""
        if self._on:
            await self._take(self._documents if viewer.profile_id else self._anonymous_documents, viewer, 1)

    async def charge(self, viewer: Viewer, kind: OperationType, cost: int) -> dict[str, str]:
        """Count an operation and its points; answers the rate-limit headers.

        Raises RequestRefused (429) where nothing of the kind is left, or fewer points than it costs.
        """
        if not self._on:
            return {}
        headers = await self._take((self._signed_in if viewer.profile_id else self._anonymous)[kind], viewer, 1)
        if cost:
            await self._take(self._points_of(viewer), viewer, cost)
        return headers

    async def quota(self, viewer: Viewer, cost: int) -> Quota:
        """What is left of the points, after `cost` was charged."""
        window = self._points_of(viewer)
        stats = await self._limiter.get_window_stats(window.item, window.name, caller(viewer))
        reset_at = datetime.fromtimestamp(ceil(stats.reset_time), UTC)
        return Quota(cost, window.item.amount, stats.remaining, max(reset_at, self._clock.now().replace(microsecond=0)))

    async def _take(self, window: Window, viewer: Viewer, amount: int) -> dict[str, str]:
        key = window.name, caller(viewer)
        # Asked before it is taken: what is refused takes nothing.
        left = await self._limiter.test(window.item, *key, cost=amount)
        taken = left and await self._limiter.hit(window.item, *key, cost=amount)
        stats = await self._limiter.get_window_stats(window.item, *key)
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

    def _points_of(self, viewer: Viewer) -> Window:
        return self._points if viewer.profile_id else self._anonymous_points


def caller(viewer: Viewer) -> str:
    """Whom a request is counted against: a profile, an address, or the IPv6 network that one customer has."""
    if viewer.profile_id is not None:
        return str(viewer.profile_id)
    address = parsed(viewer.ip_address)
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address)


def _window(name: str, amount: int) -> Window:
    return Window(name, RateLimitItemPerMinute(amount))
