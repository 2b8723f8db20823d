"""LIM-3. Pages of a connection: together they are the whole list, and none costs more for being far in it."""

from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import select

from app.demo import seed
from app.passwords import HashingPool
from engine.bind import Bound
from models.clock import FrozenClock
from models.column import table
from models.db import Database, Db
from models.profile import Profile
from models.sqlite import library
from tests.api import OWNER, Api, serving
from tests.database import SqliteFiles

PAGE = """query Page($first: Int, $after: String, $last: Int, $before: String) { viewer {
  activity(first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { id } edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""


async def recorded(database: Database, times: int) -> None:
    """Facts about the owner, all of one instant: their ids alone tell them apart."""
    async with Db(database) as db, db.write() as write:
        owner = await write.lock_one(select(Profile).where(table(Profile).c.id == OWNER.key))
        assert owner is not None
        for _ in range(times):
            write.record.happened("profile.updated", owner)


async def page(api: Api, token: str, **arguments: Any) -> dict[str, Any]:
    answer = await api.ask(PAGE, arguments, token=token)
    activity: dict[str, Any] = answer.data["viewer"]["activity"]
    return activity


def ids(activity: dict[str, Any]) -> list[str]:
    return [node["id"] for node in activity["nodes"]]


async def test_pages_forwards_are_the_whole_list_once(api: Api) -> None:
    await recorded(api.database, 20)
    token = await api.token(OWNER)
    whole, walked, after = await page(api, token, first=100), [], None
    while after is not False:
        part = await page(api, token, first=7, after=after)
        walked += ids(part)
        after = part["pageInfo"]["hasNextPage"] and part["pageInfo"]["endCursor"]
    assert walked == ids(whole)
    assert len(walked) == whole["totalCount"] == 22
    assert not whole["pageInfo"]["hasNextPage"]


async def test_pages_backwards_are_the_same_list(api: Api) -> None:
    await recorded(api.database, 20)
    token = await api.token(OWNER)
    whole: list[str] = ids(await page(api, token, first=100))
    walked: list[str] = []
    before = None
    while before is not False:
        part = await page(api, token, last=7, before=before)
        walked = ids(part) + walked
        before = part["pageInfo"]["hasPreviousPage"] and part["pageInfo"]["startCursor"]
    assert walked == whole


async def test_what_is_added_meanwhile_moves_no_page(api: Api) -> None:
    await recorded(api.database, 10)
    token = await api.token(OWNER)
    whole = ids(await page(api, token, first=100))
    first = await page(api, token, first=5)
    await recorded(api.database, 3)
    second = await page(api, token, first=5, after=first["pageInfo"]["endCursor"])
    assert ids(first) + ids(second) == whole[:10]


async def test_a_page_holds_25_where_nothing_is_said_and_100_at_most(api: Api) -> None:
    await recorded(api.database, 110)
    token = await api.token(OWNER)
    assert len(ids(await page(api, token))) == 25
    assert len(ids(await page(api, token, first=100))) == 100
    assert ids(await page(api, token, first=0)) == []


@pytest.mark.parametrize(
    "arguments", [{"first": 101}, {"last": 101}, {"first": -1}, {"first": 1, "last": 1}, {"after": "nonsense"}]
)
async def test_an_impossible_page_is_wrong_input(api: Api, arguments: dict[str, Any]) -> None:
    answer = await api.ask(PAGE, arguments, token=await api.token(OWNER))
    assert answer.codes == ["BAD_USER_INPUT"]
    assert answer.body["data"]["viewer"]["activity"] is None


async def test_a_page_far_in_is_found_through_the_index(
    sqlite_databases: SqliteFiles, clock: FrozenClock, bound: Bound, hashing: HashingPool
) -> None:
    async with sqlite_databases.migrated() as url:
        database = Database(url, clock=clock, sandbox=True)
        await seed(database, hashing)
        await recorded(database, 10)
        statements: list[tuple[str, Any]] = []
        event.listen(
            database.readers.sync_engine, "before_cursor_execute", lambda _c, _k, *sent: statements.append(sent[:2])
        )
        async with serving(database, bound, rate_limits=False) as api:
            token = await api.token(OWNER)
            first = await page(api, token, first=5)
            await page(api, token, first=5, after=first["pageInfo"]["endCursor"])
        statement, parameters = next(sent for sent in reversed(statements) if "ORDER BY activity_event" in sent[0])
        plan = library.connect(str(database.url.database)).execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        steps = " ".join(step for *_, step in plan.fetchall())
        await database.close()
    assert "ix_activity_event_owner (owner_id=? AND occurred_at<?)" in steps
    assert "TEMP B-TREE" not in steps
