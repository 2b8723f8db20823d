"""The executor on graphql-core: gives every declared field its resolver. Strawberry defines the schema, and no more.

Strawberry's own resolvers are replaced, because each would cost more than reading the value that it reads.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

import strawberry
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_abstract_type,
)
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from engine.check import check
from engine.declare import (
    ROOT,
    Batch,
    ByGlobalId,
    Column,
    Computed,
    Declared,
    Either,
    Embedded,
    Given,
    Guard,
    Key,
    Many,
    One,
    Paged,
    PagePart,
    Reference,
    Source,
    WholeGraph,
)
from engine.error import BAD_USER_INPUT, FieldRefused, told
from engine.load import Batches, Entity, Page, entity_class, frozen, source_of
from engine.page import page_request
from engine.shape import DefaultGuard, Shape, definition, shapes_of, target_of

Resolver = Callable[..., Any]
Info = GraphQLResolveInfo[Any]
ArgumentsOf = Callable[[dict[str, Any]], dict[str, Any]]
"""What a field was given, by the names of Python."""
PAGE_ARGUMENTS = frozenset({"first", "after", "last", "before"})
BOUND = "espace"


class Bound:
    """A schema whose fields are resolved from their declarations."""

    def __init__(self, schema: strawberry.Schema, sources: Mapping[type, Source], default_guard: DefaultGuard) -> None:
        self.schema = schema
        self.graphql = schema._schema
        self.graphql.extensions[BOUND] = self
        self.shapes = shapes_of(schema, sources, default_guard)
        check(self.shapes, self.graphql.type_map)
        self.rows = {name: entity_class(shape) for name, shape in self.shapes.items()}
        for kind in self.graphql.type_map.values():
            if isinstance(kind, GraphQLObjectType) and kind.name in self.shapes:
                self._bind(kind, self.shapes[kind.name])
            if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
                kind.resolve_type = type_name

    async def reach(self, context: Any, type_name: str, key: Any) -> Entity | None:
        """The object of this type and id, through its gate; None when there is none that the caller may know of."""
        row = self.rows.get(type_name)
        if row is None or row.shape.source is None:
            return None
        return await batches_of(context).node(row, key)

    def _bind(self, kind: GraphQLObjectType, shape: Shape) -> None:
        kind.is_type_of = None
        for name, graphql_field in kind.fields.items():
            if (field := definition(graphql_field)) is None:
                continue
            declared = shape.fields[name]
            if field.base_resolver is not None:
                graphql_field.resolve = self._function(field, declared.guard, f"{kind.name}.{name}")
            else:
                resolve = self._resolver(kind, field, graphql_field, declared)
                graphql_field.resolve = _guarded(resolve, shape, declared.guard, f"{kind.name}.{name}")

    def _function(self, field: StrawberryField, guard: Guard | None, coordinate: str) -> Resolver:
        """A field that is a function of its own: a mutation."""
        call: Callable[..., Any] = cast(Any, field.base_resolver).wrapped_func
        arguments_of = self._arguments(field)

        async def called(source: Any, info: Info, **given: Any) -> Any:
            with told(coordinate):
                if guard is not None:
                    guard.check(info.context, None)
                return await call(None, strawberry.Info(_raw_info=info, _field=field), **arguments_of(given))

        return called

    def _arguments(self, field: StrawberryField) -> ArgumentsOf:
        registry, config = self.schema.schema_converter.scalar_registry, self.schema.config
        return lambda given: convert_arguments(given, field.arguments, registry, config) if given else {}

    def _resolver(
        self, kind: GraphQLObjectType, field: StrawberryField, graphql_field: GraphQLField, declared: Declared
    ) -> Resolver:
        shape, target = self.shapes[kind.name], get_named_type(graphql_field.type)
        match declared.what:
            case Column(name):
                return _leaf(shape, cast(str, name))
            case Computed() as what:
                return _computed(shape, what, self._arguments(field) if field.arguments else None)
            case Embedded():
                return self._embedded(shape, target)
            case PagePart(name):
                return lambda source, info: getattr(source, name)()
            case WholeGraph():
                return lambda source, info: ROOT
            case Reference(type_name, key) as named:
                kind_at, key_at = shape.place(type_name), shape.place(key)
                return lambda source, info: self.reach(info.context, named.named(source[kind_at]), source[key_at])
            case Either(ways):
                return self._either([(type_name, shape.place(key)) for type_name, key in ways])
            case ByGlobalId() as what:
                return self._by_global_id(what, possible_types(self.graphql, target))
            case Batch() as what:
                return _batch(shape, what, self._arguments(field))
            case One() | Many() as what:
                return self._relation(shape, field, what, target)
            case Paged() as what:
                return self._paged(shape, field, what, self.rows[target_of(cast(GraphQLObjectType, target), "nodes")])

    def _embedded(self, shape: Shape, target: GraphQLNamedType) -> Resolver:
        row = self.rows[target.name]
        places = [shape.place(name) for name in row.shape.columns]
        return lambda source, info: row([source[place] for place in places])

    def _either(self, ways: list[tuple[str, int]]) -> Resolver:
        async def resolve(source: Any, info: Info) -> Entity | None:
            for type_name, place in ways:
                if source[place] is not None:
                    return await self.reach(info.context, type_name, source[place])
            return None

        return resolve

    def _by_global_id(self, what: ByGlobalId, possible: frozenset[str]) -> Resolver:
        async def one(context: Any, text: str) -> Entity | None:
            found = what.read(text)
            return await self.reach(context, *found) if found and found[0] in possible else None

        async def several(context: Any, ids: list[str]) -> list[Entity | None]:
            if what.most is not None and len(ids) > what.most:
                raise FieldRefused(BAD_USER_INPUT, "At most {most} ids at once.", most=what.most)
            return await asyncio.gather(*(one(context, text) for text in ids))

        if what.most is None:
            return lambda source, info, **given: one(info.context, given["id"])
        return lambda source, info, **given: several(info.context, given["ids"])

    def _relation(self, shape: Shape, field: StrawberryField, what: One | Many, target: GraphQLNamedType) -> Resolver:
        by = what.key if isinstance(what.key, Given) else None
        key_of, arguments_of = _key(shape, what.key), self._arguments(field)
        kind = what.kind or target.name
        row = self.rows[kind]
        source_of(row)
        if isinstance(what, Many):
            return lambda source, info, **given: batches_of(info.context).many(
                what, row, key_of(source, info.context), arguments_of(given)
            )
        otherwise = _computed(shape, what.otherwise) if what.otherwise else None

        async def resolve(source: Any, info: Info, **given: Any) -> Any:
            arguments = arguments_of(given)
            key = by.read(arguments.pop(by.argument)) if by else key_of(source, info.context)
            found = await batches_of(info.context).one(what, row, key, arguments)
            return otherwise(source, info) if found is None and otherwise else found

        return resolve

    def _paged(self, shape: Shape, field: StrawberryField, what: Paged, row: type[Entity]) -> Resolver:
        key_of, arguments_of = _key(shape, what.key), self._arguments(field)
        table = source_of(row).table

        def resolve(source: Any, info: Info, **given: Any) -> Page:
            arguments = arguments_of(given)
            rest = {name: value for name, value in arguments.items() if name not in PAGE_ARGUMENTS}
            order = what.ordered(rest)
            return Page(
                batches_of(info.context),
                what,
                row,
                key_of(source, info.context),
                page_request(arguments, order, table, tagged=order is not what.order),
                what.arguments(info.context, rest) if what.arguments else rest,
            )

        return resolve


def bound_of(info: strawberry.Info[Any, Any]) -> Bound:
    """The bound schema that runs a field."""
    bound: Bound = info._raw_info.schema.extensions[BOUND]
    return bound


def possible_types(schema: GraphQLSchema, kind: GraphQLNamedType) -> frozenset[str]:
    """The names of the types that an object of this type may be of."""
    return frozenset(each.name for each in schema.get_possible_types(kind)) if is_abstract_type(kind) else frozenset()


def batches_of(context: Any) -> Batches:
    """What fields load together during a request."""
    batches: Batches | None = context.loads.get(Batches)
    if batches is None:
        batches = context.loads[Batches] = Batches(context)
    return batches


def _guarded(resolve: Resolver, shape: Shape, guard: Guard | None, coordinate: str) -> Resolver:
    if guard is None:
        return resolve
    places = [shape.place(name) for name in shape.source.subject] if shape.source else []
    about = shape.source.about if shape.source else tuple

    def checked(source: Any, info: Info, **arguments: Any) -> Any:
        values = tuple(source[place] for place in places)
        passed = batches_of(info.context).passed
        if (key := (id(guard), values)) not in passed:
            with told(coordinate):
                guard.check(info.context, about(*values) if values else None)
            passed.add(key)
        return resolve(source, info, **arguments)

    return checked


def _leaf(shape: Shape, column: str) -> Resolver:
    if shape.is_row:
        place = shape.place(column)
        return lambda source, info: source[place]
    return lambda source, info: getattr(source, column)


def _computed(shape: Shape, what: Computed, arguments_of: ArgumentsOf | None = None) -> Resolver:
    places = [shape.place(name) for name in what.needs]
    by, given = what.by, what.given
    if arguments_of is not None:

        def asked(source: Any, info: Info, **arguments: Any) -> Any:
            first = () if given is None else (getattr(info.context, given),)
            return by(*first, *[source[place] for place in places], **arguments_of(arguments))

        return asked
    if given is None:
        return lambda source, info: by(*[source[place] for place in places])
    return lambda source, info: by(getattr(info.context, given), *[source[place] for place in places])


def _batch(shape: Shape, what: Batch, arguments_of: ArgumentsOf) -> Resolver:
    key_of = _key(shape, what.key)

    def resolve(source: Any, info: Info, **given: Any) -> Any:
        context, arguments = info.context, arguments_of(given)
        if what.arguments is not None:
            arguments = dict(what.arguments(context, arguments))
        what_of = (what, frozen(arguments)) if arguments else what
        loader = batches_of(context).loader(what_of, lambda keys: what.load(context, keys, **arguments))
        return loader.load(key_of(source, context))

    return resolve


def _key(shape: Shape, key: Key | Given) -> Callable[[Any, Any], Any]:
    if isinstance(key, Given):
        return lambda source, context: None
    if not isinstance(key, str):
        return lambda source, context: key(context)
    if not shape.is_row:
        return lambda source, context: getattr(source, key)
    place = shape.place(key)
    return lambda source, context: source[place]


def type_name(value: Any, _info: Any = None, _kind: Any = None) -> str:
    """The name of the type of an object."""
    if isinstance(value, Entity):
        return value.shape.name
    return cast(str, type(value).__strawberry_definition__.name)
