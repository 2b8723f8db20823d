"""EVT-1. Who follows what in this process: its live connections, by whose facts wake them, and how many may be."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from starlette.requests import Request

from app.allowance import caller
from app.credential import own_origin
from app.host import Host
from app.seat import Seat
from app.settings import Settings
from engine.document import Documents
from engine.error import FORBIDDEN, RATE_LIMITED, UNAVAILABLE, RequestRefused, Translate
from engine.failure import log_failure
from engine.live import FAILED, RESTART, Outlet
from engine.trusted import TrustedDocuments
from models.activity import Fact
from models.viewer import Viewer

STOP_SECONDS = 3
"""For connections to end when the process does."""
PARTS = 20
"""The connections are looked after in so many parts of the time that they have, not all at once."""


class Lobby:
    """The live connections of this process."""

    def __init__(self, settings: Settings, host: Host, documents: Documents, trusted: TrustedDocuments) -> None:
        self.settings = settings
        self.host = host
        self.documents = documents
        self.trusted = trusted
        self.limits = settings.requests
        self.init_seconds = settings.live_init_timeout.total_seconds()
        self.turns = asyncio.Semaphore(settings.live_at_once)
        """Whoever is told something, holds a connection to the database meanwhile."""
        self.seats: set[Seat] = set()
        self._by_owner: dict[UUID | None, set[Seat]] = defaultdict(set)
        self._owners: dict[Seat, frozenset[UUID | None]] = {}
        self._counts: Counter[str] = Counter()
        self._stopped = False
        self._emptied = asyncio.Event()

    @property
    def is_followed(self) -> bool:
        """Whether anybody follows anything."""
        return bool(self._by_owner)

    def translate(self, request: Request) -> Translate:
        """In the caller's language."""
        return self.host.translate(request)

    def welcome(self, request: Request, outlet: Outlet) -> Seat:
        """A place for a caller who is not known yet; refuses pages of other origins, and more than there may be."""
        origin, cookies = request.headers.get("origin"), self.host.cookies
        if origin is not None and origin not in cookies.origins and (cookies.tls_only or origin != own_origin(request)):
            raise RequestRefused(403, FORBIDDEN, "Pages of this origin may not follow anything here.")
        if self._stopped or len(self.seats) >= self.settings.live_connections:
            raise RequestRefused(
                503, UNAVAILABLE, "There are too many live connections at the moment.", headers={"Retry-After": "5"}
            )
        seat = Seat(self, request, outlet, caller(self.host.anonymous(request)))
        self._count(seat.counted)
        self.seats.add(seat)
        return seat

    def seat(self, seat: Seat, viewer: Viewer) -> None:
        """Count a connection against its caller, who is known now. Raises RequestRefused (429)."""
        self._count(caller(viewer))
        self._uncount(seat.counted)
        seat.counted = caller(viewer)

    def follow(self, seat: Seat) -> None:
        """Let it be told of what it follows now, and of nothing else."""
        before = self._owners.get(seat, frozenset())
        after = seat.owners if seat in self.seats else frozenset()
        for owner in before - after:
            self._by_owner[owner].discard(seat)
            if not self._by_owner[owner]:
                del self._by_owner[owner]
        for owner in after - before:
            self._by_owner[owner].add(seat)
        self._owners[seat] = after
        if not after:
            del self._owners[seat]

    def forget(self, seat: Seat) -> None:
        """It is over."""
        if seat in self.seats:
            self.seats.discard(seat)
            self._uncount(seat.counted)
            self.follow(seat)
        if not self.seats:
            self._emptied.set()

    def told(self, facts: Iterable[Fact]) -> None:
        """EVT-1. Wake those who follow what these are about."""
        for fact in facts:
            for seat in {*self._by_owner.get(fact.owner_id, ()), *self._by_owner.get(None, ())}:
                try:
                    seat.tell(fact)
                except Exception as error:
                    log_failure("live_failed", error, request_id=seat.request.state.request_id)
                    seat.outlet.close(FAILED)

    async def look_after(self) -> None:
        """Again and again look whether each caller may still be here, and let them know that we are."""
        pause = self.settings.live_keep_alive.total_seconds() / PARTS
        while True:
            seats = list(self.seats)
            for part in range(PARTS):
                await asyncio.sleep(pause)
                for seat in seats[part::PARTS]:
                    if seat.viewer is not None:
                        seat.keep_alive()

    async def stop(self) -> None:
        """End all of them, and take no more."""
        self._stopped = True
        for seat in list(self.seats):
            seat.outlet.close(RESTART)
        if self.seats:
            self._emptied.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await self._emptied.wait()

    def _count(self, whom: str) -> None:
        most = self.settings.live_connections_per_profile
        if self._counts[whom] >= most:
            raise RequestRefused(
                429,
                RATE_LIMITED,
                "There are too many live connections of this caller: at most {limit}.",
                headers={"Retry-After": "5"},
                limit=most,
            )
        self._counts[whom] += 1

    def _uncount(self, whom: str) -> None:
        self._counts[whom] -= 1
        if not self._counts[whom]:
            del self._counts[whom]


class Lobbies:
    """EVT-1. All live connections of this process: the customers' and the staff's."""

    def __init__(self, customers: Lobby, staff: Lobby) -> None:
        self.customers, self.staff = customers, staff
        self.each = customers, staff

    @property
    def is_followed(self) -> bool:
        """Whether anybody follows anything."""
        return any(lobby.is_followed for lobby in self.each)

    def told(self, facts: Iterable[Fact]) -> None:
        """Wake those who follow what these are about."""
        facts = list(facts)
        for lobby in self.each:
            lobby.told(facts)

    async def stop(self) -> None:
        """End all of them, and take no more."""
        await asyncio.gather(*(lobby.stop() for lobby in self.each))


@asynccontextmanager
async def looked_after(lobbies: Lobbies) -> AsyncIterator[None]:
    """The connections of a process that serves; at its end they end."""
    tasks = [asyncio.create_task(lobby.look_after()) for lobby in lobbies.each]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await lobbies.stop()
