"""Pages of connections, for all the objects of a selection at once, and what a connection shows of one."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from engine.declare import Paged
from engine.load import Entity, frozen, source_of
from engine.page import PageRequest, cursor, page_request
from engine.plan import Layout, Selection, Step
from engine.statement import PageLayout, Statement, counted, paged

if TYPE_CHECKING:
    from engine.performance import Performance

Row = Sequence[Any]

PAGE_ARGUMENTS = frozenset({"first", "after", "last", "before"})


class Pages:
    """A page of a connection for each key, its count, or both: as much as is asked of it."""

    def __init__(
        self, what: Paged, row: type[Entity], layout: Layout, key: Callable[[Any, Any], Any], selection: Selection
    ) -> None:
        self.what = what
        self.row = row
        self.layout = layout
        self.key = key
        asked = {step.declared.what.name for step in selection.branches}  # type: ignore[union-attr]
        self.counts = "total_count" in asked
        self.lists = bool(asked - {"total_count"})
        self.places: dict[Any, list[int]] = {
            order: [layout.place(part.column) for part in order] if self.lists else [] for order in what.every_order
        }

    async def values(self, request: "Performance", step: Step, sources: list[Any]) -> list["PageView"]:
        arguments = step.arguments(request)
        rest = {name: value for name, value in arguments.items() if name not in PAGE_ARGUMENTS}
        order, table = self.what.ordered(rest), source_of(self.row).table
        page = page_request(arguments, order, table, tagged=order is not self.what.order)
        given = self.what.arguments(request.context, rest) if self.what.arguments else rest
        keys = [self.key(source, request) for source in sources]
        views = [PageView(self, page) for _ in keys]
        wanted = [key for key in dict.fromkeys(keys) if key is not None]
        if wanted and request.batches.admitted(self.row):
            await self._fill(request, page, frozen(given), wanted, list(zip(keys, views, strict=True)))
        return views

    def statements(self, dialect: str, page: PageRequest, arguments: Any, single: bool) -> tuple[Statement, Statement]:
        """The statement of the pages, and the one of their counts."""
        source = source_of(self.row)
        layout = PageLayout(
            page.after is not None, page.before is not None, page.backwards, single=single, order=page.order
        )
        return (
            paged(self.what, arguments, source, self.layout.columns, dialect, layout),
            counted(self.what, arguments, source, dialect),
        )

    async def _fill(
        self,
        request: "Performance",
        page: PageRequest,
        arguments: Any,
        wanted: list[Any],
        views: list[tuple[Any, "PageView"]],
    ) -> None:
        pages, counts = self.statements(request.dialect, page, arguments, len(wanted) == 1)
        if self.lists:
            await self._list(request, pages, page, wanted, views)
        if self.counts:
            uncounted = [(key, view) for key, view in views if view.total is None]
            await self._count(request, counts, uncounted)

    async def _list(
        self,
        request: "Performance",
        statement: Statement,
        page: PageRequest,
        wanted: list[Any],
        views: list[tuple[Any, "PageView"]],
    ) -> None:
        groups: dict[Any, list[Row]] = defaultdict(list)
        try:
            for row in await request.rows(statement, wanted, page):
                groups[row[0]].append(row)
        except Exception as error:
            for _, view in views:
                view.trouble = error
            return
        for key, view in views:
            view.hold(groups.get(key) or [])

    async def _count(self, request: "Performance", statement: Statement, views: list[tuple[Any, "PageView"]]) -> None:
        wanted = [key for key in dict.fromkeys(key for key, _ in views) if key is not None]
        if not wanted:
            return
        try:
            counts = {row[0]: row[1] for row in await request.rows(statement, wanted)}
        except Exception as error:
            for _, view in views:
                view.uncounted = error
            return
        for key, view in views:
            view.total = counts.get(key, 0)


class PageView:
    """One page, as the fields of a connection read it."""

    __slots__ = ("more", "of", "page", "rows", "total", "trouble", "uncounted")

    def __init__(self, of: Pages, page: PageRequest) -> None:
        self.of = of
        self.page = page
        self.rows: list[Row] = []
        self.more = False
        self.total: int | None = None
        self.trouble: Exception | None = None
        self.uncounted: Exception | None = None

    def hold(self, rows: list[Row]) -> None:
        """The rows of the page, and one more where there is one, in the direction that was asked."""
        self.more = len(rows) > self.page.size
        self.rows = rows[: self.page.size]
        if self.page.backwards:
            self.rows.reverse()
        if not self.more and self.page.after is None and self.page.before is None:
            self.total = len(self.rows)  # All of it was read: there is nothing left to count.

    def nodes(self) -> list[Row]:
        self._check()
        return self.rows

    def edges(self) -> list["EdgeView"]:
        self._check()
        return [EdgeView(self, row) for row in self.rows]

    def page_info(self) -> "PageView":
        self._check()
        return self

    def total_count(self) -> int:
        if self.uncounted is not None:
            raise self.uncounted
        return self.total or 0

    def cursor(self, row: Row) -> str:
        """The place of one of its rows."""
        return cursor([row[place] for place in self.of.places[self.page.order]], self.page.tag)

    @property
    def has_next_page(self) -> bool:
        return self.page.before is not None if self.page.backwards else self.more

    @property
    def has_previous_page(self) -> bool:
        return self.more if self.page.backwards else self.page.after is not None

    @property
    def start_cursor(self) -> str | None:
        return self.cursor(self.rows[0]) if self.rows else None

    @property
    def end_cursor(self) -> str | None:
        return self.cursor(self.rows[-1]) if self.rows else None

    def _check(self) -> None:
        if self.trouble is not None:
            raise self.trouble


class EdgeView:
    """A row in a page."""

    __slots__ = ("node", "view")

    def __init__(self, view: PageView, row: Row) -> None:
        self.view = view
        self.node = row

    @property
    def cursor(self) -> str:
        return self.view.cursor(self.node)
