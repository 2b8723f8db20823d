"""From a document's text to one that may be executed, or to the refusal that its sender reads."""

import gc
import traceback
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    OperationType,
    ValueNode,
    build_schema,
    get_introspection_query,
    get_variable_values,
    parse,
    specified_rules,
)
from graphql.validation import MaxIntrospectionDepthRule

from engine.cache import LruCache
from engine.document import Documents
from engine.error import COST_EXCEEDED, INVALID_DOCUMENT, SYNTAX, RequestRefused, in_english
from engine.measure import DocumentLimits
from engine.redact import safe_error
from tests.hostile import READY, SDL, Hostile, corpus, many

SCHEMA = build_schema(SDL)
SECRET = "hunter2"
NUMBER = "8675309"


def new_documents(schema: GraphQLSchema = SCHEMA, **options: int) -> Documents:
    return Documents(schema, DocumentLimits(), lambda field: None, **{"entries": 100, "size_bytes": 10**7, **options})


@pytest.fixture(scope="module")
def documents() -> Documents:
    return new_documents()


def refusal(documents: Documents, text: str) -> RequestRefused:
    with pytest.raises(RequestRefused) as refused:
        documents.prepare(text)
    return refused.value


def messages(refused: RequestRefused) -> list[str]:
    return [error["message"] for error in refused.formatted(in_english)]


def answer(documents: Documents, text: str) -> str:
    try:
        documents.prepare(text)
    except RequestRefused as refused:
        return str(refused.extensions.get("limit", refused.code))
    return READY


def test_the_hostile_documents_are_many_and_within_the_bytes() -> None:
    names = [hostile.name for hostile in corpus()]
    assert len(set(names)) == len(names) > 100
    assert all(len(hostile.text) <= DocumentLimits().bytes for hostile in corpus() if hostile.answer != "bytes")


# What is ready


def test_a_valid_document_is_ready_with_its_operations_in_order(documents: Documents) -> None:
    text = "query Mine { viewer { id } } mutation Enter($i: SignIn!) { signIn(input: $i) { viewer { id } } }"
    ready = documents.prepare(text)
    assert ready.text == text
    assert [(operation.name, operation.kind, operation.cost.fixed) for operation in ready.operations] == [
        ("Mine", OperationType.QUERY, 1),
        ("Enter", OperationType.MUTATION, 2),
    ]


def large_screen() -> str:
    """About what a Relay compiler writes for a page: 25 components on five types, each with id and __typename."""
    fields = {
        "Profile": "email displayName createdAt",
        "Account": "name disk",
        "Ticket": "number subject",
        "Plan": "name prices { amount currency }",
        "Message": "text",
    }
    spread = {type_: many(5, f"...{type_}#") for type_ in fields}
    components = [
        f"fragment {type_}{number} on {type_} {{ __typename id {below} {f'own{number}: __typename ' * 3} }}"
        for type_, below in fields.items()
        for number in range(5)
    ]
    return f"""
    query Screen($first: Int!, $after: String) {{
      viewer {{
        __typename id {spread["Profile"]}
        accounts(first: $first, after: $after) {{
          edges {{ cursor node {{ __typename id {spread["Account"]} plan {{ id {spread["Plan"]} }} owner {{ id }} }} }}
          pageInfo {{ hasNextPage endCursor }} totalCount
        }}
        tickets(last: 10) {{ nodes {{ __typename id {spread["Ticket"]} messages {{ id {spread["Message"]} author {{ id
          accounts(first: 1) {{ nodes {{ id owner {{ id parent {{ id parent {{ id parent {{ id }} }} }} }} }} }}
        }} }} }} }}
      }}
    }}
    {" ".join(components)}"""


def test_a_large_screen_passes_with_room_to_spare(documents: Documents) -> None:
    text = large_screen()
    assert documents.prepare(text).operations[0].cost.points({"first": 25}, 100) < documents.limits.cost / 2
    walk = documents.meter.walk(parse(text))
    walk.operations()
    assert walk.found["fragments"] == 25
    for limit in ("selections", "fields", "aliases", "repeats"):
        assert walk.found[limit] < getattr(documents.limits, limit) / 2


def test_introspection_by_tools_is_ready(documents: Documents) -> None:
    assert documents.prepare(get_introspection_query(schema_description=True, input_value_deprecation=True))


