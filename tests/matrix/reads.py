"""Every field, read by one kind of caller on each object: by its id, through its parents, and from the roots."""

from collections.abc import Iterator
from typing import Any

from schema.global_id import global_id
from tests.matrix import document, table
from tests.matrix.expected import Caller, Outcome, Target
from tests.matrix.reading import Cell, Reading
from tests.matrix.served import Asked

REFUSALS = {each.code for each in Outcome}
TARGETS = {
    "Account": tuple(Target),
    "Plan": (Target.OWN, Target.ABSENT),
    "Sandbox": (Target.OWN, Target.ABSENT),
}
"""The objects that there are of a type, where it is not the owner's, another profile's and none."""
GRANTEE = "GRANTEE"
"""A profile that the owner has granted something, asked for beside the others: the caller's own, of a delegate."""
USUAL = (Target.OWN, Target.OTHER, Target.ABSENT)


async def read(asked: Asked, caller: Caller, text: str, variables: dict[str, Any]) -> Reading:
    """The answer to one document, which no limit refuses."""
    answer = await asked.api.ask(text, variables, token=asked.world.secrets.get(caller.name))
    reading = Reading(caller, answer, asked.world)
    assert reading.whole_request in (None, "IP_NOT_ALLOWED"), f"{text}\n{answer.text}"
    assert set(answer.codes) <= REFUSALS, f"{text}\n{answer.errors}"
    return reading


async def everything(asked: Asked, caller: Caller) -> list[Cell]:
    """Every cell of one caller."""
    schema = asked.api.bound.graphql
    cells = [cell for kind in document.node_types(schema) for cell in await by_node(asked, caller, kind.name)]
    cells += [cell for kind in document.node_types(schema) for cell in await through_parents(asked, caller, kind.name)]
    return cells + [cell for name in document.roots(schema) for cell in await by_root(asked, caller, name)]


async def by_node(asked: Asked, caller: Caller, kind: str) -> list[Cell]:
    """Each object of a type by its id, in one document."""
    targets = {target.name: target for target in TARGETS.get(kind, USUAL)}
    ids = {name: asked.world.id(caller, kind, target) for name, target in targets.items()}
    if kind == "Profile":
        ids[GRANTEE] = global_id(kind, asked.world.grantee(caller))
    reading = await read(asked, caller, document.by_node(asked.api.bound.graphql, kind, list(ids)), ids)
    cells = [
        cell
        for name, target in targets.items()
        for cell in reading.object(kind, target, reading.data.get(name), (name,))
    ]
    if kind == "Profile":
        each = reading.known[ids[GRANTEE]]
        cells += reading.object(kind, each.target, reading.data.get(GRANTEE), (GRANTEE,), each.looker)
    return cells


async def through_parents(asked: Asked, caller: Caller, kind: str) -> list[Cell]:
    """What each object of a type leads to, in one document for each field."""
    targets = TARGETS.get(kind, USUAL)
    ids = [asked.world.id(caller, kind, target) for target in targets]
    cells: list[Cell] = []
    for text in document.through_parents(asked.api.bound.graphql, kind):
        reading = await read(asked, caller, text, {"ids": ids})
        for index, (target, value) in enumerate(zip(targets, reading.data.get("nodes") or [], strict=False)):
            cells.append(reading.seen(kind, target, value))
            if value is not None:
                cells += reading.below(kind, target, value, ("nodes", index))
    return cells


async def by_root(asked: Asked, caller: Caller, name: str) -> list[Cell]:
    """A root field, for each object that its argument could name."""
    text, kind = document.by_root(asked.api.bound.graphql, name)
    takes_name, takes_number = "$name" in text, "$number" in text
    cells: list[Cell] = []
    for target in TARGETS.get(kind, USUAL) if takes_name or takes_number else (Target.OWN,):
        variables: dict[str, Any] = {"name": asked.world.name(caller, kind, target)} if takes_name else {}
        variables |= {"number": asked.world.number(caller, target)} if takes_number else {}
        reading = await read(asked, caller, text, variables)
        cells += _root_cells(reading, name, kind, target)
    return cells


def _root_cells(reading: Reading, name: str, kind: str, target: Target) -> Iterator[Cell]:
    coordinate, value = f"Query.{name}", reading.data.get(name)
    yield reading.field(coordinate, target, reading.data, (name,))
    if name in ("viewer", "session") and not reading.whole_request:
        yield reading.present(coordinate, value)
    if value is None:
        return
    if "id" in value:
        yield from reading.met(coordinate, value, (name,))
    elif kind in table.GATES:
        yield from reading.object(kind, target, value, (name,))
