"""The rules of sessions and of the sandbox's clock, one by one, without a database."""

from datetime import UTC, datetime, timedelta

import pytest

from models.activity import Author, Record
from models.column import new_id
from models.profile import Profile
from models.sandbox import ClockEnds, ClockMovesForward, ClockOffset, ClockStepTooLong
from models.secret import SecretKind, fingerprint, is_well_formed
from models.session import Lifetimes, Opened, SessionTransport, close_others, open_session

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
OWNER = new_id()
LIFETIMES = Lifetimes(cookie=timedelta(days=14), access=timedelta(minutes=30), refresh=timedelta(days=60))


def a_record() -> Record:
    return Record(Author(), NOW, NOW)


def opened(transport: SessionTransport, record: Record | None = None, user_agent: str | None = None) -> Opened:
    return open_session(
        record or a_record(),
        profile_id=OWNER,
        transport=transport,
        lifetimes=LIFETIMES,
        ip_address="192.0.2.1",
        user_agent=user_agent,
    )


def test_a_bearer_session_keeps_the_hashes_of_both_its_secrets() -> None:
    bearer = opened(SessionTransport.BEARER)
    assert bearer.refresh is not None
    assert is_well_formed(bearer.secret, SecretKind.ACCESS)
    assert is_well_formed(bearer.refresh, SecretKind.REFRESH)
    assert bearer.session.secret_hash == fingerprint(bearer.secret)
    assert bearer.session.refresh_hash == fingerprint(bearer.refresh)
    assert (bearer.session.access_expires_at, bearer.session.expires_at) == (
        NOW + LIFETIMES.access,
        NOW + LIFETIMES.refresh,
    )


def test_a_cookie_session_has_one_secret() -> None:
    cookie = opened(SessionTransport.COOKIE)
    assert (cookie.refresh, cookie.session.refresh_hash) == (None, None)
    assert cookie.session.access_expires_at == cookie.session.expires_at == NOW + LIFETIMES.cookie


def test_a_user_agent_is_kept_up_to_a_length() -> None:
    assert opened(SessionTransport.COOKIE, user_agent="x" * 400).session.user_agent == "x" * 300


def test_facts_say_how_a_session_was_held_and_how_many_were_closed() -> None:
    record = a_record()
    sessions = [opened(SessionTransport.BEARER, record).session for _ in range(3)]
    profile = Profile(id=OWNER, email="a@example.org", password_hash="", password_changed_at=NOW, created_at=NOW)
    ended = close_others(profile, sessions, sessions[0].id, record)
    assert ended == [session.id for session in sessions[1:]]
    told = [(event.kind, event.facts) for event in record]
    assert told[:3] == [("session.opened", {"method": "BEARER"})] * 3
    assert told[3:] == [("session.others_closed", {"count": 2})] + [("session.closed", {"method": "BEARER"})] * 2


def test_the_clock_counts_in_whole_microseconds_and_may_stand() -> None:
    clock = ClockOffset()
    clock.advance(a_record(), to=NOW, years=2, owner_id=OWNER)
    assert clock.microseconds == 0
    clock.advance(a_record(), to=NOW + timedelta(seconds=1), years=2, owner_id=OWNER)
    assert (clock.microseconds, type(clock.microseconds)) == (1_000_000, int)


def test_the_clock_says_why_it_is_not_moved() -> None:
    clock = ClockOffset()
    with pytest.raises(ClockMovesForward):
        clock.advance(a_record(), to=NOW - timedelta(microseconds=1), years=2, owner_id=OWNER)
    with pytest.raises(ClockStepTooLong) as step:
        clock.advance(a_record(), to=NOW.replace(year=2028) + timedelta(microseconds=1), years=2, owner_id=OWNER)
    with pytest.raises(ClockEnds) as end:
        clock.advance(a_record(), to=datetime(2201, 1, 1, tzinfo=UTC), years=2, owner_id=OWNER)
    assert step.value.figures == {"years": 2}
    assert end.value.figures == {"year": "2200"}
    leap = ClockOffset(microseconds=(datetime(2028, 2, 29, tzinfo=UTC) - NOW) // timedelta(microseconds=1))
    with pytest.raises(ClockStepTooLong):
        leap.advance(a_record(), to=datetime(2030, 3, 1, tzinfo=UTC), years=2, owner_id=OWNER)
    leap.advance(a_record(), to=datetime(2030, 2, 28, tzinfo=UTC), years=2, owner_id=OWNER)
