"""PRO-8. Signing in and out, and how long it lasts."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from app.credential import CSRF, SESSION
from app.setting_check import SANDBOX_SECRET
from engine.bind import Bound
from models.activity import ActivityEvent
from models.clock import FrozenClock
from models.db import Database, Db
from models.profile import Profile
from models.secret import csrf_token, fingerprint
from models.session import Session, SessionMethod, SessionTransport
from models.tables import metadata
from schema.global_id import global_id
from tests.api import DELEGATE, FREE, OWNER, PASSWORD, Answer, Api, profile_id, serving

SIGN_IN = """mutation SignIn($input: SessionCreateInput!) { sessionCreate(input: $input) {
  session { id method current twoFactorVerified ipAddress userAgent createdAt lastSeenAt expiresAt }
  credentials { accessToken refreshToken expiresAt }
  userErrors { __typename code message field }
  query { viewer { id } session { id } } } }"""
SIGN_OUT = """mutation SignOut($input: SessionDeleteInput!) { sessionDelete(input: $input) {
  deletedIds userErrors { __typename code message field } } }"""
WHO = "{ viewer { id } session { id current } }"
CLOCK = "mutation Move($to: DateTime!) { sandboxClockAdvance(input: {to: $to}) { userErrors { code } } }"
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


async def sign_in(api: Api, email: str = OWNER.email, password: str = PASSWORD, **rest: Any) -> Answer:
    """The answer to a sign-in, as a bearer where nothing else is said; the browser's cookies are thrown away."""
    headers = {name: rest.pop(name) for name in ("token", "accept_language", "user_agent") if name in rest}
    given = {"email": email, "password": password, "transport": "BEARER", **rest}
    answer = await api.ask(SIGN_IN, {"input": given}, **headers)
    api.client.cookies.clear()
    return answer


async def signed_in(api: Api, **rest: Any) -> dict[str, Any]:
    payload: dict[str, Any] = (await sign_in(api, **rest)).data["sessionCreate"]
    assert payload["userErrors"] == []
    return payload


async def sign_out(api: Api, token: str, **given: Any) -> dict[str, Any]:
    payload: dict[str, Any] = (await api.ask(SIGN_OUT, {"input": given}, token=token)).data["sessionDelete"]
    return payload


async def is_in(api: Api, token: str) -> bool:
    """Whether a bearer token is still accepted; one that is not is refused in one way only."""
    answer = await api.ask(WHO, token=token)
    if answer.status == 200:
        return answer.data["viewer"] is not None
    assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"])
    assert answer.headers["www-authenticate"] == "Bearer"
    return False


async def session(api: Api, key: Any) -> Session:
    """The row, as the database has it."""
    found: Session = next(row for row in await api.rows(Session) if row.id == key)
    return found


