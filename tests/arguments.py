"""Values of input types by chance: from what the caller supplies, from the edges of scalars, and hostile text.

Values are JSON in Python, but that names of enums are `Name`s, for `literal` to write them without quotes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNonNull,
    GraphQLScalarType,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
)
from graphql.language.block_string import is_printable_as_block_string, print_block_string

PAGE_SIZES = ("first", "last")
CURSORS = ("after", "before")
SIZES = (0, 1, 2, 3, 5, 10, 25, 100)
USUAL_SIZE = 25
OUT_OF_RANGE = 101
BOOLEAN = GraphQLNonNull(GraphQLBoolean)
DEEPEST = 3
"""Input objects in input objects, where nothing makes them go on."""
HOSTILE = (
    "",
    " ",
    "0",
    "null",
    "' OR 1=1 --",
    '"; DROP TABLE profile; --',
    "%",
    "_",
    "\\",
    "a\nb\r\nc\td",
    "\x7f\x01",
    "\u202egnol\u200b",
    "Straße ñ 漢字 💶",
    "<b>&amp;{{ 7 * 7 }}${x}%s{0}",
    "../../etc/passwd",
    '"""',
    "1e400",
    "x" * 300,
)
EDGES: Mapping[str, Sequence[Any]] = {
    "Int": (0, 1, 2, 7, -1, 100, 101, 2**31 - 1, -(2**31)),
    "Float": (0, 0.5, -1.25, 3, 1e-7, 1e100),
    "Boolean": (True, False),
    "DateTime": ("2026-11-22T09:00:00Z", "2024-02-29T23:59:59.999999+02:00", "1970-01-01T00:00:00Z"),
    "Date": ("2026-11-22", "2024-02-29", "0001-01-01", "9999-12-31"),
    "Decimal": ("0", "12.50", "-0.01", "99999999999.99"),
    "UUID": ("01900000-0000-7000-8000-000000000101", "00000000-0000-0000-0000-000000000000"),
    "EmailAddress": ("name@example.org", "Ärger+1@example.com"),
    "URL": ("https://example.org/", "https://example.org:8443/hook?a=1"),
    "IPNetwork": ("192.0.2.0/24", "2001:db8::/32", "198.51.100.7"),
    "CountryCode": ("FR", "DE", "US"),
}
"""What scalars of the contract are given, all of it valid; one that is not here gets whatever of this it accepts."""


class Name(str):
    """A name in a document: of an enum's value."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Supply:
    """What a caller of the API could know: ids by the names of their types, cursors of lists, texts."""

    ids: Mapping[str, Sequence[str]] = field(default_factory=dict)
    cursors: Sequence[str] = ()
    texts: Sequence[str] = ()


def literal(value: Any) -> str:
    """A value as a document writes it."""
    match value:
        case Name():
            return value
        case list():
            return "[" + ", ".join(map(literal, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{name}: {literal(inner)}" for name, inner in value.items()) + "}"
        case str() if "\n" in value and is_printable_as_block_string(value):
            return print_block_string(value)
        case _:
            return json.dumps(value, ensure_ascii=False)


class Values:
    """Makes values; `name` is that of the argument or field they are for."""

    def __init__(self, random: Random, supply: Supply) -> None:
        self.random = random
        self.supply = supply
        self.drawn: str | None = None
        """The type of the id that was given last."""

    def of(self, kind: GraphQLInputType, name: str, depth: int = 0) -> Any:
        """A valid value of a type; now and then null, where it may be."""
        if not is_non_null_type(kind) and self.random.random() < 0.1:
            return None
        inner: Any = get_nullable_type(kind)
        if is_list_type(inner):
            if depth and self.random.random() < 0.1 and (single := self.of(inner.of_type, name, depth)) is not None:
                return single  # One value stands for a list of it.
            return [self.of(inner.of_type, name, depth) for _ in range(self.random.choice((0, 1, 1, 2, 3)))]
        if isinstance(inner, GraphQLEnumType):
            return Name(self.random.choice(list(inner.values)))
        if isinstance(inner, GraphQLInputObjectType):
            return self._object(inner, depth)
        return self._scalar(inner, name)

    def _object(self, kind: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        if kind.is_one_of:
            name = self.random.choice(list(kind.fields))
            return {name: self.of(GraphQLNonNull(kind.fields[name].type), name, depth + 1)}
        likely = 0.5 if depth < DEEPEST else 0.0
        return {
            name: self.of(each.type, name, depth + 1)
            for name, each in kind.fields.items()
            if is_required_input_field(each) or self.random.random() < likely
        }

    def _scalar(self, kind: GraphQLScalarType, name: str) -> Any:
        if kind.name == "ID":
            return self._id(name)
        if kind.name == "String":
            supplied = self.supply.cursors if name in CURSORS else self.supply.texts
            return self.random.choice(supplied if supplied and self.random.random() < 0.8 else HOSTILE)
        return self.random.choice(EDGES.get(kind.name) or accepted(kind))

    def _id(self, name: str) -> str:
        """One of the type that the name ends with, where it tells: `accountId` is an Account's."""
        ids = self.supply.ids
        stem = name.removesuffix("s").removesuffix("Id")
        told = [kind for kind in ids if stem and stem.lower().endswith(kind.lower())]
        kinds = told if told and self.random.random() < 0.8 else list(ids)
        if not kinds or self.random.random() < 0.05:
            return self.random.choice(HOSTILE)
        self.drawn = self.random.choice(kinds)
        return self.random.choice(ids[self.drawn])


