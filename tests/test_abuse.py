"""What hostile clients do to the whole application: it stays up, stays quick, and tells nothing that it should not."""

import asyncio
import base64
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest

from app.passwords import HashingPool
from engine.bind import Bound
from engine.performance import Performance
from engine.request import RequestLimits
from models.activity import ActivityEvent
from models.clock import FrozenClock
from models.conflict import Busy
from models.db import Database
from models.password import Argon2
from models.profile import Profile
from models.session import Session, SessionTransport
from resolvers import profile
from schema import scalar
from tests.api import FREE, OWNER, PASSWORD, Api, serving
from tests.cycle import alone

ADVANCE = "mutation($to: DateTime!) { sandboxClockAdvance(input: {to: $to}) { userErrors { code field } } }"
SIGN_IN = """mutation($email: EmailAddress!, $password: String!) {
  sessionCreate(input: {email: $email, password: $password, transport: BEARER}) {
    session { id } userErrors { code } } }"""


# Documents and values


async def test_an_address_of_any_length_is_not_looked_at(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """To normalise combining marks takes quadratic time."""
    looked_at: list[int] = []
    monkeypatch.setattr(scalar, "validate_email", lambda text, **_: looked_at.append(len(text)))
    email = "x" + "\u0345\u0301\u0315\u0323" * 7_000 + "@x.org"
    answer = await api.ask(SIGN_IN, {"email": email, "password": PASSWORD})
    assert (answer.status, answer.codes) == (422, ["BAD_USER_INPUT"])
    assert looked_at == []


@pytest.mark.parametrize("inner", ["totalCount", "__typename", "pageInfo { hasNextPage }"])
async def test_connections_of_nothing_are_not_for_nothing(api: Api, inner: str) -> None:
    fields = " ".join(f"a{number}: activity(first: 101) {{ {inner} }}" for number in range(99))
    document = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Profile {{ {fields} }} }} }}"
    answer = await api.ask(document, {"ids": ["x"] * 100}, token=await api.token())
    assert answer.codes == ["COST_EXCEEDED"]


async def test_a_mutation_counts_as_often_as_it_acts(database: Database, bound: Bound, api: Api) -> None:
    token = await api.token()
    async with serving(database, bound, mutations_per_minute=10) as served:
        acts = " ".join(f"a{n}: profileUpdate(input: {{kind: COMPANY}}) {{ userErrors {{ code }} }}" for n in range(6))
        assert (await served.ask(f"mutation {{ {acts} }}", token=token)).status == 200
        assert (await served.ask(f"mutation {{ {acts} }}", token=token)).status == 429
    eleven = " ".join(f"a{n}: profileUpdate(input: {{}}) {{ userErrors {{ code }} }}" for n in range(11))
    refused = await api.ask(f"mutation {{ {eleven} }}", token=token)
    assert refused.errors[0]["extensions"]["limit"] == "mutations"


async def test_a_cursor_or_an_id_that_hides_something_is_wrong_input(api: Api) -> None:
    token = await api.token()
    key = "01a20fb8-2d13-70a2-880d-dac18f000000"
    for at in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"):
        cursor = base64.urlsafe_b64encode(orjson.dumps([at, key])).decode().rstrip("=")
        document = "query($after: String) { viewer { activity(after: $after) { totalCount nodes { id } } } }"
        assert set((await api.ask(document, {"after": cursor}, token=token)).codes) == {"BAD_USER_INPUT"}
    hidden = base64.urlsafe_b64encode(b"Pro\0file:" + OWNER.key.bytes).decode().rstrip("=")
    document = "query($id: ID) { viewer { activity(filter: {subjectId: $id}) { totalCount } } }"
    assert (await api.ask(document, {"id": hidden}, token=token)).codes == ["BAD_USER_INPUT"]


async def test_an_answer_has_an_end(database: Database, bound: Bound, api: Api) -> None:
    async with serving(database, bound, rate_limits=False, requests=RequestLimits(answer_bytes=400)) as served:
        answer = await served.ask("{ viewer { activity { nodes { id } } } }", token=await api.token())
        assert answer.status == 200
        for _ in range(5):
            await api.token()
        answer = await served.ask("{ viewer { activity { nodes { id } } } }", token=await api.token())
        assert (answer.status, answer.codes, answer.body.get("data")) == (422, ["COST_EXCEEDED"], None)


async def test_a_value_that_changed_is_shown_up_to_a_length(api: Api) -> None:
    token = await api.token()
    lines = ["x" * 200] * 4
    update = """mutation($lines: [String!]) {
      profileUpdate(input: {identity: {streetLines: $lines}}) { userErrors { code } } }"""
    await api.ask(update, {"lines": lines}, token=token)
    history = await api.ask("{ viewer { activity(first: 1) { nodes { changes { after } } } } }", token=token)
    (change,) = history.data["viewer"]["activity"]["nodes"][0]["changes"]
    assert len(change["after"]) == 501


