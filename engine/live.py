"""Live operations, whatever carries them: what of a document is followed, and what a connection and its caller share.

Nothing here knows a noun: an application seats the callers, and says which facts wake what.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, cast

from graphql import GraphQLError, GraphQLObjectType
from graphql.execution.collect_fields import FragmentDetails, collect_fields
from graphql.execution.values import get_argument_values
from starlette.requests import Request
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from engine.bind import Bound
from engine.declare import Guard, Woken
from engine.error import Translate
from engine.execute import unfit
from engine.operation import Document, Operation, fragments_of
from engine.plan import Variables
from engine.request import Params, RequestLimits
from engine.shape import definition

REASON_BYTES = 123
"""Of a closing frame, which holds no more."""


class Closing(NamedTuple):
    """Why a connection ends; the codes are those of WebSocket, and of graphql-transport-ws from 4400 on."""

    code: int
    reason: str

    @property
    def text(self) -> str:
        """The reason, as long as it may be."""
        return self.reason.encode()[:REASON_BYTES].decode(errors="ignore")


BAD_MESSAGE = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
INIT_TIMEOUT = Closing(4408, "Connection initialisation timeout")
TAKEN = 4409
TOO_MANY = 4429
NO_PROTOCOL = Closing(4406, "Subprotocol not acceptable")
TOO_LARGE = Closing(1009, "Message too big")
FAILED = Closing(1011, "Internal error")
RESTART = Closing(1012, "Service restart")
TOO_SLOW = Closing(1013, "Too slow: more is waiting than is kept for one connection")
LATER = Closing(1013, "Try again later")


class ClientGone(Exception):
    """Nobody is there any more to be told."""


class Over(Exception):
    """The connection ends."""

    def __init__(self, closing: Closing) -> None:
        super().__init__(closing.reason)
        self.closing = closing


class Outlet(Protocol):
    """How one connection is written to. Each may wait for a slow reader, and raises ClientGone."""

    async def next(self, key: str, body: bytes) -> None:
        """One answer of an operation, as JSON."""

    async def error(self, key: str, errors: list[dict[str, Any]]) -> None:
        """The end of an operation that cannot go on."""

    async def ping(self) -> None:
        """Something to show that the connection lives."""

    def close(self, closing: Closing) -> None:
        """End the connection: at once, whoever waits."""


class Seat(Protocol):
    """One connection, as the application knows it."""

    async def enter(self) -> None:
        """Find out who calls. Refuses with RequestRefused."""

    async def subscribe(self, key: str, params: Params) -> None:
        """Follow an operation from now on. Raises RequestRefused where it cannot be, Over where nothing can."""

    def holds(self, key: str) -> bool:
        """Whether an operation of this id is followed."""
        ...

    def complete(self, key: str) -> None:
        """Follow it no longer."""

    def leave(self) -> None:
        """The connection is over."""


class Lobby(Protocol):
    """Where an application seats those who follow something."""

    limits: RequestLimits
    init_seconds: float
    """For a connection to say who calls."""

    def translate(self, request: Request) -> Translate:
        """Into the reader's language."""
        ...

    def welcome(self, request: Request, outlet: Outlet) -> Seat:
        """A place for a caller who is not known yet. Refuses with 403, 429 or 503."""
        ...


@dataclass(frozen=True, eq=False)
class Followed:
    """The one root field of a live operation, with what it is given."""

    what: Woken
    guard: Guard | None
    coordinate: str
    arguments: Mapping[str, Any] = field(repr=False)
    """By the names of Python."""


def followed(bound: Bound, document: Document, operation: Operation, values: Variables) -> Followed:
    """What a valid operation follows: it has one root field, which is never skipped. Refuses with 422 where arguments
    do not fit."""
    kind, schema = cast(GraphQLObjectType, bound.graphql.subscription_type), bound.schema
    fragments = {name: FragmentDetails(node) for name, node in fragments_of(document.node).items()}
    collected = collect_fields(bound.graphql, fragments, values, kind, operation.node, True)
    (details,) = collected.grouped_field_set.values()
    node = details[0].node
    graphql_field, declared = kind.fields[node.name.value], bound.shapes[kind.name].fields[node.name.value]
    try:
        given = get_argument_values(graphql_field, node, values, None, True)
    except GraphQLError as error:
        raise unfit([error]) from None
    taken = cast(StrawberryField, definition(graphql_field)).arguments
    arguments = convert_arguments(given, taken, schema.schema_converter.scalar_registry, schema.config)
    return Followed(cast(Woken, declared.what), declared.guard, f"{kind.name}.{node.name.value}", arguments)
