"""Fetching: what a branch leads to, for all the objects of a selection at once.

Each kind of relation has a class here, made by the compiler; `values` answers one value per object, in their order:
None, a row, a list of them, a `Found`, or a `Failure`. What it raises is the trouble of every one of them.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

import strawberry
from graphql import GraphQLObjectType, GraphQLResolveInfo
from graphql.pyutils import Path
from strawberry.types.field import StrawberryField

from engine.declare import ROOT as ROOT
from engine.declare import Batch, ByGlobalId, Given, Many, One
from engine.error import BAD_USER_INPUT, FieldRefused, told
from engine.load import Entity, frozen, source_of
from engine.plan import Layout, Selection, Step
from engine.statement import Statement, by_id, related

if TYPE_CHECKING:
    from engine.performance import Performance

Row = Sequence[Any]
Sources = list[Any]
Read = Callable[[Any, Any], Any]


class Failure:
    """The trouble of one object's branch."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = cast(Exception, error)


class Found:
    """A row of one of several types, with what is asked of it."""

    __slots__ = ("row", "selection")

    def __init__(self, row: Row, selection: Selection) -> None:
        self.row = row
        self.selection = selection


class Fetch(Protocol):
    """How a branch is fetched."""

    async def values(self, request: "Performance", step: Step, sources: Sources) -> Sequence[Any]:
        """One value for each source."""


def no_arguments(request: Any) -> dict[str, Any]:
    """Of a field that takes none."""
    return {}


def of_context(name: str) -> Callable[[Any], Any]:
    """A property of the context."""
    return lambda request: getattr(request.context, name)


class Function:
    """A field that is a function of its own: a mutation. It is called once for each object."""

    def __init__(self, call: Callable[..., Awaitable[Any]], field: StrawberryField, kind: GraphQLObjectType) -> None:
        self.call = call
        self.field = field
        self.kind = kind

    async def values(self, request: "Performance", step: Step, sources: Sources) -> list[Any]:
        info = GraphQLResolveInfo(
            step.details[0].node.name.value,
            step.nodes,
            step.type,
            self.kind,
            Path(None, step.key, self.kind.name),
            request.bound.graphql,
            {},
            ROOT,
            request.operation,
            request.values,
            request.context,
            asyncio.iscoroutine,  # type: ignore[arg-type]
            None,
            cast(Any, None),
        )
        given = step.arguments(request)
        with told(step.coordinate):
            return [await self.call(None, strawberry.Info(_raw_info=info, _field=self.field), **given) for _ in sources]


class Batched:
    """Values that are not SQL, by key; what was loaded is kept for the request."""

    def __init__(self, what: Batch, key: Read) -> None:
        self.what = what
        self.key = key

    async def values(self, request: "Performance", step: Step, sources: Sources) -> list[Any]:
        what, context, arguments = self.what, request.context, step.arguments(request)
        if what.arguments is not None:
            arguments = dict(what.arguments(context, arguments))
        known = request.loaded(what, frozen(arguments))
        keys = [self.key(source, request) for source in sources]
        missing = [key for key in dict.fromkeys(keys) if key not in known]
        if missing:
            found = await what.load(context, missing, **arguments)
            if len(found) != len(missing):
                raise ValueError(f"{step.coordinate}: {len(found)} values for {len(missing)} keys")
            known.update(zip(missing, found, strict=True))
        return [Failure(value) if isinstance(value := known[key], BaseException) else value for key in keys]


