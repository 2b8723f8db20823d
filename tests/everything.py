"""Everything that is somebody's, asked for by its id: what each caller is shown of it, beside what the rules say."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLNamedType, get_named_type, is_leaf_type, is_required_argument, is_union_type

from engine.declare import Computed, Embedded, Many, One, Reference
from engine.error import INTERNAL
from tests.api import Api
from tests.canary import Canaries, send
from tests.dealings import Caller, Mark, allowed
from tests.scope import Request

STEPS = (Computed, Embedded, Many, One, Reference)
"""What is asked for with what stands below it."""


@dataclass(frozen=True)
class Shown:
    """Marks that one caller is shown, or not."""

    caller: Caller
    too_much: frozenset[Mark]
    missing: frozenset[Mark]
    failures: list[str]


async def shown(api: Api, canaries: Canaries) -> list[Shown]:
    """What each caller is shown of the objects of all customers, by their ids."""
    requests = [
        Request(document(canaries, kind), {"ids": sorted(set(canaries.supply().ids[kind]))}, None)
        for kind, _ in canaries.marked.kinds
    ]
    exposed = {mark for mark in canaries.marked.marks.values() if mark.place in canaries.exposed()}
    found = []
    for caller in dict.fromkeys(canaries.callers):
        seen: set[Mark] = set()
        failures: list[str] = []
        for request in requests:
            response = await send(api, caller, request)
            codes = [error["extensions"]["code"] for error in response.json().get("errors", ())]
            failures += [response.text[:500]] if response.status_code != 200 or INTERNAL in codes else []
            seen |= canaries.marked.found(response.text)
        due = {mark for mark in exposed if allowed(caller)(mark)}
        too_much = {mark for mark in seen if not allowed(caller)(mark)}
        found.append(Shown(caller, frozenset(too_much), frozenset(due - seen), failures))
    return found


def document(canaries: Canaries, kind: str) -> str:
    """All leaves of a type that has ids, and of what stands in it or is two steps away."""
    told = " ".join(_fields(canaries, canaries.marked.bound.graphql.type_map[kind]))
    return f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {kind} {{ {told} }} }} }}"


def _fields(canaries: Canaries, kind: Any, deep: int = 2) -> Iterator[str]:
    shape = canaries.marked.bound.shapes.get(kind.name)
    for name, field in kind.fields.items():
        inner: GraphQLNamedType = get_named_type(field.type)
        declared = shape.fields.get(name) if shape else None
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        if is_leaf_type(inner):
            yield name
        elif deep and not is_union_type(inner) and declared and isinstance(declared.what, STEPS):
            yield f"{name} {{ {' '.join(_fields(canaries, inner, deep - 1))} }}"
