"""LIM-1. Guessing is slowed down: by address, by profile, and never for good."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from engine.bind import Bound
from models import totp
from models.attempt import (
    EPOCH,
    MICROSECOND,
    Attempt,
    AttemptKind,
    Bucket,
    TooManyAttempts,
    giving_back,
    of_address,
    of_strangers,
)
from models.clock import FrozenClock
from models.column import table
from models.context import Context
from models.db import Database, Db
from models.known_network import KnownNetwork
from models.link import LinkKind
from models.setting import Figures
from models.viewer import Viewer
from resolvers import attempt
from resolvers.session import purge
from tests.api import OWNER, PASSWORD, STAFF, Api, serving
from tests.database import START
from tests.test_registration import ASK_RESET, REGISTER, RESET, token_of
from tests.test_session import hashes
from tests.test_two_factor import DISABLE, VERIFY, challenged, code_in, wrong

__all__ = ["hashes"]

SIGN_IN = """mutation ($input: SessionCreateInput!) { sessionCreate(input: $input) {
  session { id } challenge { challengeId }
  userErrors { __typename code message field ... on ThrottleError { retryAt } } } }"""
CHANGE_PASSWORD = "mutation ($input: PasswordChangeInput!) { passwordChange(input: $input) { userErrors { code } } }"
WIDE: dict[str, Any] = {
    "anonymous_per_minute": 100_000,
    "anonymous_points_per_minute": 10**9,
    "mutations_per_minute": 100_000,
    "operations_at_once": 1_000,
}
"""Requests are not what is limited here."""
YEAR = timedelta(days=366)
MINUTE = timedelta(minutes=1)


@asynccontextmanager
async def limited(api: Api, bound: Bound, **settings: Any) -> AsyncIterator[Api]:
    async with serving(api.database, bound, **{**WIDE, "trusted_proxies": "127.0.0.0/8", **settings}) as served:
        yield served


async def tried(api: Api, email: str, password: str = "wrong", address: str = "192.0.2.1") -> Any:
    """The one error of a sign-in, or None."""
    given = {"email": email, "password": password, "transport": "BEARER"}
    answer = await api.ask(SIGN_IN, {"input": given}, x_forwarded_for=address, accept_language="en")
    errors = answer.data["sessionCreate"]["userErrors"]
    return errors[0] if errors else None


def context(db: Db, address: str = "192.0.2.1", **figures: Any) -> Any:
    return Context(db, Viewer(ip_address=address), db.database.clock, Figures(**figures), None)  # type: ignore[arg-type]


async def takes(database: Database, bucket: Bucket) -> bool:
    async with Db(database) as db:
        try:
            await attempt.take(context(db), bucket)
        except TooManyAttempts:
            return False
    return True


# The buckets


async def test_a_bucket_holds_so_many_and_gains_one_each_interval(database: Database, clock: FrozenClock) -> None:
    bucket = Bucket("test", 3, MINUTE)
    assert [await takes(database, bucket) for _ in range(5)] == [True, True, True, False, False]
    clock.move(MINUTE - timedelta(microseconds=1))
    assert not await takes(database, bucket)
    clock.move(timedelta(microseconds=1))
    assert [await takes(database, bucket) for _ in range(2)] == [True, False]
    clock.move(10 * MINUTE)
    assert [await takes(database, bucket) for _ in range(4)] == [True, True, True, False]


async def test_who_is_refused_is_told_when_to_come_back(database: Database, clock: FrozenClock) -> None:
    bucket, start = Bucket("test", 2, MINUTE), clock.now()
    for _ in range(2):
        assert await takes(database, bucket)
        clock.move(timedelta(seconds=1))
    async with Db(database) as db:
        with pytest.raises(TooManyAttempts) as refusal:
            await attempt.take(context(db), bucket)
    assert refusal.value.retry_at == start + MINUTE
    clock.move(refusal.value.retry_at - clock.now())
    assert await takes(database, bucket)


async def test_many_at_once_take_no_more_than_there_is(database: Database) -> None:
    bucket = Bucket("test", 7, MINUTE)
    assert sum(await asyncio.gather(*(takes(database, bucket) for _ in range(60)))) == 7


async def test_a_refusal_takes_nothing_from_any_bucket(database: Database) -> None:
    empty, full = Bucket("b", 1, MINUTE), Bucket("a", 1, MINUTE)
    assert await takes(database, empty)
    async with Db(database) as db:
        with pytest.raises(TooManyAttempts):
            await attempt.take(context(db), full, empty)
    assert await takes(database, full)


async def test_buckets_that_are_full_again_are_forgotten(database: Database, clock: FrozenClock) -> None:
    for name, interval in (("short", MINUTE), ("long", 3 * MINUTE)):
        assert await takes(database, Bucket(name, 2, interval))
    clock.move(2 * MINUTE)
    async with Db(database) as db:
        await purge(db, Figures())
        assert [row.key for row in await db.rows(table(Attempt).select())] == ["long"]


def test_an_ipv6_network_is_one_caller() -> None:
    def key(address: str) -> str:
        return of_address(AttemptKind.SIGN_IN, address, Figures()).key

    assert key("2001:db8::1") == key("2001:db8::8000:0:0:1") != key("2001:db8:0:1::1")
    assert key("::ffff:192.0.2.1") == key("192.0.2.1") != key("192.0.2.2")


def test_a_bucket_is_counted_in_whole_microseconds() -> None:
    """The column is of integers: a float would be rounded, from the year 2255 on."""
    bucket, now = Bucket("test", 3, MINUTE), START + timedelta(microseconds=1)
    at, minute = (now - EPOCH) // MICROSECOND, 60_000_000
    given = bucket.parameters(now)
    assert given == {
        "bucket": "test",
        "now": at,
        "interval": minute,
        "first": at + minute,
        "latest": at + 2 * minute,
    }
    numbers = [*given.values(), *giving_back(bucket).compile().params.values()]
    assert {type(number) for number in numbers if not isinstance(number, str)} == {int}
    assert bucket.retry_at(given["first"]) == now - MINUTE


def test_a_bucket_names_nobody() -> None:
    assert "owner" not in of_strangers(AttemptKind.SIGN_IN, "owner@example.org", Figures()).key


# The figures


def test_a_code_is_guessed_for_one_account_in_a_thousand_and_year_at_most() -> None:
    """Each guess meets one of the codes of the window; right ones are given back, so only wrong ones count."""
    figures = Figures()
    guesses = figures.codes_per_profile + YEAR // figures.code_profile_interval + 1
    chance = guesses * (2 * totp.WINDOW + 1) / 10**6
    assert chance <= 0.001


# Signing in


async def test_sign_ins_at_a_profile_slow_down_and_recover(
    api: Api, bound: Bound, clock: FrozenClock, hashes: list[str]
) -> None:
    start = clock.now()
    async with limited(api, bound, sign_ins_per_profile=3) as served:
        for _ in range(3):
            assert (await tried(served, OWNER.email))["code"] == "INVALID_CREDENTIALS"
        hashes.clear()
        refused = await tried(served, OWNER.email, PASSWORD)
        assert hashes == []
        assert refused == {
            "__typename": "ThrottleError",
            "code": "TOO_MANY_ATTEMPTS",
            "message": refused["message"],
            "field": None,
            "retryAt": (start + timedelta(minutes=5)).isoformat().replace("+00:00", "Z"),
        }
        assert "9:05" in refused["message"]
        clock.move(timedelta(minutes=5))
        assert await tried(served, OWNER.email, PASSWORD) is None


@pytest.mark.parametrize("networks", [1, 5], ids=["one network", "many"])
async def test_the_limit_is_the_same_for_an_address_that_nobody_has(api: Api, bound: Bound, networks: int) -> None:
    async with limited(api, bound, sign_ins_per_profile=3, sign_ins_per_email=4) as served:
        seen = {
            email: [await tried(served, email, address=f"192.0.2.{number % networks}") for number in range(6)]
            for email in (OWNER.email, STAFF.email, "nobody@example.org")
        }
    assert seen[OWNER.email] == seen[STAFF.email] == seen["nobody@example.org"]
    let_in = 3 if networks == 1 else 4
    codes = [error["code"] for error in seen[OWNER.email]]
    assert codes == ["INVALID_CREDENTIALS"] * let_in + ["TOO_MANY_ATTEMPTS"] * (6 - let_in)


HOME, STRANGE, ABROAD = "198.51.100.7", "192.0.2.{}", "203.0.113.9"


async def test_a_stranger_keeps_nobody_out(api: Api, bound: Bound, clock: FrozenClock) -> None:
    """LIM-1. From one network whatever is tried is the stranger's own; the owner signs in from anywhere else."""
    async with limited(api, bound, sign_ins_per_profile=3) as served:
        for _ in range(10):
            await tried(served, OWNER.email, address=STRANGE.format(1))
        assert await tried(served, OWNER.email, PASSWORD, address=ABROAD) is None


