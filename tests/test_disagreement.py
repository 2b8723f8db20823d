"""What makes two answers differ is noticed; what the standard leaves open is not."""

from typing import Any

import pytest

from tests.differential import Answer, disagreement
from tests.scope import Request
from tests.shrinker import shrunk


def error(*path: str | int, code: str = "INTERNAL", message: str = "No.", line: int = 1) -> dict[str, Any]:
    places = [{"line": line, "column": 1}]
    return {"message": message, "path": list(path), "locations": places, "extensions": {"code": code}}


DATA: dict[str, Any] = {"a": 1, "b": {"c": [1, None], "d": None}}
ERRORS = [error("b", "c", 1), error("b", "d")]
NULLED: dict[str, Any] = {"a": None, "b": 1}
DIFFERENT: dict[str, tuple[Answer, Answer]] = {
    "a value": (Answer(DATA), Answer({**DATA, "a": 2})),
    "the type of a value": (Answer({"a": 1}), Answer({"a": True})),
    "an integer and a float": (Answer({"a": 1}), Answer({"a": 1.0})),
    "the order of keys": (Answer({"a": 1, "b": 2}), Answer({"b": 2, "a": 1})),
    "a key": (Answer({"a": 1}), Answer({"a": 1, "b": 2})),
    "nothing at all": (Answer({}), Answer(None)),
    "an error less": (Answer(DATA, ERRORS), Answer(DATA, ERRORS[:1])),
    "the order of errors": (Answer(DATA, ERRORS), Answer(DATA, ERRORS[::-1])),
    "a code": (Answer(DATA, ERRORS[1:]), Answer(DATA, [error("b", "d", code="FORBIDDEN")])),
    "a message": (Answer(DATA, ERRORS[1:]), Answer(DATA, [error("b", "d", message="Yes.")])),
    "a location": (Answer(DATA, ERRORS[1:]), Answer(DATA, [error("b", "d", line=2)])),
    "an error of what is there": (Answer(DATA, [error("a")]), Answer(DATA, [error("a")])),
    "an error of what nobody asked for": (Answer(DATA, [error("x")]), Answer(DATA, [error("x")])),
    "two errors below one place": (
        Answer(NULLED, [error("a", "x"), error("a", "y")]),
        Answer(NULLED, [error("a", "x")]),
    ),
    "an error of a field and one below it": (Answer(NULLED, [error("a")]), Answer(NULLED, [error("a", "x")])),
    "a refusal": (Answer(refusal={"code": "A"}), Answer(refusal={"code": "B"})),
    "a refusal and an answer": (Answer(refusal={"code": "A"}), Answer({})),
}
SAME: dict[str, tuple[Answer, Answer]] = {
    "an answer": (Answer(DATA, ERRORS), Answer(DATA, ERRORS)),
    "a refusal": (Answer(refusal={"code": "A"}), Answer(refusal={"code": "A"})),
    "one of two errors below one place": (Answer(NULLED, [error("a", "x")]), Answer(NULLED, [error("a", "y", 1)])),
    "one of two errors of all": (Answer(None, [error("a")]), Answer(None, [error("b", "c")])),
}


@pytest.mark.parametrize("pair", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_what_differs_is_noticed(pair: tuple[Answer, Answer]) -> None:
    assert disagreement(*pair)


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME.keys())
def test_what_is_the_same_is_not(pair: tuple[Answer, Answer]) -> None:
    assert disagreement(*pair) is None


async def test_a_document_is_made_as_small_as_what_is_wrong_with_it() -> None:
    text = """query Q($a: Boolean!, $b: Int) { viewer { ...F accounts(first: $b) { nodes { id name @skip(if: $a) } } } }
      query R { viewer { id } } fragment F on Profile { id ...G } fragment G on Profile { email }"""

    async def is_wrong(request: Request) -> bool:
        return "name" in request.text

    smallest = await shrunk(Request(text, {"a": True, "b": 1}, "Q"), is_wrong)
    assert " ".join(smallest.text.split()) == "query Q { viewer { accounts { nodes { name } } } }"
