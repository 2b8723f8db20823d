"""Shapes: the declarations of a schema, by the names of the API. What every executor and planner reads."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

import strawberry
from graphql import GraphQLField, GraphQLObjectType, get_named_type
from strawberry.types.field import StrawberryField

from engine.declare import (
    DECLARATION,
    Batch,
    Column,
    Computed,
    Declaration,
    Declared,
    Either,
    Embedded,
    Guard,
    Many,
    One,
    Paged,
    Reference,
    Source,
)

STRAWBERRY = "strawberry-definition"
DefaultGuard = Callable[[str, str], Guard | None]
"""What a field without a guard of its own asks of the caller, by type and field."""


@dataclass(eq=False)
class Shape:
    """A type: what its fields are made of, and the columns of its rows."""

    name: str
    source: Source | None = None
    fields: dict[str, Declared] = field(default_factory=dict)
    is_row: bool = False
    """Its objects are rows, by position; otherwise they are objects of Python."""
    columns: tuple[str, ...] = ()
    """Every column that its fields, its guards and the objects embedded in it read."""

    def place(self, column: str) -> int:
        """The position of a column in a row."""
        return self.columns.index(column)


def definition(graphql_field: GraphQLField) -> StrawberryField | None:
    """What Strawberry knows of a field; None for one that is not ours."""
    found = graphql_field.extensions.get(STRAWBERRY)
    return found if isinstance(found, StrawberryField) else None


def guard_of(field: StrawberryField) -> Guard | None:
    """What a field asks of the caller: the directive that is printed beside it, and nothing else."""
    return next((mark for mark in field.directives if isinstance(mark, Guard)), None)


def shapes_of(
    schema: strawberry.Schema, sources: Mapping[type, Source], default_guard: DefaultGuard
) -> dict[str, Shape]:
    """The shape of every object type that is ours."""
    kinds = {
        kind.name: kind
        for kind in schema._schema.type_map.values()
        if isinstance(kind, GraphQLObjectType) and STRAWBERRY in kind.extensions
    }
    shapes = {name: _shape(kind, sources, default_guard) for name, kind in kinds.items()}
    ordered: dict[str, list[str]] = defaultdict(list)
    for shape in shapes.values():
        for name, declared in shape.fields.items():
            target = target_of(kinds[shape.name], name)
            if isinstance(declared.what, Embedded):
                shapes[target].is_row = True
            if isinstance(declared.what, Paged):
                node = target_of(kinds[target], "nodes")
                ordered[node] += [part.column for order in declared.what.every_order for part in order]
    for name, shape in shapes.items():
        shape.columns = tuple(dict.fromkeys([*_columns(shape, shapes, kinds), *ordered[name]]))
    return shapes


def target_of(kind: GraphQLObjectType, field_name: str) -> str:
    """The name of the type that a field leads to."""
    name: str = get_named_type(kind.fields[field_name].type).name
    return name


def _shape(kind: GraphQLObjectType, sources: Mapping[type, Source], default_guard: DefaultGuard) -> Shape:
    source = sources.get(kind.extensions[STRAWBERRY].origin)
    shape = Shape(kind.name, source, is_row=source is not None)
    for name, graphql_field in kind.fields.items():
        found = definition(graphql_field)
        if found is None:
            continue
        what: Declaration = found.metadata.get(DECLARATION) or Column()
        if isinstance(what, Column) and what.name is None:
            what = Column(found.python_name)
        shape.fields[name] = Declared(what, guard_of(found) or default_guard(kind.name, name))
    return shape


def _columns(shape: Shape, shapes: Mapping[str, Shape], kinds: Mapping[str, GraphQLObjectType]) -> list[str]:
    if not shape.is_row:
        return []
    columns = list(shape.source.subject) if shape.source else []
    for name, declared in shape.fields.items():
        columns += needs(declared)
        if isinstance(declared.what, Embedded):
            columns += _columns(shapes[target_of(kinds[shape.name], name)], shapes, kinds)
    return columns


def needs(declared: Declared) -> tuple[str, ...]:
    """The columns of its own row that a declaration reads."""
    match declared.what:
        case Column(name):
            return (cast(str, name),)
        case Computed():
            return declared.what.needs
        case One(key=str() as key, otherwise=otherwise):
            return (key, *(otherwise.needs if otherwise else ()))
        case Many(key=str() as key) | Paged(key=str() as key) | Batch(key=str() as key):
            return (key,)
        case Reference(type_name, key):
            return (type_name, key)
        case Either(ways):
            return tuple(key for _, key in ways)
        case _:
            return ()
