"""Plans: one statement for each relation, what is declined, what is kept, and what is told of it."""

import logging
from typing import Any

import pytest

from app.mode import Mode
from engine.bind import Bound
from engine.compiler import INTROSPECTION, Compiler
from engine.document import Documents
from engine.error import INTERNAL
from engine.executor import FAILED, OFF, Executor
from engine.measure import DocumentLimits
from engine.operation import Document
from engine.performance import Performance
from models.activity import ActivityEvent
from schema.directive import weight_of
from tests.api import OWNER, Api, serving

LIST = """query ($plans: Boolean!) { viewer { accounts(first: 50) {
  totalCount nodes { name plan @include(if: $plans) { name } subscription { label } } } } }"""
RENAME = "mutation { profileUpdate(input: {locale: EN}) { userErrors { code } } }"
SCHEMA = "{ __schema { queryType { name } } }"


def executor(api: Api) -> Executor:
    """Of the application that answers."""
    made: Executor = api.app.state.host.executor
    return made


async def test_a_relation_is_one_statement_however_many_lead_to_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The viewer, their page, its plans, its subscriptions. All accounts are on the page, so they are not counted."""
    asked = counted(monkeypatch)
    token = await api.token(OWNER)
    answer = (await api.ask(LIST, {"plans": True}, token=token)).data
    assert len(answer["viewer"]["accounts"]["nodes"]) > 1
    assert asked == ["profile", "account", "plan", "subscription"]


async def test_what_a_condition_leaves_out_is_not_fetched(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one plan for each value of the variable."""
    token = await api.token(OWNER)
    await api.ask(LIST, {"plans": True}, token=token)
    built = executor(api).counters.built
    asked = counted(monkeypatch)
    answer = (await api.ask(LIST, {"plans": False}, token=token)).data
    assert "plan" not in answer["viewer"]["accounts"]["nodes"][0]
    assert asked == ["profile", "account", "subscription"]
    assert executor(api).counters.built == built + 1
    hits = executor(api).counters.hits
    await api.ask(LIST, {"plans": True}, token=token)
    await api.ask(LIST, {"plans": False}, token=token)
    assert (executor(api).counters.hits, executor(api).counters.built) == (hits + 2, built + 1)


async def test_what_the_schema_says_of_itself_is_found_out_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    first = (await api.ask(SCHEMA)).data
    assert executor(api).counters.fallbacks[INTROSPECTION] == 1
    monkeypatch.setattr("engine.executor.run", None)
    assert (await api.ask(SCHEMA)).data == first


async def test_what_was_found_out_of_the_schema_is_not_what_else_was_asked(api: Api) -> None:
    """A document that asks for both is executed anew for each caller."""
    both = "{ __schema { queryType { name } } viewer { displayName } }"
    token = await api.token(OWNER)
    assert (await api.ask(both, token=token)).data["viewer"] is not None
    assert (await api.ask(both)).data["viewer"] is None