async def test_a_body_that_does_not_arrive_is_not_waited_for(database: Database, bound: Bound) -> None:
    async def slowly() -> Any:
        yield b'{"query": "'
        await asyncio.sleep(5)

    async with serving(database, bound, requests=RequestLimits(body_seconds=0)) as served:
        transport = httpx.ASGITransport(served.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            sent = client.post("/graphql", content=slowly(), headers={"content-type": "application/json"})
            assert (await asyncio.wait_for(sent, 3)).status_code == 408


async def test_a_slash_too_many_leads_nowhere(api: Api) -> None:
    answer = await api.client.post("/graphql/", json={}, headers={"host": "evil.example"})
    assert answer.status_code == 404


# The clock


async def test_the_clock_never_comes_where_instants_end(api: Api, clock: FrozenClock) -> None:
    """Nothing is renewed on the way: that would be the invoices of two centuries."""
    for person in (OWNER, FREE):
        await alone(api, person)
    token = await api.token()
    for year in range(2028, 2202, 2):
        answer = await api.ask(ADVANCE, {"to": f"{year}-01-01T00:00:00Z"}, token=token)
        assert answer.data["sandboxClockAdvance"]["userErrors"] == [], year
    for to in ("2201-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        answer = await api.ask(ADVANCE, {"to": to}, token=token)
        assert answer.data["sandboxClockAdvance"]["userErrors"] == [{"code": "INVALID", "field": ["input", "to"]}]
    clock.move(timedelta(days=400))
    signed_in = await api.ask(SIGN_IN, {"email": OWNER.email, "password": PASSWORD})
    assert signed_in.data["sessionCreate"]["userErrors"] == []


# Sessions


async def test_who_signs_in_acts_as_themselves_from_there_on(api: Api) -> None:
    document = """mutation($email: EmailAddress!, $password: String!) {
      sessionCreate(input: {email: $email, password: $password, transport: BEARER}) { session { id } }
      profileUpdate(input: {identity: {city: "Lyon"}}) { profile { id } } }"""
    await api.ask(document, {"email": FREE.email, "password": PASSWORD}, token=await api.token(OWNER))
    (updated,) = [row for row in await api.rows(ActivityEvent) if row.kind == "profile.updated"]
    opened = max(await api.rows(Session), key=lambda row: row.id)
    assert (updated.owner_id, updated.actor_id, updated.session_id) == (FREE.key, FREE.key, opened.id)


async def test_a_session_that_is_ended_does_nothing_more(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document under way goes on until its next change, which is refused."""
    update = profile.update

    async def ended_meanwhile(*given: Any, **named: Any) -> Any:
        async with api.database.writing() as connection:
            await connection.exec_driver_sql("UPDATE session SET ended_at = created_at")
        return await update(*given, **named)

    monkeypatch.setattr(profile, "update", ended_meanwhile)
    before = await api.rows(Profile)
    document = 'mutation { profileUpdate(input: {identity: {city: "Lyon"}}) { userErrors { code } } }'
    answer = await api.ask(document, token=await api.token())
    assert answer.codes == ["UNAUTHENTICATED"]
    assert await api.rows(Profile) == before


async def test_a_cookie_is_kept_or_taken_with_its_own_session(api: Api) -> None:
    document = """mutation($email: EmailAddress!, $password: String!) {
      sessionCreate(input: {email: $email, password: $password}) { session { id } }
      sessionDelete(input: {}) { deletedIds } }"""
    answer = await api.ask(document, {"email": OWNER.email, "password": PASSWORD})
    assert answer.data["sessionDelete"]["deletedIds"]
    assert "set-cookie" not in answer.headers


async def test_a_password_is_hashed_anew_when_parameters_rise(api: Api, database: Database, bound: Bound) -> None:
    """PRO-4."""
    (before,) = [row.password_hash for row in await api.rows(Profile) if row.id == OWNER.key]
    async with serving(database, bound, rate_limits=False, password_passes=2) as served:
        answer = await served.ask(SIGN_IN, {"email": OWNER.email, "password": PASSWORD})
        assert answer.data["sessionCreate"]["userErrors"] == []
    (after,) = [row.password_hash for row in await api.rows(Profile) if row.id == OWNER.key]
    assert "t=1" in before
    assert "t=2" in after


# Too much at once


async def test_sign_ins_that_queue_are_told_to_come_back() -> None:
    pool = HashingPool(Argon2(memory_kib=8, passes=1, lanes=1), queue=2)
    outcomes = await asyncio.gather(*(pool.hash("x") for _ in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [str, str, Busy, Busy, Busy]
    assert isinstance(await pool.hash("x"), str)
    pool.close()


async def test_a_busy_service_says_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(*_: Any) -> bool:
        raise Busy

    monkeypatch.setattr(HashingPool, "matches", busy)
    answer = await api.ask(SIGN_IN, {"email": OWNER.email, "password": PASSWORD})
    assert answer.codes == ["UNAVAILABLE"]


async def test_one_caller_has_so_many_requests_under_way(
    api: Api, database: Database, bound: Bound, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, other = await api.token(OWNER), await api.token(FREE)
    rows = Performance.rows

    async def slowly(self: Performance, *asked: Any) -> Any:
        """As one that reads much: it lets others come in meanwhile."""
        await asyncio.sleep(0.05)
        return await rows(self, *asked)

    monkeypatch.setattr(Performance, "rows", slowly)
    async with serving(database, bound, operations_at_once=2) as served:
        answers = await asyncio.gather(
            *(served.ask("{ viewer { id } }", token=token) for _ in range(8)),
            served.ask("{ viewer { id } }", token=other),
        )
        statuses = [answer.status for answer in answers]
        assert set(statuses) == {200, 429}
        assert statuses[-1] == 200
        assert (await served.ask("{ viewer { id } }", token=token)).status == 200


async def test_tokens_that_are_guessed_are_counted(database: Database, bound: Bound, api: Api) -> None:
    opened = await api.opened(OWNER, SessionTransport.BEARER)
    async with serving(database, bound, anonymous_per_minute=3) as served:
        async with served.database.writing() as connection:
            await connection.exec_driver_sql("UPDATE session SET ended_at = created_at")
        statuses = [(await served.ask("{ viewer { id } }", token=opened.secret)).status for _ in range(4)]
    assert statuses == [401, 401, 401, 429]
