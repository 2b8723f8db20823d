"""Profiles: reading one's own, changing it, and what others see of it."""

from typing import Any

import pytest

from models.activity import ActivityEvent, Author, Record
from models.clock import FrozenClock
from models.profile import Profile, ProfileKind
from models.refusal import Code, Refusal
from tests.api import FREE, OWNER, Api, profile_id

VIEWER = """{ viewer { id displayName email kind emailVerified locale createdAt viewerIsOwner identity {
  organizationName firstName lastName streetLines postalCode city country registrationNumber vatNumber phone } } }"""
UPDATE = """mutation Update($input: ProfileUpdateInput!) { profileUpdate(input: $input) {
  profile { kind locale identity { city country streetLines phone registrationNumber vatNumber } }
  userErrors { code message field } } }"""


def a_profile(clock: FrozenClock, **values: Any) -> Profile:
    return Profile(
        email="a@example.org", password_hash="", password_changed_at=clock.now(), created_at=clock.now(), **values
    )


def a_record(clock: FrozenClock) -> Record:
    return Record(Author(), clock.now(), clock.now())


async def test_a_signed_in_person_reads_their_whole_profile(api: Api) -> None:
    answer = await api.ask(VIEWER, token=await api.token(OWNER))
    viewer = answer.data["viewer"]
    assert viewer["id"] == profile_id(OWNER)
    assert viewer["displayName"] == "Atelier Exemple"
    assert (viewer["email"], viewer["kind"], viewer["locale"]) == ("owner@example.org", "COMPANY", "FR")
    assert viewer["emailVerified"] is True
    assert viewer["viewerIsOwner"] is True
    assert viewer["createdAt"] == "2025-10-18T09:00:00Z"
    assert viewer["identity"]["streetLines"] == ["12 rue de l’Exemple"]
    assert viewer["identity"]["vatNumber"] == "FR44732829320"
    assert answer.status == 200


async def test_without_a_session_there_is_no_viewer(api: Api) -> None:
    answer = await api.ask("{ viewer { id } session { id } }")
    assert answer.data == {"viewer": None, "session": None}


async def test_a_change_of_profile_is_kept_told_and_seen_at_once(api: Api) -> None:
    token = await api.token(FREE)
    answer = await api.ask(
        UPDATE,
        {
            "input": {
                "kind": "COMPANY",
                "identity": {"organizationName": "Beispiel", "city": " Köln ", "phone": "+49 30 123456"},
            }
        },
        token=token,
    )
    assert answer.data["profileUpdate"]["userErrors"] == []
    assert answer.data["profileUpdate"]["profile"]["kind"] == "COMPANY"
    assert answer.data["profileUpdate"]["profile"]["identity"]["city"] == "Köln"
    assert answer.data["profileUpdate"]["profile"]["identity"]["phone"] == "+4930123456"
    event = max(await api.rows(ActivityEvent), key=lambda row: row.id)
    assert (event.kind, event.owner_id, event.actor_id) == ("profile.updated", FREE.key, FREE.key)
    assert event.changes == {
        "kind": ["INDIVIDUAL", "COMPANY"],
        "organization_name": [None, "Beispiel"],
        "city": ["Berlin", "Köln"],
        "phone": [None, "+4930123456"],
    }


async def test_what_an_update_leaves_out_stays_and_what_it_nulls_is_cleared(api: Api) -> None:
    token = await api.token(OWNER)
    answer = await api.ask(UPDATE, {"input": {"identity": {"vatNumber": None}}}, token=token)
    identity = answer.data["profileUpdate"]["profile"]["identity"]
    assert identity["vatNumber"] is None
    assert identity["city"] == "Paris"


async def test_a_null_instead_of_an_identity_clears_all_of_it(api: Api) -> None:
    token = await api.token(OWNER)
    refused = await api.ask(UPDATE, {"input": {"identity": None}}, token=token)
    (error,) = refused.data["profileUpdate"]["userErrors"]
    assert (error["code"], error["field"]) == ("REQUIRED", ["input", "identity", "organizationName"])
    answer = await api.ask(UPDATE, {"input": {"kind": "INDIVIDUAL", "identity": None}}, token=token)
    assert answer.data["profileUpdate"]["profile"]["identity"] == {
        "city": None,
        "country": None,
        "streetLines": [],
        "phone": None,
        "registrationNumber": None,
        "vatNumber": None,
    }


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"identity": {"vatNumber": "FR00732829320"}}, "INVALID", ["input", "identity", "vatNumber"]),
        (
            {"identity": {"registrationNumber": "73282932000075"}},
            "INVALID",
            ["input", "identity", "registrationNumber"],
        ),
        ({"identity": {"phone": "01 23"}}, "INVALID", ["input", "identity", "phone"]),
        ({"identity": {"streetLines": ["1", "2", "3", "4", "5"]}}, "INVALID", ["input", "identity", "streetLines"]),
        ({"identity": {"city": "x" * 201}}, "INVALID", ["input", "identity", "city"]),
        ({"identity": {"postalCode": "7501"}}, "INVALID", ["input", "identity", "postalCode"]),
        ({"identity": {"country": "DE"}}, "INVALID", ["input", "identity", "vatNumber"]),
        ({"identity": {"organizationName": ""}}, "REQUIRED", ["input", "identity", "organizationName"]),
        ({"kind": None}, "REQUIRED", ["input", "kind"]),
        ({"locale": None}, "REQUIRED", ["input", "locale"]),
    ],
)
async def test_a_wrong_value_is_refused_at_its_field_and_nothing_changes(
    api: Api, given: dict[str, Any], code: str, field: list[str]
) -> None:
    token = await api.token(OWNER)
    before, facts = await api.rows(Profile), len(await api.rows(ActivityEvent))
    answer = await api.ask(
        UPDATE, {"input": {**given, "identity": {**given.get("identity", {}), "firstName": "X"}}}, token=token
    )
    payload = answer.data["profileUpdate"]
    assert payload["profile"] is None
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [(code, field)]
    assert await api.rows(Profile) == before
    assert len(await api.rows(ActivityEvent)) == facts


async def test_a_refusal_speaks_the_language_of_the_profile(api: Api) -> None:
    given = {"input": {"identity": {"vatNumber": "FR1"}}}
    french = await api.ask(UPDATE, given, token=await api.token(OWNER), accept_language="en")
    english = await api.ask(UPDATE, given, token=await api.token(FREE), accept_language="fr")
    assert "Union européenne" in french.data["profileUpdate"]["userErrors"][0]["message"]
    assert "European Union" in english.data["profileUpdate"]["userErrors"][0]["message"]


def test_a_siret_is_asked_of_french_organisations_only(clock: FrozenClock) -> None:
    profile = a_profile(clock, country="DE")
    profile.update(a_record(clock), {"registration_number": "HRB 1234"})
    assert profile.registration_number == "HRB 1234"
    with pytest.raises(Refusal) as refused:
        profile.update(a_record(clock), {"country": "FR"})
    assert refused.value.code is Code.INVALID
    assert profile.country == "DE"


def test_an_update_states_what_changed_and_only_that(clock: FrozenClock) -> None:
    profile, record = a_profile(clock, city="Paris", first_name="A", organization_name="A"), a_record(clock)
    profile.update(record, {"city": "Paris", "first_name": " B  C ", "kind": ProfileKind.COMPANY})
    assert profile.first_name == "B C"
    assert record.events[0].changes == {
        "first_name": ["A", "B C"],
        "kind": [ProfileKind.INDIVIDUAL, ProfileKind.COMPANY],
    }