# What is refused


@pytest.mark.parametrize("hostile", corpus(), ids=lambda hostile: hostile.name)
def test_a_hostile_document_gets_its_answer(documents: Documents, hostile: Hostile) -> None:
    assert answer(documents, hostile.text) == hostile.answer


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        (400, SYNTAX, "{ viewer {"),
        (400, SYNTAX, "{ viewer { } }"),
        (422, INVALID_DOCUMENT, "{ nowhere }"),
        (422, COST_EXCEEDED, "{" * 100),
    ],
)
def test_each_kind_of_refusal_has_its_status_and_code(documents: Documents, status: int, code: str, text: str) -> None:
    refused = refusal(documents, text)
    assert (refused.status, refused.code, refused.well_formed) == (status, code, True)
    assert [error["extensions"]["code"] for error in refused.formatted(in_english)] == [code]


def test_errors_say_where_they_are(documents: Documents) -> None:
    [error] = refusal(documents, "{\n  viewer {\n    nowhere\n  }\n}").formatted(in_english)
    assert error["message"] == "Cannot query field 'nowhere' on type 'Profile'."
    assert error["locations"] == [{"line": 3, "column": 5}]
    [error] = refusal(documents, "{\n  viewer }}").formatted(in_english)
    assert error["locations"] == [{"line": 2, "column": 11}]


def test_a_few_errors_are_enough(documents: Documents) -> None:
    assert len(messages(refusal(documents, "{" + many(50, "nowhere#") + "}"))) == 5


def test_errors_suggest_nothing(documents: Documents) -> None:
    assert messages(refusal(documents, "{ viewer { emial } }")) == ["Cannot query field 'emial' on type 'Profile'."]


def test_comparing_fields_beyond_the_limit_is_refused_by_name() -> None:
    few = Documents(SCHEMA, replace(DocumentLimits(), comparisons=20), lambda field: None, entries=10, size_bytes=10**6)
    text = "{ viewer { id } viewer { id } }"
    assert few.prepare(text)
    refused = refusal(few, "{ viewer { id } viewer { id } viewer { id } viewer { id } }")
    assert refused.code == COST_EXCEEDED
    assert (refused.extensions["limit"], refused.extensions["allowed"]) == ("comparisons", 20)


def test_every_rule_of_graphql_is_applied(documents: Documents) -> None:
    assert len(documents.rules) == len(specified_rules)
    assert MaxIntrospectionDepthRule in documents.rules
    assert all(any(issubclass(used, rule) for used in documents.rules) for rule in specified_rules)


# What is kept


def test_a_document_is_made_ready_once() -> None:
    documents = new_documents()
    assert not documents.known("{ viewer { id } }")
    ready = documents.prepare("{ viewer { id } }")
    assert documents.known("{ viewer { id } }")
    assert documents.prepare("{ viewer { id } }") is ready


def test_the_document_used_longest_ago_goes_first() -> None:
    documents = new_documents(entries=2)
    first, second, third = "{ viewer { id } }", "{ viewer { email } }", "{ viewer { createdAt } }"
    for text in (first, second, first, third):
        documents.prepare(text)
    assert [documents.known(text) for text in (first, second, third)] == [True, False, True]


def test_documents_are_kept_within_the_memory_they_are_thought_to_take() -> None:
    documents = new_documents(size_bytes=65_000)
    texts = ["{ viewer { " + "id " * 40 + f"a{number}: id }} }}" for number in range(3)]
    for text in texts:
        documents.prepare(text)
    assert [documents.known(text) for text in texts] == [False, True, True]


def test_documents_take_no_more_memory_than_they_are_thought_to() -> None:
    documents = new_documents()
    texts = [f"{{ viewer {{ {'id ' * 40} a{number}: id }} }}" for number in range(40)]
    for text in texts[:10]:
        documents.prepare(text)
    gc.collect()
    tracemalloc.start()
    thought = sum(documents.prepare(text).size_bytes for text in texts[10:])
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.5 * thought < taken < 1.1 * thought, taken / thought


def test_what_is_larger_than_all_room_is_not_kept() -> None:
    kept = LruCache[str](10, 100)
    kept.keep("small", "a", 60)
    kept.keep("large", "b", 101)
    assert (len(kept), kept.used_bytes, kept.get("large")) == (0, 0, None)