async def test_many_strangers_keep_nobody_out_of_where_they_signed_in_before(api: Api, bound: Bound) -> None:
    """LIM-1. What all strangers have together is used up; from a network that the profile knows it is not asked."""
    async with limited(api, bound, sign_ins_per_email=5) as served:
        assert await tried(served, OWNER.email, PASSWORD, address=HOME) is None
        seen = [(await tried(served, OWNER.email, address=STRANGE.format(n)))["code"] for n in range(12)]
        assert seen == ["INVALID_CREDENTIALS"] * 5 + ["TOO_MANY_ATTEMPTS"] * 7
        assert (await tried(served, OWNER.email, PASSWORD, address=ABROAD))["code"] == "TOO_MANY_ATTEMPTS"
        for _ in range(6):
            assert await tried(served, OWNER.email, PASSWORD, address=HOME) is None
        assert (await tried(served, OWNER.email, address=STRANGE.format(99)))["code"] == "TOO_MANY_ATTEMPTS"


async def test_guesses_of_many_strangers_stay_bounded(api: Api, bound: Bound, clock: FrozenClock) -> None:
    """LIM-1. However many networks: so many at once, and one each interval."""
    async with limited(api, bound, sign_ins_per_email=5) as served:
        guessed = 0
        for n in range(40):
            error = await tried(served, OWNER.email, address=f"2001:db8:{n:x}::1")
            guessed += error["code"] == "INVALID_CREDENTIALS"
            clock.move(MINUTE)
    assert guessed == 5 + 39 // 5


