"""PRO-5. Two factors: set up, asked at sign-in, used once, turned off."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import strawberry
from sqlalchemy import insert, select, update
from structlog.testing import capture_logs

from app.demo import TWO_FACTOR_SECRET
from app.doctor import complaints
from app.setting_check import SANDBOX_SECRET
from app.settings import Settings
from app.vault import KeyVault
from engine.bind import Bound
from models import challenge as challenges
from models import recovery_code, totp
from models.activity import ActivityEvent
from models.clock import FrozenClock
from models.column import new_id, table
from models.db import Db
from models.profile import Profile
from models.recovery_code import RecoveryCode
from models.session import Session, SessionTransport
from models.tables import metadata
from models.two_factor import TwoFactor
from models.vault import Unopened
from resolvers.two_factor import Enrolment, Shown
from schema.two_factor import (
    RecoveryCodesRegeneratePayload,
    SessionVerifyTwoFactorInput,
    TwoFactorActivateInput,
    TwoFactorActivatePayload,
    TwoFactorDisableInput,
    TwoFactorEnrollInput,
    TwoFactorEnrollPayload,
)
from tests.api import FREE, OWNER, PASSWORD, STAFF, STAFF2, Api, profile_id, serving
from tests.database import START
from tests.test_sandbox import PRODUCTION
from tests.test_session import hashes, seen, sign_in, signed_in

__all__ = ["hashes"]

ERRORS = "userErrors { __typename code message field }"
SIGN_IN = f"""mutation SignIn($input: SessionCreateInput!) {{ sessionCreate(input: $input) {{
  session {{ id }} credentials {{ accessToken }} challenge {{ challengeId expiresAt }} {ERRORS}
  query {{ viewer {{ id }} }} }} }}"""
VERIFY = f"""mutation Verify($input: SessionVerifyTwoFactorInput!) {{ sessionVerifyTwoFactor(input: $input) {{
  session {{ id method twoFactorVerified ipAddress userAgent }} credentials {{ accessToken refreshToken }}
  {ERRORS} query {{ viewer {{ id }} }} }} }}"""
ENROLL = f"""mutation Enroll($input: TwoFactorEnrollInput!) {{ twoFactorEnroll(input: $input) {{
  secret otpauthUri qrSvg {ERRORS} }} }}"""
ACTIVATE = f"""mutation Activate($input: TwoFactorActivateInput!) {{ twoFactorActivate(input: $input) {{
  security {{ twoFactorEnabled recoveryCodesLeft }} recoveryCodes {ERRORS}
  query {{ session {{ twoFactorVerified }} }} }} }}"""
DISABLE = f"""mutation Disable($input: TwoFactorDisableInput!) {{ twoFactorDisable(input: $input) {{
  security {{ twoFactorEnabled recoveryCodesLeft }} {ERRORS} }} }}"""
REGENERATE = f"""mutation Regenerate($input: RecoveryCodesRegenerateInput!) {{ recoveryCodesRegenerate(input: $input) {{
  security {{ recoveryCodesLeft }} recoveryCodes {ERRORS} }} }}"""
MINUTE = timedelta(minutes=1)
WHO = "{ viewer { id } }"


def code_in(clock: FrozenClock, away: int = 0, secret: str = TWO_FACTOR_SECRET) -> str:
    """The code of now, or of some steps away."""
    return totp.code_at(secret, totp.step_at(clock.now()) + away)


def wrong(clock: FrozenClock) -> str:
    """Six digits that are no code of these minutes."""
    taken = {code_in(clock, away) for away in range(-5, 6)}
    return next(code for code in (f"{number:06d}" for number in range(20)) if code not in taken)


async def challenged(
    api: Api,
    person: Any = STAFF,
    transport: SessionTransport = SessionTransport.BEARER,
    lifetime: timedelta = 5 * MINUTE,
) -> str:
    """A new challenge, without the detour over a password."""
    async with Db(api.database) as db, db.write() as write:
        (profile,) = await write.lock(select(Profile).where(table(Profile).c.id == person.key))
        asked = challenges.ask(write.record, profile, transport=transport, lifetime=lifetime)
        write.add(asked.challenge)
    return asked.secret


async def verify(api: Api, challenge: str, code: str, **headers: str) -> dict[str, Any]:
    given = {"input": {"challengeId": challenge, "code": code}}
    payload: dict[str, Any] = (await api.ask(VERIFY, given, **headers)).data["sessionVerifyTwoFactor"]
    return payload


async def two_factor_token(api: Api, clock: FrozenClock, person: Any = STAFF) -> str:
    """An access token of a session that verified both factors; the next code is one of a later minute."""
    token: str = (await verify(api, await challenged(api, person), code_in(clock)))["credentials"]["accessToken"]
    clock.move(MINUTE)
    return token


async def acted(api: Api, document: str, token: str | None, **given: Any) -> dict[str, Any]:
    payload: dict[str, Any] = next(iter((await api.ask(document, {"input": given}, token=token)).data.values()))
    return payload


def codes(payload: dict[str, Any]) -> list[tuple[str, list[str] | None]]:
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


INVALID_CODE = [("INVALID_CODE", ["input", "code"])]
EXPIRED = [("EXPIRED", ["input", "challengeId"])]


async def sessions_of(api: Api, person: Any) -> list[Session]:
    return [row for row in await api.rows(Session) if row.profile_id == person.key]


async def profile_of(api: Api, person: Any) -> Profile:
    found: Profile = next(row for row in await api.rows(Profile) if row.id == person.key)
    return found


async def enrolled(api: Api, token: str | None, person_password: str = PASSWORD) -> str:
    secret: str = (await acted(api, ENROLL, token, currentPassword=person_password))["secret"]
    return secret


# Setting up


async def test_enrolment_shows_a_secret_and_takes_effect_with_a_first_code(api: Api, clock: FrozenClock) -> None:
    token = await api.token(OWNER)
    shown = await acted(api, ENROLL, token, currentPassword=PASSWORD)
    assert shown["userErrors"] == []
    uri = urlsplit(shown["otpauthUri"])
    assert parse_qs(uri.query) == {"secret": [shown["secret"]], "issuer": ["Espace"]}
    assert shown["qrSvg"].startswith("<svg")
    assert (await sign_in(api)).data["sessionCreate"]["session"] is not None
    code = code_in(clock, secret=shown["secret"])
    payload = await acted(api, ACTIVATE, token, code=code)
    assert payload["security"] == {"twoFactorEnabled": True, "recoveryCodesLeft": 10}
    assert payload["query"] == {"session": {"twoFactorVerified": True}}
    assert len(set(payload["recoveryCodes"])) == 10
    assert all(
        re.fullmatch("([0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}", each) for each in payload["recoveryCodes"]
    )
    signing = await acted(api, SIGN_IN, None, email=OWNER.email, password=PASSWORD)
    assert (signing["session"], signing["credentials"], signing["query"]["viewer"]) == (None, None, None)
    challenge = signing["challenge"]["challengeId"]
    assert codes(await verify(api, challenge, code)) == INVALID_CODE
    assert codes(await verify(api, challenge, code_in(clock, 1, shown["secret"]))) == []


async def test_a_wrong_first_code_turns_nothing_on(api: Api, clock: FrozenClock) -> None:
    token = await api.token(OWNER)
    secret = await enrolled(api, token)
    for code in (wrong(clock), code_in(clock, 3, secret), code_in(clock), "", "\uff11\uff12\uff13\uff14\uff15\uff16"):
        payload = await acted(api, ACTIVATE, token, code=code)
        assert codes(payload) == INVALID_CODE
        assert (payload["security"], payload["recoveryCodes"]) == (None, None)
    assert (await profile_of(api, OWNER)).two_factor_since is None


async def test_a_second_enrolment_replaces_the_first_until_one_is_confirmed(api: Api, clock: FrozenClock) -> None:
    token = await api.token(OWNER)
    assert codes(await acted(api, ACTIVATE, token, code="123456")) == [("CONFLICT", None)]
    first, second = await enrolled(api, token), await enrolled(api, token)
    assert codes(await acted(api, ACTIVATE, token, code=code_in(clock, secret=first))) == INVALID_CODE
    assert codes(await acted(api, ACTIVATE, token, code=code_in(clock, secret=second))) == []
    assert codes(await acted(api, ENROLL, token, currentPassword=PASSWORD)) == [("CONFLICT", None)]
    assert codes(await acted(api, ACTIVATE, token, code=code_in(clock, 1, second))) == [("CONFLICT", None)]


async def test_confirming_replaces_the_cookie(api: Api, clock: FrozenClock) -> None:
    await api.ask(SIGN_IN, {"input": {"email": OWNER.email, "password": PASSWORD}})
    before = dict(api.client.cookies)

    async def by_cookie(document: str, cookies: dict[str, str], **given: Any) -> Any:
        sent = "; ".join(f"{name}={value}" for name, value in cookies.items())
        api.client.cookies.clear()
        answer = await api.ask(
            document, {"input": given} if given else None, cookie=sent, x_csrf_token=cookies["espace_csrf"]
        )
        return answer.data

    secret = (await by_cookie(ENROLL, before, currentPassword=PASSWORD))["twoFactorEnroll"]["secret"]
    await by_cookie(ACTIVATE, before, code=code_in(clock, secret=secret))
    after = dict(api.client.cookies)
    assert after["espace_session"] != before["espace_session"]
    assert (await by_cookie(WHO, after))["viewer"] == {"id": profile_id(OWNER)}
    assert (await by_cookie(WHO, before))["viewer"] is None


# Signing in


async def test_a_challenge_opens_the_session_that_was_asked_for(api: Api, clock: FrozenClock) -> None:
    asked = await acted(api, SIGN_IN, None, email=STAFF.email, password=PASSWORD, transport="BEARER")
    assert asked["challenge"]["expiresAt"] == "2026-11-22T09:05:00Z"
    payload = await verify(api, asked["challenge"]["challengeId"], code_in(clock), user_agent="other/1.0")
    assert payload["session"]["method"] == "BEARER"
    assert payload["session"]["twoFactorVerified"] is True
    assert payload["query"]["viewer"] == {"id": profile_id(STAFF)}
    who = await api.ask("{ session { twoFactorVerified } }", token=payload["credentials"]["accessToken"])
    assert who.data == {"session": {"twoFactorVerified": True}}
    clock.move(MINUTE)
    cookie = await verify(api, await challenged(api, transport=SessionTransport.COOKIE), code_in(clock))
    assert (cookie["credentials"], cookie["session"]["method"]) == (None, "COOKIE")
    assert set(api.client.cookies) == {"espace_session", "espace_csrf"}


async def test_up_to_the_right_password_all_accounts_answer_the_same_bytes(api: Api, hashes: list[str]) -> None:
    answers = []
    for email in (STAFF.email, OWNER.email, "nobody@example.org"):
        answers.append(await sign_in(api, email, "wrong", accept_language="en"))
        assert hashes == ["verify"]
        hashes.clear()
    assert len({seen(answer) for answer in answers}) == 1
    await sign_in(api, STAFF.email)
    assert hashes == ["verify"]
    assert await sessions_of(api, STAFF) == []


async def test_a_challenge_opens_one_session(api: Api, clock: FrozenClock) -> None:
    challenge = await challenged(api)
    assert codes(await verify(api, challenge, wrong(clock))) == INVALID_CODE
    assert codes(await verify(api, challenge, code_in(clock))) == []
    assert codes(await verify(api, challenge, code_in(clock, 1))) == EXPIRED
    assert len(await sessions_of(api, STAFF)) == 1


async def test_a_challenge_that_two_answer_at_once_opens_one_session(api: Api, clock: FrozenClock) -> None:
    challenge = await challenged(api)
    given = [code_in(clock, away) for away in (-1, 0, 1)] * 4
    payloads = await asyncio.gather(*(verify(api, challenge, code) for code in given))
    assert sum(payload["session"] is not None for payload in payloads) == 1
    assert len(await sessions_of(api, STAFF)) == 1


async def test_a_challenge_ends_after_five_minutes_of_real_time(api: Api, clock: FrozenClock) -> None:
    challenge, late = await challenged(api), await challenged(api)
    clock.move(5 * MINUTE - timedelta(seconds=1))
    assert codes(await verify(api, challenge, code_in(clock))) == []
    clock.move(timedelta(seconds=1))
    assert codes(await verify(api, late, code_in(clock, 1))) == EXPIRED


async def test_what_is_no_challenge_is_answered_like_one_that_is_over(api: Api, clock: FrozenClock) -> None:
    over = await challenged(api)
    clock.move(5 * MINUTE)
    mark = (await api.rows(challenges.Challenge))[0].secret_hash
    refused = [await verify(api, each, code_in(clock)) for each in (over, "", "garbage", over[:-1], mark)]
    assert [codes(each) for each in refused] == [EXPIRED] * 5
    assert len({str(each) for each in refused}) == 1


async def test_a_challenge_answered_in_another_browser_signs_in_there_whoever_was_in(
    api: Api, clock: FrozenClock
) -> None:
    opened = await api.opened(FREE)
    challenge = await challenged(api)
    payload = await verify(api, challenge, code_in(clock), token=opened.secret, user_agent="other/1.0")
    assert payload["session"]["userAgent"] == "other/1.0"
    assert payload["query"]["viewer"] == {"id": profile_id(STAFF)}
    assert [row.profile_id for row in await api.rows(Session) if row.two_factor_at] == [STAFF.key]
    told = [row for row in await api.rows(ActivityEvent) if row.kind == "session.opened" and row.actor_id == STAFF.key]
    assert [row.owner_id for row in told] == [STAFF.key]


async def test_a_challenge_is_of_no_use_after_a_change_of_password(api: Api, clock: FrozenClock) -> None:
    challenge = await challenged(api)
    profiles = table(Profile)
    async with Db(api.database) as db:
        await db.note(update(profiles).where(profiles.c.id == STAFF.key).values(password_hash="another"))
    assert codes(await verify(api, challenge, code_in(clock))) == EXPIRED


async def test_a_challenge_is_of_no_use_to_who_turned_two_factors_off(api: Api, clock: FrozenClock) -> None:
    token = await two_factor_token(api, clock)
    challenge = await challenged(api)
    await acted(api, DISABLE, token, currentPassword=PASSWORD, code=code_in(clock))
    clock.move(MINUTE)
    assert codes(await verify(api, challenge, code_in(clock))) == EXPIRED


async def test_a_challenge_is_on_record_as_nobodys_doing(api: Api) -> None:
    foreign = await api.token(FREE)
    await sign_in(api, STAFF.email, token=foreign)
    (told,) = [row for row in await api.rows(ActivityEvent) if row.kind == "session.challenged"]
    assert (told.owner_id, told.actor_id, told.session_id, told.ip_address) == (STAFF.key, None, None, "127.0.0.1")


async def test_a_challenge_is_of_no_use_where_its_profile_is_not_allowed(api: Api, clock: FrozenClock) -> None:
    challenge, profiles = await challenged(api), table(Profile)
    async with Db(api.database) as db:
        await db.note(update(profiles).where(profiles.c.id == STAFF.key).values(ip_allowlist=["192.0.2.0/24"]))
    assert codes(await verify(api, challenge, code_in(clock))) == EXPIRED


# Codes


@pytest.mark.parametrize("order", [(-1, 0, 1), (-1, 1, 0), (0, -1, 1), (0, 1, -1), (1, -1, 0), (1, 0, -1)])
async def test_in_every_order_a_code_is_taken_only_where_it_is_newer(
    api: Api, clock: FrozenClock, order: tuple[int, ...]
) -> None:
    newest, expected, found = -2, [], []
    for away in order:
        expected.append([] if away > newest else INVALID_CODE)
        newest = max(newest, away)
        found.append(codes(await verify(api, await challenged(api), code_in(clock, away))))
        assert codes(await verify(api, await challenged(api), code_in(clock, away))) == INVALID_CODE
    assert found == expected


async def test_of_two_hundred_who_send_a_code_at_once_one_is_let_in(api: Api, clock: FrozenClock) -> None:
    asked = [await challenged(api) for _ in range(200)]
    payloads = await asyncio.gather(*(verify(api, each, code_in(clock)) for each in asked))
    assert sum(payload["session"] is not None for payload in payloads) == 1
    assert [codes(each) for each in payloads if each["session"] is None] == [INVALID_CODE] * 199
    assert len(await sessions_of(api, STAFF)) == 1


async def test_a_code_of_one_profile_used_up_is_still_good_for_another(api: Api, clock: FrozenClock) -> None:
    for person in (STAFF, STAFF2):
        assert codes(await verify(api, await challenged(api, person), code_in(clock))) == []


async def test_digits_of_other_scripts_are_no_code(api: Api, clock: FrozenClock) -> None:
    challenge, code = await challenged(api), code_in(clock)
    for zero in ("\uff10", "\u0660", "\U0001d7ce"):
        foreign = "".join(chr(ord(zero) + int(digit)) for digit in code)
        assert codes(await verify(api, challenge, foreign)) == INVALID_CODE
    assert codes(await verify(api, challenge, f" {code[:3]} {code[3:]}")) == []


PAIRS = [
    ("sessionVerifyTwoFactor", "SessionVerifyTwoFactorInput"),
    ("sessionCreate", "SessionCreateInput"),
    ("twoFactorDisable", "TwoFactorDisableInput"),
    ("recoveryCodesRegenerate", "RecoveryCodesRegenerateInput"),
    ("twoFactorEnroll", "TwoFactorEnrollInput"),
]


@pytest.mark.parametrize(("field", "kind"), PAIRS)
async def test_aliases_carry_one_guess(api: Api, clock: FrozenClock, field: str, kind: str) -> None:
    token = await two_factor_token(api, clock)
    inputs = {
        "sessionVerifyTwoFactor": {"challengeId": await challenged(api), "code": code_in(clock)},
        "sessionCreate": {"email": OWNER.email, "password": PASSWORD},
        "twoFactorDisable": {"currentPassword": PASSWORD, "code": code_in(clock)},
        "recoveryCodesRegenerate": {"currentPassword": PASSWORD},
        "twoFactorEnroll": {"currentPassword": PASSWORD},
    }
    document = f"""mutation ($first: SessionVerifyTwoFactorInput!, $second: {kind}!) {{
      first: sessionVerifyTwoFactor(input: $first) {{ userErrors {{ code }} }}
      second: {field}(input: $second) {{ userErrors {{ code }} }} }}"""
    first = {"challengeId": await challenged(api), "code": wrong(clock)}
    answer = await api.ask(document, {"first": first, "second": inputs[field]}, token=token)
    assert answer.data["second"] == {"userErrors": [{"code": "TOO_MANY_ATTEMPTS"}]}


# Recovery codes


async def turned_on(api: Api, clock: FrozenClock, person: Any = OWNER) -> tuple[str, str, list[str]]:
    """Token, secret and recovery codes of who has just turned two factors on."""
    token = await api.token(person)
    secret = await enrolled(api, token)
    payload = await acted(api, ACTIVATE, token, code=code_in(clock, secret=secret))
    clock.move(MINUTE)
    return token, secret, payload["recoveryCodes"]


async def test_a_recovery_code_signs_in_once_however_it_is_typed(api: Api, clock: FrozenClock) -> None:
    token, _, recovery = await turned_on(api, clock)
    for typed in (recovery[0], f" {recovery[1].lower()} ", recovery[2].replace("-", " ").replace("0", "o")):
        assert codes(await verify(api, await challenged(api, OWNER), typed)) == []
        assert codes(await verify(api, await challenged(api, OWNER), typed)) == INVALID_CODE
    left = await api.ask("{ viewer { security { recoveryCodesLeft } } }", token=token)
    assert left.data["viewer"]["security"] == {"recoveryCodesLeft": 7}
    used = [row for row in await api.rows(ActivityEvent) if row.kind == "recovery_code.used"]
    assert [row.owner_id for row in used] == [OWNER.key] * 3


async def test_a_recovery_code_that_many_send_at_once_lets_one_in(api: Api, clock: FrozenClock) -> None:
    _, _, recovery = await turned_on(api, clock)
    asked = [await challenged(api, OWNER) for _ in range(20)]
    payloads = await asyncio.gather(*(verify(api, each, recovery[0]) for each in asked))
    assert sum(payload["session"] is not None for payload in payloads) == 1


async def test_a_recovery_code_is_of_its_own_profile(api: Api, clock: FrozenClock) -> None:
    _, _, recovery = await turned_on(api, clock)
    assert codes(await verify(api, await challenged(api, STAFF), recovery[0])) == INVALID_CODE


async def test_new_recovery_codes_replace_the_old_ones(api: Api, clock: FrozenClock) -> None:
    token, _, old = await turned_on(api, clock)
    assert codes(await acted(api, REGENERATE, token, currentPassword="wrong")) == [
        ("INVALID_CREDENTIALS", ["input", "currentPassword"])
    ]
    payload = await acted(api, REGENERATE, token, currentPassword=PASSWORD)
    assert payload["security"] == {"recoveryCodesLeft": 10}
    assert not set(payload["recoveryCodes"]) & set(old)
    assert codes(await verify(api, await challenged(api, OWNER), old[0])) == INVALID_CODE
    assert codes(await verify(api, await challenged(api, OWNER), payload["recoveryCodes"][0])) == []


async def test_recovery_codes_are_given_to_who_verified_a_second_factor(api: Api) -> None:
    answer = await api.ask(REGENERATE, {"input": {"currentPassword": PASSWORD}}, token=await api.token(STAFF))
    assert answer.codes == ["TWO_FACTOR_REQUIRED"]


def test_codes_that_look_alike_are_one() -> None:
    assert recovery_code.code_hash("OIL0-1111-2222-3333") == recovery_code.code_hash("011011112222 3333")
    for text in ("", "123456", "U" * 16, "\uff11" * 16, "A" * 15, "A" * 17):
        assert recovery_code.code_hash(text) is None


# Turning off


async def test_turning_off_takes_the_password_and_a_code(api: Api, clock: FrozenClock) -> None:
    token, secret, _ = await turned_on(api, clock)
    code = code_in(clock, secret=secret)
    refused = await acted(api, DISABLE, token, currentPassword="wrong", code=code)
    assert codes(refused) == [("INVALID_CREDENTIALS", ["input", "currentPassword"])]
    assert codes(await acted(api, DISABLE, token, currentPassword=PASSWORD, code=wrong(clock))) == INVALID_CODE
    payload = await acted(api, DISABLE, token, currentPassword=PASSWORD, code=code)
    assert payload == {"security": {"twoFactorEnabled": False, "recoveryCodesLeft": 0}, "userErrors": []}
    assert (await signed_in(api))["session"] is not None
    assert [row for row in await api.rows(TwoFactor) if row.profile_id == OWNER.key] == []
    assert await api.rows(RecoveryCode) == []
    assert codes(await acted(api, DISABLE, token, currentPassword=PASSWORD, code=code)) == [("CONFLICT", None)]


async def test_a_recovery_code_turns_it_off_as_well(api: Api, clock: FrozenClock) -> None:
    token, _, recovery = await turned_on(api, clock)
    assert codes(await acted(api, DISABLE, token, currentPassword=PASSWORD, code=recovery[3])) == []


async def test_what_a_session_verified_ends_with_the_factor(api: Api, clock: FrozenClock) -> None:
    token, other = await two_factor_token(api, clock), await two_factor_token(api, clock)
    await acted(api, DISABLE, token, currentPassword=PASSWORD, code=code_in(clock))
    for each in (token, other):
        answer = await api.ask("{ session { twoFactorVerified } }", token=each)
        assert answer.data == {"session": {"twoFactorVerified": False}}
        answer = await api.ask(REGENERATE, {"input": {"currentPassword": PASSWORD}}, token=each)
        assert answer.codes == ["TWO_FACTOR_REQUIRED"]


@pytest.mark.parametrize("document", [ENROLL, DISABLE, REGENERATE])
async def test_every_answer_to_a_password_costs_one_hash(
    api: Api, clock: FrozenClock, hashes: list[str], document: str
) -> None:
    token = await two_factor_token(api, clock)
    for password in ("wrong", PASSWORD):
        hashes.clear()
        given = {"currentPassword": password} | ({"code": wrong(clock)} if document is DISABLE else {})
        await acted(api, document, token, **given)
        assert hashes == ["verify"]


# Secrets


async def test_no_secret_of_a_factor_is_stored_or_shown_in_a_repr(api: Api, clock: FrozenClock) -> None:
    _, secret, recovery = await turned_on(api, clock)
    challenge = await challenged(api)
    async with Db(api.database) as db:
        stored = [repr(await db.rows(select(each))) for each in metadata.sorted_tables]
    secrets = [secret, TWO_FACTOR_SECRET, challenge, *recovery, *(each.replace("-", "") for each in recovery)]
    assert [each for each in secrets for rows in stored if each in rows] == []


ROW: dict[str, Any] = {
    "profile_id": OWNER.key,
    "created_at": START,
    **dict.fromkeys(("secret_hash", "password_mark", "code_hash", "sealed_secret"), "mark"),
}


@pytest.mark.parametrize(
    "carrier",
    [
        Enrolment("mark", "otpauth://mark"),
        Shown(OWNER.key, ["mark"]),
        challenges.Asked(
            challenges.Challenge.model_validate(ROW | {"transport": "BEARER", "expires_at": START}), "mark"
        ),
        RecoveryCode.model_validate(ROW),
        TwoFactor.model_validate(ROW),
        KeyVault("mark" * 8),
        TwoFactorEnrollInput(current_password="mark"),
        TwoFactorActivateInput(code="mark"),
        TwoFactorDisableInput(current_password="mark", code="mark"),
        SessionVerifyTwoFactorInput(challenge_id=strawberry.ID("mark"), code="mark"),
        TwoFactorEnrollPayload.of(secret="mark", otpauth_uri="mark", qr_svg="mark"),
        TwoFactorActivatePayload.of(recovery_codes=["mark"]),
        RecoveryCodesRegeneratePayload.of(recovery_codes=["mark"]),
    ],
    ids=lambda carrier: type(carrier).__name__,
)
def test_no_repr_shows_a_secret(carrier: object) -> None:
    assert "mark" not in repr(carrier).replace("password_mark", "")


def test_a_sealed_secret_opens_with_its_key_for_its_owner_alone() -> None:
    vault = KeyVault(SANDBOX_SECRET)
    sealed = vault.seal("secret", OWNER.key)
    assert "secret" not in sealed
    assert sealed != vault.seal("secret", OWNER.key)
    assert KeyVault(SANDBOX_SECRET).open(sealed, OWNER.key) == "secret"
    for other, owner in ((KeyVault("x" * 32), OWNER.key), (vault, FREE.key)):
        with pytest.raises(Unopened):
            other.open(sealed, owner)


# Another key


async def test_with_another_key_a_code_is_refused_and_a_recovery_code_is_the_way_in(
    api: Api, bound: Bound, clock: FrozenClock
) -> None:
    """PRO-5. The operator is told once, the customer each time; nothing is INTERNAL."""
    codes = recovery_code.new_codes()
    async with Db(api.database) as db:
        values = {"id": new_id(), "profile_id": STAFF.key, "code_hash": recovery_code.code_hash(codes[0])}
        await db.note(insert(table(recovery_code.RecoveryCode)).values(**values, created_at=clock.now()))
    async with serving(api.database, bound, rate_limits=False, secret_key="k" * 32) as served:
        with capture_logs() as logs:
            for _ in range(2):
                payload = await verify(served, await challenged(served), code_in(clock))
                assert [error["code"] for error in payload["userErrors"]] == ["INVALID_CODE"]
        assert [(log["event"], log["log_level"]) for log in logs] == [("secret_key_opens_nothing", "error")]
        assert (await verify(served, await challenged(served), codes[0]))["userErrors"] == []


async def test_the_doctor_tells_a_key_that_opens_nothing_and_mails_that_stay(api: Api, tmp_path: Path) -> None:
    url = api.database.url.render_as_string(hide_password=False)

    async def told(word: str, **settings: Any) -> bool:
        found = await complaints(Settings.model_validate({"database_url": url, **settings}))
        return any(word in line for line in found)

    assert not await told("SECRET_KEY")
    assert await told("SECRET_KEY", secret_key="k" * 32)
    live = {**PRODUCTION, "database_url": url, "mail_folder": tmp_path}
    assert await told("Mails stay", **live)
    assert not await told("Mails stay", **live, smtp_url="smtp://mail.example")
    assert await told("ESPACE_SELLER_VAT_NUMBER", **live)
    assert not await told("ESPACE_SELLER_VAT_NUMBER", **live, seller_vat_number="FR40303265045")
    assert await told("cards cannot be taken", **live)
    stripe = {**live, "stripe_webhook_secret": "whsec_onlyfortests"}
    assert await told("one for tests", **stripe, stripe_secret_key="sk_test_1")
    assert not await told("STRIPE", **stripe, stripe_secret_key="rk_live_1")
