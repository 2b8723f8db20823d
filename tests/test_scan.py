"""What is seen of a document's text before it is parsed."""

from dataclasses import replace

import pytest
from graphql import GraphQLSyntaxError, Lexer, Source, TokenKind

from engine.error import COST_EXCEEDED, RequestRefused
from engine.measure import UNLIMITED, DocumentLimits
from engine.scan import scan
from tests.hostile import corpus

LIMITS = DocumentLimits()
TOKENS = [
    "{ viewer { id } }",
    'query Q($n: Int! = -10, $o: [Float!] = [1.5e-3]) @a(b: "c") { a: b(c: $n) ...D ... on E @f { g } }',
    'fragment D on E { x(y: """block "quoted" \\""" \\ end""", z: "", s: "\\"escaped\\" # no comment") } # comment',
    "#one\n#two\r\n,,\ufeff{ a }\n#three",
    'extend type A implements B & C { "described" d(e: F = {g: [true, null, H]}): I } union J = K | L',
]


def lexed(text: str) -> int:
    """The tokens that graphql-core reads, to the end or to the first error."""
    lexer = Lexer(Source(text))
    try:
        while lexer.token.kind is not TokenKind.EOF:
            lexer.advance()
    except GraphQLSyntaxError:
        pass
    first = lexer.token
    count = 0
    while first.prev:
        count += first.kind is not TokenKind.EOF
        first = first.prev
    return count
