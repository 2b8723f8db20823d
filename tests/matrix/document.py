"""The documents of the matrix, written from the schema: every field of every type, directly and through its parents."""

from collections.abc import Iterator, Mapping
from functools import cache

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    is_required_input_field,
)
from graphql.type import is_non_null_type

from engine.shape import definition, guard_of
from schema.global_id import global_id
from tests.matrix import table
from tests.matrix.world import PLAN

BY_ID = frozenset({"node", "nodes"})
"""Roots that are the matrix's own way to objects."""
PAGE = 6
"""Items of a connection whose fields are asked for: more, all together, would cost too much."""
SAMPLES = {
    "String": '"matrix-name"',
    "Int": "1",
    "Boolean": "true",
    "ID": f'"{global_id("Plan", PLAN)}"',
    "Date": '"2026-12-01"',
}
PLAN_SOLD = f'planId: "{global_id("Plan", PLAN)}", period: MONTHLY'
GIVEN: Mapping[str, str] = {
    "Profile.accountOpenQuote": f'(input: {{name: "matrix-new", target: {{publicCloud: {{{PLAN_SOLD}}}}}}})',
    "Account.planChangeQuote": f"({PLAN_SOLD})",
    "Query.account": "(name: $name)",
    "Query.invoice": "(number: $name)",
    "Query.server": "(name: $name)",
    "Query.ticket": "(number: $number)",
}
"""Arguments of a field, where what its types tell is not enough."""


def node_types(schema: GraphQLSchema) -> list[GraphQLObjectType]:
    """Every type that has ids."""
    return [kind for kind in objects(schema) if _is_node(kind)]


def _is_node(kind: GraphQLObjectType) -> bool:
    return any(each.name == "Node" for each in kind.interfaces)


