"""Troubles: what went wrong at places of the answer, and what of it is taken away because it may not be null."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, is_list_type, is_non_null_type, located_error

from engine.plan import Selection, Step

Filled = Iterable[tuple[Selection, list[dict[str, Any]]]]
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a field raised, and the place in the answer where its value would stand."""

    error: Exception
    step: Step
    kind: Any
    """The type of that place."""
    container: Any
    """The object or list in which it is."""
    key: str | int


@dataclass(frozen=True, slots=True)
class Held:
    """Where an object or a list of the answer stands."""

    container: Any
    key: str | int
    kind: Any
    """The type of that place."""
    path: Place


class Answer:
    """An answer that is searched for its parts: they are known by what they are, not by where they stand."""

    def __init__(self, data: dict[str, Any], filled: Filled) -> None:
        self.held: dict[int, Held | None] = {id(data): None}
        self._steps = {id(out): {step.key: step for step in each.steps} for each, outs in filled for out in outs}
        self._search(data)

    def path(self, container: Any, key: str | int) -> Place | None:
        """The way to a place; None where its container was never made a part of the answer."""
        if id(container) not in self.held:
            return None
        held = self.held[id(container)]
        return (*(held.path if held else ()), key)

    def taken(self, trouble: Trouble) -> tuple[Any, str | int] | None:
        """The container and key that is null because of a trouble; None is the whole answer."""
        container, key, kind = trouble.container, trouble.key, trouble.kind
        while is_non_null_type(kind):
            held = self.held[id(container)]
            if held is None:
                return None
            container, key, kind = held.container, held.key, held.kind
        return container, key

    def _search(self, data: dict[str, Any]) -> None:
        waiting: list[tuple[Any, Any]] = [(data, None)]
        while waiting:
            container, kind = waiting.pop()
            held = self.held[id(container)]
            path = held.path if held else ()
            if isinstance(container, dict):
                steps = self._steps[id(container)]
                places = [(key, value, steps[key].type) for key, value in container.items()]
            else:
                inner = kind.of_type if is_non_null_type(kind) else kind
                places = [(index, value, inner.of_type) for index, value in enumerate(container)]
            for key, value, within in places:
                if isinstance(value, dict | list) and (id(value) in self._steps or _is_list(within)):
                    self.held[id(value)] = Held(container, key, within, (*path, key))
                    waiting.append((value, within))


def _is_list(kind: Any) -> bool:
    return is_list_type(kind.of_type if is_non_null_type(kind) else kind)


def settled(
    data: dict[str, Any], filled: Filled, troubles: Iterable[Trouble]
) -> tuple[dict[str, Any] | None, list[GraphQLError]]:
    """The answer without what is taken away, and the errors that remain to be told, those that took it last."""
    answer = Answer(data, filled)
    told: list[GraphQLError] = []
    taking: list[tuple[GraphQLError, tuple[Any, str | int] | None]] = []
    for trouble in troubles:
        path = answer.path(trouble.container, trouble.key)
        if path is None:
            continue
        error = located_error(trouble.error, trouble.step.nodes, list(path))
        if is_non_null_type(trouble.kind):
            taking.append((error, answer.taken(trouble)))
        else:
            told.append(error)
    for error, place in taking:
        if place is None:
            return None, [error]
        place[0][place[1]] = None
        told.append(error)
    return data, told
