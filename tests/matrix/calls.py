"""Every mutation, called by one kind of caller on each object that it could be about."""

from collections.abc import Iterator
from typing import Any

from graphql import GraphQLSchema

from schema.global_id import global_id
from tests.matrix.disputed import disputed
from tests.matrix.expected import Caller, Outcome, Target, expected_mutation
from tests.matrix.inputs import input_of, is_about_an_object
from tests.matrix.reading import Cell, Reading, content, outcome_of
from tests.matrix.served import Asked
from tests.matrix.table import MUTATIONS

AUTHORIZATION = {each.detail for each in Outcome if each.code == "USER_ERROR"}
"""Codes of business errors that are about who calls, and for whom."""


def mutations(schema: GraphQLSchema) -> list[str]:
    """Those that are there."""
    return list(schema.mutation_type.fields) if schema.mutation_type else []


def targets_of(mutation: str) -> tuple[Target, ...]:
    """The objects that a mutation could be about; the owner's, where it names none."""
    call = MUTATIONS[mutation]
    if not is_about_an_object(mutation):
        return (Target.OWN,)
    return tuple(Target) if "Account" in (call.about, call.further) else (Target.OWN, Target.OTHER, Target.ABSENT)


def document(schema: GraphQLSchema, mutation: str, names: list[str]) -> str:
    """The mutation under each of these aliases; inputs are variables of the same names."""
    assert schema.mutation_type is not None
    kind = schema.mutation_type.fields[mutation].args["input"].type
    declared = ", ".join(f"${name}: {kind}" for name in names)
    asked = " ".join(f"{name}: {mutation}(input: ${name}) {{ userErrors {{ code field }} }}" for name in names)
    return f"mutation({declared}) {{ {asked} }}"


async def everything(asked: Asked, caller: Caller) -> list[Cell]:
    """Every cell of one caller."""
    return [cell for name in mutations(asked.api.bound.graphql) for cell in await called(asked, caller, name)]


async def called(asked: Asked, caller: Caller, mutation: str) -> list[Cell]:
    """One mutation, on every object."""
    targets = {target.name: target for target in targets_of(mutation)}
    text = document(asked.api.bound.graphql, mutation, list(targets))
    inputs = {name: input_of(asked.world, caller, mutation, target) for name, target in targets.items()}
    answer = await asked.api.ask(text, inputs, token=asked.world.secrets.get(caller.name))
    reading = Reading(caller, answer, asked.world)
    return [cell for name, target in targets.items() for cell in _cells(reading, mutation, name, target)]


def _cells(reading: Reading, mutation: str, name: str, target: Target) -> Iterator[Cell]:
    expected = disputed(reading.caller, mutation, target, expected_mutation(reading.caller, mutation, target))
    error = reading.errors.get((name,))
    got = reading.whole_request or (outcome_of(error) if error else _as_data(reading.data.get(name)))
    yield Cell(reading.caller.name, mutation, target, expected, got)
    if error is not None and expected == got:
        owner = reading.world.id(reading.caller, "Profile", target)
        if "grantee" in MUTATIONS[mutation].rule.parties:  # The holder's it is, not the owner's.
            owner = global_id("Profile", reading.world.grantee(reading.caller))
        if "recipient" in MUTATIONS[mutation].rule.parties:
            owner = global_id("Profile", reading.world.estate(reading.caller).partner)
        yield content(reading.caller, f"Mutation.{mutation}", target, error["extensions"], owner)


def _as_data(payload: dict[str, Any] | None) -> str:
    """The outcome that a payload tells; a code that is not about the caller is of the input's rules."""
    if payload is None:
        return "null without an error"
    errors = [error for error in payload["userErrors"] if error["code"] in AUTHORIZATION]
    found = [error["code"] for error in errors if error["code"] != "NOT_FOUND" or "Id" in (error["field"] or [""])[-1]]
    return f"USER_ERROR:{found[0]}" if found else Outcome.PASSED.value
