"""What people read: every sentence in both languages, with the same figures, in the reader's format."""

import string
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from models.activity import action
from models.profile import Locale
from schema.message import catalogue, preferred, say
from tests.wording import templates

NARROW = "\u202f"


def figures(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("template", sorted(templates()))
def test_every_sentence_has_its_french_with_the_same_figures(template: str) -> None:
    message = catalogue(Locale.FR).get(template)
    assert message is not None, f"fr.po lacks: {template}"
    assert message.string
    assert figures(str(message.string)) == figures(template)


def test_the_catalogue_holds_nothing_that_is_said_no_more() -> None:
    assert {message.id for message in catalogue(Locale.FR) if message.id} == templates()


@pytest.mark.parametrize(
    ("locale", "value", "shown"),
    [
        (Locale.EN, 1234, "1,234"),
        (Locale.FR, 1234, f"1{NARROW}234"),
        (Locale.FR, Decimal("0.5"), "0,5"),
        (Locale.EN, date(2026, 11, 22), "November 22, 2026"),
        (Locale.FR, date(2026, 11, 22), "22 novembre 2026"),
        (Locale.FR, datetime(2026, 11, 22, 9, tzinfo=UTC), "22 novembre 2026, 09:00:00 TU"),
        (Locale.EN, "1234", "1234"),
        (Locale.EN, True, "True"),
    ],
)
def test_figures_are_written_as_the_reader_writes_them(locale: Locale, value: object, shown: str) -> None:
    assert say(locale, "{value}", value=value) == shown


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        (None, Locale.EN),
        ("", Locale.EN),
        ("fr-CA, en;q=0.8", Locale.FR),
        ("en;q=0.5, fr;q=0.9", Locale.FR),
        ("fr;q=0", Locale.EN),
        ("fr;q=x, en;q=0.1", Locale.EN),
        ("de, es", Locale.EN),
        ("en," * 5000 + "fr", Locale.EN),
    ],
)
def test_a_stranger_is_answered_in_the_language_their_browser_prefers(header: str | None, locale: Locale) -> None:
    assert preferred(header) is locale


def test_a_kind_of_fact_has_one_code() -> None:
    with pytest.raises(ValueError, match=r"profile\.updated"):
        action("profile.updated", "Something else")
