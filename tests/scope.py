"""What a walker of schemas keeps of a document in the making."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graphql import GraphQLNamedType


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that one document holds."""

    depth: int = 9
    selections: int = 70
    items: int = 100
    """Of pages in pages."""
    points: int = 700
    """About, of all operations together."""


class Request(NamedTuple):
    """What is sent."""

    text: str
    variables: dict[str, Any]
    operation_name: str | None


@dataclass(slots=True)
class Chosen:
    """A field under a response key: what another one under it has to equal, and what was selected below."""

    name: str
    arguments: str
    type: str
    below: "Scope"
    page: int | None = None


class Scope(dict[str, Chosen]):
    """A merged selection set, by response key."""

    def fits(self, other: "Scope") -> bool:
        """Whether all of the other may be selected here too."""
        return all(
            (mine := self.get(key)) is None
            or (
                (mine.name, mine.arguments, mine.type) == (its.name, its.arguments, its.type)
                and mine.below.fits(its.below)
            )
            for key, its in other.items()
        )

    def take(self, other: "Scope") -> None:
        """Select all of the other here too."""
        for key, its in other.items():
            mine = self.setdefault(key, Chosen(its.name, its.arguments, its.type, Scope(), its.page))
            mine.below.take(its.below)

    @property
    def height(self) -> int:
        return max((1 + each.below.height for each in self.values()), default=0)


class Place(NamedTuple):
    """Where a selection stands: how deep, how many of it there may be, the page it is of and the type asked for."""

    depth: int = 1
    items: int = 1
    page: int | None = None
    asked: str | None = None


@dataclass(slots=True)
class Uses:
    """What a definition refers to."""

    variables: dict[str, None] = field(default_factory=dict)
    fragments: dict[str, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fragment:
    name: str
    on: GraphQLNamedType
    text: str
    scope: Scope
    uses: Uses
    items: int
    points: int
