"""Leaves: code generated for one selection, which reads a row and writes its part of the answer.

Most leaves are a column as it is, or a column through one function. Written out as one dict display, they cost a
fraction of what a call for each of them would.
"""

from collections.abc import Callable, Sequence
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLID,
    GraphQLOutputType,
    GraphQLString,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.pyutils import Undefined, inspect

Complete = Callable[[Any], Any]


def unexpected_null(coordinate: str) -> TypeError:
    """Null for a field that is never null."""
    return TypeError(f"Cannot return null for non-nullable field {coordinate}.")


def coerced(kind: Any, value: Any) -> Any:
    """A value as its scalar or enum is written; raises what graphql-core raises."""
    result = kind.coerce_output_value(value)
    if result is None or result is Undefined:
        raise TypeError(
            f"Expected `{inspect(kind)}.coerce_output_value({inspect(value)})`"
            f" to return non-nullable value, returned: {inspect(result)}"
        )
    return result


def completer(kind: GraphQLOutputType, coordinate: str) -> Complete:
    """What makes a value of this type of leaves ready to be written. Any trouble is raised: see `Selection.make`."""
    if is_non_null_type(kind):
        if is_leaf_type(kind.of_type):
            return _required_leaf(kind.of_type.coerce_output_value, coordinate)
        inner = completer(kind.of_type, coordinate)

        def required(value: Any) -> Any:
            if value is None or (done := inner(value)) is None:
                raise unexpected_null(coordinate)
            return done

        return required
    if is_list_type(kind):
        return _several(kind.of_type, completer(kind.of_type, coordinate))
    write = kind.coerce_output_value  # type: ignore[union-attr]

    def leaf(value: Any) -> Any:
        if value is None:
            return None
        if (done := write(value)) is None or done is Undefined:
            raise TypeError("not written")
        return done

    return leaf


def _several(kind: GraphQLOutputType, item: Complete) -> Complete:
    """A list; of members of an enum, their names are looked up."""
    named = get_nullable_type(kind)
    texts = (written(named) or {}) if isinstance(named, GraphQLEnumType) else {}

    def several(value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, list | tuple):
            raise TypeError("not a list")
        return [item(each) for each in value]

    def members(value: Any) -> Any:
        try:
            return [texts[each] for each in value]
        except (KeyError, TypeError):
            return several(value)

    return members if texts else several


def _required_leaf(write: Complete, coordinate: str) -> Complete:
    """The usual case in one call."""

    def required(value: Any) -> Any:
        if value is None or (done := write(value)) is None or done is Undefined:
            raise unexpected_null(coordinate)
        return done

    return required


class Writer:
    """Collects the expressions of a selection's leaves, and compiles them to one function of a row."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._names: dict[str, Any] = {}
        self.given: list[Callable[[Any], Any]] = []

    def constant(self, key: str, value: str | None) -> None:
        """A leaf that is the same for every object; None is a place that is filled later."""
        self._parts.append(f"{key!r}: {value!r}")

    def attribute(self, key: str, name: str, kind: GraphQLOutputType, coordinate: str) -> None:
        """A leaf that is an attribute of an object of Python."""
        self._leaf(key, f"r.{name}", kind, coordinate)

    def column(self, key: str, place: int, kind: GraphQLOutputType, coordinate: str) -> None:
        """A leaf that stands in the row."""
        self._leaf(key, f"r[{place}]", kind, coordinate)

    def call(
        self,
        key: str,
        by: Callable[..., Any],
        places: Sequence[int],
        kind: GraphQLOutputType,
        coordinate: str,
        *,
        given: Sequence[Callable[[Any], Any]],
        arguments: Callable[[Any], dict[str, Any]] | None,
    ) -> None:
        """A leaf that a function makes of columns, of what is given for the request, and of arguments."""
        values = [f"g[{self._given(each)}]" for each in given] + [f"r[{place}]" for place in places]
        if arguments is not None:
            values.append(f"**g[{self._given(arguments)}]")
        self._leaf(key, f"{self._name(by)}({', '.join(values)})", kind, coordinate)

    def made(self) -> Callable[[Any, Any], dict[str, Any]]:
        """The function: of a row, and of the values of `given`."""
        code = f"def make(r, g):\n    return {{{', '.join(self._parts)}}}\n"
        exec(compile(code, "<leaves>", "exec"), self._names)  # noqa: S102 - names are ours, keys are GraphQL names
        make: Callable[[Any, Any], dict[str, Any]] = self._names.pop("make")
        return make

    def _leaf(self, key: str, value: str, kind: GraphQLOutputType, coordinate: str) -> None:
        done = self._name(completer(kind, coordinate))
        named = get_nullable_type(kind)
        if named is GraphQLString or named is GraphQLID:
            text = f"v if (v := {value}).__class__ is str else {done}(v)"
        elif named is GraphQLBoolean:
            text = f"v if (v := {value}).__class__ is bool else {done}(v)"
        elif isinstance(named, GraphQLEnumType) and (texts := written(named)):
            text = f"{self._name(texts)}.get(v := {value}) or {done}(v)"
        else:
            text = f"{done}({value})"
        self._parts.append(f"{key!r}: ({text})")

    def _given(self, value: Callable[[Any], Any]) -> int:
        self.given.append(value)
        return len(self.given) - 1

    def _name(self, value: Any) -> str:
        name = f"c{len(self._names)}"
        self._names[name] = value
        return name


def written(kind: GraphQLEnumType) -> dict[Any, str] | None:
    """The name of each member of an enum, looked up instead of computed."""
    texts: dict[Any, str] = {}
    for value in kind.values.values():
        member = value.value
        try:
            texts[member] = kind.coerce_output_value(member)
        except Exception:
            return None
    return texts


def is_leaf(kind: GraphQLOutputType) -> bool:
    """Whether a field of this type has no selection, however many lists there are around it."""
    while is_non_null_type(kind) or is_list_type(kind):
        kind = kind.of_type
    return is_leaf_type(kind)