async def test_whoever_reads_the_mail_gets_in_from_anywhere_however_many_strangers_guess(
    api: Api, bound: Bound, clock: FrozenClock
) -> None:
    """LIM-1, PRO-7. Who uses up all resets sends the owner the links; following one makes its network known."""
    async with limited(api, bound, sign_ins_per_email=3, resets_per_email=3) as served:
        for n in range(6):
            await tried(served, OWNER.email, address=STRANGE.format(n))
            await reset(served, OWNER.email, STRANGE.format(n))
        assert await reset(served, OWNER.email, ABROAD) == "TOO_MANY_ATTEMPTS"
        new = "violet-harbour-sixteen-lamps"
        given = {"token": await token_of(served, LinkKind.PASSWORD_RESET), "password": new}
        answer = await served.ask(RESET, given, x_forwarded_for=ABROAD)
        assert answer.data["passwordReset"]["userErrors"] == []
        assert await tried(served, OWNER.email, new, address=ABROAD) is None
        assert (await tried(served, OWNER.email, new, address=HOME))["code"] == "TOO_MANY_ATTEMPTS"


async def test_resets_are_asked_for_from_a_known_network_whatever_strangers_ask(api: Api, bound: Bound) -> None:
    """LIM-1. So they are where nobody but one stranger asks, and sign-ups at an address stop no reset of it."""
    async with limited(api, bound, resets_per_email=2, resets_per_profile=1) as served:
        assert await tried(served, OWNER.email, PASSWORD, address=HOME) is None
        given = {"email": OWNER.email, "password": "violet-harbour-sixteen-lamps", "terms": True}
        for n in range(4):
            await served.ask(REGISTER, given, x_forwarded_for=STRANGE.format(n))
        assert [await reset(served, OWNER.email, STRANGE.format(n)) for n in range(3)] == [
            None,
            None,
            "TOO_MANY_ATTEMPTS",
        ]
        assert await reset(served, OWNER.email, HOME) is None
        assert await reset(served, OWNER.email, HOME) == "TOO_MANY_ATTEMPTS"


