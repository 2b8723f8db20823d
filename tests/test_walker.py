"""The walker: what it writes is valid, reaches nearly all of a schema, uses all of the language, and is repeatable."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    Visitor,
    build_schema,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_list_type,
    is_union_type,
    parse,
    validate,
    visit,
)
from graphql.utilities import type_from_ast, value_from_ast_untyped

from app.settings import Settings
from engine.bind import Bound
from engine.document import Documents
from engine.error import RequestRefused
from engine.measure import cost_of
from schema.directive import weight_of
from tests.arguments import EDGES, Supply, accepts
from tests.scope import Bounds, Request
from tests.walker import Walker

SEEDS = range(1_250)
BOTH = (OperationType.QUERY, OperationType.MUTATION)
SDL = """
scalar DateTime scalar Date scalar Decimal scalar UUID scalar EmailAddress scalar URL scalar IPNetwork
scalar CountryCode scalar Unheard
enum Kind { SMALL LARGE }
interface Node { id: ID! }
union Subject = Account | Ticket
input Target @oneOf { accountId: ID name: String kind: Kind many: [Target!] }
input Filter {
  name: String = "x" kinds: [Kind!]! = [SMALL] from: DateTime day: Date price: Decimal uuid: UUID email: EmailAddress
  url: URL network: IPNetwork country: CountryCode unheard: Unheard number: Int! = 3 ratio: Float flag: Boolean
  any: [Filter!] target: Target
}
type Query { node(id: ID!): Node  subject(target: Target!): Subject  accounts(
  first: Int, after: String, last: Int, before: String, filter: Filter): AccountConnection! }
type Account implements Node { id: ID! name(upper: Boolean! = false): String kind: Kind about: [Subject!] }
type Ticket implements Node { id: ID! name: [String!]! number: Int account: Account! }
type AccountConnection { edges: [AccountEdge!]! nodes: [Account!]! pageInfo: PageInfo! totalCount: Int! }
type AccountEdge { cursor: String! node: Account! }
type PageInfo { endCursor: String }
"""
"""What the language has and a schema of ours may not have yet."""
FEATURES = {
    *("alias", "merged", "duplicate", "fragment", "inline fragment", "inline fragment without type", "on abstract"),
    *("on interface", "skip", "include", "condition in a variable", "condition in a literal", "several operations"),
    *("anonymous", "operationName", "variable", "default of a variable", "variable without a value", "null", "enum"),
    *("variable in an input", "input object", "list", "first", "last", "after", "before", "totalCount", "__typename"),
}


@pytest.fixture(scope="module")
def own(bound: Bound) -> GraphQLSchema:
    return bound.graphql


@pytest.fixture(scope="module")
def other() -> GraphQLSchema:
    return build_schema(SDL)


SUPPLY = Supply({"Account": ["acc1", "acc2"], "Session": ["ses1"], "Profile": ["pro1"]}, ["cursor"], ["text"])


@lru_cache(maxsize=2)
def walked(schema: GraphQLSchema) -> list[tuple[Request, DocumentNode]]:
    """Of our own schema as many as we promise; of the other, which is small, a few."""
    walker = Walker(schema, SUPPLY, kinds=BOTH if schema.mutation_type else BOTH[:1])
    requests = [walker.request(seed) for seed in (SEEDS if schema.mutation_type else SEEDS[:300])]
    return [(request, parse(request.text)) for request in requests]


# What a schema has


def coordinates(schema: GraphQLSchema) -> set[str]:
    """Fields, arguments, fields of inputs and values of enums that are given; all that queries and mutations ask."""
    found: set[str] = set()
    for name, kind in schema.type_map.items():
        if is_composite_type(kind) and not name.startswith("__") and kind is not schema.subscription_type:
            fields: Mapping[str, Any] = getattr(kind, "fields", {})
            found |= {f"{name}.{field}" for field in fields}
            for field, each in fields.items():
                for argument, what in each.args.items():
                    found |= {f"{name}.{field}({argument}:)", *given(what.type, set())}
    return found


def given(kind: Any, known: set[str]) -> set[str]:
    """The coordinates of an input type."""
    inner = get_named_type(kind)
    if isinstance(inner, GraphQLEnumType):
        return {f"{inner.name}.{value}" for value in inner.values}
    if not isinstance(inner, GraphQLInputObjectType) or inner.name in known:
        return set()
    known.add(inner.name)
    own = {f"{inner.name}.{name}" for name in inner.fields}
    return own.union(*(given(field.type, known) for field in inner.fields.values()))


class Asked:
    """The coordinates that documents ask for, literals and values of variables included."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self.found: set[str] = set()

    def document(self, request: Request, node: DocumentNode) -> None:
        for each in node.definitions:
            if isinstance(each, OperationDefinitionNode):
                self.selection(self.schema.get_root_type(each.operation), each)
                for variable in each.variable_definitions or ():
                    kind = type_from_ast(self.schema, variable.type)
                    self.value(kind, request.variables.get(variable.variable.name.value))
            elif isinstance(each, FragmentDefinitionNode):
                self.selection(self.schema.get_type(each.type_condition.name.value), each)

    def selection(self, parent: Any, holder: Any) -> None:
        for node in holder.selection_set.selections if holder.selection_set else ():
            if node.kind == "inline_fragment":
                condition = node.type_condition
                self.selection(self.schema.get_type(condition.name.value) if condition else parent, node)
            elif node.kind == "field" and (field := getattr(parent, "fields", {}).get(node.name.value)):
                self.found.add(f"{parent}.{node.name.value}")
                for argument in node.arguments or ():
                    self.found.add(f"{parent}.{node.name.value}({argument.name.value}:)")
                    self.value(field.args[argument.name.value].type, value_from_ast_untyped(argument.value))
                self.selection(get_named_type(field.type), node)

    def value(self, kind: Any, value: Any) -> None:
        inner = get_nullable_type(kind)
        if is_list_type(inner):
            for each in value if isinstance(value, list) else [value]:
                self.value(inner.of_type, each)
        elif isinstance(inner, GraphQLEnumType) and value is not None:
            self.found.add(f"{inner.name}.{value}")
        elif isinstance(inner, GraphQLInputObjectType) and isinstance(value, dict):
            for name, each in value.items():
                self.found.add(f"{inner.name}.{name}")
                self.value(inner.fields[name].type, each)


