"""What a document is found to do, before it is validated."""

from dataclasses import replace
from typing import Any

import pytest
from graphql import GraphQLField, build_schema, get_introspection_query, parse

from engine.error import COST_EXCEEDED, INVALID_DOCUMENT, SYNTAX, RequestRefused
from engine.measure import UNLIMITED, DocumentLimits, Meter, Walk, cost_of
from engine.operation import Operation
from tests.hostile import READY, SDL, Hostile, chain, corpus, many

SCHEMA = build_schema(SDL)
LIMITS = DocumentLimits()


def weighted(field: GraphQLField) -> int | None:
    return 7 if field.description == "dear" else None


def walk(text: str, **limits: int) -> Walk:
    return Meter(SCHEMA, replace(LIMITS, **limits), weighted).walk(parse(text))


def operation(text: str, **limits: int) -> Operation:
    [found] = walk(text, **limits).operations()
    return found


def cost(text: str, **variables: Any) -> int:
    return operation(text, cost=10**9, values=10**9).cost.points(variables, 100)


def values(text: str, **variables: Any) -> int:
    return operation(text, cost=10**9, values=10**9).values.points(variables, 100)


def found(text: str) -> dict[str, int]:
    """What is counted, all limits away."""
    counted = Meter(SCHEMA, UNLIMITED, weighted).walk(parse(text))
    counted.operations()
    return counted.found


def refusal(text: str, **limits: int) -> RequestRefused:
    with pytest.raises(RequestRefused) as refused:
        walk(text, **limits).operations()
    return refused.value


# Cost


@pytest.mark.parametrize(
    ("points", "text"),
    [
        (1, "{ viewer { id email } }"),
        (2, "{ viewer { parent { id } } }"),
        (11, "{ viewer { accounts(first: 10) { totalCount nodes { id } } } }"),
        (11, "{ viewer { accounts(last: 10) { edges { cursor node { id } } } } }"),
        (21, "{ viewer { accounts(first: 10) { nodes { plan { id } } } } }"),
        (32, "{ viewer { accounts(first: 10) { nodes { id } edges { node { plan { id } } } pageInfo { id } } } }"),
        (26, "{ viewer { accounts { nodes { id } } } }"),
        (26, "{ viewer { accounts(first: null) { nodes { id } } } }"),
        (11, "{ viewer { tickets { nodes { id } } } }"),
        (101, "{ viewer { accounts(first: 1000) { nodes { id } } } }"),
        (101, "{ viewer { accounts(first: -1) { nodes { id } } } }"),
        (101, "{ viewer { accounts(first: " + "9" * 5_000 + ") { nodes { id } } } }"),
        (111, "{ viewer { accounts(first: 10) { nodes { owner { accounts(first: 9) { nodes { id } } } } } } }"),
        (3, '{ nodes(ids: ["a", "b", "c"]) { id } }'),
        (6, '{ nodes(ids: ["a", "b", "c"]) { ... on Account { owner { id } } } }'),
        (2, "{ catalog { plans { id } } }"),
        (1, "{ __schema { types { name fields { name } } } }"),
    ],
)
def test_objects_cost_a_point_and_pages_their_nodes(points: int, text: str) -> None:
    assert cost(text) == points


PAGE = "{ viewer { accounts(first: $n) { nodes { id } } } }"
BOTH_WAYS = "query ($f: Int, $l: Int) { viewer { accounts(first: $f, last: $l) { nodes { id } } } }"
IDS = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"


@pytest.mark.parametrize(
    ("points", "text", "variables"),
    [
        (11, "query ($n: Int) " + PAGE, {"n": 10}),
        (1, "query ($n: Int) " + PAGE, {"n": 0}),
        (26, "query ($n: Int) " + PAGE, {}),
        (26, "query ($n: Int) " + PAGE, {"n": None}),
        (101, "query ($n: Int) " + PAGE, {"n": 101}),
        (101, "query ($n: Int) " + PAGE, {"n": -1}),
        (101, "query ($n: Int) " + PAGE, {"n": "10"}),
        (6, "query ($n: Int = 5) " + PAGE, {}),
        (26, "query ($n: Int = 5) " + PAGE, {"n": None}),
        (11, "query ($n: Int = 5) " + PAGE, {"n": 10}),
        (11, BOTH_WAYS, {"f": 10}),
        (11, BOTH_WAYS, {"f": None, "l": 10}),
        (3, IDS, {"ids": ["a", "b", "c"]}),
        (0, IDS, {"ids": []}),
        (100, IDS, {"ids": ["a"] * 101}),
    ],
)
def test_pages_of_variable_size_cost_what_is_asked_for(points: int, text: str, variables: dict[str, Any]) -> None:
    assert cost(text, **variables) == points


