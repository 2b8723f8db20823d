"""Batches: what the fields of one level ask for together is fetched once. Made from declarations, one set a request."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from strawberry.dataloader import DataLoader

from engine.declare import Context, Many, One, Paged, Source
from engine.page import PageRequest, cursor
from engine.shape import Shape
from engine.statement import PageLayout, Statement, by_id, counted, paged, related

Load = Callable[[list[Any]], Any]
Select = Callable[..., Any]


class Entity(tuple[Any, ...]):
    """A row of a type: its columns by position. Each shape has a class of its own, so that a row says what it is."""

    __slots__ = ()
    shape: Shape

    @property
    def subject(self) -> Any:
        """Whose it is, as its source tells; None where it belongs to whoever looks."""
        source = self.shape.source
        return source.subject_of(self.value) if source else None

    def value(self, column: str) -> Any:
        """The value of one of its columns."""
        return self[self.shape.place(column)]


def entity_class(shape: Shape) -> type[Entity]:
    """The class of a shape's rows."""
    return type(f"{shape.name}Row", (Entity,), {"__slots__": (), "shape": shape})


@dataclass(frozen=True, slots=True)
class Edge:
    """A row in a page."""

    cursor: str
    node: Entity


@dataclass(frozen=True, slots=True)
class PagePosition:
    """What a page says of its neighbours."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


class Loader(DataLoader[Any, Any]):
    """A batch that goes on although one of those who wait for it gives up: others wait for the same."""

    def load(self, key: Any) -> Any:
        loading = asyncio.ensure_future(super().load(key))
        loading.add_done_callback(_seen)
        return asyncio.shield(loading)


def _seen(loading: asyncio.Future[Any]) -> None:
    """What failed after everybody gave up is nobody's to tell."""
    if not loading.cancelled():
        loading.exception()