def test_a_refusal_is_remembered_and_said_again_in_full() -> None:
    documents = new_documents()
    first = refusal(documents, "{ nowhere }")
    assert documents.known("{ nowhere }")
    second = refusal(documents, "{ nowhere }")
    assert second is not first
    assert second.formatted(in_english) == first.formatted(in_english)
    assert (second.status, second.code, second.well_formed) == (first.status, first.code, first.well_formed)


def test_refusals_push_out_no_document() -> None:
    documents = new_documents(entries=8)
    documents.prepare("{ viewer { id } }")
    for number in range(20):
        refusal(documents, f"{{ nowhere{number} }}")
    assert documents.known("{ viewer { id } }")
    assert [documents.known(f"{{ nowhere{number} }}") for number in (18, 19)] == [False, True]


# What no log may show


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{ account(name: "hunter2" "x") { id } }', "Syntax Error: Expected Name, found String."),
        ('{ "hunter2" }', "Syntax Error: Expected Name, found String."),
        ('{ """hunter2""" }', "Syntax Error: Expected Name, found BlockString."),
        ('{ "it\'s hunter2" }', "Syntax Error: Expected Name, found String."),
        ("{ 8675309 }", "Syntax Error: Expected Name, found Int."),
        ("{ 8675309.5 }", "Syntax Error: Expected Name, found Float."),
        ('"hunter2"', "Syntax Error: Unexpected <EOF>."),
        ('query ($a: "hunter2") { viewer { id } }', "Syntax Error: Expected Name, found String."),
        ("{ account(name: .8675309) { id } }", "Syntax Error: Invalid number."),
        ('{ account(name: "\\u{hunter2}") { id } }', "Syntax Error: Invalid Unicode escape sequence."),
        ('{ account(name: "\\hunter2") { id } }', "Syntax Error: Invalid character escape sequence."),
        ("{ viewer { id }", "Syntax Error: Expected Name, found <EOF>."),
    ],
)
def test_errors_of_syntax_repeat_no_literal(documents: Documents, text: str, message: str) -> None:
    refused = refusal(documents, text)
    assert messages(refused) == [message]
    assert_silent(refused)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{ search(numbers: "hunter2") { __typename } }', "Int cannot represent non-integer value."),
        ("{ search(numbers: 8675309000) { __typename } }", "Int cannot represent non 32-bit signed integer value."),
        ("{ search(text: 8675309) { __typename } }", "String cannot represent a non string value."),
        ("{ node(id: 8675309.5) { id } }", "ID cannot represent a non-string and non-integer value."),
        ('{ viewer @include(if: "hunter2") { id } }', "Boolean cannot represent a non boolean value."),
        ('{ search(kinds: "hunter2") { __typename } }', "Enum 'Kind' cannot represent non-enum value."),
        ("{ search(kinds: hunter2) { __typename } }", "Value does not exist in 'Kind' enum."),
        ('{ accounts(filter: "hunter2") { totalCount } }', "Expected value of type 'Filter' to be an object."),
        (
            '{ accounts(filter: {name: "hunter2", x: 1}) { totalCount } }',
            "Expected value of type 'Filter' not to include unknown field 'x'.",
        ),
        (
            'mutation { signIn(input: {password: "hunter2"}) { viewer { id } } }',
            "Expected value of type 'SignIn' to include required field 'email'.",
        ),
        (
            'mutation { signIn(input: {email: null, password: "hunter2"}) { viewer { id } } }',
            "Expected value of non-null type 'String!' not to be None.",
        ),
        (
            'query ($f: Filter = {number: "hunter2"}) { accounts(filter: $f) { totalCount } }',
            "Int cannot represent non-integer value.",
        ),
        ('{ account(name: "a", nowhere: "hunter2") { id } }', "Unknown argument 'nowhere' on field 'Query.account'."),
        ('{ account(name: "hunter2", name: "a") { id } }', "There can be only one argument named 'name'."),
        (
            '{ accounts(filter: {name: "hunter2", name: "a"}) { totalCount } }',
            "There can be only one input field named 'name'.",
        ),
        (
            '{ account(name: "hunter2") { id } account(name: "a") { id } }',
            "Fields 'account' conflict because they have differing arguments."
            " Use different aliases on the fields to fetch both if this was intentional.",
        ),
        ('{ account(name: "hunter2") }', "Field 'account' of type 'Account' must have a selection of subfields."),
        ('{ viewer @nowhere(a: "hunter2") { id } }', "Unknown directive '@nowhere'."),
    ],
)
def test_errors_of_validation_repeat_no_literal(documents: Documents, text: str, message: str) -> None:
    refused = refusal(documents, text)
    assert messages(refused)[0].startswith(message.removesuffix("."))
    assert_silent(refused)