def codes(payload: dict[str, Any]) -> list[tuple[str, list[str] | None]]:
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What argon2 was asked for, one entry for each computation."""
    asked: list[str] = []
    for name in ("hash", "verify"):
        original = getattr(PasswordHasher, name)

        def counted(*values: Any, original: Any = original, name: str = name, **named: Any) -> Any:
            asked.append(name)
            return original(*values, **named)

        monkeypatch.setattr(PasswordHasher, name, counted)
    return asked


# Signing in


async def test_signing_in_as_a_bearer_answers_secrets_that_work(api: Api) -> None:
    payload = await signed_in(api, user_agent="espace-mobile/1.0")
    credentials = payload["credentials"]
    assert payload["session"] == {
        "id": payload["session"]["id"],
        "method": "BEARER",
        "current": True,
        "twoFactorVerified": False,
        "ipAddress": "127.0.0.1",
        "userAgent": "espace-mobile/1.0",
        "createdAt": "2026-11-22T09:00:00Z",
        "lastSeenAt": "2026-11-22T09:00:00Z",
        "expiresAt": "2027-01-21T09:00:00Z",
    }
    assert credentials["expiresAt"] == "2026-11-22T09:30:00Z"
    assert credentials["accessToken"] != credentials["refreshToken"]
    answer = await api.ask(WHO, token=credentials["accessToken"])
    assert answer.data == {
        "viewer": {"id": profile_id(OWNER)},
        "session": {"id": payload["session"]["id"], "current": True},
    }
    assert not await is_in(api, credentials["refreshToken"])


async def test_signing_in_with_cookies_answers_no_secret(api: Api) -> None:
    answer = await api.ask(
        "mutation SignIn($input: SessionCreateInput!) { sessionCreate(input: $input) {"
        " session { method expiresAt } credentials { accessToken } userErrors { code } } }",
        {"input": {"email": OWNER.email, "password": PASSWORD}},
    )
    assert answer.data["sessionCreate"] == {
        "session": {"method": "COOKIE", "expiresAt": "2026-12-06T09:00:00Z"},
        "credentials": None,
        "userErrors": [],
    }
    for secret in api.client.cookies.values():
        assert secret not in answer.text


async def test_what_follows_a_sign_in_in_its_document_is_answered_to_the_new_viewer(api: Api) -> None:
    payload = await signed_in(api, email=FREE.email, token=await api.token(OWNER))
    assert payload["query"] == {"viewer": {"id": profile_id(FREE)}, "session": {"id": payload["session"]["id"]}}


async def test_addresses_are_the_same_in_capitals(api: Api) -> None:
    for email in ("OWNER@EXAMPLE.ORG", "Owner@Example.org"):
        payload = await signed_in(api, email=email)
        assert payload["query"]["viewer"] == {"id": profile_id(OWNER)}


async def test_a_wrong_password_and_an_unknown_address_cannot_be_told_apart(api: Api, hashes: list[str]) -> None:
    """Owner's profile is French: the answer is in the language of who asks, or it would tell the two apart."""
    answers = []
    for email, password in ((OWNER.email, "wrong"), ("nobody@example.org", "wrong"), ("nobody@example.org", PASSWORD)):
        answers.append(await sign_in(api, email, password, accept_language="en"))
        assert hashes == ["verify"]
        hashes.clear()
    await sign_in(api)
    assert hashes == ["verify"]
    assert len({seen(answer) for answer in answers}) == 1
    refused = answers[0].data["sessionCreate"]
    assert codes(refused) == [("INVALID_CREDENTIALS", None)]
    assert (refused["session"], refused["credentials"], refused["query"]["viewer"]) == (None, None, None)
    assert len(await api.rows(Session)) == 1


def seen(answer: Answer) -> tuple[Any, ...]:
    """All that came, but for what differs between any two requests."""
    headers = tuple((name, value) for name, value in answer.headers.items() if name != "x-request-id")
    return answer.status, headers, re.sub(r'"resetAt":"[^"]+"', "", answer.text)


async def test_a_refused_sign_in_speaks_the_language_of_who_asks(api: Api) -> None:
    messages = {}
    for language in ("fr", "en"):
        answer = await sign_in(api, password="wrong", accept_language=language)
        messages[language] = answer.data["sessionCreate"]["userErrors"][0]["message"]
    assert "adresse" in messages["fr"]
    assert "address" in messages["en"]


async def test_what_is_no_address_is_refused_as_input_without_a_hash(api: Api, hashes: list[str]) -> None:
    for email in ("", "owner", "x" * 300 + "@example.org", "two@at@example.org"):
        answer = await sign_in(api, email)
        assert (answer.status, answer.codes) == (422, ["BAD_USER_INPUT"])
    assert hashes == []


async def test_any_text_may_be_tried_as_a_password(api: Api) -> None:
    for password in ("", " ", "é" * 5_000, PASSWORD + " ", PASSWORD.upper()):
        answer = await sign_in(api, password=password)
        assert codes(answer.data["sessionCreate"]) == [("INVALID_CREDENTIALS", None)]


