"""Explanations: what a plan will do, for people. Each relation with its statement, each field with what it asks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect

from engine.fetch import Batched, ByIds, Function, References, Related
from engine.page import PageRequest
from engine.page_view import Pages
from engine.plan import Plan, Selection, Step
from engine.statement import Statement, by_id

LEAVES = "leaves"


@dataclass(frozen=True, slots=True)
class Line:
    """One branch of a plan, or the leaves of a selection together."""

    level: int
    path: str
    """In the answer."""
    how: str
    asks: tuple[str, ...] = ()
    """What its fields ask of the caller, besides the gate that stands in its statement."""
    statements: tuple[str, ...] = ()

    def text(self) -> str:
        """As it is printed."""
        indent = "  " * self.level
        asks = f"  {', '.join(self.asks)}" if self.asks else ""
        head = f"{indent}{self.path or 'operation'}: {self.how}{asks}"
        return "\n".join([head, *(f"{indent}  | {line}" for text in self.statements for line in text.splitlines())])

    def shown(self) -> dict[str, Any]:
        """As it is sent."""
        return {
            "level": self.level,
            "path": self.path,
            "how": self.how,
            "asks": list(self.asks),
            "statements": list(self.statements),
        }


def explained(plan: Plan, dialect: Dialect) -> list[Line]:
    """The plan from its root on. Of pages it shows the first one, of filters none: they change the text."""
    return list(_selection(plan.root, dialect, 0, ""))


def _selection(selection: Selection, dialect: Dialect, level: int, path: str) -> Iterator[Line]:
    leaves = [step for step in selection.steps if step not in selection.branches]
    if leaves:
        columns = selection.layout.columns if selection.layout else ()
        names = ", ".join(step.key for step in leaves)
        how = f"{LEAVES} of {selection.kind.name}: {names}"
        yield Line(level, path, f"{how} (of {', '.join(columns)})" if columns else how, _asked(leaves))
    for step in selection.branches:
        place = f"{path}.{step.key}" if path else step.key
        statements = tuple(_text(each, dialect) for each in _statements(step, dialect))
        yield Line(level, place, f"{step.coordinate}, {_how(step)}", _asked([step]), statements)
        for child in filter(None, (step.child, *step.children.values(), *step.rows.values())):
            yield from _selection(child, dialect, level + 1, place)


def _asked(steps: list[Step]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(step.declared.guard) for step in steps if step.declared.guard is not None))


def _how(step: Step) -> str:
    match step.fetch:
        case Pages():
            return "a page for each"
        case Related(what=what):
            return f"{type(what).__name__.lower()} for each"
        case References() | ByIds():
            return "by ids, a statement for each type that there is"
        case Batched():
            return "fetched together, not by SQL"
        case Function():
            return "called once"
    return "of the same object"


def _statements(step: Step, dialect: Dialect) -> Iterator[Statement]:
    match step.fetch:
        case Pages() as pages:
            listed, counted = pages.statements(dialect.name, PageRequest(order=pages.what.order), (), single=False)
            if pages.lists:
                yield listed
            if pages.counts:
                yield counted
        case Related() as related:
            yield related.statement(dialect.name, {})
        case References() | ByIds():
            for selection in step.rows.values():
                if selection.shape.source and selection.layout:
                    yield by_id(selection.shape.source, selection.layout.columns, dialect.name)


def _text(statement: Statement, dialect: Dialect) -> str:
    return str(statement.select.compile(dialect=dialect))
