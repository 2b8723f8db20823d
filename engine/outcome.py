"""The outcome of an operation: its data, and where each error stands in it.

Both executors tell errors in one order, that of their places in the answer, which does not depend on what was fetched
when. Where errors of fields that are never null take an object away, one of them is told: the standard leaves open
which.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from graphql import GraphQLError

Key = str | int
Place = tuple[Key, ...]


def in_order(data: Any, errors: Iterable[GraphQLError]) -> list[GraphQLError]:
    """The errors by their places; of those below one place that was taken away, the last that was found."""
    keyed: dict[tuple[int, ...], GraphQLError] = {}
    ranks: dict[int, Mapping[str, int]] = {}
    for error in errors:
        keyed[_rank(data, error.path or (), ranks)] = error
    return [keyed[place] for place in sorted(keyed)]


def _rank(data: Any, path: Iterable[Key], ranks: dict[int, Mapping[str, int]]) -> tuple[int, ...]:
    """Where the path leads, by position, as far as there is anything."""
    places: list[int] = []
    for key in path:
        if data is None:
            break
        if isinstance(key, int):
            places.append(key)
        else:
            known = ranks.get(id(data))
            if known is None:
                known = ranks[id(data)] = {name: place for place, name in enumerate(data)}
            places.append(known[key])
        data = data[key]
    return tuple(places)
