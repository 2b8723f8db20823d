"""Plans: what a document comes to, once. A tree of selections, each of which is filled for all of its objects at once.

A selection is one type's part of a document. Its leaves are read by generated code from the rows of its layout; its
branches fetch what all of its objects lead to together. So a relation costs one statement, wherever it stands.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetails

from engine.declare import Declared
from engine.shape import Shape

Details = list[FieldDetails]
Variables = Any
"""What graphql-core makes of a request's variables: `coerced` values by name, and their `sources`."""


class Layout:
    """The columns of rows, by position. They are found as they are needed, and keep their places."""

    def __init__(self, columns: tuple[str, ...] = (), *, behind_key: bool = True, frozen: bool = False) -> None:
        self._places = {name: place for place, name in enumerate(columns)}
        self._first = int(behind_key)
        self._frozen = frozen

    def place(self, column: str) -> int:
        """Where a column stands in a row; rows of a relation begin with the key of their parent."""
        if column not in self._places:
            if self._frozen:
                raise KeyError(column)
            self._places[column] = len(self._places)
        return self._places[column] + self._first

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self._places)


@dataclass(eq=False, slots=True)
class Step:
    """A field of a selection."""

    key: str
    """Its name in the answer."""
    coordinate: str
    details: Details
    type: GraphQLOutputType
    declared: Declared
    graphql_field: GraphQLField
    read: Callable[[Any, Any], Any] | None = None
    """Of a leaf, and of what needs no fetching: its value, of an object and the request."""
    fetch: Any = None
    """Of anything else: what fetches the values of many objects (`engine.fetch.Fetch`)."""
    arguments: Callable[[Any], dict[str, Any]] = lambda request: {}
    child: "Selection | None" = None
    """What is asked of the rows that it leads to, where that is known beforehand."""
    children: dict[str, "Selection"] = field(default_factory=dict)
    """What is asked of other objects, by the name of their type; made when the first of that type appears."""
    select: Callable[[str], "Selection"] | None = None
    """Makes one of `children`."""
    possible: Callable[[str], None] = lambda name: None
    """Raises where an object of that type may not stand here."""
    rows: dict[str, "Selection"] = field(default_factory=dict)
    """What is asked of rows of any type, by its name; made when the first one is looked for."""
    select_rows: Callable[[str], "Selection"] | None = None
    """Makes one of `rows`."""

    @property
    def required(self) -> bool:
        """Whether its value is never null."""
        return is_non_null_type(self.type)

    @property
    def only_child(self) -> "Selection | None":
        """What is asked of the objects, or the lists of objects, that it leads to, where all are of one type."""
        kind = get_nullable_type(self.type)
        kind = get_nullable_type(kind.of_type) if is_list_type(kind) else kind
        return self.child if is_object_type(kind) else None

    @property
    def nodes(self) -> list[FieldNode]:
        """Its occurrences in the document."""
        return [detail.node for detail in self.details]

    def of_value(self, name: str) -> "Selection":
        """What is asked of an object of this type that a function gave."""
        if name not in self.children:
            self.possible(name)
            self.children[name] = cast(Any, self.select)(name)
        return self.children[name]

    def rows_of(self, name: str) -> "Selection":
        """What is asked of a row of this type."""
        if name not in self.rows:
            self.possible(name)
            self.rows[name] = cast(Any, self.select_rows)(name)
        return self.rows[name]


Reader = Callable[[Any, Any], dict[str, Any]]


@dataclass(eq=False, slots=True)
class Selection:
    """What is asked of the objects of one type at one place."""

    kind: GraphQLObjectType
    shape: Shape
    layout: Layout | None
    """None where the objects are no rows."""
    steps: tuple[Step, ...] = ()
    branches: tuple[Step, ...] = ()
    """The steps whose values are not leaves of the object itself."""
    guarded: tuple[Step, ...] = ()
    subject: tuple[int, ...] = ()
    """Where the subject of the guards stands in a row."""
    make: Reader | None = None
    """The answer of one object, its branches left null; raises where a leaf has a trouble."""
    given: tuple[Callable[[Any], Any], ...] = ()
    """What `make` is given besides the object: values that are the same all through a request."""

    def walk(self, depth: int = 0) -> Iterator[tuple[int, "Step"]]:
        """Every step that is known beforehand, with its depth."""
        for step in self.steps:
            yield depth, step
            for child in filter(None, (step.child, *step.children.values(), *step.rows.values())):
                yield from child.walk(depth + 1)


@dataclass(eq=False, slots=True)
class Plan:
    """An operation made ready; good for all variables under which the same parts of the document count."""

    root: Selection
    serial: bool
    """The root fields act, one after the other."""
    size_bytes: int