async def test_a_query_whose_plan_fails_is_answered_all_the_same(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And the defect is logged."""
    token = await api.token(OWNER)
    monkeypatch.setattr(Performance, "_made", broken)
    with caplog.at_level(logging.ERROR):
        answer = await api.ask("{ viewer { displayName } }", token=token)
    assert answer.data["viewer"]["displayName"]
    assert executor(api).counters.fallbacks[FAILED] == 1


async def test_a_mutation_whose_plan_fails_is_not_run_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token = await api.token(OWNER)
    monkeypatch.setattr(Performance, "_made", broken)
    answer = await api.ask(RENAME, token=token)
    assert (answer.status, answer.codes) == (500, [INTERNAL])
    assert executor(api).counters.fallbacks == {}


async def test_a_mutation_acts_once_whatever_is_asked_of_its_answer(api: Api) -> None:
    """What cannot be planned is found out before anything is done."""
    token = await api.token(OWNER)
    before = len(await api.rows(ActivityEvent))
    renamed = RENAME.replace("userErrors", f"query {SCHEMA} userErrors")
    answer = (await api.ask(renamed, token=token)).data
    assert answer["profileUpdate"]["query"]["__schema"]["queryType"] == {"name": "Query"}
    assert len(await api.rows(ActivityEvent)) == before + 1
    assert executor(api).counters.fallbacks == {INTROSPECTION: 1}


async def test_a_mutation_that_cannot_be_planned_is_executed_all_the_same(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The compiler's defect is logged; nothing was done yet."""
    token = await api.token(OWNER)
    monkeypatch.setattr(Compiler, "plan", broken)
    with caplog.at_level(logging.ERROR):
        payload = (await api.ask(RENAME, token=token)).data["profileUpdate"]
    assert payload == {"userErrors": []}
    assert executor(api).counters.fallbacks == {FAILED: 1}


async def test_without_the_planner_everything_runs_on_graphql_core(api: Api) -> None:
    token = await api.token(OWNER)
    planned = (await api.ask(LIST, {"plans": True}, token=token)).data
    async with serving(api.database, api.bound, planner=False) as plain:
        assert (await plain.ask(LIST, {"plans": True}, token=token)).data == planned
        assert executor(plain).counters.built == 0
        assert executor(plain).counters.fallbacks[OFF] == 1


def test_plans_are_kept_within_bounds(bound: Bound) -> None:
    small = Executor(bound, entries=2, size_bytes=100_000)
    for number in range(5):
        document = prepared(bound, f"{{ a{number}: viewer {{ id }} }}")
        small.plan(document, document.operations[0], small.values(document.operations[0], {}))
    assert len(small._plans) == 2
    assert small.counters.built == 5


def test_trusted_documents_are_planned_before_anybody_asks(bound: Bound) -> None:
    """Those whose parts all count in any case."""
    made = Executor(bound, entries=10, size_bytes=100_000)
    made.make_ready(prepared(bound, "query A { viewer { id } } query B($x: Boolean!) { viewer { id @skip(if: $x) } }"))
    assert made.counters.built == 1


async def test_the_sandbox_tells_the_plan_where_it_is_asked_for(api: Api) -> None:
    token = await api.token(OWNER)
    plan = (await told(api, token, {"plan": True}))["plan"]
    lines = {line["path"]: line for line in plan if line["statements"]}
    assert lines["viewer.accounts"]["level"] == 1
    assert "FROM account" in lines["viewer.accounts"]["statements"][0]
    assert lines["viewer.accounts.nodes.subscription"]["asks"] == ["@authorize(overall: [BILLING, ACCOUNT_MANAGEMENT])"]
    assert "plan" not in await told(api, token, {})


async def test_in_production_nobody_is_told_the_plan(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    host = api.app.state.host
    monkeypatch.setattr(host, "settings", host.settings.model_copy(update={"mode": Mode.PRODUCTION}))
    assert "plan" not in await told(api, await api.token(OWNER), {"plan": True})


async def told(api: Api, token: str, asked: dict[str, Any]) -> dict[str, Any]:
    """What stands beside the answer."""
    body = {"query": LIST, "variables": {"plans": True}, "extensions": asked}
    response = await api.client.post("/graphql", json=body, headers={"authorization": f"Bearer {token}"})
    extensions: dict[str, Any] = response.json()["extensions"]
    return extensions


def prepared(bound: Bound, text: str) -> Document:
    return Documents(bound.graphql, DocumentLimits(), weight_of, entries=1, size_bytes=1).prepare(text)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables of the statements of plans from here on."""
    asked: list[str] = []
    rows = Performance.rows

    async def noted(self: Performance, statement: Any, *rest: Any) -> Any:
        asked.append(statement.select.get_final_froms()[0].name)
        return await rows(self, statement, *rest)

    monkeypatch.setattr(Performance, "rows", noted)
    return asked


def broken(*_: Any) -> Any:
    raise RuntimeError("a defect of the planner")