def test_it_reaches_nearly_all_of_a_schema(own: GraphQLSchema, other: GraphQLSchema) -> None:
    for schema in (own, other):
        asked, there = Asked(schema), coordinates(schema)
        for request, node in walked(schema):
            asked.document(request, node)
        missing = sorted(there - asked.found)
        assert len(missing) <= 0.05 * len(there), missing


# What the language has


class Seen(Visitor):
    """The parts of the language that a document uses."""

    def __init__(self, schema: GraphQLSchema, request: Request, node: DocumentNode) -> None:
        super().__init__()
        self.schema = schema
        self.found: set[str] = set()
        operations = [each for each in node.definitions if each.kind == "operation_definition"]
        self.found |= {"several operations"} if len(operations) > 1 else set()
        self.found |= {"operationName"} if request.operation_name else {"anonymous"}
        self.sent = request.variables
        visit(node, self)

    def enter_selection_set(self, node: Any, *_: Any) -> None:
        fields = [each for each in node.selections if isinstance(each, FieldNode)]
        self.found |= {"alias" for each in fields if each.alias}
        self.found |= {each.name.value for each in fields} & {"totalCount", "__typename"}
        keys: dict[str, list[FieldNode]] = {}
        for each in fields:
            keys.setdefault((each.alias or each.name).value, []).append(each)
        for same in keys.values():
            self.found |= {"merged" if each.selection_set else "duplicate" for each in same[1:]}

    def enter_inline_fragment(self, node: Any, *_: Any) -> None:
        self.found.add("inline fragment" if node.type_condition else "inline fragment without type")
        self._on(node.type_condition)

    def enter_fragment_definition(self, node: Any, *_: Any) -> None:
        self.found.add("fragment")
        self._on(node.type_condition)

    def _on(self, condition: Any) -> None:
        kind = self.schema.get_type(condition.name.value) if condition else None
        if kind and is_abstract_type(kind):
            self.found |= {"on abstract", "on union" if is_union_type(kind) else "on interface"}

    def enter_directive(self, node: Any, *_: Any) -> None:
        (argument,) = node.arguments
        in_variable = argument.value.kind == "variable"
        self.found |= {node.name.value, f"condition in a {'variable' if in_variable else 'literal'}"}

    def enter_argument(self, node: Any, *_: Any) -> None:
        self.found.add(node.name.value)

    def enter_variable_definition(self, node: Any, *_: Any) -> None:
        self.found |= {"variable"} | ({"default of a variable"} if node.default_value else set())
        self.found |= {"variable without a value"} if node.variable.name.value not in self.sent else set()

    def enter_object_value(self, node: Any, *_: Any) -> None:
        self.found.add("input object")
        self.found |= {"variable in an input" for field in node.fields if field.value.kind == "variable"}

    def enter_list_value(self, *_: Any) -> None:
        self.found.add("list")

    def enter_null_value(self, *_: Any) -> None:
        self.found.add("null")

    def enter_enum_value(self, *_: Any) -> None:
        self.found.add("enum")


