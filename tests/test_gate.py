"""PER-11. Closed by default: what states no requirement does not build, and the printed guard is the one that acts."""

from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest
import strawberry
from graphql import GraphQLObjectType
from strawberry.schema.config import StrawberryConfig

from engine.bind import Bound
from engine.declare import Column, Live, One, declare
from engine.error import FieldRefused
from engine.shape import definition, guard_of
from models import session as rows
from models.context import Context
from models.db import Db, NothingRecorded
from models.refusal import NotFound
from models.viewer import ANYBODY, Viewer
from schema.alert import Alert
from schema.directive import PUBLIC, Authorize, Public, authorize
from schema.gate import UnguardedError, check_guards
from schema.live import live
from schema.mutation import Info, MutationPayload, mutation
from schema.node import SOURCES, Node, node
from schema.root import Mutation, Query
from schema.scalar import SCALARS
from tests.api import OWNER, Api

ROOTS = ("Query", "Mutation")


@strawberry.type
class OpenMutation(Mutation):
    @strawberry.mutation
    def anything(self) -> int:
        return 1


@strawberry.type
class OpenNode(Node):
    id: strawberry.ID


@strawberry.type
class OpenNodeQuery(Query):
    open: OpenNode | None = None


def built(query: type = Query, mutation: type = Mutation, subscription: type | None = None) -> None:
    config = StrawberryConfig(scalar_map=SCALARS)
    check_guards(strawberry.Schema(query=query, mutation=mutation, subscription=subscription, config=config))


def test_a_mutation_without_a_requirement_does_not_build() -> None:
    with pytest.raises(UnguardedError, match="anything"):
        built(mutation=OpenMutation)


def test_a_node_type_without_a_gate_does_not_build() -> None:
    with pytest.raises(UnguardedError, match="OpenNode"):
        built(query=OpenNodeQuery)


def following(field: Any) -> type:
    """A subscription root with one field."""
    return strawberry.type(type("Following", (), {"__annotations__": {"told": Alert | None}, "told": field}))


async def events() -> AsyncGenerator[int]:
    yield 1


def test_a_live_field_says_whom_it_tells_what_wakes_it_and_what_it_follows() -> None:
    given = {"alert_id": (strawberry.ID, "Of which.")}
    built(subscription=following(live(["alert."], authorize(), description="All.")))
    built(subscription=following(live(["alert."], authorize(subject="alertId"), arguments=given, description="One.")))
    wrong = {
        "states no requirement": declare(Live(lambda context: None), description="Of nobody."),
        "is not declared as live": declare(One(lambda context: None), authorize(), description="Once."),
        "would tell anybody": declare(Live(lambda context: None), PUBLIC, description="Of all."),
        "names the id alertId": live(["alert."], authorize(), arguments=given, description="Whose?"),
        "which is no id of its input": live(["alert."], authorize(subject="profileId"), description="Of nothing."),
        "asks for a permission and names no subject": live(["alert."], authorize(related=True), description="Of all."),
        "there is no type Thing": live(
            ["alert."],
            authorize(subject="thingId"),
            arguments={"thing_id": (strawberry.ID, "Of which.")},
            description="Of none.",
        ),
    }
    for fault, field in wrong.items():
        with pytest.raises(UnguardedError, match=fault):
            built(subscription=following(field))
    with pytest.raises(UnguardedError, match="is not declared as live"):
        built(subscription=strawberry.type(type("Told", (), {"told": strawberry.subscription(events)})))
    with pytest.raises(TypeError, match=r"no facts of the kinds alerts\."):
        live(["alerts."], authorize(), description="Of a slip of the pen.")


@strawberry.input
class NamingInput:
    thing_id: strawberry.ID | None = None


class NamingPayload(MutationPayload):
    pass


def naming(guard: Authorize) -> type:
    """A mutation whose input names an id."""

    @strawberry.type
    class NamingMutation(Mutation):
        @mutation(strawberry.type(NamingPayload), guard, description="Name it.")
        async def name_it(self, info: Info, input: NamingInput) -> NamingPayload | None:
            return None

    return NamingMutation


def test_an_id_is_the_subject_or_said_to_be_resolved_by_the_command() -> None:
    built(mutation=naming(authorize(subject="input.thingId")))
    built(mutation=naming(authorize(resolves=("input.thingId",))))
    with pytest.raises(UnguardedError, match=r"names the id input\.thingId: whose is it"):
        built(mutation=naming(authorize()))
    with pytest.raises(UnguardedError, match=r"resolves 'input\.otherId', which is no id of its input"):
        built(mutation=naming(authorize(subject="input.thingId", resolves=("input.otherId",))))


def test_what_a_command_resolves_is_not_printed(bound: Bound) -> None:
    assert "onlyOwnerId: ID" in bound.schema.as_str()
    assert "resolves" not in bound.schema.as_str()


@strawberry.type
class Inner:
    secret: str | None = declare(Column("city"), authorize(), description="Of nobody.")
    mine: int | None = declare(Column("city"), authorize(related=True), description="Of nobody.")