@pytest.mark.parametrize(("outer", "inner"), [("$n", "3"), ("3", "$n"), ("3", "3"), ("$n", "$n")])
def test_pages_in_pages_multiply_whoever_says_their_size(outer: str, inner: str) -> None:
    page = f"accounts(first: {outer}) {{ nodes {{ owner {{ accounts(first: {inner}) {{ nodes {{ id }} }} }} }} }}"
    assert cost(f"query ($n: Int) {{ viewer {{ {page} }} }}", n=3) == 1 + 3 * (1 + 1 + 3)


def test_a_weight_stands_for_the_field_itself() -> None:
    sdl = SDL.replace("parent: Profile", '"dear" parent: Profile "dear" score: Int')
    sdl = sdl.replace("  nodes(", '  "dear" nodes(')
    meter = Meter(build_schema(sdl), LIMITS, weighted)
    [weighed] = meter.walk(parse('{ viewer { score parent { id } } nodes(ids: ["a", "b"]) { id } }')).operations()
    assert weighed.cost.fixed == 1 + 7 + 7 + (7 + 2)


def test_values_are_fields_and_lists_count_with_their_items() -> None:
    assert values("{ viewer { id email } }") == 3
    assert values("{ viewer { accounts(first: 10) { totalCount nodes { id name } } } }") == 1 + 1 + 1 + (1 + 10 * 2)
    assert (
        values(
            "{ catalog { plans { id name } } }",
        )
        == 1 + 1 + LIMITS.list_size * 2
    )
    assert values("query ($n: Int) " + PAGE, n=4) == 1 + 1 + 1 + 4


def test_what_is_merged_is_counted_once() -> None:
    text = "{ viewer { ...F parent { id } ...F } viewer { parent { email } } } fragment F on Profile { parent { id } }"
    assert found(text)["fields"] == 4
    assert cost(text) == 2


def test_one_key_on_two_types_hides_no_page_behind_another() -> None:
    small, large = "a: accounts(first: 1) { nodes { id } }", "a: accounts(first: 100) { nodes { id } }"
    text = "{ search { ... on Account { owner { x: id } } ... on Profile { %s } ... on Account { owner { %s } } } }"
    assert cost(text % (small, large)) == cost(text % (large, small)) == 1 + 1 + 1 + 100


def test_what_may_be_skipped_is_counted() -> None:
    assert cost("query ($s: Boolean!) { viewer @skip(if: $s) { parent @include(if: false) { id } } }", s=True) == 2


# Limits


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("operations", "query A { viewer { id } } query B { viewer { id } }", 2),
        ("fragments", "{ ...A ...B } fragment A on Query { __typename } fragment B on Query { __typename }", 2),
        ("depth", "{ viewer { ...F } } fragment F on Profile { parent { id } }", 3),
        ("selections", "{ viewer { ...F parent { ...F } } } fragment F on Profile { id email }", 8),
        ("fields", "query A { viewer { ...F } } query B { viewer { ...F } } fragment F on Profile { id }", 4),
        ("aliases", "{ a: viewer { b: id b: id } }", 2),
        ("repeats", "{ viewer { id ... { id } ...F } } fragment F on Profile { id }", 3),
        ("cost", "{ viewer { parent { id } } }", 2),
        ("values", "{ viewer { parent { id } } }", 3),
    ],
)
def test_each_limit_is_exact_and_refused_by_name(name: str, text: str, found: int) -> None:
    refused = refusal(text, **{name: found - 1})
    assert refused.extensions == {"limit": name, "allowed": found - 1, "found": found}
    assert (refused.status, refused.code, refused.well_formed) == (422, COST_EXCEEDED, True)
    assert walk(text, **{name: found}).operations()


BEFORE = {SYNTAX, "bytes", "tokens", "nesting", "directives", "spreads"}
"""What ends a document before it is measured."""
AFTER = {READY, INVALID_DOCUMENT, "comparisons"}


@pytest.mark.parametrize(
    "hostile", [hostile for hostile in corpus() if hostile.answer not in BEFORE], ids=lambda hostile: hostile.name
)
def test_no_hostile_document_makes_the_walk_work_beyond_its_limits(hostile: Hostile) -> None:
    counted = walk(hostile.text)
    if hostile.answer in AFTER:
        counted.operations()
        assert counted.work <= LIMITS.selections
    else:
        with pytest.raises(RequestRefused) as refused:
            counted.operations()
        assert refused.value.extensions["limit"] == hostile.answer
    # The step that passes a limit is at most one selection set, which the tokens bound.
    assert counted.work <= LIMITS.selections + LIMITS.tokens
    assert counted.found["fields"] <= LIMITS.fields + 1


def test_a_chain_that_doubles_forty_times_is_left_early() -> None:
    text = "{ viewer { ...F0 } }" + chain(40, "a: parent { ...G } b: parent { ...G }")
    counted = walk(text, fragments=100, aliases=10**9, depth=100)
    with pytest.raises(RequestRefused) as refused:
        counted.operations()
    assert refused.value.extensions["limit"] == "fields"
    assert counted.work <= 2 * LIMITS.fields + 80


