"""Faults: a schema whose fields fail, the same ones at the same objects whoever executes it, in whatever order.

What fails is drawn from a number, the coordinate of the field and the values that it is made of; never from when or
together with what it is asked for.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import wraps
from types import MappingProxyType
from typing import Any

from graphql import GraphQLField, GraphQLObjectType
from sqlalchemy import Select, and_, text, true

from engine.bind import Bound
from engine.declare import (
    DECLARATION,
    Batch,
    Column,
    Computed,
    Declaration,
    Many,
    One,
    Paged,
    Source,
)
from engine.error import BAD_USER_INPUT, FieldRefused
from engine.shape import STRAWBERRY, definition
from models.conflict import Busy
from models.infrastructure import InfrastructureSilent
from schema.gate import default_guard
from schema.node import SOURCES
from schema.root import build

BROKEN = text("json('{') IS NOT NULL")
"""What both databases refuse, whether or not there are rows."""
UNREADABLE = ["neither a scalar", "nor an object"]
LEAVES, SOME, STATEMENTS, TYPES = 0.3, 0.4, 0.15, 0.02
"""How many fields of values fail, at how many of the objects; how many relations, and ways to a type, always."""


class Kind(Enum):
    """What becomes of a value."""

    NOTHING = auto()
    DEFECT = auto()
    REFUSED = auto()
    BUSY = auto()
    UNREADABLE = auto()


KINDS = (Kind.NOTHING, Kind.NOTHING, Kind.DEFECT, Kind.DEFECT, Kind.REFUSED, Kind.BUSY, Kind.UNREADABLE)


@dataclass
class Faults:
    """Those of one number. `leaves`, `statements` and `types` are how many there are of each."""

    seed: int
    leaves: float = LEAVES
    statements: float = STATEMENTS
    types: float = TYPES
    always: Mapping[str, Kind] = field(default_factory=dict)
    """Fields that fail at every object, by coordinate; a relation's statement is refused, whatever is said here."""
    armed: bool = False
    """The schema is built: selects may raise."""

    def bound(self) -> Bound:
        """The schema of the customers, bound to declarations that fail."""
        made = build()
        for kind in made.graphql.type_map.values():
            if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
                for name, each in kind.fields.items():
                    self._field(kind, f"{kind.name}.{name}", each)
        sources = {kind: self._source(kind, source) for kind, source in SOURCES.items()}
        bound = Bound(made.schema, sources, default_guard)
        self.armed = True
        return bound

    def drawn(self, *about: Any) -> float:
        """A number from 0 to 1 that belongs to what it is about."""
        written = "|".join(map(str, (self.seed, *about)))
        return int.from_bytes(hashlib.blake2b(written.encode(), digest_size=7).digest()) / 2**56

    def _field(self, kind: GraphQLObjectType, coordinate: str, there: GraphQLField) -> None:
        found = definition(there)
        if found is None or found.base_resolver is not None:
            return
        what: Declaration = found.metadata.get(DECLARATION) or Column()
        on_rows = kind.extensions[STRAWBERRY].origin in SOURCES
        instead = self._declaration(coordinate, what, found.python_name, on_rows=on_rows)
        if instead is not what:
            other = copy(found)
            other.metadata = MappingProxyType({**found.metadata, DECLARATION: instead})
            there.extensions = {**there.extensions, STRAWBERRY: other}

    def _declaration(self, coordinate: str, what: Declaration, name: str, *, on_rows: bool) -> Declaration:
        fails = coordinate in self.always or self.drawn(coordinate) < self.leaves
        match what:
            case Column() if fails and on_rows:
                return Computed(self._computed(coordinate, lambda value: value), (what.name or name,))
            case Computed() if fails:
                return replace(what, by=self._computed(coordinate, what.by, given=what.given is not None))
            case Batch() if fails:
                return replace(what, load=self._batch(coordinate, what.load))
            case One() | Many() | Paged():
                return self._relation(coordinate, what)
        return what

    def _computed(self, coordinate: str, by: Callable[..., Any], *, given: bool = False) -> Callable[..., Any]:
        @wraps(by)
        def computed(*values: Any, **arguments: Any) -> Any:
            kind = self._kind(coordinate, *values[1 if given else 0 :])
            return by(*values, **arguments) if kind is None else failed(kind, coordinate)

        return computed

    def _batch(self, coordinate: str, load: Callable[..., Any]) -> Callable[..., Any]:
        whole = coordinate not in self.always and self.drawn(coordinate, "whole") < SOME

        @wraps(load)
        async def loaded(context: Any, keys: Sequence[Any], **arguments: Any) -> list[Any]:
            if whole:
                raise InfrastructureSilent if self.drawn(coordinate, "silent") < 0.5 else ValueError(coordinate)
            values = await load(context, keys, **arguments)
            return [self._answer(coordinate, key, value) for key, value in zip(keys, values, strict=True)]

        return loaded

    def _answer(self, coordinate: str, key: Any, value: Any) -> Any:
        """What a batch answers for a key: an exception stands for that key alone."""
        kind = self._kind(coordinate, key)
        try:
            return value if kind is None else failed(kind, coordinate)
        except (ValueError, FieldRefused, Busy) as error:
            return error

    def _relation(self, coordinate: str, what: One | Many | Paged) -> Declaration:
        if isinstance(what, One) and what.otherwise and self.drawn(coordinate, "otherwise") < self.leaves:
            given = what.otherwise.given is not None
            by = self._computed(f"{coordinate}?", what.otherwise.by, given=given)
            what = replace(what, otherwise=replace(what.otherwise, by=by))
        select = what.select
        fails = coordinate in self.always or self.drawn(coordinate, "statement") < self.statements
        if select is None or not fails:
            return what
        busy = not isinstance(what, Paged) and coordinate not in self.always and self.drawn(coordinate, "busy") < SOME

        @wraps(select)
        def broken(*given: Any, **arguments: Any) -> Select[Any]:
            if busy and self.armed:
                raise Busy
            return select(*given, **arguments).where(BROKEN)

        return replace(what, select=broken)

    def _source(self, kind: type, source: Source) -> Source:
        if self.drawn(kind.__name__, "type") >= self.types:
            return source
        return replace(source, only=and_(true() if source.only is None else source.only, BROKEN))

    def _kind(self, coordinate: str, *values: Any) -> Kind | None:
        if coordinate in self.always:
            return self.always[coordinate]
        if self.drawn(coordinate, "some", *values) >= SOME:
            return None
        return KINDS[int(self.drawn(coordinate, "kind", *values) * len(KINDS))]


def failed(kind: Kind, coordinate: str) -> Any:
    """What a field answers that fails in this way, or raises."""
    match kind:
        case Kind.DEFECT:
            raise ValueError(coordinate)
        case Kind.REFUSED:
            raise FieldRefused(BAD_USER_INPUT, "At most {most} ids at once.", most=7)
        case Kind.BUSY:
            raise Busy
    return UNREADABLE if kind is Kind.UNREADABLE else None


def only(**always: Kind) -> Faults:
    """Nothing fails but these fields: `Account_name` is `Account.name`."""
    named = {coordinate.replace("_", "."): kind for coordinate, kind in always.items()}
    return Faults(0, leaves=0.0, statements=0.0, types=0.0, always=named)
