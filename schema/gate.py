"""PER-11. Closed by default: what states no requirement does not build, or needs a session."""

import strawberry
from graphql import GraphQLInterfaceType, GraphQLObjectType

from engine.declare import Guard
from engine.shape import definition, guard_of
from schema.directive import authorize
from schema.node import SOURCES

SESSION = authorize()


class UnguardedError(TypeError):
    """A mutation, a subscription or a Node type that says nothing of who may reach it."""


def default_guard(type_name: str, field_name: str) -> Guard | None:
    """A session, for root fields that state nothing; elsewhere the gate of the object is enough."""
    return SESSION if type_name == "Query" else None


def check_guards(schema: strawberry.Schema) -> None:
    """Raises UnguardedError for everything that has to state a requirement and does not."""
    graphql = schema._schema
    unguarded = [
        f"{root.name}.{name}"
        for root in (graphql.mutation_type, graphql.subscription_type)
        if root is not None
        for name, field in root.fields.items()
        if (found := definition(field)) is None or guard_of(found) is None
    ]
    node = graphql.type_map["Node"]
    gated = {origin.__name__ for origin, source in SOURCES.items() if source.gate is not None}
    unguarded += [
        kind.name
        for kind in graphql.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        and isinstance(node, GraphQLInterfaceType)
        and node in kind.interfaces
        and kind.name not in gated
    ]
    if unguarded:
        raise UnguardedError(f"no requirement is stated for {', '.join(sorted(unguarded))}")
