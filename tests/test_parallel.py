"""Requests that ask for several things at once: of one database connection, cold or warm, on both databases."""

import asyncio

from sqlalchemy import update

from models.column import table
from models.db import Database, Db
from models.sandbox import ClockOffset
from tests.api import OWNER, Api, profile_id, serving

ROOTS = """query Roots($id: ID!) {
  a: viewer { id activity(first: 2) { totalCount nodes { actor { displayName } } } } b: viewer { email }
  session { id } sandbox { now } rateLimit { cost } node(id: $id) { id } nodes(ids: [$id, "unknown"]) { id } }"""


async def test_parallel_root_fields_share_one_connection_of_a_cold_pool(api: Api) -> None:
    token = await api.token(OWNER)
    cold = Database(
        api.database.url.render_as_string(hide_password=False),
        clock=api.database.clock,
        sandbox=True,
        pool_size=1,
        pool_overflow=0,
        pre_ping=True,
    )
    async with serving(cold, api.bound, rate_limits=False) as served:
        answers = await asyncio.gather(*(served.ask(ROOTS, {"id": profile_id(OWNER)}, token=token) for _ in range(20)))
    await cold.close()
    for answer in answers:
        data = answer.data
        assert data["a"]["id"] == data["node"]["id"] == data["nodes"][0]["id"] == profile_id(OWNER)
        assert data["b"]["email"] == "owner@example.org"
        assert data["nodes"][1] is None
        assert data["a"]["activity"]["nodes"][0]["actor"]["displayName"] == "Atelier Exemple"


async def test_what_a_mutation_answers_is_read_after_its_commit_by_everybody(api: Api) -> None:
    token = await api.token(OWNER)
    document = """mutation Set($city: String) { profileUpdate(input: {identity: {city: $city}}) {
      profile { identity { city } } query { viewer { identity { city } } } userErrors { code } } }"""
    answers = await asyncio.gather(*(api.ask(document, {"city": f"City {n}"}, token=token) for n in range(10)))
    for number, answer in enumerate(answers):
        payload = answer.data["profileUpdate"]
        assert payload["userErrors"] == []
        assert payload["profile"] == payload["query"]["viewer"], number


async def test_forty_tasks_on_one_row_lose_no_update(api: Api) -> None:
    offsets = table(ClockOffset)

    async def add() -> None:
        async with Db(api.database) as db:
            await db.note(update(offsets).values(microseconds=offsets.c.microseconds + 1))

    await asyncio.gather(*(add() for _ in range(40)))
    (row,) = await api.rows(ClockOffset)
    assert row.microseconds == 40
