"""What a document would do, counted before it is validated and before anything is executed.

The walk merges fields as execution does, so that what it counts is what would run. It trusts nothing: what the schema
does not know is left to validation, and the first limit passed ends the walk, however much would have followed.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_introspection_query,
    get_named_type,
    get_nullable_type,
    introspection_from_schema,
    is_composite_type,
    is_list_type,
    parse,
)
from graphql.utilities.coerce_input_value import coerce_default_value

from engine.error import COST_EXCEEDED, RequestRefused
from engine.operation import Cost, Operation, PageSize
from engine.page import DEFAULT_SIZE, LARGEST_SIZE

WeightOf = Callable[[GraphQLField], int | None]
"""The points of a field itself, where they are not the usual ones."""


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """The most that one document may hold, and what it is charged with.

    By default a large screen passes with half of it to spare (25 fragments, 250 selections, 12 levels), and no text
    takes much more than 25 ms of CPU before it is executed: parsing costs 4 µs a token, validating 8.
    """

    bytes: int = 16_384
    tokens: int = 2_000
    """Comments included."""
    nesting: int = 48
    """Brackets in brackets, of any kind."""
    directives: int = 100
    spreads: int = 250
    """`...`, of fragments and of types."""
    operations: int = 20
    fragments: int = 40
    mutations: int = 10
    """Root fields of a mutation; each counts as one."""
    depth: int = 20
    """Fields in fields, through fragments."""
    selections: int = 4_000
    """Fields and spreads met while merging: those of a fragment count wherever it is spread."""
    fields: int = 1_000
    """After merging, all operations together."""
    aliases: int = 100
    """After merging, too."""
    repeats: int = 2_500
    """Pairs of fields under one response key, which validation compares one by one."""
    comparisons: int = 10_000
    """Of fields and fragments with one another, as graphql-core counts them while validating."""
    introspection: int = 2
    """Times what the standard introspection query answers."""
    cost: int = 2_500
    """Points of one operation."""
    values: int = 25_000
    """Fields that one operation resolves, by estimate."""
    list_size: int = 5
    """Items that a list without pages is taken to hold."""

    def check(self, name: str, found: int) -> None:
        """Raises RequestRefused where the limit of that name is passed."""
        allowed: int = getattr(self, name)
        if found > allowed:
            raise _passed(
                name,
                allowed,
                found,
                "The document passes the limit of {allowed} ({limit}).",
                limit=name,
                allowed=allowed,
            )


UNLIMITED = DocumentLimits(**{limit.name: sys.maxsize for limit in fields(DocumentLimits)})
LARGEST_FIGURE = 2**31 - 1
"""Pages in pages soon make a number that JSON writers refuse; nobody needs to know by how much a limit is passed."""


def cost_of(operation: Operation, variables: Mapping[str, Any], limits: DocumentLimits) -> int:
    """The points of the operation with these variables. Raises RequestRefused where it asks for too much."""
    cost = operation.cost.points(variables, LARGEST_SIZE)
    if cost > limits.cost:
        raise _passed(
            "cost",
            limits.cost,
            cost,
            "The operation costs {cost} points, of at most {limit}.",
            cost=cost,
            limit=limits.cost,
        )
    limits.check("values", operation.values.points(variables, LARGEST_SIZE))
    return cost


def _passed(name: str, allowed: int, found: int, message: str, /, **figures: Any) -> RequestRefused:
    extensions = {"limit": name, "allowed": allowed, "found": min(found, LARGEST_FIGURE)}
    return RequestRefused(422, COST_EXCEEDED, message, extensions=extensions, well_formed=True, **figures)


STANDARD_INTROSPECTION = get_introspection_query(
    descriptions=True,
    specified_by_url=True,
    directive_is_repeatable=True,
    schema_description=True,
    input_value_deprecation=True,
)


class Meter:
    """Measures the documents of one schema."""

    def __init__(self, schema: GraphQLSchema, limits: DocumentLimits, weight_of: WeightOf) -> None:
        self.schema = schema
        self.weight_of = weight_of
        self.lists = introspection_lists(schema)
        self.limits = UNLIMITED
        standard = self.walk(parse(STANDARD_INTROSPECTION))
        standard.operations()
        self.limits = replace(limits, introspection=limits.introspection * standard.found["introspection"])

    def walk(self, document: DocumentNode) -> "Walk":
        return Walk(self, document)


class Bill(NamedTuple):
    """What a selection costs, and how many fields it resolves."""

    cost: Cost = Cost()
    values: Cost = Cost()


class Multiple(NamedTuple):
    """How often a field's selection counts."""

    points: int
    """Of the field itself."""
    item_points: int
    """Of each item."""
    paid: PageSize
    """Items as they cost."""
    resolved: PageSize
    """Items as they have to be resolved."""


ONE = PageSize(1)