class Related:
    """At most one row per key, or a bounded list of them."""

    def __init__(
        self,
        what: One | Many,
        row: type[Entity],
        layout: Layout,
        key: Read,
        otherwise: Read | None,
        abstract: bool,
    ) -> None:
        self.what = what
        self.row = row
        self.layout = layout
        self.key = key
        self.otherwise = otherwise
        self.abstract = abstract
        source_of(row)

    async def values(self, request: "Performance", step: Step, sources: Sources) -> list[Any]:
        arguments = step.arguments(request)
        if isinstance(self.what.key, Given):
            keys = [self.what.key.read(arguments.pop(self.what.key.argument))] * len(sources)
        else:
            keys = [self.key(source, request) for source in sources]
        rows = await self._rows(request, keys, arguments)
        if isinstance(self.what, Many):
            groups: dict[Any, list[Row]] = defaultdict(list)
            for row in rows:
                groups[row[0]].append(row)
            return [self._listed(step, groups.get(key) or []) for key in keys]
        by_key = {row[0]: row for row in rows}
        found = [by_key.get(key) for key in keys]
        if not self.abstract and self.otherwise is None:
            return found
        return [self._told(request, step, source, row) for source, row in zip(sources, found, strict=True)]

    def _listed(self, step: Step, rows: list[Row]) -> list[Any]:
        """The rows of a list; where its type is abstract, with what they are."""
        return [Found(row, cast(Selection, step.child)) for row in rows] if self.abstract else rows

    def statement(self, dialect: str, arguments: Mapping[str, Any]) -> Statement:
        """The statement for these arguments."""
        source, columns = source_of(self.row), self.layout.columns
        if self.what.select is None:
            return by_id(source, columns, dialect)
        return related(self.what.select, frozen(arguments), source, columns, dialect)

    async def _rows(self, request: "Performance", keys: list[Any], arguments: Mapping[str, Any]) -> Sequence[Row]:
        wanted = [key for key in dict.fromkeys(keys) if key is not None]
        if not wanted or not request.batches.admitted(self.row):
            return []
        return await request.rows(self.statement(request.dialect, arguments), wanted)

    def _told(self, request: "Performance", step: Step, source: Any, row: Row | None) -> Any:
        if row is not None:
            return Found(row, cast(Selection, step.child)) if self.abstract else row
        if self.otherwise is None:
            return None
        try:
            return self.otherwise(source, request)
        except Exception as error:
            return Failure(error)


class References:
    """Objects of any type, each by its type's name and its id; of several ways, the first that names an id."""

    def __init__(self, ways: Callable[[Any, Any], list[tuple[str, Any]]], *, first: bool = False) -> None:
        self.ways = ways
        self.first = first

    async def values(self, request: "Performance", step: Step, sources: Sources) -> list[Any]:
        wanted = [self._chosen(self.ways(source, request)) for source in sources]
        return await reached(request, step, wanted)

    def _chosen(self, ways: list[tuple[str, Any]]) -> tuple[str, Any] | None:
        if not self.first:
            return ways[0]
        return next((way for way in ways if way[1] is not None), None)


class ByIds:
    """Objects by the ids that clients hold."""

    def __init__(self, what: ByGlobalId, possible: frozenset[str]) -> None:
        self.what = what
        self.possible = possible

    async def values(self, request: "Performance", step: Step, sources: Sources) -> list[Any]:
        given, most = step.arguments(request), self.what.most
        if most is None:
            found = await reached(request, step, [self._read(given["id"])])
            return found * len(sources)
        if len(given["ids"]) > most:
            raise FieldRefused(BAD_USER_INPUT, "At most {most} ids at once.", most=most)
        return [await reached(request, step, [self._read(text) for text in given["ids"]])] * len(sources)

    def _read(self, text: str) -> tuple[str, Any] | None:
        found = self.what.read(text)
        return found if found and found[0] in self.possible else None


async def reached(request: "Performance", step: Step, wanted: Sequence[tuple[str, Any] | None]) -> list[Found | None]:
    """The objects of these types and ids, through their gates: one statement for each type."""
    by_type: dict[str, list[Any]] = defaultdict(list)
    for each in wanted:
        if each is not None:
            by_type[each[0]].append(each[1])
    found: dict[tuple[str, Any], Found] = {}
    for name, keys in by_type.items():
        row = request.bound.rows.get(name)
        if row is None or row.shape.source is None or not request.batches.admitted(row):
            continue
        selection = step.rows_of(name)
        statement = by_id(row.shape.source, cast(Layout, selection.layout).columns, request.dialect)
        for record in await request.rows(statement, list(dict.fromkeys(keys))):
            found[name, record[0]] = Found(record, selection)
    return [found.get(each) if each else None for each in wanted]
