"""What the last release promised: its schema, and what each part of it asks of the caller.

`python -m tests.release` says what is broken or loosened since; `--write` takes the present for the next release.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    ConstDirectiveNode,
    DocumentNode,
    FieldDefinitionNode,
    ObjectTypeDefinitionNode,
    build_schema,
    find_breaking_changes,
    parse,
    value_from_ast_untyped,
)

from tests.house import ROOT

SCHEMAS = ("schema.graphql", "staff.graphql")
PRESENT = ROOT / "schema"
RELEASED = ROOT / "tests" / "released"
GUARDS = ROOT / "tests" / "guards.json"
SAID_OTHERWISE = {"semanticNonNull", "fails", "cost", "deprecated"}
"""Directives that ask nothing of the caller."""
PERMISSIONS = ("overall", "account", "server", "parties")
CONDITIONS = ("interactive", "twoFactor")
Guard = Mapping[str, Any] | None
"""Directives by name; None is what stands under the gate of its object."""


def guards(text: str) -> dict[str, Guard]:
    """What every type and field asks of the caller, by coordinate, as the schema prints it."""
    document: DocumentNode = parse(text)
    found: dict[str, Guard] = {}
    for kind in document.definitions:
        if isinstance(kind, ObjectTypeDefinitionNode):
            found[kind.name.value] = _guard(kind)
            for field in kind.fields or ():
                found[f"{kind.name.value}.{field.name.value}"] = _guard(field)
    return found


def _guard(node: ObjectTypeDefinitionNode | FieldDefinitionNode) -> Guard:
    asked = [each for each in node.directives or () if each.name.value not in SAID_OTHERWISE]
    return {each.name.value: _arguments(each) for each in asked} or None


def _arguments(directive: ConstDirectiveNode) -> dict[str, Any]:
    return {each.name.value: value_from_ast_untyped(each.value) for each in directive.arguments or ()}


def loosened(before: Mapping[str, Guard], after: Mapping[str, Guard]) -> list[str]:
    """What asks for less than before, and what is gone; what was added or asks for more is left out."""
    gone = [f"{name} is gone" for name in before if name not in after]
    kept = [name for name in before if name in after]
    return gone + [f"{name} {fault}" for name in kept for fault in _looser(name, before[name], after[name])]


def _looser(name: str, before: Guard, after: Guard) -> Iterator[str]:
    needs_session = name.startswith("Query.") and before is None
    if after and "public" in after and not (before and "public" in before):
        if before is not None or needs_session:
            yield "is public now"
    elif before and after is None and "public" not in before:
        yield f"lost its guard, {_said(before)}"
    elif before and after and "authorize" in before and "authorize" in after:
        yield from _asks_less(before["authorize"], after["authorize"])
    elif before and after and before != after and "public" not in before:
        yield f"asks {_said(after)} instead of {_said(before)}"


def _asks_less(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in ("parties",) if before.get("related") else PERMISSIONS:
        if more := sorted(set(after.get(name, ())) - set(before.get(name, ()))):
            yield f"lets {', '.join(more)} ({name}) pass as well"
    if after.get("related") and not before.get("related"):
        yield "lets any permission pass"
    for name in CONDITIONS:
        if before.get(name) and not after.get(name):
            yield f"does not ask for {name} any more"
    known = {*PERMISSIONS, *CONDITIONS, "related"}
    for name in sorted({*before, *after} - known):
        if before.get(name) != after.get(name):
            yield f"asks with {name} {after.get(name)!r} instead of {before.get(name)!r}"


def _said(guard: Mapping[str, Any]) -> str:
    return " ".join(f"@{name} {json.dumps(arguments)}" for name, arguments in guard.items())


def broken(before: str, after: str) -> list[str]:
    """What clients of a schema could not ask any more."""
    return [change.description for change in find_breaking_changes(build_schema(before), build_schema(after))]


def present() -> dict[str, dict[str, Guard]]:
    """The guards of each schema as it is now."""
    return {name: guards((PRESENT / name).read_text("utf-8")) for name in SCHEMAS}


def faults() -> list[str]:
    """All that the last release promised and the present does not keep."""
    released: dict[str, dict[str, Guard]] = json.loads(GUARDS.read_text("utf-8"))
    found: list[str] = []
    for name, now in present().items():
        found += [f"{name}: {fault}" for fault in loosened(released[name], now)]
        texts = ((folder / name).read_text("utf-8") for folder in (RELEASED, PRESENT))
        found += [f"{name}: {fault}" for fault in broken(*texts)]
    return found


def write() -> None:
    """Take the present for what is released."""
    RELEASED.mkdir(exist_ok=True)
    for name in SCHEMAS:
        (RELEASED / name).write_text((PRESENT / name).read_text("utf-8"), "utf-8")
    GUARDS.write_text(json.dumps(present(), indent=1, sort_keys=True) + "\n", "utf-8")


def main() -> int:
    if "--write" in sys.argv:
        write()
        return 0
    found = faults()
    print("\n".join(found))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