class Batches:
    """The loaders of one request, by what they load."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.dialect: str = context.db.database.dialect
        self._loaders: dict[Any, DataLoader[Any, Any]] = {}
        self._admitted: dict[type[Entity], bool] = {}
        self.passed: set[tuple[int, tuple[Any, ...]]] = set()
        """Guards that let the caller through, by subject: asked once, however many rows there are."""

    def loader(self, what: Any, load: Load) -> DataLoader[Any, Any]:
        """The one loader of `what` in this request."""
        loader = self._loaders.get(what)
        if loader is None:
            loader = self._loaders[what] = Loader(load)
        return loader

    async def node(self, row: type[Entity], key: UUID) -> Entity | None:
        """The object with this id; None when it does not exist or the caller may not know that it does."""
        if not self.admitted(row):
            return None
        found: Entity | None = await self.loader(row, lambda keys: self._first(row, keys, self._by_id(row))).load(key)
        return found

    async def one(self, relation: One, row: type[Entity], key: Any, arguments: Mapping[str, Any]) -> Entity | None:
        """The object of a relation."""
        if key is None or not self.admitted(row):
            return None
        if relation.select is None:
            return await self.node(row, key)
        select = relation.select
        found: Entity | None = await self.loader(
            (relation, frozen(arguments)),
            lambda keys: self._first(row, keys, self._related(select, row, arguments)),
        ).load(key)
        return found

    async def many(self, relation: Many, row: type[Entity], key: Any, arguments: Mapping[str, Any]) -> list[Entity]:
        """The objects of a bounded list."""
        if key is None or not self.admitted(row):
            return []
        found: list[Entity] = await self.loader(
            (relation, frozen(arguments)),
            lambda keys: self._grouped(row, keys, self._related(relation.select, row, arguments)),
        ).load(key)
        return found

    async def page(self, page: "Page") -> list[Entity]:
        """The rows of a page, and one more where there is one, in the direction that was asked."""
        source = source_of(page.row)

        arguments, request = frozen(page.arguments), page.request

        async def load(keys: list[Any]) -> Any:
            layout = PageLayout(
                request.after is not None,
                request.before is not None,
                request.backwards,
                single=len(keys) == 1,
                order=request.order,
            )
            statement = paged(page.relation, arguments, source, page.row.shape.columns, self.dialect, layout)
            return await self._grouped(page.row, keys, statement, request)

        found: list[Entity] = await self.loader((page.relation, request, arguments), load).load(page.key)
        return found

    async def count(self, page: "Page") -> int:
        """How many there are in the whole connection."""
        arguments = frozen(page.arguments)

        async def load(keys: list[Any]) -> list[int]:
            statement = counted(page.relation, arguments, source_of(page.row), self.dialect)
            counts = {row[0]: row[1] for row in await self._rows(statement, keys)}
            return [counts.get(key, 0) for key in keys]

        number: int = await self.loader((page.relation, "count", arguments), load).load(page.key)
        return number

    def admitted(self, row: type[Entity]) -> bool:
        """Whether the caller may reach any object of this type."""
        known = self._admitted.get(row)
        if known is None:
            gate = source_of(row).gate
            known = self._admitted[row] = gate is None or gate.admits(self.context)
        return known

    def _by_id(self, row: type[Entity]) -> Statement:
        return by_id(source_of(row), row.shape.columns, self.dialect)

    def _related(self, select: Select, row: type[Entity], arguments: Mapping[str, Any]) -> Statement:
        return related(select, frozen(arguments), source_of(row), row.shape.columns, self.dialect)

    async def _rows(self, statement: Statement, keys: Sequence[Any], page: PageRequest | None = None) -> Sequence[Any]:
        parameters = statement.parameters(keys, self.context.bindings, page)
        rows: Sequence[Any] = await self.context.db.rows(statement.select, parameters)
        return rows

    async def _first(self, row: type[Entity], keys: list[Any], statement: Statement) -> list[Entity | None]:
        found = {record[0]: row(record[1:]) for record in await self._rows(statement, keys)}
        return [found.get(key) for key in keys]

    async def _grouped(
        self, row: type[Entity], keys: list[Any], statement: Statement, page: PageRequest | None = None
    ) -> list[list[Entity]]:
        groups: dict[Any, list[Entity]] = defaultdict(list)
        for record in await self._rows(statement, keys, page):
            groups[record[0]].append(row(record[1:]))
        return [groups[key] for key in keys]


class Page:
    """A connection that is asked for; what nobody selects of it is not fetched."""

    def __init__(
        self,
        batches: Batches,
        relation: Paged,
        row: type[Entity],
        key: Any,
        request: PageRequest,
        arguments: Mapping[str, Any],
    ) -> None:
        self.batches = batches
        self.relation = relation
        self.row = row
        self.key = key
        self.request = request
        self.arguments = arguments
        columns = row.shape.columns
        self._places = [columns.index(part.column) for part in request.order]

    async def nodes(self) -> list[Entity]:
        rows, _ = await self._fetch()
        return rows

    async def edges(self) -> list[Edge]:
        rows, _ = await self._fetch()
        return [Edge(self._cursor(row), row) for row in rows]

    async def page_info(self) -> PagePosition:
        rows, more = await self._fetch()
        asked = self.request
        return PagePosition(
            has_next_page=asked.before is not None if asked.backwards else more,
            has_previous_page=more if asked.backwards else asked.after is not None,
            start_cursor=self._cursor(rows[0]) if rows else None,
            end_cursor=self._cursor(rows[-1]) if rows else None,
        )

    async def total_count(self) -> int:
        if self.key is None or not self.batches.admitted(self.row):
            return 0
        return await self.batches.count(self)

    async def _fetch(self) -> tuple[list[Entity], bool]:
        if self.key is None or not self.batches.admitted(self.row):
            return [], False
        rows = await self.batches.page(self)
        page = rows[: self.request.size]
        return (page[::-1] if self.request.backwards else page), len(rows) > self.request.size

    def _cursor(self, row: Entity) -> str:
        return cursor([row[place] for place in self._places], self.request.tag)


def source_of(row: type[Entity]) -> Source:
    """The table of a type that relations lead to."""
    if row.shape.source is None:
        raise TypeError(f"{row.shape.name} stands beside no table: no relation can lead to it")
    return row.shape.source


def frozen(arguments: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Arguments as a key; values are hashable or lists of hashable ones."""
    return tuple(
        sorted((name, tuple(value) if isinstance(value, list) else value) for name, value in arguments.items())
    )
