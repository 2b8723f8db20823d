"""PER-11, PER-12. Who may read what: every field, by every kind of caller on every object, as the rules say."""

from collections.abc import Iterable

import pytest

from engine.bind import Bound
from tests.matrix import document, reads, table
from tests.matrix.expected import CALLERS, Caller, Outcome, Target, expected_read
from tests.matrix.reading import told
from tests.matrix.served import EVERY_CALLER, IN_ONE_LOOP, ON_POSTGRESQL, Asked
from tests.matrix.world import World

MAY_ASK = [
    caller
    for caller in CALLERS.values()
    if expected_read(caller, "Profile.accountOpenQuote", Target.OWN) is Outcome.VALUE
]
ON_SERVER = """query($profile: ID!, $server: ID!) { node(id: $profile) { ... on Profile {
    accountOpenQuote(input: {name: "matrix-new", target: {serverId: $server}}) {
        token blockers { code field }
    }
} } }"""


def without(names: Iterable[str], known: Iterable[str]) -> list[str]:
    return sorted(set(names) - set(known))


def test_every_coordinate_is_in_the_matrix(bound: Bound) -> None:
    kinds = [kind.name for kind in document.node_types(bound.graphql)]
    assert without(document.coordinates(bound.graphql), table.FIELDS) == [], "who may read these? Say it in the table"
    assert without(kinds, table.GATES) == [], "who knows that these exist? Say it in the table"
    assert without(kinds, World.kinds) == [], "the world of the matrix has none of these"


@EVERY_CALLER
@IN_ONE_LOOP
async def test_every_field_is_answered_as_the_rules_say(asked: Asked, caller: Caller) -> None:
    cells = await reads.everything(asked, caller)
    assert len(cells) > 400
    assert not (wrong := told(cells)), wrong


@pytest.mark.parametrize("caller", MAY_ASK, ids=[caller.name for caller in MAY_ASK])
@IN_ONE_LOOP
async def test_a_quote_finds_no_server_but_the_owners(asked: Asked, caller: Caller) -> None:
    """SPEC 17: a further id has to be of the subject's owner; another profile's is answered like one of nothing."""
    profile = asked.world.id(caller, "Profile", Target.OWN)
    found = {}
    for target in (Target.OWN, Target.OTHER, Target.ABSENT):
        variables = {"profile": profile, "server": asked.world.id(caller, "Server", target)}
        answer = await asked.api.ask(ON_SERVER, variables, token=asked.world.secrets[caller.name])
        quote = answer.data["node"]["accountOpenQuote"]
        found[target] = not any(
            each["code"] == "NOT_FOUND" and each["field"] == ["input", "target", "serverId"]
            for each in quote["blockers"]
        )
        assert not (quote["token"] and quote["blockers"])
    assert found == {Target.OWN: True, Target.OTHER: False, Target.ABSENT: False}


@ON_POSTGRESQL
@IN_ONE_LOOP
async def test_the_answers_are_the_same_on_postgresql(asked_on_postgresql: Asked, caller: Caller) -> None:
    cells = await reads.everything(asked_on_postgresql, caller)
    assert not (wrong := told(cells)), wrong
