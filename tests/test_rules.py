"""docs/rules.md names, for every rule that the code mentions, code and tests that exist; and no rule besides."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.house import ROOT

TABLE = ROOT / "docs" / "rules.md"
LAYERS = ("models", "resolvers", "schema", "app")
RULE = re.compile(r"\b(?:PRO|TOK|PER|ACC|CAT|BIL|ALE|TIC|EVT|LIM)-[1-9][0-9]?\b")
PLACE = re.compile(r"`([\w/]+\.py)::?([\w.]+)`")


class Row(NamedTuple):
    """One rule: how much of it is there, what carries it, what would fail without it."""

    rule: str
    what: str
    code: str
    tests: str


def table() -> list[Row]:
    lines = re.findall(r"^\| ([A-Z]+-.*) \|$", TABLE.read_text("utf-8"), re.MULTILINE)
    return [Row(*(cell.strip() for cell in line.split(" | "))) for line in lines]


@cache
def names(path: Path) -> frozenset[str]:
    """What a module defines: functions, classes, constants, and the members of classes after their dot."""
    return frozenset(defined(ast.parse(path.read_text("utf-8")).body))


def defined(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield prefix + name
            case ast.ClassDef(name=name, body=inner):
                yield prefix + name
                yield from defined(inner, f"{prefix}{name}.")
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield prefix + name
            case ast.Assign(targets=[ast.Name(id=name)]):
                yield prefix + name


def sources() -> Iterator[ast.Module]:
    for layer in LAYERS:
        for path in sorted((ROOT / layer).rglob("*.py")):
            yield ast.parse(path.read_text("utf-8"))


def in_docstrings() -> set[str]:
    """The rules that modules, classes and functions say they carry."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = (node for source in sources() for node in ast.walk(source) if isinstance(node, documented))
    return {rule for node in nodes for rule in RULE.findall(ast.get_docstring(node) or "")}


def test_the_table_reads_as_one() -> None:
    assert table()
    assert [row.rule for row in table() if not RULE.fullmatch(row.rule)] == []


def test_every_rule_has_one_row() -> None:
    rules = [row.rule for row in table()]
    assert sorted(rules) == sorted(set(rules))


def test_the_rules_of_the_table_are_those_of_the_code() -> None:
    assert {row.rule for row in table()} == in_docstrings()


@pytest.mark.parametrize("row", table(), ids=lambda row: row.rule)
def test_a_row_names_code_and_tests_that_exist(row: Row) -> None:
    for column, folders in ((row.code, (*LAYERS, "engine")), (row.tests, ("tests",))):
        places = PLACE.findall(column)
        assert places, f"{row.rule} names nothing in one of its columns"
        assert PLACE.sub("", column).strip(" ,") == "", f"{row.rule}: {column}"
        for path, name in places:
            assert path.partition("/")[0] in folders, f"{row.rule}: {path}"
            assert (ROOT / path).is_file(), f"{row.rule}: there is no {path}"
            assert name in names(ROOT / path), f"{row.rule}: {path} has no {name}"


def test_tests_are_named_as_tests() -> None:
    found = [name for row in table() for _, name in PLACE.findall(row.tests)]
    assert [name for name in found if not name.startswith("test_")] == []


def test_choices_belong_to_rules_of_the_table() -> None:
    _, _, choices = TABLE.read_text("utf-8").partition("\n## ")
    lines = re.findall(r"^- \*\*(.*?)\*\*", choices, re.MULTILINE)
    assert lines
    assert {rule for line in lines for rule in line.split(", ")} <= {row.rule for row in table()}