async def reset(api: Api, email: str, address: str) -> str | None:
    """The code that a reset is refused with."""
    answer = await api.ask(ASK_RESET, {"email": email}, x_forwarded_for=address)
    errors = answer.data["passwordResetRequest"]["userErrors"]
    return errors[0]["code"] if errors else None


async def test_networks_that_nobody_signed_in_from_for_long_are_forgotten(
    api: Api, bound: Bound, clock: FrozenClock
) -> None:
    async with limited(api, bound) as served:
        for address in (HOME, "2001:db8::1", "2001:db8::2"):
            assert await tried(served, OWNER.email, PASSWORD, address=address) is None
        clock.move(Figures().known_network_retention)
        assert await tried(served, OWNER.email, PASSWORD, address="2001:db8::3") is None
        assert sorted(row.network for row in await api.rows(KnownNetwork)) == [HOME, "2001:db8::/64"]
        clock.move(MINUTE)
        async with Db(api.database) as db:
            await purge(db, Figures())
        assert [row.network for row in await api.rows(KnownNetwork)] == ["2001:db8::/64"]


async def test_one_session_cannot_use_up_what_another_may_try(api: Api, bound: Bound, clock: FrozenClock) -> None:
    """LIM-1. Whoever stole a session does not keep its owner from changing the password in another."""
    stolen, own = await api.token(), await api.token()
    async with limited(api, bound, sign_ins_per_profile=2) as served:
        seen = []
        for token, current in [(stolen, "wrong")] * 3 + [(own, PASSWORD)]:
            given = {"currentPassword": current, "newPassword": "violet-harbour-sixteen-lamps"}
            payload = (await served.ask(CHANGE_PASSWORD, {"input": given}, token=token)).data["passwordChange"]
            seen.append([error["code"] for error in payload["userErrors"]])
    assert seen == [["INVALID_CREDENTIALS"]] * 2 + [["TOO_MANY_ATTEMPTS"], []]


async def test_sign_ins_from_an_address_slow_down_and_a_success_does_not_help(
    api: Api, bound: Bound, clock: FrozenClock
) -> None:
    async with limited(api, bound, sign_ins_per_address=3) as served:
        assert await tried(served, OWNER.email, PASSWORD) is None
        for number in range(2):
            await tried(served, f"nobody{number}@example.org")
        assert (await tried(served, OWNER.email, PASSWORD))["code"] == "TOO_MANY_ATTEMPTS"
        assert await tried(served, OWNER.email, PASSWORD, address="192.0.2.2") is None
        clock.move(MINUTE)
        assert await tried(served, OWNER.email, PASSWORD) is None
        assert (await tried(served, OWNER.email, PASSWORD))["code"] == "TOO_MANY_ATTEMPTS"


async def test_who_signs_in_rightly_is_not_slowed_down_at_their_profile(api: Api, bound: Bound) -> None:
    async with limited(api, bound, sign_ins_per_profile=2) as served:
        assert [await tried(served, OWNER.email, PASSWORD, address=f"192.0.2.{each}") for each in range(6)] == [
            None
        ] * 6


