"""PER-11. Closed by default: what states no requirement does not build, or needs a session."""

import strawberry
from graphql import GraphQLField, GraphQLInterfaceType, GraphQLObjectType

from engine.declare import Guard
from engine.shape import definition
from schema.directive import Authorize, Public, authorize
from schema.node import SOURCES

SESSION = authorize()
ROOTS = {"Query", "Mutation", "Subscription"}


class UnguardedError(TypeError):
    """A mutation, a subscription or a Node type that says nothing of who may reach it."""


def guard_of(field: GraphQLField) -> Authorize | Public | None:
    """The guard that is printed beside a field."""
    found = definition(field)
    guards = [mark for mark in found.directives if isinstance(mark, Authorize | Public)] if found else []
    return guards[0] if guards else None


def default_guard(type_name: str, field_name: str) -> Guard | None:
    """A session, for root fields that state nothing; elsewhere the gate of the object is enough."""
    return SESSION if type_name == "Query" else None


def check_guards(schema: strawberry.Schema) -> None:
    """Raises UnguardedError for everything that has to state a requirement and does not."""
    types = schema._schema.type_map
    unguarded = [
        f"{root}.{name}"
        for root in ("Mutation", "Subscription")
        if isinstance(kind := types.get(root), GraphQLObjectType)
        for name, field in kind.fields.items()
        if guard_of(field) is None
    ]
    node = types["Node"]
    gated = {origin.__name__ for origin, source in SOURCES.items() if source.gate is not None}
    unguarded += [
        kind.name
        for kind in types.values()
        if isinstance(kind, GraphQLObjectType)
        and isinstance(node, GraphQLInterfaceType)
        and node in kind.interfaces
        and kind.name not in gated
    ]
    if unguarded:
        raise UnguardedError(f"no requirement is stated for {', '.join(sorted(unguarded))}")
