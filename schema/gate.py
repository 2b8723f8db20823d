"""PER-11. Closed by default: what states no requirement, or one that could not be asked, does not build."""

from collections.abc import Iterator, Mapping

import strawberry
from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_non_null_type,
)

from engine.declare import DECLARATION, Guard, Source, Woken
from engine.shape import STRAWBERRY, definition, guard_of
from schema.directive import Authorize, authorize
from schema.live import kind_of
from schema.node import SOURCES
from schema.service import Service, Staff

SESSION = authorize()


class UnguardedError(TypeError):
    """A requirement is not stated, or cannot be asked where it is stated. One line for each place."""


def default_guard(type_name: str, field_name: str) -> Guard | None:
    """A session, for root fields that state nothing; elsewhere the gate of the object is enough."""
    return SESSION if type_name == "Query" else None


def check_guards(schema: strawberry.Schema) -> None:
    """Raises UnguardedError for every mutation, subscription, Node type and guarded field that is not as it must be."""
    graphql = schema._schema
    acting = {root.name for root in (graphql.mutation_type, graphql.subscription_type) if root is not None}
    following = graphql.subscription_type.name if graphql.subscription_type else None
    roots = acting | {graphql.query_type.name if graphql.query_type else ""}
    faults: list[str] = []
    for kind in graphql.type_map.values():
        if not isinstance(kind, GraphQLObjectType) or STRAWBERRY not in kind.extensions:
            continue
        if any(interface.name == "Node" for interface in kind.interfaces) and _source(kind) is None:
            faults.append(f"{kind.name} is a Node without a gate")
        for name, field in kind.fields.items():
            told = _of_root(field, kind.name in acting) if kind.name in roots else _of_object(kind, field)
            faults += [f"{kind.name}.{name} {fault}" for fault in told]
            if kind.name == following:
                faults += [f"{kind.name}.{name} {fault}" for fault in _of_live(field, graphql.type_map)]
    if faults:
        raise UnguardedError("\n".join(sorted(faults)))


def _of_root(field: GraphQLField, acts: bool) -> Iterator[str]:
    guard = _guard(field)
    if acts and guard is None:
        yield "states no requirement"
    if not isinstance(guard, Authorize):
        return
    ids = list(_ids(field)) if acts else []
    if guard.requirement.needs_subject and not guard.paths:
        yield "asks for a permission and names no subject"
    if acts and guard.requirement.rule is not None and guard.subjects and not guard.kind:
        yield "names a rule, and no field of its input that says the kind"
    for subject in guard.paths if acts else ():
        if ".".join(subject.split(".")[:2]) not in ids:
            yield f"names the subject {subject!r}, which is no id of its input; {', '.join(ids) or 'it has none'}"
    unclaimed = [path for path in ids if path not in guard.resolves]
    if unclaimed and not guard.paths:
        yield f"names the id {unclaimed[0]}: whose is it? Say authorize(subject={unclaimed[0]!r})"
    for path in guard.resolves:
        if path not in ids:
            yield f"resolves {path!r}, which is no id of its input"


def _of_live(field: GraphQLField, types: Mapping[str, GraphQLNamedType]) -> Iterator[str]:
    found, guard = definition(field), _guard(field)
    if found is None or not isinstance(found.metadata.get(DECLARATION), Woken):
        yield "is not declared as live: what wakes it?"
    if guard is not None and not isinstance(guard, Authorize | Service | Staff):
        yield "would tell anybody what happens to others"
    path = guard.subject if isinstance(guard, Authorize) else None
    if path and kind_of(path) not in types:
        yield f"names the subject {path!r}, and there is no type {kind_of(path)}"


def _ids(field: GraphQLField) -> Iterator[str]:
    """The paths of the ids among the arguments of a field, those of a mutation in its input."""
    for name, argument in field.args.items():
        given = get_named_type(argument.type)
        if given.name == "ID":
            yield name
        for inner, value in given.fields.items() if isinstance(given, GraphQLInputObjectType) else ():
            if get_named_type(value.type).name == "ID":
                yield f"{name}.{inner}"


def _of_object(kind: GraphQLObjectType, field: GraphQLField) -> Iterator[str]:
    guard, source = _guard(field), _source(kind)
    if not isinstance(guard, Authorize):
        return
    if source is None and not guard.itself:
        yield "is guarded, and nobody owns what it stands in"
    elif source is not None and guard.requirement.needs_subject and not source.subject:
        yield "asks for a permission on what belongs to whoever looks"
    if is_non_null_type(field.type):
        yield "is guarded and has to be nullable"


def _guard(field: GraphQLField) -> Guard | None:
    found = definition(field)
    return guard_of(found) if found else None


def _source(kind: GraphQLObjectType) -> Source | None:
    return SOURCES.get(kind.extensions[STRAWBERRY].origin)
