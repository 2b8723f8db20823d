"""EVT-1, PER-14. One live connection: what it follows, what waits to be told, and until when.

A fact wakes; it tells nothing. For each that wakes a connection its caller is recognised anew, with the rights that
they have now, and reads the object through its gate. What waits is bounded: one reading of each object, and so many.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from graphql import OperationType
from starlette.requests import Request

from app.host import SIGN_IN, Call
from engine.declare import Woken
from engine.endpoint import chosen
from engine.error import (
    BAD_REQUEST,
    COST_EXCEEDED,
    NOT_FOUND,
    RATE_LIMITED,
    UNAUTHENTICATED,
    FieldRefused,
    RequestRefused,
)
from engine.failure import log_failure
from engine.live import FAILED, TOO_SLOW, ClientGone, Outlet, Over, followed
from engine.measure import cost_of
from engine.operation import Document, Execution, Operation
from engine.request import Params
from engine.socket import closing_of
from models.activity import Fact
from models.viewer import Viewer
from schema.live import Concern, concern

if TYPE_CHECKING:
    from app.live import Lobby

RIGHTS = ("session.", "token.", "two_factor.", "profile.", "grant.", "staff_role.")
"""Facts of these kinds may end what somebody may follow."""
STATUSES = {UNAUTHENTICATED: 401, NOT_FOUND: 404}
Waiting = tuple[str, Any]
"""An operation, and the object that it is to show."""


@dataclass(frozen=True, slots=True)
class Watch:
    """One live operation of a connection. It keeps no document: those take much more than their text."""

    text: str = field(repr=False)
    params: Params
    cost: int
    what: Woken
    concern: Concern

    def woken_by(self, fact: Fact) -> bool:
        """Whether there is something to tell."""
        return fact.kind.startswith(self.what.kinds) and self.concern.touched_by(fact)


class Seat:
    """One connection: at first of nobody, then of a caller."""

    def __init__(self, lobby: "Lobby", request: Request, outlet: Outlet, counted: str) -> None:
        self.lobby = lobby
        self.request = request
        self.outlet = outlet
        self.counted = counted
        """Whom it is counted against: an address, then a profile."""
        self.viewer: Viewer | None = None
        self.watches: dict[str, Watch] = {}
        self._waiting: dict[Waiting, Fact] = {}
        self._look = self._ping = self._left = False
        self._task: asyncio.Task[None] | None = None

    async def enter(self) -> None:
        """Find out who calls; raises RequestRefused for nobody, and for whoever has as many connections as they may."""
        async with self.lobby.turns, self.lobby.host.called(self.request, acts=False) as call:
            if is_nobody(call.viewer):
                raise RequestRefused(401, UNAUTHENTICATED, SIGN_IN)
            self.lobby.host.allowance.charge(call.viewer, OperationType.QUERY, 1, 0)
            self.lobby.seat(self, call.viewer)
            self.viewer = call.viewer
        self.lobby.follow(self)

    async def subscribe(self, key: str, params: Params) -> None:
        """Follow an operation from now on. Raises RequestRefused, and Over where the caller is nobody any more."""
        most = self.lobby.settings.live_operations
        if len(self.watches) >= most:
            raise RequestRefused(
                429, RATE_LIMITED, "A connection follows at most {limit} operations at once.", limit=most
            )
        async with self._called() as call:
            watch = await self._watch(call, params)
        if not self._left:
            self.watches[key] = watch
            self.lobby.follow(self)

    def holds(self, key: str) -> bool:
        """Whether an operation of this id is followed."""
        return key in self.watches

    def complete(self, key: str) -> None:
        """Follow it no longer; what waits for it is forgotten when its turn comes."""
        if self.watches.pop(key, None) is not None:
            self.lobby.follow(self)

    def leave(self) -> None:
        """The connection is over."""
        if self._left:
            return
        self._left = True
        self.watches.clear()
        self._waiting.clear()
        self.lobby.forget(self)
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    @property
    def owners(self) -> frozenset[UUID | None]:
        """The profiles whose facts it may be woken by; None is for those of anybody."""
        found = {watch.concern.owner_id for watch in self.watches.values()}
        if self.viewer is not None and self.viewer.profile_id is not None:
            found.add(self.viewer.profile_id)
        return frozenset(found)

    def tell(self, fact: Fact) -> None:
        """A fact about one of those owners."""
        for key, watch in self.watches.items():
            if watch.woken_by(fact) and (shown := watch.what.of(fact)) is not None:
                self._waiting.setdefault((key, shown), fact)
        if len(self._waiting) > self.lobby.settings.live_queue:
            self.outlet.close(TOO_SLOW)
            return
        self._look = self._look or fact.kind.startswith(RIGHTS)
        self._go_on()

    def keep_alive(self) -> None:
        """Look whether the caller may still be here, and let them know that we are."""
        self._look = self._ping = True
        self._go_on()

    def _go_on(self) -> None:
        busy = self._task is not None and not self._task.done()
        if (self._waiting or self._look) and not busy and not self._left:
            self._task = asyncio.create_task(self._attend())

    async def _attend(self) -> None:
        """Tell what waits, one after the other, until nothing does."""
        try:
            while (self._waiting or self._look) and not self._left:
                await self._next()
        except ClientGone:
            self.leave()
        except Over as over:
            self.outlet.close(over.closing)
        except Exception as error:
            log_failure("live_failed", error, request_id=self.request.state.request_id)
            self.outlet.close(FAILED)

    async def _next(self) -> None:
        """Tell the first thing that waits; at least look whether the caller may still be here."""
        waiting = next(iter(self._waiting), None)
        fact = self._waiting.pop(waiting) if waiting is not None else None
        key = waiting[0] if waiting is not None else ""
        self._look, ping, self._ping = False, self._ping, False
        body: bytes | None = None
        async with self._called() as call:
            ended = self._ended(call.viewer)
            watch = self.watches.get(key)
            if watch is not None and fact is not None and key not in ended:
                try:
                    body = await self._answer(call, watch, fact)
                except RequestRefused as refused:
                    ended[key] = refused
        await self._send(key, body, ended, ping=ping)

    async def _send(self, key: str, body: bytes | None, ended: Mapping[str, RequestRefused], *, ping: bool) -> None:
        """The caller's database is let go by now: this may take as long as they read."""
        patience = self.lobby.settings.live_patience.total_seconds()
        try:
            async with asyncio.timeout(patience):
                for each, refused in ended.items():
                    if each in self.watches:
                        self.complete(each)
                        await self.outlet.error(each, refused.formatted(self.lobby.translate(self.request)))
                if body is not None and key in self.watches:
                    await self.outlet.next(key, body)
                elif ping:
                    await self.outlet.ping()
        except TimeoutError:
            raise Over(TOO_SLOW) from None

    def _ended(self, viewer: Viewer) -> dict[str, RequestRefused]:
        """PER-14. The operations that the caller may not follow any more."""
        ended = {}
        for key, watch in self.watches.items():
            try:
                watch.concern.check(viewer)
            except FieldRefused as refusal:
                ended[key] = whole(refusal)
        return ended

    async def _answer(self, call: Call, watch: Watch, fact: Fact) -> bytes | None:
        """What is shown of the object now; None where it is not to be seen. Raises RequestRefused."""
        host, params = self.lobby.host, watch.params
        document, operation = self._prepared(call, watch.text, params)
        host.charge_again(call, watch.cost)
        call.fact = fact
        execution = await host.execute(document, operation, params.variables, call)
        if not execution.errors and not any((execution.data or {}).values()):
            return None
        body, most = orjson.dumps(body_of(execution)), self.lobby.settings.live_answer_bytes
        if len(body) > most:
            raise RequestRefused(422, COST_EXCEEDED, "The answer is larger than {limit} bytes.", limit=most)
        return body

    async def _watch(self, call: Call, params: Params) -> Watch:
        host, text = self.lobby.host, self.lobby.trusted.text_of(params)
        document, operation = self._prepared(call, text, params)
        if operation.kind is not OperationType.SUBSCRIPTION:
            raise RequestRefused(400, BAD_REQUEST, "Only live operations are answered here: send others by HTTP.")
        cost = cost_of(operation, params.variables, self.lobby.documents.limits)
        host.charge(call, operation, cost)
        asked = followed(host.bound, document, operation, host.executor.values(operation, params.variables))
        try:
            found = await concern(host.bound, call, asked)
        except FieldRefused as refusal:
            raise whole(refusal) from None
        return Watch(text, replace(params, query=None, extensions={}), cost, asked.what, found)

    def _prepared(self, call: Call, text: str, params: Params) -> tuple[Document, Operation]:
        """The document, made ready again where it was not kept."""
        documents = self.lobby.documents
        if not documents.known(text):
            self.lobby.host.charge_document(call)
        document = documents.prepare(text)
        return document, chosen(document, params.operation_name)

    @asynccontextmanager
    async def _called(self) -> AsyncIterator[Call]:
        """The caller, recognised anew. Raises Over where they are nobody any more, or cannot be recognised now."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.lobby.turns)
            try:
                call = await stack.enter_async_context(self.lobby.host.called(self.request, acts=False))
                if is_nobody(call.viewer):
                    raise RequestRefused(401, UNAUTHENTICATED, SIGN_IN)
            except RequestRefused as refused:
                raise Over(closing_of(refused)) from None
            yield call


def is_nobody(viewer: Viewer) -> bool:
    """Whether neither a profile nor a service calls."""
    return viewer.profile_id is None and viewer.service_id is None


def whole(refusal: FieldRefused) -> RequestRefused:
    """What refuses a field, said of the whole operation."""
    extensions = dict(refusal.extensions or {})
    code = extensions.pop("code")
    status = STATUSES.get(code, 403)
    return RequestRefused(status, code, refusal.template, extensions=extensions, **refusal.figures)


def body_of(execution: Execution) -> dict[str, Any]:
    """The parts of an answer, as HTTP sends them."""
    body: dict[str, Any] = {"data": execution.data}
    if execution.errors:
        body = {"errors": execution.errors, **body}
    return {**body, "extensions": execution.extensions} if execution.extensions else body
