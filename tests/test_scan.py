"""What is seen of a document's text before it is parsed."""

from contextlib import suppress
from dataclasses import replace

import pytest
from graphql import GraphQLSyntaxError, Lexer, Source, TokenKind, get_introspection_query
from hypothesis import given
from hypothesis import strategies as st

from engine.error import COST_EXCEEDED, RequestRefused
from engine.measure import UNLIMITED, DocumentLimits
from engine.scan import scan
from tests.hostile import Hostile, corpus

PIECES = [*'"\\#\n\r.-01ea_{)@,\ufeffé', '""', '"""', "..."]


def read(text: str) -> int:
    """The tokens that graphql-core reads, up to the end or the first error."""
    lexer = Lexer(Source(text))
    token = lexer.token
    with suppress(GraphQLSyntaxError):
        while lexer.advance().kind is not TokenKind.EOF:
            continue
    count = 0
    while token.next:
        token = token.next
        count += token.kind is not TokenKind.EOF
    return count


def refusal(text: str, limits: DocumentLimits) -> RequestRefused:
    with pytest.raises(RequestRefused) as refused:
        scan(text, limits)
    return refused.value


@pytest.mark.parametrize(
    "text",
    [
        "{ viewer { id } }",
        'query Q($n: Int! = -10, $o: [Float!] = [1.5e-3]) @a(b: "c") { a: b(c: $n) ...D ... on E @f { g } }',
        'fragment D on E { x(y: """a "quoted" \\""" \\ end""", z: "", s: "\\"escaped\\" # no comment") } # comment',
        "#one\n#two\r\n,,\ufeff{ a }\n#three",
        'extend type A implements B & C { "described" d(e: F = {g: [true, null, H]}): I } union J = K | L',
        get_introspection_query(),
    ],
)
def test_tokens_are_those_that_the_parser_reads(text: str) -> None:
    assert scan(text, UNLIMITED) == read(text)


@pytest.mark.parametrize("hostile", corpus(), ids=lambda hostile: hostile.name)
def test_no_hostile_text_hides_a_token_from_the_scan(hostile: Hostile) -> None:
    assert scan(hostile.text, UNLIMITED) >= read(hostile.text)


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_no_text_at_all_hides_a_token_from_the_scan(text: str) -> None:
    assert scan(text, UNLIMITED) >= read(text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("bytes", "{ a } # éé"),
        ("tokens", "{ a b c d e }"),
        ("nesting", "{ a { b { c } } }"),
        ("nesting", "{ a(b: [c]) }"),
        ("directives", "{ a @b @c @d }"),
        ("spreads", "{ ...a ...b ...{ c } }"),
    ],
)
def test_each_limit_is_refused_by_name(name: str, text: str) -> None:
    allowed = {"bytes": 11, "tokens": 6, "nesting": 2, "directives": 2, "spreads": 2}
    refused = refusal(text, replace(UNLIMITED, **{name: allowed[name]}))
    assert refused.extensions == {"limit": name, "allowed": allowed[name], "found": allowed[name] + 1}
    assert (refused.status, refused.code, refused.well_formed) == (422, COST_EXCEEDED, True)
    assert scan(text, replace(UNLIMITED, **{name: allowed[name] + 1}))


def test_what_is_in_strings_and_comments_is_no_token() -> None:
    limits = replace(UNLIMITED, nesting=2, directives=0, spreads=0)
    assert scan('{ a(b: "{{{ @c ...", d: """[[[ "" @c ...""") } # {{{ @c ...', limits) == 12


def test_the_scan_stops_at_the_first_token_too_many() -> None:
    assert refusal("a " * 8_000, DocumentLimits()).extensions["found"] == DocumentLimits().tokens + 1


def test_half_of_a_letter_is_counted_and_not_fatal() -> None:
    assert scan('{ a(b: "\ud800") }', DocumentLimits()) == 8