@pytest.mark.parametrize("first", [PASSWORD, "wrong"])
async def test_a_request_carries_one_guess(api: Api, hashes: list[str], first: str) -> None:
    document = """mutation Guess($first: SessionCreateInput!, $second: SessionCreateInput!) {
      first: sessionCreate(input: $first) { session { id } userErrors { code } }
      second: sessionCreate(input: $second) { session { id } credentials { accessToken } userErrors { code } } }"""
    answer = await api.ask(
        document,
        {
            "first": {"email": OWNER.email, "password": first, "transport": "BEARER"},
            "second": {"email": FREE.email, "password": PASSWORD, "transport": "BEARER"},
        },
    )
    assert answer.data["second"] == {
        "session": None,
        "credentials": None,
        "userErrors": [{"code": "TOO_MANY_ATTEMPTS"}],
    }
    assert hashes == ["verify"]
    owners = [row.profile_id for row in await api.rows(Session)]
    assert owners == ([OWNER.key] if first == PASSWORD else [])


async def test_no_secret_is_stored(api: Api) -> None:
    credentials = (await signed_in(api))["credentials"]
    await api.ask(SIGN_IN, {"input": {"email": FREE.email, "password": PASSWORD, "transport": "COOKIE"}})
    secrets = [PASSWORD, credentials["accessToken"], credentials["refreshToken"], *api.client.cookies.values()]
    assert len(secrets) == 5
    async with Db(api.database) as db:
        stored = [repr(await db.rows(select(table))) for table in metadata.sorted_tables]
    assert any(fingerprint(credentials["accessToken"]) in rows for rows in stored)
    assert [secret for secret in secrets for rows in stored if secret in rows] == []


async def test_signing_in_beyond_the_limit_closes_the_one_unused_for_longest(
    api: Api, database: Database, bound: Bound, clock: FrozenClock
) -> None:
    foreign = await api.opened(FREE)
    opened = []
    for _ in range(3):
        clock.move(MINUTE)
        opened.append(await api.opened(OWNER))
    clock.move(2 * MINUTE)
    assert await is_in(api, opened[0].secret)
    clock.move(2 * MINUTE)
    async with serving(database, bound, rate_limits=False, sessions_per_profile=3) as limited:
        await signed_in(limited)
    assert [await is_in(api, each.secret) for each in opened] == [True, False, True]
    assert await is_in(api, foreign.secret)


async def test_the_limit_holds_for_those_who_sign_in_at_once(api: Api, database: Database, bound: Bound) -> None:
    async with serving(database, bound, rate_limits=False, sessions_per_profile=2) as limited:
        answers = await asyncio.gather(*(sign_in(limited) for _ in range(6)))
    assert [answer.data["sessionCreate"]["userErrors"] for answer in answers] == [[]] * 6
    assert len([row for row in await api.rows(Session) if row.ended_at is None]) == 2


async def test_signing_in_and_out_is_on_record(api: Api) -> None:
    before = {row.id for row in await api.rows(ActivityEvent)}
    payload = await signed_in(api)
    await sign_out(api, payload["credentials"]["accessToken"])
    told = sorted((row for row in await api.rows(ActivityEvent) if row.id not in before), key=lambda row: row.id)
    assert [(row.kind, row.owner_id, row.actor_id) for row in told] == [
        ("session.opened", OWNER.key, OWNER.key),
        ("session.closed", OWNER.key, OWNER.key),
    ]
    key = (await api.rows(Session))[0].id
    assert (told[0].subject_id, told[1].subject_id, told[1].session_id) == (key, key, key)


# Signing out


async def test_who_signs_out_is_refused_from_the_next_request_on(api: Api) -> None:
    opened, other = await api.opened(OWNER), await api.opened(OWNER)
    payload = await sign_out(api, opened.secret)
    assert payload == {"deletedIds": [global_id("Session", opened.session.id)], "userErrors": []}
    assert not await is_in(api, opened.secret)
    assert await is_in(api, other.secret)


async def test_what_follows_a_sign_out_in_its_document_is_answered_to_nobody(api: Api) -> None:
    document = """mutation { sessionDelete(input: {}) { userErrors { code } query { viewer { id } session { id } } }
      profileUpdate(input: {identity: {city: "Lyon"}}) { userErrors { code } } }"""
    answer = await api.ask(document, token=await api.token(FREE))
    assert answer.body["data"] == {
        "sessionDelete": {"userErrors": [], "query": {"viewer": None, "session": None}},
        "profileUpdate": None,
    }
    assert answer.codes == ["UNAUTHENTICATED"]
    assert next(row.city for row in await api.rows(Profile) if row.id == FREE.key) == "Berlin"


