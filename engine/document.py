"""From a document's text to a ready `Document`, once: scan, parse, measure, validate, remember.

A limit passed is COST_EXCEEDED (422), whichever step finds it; what does not parse is SYNTAX (400), what does not fit
the schema INVALID_DOCUMENT (422). All are answers to well-formed requests.
"""

from collections.abc import Sequence
from dataclasses import replace
from sys import getsizeof
from typing import Any, cast

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    Location,
    Node,
    OverlappingFieldsCanBeMergedRule,
    StringValueNode,
    ValidationContext,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.validation.validate import ValidationAbortedError

from engine.cache import LruCache
from engine.condition import conditions
from engine.error import BAD_REQUEST, INVALID_DOCUMENT, SYNTAX, RequestRefused
from engine.measure import DocumentLimits, Meter, WeightOf
from engine.operation import Document, fragments_of
from engine.redact import safe_error
from engine.scan import scan

MOST_ERRORS = 5
BYTES_PER_TOKEN = 600
"""What the nodes of a token take in memory at most: a field alone takes most, for its name, places and lists."""

ESCAPE = "\\u"
"""How a string of a document writes a character by its number."""


class Documents:
    """The documents of one schema. Those last used are kept, within so many entries and bytes of memory, by estimate.

    Refusals are kept as well, in an eighth of that: a client that is out of date repeats its documents too.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: DocumentLimits,
        weight_of: WeightOf,
        *,
        entries: int,
        size_bytes: int,
    ) -> None:
        self.schema = schema
        self.limits = limits
        self.meter = Meter(schema, limits, weight_of)
        self.rules = rules(limits)
        self._ready = LruCache[Document](entries, size_bytes)
        self._refused = LruCache[RequestRefused](entries // 8, size_bytes // 8)

    def known(self, text: str) -> bool:
        """Whether the answer of `prepare` is at hand."""
        return text in self._ready or text in self._refused

    def prepare(self, text: str) -> Document:
        """The valid document of this text. Raises RequestRefused."""
        if document := self._ready.get(text):
            return document
        if refusal := self._refused.get(text):
            raise again(refusal)
        memory = getsizeof(text) + BYTES_PER_TOKEN * scan(text, self.limits)
        try:
            document = replace(self._made(text), size_bytes=memory)
        except RequestRefused as refusal:
            self._refused.keep(text, again(refusal), len(text))
            raise
        self._ready.keep(text, document, memory)
        return document

    def _made(self, text: str) -> Document:
        node = self._parsed(text)
        if ESCAPE in text:
            visit(node, NulFinder())
        operations = self.meter.walk(node).operations()
        self._validate(node)
        without_tokens(node)
        fragments = fragments_of(node)
        conditioned = (replace(each, conditions=conditions(each.node, fragments)) for each in operations)
        return Document(text, node, tuple(conditioned))

    def _parsed(self, text: str) -> DocumentNode:
        try:
            return parse(text, allow_empty_selection_sets=False, max_lexical_tokens=self.limits.tokens)
        except GraphQLSyntaxError as error:
            refusal = refused(400, SYNTAX, [error])
        # Raised out here, so as not to carry the parser's error, which holds the text, for its context.
        raise refusal

    def _validate(self, node: DocumentNode) -> None:
        errors = validate(self.schema, node, self.rules, max_errors=MOST_ERRORS, hide_suggestions=True)
        if told := [error for error in errors if not isinstance(error, ValidationAbortedError)]:
            raise refused(422, INVALID_DOCUMENT, told)
        if errors:
            self.limits.check("comparisons", self.limits.comparisons + 1)


def without_tokens(document: DocumentNode) -> None:
    """Of each node's place keep what an error tells: its tokens, which hold all others, take as much as the nodes."""
    start = cast(Location, document.loc).start_token
    start.next = None
    nodes: list[Node] = [document]
    while nodes:
        node = nodes.pop()
        place = cast(Location, node.loc)
        place.start_token = place.end_token = start
        for key in node.keys:
            match getattr(node, key, None):
                case Node() as child:
                    nodes.append(child)
                case list() | tuple() as children:
                    nodes += [child for child in children if isinstance(child, Node)]


class NulFinder(Visitor):
    """Refuses what the reader of the request could not see: a NUL written as an escape, which no database keeps."""

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        if "\0" in node.value:
            raise RequestRefused(400, BAD_REQUEST, "A string holds a NUL character.", well_formed=True)


def rules(limits: DocumentLimits) -> tuple[type[ASTValidationRule], ...]:
    """The rules of GraphQL; the one whose work may grow faster than the document gives up beyond the limit."""

    class OverlappingFieldsWithinLimit(OverlappingFieldsCanBeMergedRule):
        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self.rule_context.remaining_complexity_budget = limits.comparisons

    return tuple(
        OverlappingFieldsWithinLimit if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules
    )


def refused(status: int, code: str, errors: Sequence[GraphQLError]) -> RequestRefused:
    safe = [safe_error(error) for error in errors]
    return RequestRefused(status, code, "The document is not valid.", errors=safe, well_formed=True)


def again(refusal: RequestRefused) -> RequestRefused:
    """The same refusal, without where it was raised: a traceback holds what was there, texts and all."""
    return RequestRefused(
        refusal.status,
        refusal.code,
        refusal.message,
        extensions=refusal.extensions,
        errors=refusal.errors,
        well_formed=refusal.well_formed,
        **refusal.figures,
    )
