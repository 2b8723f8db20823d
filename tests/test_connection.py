"""LIM-3. Lists in pages: every item once and in order, whatever comes in between, at the same price however far in."""

import base64
import json
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert

from models.activity import ActivityChannel, ActivityEvent
from models.column import new_id, table
from schema.global_id import global_id
from tests.api import FREE, OWNER, Api, profile_id
from tests.asked import statements
from tests.database import START

EVENT = table(ActivityEvent)
PAGE = """query Page($first: Int, $after: String, $last: Int, $before: String, $filter: ActivityFilter) {
  viewer { activity(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    edges { cursor node { id } } nodes { id }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""
SCREEN = """query Screen($first: Int) { viewer { activity(first: $first) {
  edges { cursor node { id summary actor { displayName } owner { displayName email } subject { __typename id }
    changes { name before after } } }
  pageInfo { hasNextPage endCursor } %s } } }"""
Key = tuple[datetime, UUID]
"""What events are sorted by."""


async def happen(api: Api, instants: Iterable[datetime], owner_id: UUID = OWNER.key) -> list[Key]:
    """Facts at these instants, in the table without anybody having acted."""
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "kind": "profile.updated",
            "occurred_at": at,
            "recorded_at": START,
            "owner_id": owner_id,
            "subject_type": "Profile",
            "subject_id": owner_id,
            "channel": ActivityChannel.SYSTEM,
            "facts": {},
            "changes": {},
        }
        for at in instants
    ]
    async with api.database.writing() as connection:
        await connection.execute(insert(EVENT), rows)
    return [(row["occurred_at"], row["id"]) for row in rows]


async def whole(api: Api, owner_id: UUID = OWNER.key) -> list[Key]:
    """Everything of an owner, newest first."""
    rows = await api.rows(ActivityEvent)
    return sorted(((row.occurred_at, row.id) for row in rows if row.owner_id == owner_id), reverse=True)


def ids(keys: Sequence[Key]) -> list[str]:
    return [global_id("ActivityEvent", key) for _, key in keys]


async def page(api: Api, token: str, **arguments: Any) -> dict[str, Any]:
    """A page, whose parts agree with one another."""
    connection: dict[str, Any] = (await api.ask(PAGE, arguments, token=token)).data["viewer"]["activity"]
    edges = connection["edges"]
    assert [edge["node"] for edge in edges] == connection["nodes"]
    info = connection["pageInfo"]
    ends = (edges[0]["cursor"], edges[-1]["cursor"]) if edges else (None, None)
    assert (info["startCursor"], info["endCursor"]) == ends
    return connection


def shown(connection: dict[str, Any]) -> list[str]:
    return [node["id"] for node in connection["nodes"]]


# Every item once and in order


def instants(chance: random.Random, count: int) -> list[datetime]:
    """Some days, with many at the same microsecond and some a microsecond apart."""
    return [
        START + timedelta(days=chance.randrange(-3, 3), microseconds=chance.choice((0, 0, 0, 1, 999_999)))
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_pages_forwards_make_the_whole_list_while_it_grows(api: Api, seed: int) -> None:
    """What comes in behind the reader is not seen, what comes in ahead is; nothing is seen twice or left out."""
    chance = random.Random(seed)
    token = await api.token(OWNER)
    await happen(api, instants(chance, 40))
    await happen(api, instants(chance, 10), FREE.key)
    read: list[str] = []
    position: Key | None = None
    cursor = None
    while True:
        everything = await whole(api)
        ahead = [key for key in everything if position is None or key < position]
        size = chance.choice((1, 2, 7))
        found = await page(api, token, first=size, after=cursor)
        assert shown(found) == ids(ahead[:size])
        info = found["pageInfo"]
        assert info["hasNextPage"] == (len(ahead) > size)
        assert info["hasPreviousPage"] == (len(ahead) < len(everything))
        read += shown(found)
        if not info["hasNextPage"]:
            break
        cursor, position = info["endCursor"], ahead[size - 1]
        if len(read) < 60:
            await happen(api, instants(chance, chance.randrange(4)) or [START])
    assert len(read) == len(set(read)) > 40


@pytest.mark.parametrize("seed", [4, 5, 6])
async def test_pages_backwards_make_the_whole_list_while_it_grows(api: Api, seed: int) -> None:
    chance = random.Random(seed)
    token = await api.token(OWNER)
    await happen(api, instants(chance, 40))
    read: list[str] = []
    position: Key | None = None
    cursor = None
    while True:
        everything = await whole(api)
        ahead = [key for key in everything if position is None or key > position]
        size = chance.choice((1, 2, 7))
        found = await page(api, token, last=size, before=cursor)
        assert shown(found) == ids(ahead[-size:])
        info = found["pageInfo"]
        assert info["hasPreviousPage"] == (len(ahead) > size)
        assert info["hasNextPage"] == (len(ahead) < len(everything))
        read = shown(found) + read
        if not info["hasPreviousPage"]:
            break
        cursor, position = info["startCursor"], ahead[-size]
        if len(read) < 60:
            await happen(api, instants(chance, chance.randrange(4)) or [START])
    assert len(read) == len(set(read)) > 40


async def test_pages_of_any_size_make_the_same_list_in_both_directions(api: Api) -> None:
    token = await api.token(OWNER)
    await happen(api, instants(random.Random(7), 110))
    expected = ids(await whole(api))
    cursors = set()
    for size in (2, 25, 100):
        for pages in (await forwards(api, token, size), await backwards(api, token, size)):
            edges = [edge for found in pages for edge in found["edges"]]
            assert [edge["node"]["id"] for edge in edges] == expected
            cursors |= {edge["cursor"] for edge in edges}
    assert len(cursors) == len(expected)


async def forwards(api: Api, token: str, size: int) -> list[dict[str, Any]]:
    """All pages, from the first on."""
    pages = [await page(api, token, first=size)]
    while pages[-1]["pageInfo"]["hasNextPage"]:
        pages.append(await page(api, token, first=size, after=pages[-1]["pageInfo"]["endCursor"]))
    return pages


async def backwards(api: Api, token: str, size: int) -> list[dict[str, Any]]:
    """All pages, read from the last on, in the order of the list."""
    pages = [await page(api, token, last=size)]
    while pages[0]["pageInfo"]["hasPreviousPage"]:
        pages.insert(0, await page(api, token, last=size, before=pages[0]["pageInfo"]["startCursor"]))
    return pages


async def test_what_lies_between_two_cursors_is_shown_from_either_end(api: Api) -> None:
    token = await api.token(OWNER)
    await happen(api, instants(random.Random(8), 20))
    edges = (await page(api, token, first=100))["edges"]
    expected = [edge["node"]["id"] for edge in edges]
    bounds = {"after": edges[3]["cursor"], "before": edges[11]["cursor"]}
    assert shown(await page(api, token, **bounds)) == expected[4:11]
    assert shown(await page(api, token, first=3, **bounds)) == expected[4:7]
    assert shown(await page(api, token, last=3, **bounds)) == expected[8:11]
    assert shown(await page(api, token, first=3, before=edges[11]["cursor"])) == expected[:3]
    assert shown(await page(api, token, last=3, after=edges[3]["cursor"])) == expected[-3:]
    assert shown(await page(api, token, after=edges[11]["cursor"], before=edges[3]["cursor"])) == []
    assert shown(await page(api, token, first=1, after=edges[-1]["cursor"])) == []


async def test_a_page_holds_25_where_nothing_is_said_and_none_where_none_is_wanted(api: Api) -> None:
    token = await api.token(OWNER)
    await happen(api, [START] * 30)
    expected = ids(await whole(api))
    for nothing in ({}, {"first": None, "last": None, "after": None, "before": None}):
        assert shown(await page(api, token, **nothing)) == expected[:25]
    cursor = (await page(api, token, first=10))["pageInfo"]["endCursor"]
    assert shown(await page(api, token, after=cursor)) == expected[10:]
    for arguments, more in (({"first": 0}, "hasNextPage"), ({"last": 0}, "hasPreviousPage")):
        empty = await page(api, token, **arguments)
        assert empty["nodes"] == []
        assert empty["pageInfo"][more] is True


async def test_an_empty_list_has_an_empty_page(api: Api) -> None:
    token = await api.token(OWNER)
    found = await page(api, token, filter={"action": "account."})
    assert found["nodes"] == []
    assert (found["pageInfo"]["hasNextPage"], found["pageInfo"]["hasPreviousPage"]) == (False, False)


async def test_a_position_does_not_need_the_item_that_stood_there(api: Api) -> None:
    """A cursor under another filter, or in the list of another profile, is a place in the order of that list."""
    token, other = await api.token(OWNER), await api.token(FREE)
    middle = datetime(2026, 6, 1, tzinfo=UTC)
    await happen(api, [middle])
    older, newer = await happen(api, [middle - timedelta(days=1), middle + timedelta(days=1)], FREE.key)
    given = {"filter": {"action": "profile.updated"}}
    cursor = (await page(api, token, **given))["pageInfo"]["endCursor"]
    assert shown(await page(api, other, after=cursor, **given)) == ids([older])
    assert shown(await page(api, other, before=cursor, **given)) == ids([newer])


# What is refused


async def test_page_sizes_out_of_bounds_are_wrong_input(api: Api) -> None:
    token = await api.token(OWNER)
    wrong = [{"first": 101}, {"last": 101}, {"first": -1}, {"last": -1}, {"first": 1, "last": 1}]
    wrong += [{"first": 0, "last": 0}, {"first": 2**31 - 1}, {"first": -(2**31)}, {"first": 2**31}]
    for arguments in wrong:
        answer = await api.ask(PAGE, arguments, token=token)
        assert set(answer.codes) == {"BAD_USER_INPUT"}, (arguments, answer.text)
        assert answer.body.get("data") in (None, {"viewer": {"activity": None}})
    literal = await api.ask("{ viewer { activity(first: 101) { totalCount } } }", token=token)
    assert set(literal.codes) == {"BAD_USER_INPUT"}


def encoded(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


async def test_what_is_no_cursor_is_wrong_input(api: Api) -> None:
    token = await api.token(OWNER)
    await happen(api, [START] * 3)
    cursor = (await page(api, token, first=1))["pageInfo"]["endCursor"]
    at, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    other = next(letter for letter in "AQ" if letter != cursor[0])
    wrong = ["", " ", "x", "é", "null", "[]", "%", profile_id(OWNER), "A" * 5_000, "=" * 4]
    wrong += [cursor[:-3], cursor[1:], other + cursor[1:], cursor + "=", cursor + "A", f" {cursor}", f"{cursor}\n"]
    wrong += [encoded(value) for value in (None, [], {}, "", 0, at, [at], [at, key, key], {"at": at}, [[at, key]])]
    wrong += [encoded(value) for value in ([key, at], [at, 1], [1, key], [None, None], [at, None], [at, [key]])]
    wrong += [encoded([value, key]) for value in ("", "now", at[:10], at[:19], 1e400, 10**400, True, at + "\0", "\0")]
    wrong += [encoded([at, value]) for value in ("", key[:-1], key + "\0", key + "0", "\0" * 36, 10**400, "é")]
    wrong += [encoded(["0000-01-01T00:00:00+00:00", key]), encoded(["10000-01-01T00:00:00+00:00", key])]
    wrong += [encoded(value) for value in (b"\xff\xfe", b"\0", b"[" * 5_000, b'["\\ud800","x"]', b"[1,", b"NaN")]
    taken = []
    for text in wrong:
        for place in ("after", "before"):
            answer = await api.ask(PAGE, {place: text}, token=token)
            if set(answer.codes) != {"BAD_USER_INPUT"}:
                taken.append((place, text[:80], answer.codes))
    assert taken == []


async def test_a_cursor_at_the_end_of_time_is_a_place_like_any_other(api: Api) -> None:
    token = await api.token(OWNER)
    everything = ids(await whole(api))
    none, last = str(UUID(int=0)), str(UUID(int=2**128 - 1))
    for at in ("0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59.999999+00:00"):
        for key in (none, last):
            cursor = encoded([at, key])
            answers = [await api.ask(PAGE, {place: cursor}, token=token) for place in ("after", "before")]
            if answers[0].errors:
                assert [set(answer.codes) for answer in answers] == [{"BAD_USER_INPUT"}] * 2
                continue
            both = [shown(answer.data["viewer"]["activity"]) for answer in answers]
            assert both == ([[], everything] if at.startswith("0001") else [everything, []])


# What it costs


async def test_a_screen_takes_as_many_statements_for_many_items_as_for_few(api: Api) -> None:
    token = await api.token(OWNER)
    counted = []
    for count in (150, 300):
        await happen(api, [START + timedelta(seconds=number) for number in range(1, count)])
        for size in (2, 25, 100):
            with statements(api) as run:
                answer = await api.ask(SCREEN % "", {"first": size}, token=token)
            assert answer.data["viewer"]["activity"]["edges"]
            counted.append(len(run))
    assert len(set(counted)) == 1, counted


async def test_items_are_counted_only_when_asked(api: Api) -> None:
    token = await api.token(OWNER)
    await happen(api, [START + timedelta(seconds=number) for number in range(1, 130)])
    with statements(api) as without:
        await api.ask(SCREEN % "", {"first": 5}, token=token)
    with statements(api) as counting:
        answer = await api.ask(SCREEN % "totalCount", {"first": 5}, token=token)
    assert answer.data["viewer"]["activity"]["totalCount"] == len(await whole(api))
    assert len(counting) == len(without) + 1
    assert not [statement for statement in without if "count(" in statement.lower()]


async def test_the_count_is_of_the_whole_list_under_its_filter(api: Api) -> None:
    token = await api.token(OWNER)
    await happen(api, [START] * 7)
    await happen(api, [START] * 3, FREE.key)
    document = """query Count($filter: ActivityFilter, $after: String) { viewer {
      activity(first: 2, after: $after, filter: $filter) { totalCount pageInfo { endCursor } } } }"""
    given: dict[str, Any] = {"filter": {"action": "profile.updated"}}
    found = (await api.ask(document, given, token=token)).data["viewer"]["activity"]
    assert found["totalCount"] == 7
    given["after"] = found["pageInfo"]["endCursor"]
    assert (await api.ask(document, given, token=token)).data["viewer"]["activity"]["totalCount"] == 7
    alone = await api.ask("{ viewer { activity { totalCount } } }", token=token)
    assert alone.data["viewer"]["activity"]["totalCount"] == len(await whole(api))


async def test_the_price_of_a_page_does_not_grow_with_how_far_in_it_is(api: Api) -> None:
    token = await api.token(OWNER)
    await happen(api, [START + timedelta(seconds=number) for number in range(1, 300)])
    found = await page(api, token, first=100)
    with statements(api) as near:
        await page(api, token, first=10)
    found = await page(api, token, first=100, after=found["pageInfo"]["endCursor"])
    with statements(api) as far:
        await page(api, token, first=10, after=found["pageInfo"]["endCursor"])
    assert len(near) == len(far)
    # SQLAlchemy writes OFFSET 0 beside every LIMIT of SQLite, as a parameter.
    allowed = ("clock_offset", "limit ? offset ?") if api.database.is_sqlite else ("clock_offset",)
    told = " ".join((*near, *far)).lower()
    for words in allowed:
        told = told.replace(words, "")
    assert "offset" not in told