def accepted(kind: GraphQLScalarType) -> Sequence[Any]:
    """What a scalar that nobody told us of takes."""
    return [value for edges in EDGES.values() for value in edges if accepts(kind, value)] or [""]


def accepts(kind: GraphQLScalarType, value: Any) -> bool:
    """Whether a value is one of the scalar's."""
    try:
        kind.parse_value(value)
    except (GraphQLError, ValueError, TypeError, ArithmeticError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a document, and what is sent for it."""

    declared: str
    default: str
    value: Any
    sent: bool


class Arguments(Values):
    """Writes arguments, some of them as variables. `used` are the variables of what is being written."""

    def __init__(self, random: Random, supply: Supply) -> None:
        super().__init__(random, supply)
        self.variables: dict[str, Variable] = {}
        self.used: dict[str, None] = {}

    def of_field(self, given: GraphQLField, most: int) -> tuple[str, int | None]:
        """The arguments of a field, in brackets; and the size of the page that they ask for, if it has pages."""
        chosen: dict[str, Any] = {}
        paged = any(name in given.args for name in PAGE_SIZES)
        if paged:
            chosen |= self._page(given, most)
        for name, argument in given.args.items():
            likely = 0.25 if name in CURSORS else 0.0 if name in PAGE_SIZES else 0.4
            if is_required_argument(argument) or self.random.random() < likely:
                chosen[name] = self.of(argument.type, name)
        written = [f"{name}: {self.written(given.args[name].type, value)}" for name, value in chosen.items()]
        sizes = [value for name, value in chosen.items() if name in PAGE_SIZES and value is not None]
        size = (max(sizes) if min(sizes) >= 0 else OUT_OF_RANGE) if sizes else USUAL_SIZE
        return f"({', '.join(written)})" if written else "", size if paged else None

    def _page(self, given: GraphQLField, most: int) -> dict[str, int | None]:
        """Sizes of pages: one of the two, now and then neither, null, both, or what no page can be."""
        names = [name for name in PAGE_SIZES if name in given.args]
        sizes: list[int | None] = [size for size in SIZES if size <= most]
        if most >= USUAL_SIZE:
            sizes.append(None)
            if self.random.random() < 0.15:
                return {}
        if most >= OUT_OF_RANGE and self.random.random() < 0.1:
            sizes = [-1, OUT_OF_RANGE]
        both = self.random.random() < 0.04
        return {name: self.random.choice(sizes) for name in (names if both else [self.random.choice(names)])}

    def condition(self) -> str:
        """Nothing mostly, else @skip or @include, or both."""
        if self.random.random() < 0.85:
            return ""
        chosen = self.random.choice((("include",), ("include",), ("skip",), ("skip", "include")))
        written = ((name, self.random.random() < (0.8 if name == "include" else 0.2)) for name in chosen)
        return "".join(f" @{name}(if: {self.written(BOOLEAN, value)})" for name, value in written)

    def written(self, kind: GraphQLInputType, value: Any, *, required: bool = False) -> str:
        """A value as a literal, as a variable, or as a literal that has variables in it.

        `required`: null must not be possible, although the type allows it.
        """
        if self.random.random() < 0.35:
            return "$" + self._variable(kind, value, required)
        inner: Any = get_nullable_type(kind)
        if isinstance(inner, GraphQLInputObjectType) and isinstance(value, dict):
            fields = (
                f"{name}: {self.written(inner.fields[name].type, each, required=inner.is_one_of)}"
                for name, each in value.items()
            )
            return "{" + ", ".join(fields) + "}"
        if is_list_type(inner) and isinstance(value, list):
            return "[" + ", ".join(self.written(inner.of_type, each) for each in value) + "]"
        return literal(value)

    def _variable(self, kind: GraphQLInputType, value: Any, required: bool) -> str:
        """A variable of this type or a stricter one, or with a default; now and then one that is there already."""
        name = f"v{len(self.variables) + 1}"
        made = self._declared(kind, value, required)
        known = [
            each
            for each, there in self.variables.items()
            if there.declared == made.declared and bool(there.default) == bool(made.default)
        ]
        # Sizes are counted while they are chosen: another's would not be the one that was.
        if known and self.random.random() < 0.2 and not made.declared.startswith("Int"):
            name, made = (chosen := self.random.choice(known)), self.variables[chosen]
        self.variables[name] = made
        self.used[name] = None
        return name

    def _declared(self, kind: GraphQLInputType, value: Any, required: bool) -> Variable:
        roll, nullable = self.random.random(), str(get_nullable_type(kind))
        if value is None:
            return Variable(nullable, "", None, sent=roll < 0.5)
        if roll < 0.3 and not required:
            return Variable(nullable, f" = {literal(value)}", value, sent=roll < 0.15)
        if roll < 0.5 or required or is_non_null_type(kind):
            return Variable(f"{nullable}!", "", value, sent=True)
        return Variable(nullable, "", value, sent=True)
