"""The rules of identity, one by one, without a database: factors, challenges, refresh tokens, links and deliveries."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from models import challenge as challenges
from models import delivery, network, refresh, two_factor
from models.activity import Author, Record
from models.link import Link, LinkKind, link_token, new_link, read_link_token
from models.profile import PASSWORD_CHANGED, PASSWORD_RESET_ASKED, REGISTERED, UPDATED, Profile
from models.secret import SecretKind, csrf_token, fingerprint, is_well_formed, unsaid, with_checksum
from models.session import Opened, SessionMethod, SessionTransport, surplus
from models.two_factor import TwoFactor
from tests.api import OWNER, unsaved
from tests.test_rule_session import LIFETIMES, opened

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
BUSINESS = NOW + timedelta(days=400)
"""What the clock of the sandbox says: nothing here follows it."""
HOUR, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)


def a_record() -> Record:
    return Record(Author(), BUSINESS, NOW)


def facts(record: Record) -> list[tuple[str, dict[str, Any]]]:
    return [(event.kind, event.facts) for event in record]


# Two factors


def test_a_new_secret_takes_the_place_of_one_that_was_not_confirmed() -> None:
    record, profile = a_record(), unsaved(OWNER)
    first = two_factor.enroll(profile, None, record, "sealed")
    assert (first.profile_id, first.sealed_secret, first.last_step, first.created_at) == (OWNER.key, "sealed", 0, NOW)
    pending = TwoFactor(profile_id=OWNER.key, sealed_secret="old", last_step=7, created_at=NOW - HOUR)
    assert two_factor.enroll(profile, pending, record, "new") is pending
    assert (pending.sealed_secret, pending.last_step, pending.created_at) == ("new", 0, NOW)
    assert facts(record) == [("two_factor.enrolled", {})] * 2


def test_a_factor_is_on_from_an_instant_of_real_time() -> None:
    record, profile = a_record(), unsaved(OWNER)
    two_factor.turn_on(profile, record)
    since = profile.two_factor_since
    with pytest.raises(two_factor.AlreadyOn):
        two_factor.enroll(profile, None, record, "sealed")
    two_factor.turn_off(profile, record)
    assert (since, profile.two_factor_since) == (NOW, None)
    assert [kind for kind, _ in facts(record)] == ["two_factor.enabled", "two_factor.disabled"]


# Challenges


def asked(profile: Profile) -> challenges.Asked:
    return challenges.ask(a_record(), profile, transport=SessionTransport.BEARER, lifetime=HOUR)


def test_a_challenge_is_of_its_profile_its_password_and_its_time() -> None:
    record, profile = a_record(), unsaved(OWNER, password_hash="hash", two_factor_since=NOW)
    made = challenges.ask(record, profile, transport=SessionTransport.COOKIE, lifetime=HOUR)
    row = made.challenge
    assert is_well_formed(made.secret, SecretKind.CHALLENGE)
    assert (row.profile_id, row.secret_hash, row.transport) == (OWNER.key, fingerprint(made.secret), "COOKIE")
    assert (row.password_mark, row.created_at, row.expires_at) == (fingerprint("hash"), NOW, NOW + HOUR)
    assert facts(record) == [("session.challenged", {})]
    assert repr(made) == f"Asked({row.id})"


def test_a_challenge_counts_while_nothing_has_changed() -> None:
    profile = unsaved(OWNER, password_hash="hash", two_factor_since=NOW)
    row = asked(profile).challenge
    row.check(profile, NOW + HOUR - MICROSECOND)
    changed = unsaved(OWNER, password_hash="another", two_factor_since=NOW)
    off = unsaved(OWNER, password_hash="hash")
    for who, at in ((profile, NOW + HOUR), (changed, NOW), (off, NOW)):
        with pytest.raises(challenges.ChallengeExpired):
            row.check(who, at)


# Refresh tokens


def renewed(session: Any, record: Record | None = None) -> refresh.Rotated:
    return refresh.rotate(session, record or a_record(), access=HOUR, refresh=2 * HOUR)


def test_a_renewal_replaces_both_secrets_and_remembers_the_old_one() -> None:
    before, record = opened(SessionTransport.BEARER), a_record()
    made = renewed(before.session, record)
    session = made.opened.session
    assert (made.used.session_id, made.used.secret_hash) == (session.id, fingerprint(before.refresh or ""))
    assert made.used.used_at == NOW
    assert is_well_formed(made.opened.secret, SecretKind.ACCESS)
    assert is_well_formed(made.opened.refresh or "", SecretKind.REFRESH)
    assert (session.secret_hash, session.refresh_hash) == tuple(
        fingerprint(each or "") for each in (made.opened.secret, made.opened.refresh)
    )
    assert (session.last_seen_at, session.access_expires_at, session.expires_at) == (NOW, NOW + HOUR, NOW + 2 * HOUR)
    assert facts(record) == [("session.refreshed", {})]
    assert repr(made) == f"Rotated({session.id})"


def test_what_is_over_is_not_renewed() -> None:
    cookie, ended, late = (
        opened(SessionTransport.COOKIE),
        opened(SessionTransport.BEARER),
        opened(SessionTransport.BEARER),
    )
    ended.session.ended_at = NOW
    late.session.expires_at = NOW
    for each in (cookie, ended, late):
        with pytest.raises(refresh.RefreshExpired):
            renewed(each.session)
    late.session.expires_at = NOW + MICROSECOND
    assert renewed(late.session)


def test_a_token_that_comes_back_ends_its_session_once() -> None:
    session, record = opened(SessionTransport.BEARER).session, a_record()
    refresh.revoke_family(session, record)
    assert session.ended_at == NOW
    assert facts(record) == [("session.refresh_reused", {}), ("session.closed", {"method": "BEARER"})]
    with pytest.raises(refresh.RefreshExpired):
        refresh.revoke_family(session, record)


# Sessions


def test_a_cookie_that_verified_a_second_factor_is_replaced_and_a_bearer_is_not() -> None:
    cookie, bearer = opened(SessionTransport.COOKIE).session, opened(SessionTransport.BEARER).session
    new = cookie.verified_second_factor(a_record())
    assert new is not None
    assert (new.session, new.refresh, cookie.two_factor_at) == (cookie, None, NOW)
    assert is_well_formed(new.secret, SecretKind.COOKIE)
    assert cookie.secret_hash == fingerprint(new.secret)
    assert bearer.verified_second_factor(a_record()) is None
    assert bearer.two_factor_at == NOW


def test_a_session_says_all_of_how_it_was_opened() -> None:
    session = opened(SessionTransport.BEARER, user_agent="browser").session
    assert (session.method, session.ip_address, session.user_agent) == (SessionMethod.BEARER, "192.0.2.1", "browser")
    assert session.created_at == session.last_seen_at == NOW
    assert repr(Opened(session, "secret", None)) == f"Opened({session.id})"
    assert LIFETIMES.access < LIFETIMES.cookie


def test_those_unused_for_longest_make_room_for_one_more() -> None:
    sessions = [opened(SessionTransport.COOKIE).session for _ in range(4)]
    for place, session in zip((2, 0, 3, 1), sessions, strict=True):
        session.last_seen_at = NOW + place * HOUR
    by_use = sorted(sessions, key=lambda session: session.last_seen_at)
    assert [surplus(sessions, limit) for limit in (6, 5, 4, 3, 1)] == [[], [], by_use[:1], by_use[:2], by_use]


# Secrets, links and deliveries


def test_what_was_handed_out_stays_good() -> None:
    """Mails on their way, tokens in scripts and rows in databases were made by the release before."""
    key, link_id, body = "k" * 32, UUID(int=2**127 + 1), "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg"
    token = "esp_link_3tX16dB2jpss4tZORYcqo5hPFwW8G9NhUDDePYI30gg00R8gh"
    assert (link_token(key, link_id), read_link_token(key, token)) == (token, link_id)
    assert with_checksum(SecretKind.API, body) == f"esp_api_{body}0jOYfj"
    assert fingerprint("secret") == "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
    assert unsaid(link_id) == "<UUID>"
    assert csrf_token(key, "secret") == "3967a002af630da5fed24e7854fad7dee9b1a056f95d28f47dc2982940dae5f4"


def test_a_link_is_of_its_kind_profile_address_and_time() -> None:
    address = "a@example.org"
    made = new_link(a_record(), kind=LinkKind.EMAIL_CHANGE, profile_id=OWNER.key, address=address, lifetime=HOUR)
    assert (made.kind, made.profile_id, made.address) == (LinkKind.EMAIL_CHANGE, OWNER.key, address)
    assert (made.created_at, made.expires_at, made.used_at) == (NOW, NOW + HOUR, None)
    assert (made.is_open(NOW + HOUR - MICROSECOND), made.is_open(NOW + HOUR)) == (True, False)
    assert isinstance(made, Link)


def test_facts_with_a_mail_are_sent_and_those_that_need_a_link_with_one_only() -> None:
    record, profile = a_record(), unsaved(OWNER)
    record.happened(UPDATED, profile)
    record.happened(PASSWORD_CHANGED, profile)
    record.happened(PASSWORD_RESET_ASKED, profile)
    record.happened(REGISTERED, profile, address="a@example.org", link_id="1")
    _, changed, _, registered = record.events
    unknown = changed.model_copy(update={"kind": "nobody.knows"})
    made = list(delivery.deliveries([*record, unknown], NOW))
    assert [(each.event_id, each.template, each.address) for each in made] == [
        (changed.id, "password_changed", None),
        (registered.id, "email_verification", "a@example.org"),
    ]
    assert {(each.kind, each.due_at, each.state, each.attempt) for each in made} == {("MAIL", NOW, "PENDING", 0)}


@pytest.mark.parametrize(("chance", "share"), [(0, 500), (500, 1000), (123, 623)])
def test_a_pause_is_half_to_the_whole_of_the_longest(monkeypatch: pytest.MonkeyPatch, chance: int, share: int) -> None:
    asked: list[int] = []

    def drawn(below: int) -> int:
        asked.append(below)
        return chance

    monkeypatch.setattr("models.delivery.secrets.randbelow", drawn)
    for attempt, longest in ((1, HOUR), (2, 2 * HOUR), (4, 8 * HOUR), (5, 10 * HOUR), (10**6, 10 * HOUR)):
        assert delivery.backoff(attempt, first=HOUR, most=10 * HOUR) == longest * share / 1000
    assert set(asked) == {501}


# Networks


def test_a_list_is_kept_once_each_and_told_where_it_changed() -> None:
    record, profile = a_record(), unsaved(OWNER, ip_allowlist=["192.0.2.0/24"])
    rule: dict[str, Any] = {"address": "203.0.113.1", "most": 2}
    network.restrict(profile, record, ["192.0.2.0/24", "192.0.2.0/24"], confirmed=True, **rule)
    with pytest.raises(network.SelfLockout):
        network.restrict(profile, record, ["192.0.2.0/24"], confirmed=False, **rule)
    with pytest.raises(network.TooManyNetworks) as many:
        network.restrict(profile, record, ["10.0.0.0/8", "192.0.2.0/24", "203.0.113.0/24"], confirmed=True, **rule)
    network.restrict(profile, record, ["203.0.113.0/24", "10.0.0.0/8"], confirmed=False, **rule)
    assert profile.ip_allowlist == ["203.0.113.0/24", "10.0.0.0/8"]
    assert many.value.figures == {"limit": 2}
    assert [event.changes for event in record] == [
        {},
        {"ip_allowlist": [["192.0.2.0/24"], ["203.0.113.0/24", "10.0.0.0/8"]]},
    ]


def test_what_is_outside_is_named() -> None:
    with pytest.raises(network.OutsideProfile) as outside:
        network.check_within(["192.0.2.0/25", "203.0.113.0/24"], ["192.0.2.0/24"])
    assert outside.value.figures == {"network": "203.0.113.0/24"}