async def test_one_other_session_is_closed_by_its_id(api: Api) -> None:
    opened, other = await api.opened(OWNER), await api.opened(OWNER, SessionTransport.COOKIE)
    wanted = global_id("Session", other.session.id)
    assert await sign_out(api, opened.secret, sessionId=wanted) == {"deletedIds": [wanted], "userErrors": []}
    assert (await session(api, other.session.id)).ended_at is not None
    assert await is_in(api, opened.secret)
    again = await sign_out(api, opened.secret, sessionId=wanted)
    assert codes(again) == [("NOT_FOUND", ["input", "sessionId"])]


async def test_a_session_that_two_close_at_once_is_closed_once(api: Api) -> None:
    opened, other = await api.opened(OWNER), await api.opened(OWNER)
    wanted = global_id("Session", other.session.id)
    answers = await asyncio.gather(*(sign_out(api, opened.secret, sessionId=wanted) for _ in range(4)))
    assert sorted(len(answer["userErrors"]) for answer in answers) == [0, 1, 1, 1]
    closed = [row for row in await api.rows(ActivityEvent) if row.kind == "session.closed"]
    assert [row.subject_id for row in closed] == [other.session.id]


async def test_all_others_are_closed_and_nobody_elses(api: Api) -> None:
    opened, foreign = await api.opened(OWNER), await api.opened(FREE)
    others = [await api.opened(OWNER), await api.opened(OWNER, SessionTransport.COOKIE)]
    payload = await sign_out(api, opened.secret, allOthers=True, sessionId=None)
    assert sorted(payload["deletedIds"]) == sorted(global_id("Session", each.session.id) for each in others)
    assert [(await session(api, each.session.id)).ended_at is None for each in (opened, foreign, *others)] == [
        True,
        True,
        False,
        False,
    ]
    assert (await sign_out(api, opened.secret, allOthers=True))["deletedIds"] == []


async def test_somebody_elses_session_is_as_unknown_as_none(api: Api) -> None:
    token, foreign = await api.token(OWNER), await api.opened(FREE)
    before, facts = await api.rows(Session), len(await api.rows(ActivityEvent))
    answers = {
        seen(await api.ask(SIGN_OUT, {"input": {"sessionId": unknown}}, token=token))
        for unknown in (
            global_id("Session", foreign.session.id),
            global_id("Session", OWNER.key),
            profile_id(OWNER),
            "garbage",
            "",
        )
    }
    assert len(answers) == 1
    payload = await sign_out(api, token, sessionId=global_id("Session", foreign.session.id))
    assert payload["deletedIds"] is None
    assert codes(payload) == [("NOT_FOUND", ["input", "sessionId"])]
    assert await api.rows(Session) == before
    assert len(await api.rows(ActivityEvent)) == facts


async def test_one_session_and_all_others_are_not_named_at_once(api: Api) -> None:
    opened, other = await api.opened(OWNER), await api.opened(OWNER)
    before = await api.rows(Session)
    payload = await sign_out(api, opened.secret, sessionId=global_id("Session", other.session.id), allOthers=True)
    assert payload["deletedIds"] is None
    assert [code for code, _ in codes(payload)] == ["INVALID"]
    assert await api.rows(Session) == before


async def test_signing_out_needs_a_session(api: Api) -> None:
    await api.opened(OWNER)
    answer = await api.ask(SIGN_OUT, {"input": {"allOthers": True}})
    assert answer.codes == ["UNAUTHENTICATED"]
    assert answer.body["data"] == {"sessionDelete": None}
    assert (await api.rows(Session))[0].ended_at is None


