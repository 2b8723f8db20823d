"""Declarations: where the fields of a type come from. Nothing is executed here.

A type stands beside a table (`Source`). Its leaves name columns, or columns and a pure function; its relations name a
function that returns a Core select, parent key first. Two executors read these objects: the one on graphql-core
(engine/bind.py) and the planner. Neither a declaration nor a resolver knows which of them runs it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import strawberry
from sqlalchemy import ColumnElement, Select, Table
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument

DECLARATION = "espace"
"""Key of a declaration in the metadata of a Strawberry field."""

ROOT = object()
"""The source of root fields: whoever reaches the query again reaches the same one."""


class Context(Protocol):
    """What the engine needs to know of a request."""

    @property
    def db(self) -> Any: ...

    @property
    def bindings(self) -> Mapping[str, Any]:
        """Values of the parameters that generated row filters name."""

    @property
    def loads(self) -> dict[Any, Any]:
        """Room for the batches of this request."""


@runtime_checkable
class Guard(Protocol):
    """What a field asks of the caller; the same object is printed in the schema."""

    def check(self, context: Any, subject: Any) -> None:
        """Raises FieldRefused where the caller may not. `subject` is the row's, as its source tells; None is none."""


class Gate(Protocol):
    """What a type asks of the caller, whatever the path to it."""

    def admits(self, context: Any) -> bool:
        """Whether the caller may reach any row at all."""

    def rows(self, subject: Any) -> ColumnElement[bool]:
        """The rows the caller may reach, by their subject, of columns; parameters are bound from `Context.bindings`."""


@dataclass(frozen=True, eq=False)
class Source:
    """The table behind a type, whose rows they are, who may reach them, and which of them are not there any more."""

    table: Table
    subject: tuple[str, ...] = ()
    """The columns that say whose a row is."""
    about: Callable[..., Any] = tuple
    """Makes of their values, or of the columns themselves, what guards and gates are asked about."""
    gate: Gate | None = None
    only: ColumnElement[bool] | None = None

    def subject_of(self, row: Callable[[str], Any]) -> Any:
        """What guards and gates are asked about; None for rows that belong to whoever looks."""
        return self.about(*map(row, self.subject)) if self.subject else None


@dataclass(frozen=True, slots=True)
class Column:
    """A leaf that is a column; None is the one of the field's own name."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class Computed:
    """A leaf made by a pure function of columns, and of one property of the context where `given` names it.

    The field's arguments follow by name.
    """

    by: Callable[..., Any]
    needs: tuple[str, ...]
    given: str | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """An object made of columns of the same row."""


@dataclass(frozen=True, slots=True)
class Order:
    """One part of a connection's order. Together they are unique and never null."""

    column: str
    descending: bool = False


Key = str | Callable[[Any], Any]
"""A column of the parent; for root fields, a function of the context."""


@dataclass(frozen=True, eq=False)
class Given:
    """A key that an argument of a root field holds; `read` answers None for what cannot be one."""

    argument: str
    read: Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class One:
    """At most one object per key. `select` is None for the object whose id the key is.

    Where the field's type is abstract, `kind` names the one that rows are of, and `otherwise` makes what stands in
    when there is none.
    """

    key: Key | Given
    select: Callable[..., Select[Any]] | None = None
    kind: str | None = None
    otherwise: Computed | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Woken:
    """A field of the subscription root: told again with each fact whose kind begins with one of `kinds`.

    `of` tells of a fact the id of what is shown; None where there is nothing to show. The declaration's own `key` tells
    it of the context, which is woken by a fact.
    """

    kinds: tuple[str, ...] = ()
    of: Callable[[Any], Any] = field(default=lambda fact: fact)


@dataclass(frozen=True, eq=False)
class Live(Woken, One):
    """EVT-1. A row, each time that something happens to it."""


@dataclass(frozen=True, eq=False)
class Many:
    """A bounded list per key, in the order of its select. `kind` names the type of its rows where the field's is
    abstract."""

    key: Key
    select: Callable[..., Select[Any]]
    kind: str | None = None