@strawberry.type
class GuardedQuery(Query):
    inner: Inner | None = None
    wanting: int | None = declare(Column("x"), authorize(related=True), description="Of nobody.")


def test_a_guard_that_could_not_be_asked_does_not_build() -> None:
    with pytest.raises(UnguardedError) as refused:
        built(query=GuardedQuery)
    assert str(refused.value).split("\n") == [
        "GuardedQuery.wanting asks for a permission and names no subject",
        "Inner.mine is guarded, and nobody owns what it stands in",
        "Inner.secret is guarded, and nobody owns what it stands in",
    ]


def test_a_guarded_field_that_may_not_be_null_does_not_build() -> None:
    @node(rows.Session, gate=authorize(), owner="profile_id", description="For a test.")
    class Certain(Node):
        name: str = declare(Column("ip_address"), authorize(), description="Never null.")

    @strawberry.type
    class StrictQuery(Query):
        sure: Certain | None = None

    with pytest.raises(UnguardedError, match=r"Certain\.name is guarded and has to be nullable"):
        built(query=StrictQuery)
    SOURCES.pop(Certain)


def guarded_fields(bound: Bound) -> Iterator[tuple[str, str, Authorize | Public]]:
    """(type, field, guard) of every field that states one."""
    for kind in bound.graphql.type_map.values():
        for name, field in kind.fields.items() if isinstance(kind, GraphQLObjectType) else ():
            guard = guard_of(found) if (found := definition(field)) else None
            if isinstance(guard, Authorize | Public):
                yield kind.name, name, guard


def test_the_guard_that_acts_is_the_one_that_is_printed(bound: Bound) -> None:
    sdl = bound.schema.as_str()
    for type_name, name, guard in guarded_fields(bound):
        assert bound.shapes[type_name].fields[name].guard is guard
    assert "viewer: Profile @public" in sdl
    assert "identity: LegalIdentity @authorize(overall: [BILLING]) @semanticNonNull" in sdl
    assert "type Profile implements Node & Actor @authorize(related: true)" in sdl


def test_a_guarded_field_may_be_null(bound: Bound) -> None:
    for type_name, name, guard in guarded_fields(bound):
        field = bound.graphql.type_map[type_name].fields[name]  # type: ignore[attr-defined]
        assert isinstance(guard, Public) or not str(field.type).endswith("!"), f"{type_name}.{name}"


async def test_every_root_field_is_closed_to_strangers_unless_it_says_public(api: Api) -> None:
    context = Context(Db(api.database), ANYBODY, api.database.clock, None, None)  # type: ignore[arg-type]
    for kind in ROOTS:
        for name, declared in api.bound.shapes[kind].fields.items():
            assert declared.guard is not None, f"{kind}.{name}"
            if not isinstance(declared.guard, Public):
                with pytest.raises(FieldRefused, match="Sign in first"):
                    declared.guard.check(context, ())


@pytest.mark.parametrize(
    "document",
    [
        "{ sandbox { now } }",
        "mutation { profileUpdate(input: {kind: COMPANY}) { userErrors { code } } }",
        "mutation { sessionDelete(input: {}) { userErrors { code } } }",
        'mutation { sandboxClockAdvance(input: {to: "2027-01-01T00:00:00Z"}) { userErrors { code } } }',
    ],
)
async def test_a_stranger_is_told_to_sign_in(api: Api, document: str) -> None:
    answer = await api.ask(document)
    assert answer.codes == ["UNAUTHENTICATED"]
    assert set(answer.body["data"].values()) == {None}


@strawberry.type
class TriedPayload(MutationPayload):
    done: bool | None = strawberry.field(description="Done.")


def framed(guard: Authorize | Public, act: Any) -> Any:
    return mutation(TriedPayload, guard, description="Try.")(act).base_resolver.wrapped_func


class Called:
    """The information that a mutation is given."""

    def __init__(self, api: Api) -> None:
        viewer = Viewer(profile_id=OWNER.key, interactive=True)
        self.context = Context(Db(api.database), viewer, api.database.clock, None, None)  # type: ignore[arg-type]


async def test_a_mutation_that_succeeds_and_states_nothing_is_a_defect(api: Api) -> None:
    async def idle(self: Any, info: Info, input: Any) -> TriedPayload | None:
        return TriedPayload.of(done=True)

    with pytest.raises(NothingRecorded):
        await framed(authorize(), idle)(None, Called(api), None)


async def test_a_refusal_becomes_a_user_error_and_nothing_else(api: Api) -> None:
    async def refusing(self: Any, info: Info, input: Any) -> TriedPayload | None:
        raise NotFound().at("some_id")

    payload = await framed(PUBLIC, refusing)(None, Called(api), None)
    assert payload.done is None
    assert [(error.code.value, error.field) for error in payload.user_errors] == [("NOT_FOUND", ["input", "someId"])]
