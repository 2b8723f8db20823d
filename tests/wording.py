"""Every English template that the code says to people: what the French catalogue has to hold."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

from app.host import SILENT
from models.activity import ACTIONS
from models.obstacle import Obstacle
from models.payment import REASONS
from models.refusal import Refusal
from models.restriction import REMEDY
from schema.alert import BODIES, TITLES
from schema.decision import REMEDIES
from schema.permission import ANSWERS

ROOT = Path(__file__).resolve().parent.parent
SPOKEN = {
    "say",
    "translate",
    "FieldRefused",
    "RequestRefused",
    "_refused",
    "_passed",
    "_unknown",
    "refused",
    "unauthenticated",
}
"""Calls whose first sentence among their arguments is said to people."""


def templates() -> set[str]:
    """All of them, by reading the code and by asking the rules."""
    for path in sorted((ROOT / "models").glob("*.py")):
        importlib.import_module(f"models.{path.stem}")
    ruled = {kind.message for kind in refusals(Refusal)}
    return (
        ruled
        | {SILENT, REMEDY, *REMEDIES.values(), *REASONS.values(), *TITLES.values(), *BODIES.values()}
        | {kind.remedy for kind in Obstacle.__subclasses__() if kind.remedy}
        | {message for _, message in ANSWERS.values()}
        | {action.sentence for action in ACTIONS.values()}
        | set(spoken())
    )


def refusals(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    """Every refusal that names its sentence."""
    for child in kind.__subclasses__():
        yield from refusals(child)
        if "message" in child.__dict__:
            yield child


def spoken() -> Iterator[str]:
    """The sentences in calls that say something, written there or as a constant."""
    trees = [
        ast.parse(path.read_text("utf-8"))
        for folder in ("app", "engine", "resolvers", "schema")
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]
    constants = {
        node.targets[0].id: node.value.value
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }
    for tree in trees:
        for node in ast.walk(tree):
            yield from said(node, constants)


def said(node: ast.AST, constants: dict[str, str]) -> Iterator[str]:
    """What one expression says to people."""
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in SPOKEN:
            for argument in node.args:
                text = constants.get(argument.id) if isinstance(argument, ast.Name) else None
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    text = argument.value
                if text and (" " in text or text == "Somebody"):
                    yield text
    elif isinstance(node, ast.FunctionDef) and node.name in SPOKEN:
        for default in node.args.defaults:
            if isinstance(default, ast.Constant) and isinstance(default.value, str) and " " in default.value:
                yield default.value
