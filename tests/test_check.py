"""Mistakes in declarations are told when the schema is built, by type and field."""

from typing import Any, cast

import pytest
import strawberry
from graphql import GraphQLObjectType
from sqlalchemy import select
from strawberry.schema.config import StrawberryConfig

from engine.bind import Bound
from engine.check import WrongDeclaration
from engine.declare import Batch, Column, Computed, Many, One, Order, Paged, Source, declare
from models.activity import ActivityEvent
from models.column import table
from schema.connection import Connection, newest
from schema.directive import authorize
from schema.node import node
from schema.scalar import SCALARS

EVENTS = table(ActivityEvent)


def of_owner() -> Any:
    return select(EVENTS.c.owner_id)


def built(what: Any, **arguments: Any) -> Bound:
    """A schema whose one type over the history's table has one field that is declared so."""
    field = declare(what, description="It.", arguments={name: (kind, "It.") for name, kind in arguments.items()})
    kind: Any = type("Kind", (), {"__annotations__": {"field": str | None}, "field": field})
    made = strawberry.type(kind)
    page = {"__annotations__": {"kind": made | None}, "kind": None}
    root = strawberry.type(type("Query", (), page))
    schema = strawberry.Schema(query=root, config=StrawberryConfig(scalar_map=SCALARS))
    return Bound(schema, {made: Source(EVENTS, ("owner_id",))}, lambda *_: None)


@strawberry.type
class Event:
    id: strawberry.ID


def related(what: Any, annotation: Any) -> Bound:
    """The same of a relation that leads to the history's table."""
    kind: Any = type("Kind", (), {"__annotations__": {"field": annotation}, "field": declare(what, description="It.")})
    made = strawberry.type(kind)
    root = strawberry.type(type("Query", (), {"__annotations__": {"kind": made | None}, "kind": None}))
    schema = strawberry.Schema(query=root, config=StrawberryConfig(scalar_map=SCALARS))
    return Bound(schema, {made: Source(EVENTS, ("owner_id",)), Event: Source(EVENTS, ("owner_id",))}, lambda *_: None)


@pytest.mark.parametrize(
    ("what", "fault"),
    [
        (Column("titel"), "Kind.field: activity_event has no column 'titel'; it has id, kind, "),
        (Computed(str, ("kimd",)), "Kind.field: activity_event has no column 'kimd'"),
        (Computed(lambda one: one, ("kind", "id")), "its function does not take the 2 values it is given"),
        (Computed(lambda one: one, ("kind",), given="viewer"), "its function does not take the 2 values"),
    ],
)
def test_a_leaf_that_cannot_be_read_is_refused(what: Any, fault: str) -> None:
    with pytest.raises(WrongDeclaration) as refused:
        built(what)
    assert fault in str(refused.value)


async def told(context: Any, keys: Any, *, name: str, size: int = 1) -> list[str]:
    return [name * size for _ in keys]


@pytest.mark.parametrize(
    ("what", "arguments", "fault"),
    [
        (
            Computed(lambda kind: kind, ("kind",)),
            {"name": str},
            "the 1 values it is given and name: got an unexpected keyword",
        ),
        (Computed(lambda kind, *, name: name, ("kind",)), {"name": str | None}, "missing a required argument: 'name'"),
        (Computed(lambda *, name: name, ("kind",)), {"name": str}, "the 1 values it is given and name: too many"),
        (Batch("id", told), {"nam": str}, "the 2 values it is given and nam: missing a required argument: 'name'"),
        (Batch("id", told), {"name": str, "width": int | None}, "got an unexpected keyword argument 'width'"),
        (Batch("id", told), {"size": int | None}, "missing a required argument: 'name'"),
    ],
)
def test_a_function_that_does_not_take_the_arguments_of_its_field_is_refused(
    what: Any, arguments: Any, fault: str
) -> None:
    with pytest.raises(WrongDeclaration) as refused:
        built(what, **arguments)
    assert fault in str(refused.value)


def test_a_function_takes_the_arguments_that_its_field_may_or_must_be_given() -> None:
    computed = built(Computed(lambda kind, *, name, size=1: name, ("kind",)), name=str, size=int | None)
    taken = cast(GraphQLObjectType, computed.graphql.type_map["Kind"]).fields["field"].args
    assert {name: str(each.type) for name, each in taken.items()} == {"name": "String!", "size": "Int"}
    for arguments in ({"name": str, "size": int | None}, {"name": str}):
        assert built(Batch("id", told), **arguments).shapes["Kind"].columns == ("owner_id", "id")


@pytest.mark.parametrize(
    ("what", "annotation", "fault"),
    [
        (One("ownr_id"), Event | None, "Kind.field: activity_event has no column 'ownr_id'"),
        (Many("id", of_owner), list[Event], "a list has the order of its select, and it has none"),
        (Many("id", lambda: select(EVENTS.c.id)), list[Event], "begins with the id of activity_event"),
        (Many("id", lambda *_: cast(Any, [1])), list[Event], "its function answers list, not a select"),
        (Many("id", lambda context: of_owner()), list[Event], "its select takes no arguments that are not optional"),
        (Paged("id", of_owner, (Order("occurred_at"),)), Connection[Event], "two rows may have the same place"),
        (Paged("id", of_owner, (Order("actor_id"), Order("id"))), Connection[Event], "actor_id may be null"),
        (Paged("id", of_owner, (Order("nothing"), Order("id"))), Connection[Event], "order: activity_event has no"),
        (Paged("id", of_owner, (Order("changes"), Order("id"))), Connection[Event], "of a kind that no cursor holds"),
    ],
)
def test_a_relation_that_cannot_work_is_refused(what: Any, annotation: Any, fault: str) -> None:
    with pytest.raises(WrongDeclaration) as refused:
        related(what, annotation)
    assert fault in str(refused.value)


def test_what_is_right_is_built() -> None:
    built(Column("kind"))
    built(Computed(str, ("kind",)))
    related(Paged("id", of_owner, newest("occurred_at")), Connection[Event])
    bound = related(Many("id", lambda: of_owner().order_by(EVENTS.c.id)), list[Event])
    assert bound.shapes["Kind"].columns == ("owner_id", "id")


def test_rows_that_have_an_owner_are_not_everybodys() -> None:
    with pytest.raises(TypeError, match="ActivityEvent rows have an owner"):
        node(ActivityEvent, gate=authorize(), owner=None, description="Of nobody.")
