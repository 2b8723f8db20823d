"""LIM-1, LIM-2. How much a caller may ask: operations and points of cost per minute, and operations at once.

Counted in this process, in windows of one minute that are forgotten as a whole: what is kept never grows older than
that, and a refusal takes nothing.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from graphql import OperationType

from app.settings import Settings
from engine.error import RATE_LIMITED, RequestRefused
from models.clock import Clock
from models.context import Quota
from models.network import neighbourhood
from models.viewer import Viewer

WINDOW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of something there is per minute; the name is said in the headers."""

    name: str
    amount: int


class Allowance:
    """Counts by profile, or by address for those without a session."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._on = settings.rate_limits
        self._clock = clock
        self._at_once = settings.operations_at_once
        self._under_way: Counter[str] = Counter()
        self._taken: Counter[tuple[str, str]] = Counter()
        self._since = datetime.min.replace(tzinfo=UTC)
        queries, mutations = settings.queries_per_minute, settings.mutations_per_minute
        self._operations = Limit("operations", settings.anonymous_per_minute)
        self._queries, self._mutations = Limit("queries", queries), Limit("mutations", mutations)
        self._anonymous_documents = Limit("documents", settings.anonymous_per_minute)
        self._documents = Limit("documents", queries + mutations)
        self._anonymous_points = Limit("points", settings.anonymous_points_per_minute)
        self._points = Limit("points", settings.points_per_minute)
        self._services = Limit("operations", settings.service_operations_per_minute)
        self._service_points = Limit("points", settings.service_points_per_minute)

    @contextmanager
    def one_more(self, viewer: Viewer) -> Iterator[None]:
        """While a request is under way. Raises RequestRefused (429) where the caller has as many as they may."""
        key = caller(viewer)
        if self._on and self._under_way[key] >= self._at_once:
            raise RequestRefused(
                429,
                RATE_LIMITED,
                "Too many requests at once: at most {limit}.",
                headers={"Retry-After": "1"},
                limit=self._at_once,
            )
        self._under_way[key] += 1
        try:
            yield
        finally:
            self._under_way[key] -= 1
            if not self._under_way[key]:
                del self._under_way[key]

    def charge_document(self, viewer: Viewer) -> None:
        """Count a document that has to be parsed, or a token that has to be looked up. Raises RequestRefused (429)."""
        known = viewer.profile_id or viewer.service_id
        self._take(self._documents if known else self._anonymous_documents, viewer, 1)

    def charge(self, viewer: Viewer, kind: OperationType, times: int, cost: int) -> dict[str, str]:
        """Count an operation, a mutation as often as it acts, and its points; answers the rate-limit headers.

        Raises RequestRefused (429) where there is not enough left.
        """
        if viewer.service_id is not None:
            operations = self._services
        elif viewer.profile_id is None:
            operations = self._operations
        else:
            operations = self._mutations if kind is OperationType.MUTATION else self._queries
        headers = self._take(operations, viewer, times)
        self._take(self._points_of(viewer), viewer, cost)
        return headers

    def charge_points(self, viewer: Viewer, cost: int) -> None:
        """Take the points of what is told without being asked for. Raises RequestRefused (429)."""
        self._take(self._points_of(viewer), viewer, cost)

    def quota(self, viewer: Viewer, cost: int) -> Quota:
        """What is left of the points, after `cost` was charged."""
        points = self._points_of(viewer)
        left = points.amount - self._window()[points.name, caller(viewer)]
        return Quota(cost, points.amount, left, self._since + WINDOW)

    def _points_of(self, viewer: Viewer) -> Limit:
        """Whose points are taken."""
        if viewer.service_id is not None:
            return self._service_points
        return self._points if viewer.profile_id is not None else self._anonymous_points

    def _take(self, limit: Limit, viewer: Viewer, amount: int) -> dict[str, str]:
        if not self._on:
            return {}
        taken, key = self._window(), (limit.name, caller(viewer))
        wait = max(1, -((self._clock.now() - self._since - WINDOW) // timedelta(seconds=1)))
        left = limit.amount - taken[key]
        headers = {"RateLimit-Policy": f'"{limit.name}";q={limit.amount};w={int(WINDOW.total_seconds())}'}
        if amount > left:
            raise RequestRefused(
                429,
                RATE_LIMITED,
                "Too many requests: try again in {seconds} seconds.",
                headers={**headers, "RateLimit": f'"{limit.name}";r={left};t={wait}', "Retry-After": str(wait)},
                seconds=wait,
            )
        taken[key] += amount
        return {**headers, "RateLimit": f'"{limit.name}";r={left - amount};t={wait}'}

    def _window(self) -> Counter[tuple[str, str]]:
        now = self._clock.now()
        since = now.replace(second=0, microsecond=0)
        if since != self._since:
            self._since, self._taken = since, Counter()
        return self._taken


def caller(viewer: Viewer) -> str:
    """Whom a request is counted against: a profile, an address, or the IPv6 network that one customer has."""
    if (key := viewer.profile_id or viewer.service_id) is not None:
        return str(key)
    return neighbourhood(viewer.ip_address)
