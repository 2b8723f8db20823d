"""A document made ready once: parsed, measured, validated. What the endpoint, the cache and the executors share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import DocumentNode, FragmentDefinitionNode, OperationDefinitionNode, OperationType


@dataclass(frozen=True, slots=True)
class PageSize:
    """How many items a field is asked for: a number, or the variables that say so."""

    number: int
    """What holds where no variable says anything."""
    variables: tuple[tuple[str, int | None], ...] = ()
    """Names with their defaults: `first` and `last` may each have one. A list of ids says its length."""

    def value(self, variables: Mapping[str, Any], most: int) -> int:
        """The size as asked, never more than `most`: what is out of range is refused by the field itself."""
        given = [variables.get(name, default) for name, default in self.variables]
        asked = [len(size) if isinstance(size, list) else size for size in given if size is not None]
        sizes = asked or [self.number]
        return min(max(sizes), most) if all(isinstance(size, int) and size >= 0 for size in sizes) else most


@dataclass(frozen=True, slots=True)
class Cost:
    """Points of a selection: what is fixed, and what is multiplied by sizes that variables say."""

    fixed: int = 0
    pages: tuple[tuple[PageSize, "Cost"], ...] = ()

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.fixed + other.fixed, self.pages + other.pages)

    def times(self, size: PageSize) -> "Cost":
        """That many of these. A plain number is multiplied out at once."""
        if size.variables:
            return Cost(pages=((size, self),))
        return Cost(self.fixed * size.number, tuple((page, cost.times(size)) for page, cost in self.pages))

    def points(self, variables: Mapping[str, Any], largest_page: int) -> int:
        """What the selection costs with these variables, coerced or as sent."""
        return self.fixed + sum(
            size.value(variables, largest_page) * cost.points(variables, largest_page) for size, cost in self.pages
        )


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document."""

    name: str | None
    kind: OperationType
    node: OperationDefinitionNode = field(repr=False)
    cost: Cost
    """Points, in the sense of the contract: an object 1, a scalar 0, a connection its page times its nodes."""
    values: Cost
    """Fields that executing it resolves, by estimate; bounds the work of the executor."""
    roots: int = 1
    """Root fields; each of a mutation acts."""
    conditions: tuple[str, ...] = ()
    """The variables that say which parts of the document count."""


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document and its operations, in order. No repr shows its text, which may hold secrets."""

    text: str = field(repr=False)
    node: DocumentNode = field(repr=False)
    operations: tuple[Operation, ...]
    size_bytes: int = 0
    """What it takes in memory, by estimate."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What an executed operation gave: the parts of a GraphQL response."""

    data: dict[str, Any] | None = field(repr=False)
    errors: list[dict[str, Any]] = field(default_factory=list)
    extensions: dict[str, Any] = field(default_factory=dict)
    status: int | None = None
    """Of application/graphql-response+json, where it is not the usual one."""


def fragments_of(node: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """The fragments of a document, by name."""
    return {each.name.value: each for each in node.definitions if isinstance(each, FragmentDefinitionNode)}
