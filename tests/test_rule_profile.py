"""PRO-2. The rules of a profile's identity, one by one: what is kept, what is refused, and with which figures."""

from datetime import UTC, datetime
from typing import Any

import pytest

from models.activity import Author, Record
from models.legal_identity import (
    InvalidPostalCode,
    InvalidRegistrationNumber,
    InvalidVatNumber,
    TooLong,
    TooManyStreetLines,
    VatNumberOfAnotherCountry,
)
from models.profile import OrganizationNameMissing, Profile, ProfileKind, display_name
from models.refusal import Refusal

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


@pytest.mark.parametrize(
    ("country", "siret"),
    [("FR", "35600000000048"), ("FR", "356 000 000 06005"), ("RE", "73282932000074"), ("MC", "02 S 04132")],
)
def test_registration_numbers_that_are_good(country: str, siret: str) -> None:
    """PRO-2. La Poste numbers its offices by a checksum of its own; Monaco has another register."""
    kept = changed(a_profile(country=country), registration_number=siret).registration_number
    assert kept == (siret if country == "MC" else siret.replace(" ", ""))


@pytest.mark.parametrize(
    ("country", "siret"),
    [("FR", "35600000006006"), ("FR", "73282932000075"), ("FR", "7328293200007"), ("GP", "HRB 1"), ("FR", "7" * 14)],
)
def test_a_siret_of_a_wrong_checksum_is_refused(country: str, siret: str) -> None:
    with pytest.raises(InvalidRegistrationNumber) as refusal:
        changed(a_profile(country=country), registration_number=siret)
    assert refusal.value.path == ("identity", "registration_number")


def test_another_country_s_number_is_kept_as_given_up_to_a_length() -> None:
    assert changed(a_profile(country="DE"), registration_number=" HRB  1234 B ").registration_number == "HRB 1234 B"
    with pytest.raises(TooLong) as refusal:
        changed(a_profile(country="DE"), registration_number="x" * 51)
    assert refusal.value.figures == {"limit": 50}


@pytest.mark.parametrize(
    ("country", "given", "kept"),
    [
        ("GR", "GR 094259216", "EL094259216"),
        ("GR", "el094259216", "EL094259216"),
        ("GB", "XI 434031494", "XI434031494"),
        ("MC", "FR53000004605", "FR53000004605"),
        ("RE", "FR44732829320", "FR44732829320"),
        ("BE", "BE 428759497", "BE0428759497"),
        ("DE", "DE-136.695.976", "DE136695976"),
        (None, "DE136695976", "DE136695976"),
    ],
)
def test_vat_numbers_are_kept_as_vies_writes_them(country: str | None, given: str, kept: str) -> None:
    assert changed(a_profile(country=country), vat_number=given).vat_number == kept


@pytest.mark.parametrize("number", ["FR00732829320", "GB434031494", "EU372022452", "CHE107787577", "44732829320", "FR"])
def test_what_is_no_vat_number_of_the_union_is_refused(number: str) -> None:
    with pytest.raises(InvalidVatNumber) as refusal:
        changed(a_profile(), vat_number=number)
    assert refusal.value.path == ("identity", "vat_number")


def test_a_vat_number_is_of_the_country_of_the_address() -> None:
    with pytest.raises(VatNumberOfAnotherCountry) as refusal:
        changed(a_profile(country="GR"), vat_number="DE136695976")
    assert (refusal.value.path, refusal.value.figures) == (("identity", "vat_number"), {"prefix": "EL"})
    settled = a_profile(country="FR", vat_number="FR44732829320", postal_code="75011")
    with pytest.raises(VatNumberOfAnotherCountry):
        changed(settled, country="BE", postal_code="1000")
    moved = changed(settled, country="BE", postal_code="1000", vat_number=None)
    assert (moved.country, moved.vat_number) == ("BE", None)


@pytest.mark.parametrize(
    ("country", "given", "kept"),
    [
        ("FR", " 75 011 ", "75011"),
        ("FR", "20200", "20200"),
        ("FR", "97400", "97400"),
        ("FR", "98800", "98800"),
        ("RE", "97400", "97400"),
        ("MC", "98000", "98000"),
        ("BL", "97133", "97133"),
        ("DE", "10115", "10115"),
        ("NL", " 1011  ab ", "1011 ab"),
        (None, "x", "x"),
        ("FR", " ", None),
    ],
)
def test_postal_codes_that_are_good(country: str | None, given: str, kept: str | None) -> None:
    assert changed(a_profile(country=country), postal_code=given).postal_code == kept


@pytest.mark.parametrize(
    ("country", "code"),
    [
        ("FR", "7501"),
        ("FR", "750111"),
        ("FR", "00100"),
        ("FR", "99123"),
        ("FR", "2A004"),
        ("FR", "\u0667\u0665\u0660\u0661\u0661"),
        ("RE", "75011"),
        ("RE", "97200"),
        ("MC", "06000"),
        ("GP", "97150"),
    ],
)
def test_a_postal_code_that_france_does_not_have_is_refused(country: str, code: str) -> None:
    with pytest.raises(InvalidPostalCode) as refusal:
        changed(a_profile(country=country), postal_code=code)
    assert refusal.value.path == ("identity", "postal_code")


def test_a_postal_code_that_is_there_is_asked_again_with_another_country() -> None:
    with pytest.raises(InvalidPostalCode):
        changed(a_profile(country="DE", postal_code="00100"), country="FR")
    assert changed(a_profile(country="FR", postal_code="75011"), country=None).postal_code == "75011"


@pytest.mark.parametrize("kind", [ProfileKind.COMPANY, ProfileKind.NON_PROFIT, ProfileKind.PUBLIC_BODY])
def test_an_organisation_needs_its_name(kind: ProfileKind) -> None:
    """PRO-2. Asked when the form or the name is changed, and of nobody who changes something else."""
    with pytest.raises(OrganizationNameMissing) as refusal:
        changed(a_profile(first_name="Ada"), kind=kind)
    assert refusal.value.path == ("identity", "organization_name")
    with pytest.raises(OrganizationNameMissing):
        changed(a_profile(kind=kind, organization_name="Atelier"), organization_name=" ")
    assert changed(a_profile(kind=kind), city="Lyon").city == "Lyon"
    named = changed(a_profile(), kind=kind, organization_name="Atelier")
    assert (named.kind, named.organization_name) == (kind, "Atelier")
    person = changed(named, kind=ProfileKind.INDIVIDUAL, organization_name=None)
    assert person.organization_name is None


def test_what_no_document_can_show_is_a_space() -> None:
    assert changed(a_profile(), city="Saint\x07\x1b-Malo\x85").city == "Saint -Malo"


def test_one_wrong_value_leaves_everything_as_it_was() -> None:
    profile = a_profile(city="Paris", country="FR")
    with pytest.raises(Refusal):
        changed(profile, city="Lyon", country="BE", vat_number="FR44732829320")
    assert (profile.city, profile.country, profile.vat_number) == ("Paris", "FR", None)
