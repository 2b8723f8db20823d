"""PER-11, PER-12, EVT-1. Who may follow what: every live field, by every kind of caller, on every such object."""

import orjson
from graphql import get_named_type, is_leaf_type

from engine.bind import Bound
from tests.following import stream
from tests.matrix import table
from tests.matrix.expected import Caller, Outcome, Target, expected_live
from tests.matrix.reading import outcome_of
from tests.matrix.served import EVERY_CALLER, IN_ONE_LOOP, ON_POSTGRESQL, Asked

TARGETS = (Target.OWN, Target.OTHER, Target.ABSENT)


def document(asked: Asked, caller: Caller, name: str, target: Target) -> str:
    """The live field, about one object where it can be."""
    root = asked.api.bound.graphql.subscription_type
    assert root is not None
    field, about, named = root.fields[name], table.LIVE[name].about, ""
    if about != "viewer":
        named = f'({next(iter(field.args))}: "{asked.world.id(caller, about, target)}")'
    shown = get_named_type(field.type)
    assert not is_leaf_type(shown)
    return f"subscription {{ {name}{named} {{ __typename }} }}"


async def followed(asked: Asked, caller: Caller, name: str, target: Target) -> str:
    """How the attempt to follow ends."""
    text = document(asked, caller, name, target)
    async with stream(asked.api.app, text, asked.world.secrets.get(caller.name)) as opened:
        if opened.status == 200:
            assert opened.headers["content-type"] == "text/event-stream"
            return Outcome.PASSED.value
        (error,) = orjson.loads(opened.body)["errors"]
        return outcome_of(error)


async def wrong(asked: Asked, caller: Caller) -> list[tuple[str, Target, str, str]]:
    """The cells that are not as the rules say."""
    found = []
    for name, call in table.LIVE.items():
        for target in TARGETS if call.about != "viewer" else (Target.OWN,):
            expected, got = expected_live(caller, name, target).value, await followed(asked, caller, name, target)
            if expected != got:
                found.append((name, target, expected, got))
    return found


def test_every_live_field_is_in_the_matrix(bound: Bound) -> None:
    assert bound.graphql.subscription_type is not None
    assert set(bound.graphql.subscription_type.fields) == set(table.LIVE), "who may follow these? Say it in the table"


@EVERY_CALLER
@IN_ONE_LOOP
async def test_whoever_may_follow_something_does_and_nobody_else(asked: Asked, caller: Caller) -> None:
    assert await wrong(asked, caller) == []


@ON_POSTGRESQL
@IN_ONE_LOOP
async def test_so_it_is_on_postgresql(asked_on_postgresql: Asked, caller: Caller) -> None:
    assert await wrong(asked_on_postgresql, caller) == []
