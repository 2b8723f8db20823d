"""PER-11, PER-12. Who may call what: every mutation, by every kind of caller on every object, as the rules say."""

from engine.bind import Bound
from tests.matrix import calls, table
from tests.matrix.disputed import DISPUTED
from tests.matrix.expected import CALLERS, Caller, Target, expected_mutation, expected_read
from tests.matrix.inputs import FIXED
from tests.matrix.reading import told
from tests.matrix.served import EVERY_CALLER, IN_ONE_LOOP, ON_POSTGRESQL, Asked


def test_every_mutation_is_in_the_matrix(bound: Bound) -> None:
    there = calls.mutations(bound.graphql)
    assert [name for name in there if name not in table.MUTATIONS] == [], "who may call these? Say it in the table"
    assert [name for name in there if name not in FIXED] == [], "these need an input"


def test_a_dispute_is_about_something() -> None:
    for dispute in DISPUTED:
        cells = [
            (expected_read if "." in name else expected_mutation)(caller, name, Target.OWN)
            for name in dispute.names & (table.FIELDS.keys() | table.MUTATIONS.keys())
            for caller in CALLERS.values()
            if dispute.concerns(caller, Target.OWN)
        ]
        assert not cells or any(expected != dispute.answer for expected in cells), dispute.reason


@EVERY_CALLER
@IN_ONE_LOOP
async def test_every_mutation_is_answered_as_the_rules_say(asked: Asked, caller: Caller) -> None:
    cells = await calls.everything(asked, caller)
    assert not (wrong := told(cells)), wrong


@ON_POSTGRESQL
@IN_ONE_LOOP
async def test_the_answers_are_the_same_on_postgresql(asked_on_postgresql: Asked, caller: Caller) -> None:
    cells = await calls.everything(asked_on_postgresql, caller)
    assert not (wrong := told(cells)), wrong
