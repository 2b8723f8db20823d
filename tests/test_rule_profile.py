"""PRO-2. The rules of a profile's identity, one by one: what is kept, what is refused, and with which figures."""

from datetime import UTC, datetime
from typing import Any

import pytest

from models.activity import Author, Record
from models.profile import (
    InvalidRegistrationNumber,
    Profile,
    TooLong,
    TooManyStreetLines,
    display_name,
)

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def a_profile(**values: Any) -> Profile:
    return Profile(email="a@example.org", password_hash="", password_changed_at=NOW, created_at=NOW, **values)


def changed(profile: Profile, **changes: Any) -> Profile:
    profile.update(Record(Author(), NOW, NOW), changes)
    return profile


@pytest.mark.parametrize(
    ("organization", "first", "last", "shown"),
    [
        ("Atelier", "Ada", "Byron", "Atelier"),
        (None, "Ada", "Byron", "Ada Byron"),
        (None, "Ada", None, "Ada"),
        (None, None, "Byron", "Byron"),
        (None, None, None, "a@example.org"),
        ("", "", "", "a@example.org"),
    ],
)
def test_the_name_to_show(organization: str | None, first: str | None, last: str | None, shown: str) -> None:
    assert display_name(organization, first, last, "a@example.org") == shown


def test_numbers_are_kept_in_their_plain_form() -> None:
    profile = changed(a_profile(country="FR"), registration_number="732 829 320 00074", vat_number="fr 44 732829320")
    assert profile.registration_number == "73282932000074"
    assert profile.vat_number == "FR44732829320"


def test_a_phone_number_needs_its_country() -> None:
    assert changed(a_profile(country="FR"), phone="+33 1 42 68 53 00").phone == "+33142685300"


def test_what_is_empty_is_cleared() -> None:
    profile = a_profile(city="Paris", vat_number="FR44732829320", phone="+33142685300", registration_number="1")
    changed(profile, city="  ", vat_number="", phone=" ", registration_number=" ")
    assert (profile.city, profile.vat_number, profile.phone, profile.registration_number) == (None, None, None, None)


def test_street_lines_that_are_empty_are_left_out() -> None:
    assert changed(a_profile(), street_lines=[" 1  rue A ", "", " "]).street_lines == ["1 rue A"]
    assert changed(a_profile(street_lines=["x"]), street_lines=None).street_lines == []


def test_a_number_that_is_there_is_asked_again_when_the_country_becomes_france() -> None:
    foreign = a_profile(country="DE", registration_number="HRB 1")
    with pytest.raises(InvalidRegistrationNumber):
        changed(foreign, country="FR")
    assert changed(foreign, country="FR", registration_number=None).country == "FR"
    assert changed(a_profile(country="DE", registration_number="HRB 1"), country="AT").country == "AT"
    assert changed(a_profile(country="FR", registration_number="HRB 1"), city="Lyon").city == "Lyon"
    moved = changed(
        a_profile(country="DE", registration_number="HRB 1"), country="FR", registration_number="73282932000074"
    )
    assert moved.registration_number == "73282932000074"


def test_a_country_may_come_without_a_number() -> None:
    assert changed(a_profile(), country="FR").country == "FR"


def test_refusals_say_how_much_is_allowed() -> None:
    with pytest.raises(TooLong) as long:
        changed(a_profile(), city="x" * 201)
    with pytest.raises(TooManyStreetLines) as many:
        changed(a_profile(), street_lines=["1", "2", "3", "4", "5"])
    assert long.value.figures == {"limit": 200}
    assert many.value.figures == {"limit": 4}
    assert changed(a_profile(), city="x" * 200).city == "x" * 200
    assert len(changed(a_profile(), street_lines=["1", "2", "3", "4"]).street_lines) == 4