Groups = dict[tuple[GraphQLNamedType | None, str], list[FieldNode]]
"""The fields of a merged selection set, by the type they are selected on and their response key."""


class Walk:
    """One document. `found` counts what was met so far, by the names of the limits."""

    def __init__(self, meter: Meter, document: DocumentNode) -> None:
        self.meter = meter
        self.schema = meter.schema
        self.limits = meter.limits
        self.found: Counter[str] = Counter()
        self.definitions = document.definitions
        self.fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self.defaults: dict[str, int | None] = {}

    @property
    def work(self) -> int:
        """Selections looked at."""
        return self.found["selections"]

    def operations(self) -> tuple[Operation, ...]:
        """The operations with their costs; raises RequestRefused at the first limit passed."""
        nodes = [node for node in self.definitions if isinstance(node, OperationDefinitionNode)]
        self._count("operations", len(nodes))
        self._count("fragments", len(self.fragments))
        return tuple(self._operation(node) for node in nodes)

    def _operation(self, node: OperationDefinitionNode) -> Operation:
        self.defaults = {
            variable.variable.name.value: self._number(variable.default_value)
            for variable in node.variable_definitions or ()
        }
        groups = self._merged(self.schema.get_root_type(node.operation), [node.selection_set])
        if node.operation is OperationType.MUTATION:
            self.limits.check("mutations", len(groups))
        bill = self._bill(groups, 1)
        name = node.name.value if node.name else None
        operation = Operation(name, node.operation, node, bill.cost, bill.values, len(groups))
        cost_of(operation, dict.fromkeys(self.defaults, 0), self.limits)
        return operation

    def _selection(
        self,
        parent: GraphQLNamedType | None,
        selection_sets: Iterable[SelectionSetNode],
        depth: int,
        page: PageSize | None = None,
    ) -> Bill:
        """`page` is there where the parent is a connection."""
        return self._bill(self._merged(parent, selection_sets), depth, page)

    def _bill(self, groups: Groups, depth: int, page: PageSize | None = None) -> Bill:
        self.limits.check("depth", depth)
        cost = values = Cost()
        for (on_type, _), nodes in groups.items():
            bill = self._field(on_type, nodes, depth, page)
            cost, values = cost + bill.cost, values + bill.values
        return Bill(cost, values)

    def _merged(self, parent: GraphQLNamedType | None, selection_sets: Iterable[SelectionSetNode]) -> Groups:
        """Type conditions are taken to hold, and nothing to be skipped. A fragment is entered once."""
        groups: Groups = {}
        keys: Counter[str] = Counter()
        entered: set[str] = set()
        pending = [(parent, selection_set) for selection_set in selection_sets]
        while pending:
            on_type, selection_set = pending.pop()
            self._count("selections", len(selection_set.selections))
            for selection in selection_set.selections:
                if isinstance(selection, FieldNode):
                    key = (selection.alias or selection.name).value
                    self._count("repeats", keys[key])
                    keys[key] += 1
                    groups.setdefault((on_type, key), []).append(selection)
                elif isinstance(selection, InlineFragmentNode):
                    condition = selection.type_condition
                    inner_type = self.schema.get_type(condition.name.value) if condition else on_type
                    pending.append((inner_type, selection.selection_set))
                elif isinstance(selection, FragmentSpreadNode) and (name := selection.name.value) not in entered:
                    entered.add(name)
                    if fragment := self.fragments.get(name):
                        inner_type = self.schema.get_type(fragment.type_condition.name.value)
                        pending.append((inner_type, fragment.selection_set))
        return groups

    def _field(
        self, parent: GraphQLNamedType | None, nodes: list[FieldNode], depth: int, page: PageSize | None
    ) -> Bill:
        node = nodes[0]
        self._count_field(node)
        definition = self._definition(parent, node)
        below = [node.selection_set for node in nodes if node.selection_set]
        if definition is None:
            return self._selection(None, below, depth + 1) if below else Bill()
        type_ = get_named_type(definition.type)
        if type_.name in ("__Schema", "__Type"):
            self._introspect(type_, below, depth + 1)
            return Bill(Cost(1), Cost(1))
        of = self._size(definition, node, "first", "last") if is_connection(definition) else None
        inner = self._selection(type_, below, depth + 1, of) if below else Bill()
        multiple = self._multiple(definition, node, page)
        weight = self.meter.weight_of(definition)
        if of and inner.cost == Cost():
            weight = weight or 1  # A connection none of whose items are asked for is not for nothing.
        return Bill(
            Cost(multiple.points if weight is None else weight)
            + (Cost(multiple.item_points) + inner.cost).times(multiple.paid),
            Cost(1) + inner.values.times(multiple.resolved),
        )

    def _multiple(self, definition: GraphQLField, node: FieldNode, page: PageSize | None) -> Multiple:
        if not is_composite_type(get_named_type(definition.type)) or is_connection(definition):
            return Multiple(0, 0, ONE, ONE)
        if page and node.name.value in ("edges", "nodes"):
            return Multiple(0, int(node.name.value == "nodes"), page, page)
        if not is_list_type(get_nullable_type(definition.type)):
            return Multiple(1, 0, ONE, ONE)
        if "ids" in definition.args:
            ids = self._size(definition, node, "ids")
            return Multiple(0, 1, ids, ids)
        return Multiple(1, 0, ONE, PageSize(self.limits.list_size))

    def _size(self, definition: GraphQLField, node: FieldNode, *names: str) -> PageSize:
        """What the arguments of these names ask for."""
        defaults = [coerce_default_value(definition.args[name]) for name in names if name in definition.args]
        usual = next((size for size in defaults if isinstance(size, int)), DEFAULT_SIZE)
        asked = [argument.value for argument in node.arguments or () if argument.name.value in names]
        sizes = [self._number(value) for value in asked if not isinstance(value, VariableNode)]
        variables = [value.name.value for value in asked if isinstance(value, VariableNode)]
        if given := [size for size in sizes if size is not None]:
            # Only a field that is refused anyway has both first and last.
            return PageSize(max(given))
        return PageSize(usual, tuple((name, self.defaults.get(name)) for name in variables))

    def _number(self, value: ValueNode | None) -> int | None:
        """The size that a literal says; what is out of range or no size at all is taken for the largest."""
        if value is None or isinstance(value, NullValueNode):
            return None
        largest = LARGEST_SIZE
        if isinstance(value, ListValueNode):
            return min(len(value.values), largest)
        # No page has so many digits, and Python refuses to read very many.
        if isinstance(value, IntValueNode) and value.value.isdigit() and len(value.value) < 10:
            return min(int(value.value), largest)
        return largest

    def _introspect(
        self,
        parent: GraphQLNamedType | None,
        selection_sets: Iterable[SelectionSetNode],
        depth: int,
        number: int = 1,
        every: bool = False,
    ) -> None:
        """Counts what is answered for so many objects; `every`: they are all of the schema's, not some chosen ones."""
        self.limits.check("depth", depth)
        for (on_type, _), nodes in self._merged(parent, selection_sets).items():
            node = nodes[0]
            self._count_field(node)
            self._count("introspection", number)
            definition = self._definition(on_type, node)
            below = [node.selection_set for node in nodes if node.selection_set]
            if below:
                items, all_of_them = self.meter.lists.items(str(on_type), node.name.value, number, every)
                inner_type = get_named_type(definition.type) if definition else None
                self._introspect(inner_type, below, depth + 1, items, all_of_them)

    def _definition(self, parent: GraphQLNamedType | None, node: FieldNode) -> GraphQLField | None:
        return self.schema.get_field(parent, node.name.value) if is_composite_type(parent) else None

    def _count_field(self, node: FieldNode) -> None:
        self._count("fields")
        self._count("aliases", int(node.alias is not None))

    def _count(self, name: str, more: int = 1) -> None:
        self.found[name] += more
        self.limits.check(name, self.found[name])