@pytest.mark.parametrize(
    ("definition", "value", "message"),
    [
        ("Int", SECRET, "Variable '$v' has invalid value: Int cannot represent non-integer value."),
        ("Int!", None, "Variable '$v' has invalid value: Expected value of non-null type 'Int!' not to be None."),
        ("Kind", SECRET, "Variable '$v' has invalid value: Value does not exist in 'Kind' enum."),
        (
            "Kind",
            f"' does not exist in 'Kind' enum {SECRET}",
            "Variable '$v' has invalid value: Value does not exist",
        ),
        ("Kind", 8675309, "Variable '$v' has invalid value: Enum 'Kind' cannot represent non-string value."),
        ("[Int!]", [1, SECRET], "Variable '$v' has invalid value at [1]: Int cannot represent non-integer value."),
        ("String", {"a": SECRET}, "Variable '$v' has invalid value: String cannot represent a non string value."),
        (
            "Filter",
            {"none": {"number": SECRET}},
            "Variable '$v' has invalid value at .none.number: Int cannot represent non-integer value.",
        ),
        ("Filter", {"x": SECRET}, "Variable '$v' has invalid value: Expected value of type 'Filter' not to include"),
        ("Filter", {f"x {SECRET}": 1}, "Variable '$v' has invalid value: Expected value of type 'Filter'."),
        ("SignIn", {"password": SECRET}, "Variable '$v' has invalid value: Expected value of type 'SignIn' to include"),
    ],
)
def test_errors_of_variables_repeat_no_value(definition: str, value: Any, message: str) -> None:
    [node] = parse(f"query ($v: {definition}) {{ x }}").definitions
    assert isinstance(node, OperationDefinitionNode)
    errors = get_variable_values(SCHEMA, node.variable_definitions or (), {"v": value})
    assert isinstance(errors, list)
    safe = safe_error(errors[0])
    assert safe.message.startswith(message.removesuffix("."))
    assert (safe.locations, safe.original_error, safe.__cause__) == (errors[0].locations, None, None)
    assert SECRET not in f"{safe!r} {safe} {safe.formatted}"
    assert NUMBER not in f"{safe!r} {safe} {safe.formatted}"


@pytest.mark.parametrize(
    "error",
    [GraphQLError(f"No day: {SECRET}", extensions={"day": SECRET}), ValueError(f"No day: {SECRET}")],
    ids=["a GraphQL error", "any error"],
)
def test_whatever_a_scalar_says_of_a_value_is_not_passed_on(error: Exception) -> None:
    def refuse(value: ValueNode, variables: Any = None) -> Any:
        raise error

    day = GraphQLScalarType("Day", parse_value=refuse, parse_literal=refuse)
    on = GraphQLField(GraphQLString, {"day": GraphQLArgument(day)})
    documents = new_documents(GraphQLSchema(GraphQLObjectType("Query", {"on": on})))
    refused = refusal(documents, f'{{ on(day: "{SECRET}") }}')
    assert messages(refused) in (["A value is not valid."], ["Expected value of type 'Day'."])
    assert_silent(refused)


def test_a_document_shows_no_text_in_its_repr(documents: Documents) -> None:
    ready = documents.prepare(f'query Q {{ account(name: "{SECRET}") {{ id }} }}')
    assert SECRET not in repr(ready)
    assert SECRET not in repr(documents)


def assert_silent(refused: RequestRefused) -> None:
    """Neither what is said nor what is logged of it tells the secret."""
    said = "".join([*traceback.format_exception(refused), repr(refused), repr(refused.errors), *messages(refused)])
    assert SECRET not in said
    assert NUMBER not in said
    assert (refused.__cause__, refused.__context__) == (None, None)
    assert all(error.nodes is None and error.source is None for error in refused.errors or ())
