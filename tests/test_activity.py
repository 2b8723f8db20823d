"""PRO-15. What happened to what a profile owns: who did it, from where, and what changed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import DBAPIError

from models.activity import ActivityChannel, ActivityEvent
from models.column import new_id, table
from models.conflict import Conflict
from models.session import SessionTransport
from schema.global_id import global_id
from tests.api import DELEGATE, FREE, OWNER, PASSWORD, TECH, Api, profile_id
from tests.database import START

EVENT = table(ActivityEvent)
ACTIVITY = """query Activity($filter: ActivityFilter) { viewer { activity(first: 100, filter: $filter) { nodes {
  id occurredAt action summary channel ipAddress owner { id } changes { name before after }
  subject { __typename id } actor { __typename displayName ... on Profile { id } } } totalCount } } }"""
EVENTS = "query Ids($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on ActivityEvent { id action } } }"
UPDATE = "mutation Update($input: ProfileUpdateInput!) { profileUpdate(input: $input) { userErrors { code } } }"
MICROSECOND = timedelta(microseconds=1)


async def happen(api: Api, *, at: datetime = START, kind: str = "profile.updated", **values: Any) -> UUID:
    """A fact that is in the history without anybody having acted; of the owner where nothing else is said."""
    row = {
        "id": new_id(),
        "kind": kind,
        "occurred_at": at,
        "recorded_at": START,
        "owner_id": OWNER.key,
        "subject_type": "Profile",
        "subject_id": OWNER.key,
        "channel": ActivityChannel.SYSTEM,
        "facts": {},
        "changes": {},
        **values,
    }
    async with api.database.writing() as connection:
        await connection.execute(insert(EVENT).values(row))
    key: UUID = row["id"]
    return key


async def history(api: Api, token: str, **criteria: Any) -> list[dict[str, Any]]:
    """What the viewer reads under a filter."""
    data = (await api.ask(ACTIVITY, {"filter": criteria or None}, token=token)).data
    connection = data["viewer"]["activity"]
    nodes: list[dict[str, Any]] = connection["nodes"]
    assert connection["totalCount"] == len(nodes)
    return nodes


def ids(keys: Sequence[UUID]) -> list[str]:
    return [global_id("ActivityEvent", key) for key in keys]


def shown(nodes: list[dict[str, Any]]) -> list[str]:
    return [node["id"] for node in nodes]


# What an event tells


async def test_an_event_tells_who_did_what_from_where_and_what_changed(api: Api) -> None:
    token = await api.token(OWNER)
    await api.ask(UPDATE, {"input": {"kind": "NON_PROFIT", "identity": {"city": "Lyon", "phone": None}}}, token=token)
    event = (await history(api, token))[0]
    changes = {change.pop("name"): change for change in event.pop("changes")}
    assert event == {
        "id": event["id"],
        "occurredAt": "2026-11-22T09:00:00Z",
        "action": "profile.updated",
        "summary": event["summary"],
        "channel": "SESSION",
        "ipAddress": "127.0.0.1",
        "owner": {"id": profile_id(OWNER)},
        "subject": {"__typename": "Profile", "id": profile_id(OWNER)},
        "actor": {"__typename": "Profile", "displayName": "Atelier Exemple", "id": profile_id(OWNER)},
    }
    assert changes == {
        "kind": {"before": "COMPANY", "after": "NON_PROFIT"},
        "city": {"before": "Paris", "after": "Lyon"},
    }
    (row,) = [row for row in await api.rows(ActivityEvent) if row.kind == "profile.updated"]
    opened = [row for row in await api.rows(ActivityEvent) if row.kind == "session.opened"]
    assert row.session_id == opened[-1].subject_id


async def test_what_changed_has_the_name_that_clients_know_it_by(api: Api) -> None:
    token = await api.token(OWNER)
    given = {"vatNumber": None, "streetLines": ["1 rue A", "Bât. B"], "firstName": "Dominique"}
    await api.ask(UPDATE, {"input": {"identity": given}}, token=token)
    changes = (await history(api, token))[0]["changes"]
    assert sorted(change["name"] for change in changes) == sorted(given)
    after = {change["name"]: change["after"] for change in changes}
    assert after["vatNumber"] is None
    assert "1 rue A" in after["streetLines"]


async def test_no_secret_is_told(api: Api) -> None:
    document = """mutation { sessionCreate(input: {email: "%s", password: "%s", transport: BEARER}) {
      credentials { accessToken refreshToken } } }"""
    credentials = (await api.ask(document % (OWNER.email, PASSWORD))).data["sessionCreate"]["credentials"]
    answer = await api.ask(ACTIVITY, token=credentials["accessToken"])
    assert answer.data["viewer"]["activity"]["nodes"][0]["action"] == "session.opened"
    for secret in (PASSWORD, *credentials.values()):
        assert secret not in answer.text
        assert secret not in repr(await api.rows(ActivityEvent))


async def test_the_sentence_is_in_the_language_of_the_reader(api: Api) -> None:
    french = await history(api, await api.token(OWNER), action="session.opened")
    english = await history(api, await api.token(FREE), action="session.opened")
    assert english[0]["summary"] == "Signed in"
    assert french[0]["summary"] == "Connexion"


async def test_actors_are_named_as_far_as_the_reader_may_know_them(api: Api) -> None:
    for actor in (OWNER.key, FREE.key, new_id()):
        await happen(api, actor_id=actor, channel=ActivityChannel.SESSION)
    await happen(api, actor_id=None, channel=ActivityChannel.SYSTEM)
    nodes = await history(api, await api.token(OWNER), action="profile.updated")
    service, gone, stranger, oneself = (node["actor"] for node in nodes)
    assert oneself["id"] == profile_id(OWNER)
    assert [stranger["__typename"], gone["__typename"], service["__typename"]] == [
        "HiddenActor",
        "HiddenActor",
        "SystemActor",
    ]
    assert "Kim" not in stranger["displayName"]
    assert all(actor["displayName"] for actor in (service, gone, stranger))


async def test_a_subject_that_is_gone_or_out_of_sight_is_null(api: Api) -> None:
    foreign = await api.opened(FREE)
    own = await api.opened(OWNER)
    subjects = [
        ("Session", own.session.id),
        ("Profile", OWNER.key),
        ("Profile", FREE.key),
        ("Profile", new_id()),
        ("Session", foreign.session.id),
        ("Account", new_id()),
    ]
    for kind, key in subjects:
        await happen(api, subject_type=kind, subject_id=key)
    found = [node["subject"] for node in await history(api, own.secret, action="profile.updated")]
    assert found == [
        None,
        None,
        None,
        None,
        {"__typename": "Profile", "id": profile_id(OWNER)},
        {"__typename": "Session", "id": global_id("Session", own.session.id)},
    ]


# Order and time


async def test_the_newest_comes_first(api: Api) -> None:
    hours = (3, 1, 2, 1, 0)
    keys = [await happen(api, at=START + timedelta(hours=hour)) for hour in hours]
    found = await history(api, await api.token(OWNER), action="profile.updated")
    assert shown(found) == ids([keys[0], keys[2], keys[3], keys[1], keys[4]])


async def test_events_happen_in_business_time_and_the_real_time_is_kept(api: Api) -> None:
    token = await api.token(OWNER)
    clock = 'mutation { sandboxClockAdvance(input: {to: "2027-06-01T12:00:00Z"}) { userErrors { code } } }'
    await api.ask(clock, token=token)
    await api.ask(UPDATE, {"input": {"identity": {"city": "Lyon"}}}, token=token)
    found = await history(api, token)
    assert [(node["action"], node["occurredAt"]) for node in found[:2]] == [
        ("profile.updated", "2027-06-01T12:00:00Z"),
        ("sandbox.clock_advanced", "2027-06-01T12:00:00Z"),
    ]
    (row,) = [row for row in await api.rows(ActivityEvent) if row.kind == "profile.updated"]
    assert (row.occurred_at, row.recorded_at) == (datetime(2027, 6, 1, 12, tzinfo=UTC), START)


# Filters


async def test_actions_are_found_by_code_and_by_prefix(api: Api) -> None:
    token = await api.token(OWNER)
    kinds = ("profile.updated", "profile.created", "session.opened", "session.others_closed", "session.closed")
    for number, kind in enumerate(kinds):
        await happen(api, kind=kind, at=START + timedelta(seconds=1 + number))

    async def kept(action: str) -> set[str]:
        return {node["action"] for node in await history(api, token, action=action)}

    assert await kept("session.opened") == {"session.opened"}
    assert await kept("session.") == {"session.opened", "session.others_closed", "session.closed"}
    assert await kept("profile.") == {"profile.updated", "profile.created"}
    for nothing in (
        "account.",
        "%",
        "session_",
        "s%",
        "%.opened",
        "SESSION.",
        "session.opened ",
        "\\",
        "'",
        "session.*",
    ):
        assert await kept(nothing) == set(), nothing


async def test_events_are_found_by_their_subject(api: Api) -> None:
    own = await api.opened(OWNER)
    foreign = await api.opened(FREE)
    session = global_id("Session", own.session.id)
    assert {node["action"] for node in await history(api, own.secret, subjectId=session)} == {"session.opened"}
    assert {node["action"] for node in await history(api, own.secret, subjectId=profile_id(OWNER))} == {
        "profile.created"
    }
    for unknown in (global_id("Session", foreign.session.id), global_id("Session", OWNER.key), profile_id(FREE)):
        assert await history(api, own.secret, subjectId=unknown) == []


async def test_all_criteria_hold_together(api: Api) -> None:
    token = await api.token(OWNER)
    wanted = await happen(api, at=datetime(2026, 5, 1, 12, tzinfo=UTC))
    await happen(api, at=datetime(2026, 5, 2, 12, tzinfo=UTC))
    await happen(api, at=datetime(2026, 5, 1, 12, tzinfo=UTC), kind="session.closed")
    await happen(api, at=datetime(2026, 5, 1, 12, tzinfo=UTC), subject_id=FREE.key)
    found = await history(
        api,
        token,
        action="profile.",
        subjectId=profile_id(OWNER),
        occurred={"from": "2026-05-01", "to": "2026-05-01"},
    )
    assert shown(found) == ids([wanted])


@pytest.mark.parametrize(
    ("day", "start", "hours"),
    [
        ("2026-07-14", datetime(2026, 7, 13, 22, tzinfo=UTC), 24),
        ("2026-12-31", datetime(2026, 12, 30, 23, tzinfo=UTC), 24),
        ("2026-03-29", datetime(2026, 3, 28, 23, tzinfo=UTC), 23),
        ("2026-10-25", datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
    ],
    ids=["summer", "winter", "into summer time", "out of summer time"],
)
async def test_days_are_those_of_paris(api: Api, day: str, start: datetime, hours: int) -> None:
    token = await api.token(FREE)
    end = start + timedelta(hours=hours)
    before, first, last, after = [
        await happen(api, at=at, owner_id=FREE.key) for at in (start - MICROSECOND, start, end - MICROSECOND, end)
    ]

    async def kept(**days: str) -> list[str]:
        return shown(await history(api, token, action="profile.updated", occurred=days))

    assert await kept(**{"from": day, "to": day}) == ids([last, first])
    assert await kept(**{"from": day}) == ids([after, last, first])
    assert await kept(to=day) == ids([last, first, before])
    assert await kept() == ids([after, last, first, before])


async def test_days_without_a_day_beside_them_are_out_of_range(api: Api) -> None:
    """The first and the last day of the calendar begin or end, in Paris, where there is no instant."""
    token = await api.token(OWNER)
    everything = len(await history(api, token))
    assert len(await history(api, token, occurred={"from": "0001-01-02", "to": "9999-12-30"})) == everything
    for nothing in ({"from": "9999-12-30"}, {"to": "0001-01-02"}, {"from": "2027-01-02", "to": "2027-01-01"}):
        assert await history(api, token, occurred=nothing) == [], nothing
    for outside in ({"from": "0001-01-01"}, {"to": "9999-12-31"}):
        answer = await api.ask(ACTIVITY, {"filter": {"occurred": outside}}, token=token)
        assert answer.codes in ([], ["BAD_USER_INPUT"]), outside


async def test_what_is_no_date_is_wrong_input(api: Api) -> None:
    token = await api.token(OWNER)
    wrong = (
        "2026-02-30",
        "26-01-01",
        "2026-1-1",
        "20260101",
        "2026-W01-1",
        "2026-11-22T00:00:00Z",
        " 2026-01-01",
        "",
        1,
    )
    taken = []
    for date in wrong:
        answer = await api.ask(ACTIVITY, {"filter": {"occurred": {"from": date}}}, token=token)
        if (answer.status, set(answer.codes)) != (422, {"BAD_USER_INPUT"}):
            taken.append(date)
    assert taken == []


async def test_what_is_no_id_is_wrong_input(api: Api) -> None:
    token = await api.token(OWNER)
    for wrong in ("", "garbage", "=", "QQ==", OWNER.email, str(OWNER.key), "é", "A" * 5_000):
        answer = await api.ask(ACTIVITY, {"filter": {"subjectId": wrong}}, token=token)
        assert set(answer.codes) == {"BAD_USER_INPUT"}, wrong


async def test_a_nul_in_a_document_is_text_like_any_other(api: Api) -> None:
    """PostgreSQL has no such character: it must not be asked for one."""
    document = 'query { viewer { activity(filter: {action: "\\u0000"}) { totalCount } } }'
    answer = await api.ask(document, token=await api.token(OWNER))
    assert answer.codes in ([], ["BAD_USER_INPUT"], ["BAD_REQUEST"])
    if not answer.errors:
        assert answer.data["viewer"]["activity"]["totalCount"] == 0


# Who may not


async def test_nobody_else_reads_it(api: Api) -> None:
    event = await happen(api)
    profile = """query Of($id: ID!) { node(id: $id) { ... on Profile { activity(first: 1) { totalCount } } } }"""
    for person, codes in ((FREE, []), (DELEGATE, ["FORBIDDEN"]), (TECH, ["FORBIDDEN"])):
        token = await api.token(person)
        assert (await api.ask(EVENTS, {"ids": ids([event])}, token=token)).data["nodes"] == [None]
        answer = await api.ask(profile, {"id": profile_id(OWNER)}, token=token)
        assert (answer.codes, answer.body["data"]["node"]) == (codes, {"activity": None} if codes else None)
        assert ids([event])[0] not in shown(await history(api, token))
    own = await api.ask(EVENTS, {"ids": ids([event])}, token=await api.token(OWNER))
    assert own.data["nodes"][0]["action"] == "profile.updated"


async def test_an_event_is_not_reached_through_what_it_is_about(api: Api) -> None:
    """A fact about somebody's profile, in the history of another: neither sees more than their own side."""
    event = await happen(api, owner_id=FREE.key, subject_id=OWNER.key)
    found = await history(api, await api.token(OWNER), subjectId=profile_id(OWNER))
    assert ids([event])[0] not in shown(found)
    (seen,) = await history(api, await api.token(FREE), action="profile.updated")
    assert seen["subject"] is None


async def test_history_is_never_edited(api: Api) -> None:
    """Not even by who holds the database's connection."""
    await api.opened(OWNER, SessionTransport.COOKIE)
    before = await api.rows(ActivityEvent)
    assert before
    for statement in (update(EVENT).values(ip_address="192.0.2.7"), delete(EVENT)):
        with pytest.raises((DBAPIError, Conflict)):
            async with api.database.writing() as connection:
                await connection.execute(statement)
    assert await api.rows(ActivityEvent) == before
