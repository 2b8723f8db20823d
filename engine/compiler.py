"""The compiler: from a valid document to a plan. What it cannot plan it declines, and graphql-core executes that."""

from collections.abc import Callable
from typing import Any, cast

from graphql import (
    GraphQLError,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLString,
    OperationType,
    get_named_type,
    is_abstract_type,
    is_object_type,
)
from graphql.execution.collect_fields import FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues, get_argument_values
from strawberry.types.arguments import convert_arguments

from engine import fetch
from engine.bind import Bound, possible_types
from engine.declare import (
    Batch,
    ByGlobalId,
    Column,
    Computed,
    Declared,
    Either,
    Embedded,
    Many,
    One,
    Paged,
    PagePart,
    Reference,
    WholeGraph,
)
from engine.leaf import Writer, is_leaf
from engine.operation import Document, Operation, fragments_of
from engine.page_view import Pages
from engine.plan import Details, Layout, Plan, Selection, Step
from engine.shape import definition, target_of

TYPENAME = "__typename"
INTROSPECTION = "introspection"
OF_TYPENAME = Declared(Column(TYPENAME))
BYTES_PER_STEP = 3_000
"""What a step, with its part of the code, takes in memory."""


class Declined(Exception):
    """This document is not planned. `reason` is counted."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Compiler:
    """Compiles one operation, under the values of the variables that its directives name."""

    def __init__(self, bound: Bound, document: Document, operation: Operation, values: VariableValues) -> None:
        self.bound = bound
        self.schema = bound.graphql
        self.operation = operation.node
        self.fragments = {name: FragmentDetails(node) for name, node in fragments_of(document.node).items()}
        named = operation.conditions
        self.values = VariableValues(
            {name: source for name, source in values.sources.items() if name in named},
            {name: value for name, value in values.coerced.items() if name in named},
        )
        self.steps = 0
        if any(not isinstance(self.values.coerced.get(name), bool) for name in named):
            raise Declined("condition")

    def plan(self) -> Plan:
        """The plan; raises Declined."""
        kind = self.schema.get_root_type(self.operation.operation)
        if kind is None:
            raise Declined("root")
        collected = collect_fields(self.schema, self.fragments, self.values, kind, self.operation, True)
        root = self._filled(Selection(kind, self.bound.shapes[kind.name], None), collected.grouped_field_set)
        return Plan(root, self.operation.operation is OperationType.MUTATION, BYTES_PER_STEP * self.steps)

    def selection(self, name: str, details: Details, layout: Layout | None, rows: Layout | None = None) -> Selection:
        """What is asked of the objects of this type: rows of `layout`, or pages of `rows`, or objects of Python."""
        kind, shape = cast(GraphQLObjectType, self.schema.type_map[name]), self.bound.shapes[name]
        collected = collect_subfields(self.schema, self.fragments, self.values, self.operation, kind, details, True)
        return self._filled(Selection(kind, shape, layout), collected.grouped_field_set, rows)

    def of_value(self, name: str, details: Details) -> Selection:
        """What is asked of objects that something else than a statement of ours gave."""
        shape = self.bound.shapes[name]
        layout = Layout(shape.columns, behind_key=False, frozen=True) if shape.is_row else None
        return self.selection(name, details, layout)

    def check_possible(self, kind: GraphQLNamedType, name: str) -> None:
        """Raises where an object of a type stands where none of that kind may."""
        if is_abstract_type(kind) and not self.schema.is_sub_type(kind, cast(Any, self.schema.type_map.get(name))):
            raise GraphQLError(f"Runtime Object type '{name}' is not a possible type for '{kind}'.")

    def _filled(self, selection: Selection, fields: dict[str, Details], rows: Layout | None = None) -> Selection:
        made = Steps(self, selection, rows)
        for key, details in fields.items():
            made.add(key, details)
        made.finish()
        self.steps += len(selection.steps)
        return selection


class Steps:
    """The steps of one selection, as they are compiled."""

    def __init__(self, compiler: Compiler, selection: Selection, rows: Layout | None) -> None:
        self.compiler = compiler
        self.selection = selection
        self.rows = rows
        self.writer = Writer()
        self.steps: list[Step] = []
        self.branches: list[Step] = []

    def add(self, key: str, details: Details) -> None:
        """One more field."""
        name = details[0].node.name.value
        kind = self.selection.kind
        if name == TYPENAME:
            self._typename(key, details)
            return
        field, declared = kind.fields.get(name), self.selection.shape.fields.get(name)
        if field is None or declared is None:
            raise Declined(INTROSPECTION if name.startswith("__") else "undeclared")
        step = Step(key, f"{kind.name}.{name}", details, field.type, declared, field)
        step.arguments = self._arguments(step)
        self.steps.append(step)
        if is_leaf(field.type) and self._is_leaf(step):
            self._leaf(step)
        else:
            self._branch(step)

    def finish(self) -> None:
        selection, source = self.selection, self.selection.shape.source
        selection.steps, selection.branches = tuple(self.steps), tuple(self.branches)
        selection.guarded = tuple(step for step in self.steps if step.declared.guard is not None)
        if selection.guarded and source and selection.layout:
            selection.subject = tuple(map(selection.layout.place, source.subject))
        selection.make, selection.given = self.writer.made(), tuple(self.writer.given)

    def _typename(self, key: str, details: Details) -> None:
        name = self.selection.kind.name
        field = self.compiler.schema.get_field(self.selection.kind, TYPENAME)
        kind = GraphQLNonNull(GraphQLString)
        step = Step(key, f"{name}.{TYPENAME}", details, kind, OF_TYPENAME, cast(Any, field))
        step.read = lambda source, request: name
        self.steps.append(step)
        self.writer.constant(key, name)

    def _is_leaf(self, step: Step) -> bool:
        """Whether its value is read from the object itself. A page's total is a leaf that is fetched."""
        return isinstance(step.declared.what, Column | Computed) and not self._function(step)

    def _function(self, step: Step) -> Any:
        found = definition(step.graphql_field)
        return found.base_resolver if found else None

    def _leaf(self, step: Step) -> None:
        match step.declared.what:
            case Column(name):
                self._column(step, cast(str, name))
            case Computed() as what:
                self._computed(step, what)

    def _column(self, step: Step, name: str) -> None:
        layout = self.selection.layout
        step.read = _reader(layout, name)
        if layout is None:
            self.writer.attribute(step.key, name, step.type, step.coordinate)
        else:
            self.writer.column(step.key, layout.place(name), step.type, step.coordinate)

    def _computed(self, step: Step, what: Computed) -> None:
        step.read = self._call(step, what)
        layout = cast(Layout, self.selection.layout)
        given = [fetch.of_context(what.given)] if what.given else []
        arguments = step.arguments if step.graphql_field.args else None
        places = [layout.place(name) for name in what.needs] if what.needs else []
        self.writer.call(step.key, what.by, places, step.type, step.coordinate, given=given, arguments=arguments)

    def _call(self, step: Step, what: Computed) -> Callable[[Any, Any], Any]:
        """Its value of one object."""
        layout = self.selection.layout
        places = [cast(Layout, layout).place(name) for name in what.needs] if what.needs else []
        by, given = what.by, what.given
        arguments = step.arguments if step.graphql_field.args else None

        def read(source: Any, request: Any) -> Any:
            first = (getattr(request.context, given),) if given else ()
            named = arguments(request) if arguments else {}
            return by(*first, *[source[place] for place in places], **named)

        return read

    def _branch(self, step: Step) -> None:
        self.branches.append(step)
        self.writer.constant(step.key, None)
        compiler, details = self.compiler, step.details
        target = get_named_type(step.type)
        step.select = lambda name: compiler.of_value(name, details)
        step.possible = lambda name: compiler.check_possible(target, name)
        step.select_rows = lambda name: compiler.selection(name, details, Layout())
        if (function := self._function(step)) is not None:
            step.fetch = fetch.Function(
                function.wrapped_func, cast(Any, definition(step.graphql_field)), self.selection.kind
            )
            self._child(step, target)
            return
        match step.declared.what:
            case Column(name):
                step.read = _reader(self.selection.layout, cast(str, name))
                if self.rows is not None and self.selection.layout is None and is_object_type(target):
                    step.child = self._of_page(step, target.name)
            case Computed() as what:
                step.read = self._call(step, what)
            case Embedded():
                step.read = _itself
                step.child = compiler.selection(target.name, details, self.selection.layout)
            case PagePart(name):
                step.read = lambda source, request: getattr(source, name)()
                step.child = self._of_page(step, target.name)
            case WholeGraph():
                step.read = lambda source, request: fetch.ROOT
                step.child = compiler.selection(target.name, details, None)
            case what:
                self._fetched(step, what, target)
        self._child(step, target)

    def _child(self, step: Step, target: GraphQLNamedType) -> None:
        """Compile what is asked of objects of the one type there can be: beforehand, while it may be declined still."""
        if step.child is None and is_object_type(target):
            step.child = self.compiler.of_value(target.name, step.details)

    def _of_page(self, step: Step, name: str) -> Selection | None:
        """The rows of a page, or its edges; None for the rest of it."""
        shape = self.compiler.bound.shapes.get(name)
        if self.rows is None or shape is None:
            return None
        if shape.is_row:
            return self.compiler.selection(name, step.details, self.rows)
        return self.compiler.selection(name, step.details, None, self.rows)

    def _fetched(self, step: Step, what: Any, target: Any) -> None:
        compiler, layout, details = self.compiler, self.selection.layout, step.details
        match what:
            case Reference(type_name, key):
                kind_of, key_of = _reader(layout, type_name), _reader(layout, key)
                step.fetch = fetch.References(
                    lambda source, request: [(what.named(kind_of(source, request)), key_of(source, request))]
                )
            case Either(ways):
                readers = [(type_name, _reader(layout, key)) for type_name, key in ways]
                step.fetch = fetch.References(
                    lambda source, request: [(name, read(source, request)) for name, read in readers], first=True
                )
            case ByGlobalId():
                step.fetch = fetch.ByIds(what, possible_types(compiler.schema, target))
            case Batch():
                step.fetch = fetch.Batched(what, _key(layout, what.key))
            case One() | Many():
                name = what.kind or target.name
                rows = Layout()
                step.child = compiler.selection(name, details, rows)
                otherwise = self._call(step, what.otherwise) if isinstance(what, One) and what.otherwise else None
                step.fetch = fetch.Related(
                    what, compiler.bound.rows[name], rows, _key(layout, what.key), otherwise, is_abstract_type(target)
                )
            case Paged():
                node, rows = target_of(target, "nodes"), Layout()
                step.child = compiler.selection(target.name, details, None, rows)
                step.fetch = Pages(what, compiler.bound.rows[node], rows, _key(layout, what.key), step.child)
            case _:
                raise Declined("undeclared")

    def _arguments(self, step: Step) -> Callable[[Any], dict[str, Any]]:
        """What the field is given, by the names of Python; made once a request, or once for all."""
        field, node, strawberry_field = step.graphql_field, step.details[0].node, definition(step.graphql_field)
        if not field.args or strawberry_field is None:
            return fetch.no_arguments
        schema = self.compiler.bound.schema
        registry, config = schema.schema_converter.scalar_registry, schema.config

        def arguments(request: Any) -> dict[str, Any]:
            known = request.arguments.get(step)
            if known is None:
                given = get_argument_values(field, node, request.values, None, True)
                known = convert_arguments(given, strawberry_field.arguments, registry, config) if given else {}
                request.arguments[step] = known
            return dict(known)

        return arguments


def _reader(layout: Layout | None, name: str) -> Callable[[Any, Any], Any]:
    if layout is None:
        return lambda source, request: getattr(source, name)
    place = layout.place(name)
    return lambda source, request: source[place]


def _itself(source: Any, request: Any) -> Any:
    return source


def _key(layout: Layout | None, key: Any) -> Callable[[Any, Any], Any]:
    if isinstance(key, str):
        return _reader(layout, key)
    if callable(key):
        return lambda source, request: key(request.context)
    return lambda source, request: None
