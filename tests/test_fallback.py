"""What is left to graphql-core: introspection, and nothing that our own documents show."""

from typing import Any

import orjson
import pytest

from app.examples import examples
from app.settings import Settings
from engine.bind import Bound
from engine.compiler import Declined
from engine.document import Documents
from engine.executor import Executor
from schema.directive import weight_of
from tests.database import START
from tests.test_docs import BLOCKS

INTROSPECTION = "{ __schema { queryType { name } } }"
SHOWN: dict[str, tuple[str, dict[str, Any]]] = {
    str(block): (block.text, block.variables) for block in BLOCKS if block.kind.startswith("graphql")
}
SHOWN |= {
    f"GraphiQL: {number}": (each.query, orjson.loads(each.variables or "{}"))
    for number, each in enumerate(examples(sandbox=True, now=START), start=1)
}


def declined(bound: Bound, text: str, variables: dict[str, Any]) -> list[str]:
    """Why the operations of a document have no plan, of those that have none."""
    documents = Documents(bound.graphql, Settings().documents, weight_of, entries=8, size_bytes=2**20)
    executor, document = Executor(bound, entries=8, size_bytes=2**20), documents.prepare(text)
    reasons: list[str] = []
    for operation in document.operations:
        try:
            executor.plan(document, operation, executor.values(operation, variables))
        except Declined as declined:
            reasons.append(declined.reason)
    return reasons


@pytest.mark.parametrize(("text", "variables"), SHOWN.values(), ids=SHOWN.keys())
def test_there_is_a_plan_for_what_is_shown(bound: Bound, text: str, variables: dict[str, Any]) -> None:
    assert declined(bound, text, variables) == (["introspection"] if "__schema" in text else [])


def test_introspection_has_none(bound: Bound) -> None:
    assert declined(bound, INTROSPECTION, {}) == ["introspection"]