def is_connection(field: GraphQLField) -> bool:
    """Whether the field is paged: a connection's type, and a size to ask for."""
    return get_named_type(field.type).name.endswith("Connection") and bool(field.args.keys() & {"first", "last"})


@lru_cache(maxsize=8)
def introspection_lists(schema: GraphQLSchema) -> "IntrospectionLists":
    """The same for every meter of a schema: to ask it for all that it has takes longer than to serve a request."""
    return IntrospectionLists(schema)


class IntrospectionLists:
    """How long the lists of a schema's introspection are, on average and at most."""

    def __init__(self, schema: GraphQLSchema) -> None:
        root: dict[str, Any] = {**introspection_from_schema(schema)["__schema"]}
        types = root["types"]
        self.lengths: dict[tuple[str, str], list[int]] = {
            ("__Schema", "types"): [len(types)],
            ("__Schema", "directives"): [len(root["directives"])],
            ("__Directive", "args"): [len(directive["args"]) for directive in root["directives"]],
            ("__Field", "args"): [len(field["args"]) for type_ in types for field in type_.get("fields") or ()],
        }
        for name in ("fields", "interfaces", "possibleTypes", "enumValues", "inputFields"):
            self.lengths["__Type", name] = [len(type_.get(name) or ()) for type_ in types]

    def items(self, parent: str, name: str, number: int, every: bool) -> tuple[int, bool]:
        """What a list holds in so many objects, and whether these are then all that the schema has."""
        lengths = self.lengths.get((parent, name))
        if not lengths:
            return number, False
        if every or parent == "__Schema":
            return -(-number * sum(lengths) // len(lengths)), name not in ("interfaces", "possibleTypes")
        return number * max(lengths), False
