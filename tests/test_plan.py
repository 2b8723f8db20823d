"""The declarations are enough for a planner: two levels, two statements, and nothing of the loaders.

The plan here is thrown together for one shape of document. What matters is what it is made of: shapes and statements.
"""

from typing import Any

from graphql import FieldNode, IntValueNode, OperationDefinitionNode, SelectionSetNode, parse

from engine.bind import Bound
from engine.declare import Column, Computed, Paged
from engine.page import PageRequest, page_request
from engine.shape import Shape
from engine.statement import PageLayout, Statement, by_id, paged
from models.db import Db
from models.profile import Locale
from models.viewer import ANYBODY, Viewer
from models.visible import bindings
from tests.api import OWNER, Api

DOCUMENT = "{ viewer { displayName viewerIsOwner activity(first: 2) { nodes { id action summary } } } }"


class Asking:
    """What the declarations ask of a context, and no more."""

    locale = Locale.FR
    viewer = Viewer(profile_id=OWNER.key)

    @property
    def bindings(self) -> dict[str, Any]:
        return bindings(self.viewer)


class TwoLevels:
    """A plan of `{ viewer { leaves, one connection { nodes { leaves } } } }`."""

    def __init__(self, bound: Bound, document: str, dialect: str) -> None:
        operation = parse(document).definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        self.bound, self.dialect = bound, dialect
        self.profile, self.event = bound.shapes["Profile"], bound.shapes["ActivityEvent"]
        (self.viewer,) = fields(operation.selection_set)
        self.leaves = [field for field in fields(self.viewer.selection_set) if not field.selection_set]
        (self.connection,) = [field for field in fields(self.viewer.selection_set) if field.selection_set]
        (nodes,) = fields(self.connection.selection_set)
        self.node_leaves = fields(nodes.selection_set)
        relation = self.profile.fields[self.connection.name.value].what
        assert isinstance(relation, Paged)
        self.relation = relation

    def first(self) -> Statement:
        """The viewer's row: the columns asked for, and the key of the relation."""
        source = self.profile.source
        assert source is not None
        assert isinstance(self.relation.key, str)
        return by_id(source, (self.relation.key, *columns(self.profile, self.leaves)), self.dialect)

    def second(self) -> Statement:
        """The page of every profile of the first level."""
        source = self.event.source
        assert source is not None
        asked = columns(self.event, self.node_leaves)
        return paged(self.relation, (), source, asked, self.dialect, PageLayout(single=False))

    def page(self) -> PageRequest:
        """What the document asks for."""
        source = self.event.source
        assert source is not None
        arguments = {
            argument.name.value: int(argument.value.value)
            for argument in self.connection.arguments or ()
            if isinstance(argument.value, IntValueNode)
        }
        return page_request(arguments, self.relation.order, source.table)

    async def run(self, db: Db, context: Any) -> dict[str, Any]:
        first, second = self.first(), self.second()
        rows = await db.rows(first.select, first.parameters([context.viewer.profile_id], context.bindings))
        _, *values = tuple(rows[0])
        key = values.pop(0)
        children = await db.rows(second.select, second.parameters([key], context.bindings, self.page()))
        nodes = [
            completed(self.event, self.node_leaves, columns(self.event, self.node_leaves), child[1:], context)
            for child in children[: self.page().size]
        ]
        viewer = completed(self.profile, self.leaves, columns(self.profile, self.leaves), values, context)
        return {"viewer": {**viewer, self.connection.name.value: {"nodes": nodes}}}


def fields(selection: SelectionSetNode | None) -> list[FieldNode]:
    assert selection is not None
    return [node for node in selection.selections if isinstance(node, FieldNode)]


def columns(shape: Shape, leaves: list[FieldNode]) -> tuple[str, ...]:
    """What these leaves read, each once."""
    names: list[str] = []
    for leaf in leaves:
        match shape.fields[leaf.name.value].what:
            case Column(str() as name):
                names.append(name)
            case Computed() as computed:
                names += computed.needs
    return tuple(dict.fromkeys(names))


def completed(
    shape: Shape, leaves: list[FieldNode], names: tuple[str, ...], values: Any, context: Any
) -> dict[str, Any]:
    """The leaves of one row, by position."""
    answer = {}
    for leaf in leaves:
        what = shape.fields[leaf.name.value].what
        if isinstance(what, Computed):
            given = [getattr(context, what.given)] if what.given else []
            answer[leaf.name.value] = what.by(*given, *(values[names.index(name)] for name in what.needs))
        elif isinstance(what, Column):
            assert what.name is not None
            answer[leaf.name.value] = values[names.index(what.name)]
    return answer


async def test_a_document_of_two_levels_takes_two_statements(api: Api) -> None:
    token = await api.token(OWNER)
    await api.token(OWNER)
    plan = TwoLevels(api.bound, DOCUMENT, api.database.dialect)
    async with Db(api.database) as db:
        planned = await plan.run(db, Asking())
        assert db.statements == 2
    answer = await api.ask(DOCUMENT, token=token)
    assert planned == answer.data
    assert len(planned["viewer"]["activity"]["nodes"]) == 2


async def test_the_plan_selects_only_what_is_asked(api: Api) -> None:
    plan = TwoLevels(api.bound, DOCUMENT, api.database.dialect)
    assert "password_hash" not in str(plan.first().select)
    assert [column.name for column in plan.second().select.selected_columns] == ["parent_key", "id", "kind"]


async def test_a_stranger_gets_nothing_out_of_the_same_plan(api: Api) -> None:
    plan = TwoLevels(api.bound, DOCUMENT, api.database.dialect)
    first = plan.first()
    async with Db(api.database) as db:
        assert await db.rows(first.select, first.parameters([OWNER.key], bindings(ANYBODY))) == []