@dataclass(frozen=True, eq=False)
class Paged:
    """A connection per key, in a total order, or in another one of `orders` that its argument `order_by` asks for."""

    key: Key
    select: Callable[..., Select[Any]]
    order: tuple[Order, ...]
    arguments: Callable[[Any, Mapping[str, Any]], Mapping[str, Any]] | None = None
    """What the select is given, of the context and the arguments that are not the page's; None: these as they are."""
    orders: Mapping[Any, tuple[Order, ...]] = field(default_factory=dict)
    """By what `chosen` makes of the argument."""
    chosen: Callable[[Any], Any] | None = None

    def ordered(self, arguments: dict[str, Any]) -> tuple[Order, ...]:
        """The order that is asked for, which is taken out of the arguments."""
        wanted = arguments.pop("order_by", None) if self.chosen else None
        return self.orders[self.chosen(wanted)] if self.chosen and wanted is not None else self.order

    @property
    def every_order(self) -> tuple[tuple[Order, ...], ...]:
        """All the orders that it may have."""
        return (self.order, *self.orders.values())


@dataclass(frozen=True, slots=True)
class Reference:
    """An object of any type that is a node, or `only` of some: its type's name in one column, its id in another."""

    type_name: str
    id: str
    only: tuple[str, ...] = ()

    def named(self, type_name: Any) -> Any:
        """The type that is meant; None where the field leads to none such."""
        return type_name if not self.only or type_name in self.only else None


@dataclass(frozen=True, slots=True)
class Either:
    """An object of one of several types: for each its name, and the column of its id. The first that is there."""

    ways: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ByGlobalId:
    """Objects by the ids that clients hold: the argument `id`, or `ids`. `read` answers type name and key, or None."""

    read: Callable[[str], tuple[str, Any] | None]
    most: int | None = None
    """For `ids`: how many at most."""


@dataclass(frozen=True, eq=False)
class Batch:
    """What is not SQL: `load(context, keys)` answers one value per key, in their order.

    It is given the field's arguments by name, and is called once for each set of them.
    """

    key: Key
    load: Callable[..., Awaitable[Sequence[Any]]]
    arguments: Callable[[Any, Mapping[str, Any]], Mapping[str, Any]] | None = None
    """What `load` is given, of the context and the arguments, such as an input; None: these as they are."""


@dataclass(frozen=True, eq=False)
class LiveBatch(Woken, Batch):
    """EVT-1. What `load` makes of an id, each time that something happens to it; None is not told."""


@dataclass(frozen=True, slots=True)
class WholeGraph:
    """The query root, reached from elsewhere."""


@dataclass(frozen=True, slots=True)
class PagePart:
    """A field of a connection."""

    name: str


Declaration = (
    Column | Computed | Embedded | One | Many | Paged | Reference | Either | ByGlobalId | Batch | WholeGraph | PagePart
)


@dataclass(frozen=True, slots=True)
class Declared:
    """A field as executors see it: where it comes from, and what it asks of the caller."""

    what: Declaration
    guard: Guard | None = None


def declare(
    what: Declaration,
    guard: Any = None,
    *,
    description: str,
    marks: Sequence[Any] = (),
    arguments: Mapping[str, tuple[Any, str]] | None = None,
    name: str | None = None,
) -> Any:
    """A Strawberry field of this declaration.

    `arguments` maps names to (type, description); one whose type may not be None is required.
    """
    made = strawberry.field(
        name=name,
        description=description,
        directives=[mark for mark in (guard, *marks) if mark is not None],
        metadata={DECLARATION: what},
    )
    if arguments:
        made.arguments = [
            StrawberryArgument(
                python_name=argument,
                graphql_name=None,
                type_annotation=StrawberryAnnotation(annotation),
                description=text,
                default=strawberry.UNSET,
            )
            for argument, (annotation, text) in arguments.items()
        ]
    return made