def objects(schema: GraphQLSchema) -> Iterator[GraphQLObjectType]:
    """Every object type of ours."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            yield kind


def roots(schema: GraphQLSchema) -> dict[str, GraphQLField]:
    """The fields of Query, but for those by id."""
    assert schema.query_type is not None
    return {name: each for name, each in schema.query_type.fields.items() if name not in BY_ID}


def coordinates(schema: GraphQLSchema) -> list[str]:
    """What the table has to know: fields of nodes, of the query and of types with a gate; guarded ones of any other."""
    acting = {root.name for root in (schema.mutation_type, schema.subscription_type) if root}
    known = {kind.name for kind in node_types(schema)} | set(table.GATES) | {"Query"}
    return [
        f"{kind.name}.{name}"
        for kind in objects(schema)
        for name, field in kind.fields.items()
        if kind.name not in acting and name not in (BY_ID if kind.name == "Query" else ())
        if kind.name in known or _is_guarded(field)
    ]


def _is_guarded(field: GraphQLField) -> bool:
    found = definition(field)
    return found is not None and guard_of(found) is not None


@cache
def whole(schema: GraphQLSchema, kind: GraphQLObjectType) -> str:
    """Every field of a type, as flat as can be."""
    return " ".join(f"{name}{arguments(kind, name)}{_flat(each)}" for name, each in kind.fields.items())


def _flat(field: GraphQLField) -> str:
    kind = get_named_type(field.type)
    if is_leaf_type(kind):
        return ""
    if is_abstract_type(kind) or not isinstance(kind, GraphQLObjectType):
        return " { __typename }"
    if nodes_of(kind) is not None:
        return " { totalCount }"
    if any(each.name == "Quote" for each in kind.interfaces):
        return f" {{ {_quoted(kind)} }}"
    return " { id }" if "id" in kind.fields else " { __typename }"


def _quoted(kind: GraphQLObjectType) -> str:
    """All that a quote says: what there is refused is refused below, and leaves nothing of it.

    Nodes below are asked for elsewhere: twice the whole of them would be more than a document may hold.
    """
    return " ".join(_quoted_field(name, get_named_type(each.type)) for name, each in kind.fields.items())


def _quoted_field(name: str, kind: GraphQLNamedType) -> str:
    if not isinstance(kind, GraphQLObjectType):
        return f"{name}{_typename(kind)}"
    return f"{name} {{ {'id' if _is_node(kind) else _quoted(kind)} }}"


def _typename(kind: GraphQLNamedType) -> str:
    return " { __typename }" if is_abstract_type(kind) else ""


def _deep(schema: GraphQLSchema, kind: GraphQLNamedType, seen: frozenset[str] = frozenset()) -> str:
    """What to ask of a type so that every node below is asked whole; nothing where there is none."""
    if kind.name == "Node" or (isinstance(kind, GraphQLUnionType) and all(map(_is_node, kind.types))):
        return "{ ... on Node { __typename id } }"
    if not isinstance(kind, GraphQLObjectType) or kind.name in seen:
        return ""
    if (node := nodes_of(kind)) is not None:
        return f"(first: {PAGE}) {{ totalCount nodes {{ __typename {whole(schema, node)} }} }}"
    if _is_node(kind):
        return f"{{ __typename {whole(schema, kind)} }}"
    below = ((name, _deep(schema, get_named_type(each.type), seen | {kind.name})) for name, each in kind.fields.items())
    asked = " ".join(f"{name}{arguments(kind, name)} {inner}" for name, inner in below if inner)
    return f"{{ {asked} }}" if asked else ""


def nodes_of(kind: GraphQLNamedType) -> GraphQLObjectType | None:
    """The type that a connection is of; None for what is no connection."""
    if isinstance(kind, GraphQLObjectType) and kind.name.endswith("Connection") and "nodes" in kind.fields:
        node = get_named_type(kind.fields["nodes"].type)
        return node if isinstance(node, GraphQLObjectType) else None
    return None


def arguments(kind: GraphQLObjectType, name: str) -> str:
    """The arguments that a field needs, with valid values."""
    if (given := GIVEN.get(f"{kind.name}.{name}")) is not None:
        return given
    needed = {each: value for each, value in kind.fields[name].args.items() if is_required_argument(value)}
    return f"({', '.join(_said(needed))})" if needed else ""


def _said(needed: Mapping[str, GraphQLArgument]) -> Iterator[str]:
    for name, argument in needed.items():
        yield f"{name}: {sample(argument.type)}"


def sample(kind: GraphQLInputType) -> str:
    """A valid value of an input type, as a document writes it."""
    if is_non_null_type(kind):
        kind = kind.of_type
    if is_list_type(kind):
        return f"[{sample(kind.of_type)}]"
    if isinstance(kind, GraphQLEnumType):
        return str(next(iter(kind.values)))
    if isinstance(kind, GraphQLInputObjectType):
        fields = dict(kind.fields.items())
        asked = {name: each for name, each in fields.items() if is_required_input_field(each)}
        if kind.is_one_of:
            asked = dict(list(fields.items())[:1])
        return "{" + ", ".join(f"{name}: {sample(each.type)}" for name, each in asked.items()) + "}"
    return SAMPLES[get_named_type(kind).name]


def of_name(schema: GraphQLSchema, name: str) -> GraphQLObjectType:
    """The object type of this name."""
    kind = schema.type_map[name]
    assert isinstance(kind, GraphQLObjectType)
    return kind


def by_node(schema: GraphQLSchema, kind: str, names: list[str]) -> str:
    """Each object of one type by its id, whole. Variables and aliases have these names."""
    declared = ", ".join(f"${name}: ID!" for name in names)
    asked = " ".join(f"{name}: node(id: ${name}) {{ ...Whole }}" for name in names)
    return f"query({declared}) {{ {asked} }} fragment Whole on {kind} {{ {whole(schema, of_name(schema, kind))} }}"


def through_parents(schema: GraphQLSchema, name: str) -> Iterator[str]:
    """For each field that leads to nodes, objects of this type by their ids and what is below, whole."""
    kind = of_name(schema, name)
    for field, each in kind.fields.items():
        if below := _deep(schema, get_named_type(each.type)):
            asked = f"... on {name} {{ {field}{arguments(kind, field)} {below} }}"
            yield f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ {asked} }} }}"


def by_root(schema: GraphQLSchema, name: str) -> tuple[str, str]:
    """A root field and all that is under it, and the name of its type."""
    assert schema.query_type is not None
    field = schema.query_type.fields[name]
    kind = get_named_type(field.type)
    assert isinstance(kind, GraphQLObjectType)
    given = arguments(schema.query_type, name)
    declared = "($name: String!)" if "$name" in given else "($number: Int!)" if "$number" in given else ""
    return f"query{declared} {{ {name}{given} {{ __typename {whole(schema, kind)} }} }}", kind.name
