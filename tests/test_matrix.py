"""PER-11, PER-12. Who may read what: every field, by every kind of caller on every object, as the rules say."""

from collections.abc import Iterable

from engine.bind import Bound
from tests.matrix import document, reads, table
from tests.matrix.expected import Caller
from tests.matrix.reading import told
from tests.matrix.served import EVERY_CALLER, IN_ONE_LOOP, ON_POSTGRESQL, Asked
from tests.matrix.world import World


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


@ON_POSTGRESQL
@IN_ONE_LOOP
async def test_the_answers_are_the_same_on_postgresql(asked_on_postgresql: Asked, caller: Caller) -> None:
    cells = await reads.everything(asked_on_postgresql, caller)
    assert not (wrong := told(cells)), wrong
