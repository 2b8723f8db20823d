"""LIM-3. Lists that grow: Relay connections over keysets, one generic implementation."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Generic, TypeVar

import strawberry
from graphql import GraphQLObjectType
from sqlalchemy import Select

from engine.declare import Key, Order, Paged, PagePart, declare
from models.context import Context
from schema.directive import SEMANTIC_NON_NULL, Authorize, Cost
from schema.enumeration import described

T = TypeVar("T")

PAGE: dict[str, tuple[Any, str]] = {
    "first": (int | None, "Page size forwards, at most 100; 25 when neither first nor last is given."),
    "after": (str | None, "Cursor to start after."),
    "last": (int | None, "Page size backwards, at most 100."),
    "before": (str | None, "Cursor to end before."),
}


class OrderDirection(StrEnum):
    """Which way a list runs."""

    ASC = "ASC"
    DESC = "DESC"


described(
    OrderDirection,
    "Sort direction.",
    ASC="Smallest or oldest first.",
    DESC="Largest or newest first.",
)


@strawberry.type(description="Position in a connection.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="There is something after.")
    has_previous_page: bool = strawberry.field(description="There is something before.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first edge.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last edge.")


@strawberry.type(description="One {of} in a page.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(description="Opaque keyset cursor.")
    node: T = strawberry.field(description="The object.")


@strawberry.type(description="A page of {of} objects.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = declare(PagePart("edges"), description="Edges of the page.")
    nodes: list[T] = declare(
        PagePart("nodes"), description="Objects of the page, for clients that do not need cursors."
    )
    page_info: PageInfo = declare(PagePart("page_info"), description="Position.")
    total_count: int = declare(
        PagePart("total_count"),
        description="Size of the whole connection under the filter; counted only when asked.",
        marks=[Cost(weight=20)],
    )


def newest(column: str) -> tuple[Order, ...]:
    """Latest first, by an instant; of equal ones the one made last."""
    return Order(column, descending=True), Order("id", descending=True)


def connection(
    select: Callable[..., Select[Any]],
    guard: Authorize | None = None,
    *,
    key: Key,
    order: tuple[Order, ...],
    description: str,
    more: Mapping[str, tuple[Any, str]] | None = None,
    given: Callable[[Context, Mapping[str, Any]], Mapping[str, Any]] | None = None,
    orders: Mapping[Any, tuple[Order, ...]] | None = None,
    chosen: Callable[[Any], Any] | None = None,
) -> Any:
    """A connection field. `more` are its arguments besides the page's, `given` makes of them what `select` takes.

    Where `more` has an `order_by`, `chosen` makes of it the key of one of `orders`.
    """
    return declare(
        Paged(key, select, order, given, orders or {}, chosen),
        guard,
        description=description,
        marks=[SEMANTIC_NON_NULL] if guard else [],
        arguments={**PAGE, **(more or {})},
    )


def name_pages(schema: strawberry.Schema) -> None:
    """Say in the description of every connection and edge what it is of: Strawberry gives them all the same."""
    for kind in schema._schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and kind.description and "{of}" in kind.description:
            of = kind.name.removesuffix("Connection").removesuffix("Edge")
            kind.description = kind.description.format(of=of)