async def test_mutations_of_one_document_stand_and_fall_each_for_itself(api: Api) -> None:
    document = """mutation {
      bad: profileUpdate(input: {kind: COMPANY, identity: {phone: "1"}}) { userErrors { code } }
      good: profileUpdate(input: {identity: {city: "Lyon"}}) {
        userErrors { code } query { viewer { identity { city } } } }
      worse: profileUpdate(input: {identity: {city: "Nice", phone: "2"}}) { userErrors { code } } }"""
    facts = len(await api.rows(ActivityEvent))
    token = await api.token(FREE)
    data = (await api.ask(document, token=token)).data
    assert [[error["code"] for error in data[name]["userErrors"]] for name in ("bad", "good", "worse")] == [
        ["INVALID"],
        [],
        ["INVALID"],
    ]
    assert data["good"]["query"]["viewer"]["identity"]["city"] == "Lyon"
    profile = next(row for row in await api.rows(Profile) if row.id == FREE.key)
    assert (profile.city, profile.kind, profile.phone) == ("Lyon", "INDIVIDUAL", None)
    assert len(await api.rows(ActivityEvent)) == facts + 2


# Real time


async def test_an_access_token_ends_after_half_an_hour_however_much_it_is_used(api: Api, clock: FrozenClock) -> None:
    token = await api.token(OWNER)
    clock.move(20 * MINUTE)
    assert await is_in(api, token)
    clock.move(10 * MINUTE - SECOND)
    assert await is_in(api, token)
    clock.move(SECOND)
    assert not await is_in(api, token)


async def test_a_cookie_session_ends_two_weeks_after_its_last_use(api: Api, clock: FrozenClock) -> None:
    opened = await api.opened(OWNER, SessionTransport.COOKIE)

    async def lives() -> bool:
        return await cookie_viewer(api, opened.secret) is not None

    for _ in range(3):
        clock.move(14 * DAY - SECOND)
        assert await lives()
    clock.move(14 * DAY)
    assert not await lives()


async def cookie_viewer(api: Api, secret: str) -> Any:
    """Who asks, with the cookie of a page of ours."""
    token = csrf_token(SANDBOX_SECRET, secret)
    answer = await api.ask(WHO, cookie=f"{SESSION}={secret}; {CSRF}={token}", x_csrf_token=token)
    return answer.data["viewer"]


async def test_moving_the_sandbox_clock_signs_nobody_out(api: Api, clock: FrozenClock) -> None:
    bearer, cookie = await api.opened(OWNER), await api.opened(OWNER, SessionTransport.COOKIE)
    for year in ("2028", "2030"):
        moved = await api.ask(CLOCK, {"to": f"{year}-11-01T00:00:00Z"}, token=bearer.secret)
        assert moved.data["sandboxClockAdvance"]["userErrors"] == []
    assert await is_in(api, bearer.secret)
    assert await cookie_viewer(api, cookie.secret) == {"id": profile_id(OWNER)}
    payload = await signed_in(api)
    assert payload["session"]["createdAt"] == "2026-11-22T09:00:00Z"
    clock.move(30 * MINUTE)
    assert not await is_in(api, bearer.secret)


async def test_the_last_use_is_written_at_most_once_a_minute(api: Api, clock: FrozenClock) -> None:
    opened = await api.opened(OWNER)
    start = clock.now()
    written = []
    for _ in range(5):
        clock.move(timedelta(seconds=25))
        await asyncio.gather(*(is_in(api, opened.secret) for _ in range(3)))
        written.append(((await session(api, opened.session.id)).last_seen_at - start).total_seconds())
    assert written == [0, 0, 75, 75, 75]


async def test_a_session_tells_its_last_use(api: Api, clock: FrozenClock) -> None:
    token = await api.token(DELEGATE)
    clock.move(10 * MINUTE)
    assert await is_in(api, token)
    answer = await api.ask("{ session { createdAt lastSeenAt method } }", token=token)
    assert answer.data["session"] == {
        "createdAt": "2026-11-22T09:00:00Z",
        "lastSeenAt": "2026-11-22T09:10:00Z",
        "method": SessionMethod.BEARER,
    }


async def test_only_the_session_that_asks_is_current(api: Api) -> None:
    opened, other = await api.opened(OWNER), await api.opened(OWNER)
    ids = [global_id("Session", each.session.id) for each in (opened, other)]
    answer = await api.ask(
        "query Both($ids: [ID!]!) { nodes(ids: $ids) { ... on Session { current } } }",
        {"ids": ids},
        token=opened.secret,
    )
    assert answer.data["nodes"] == [{"current": True}, {"current": False}]