async def test_a_limit_outlives_the_process_and_holds_in_all(api: Api, bound: Bound) -> None:
    for code in ("INVALID_CREDENTIALS", "TOO_MANY_ATTEMPTS"):
        async with limited(api, bound, sign_ins_per_profile=1) as served:
            assert (await tried(served, OWNER.email))["code"] == code


# Codes


async def answered(api: Api, challenge: str, code: str, address: str = "192.0.2.1") -> Any:
    given = {"input": {"challengeId": challenge, "code": code}}
    payload = (await api.ask(VERIFY, given, x_forwarded_for=address)).data["sessionVerifyTwoFactor"]
    return payload["userErrors"][0]["code"] if payload["userErrors"] else None


async def test_codes_slow_down_at_the_profile_whatever_the_challenge_and_the_address(
    api: Api, bound: Bound, clock: FrozenClock
) -> None:
    async with limited(api, bound, codes_per_profile=3, challenge_lifetime=timedelta(days=3)) as served:
        challenges = [await challenged(api, lifetime=timedelta(days=3)) for _ in range(5)]
        seen = [await answered(served, each, wrong(clock), f"192.0.2.{n}") for n, each in enumerate(challenges)]
        assert seen == ["INVALID_CODE"] * 3 + ["TOO_MANY_ATTEMPTS"] * 2
        assert await answered(served, challenges[0], code_in(clock), "192.0.2.9") == "TOO_MANY_ATTEMPTS"
        clock.move(Figures().code_profile_interval)
        assert await answered(served, challenges[0], code_in(clock), "192.0.2.9") is None


async def test_right_codes_are_not_counted_and_leave_the_wrong_ones_where_they_are(
    api: Api, bound: Bound, clock: FrozenClock
) -> None:
    async with limited(api, bound, codes_per_profile=2) as served:
        assert await answered(served, await challenged(api), wrong(clock)) == "INVALID_CODE"
        for _ in range(4):
            assert await answered(served, await challenged(api), code_in(clock)) is None
            clock.move(MINUTE)
        assert await answered(served, await challenged(api), wrong(clock)) == "INVALID_CODE"
        assert await answered(served, await challenged(api), wrong(clock)) == "TOO_MANY_ATTEMPTS"


async def test_codes_from_an_address_are_counted_known_challenge_or_not(api: Api, bound: Bound) -> None:
    async with limited(api, bound, codes_per_address=2) as served:
        seen = [await answered(served, "unknown", "123456") for _ in range(3)]
        assert seen == ["EXPIRED", "EXPIRED", "TOO_MANY_ATTEMPTS"]
        assert await answered(served, "unknown", "123456", "192.0.2.2") == "EXPIRED"


async def test_a_stolen_session_cannot_guess_the_password_nor_use_up_the_codes(
    api: Api, bound: Bound, clock: FrozenClock, hashes: list[str]
) -> None:
    token = await api.token(STAFF)
    async with limited(api, bound, sign_ins_per_profile=2, codes_per_profile=1) as served:
        hashes.clear()
        seen = []
        for _ in range(4):
            given = {"input": {"currentPassword": "wrong", "code": wrong(clock)}}
            payload = (await served.ask(DISABLE, given, token=token)).data["twoFactorDisable"]
            seen.append(payload["userErrors"][0]["code"])
        assert seen == ["INVALID_CREDENTIALS"] * 2 + ["TOO_MANY_ATTEMPTS"] * 2
        assert hashes == ["verify"] * 2
        assert await answered(served, await challenged(api), code_in(clock)) is None


async def test_limits_are_lifted_for_load_tools(api: Api, bound: Bound) -> None:
    async with limited(api, bound, sign_ins_per_profile=1, rate_limits=False) as served:
        assert [(await tried(served, OWNER.email))["code"] for _ in range(3)] == ["INVALID_CREDENTIALS"] * 3
    assert await api.rows(Attempt) == []
