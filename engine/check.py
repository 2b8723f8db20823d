"""Mistakes in declarations, told when the schema is built: later each would be a field that always fails."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import GraphQLField, GraphQLNamedType, GraphQLObjectType, is_required_argument
from sqlalchemy import Select, Table, UniqueConstraint

from engine.declare import Batch, Computed, Declared, Given, Many, One, Order, Paged
from engine.page import READERS
from engine.shape import STRAWBERRY, Shape, needs, target_of


class WrongDeclaration(TypeError):
    """Declarations that cannot work; a line for each."""


def check(shapes: Mapping[str, Shape], types: Mapping[str, GraphQLNamedType]) -> None:
    """Raises WrongDeclaration for columns, functions, selects and orders that cannot be what they are declared as."""
    faults = [
        f"{name}{fault}"
        for name, shape in shapes.items()
        if isinstance(kind := types[name], GraphQLObjectType)
        for fault in _of_shape(shape, kind, shapes)
    ]
    if faults:
        raise WrongDeclaration("\n".join(faults))


def _of_shape(shape: Shape, kind: GraphQLObjectType, shapes: Mapping[str, Shape]) -> Iterator[str]:
    table = shape.source.table if shape.source else None
    if shape.source and table is not None:
        yield from (f", subject: {fault}" for fault in _missing(table, shape.source.subject))
    for name, declared in shape.fields.items():
        if table is not None:
            yield from (f".{name}: {fault}" for fault in _missing(table, needs(declared)))
        if isinstance(declared.what, Computed | Batch):
            yield from (f".{name}: {fault}" for fault in _of_function(declared.what, kind.fields[name]))
        target = shapes.get(_row_type(declared, kind, name))
        if target and target.source and isinstance(declared.what, One | Many | Paged):
            yield from (f".{name}: {fault}" for fault in _of_relation(declared.what, target.source.table))


def _row_type(declared: Declared, kind: GraphQLObjectType, name: str) -> str:
    """The type whose rows a relation leads to."""
    if isinstance(declared.what, One | Many) and declared.what.kind:
        return declared.what.kind
    target = target_of(kind, name)
    return target.removesuffix("Connection") if isinstance(declared.what, Paged) else target


def _missing(table: Table, columns: tuple[str, ...]) -> Iterator[str]:
    known = ", ".join(table.c.keys())
    yield from (f"{table.name} has no column {name!r}; it has {known}" for name in columns if name not in table.c)


def _of_function(what: Computed | Batch, field: GraphQLField) -> Iterator[str]:
    """Its function takes what it is given, with all of the field's arguments and with none but the required ones."""
    function = what.by if isinstance(what, Computed) else what.load
    given = 2 if isinstance(what, Batch) else len(what.needs) + (what.given is not None)
    every, required = _names(field)
    if isinstance(what, Batch) and what.arguments is not None:
        return  # What it is given by name is for that function to say.
    for names in (every, required) if every != required else (every,):
        try:
            inspect.signature(function).bind(*range(given), **dict.fromkeys(names))
        except TypeError as error:
            also = f" and {', '.join(names)}" if names else ""
            yield f"its function does not take the {given} values it is given{also}: {error}"
        except ValueError:  # Some functions of C tell nothing of themselves.
            return


def _names(field: GraphQLField) -> tuple[list[str], list[str]]:
    """The names of a field's arguments, as functions take them; of all, and of those that are required."""
    names = {given.extensions[STRAWBERRY].python_name: given for given in field.args.values()}
    return list(names), [name for name, given in names.items() if is_required_argument(given)]


def _of_relation(what: One | Many | Paged, table: Table) -> Iterator[str]:
    for order in what.every_order if isinstance(what, Paged) else ():
        yield from _of_order(order, table)
    if what.select is None:
        if isinstance(what.key, Given):
            yield "an argument is no id: say how the select finds it"
        return
    base: Any
    try:
        base = what.select()
    except TypeError as error:
        yield f"its select takes no arguments that are not optional: {error}"
        return
    if not isinstance(base, Select):
        yield f"its function answers {type(base).__name__}, not a select"
    elif not isinstance(what, One) and base.selected_columns[0] is table.c.get("id"):
        yield f"its select begins with the id of {table.name}, not with the key of the parent"
    elif isinstance(what, Many) and not base._order_by_clauses:
        yield "a list has the order of its select, and it has none"


def _of_order(order: tuple[Order, ...], table: Table) -> Iterator[str]:
    names = [part.column for part in order]
    yield from (f"order: {fault}" for fault in _missing(table, tuple(names)))
    for name in filter(table.c.__contains__, names):
        if table.c[name].nullable:
            yield f"order: {name} may be null, which has no place"
        if table.c[name].type.python_type not in READERS:
            yield f"order: {name} is of a kind that no cursor holds"
    unique = [rule.columns.keys() for rule in table.constraints if isinstance(rule, UniqueConstraint)]
    if not any(set(keys) <= set(names) for keys in (table.primary_key.columns.keys(), *unique)):
        yield "order: two rows may have the same place; end it with id"