def seen(schema: GraphQLSchema) -> set[str]:
    return set().union(*(Seen(schema, *each).found for each in walked(schema)[:300]))


def test_it_uses_every_part_of_the_language(own: GraphQLSchema, other: GraphQLSchema) -> None:
    assert FEATURES - seen(own) == set()
    assert FEATURES | {"on union"} <= seen(other)


def test_scalars_take_what_they_are_given(own: GraphQLSchema) -> None:
    """What is wrong in a literal makes a document invalid."""
    there: dict[str, Any] = {name: own.type_map[name] for name in EDGES if name in own.type_map}
    assert [(name, value) for name, kind in there.items() for value in EDGES[name] if not accepts(kind, value)] == []


# What is written is good


def test_what_it_writes_is_valid(own: GraphQLSchema, other: GraphQLSchema) -> None:
    for schema in (own, other):
        for seed, (request, node) in enumerate(walked(schema)):
            assert validate(schema, node) == [], f"seed {seed}: {request.text}"


def test_nearly_all_of_it_is_within_the_limits(own: GraphQLSchema) -> None:
    documents = Documents(own, Settings().documents, weight_of, entries=1, size_bytes=1)
    refused: dict[int, str] = {}
    for seed in SEEDS[:200]:
        try:
            request = walked(own)[seed][0]
            for operation in documents.prepare(request.text).operations:
                cost_of(operation, request.variables, documents.limits)
        except RequestRefused as refusal:
            refused[seed] = str(refusal.extensions)
    assert len(refused) <= 4, refused


def test_only_the_roots_that_are_named_are_used(own: GraphQLSchema) -> None:
    walker = Walker(own, SUPPLY, roots=["viewer"], bounds=Bounds(depth=3, selections=20))
    texts = [walker.request(seed).text for seed in range(50)]
    assert not any(re.search(r"\b(nodes?\(|sandbox\b|session\b|rateLimit\b)", text) for text in texts)
    assert max(text.count("{") for text in texts) > 5


# And the same tomorrow


def digest(schema: GraphQLSchema) -> str:
    walker = Walker(schema, SUPPLY)
    return hashlib.sha256(repr([walker.request(seed) for seed in range(50)]).encode()).hexdigest()


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_a_number_means_the_same_document_in_another_process(own: GraphQLSchema, hash_seed: str) -> None:
    program = "from schema.root import build; from tests.test_walker import digest; print(digest(build().graphql))"
    told = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == digest(own)


def test_numbers_differ(own: GraphQLSchema) -> None:
    assert len({request.text for request, _ in walked(own)}) > 0.95 * len(SEEDS)