@pytest.mark.parametrize(
    "text",
    [
        "{ nowhere { at { all } } }",
        "{ viewer { ...Nowhere } ... on Nowhere { id } }",
        "{ viewer { id { id } } }",
        "{ search { id } }",
        "{ accounts(nowhere: $x) { nodes { nowhere } edges { nowhere { id } } } }",
        "{ __schema { nowhere { types } types { nowhere { fields { name } } ...Nowhere } } }",
        "{ viewer { __schema { types { name } } } }",
        "{ viewer { ...F } } fragment F on Profile { id ...G } fragment G on Profile { ...F ...G }",
        "fragment F on Filter { name } { ...F ... on Kind { SMALL } }",
        "subscription { nowhere }",
        "type Query { id: ID }",
    ],
)
def test_what_validation_refuses_is_walked_without_harm(text: str) -> None:
    assert walk(text).operations() is not None


def test_an_operation_that_the_schema_lacks_is_walked_without_harm() -> None:
    meter = Meter(build_schema("type Query { id: ID }"), LIMITS, weighted)
    assert meter.walk(parse("mutation { a { b } } subscription S { c }")).operations()


# Introspection


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"descriptions": False},
        {"schema_description": True, "input_value_deprecation": True},
        {"specified_by_url": True, "directive_is_repeatable": True, "schema_description": True, "one_of": True},
    ],
    ids=["plain", "without descriptions", "GraphiQL", "with all that is new"],
)
def test_the_introspection_of_tools_passes(options: dict[str, bool]) -> None:
    assert operation(get_introspection_query(**options)).cost.fixed == 1


@pytest.mark.parametrize(
    "selection",
    [
        "types { fields { " + many(1_500, "a#: name") + " } }",
        "types { fields { args { type { " + many(1_500, "a#: name") + " } } } }",
        "directives { args { " + many(3_000, "a#: name") + " } }",
        "queryType { fields { type { fields { type { possibleTypes { fields { args { name } } } } } } } }",
    ],
)
def test_introspection_beyond_twice_that_of_tools_is_refused(selection: str) -> None:
    refused = refusal(f"{{ __schema {{ {selection} }} }}", aliases=10**6, fields=10**6, selections=10**6)
    assert refused.extensions["limit"] == "introspection"


def test_introspection_counts_as_many_fields_as_the_schema_has() -> None:
    schema = build_schema("type Query { a(b: Int, c: Int): Int d: Int }")
    types = len(schema.type_map)
    meter = Meter(schema, UNLIMITED, weighted)

    def counted(text: str) -> int:
        walk = meter.walk(parse(text))
        walk.operations()
        return walk.found["introspection"]

    listed = sum(len(getattr(type_, "fields", ())) for type_ in schema.type_map.values())
    assert counted("{ __schema { types { name } } }") == 1 + types
    assert counted("{ __schema { types { fields { name } } } }") == 1 + types + listed
    assert counted('{ __type(name: "Query") { name } }') == 1


# What the request says


def test_a_cost_within_the_limit_for_these_variables_passes() -> None:
    paged = operation("query ($n: Int) " + PAGE, cost=50)
    cost_of(paged, {"n": 49}, replace(LIMITS, cost=50))
    with pytest.raises(RequestRefused) as refused:
        cost_of(paged, {"n": 50}, replace(LIMITS, cost=50))
    assert refused.value.figures == {"cost": 51, "limit": 50}
    assert refused.value.extensions == {"limit": "cost", "allowed": 50, "found": 51}
    assert (refused.value.status, refused.value.code, refused.value.well_formed) == (422, COST_EXCEEDED, True)


def test_values_are_bounded_for_these_variables_too() -> None:
    paged = operation("query ($n: Int) " + PAGE)
    with pytest.raises(RequestRefused) as refused:
        cost_of(paged, {"n": 50}, replace(LIMITS, values=50))
    assert refused.value.extensions == {"limit": "values", "allowed": 50, "found": 53}


def test_what_is_too_dear_whatever_the_variables_is_refused_at_once() -> None:
    text = "query ($n: Int) { a: viewer { id } b: viewer { accounts(first: $n) { nodes { id } } } }"
    assert operation(text, cost=2)
    assert refusal(text, cost=1).figures == {"cost": 2, "limit": 1}


def test_a_figure_beyond_counting_is_still_said() -> None:
    text = "id"
    for _ in range(6):
        text = f"accounts(first: 100) {{ nodes {{ owner {{ {text} }} }} }}"
    assert refusal(f"{{ viewer {{ {text} }} }}", depth=100).extensions["found"] == 2**31 - 1
