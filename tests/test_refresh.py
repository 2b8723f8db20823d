"""PRO-8. Renewing a bearer session: each refresh token is good once, and one that comes back ends its session."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.settings import Settings
from app.worker import work_once
from models.activity import ActivityChannel, ActivityEvent
from models.clock import FrozenClock
from models.column import table
from models.db import Db
from models.profile import Profile
from models.refresh import RefreshToken
from models.secret import SecretKind, fingerprint, new_secret
from models.session import Session, SessionTransport
from models.tables import metadata
from schema.refresh import SessionRefreshInput
from tests.api import FREE, OWNER, Answer, Api, profile_id

REFRESH = """mutation Renew($token: String!) { sessionRefresh(input: {refreshToken: $token}) {
  session { id method current expiresAt }
  credentials { accessToken refreshToken expiresAt }
  userErrors { __typename code message field }
  query { viewer { id } } } }"""
TWICE = """mutation Renew($first: String!, $second: String!) {
  first: sessionRefresh(input: {refreshToken: $first}) { userErrors { code } credentials { accessToken } }
  second: sessionRefresh(input: {refreshToken: $second}) { userErrors { code } credentials { accessToken } } }"""
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


async def refreshed(api: Api, token: str | None, /, **headers: Any) -> dict[str, Any]:
    payload: dict[str, Any] = (await api.ask(REFRESH, {"token": token}, **headers)).data["sessionRefresh"]
    return payload


async def is_in(api: Api, token: str) -> bool:
    answer = await api.ask("{ viewer { id } }", token=token)
    return answer.status == 200


def codes(payload: dict[str, Any]) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


async def kinds(api: Api) -> list[str]:
    """What happened to sessions, in order."""
    rows = sorted(await api.rows(ActivityEvent), key=lambda row: row.id)
    return [row.kind for row in rows if row.kind.startswith("session.")]


async def test_a_session_is_renewed_and_both_its_secrets_replaced(api: Api, clock: FrozenClock) -> None:
    opened = await api.opened(OWNER)
    clock.move(31 * MINUTE)
    assert not await is_in(api, opened.secret)
    payload = await refreshed(api, opened.refresh)
    assert payload["userErrors"] == []
    assert payload["session"] == {
        "id": payload["session"]["id"],
        "method": "BEARER",
        "current": True,
        "expiresAt": "2027-01-21T09:31:00Z",
    }
    assert payload["query"] == {"viewer": {"id": profile_id(OWNER)}}
    credentials = payload["credentials"]
    assert credentials["expiresAt"] == "2026-11-22T10:01:00Z"
    assert len({opened.secret, opened.refresh, credentials["accessToken"], credentials["refreshToken"]}) == 4
    assert await is_in(api, credentials["accessToken"])
    assert (await refreshed(api, credentials["refreshToken"]))["userErrors"] == []
    assert [row.id for row in await api.rows(Session)] == [opened.session.id]


async def test_the_access_token_that_was_replaced_is_refused(api: Api) -> None:
    opened = await api.opened(OWNER)
    await refreshed(api, opened.refresh)
    assert not await is_in(api, opened.secret)


async def test_reuse_ends_the_whole_family_and_is_on_record(api: Api) -> None:
    opened, other = await api.opened(OWNER), await api.opened(OWNER)
    second = (await refreshed(api, opened.refresh))["credentials"]
    third = (await refreshed(api, second["refreshToken"]))["credentials"]
    assert codes(await refreshed(api, opened.refresh)) == ["EXPIRED"]
    assert not await is_in(api, third["accessToken"])
    assert codes(await refreshed(api, third["refreshToken"])) == ["EXPIRED"]
    assert await is_in(api, other.secret)
    assert (await kinds(api))[2:] == [
        "session.refreshed",
        "session.refreshed",
        "session.refresh_reused",
        "session.closed",
    ]
    reused = next(row for row in await api.rows(ActivityEvent) if row.kind == "session.refresh_reused")
    assert (reused.owner_id, reused.subject_id) == (OWNER.key, opened.session.id)
    assert (reused.channel, reused.actor_id, reused.ip_address) == (ActivityChannel.SYSTEM, None, "127.0.0.1")


async def test_a_renewal_is_told_of_its_session(api: Api) -> None:
    opened = await api.opened(OWNER)
    await refreshed(api, opened.refresh, token=await api.token(FREE))
    told = next(row for row in await api.rows(ActivityEvent) if row.kind == "session.refreshed")
    assert (told.actor_id, told.session_id, told.channel) == (OWNER.key, opened.session.id, ActivityChannel.SESSION)


async def test_reuse_is_told_once(api: Api) -> None:
    opened = await api.opened(OWNER)
    await refreshed(api, opened.refresh)
    for _ in range(3):
        assert codes(await refreshed(api, opened.refresh)) == ["EXPIRED"]
    assert (await kinds(api)).count("session.refresh_reused") == 1
    assert (await kinds(api)).count("session.closed") == 1


async def test_who_shows_a_used_token_with_the_access_token_of_its_session_goes_on_as_nobody(api: Api) -> None:
    opened = await api.opened(OWNER)
    credentials = (await refreshed(api, opened.refresh))["credentials"]
    payload = await refreshed(api, opened.refresh, token=credentials["accessToken"])
    assert (codes(payload), payload["query"]) == (["EXPIRED"], {"viewer": None})


async def test_whatever_is_no_good_is_answered_the_same(api: Api, clock: FrozenClock) -> None:
    used, ended, late, cookie = [
        await api.opened(OWNER),
        await api.opened(OWNER),
        await api.opened(OWNER),
        await api.opened(OWNER, SessionTransport.COOKIE),
    ]
    await refreshed(api, used.refresh)
    await api.ask("mutation { sessionDelete(input: {}) { deletedIds } }", token=ended.secret)
    clock.move(60 * DAY)
    unknown, access = new_secret(SecretKind.REFRESH), (await api.opened(OWNER)).secret
    tried = [used.refresh, ended.refresh, late.refresh, cookie.secret, unknown, access, "", "x" * 5_000, "é"]
    answers = [await refreshed(api, token, accept_language="en") for token in tried]
    assert [answer for answer in answers if answer != answers[0]] == []
    assert answers[0] == {
        "session": None,
        "credentials": None,
        "userErrors": [
            {
                "__typename": "GenericError",
                "code": "EXPIRED",
                "message": "This refresh token is not valid any more: sign in again.",
                "field": None,
            }
        ],
        "query": {"viewer": None},
    }


async def test_a_refresh_token_lasts_sixty_days_to_the_second(api: Api, clock: FrozenClock) -> None:
    opened, other = await api.opened(OWNER), await api.opened(OWNER)
    clock.move(60 * DAY - timedelta(seconds=1))
    assert codes(await refreshed(api, opened.refresh)) == []
    clock.move(timedelta(seconds=1))
    assert codes(await refreshed(api, other.refresh)) == ["EXPIRED"]


async def test_the_clock_of_the_sandbox_expires_nothing(api: Api) -> None:
    opened = await api.opened(OWNER)
    moved = 'mutation { sandboxClockAdvance(input: {to: "2028-01-01T00:00:00Z"}) { userErrors { code } } }'
    assert (await api.ask(moved, token=opened.secret)).data["sandboxClockAdvance"] == {"userErrors": []}
    assert codes(await refreshed(api, opened.refresh)) == []


async def test_fifty_at_once_and_one_wins(api: Api) -> None:
    opened = await api.opened(OWNER)
    answers: list[Answer] = await asyncio.gather(*(api.ask(REFRESH, {"token": opened.refresh}) for _ in range(50)))
    payloads = [answer.data["sessionRefresh"] for answer in answers]
    assert sum(payload["credentials"] is not None for payload in payloads) == 1
    assert sorted(map(codes, payloads)) == [[]] + [["EXPIRED"]] * 49
    assert (await kinds(api)).count("session.refreshed") == 1
    assert (await kinds(api)).count("session.refresh_reused") == 1
    (row,) = await api.rows(Session)
    assert row.ended_at is not None


async def test_a_request_carries_one_guess(api: Api) -> None:
    first, second = await api.opened(OWNER), await api.opened(OWNER)
    answer = await api.ask(TWICE, {"first": first.refresh, "second": second.refresh})
    assert codes(answer.data["first"]) == []
    assert codes(answer.data["second"]) == ["TOO_MANY_ATTEMPTS"]
    assert codes(await refreshed(api, second.refresh)) == []


@pytest.mark.parametrize("networks", [["192.0.2.0/24"], ["2001:db8::/32"]])
async def test_from_elsewhere_nothing_is_renewed_and_the_token_stays_good(api: Api, networks: list[str]) -> None:
    opened = await api.opened(OWNER)
    await allow(api, networks)
    answer = await api.ask(REFRESH, {"token": opened.refresh})
    assert answer.codes == ["IP_NOT_ALLOWED"]
    assert answer.body["data"] == {"sessionRefresh": None}
    await allow(api, [])
    assert codes(await refreshed(api, opened.refresh)) == []


async def allow(api: Api, networks: list[str]) -> None:
    async with Db(api.database) as db:
        changed = update(table(Profile)).where(table(Profile).c.id == OWNER.key).values(ip_allowlist=networks)
        await db.note(changed)


async def test_only_hashes_of_them_are_kept(api: Api) -> None:
    opened = await api.opened(OWNER)
    credentials = (await refreshed(api, opened.refresh))["credentials"]
    (row,) = await api.rows(RefreshToken)
    assert (row.session_id, row.secret_hash) == (opened.session.id, fingerprint(opened.refresh or ""))
    async with Db(api.database) as db:
        stored = "".join([repr(await db.rows(select(each))) for each in metadata.sorted_tables])
    secrets = (opened.secret, opened.refresh, credentials["accessToken"], credentials["refreshToken"])
    assert [secret for secret in secrets if str(secret) in stored] == []


async def test_used_tokens_are_forgotten_when_they_would_have_expired(api: Api, clock: FrozenClock) -> None:
    opened = await api.opened(OWNER)
    credentials = (await refreshed(api, opened.refresh))["credentials"]
    clock.move(59 * DAY)
    await refreshed(api, credentials["refreshToken"])
    clock.move(2 * DAY)
    await work_once(api.database, Settings())
    assert len(await api.rows(RefreshToken)) == 1


def test_no_repr_shows_a_refresh_token() -> None:
    secret = new_secret(SecretKind.REFRESH)
    shown = repr(SessionRefreshInput(refresh_token=secret))
    assert secret not in shown
