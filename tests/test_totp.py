"""PRO-5. One-time codes: RFC 6238's own figures, the window, and what is no code."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from models import totp
from models.totp import EPOCH, matched_step, new_secret, normalised, provisioning_uri

SECRET = base64.b32encode(b"12345678901234567890").decode()
VECTORS = {
    59: "94287082",
    1_111_111_109: "07081804",
    1_111_111_111: "14050471",
    1_234_567_890: "89005924",
    2_000_000_000: "69279037",
    20_000_000_000: "65353130",
}
"""Seconds since 1970 and codes of eight digits, from RFC 6238, appendix B, for SHA-1; the last six are those of six."""
NOW = datetime(2026, 11, 22, 9, 0, 10, tzinfo=UTC)


@pytest.mark.parametrize(("seconds", "code"), VECTORS.items())
def test_the_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    at = EPOCH + timedelta(seconds=seconds)
    assert matched_step(SECRET, code[-6:], at, window=0) == seconds // 30
    assert totp.code_at(SECRET, totp.step_at(at)) == code[-6:]


def test_one_step_before_and_after_is_taken_and_no_other() -> None:
    current = totp.step_at(NOW)
    found = {away: matched_step(SECRET, totp.code_at(SECRET, current + away), NOW) for away in range(-4, 5)}
    assert found == {away: current + away if abs(away) <= 1 else None for away in range(-4, 5)}


def test_of_two_steps_with_the_same_code_the_newest_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the code could be used twice."""
    monkeypatch.setattr(totp, "code_at", lambda secret, step: "123456")
    assert matched_step(SECRET, "123456", NOW) == totp.step_at(NOW) + 1


def test_the_first_step_has_none_before_it() -> None:
    assert matched_step(SECRET, totp.code_at(SECRET, 0), EPOCH) == 0


def test_spaces_are_left_out() -> None:
    for code in ("123 456", " 123456 ", "1 2 3 4 5 6", "123\u00a0456", "123456\n"):
        assert normalised(code) == "123456"


@pytest.mark.parametrize(
    "code",
    [
        "",
        "12345",
        "1234567",
        "12345a",
        "-12345",
        "+12345",
        "1e5000",
        "\uff11\uff12\uff13\uff14\uff15\uff16",
        "\u0661\u0662\u0663\u0664\u0665\u0666",
        "\u0967\u0968\u0969\u096a\u096b\u096c",
        "12345²",
        "\U0001d7cf\U0001d7d0\U0001d7d1\U0001d7d2\U0001d7d3\U0001d7d4",
        "12345\0",
    ],
)
def test_nothing_but_six_digits_of_ascii_is_a_code(code: str) -> None:
    assert normalised(code) is None
    assert matched_step(SECRET, code, NOW) is None


def test_digits_of_other_scripts_are_not_read_as_the_code_of_now() -> None:
    code = totp.code_at(SECRET, totp.step_at(NOW))
    assert matched_step(SECRET, code, NOW) is not None
    for zero in ("\uff10", "\u0660", "\U0001d7ce"):
        assert matched_step(SECRET, "".join(chr(ord(zero) + int(digit)) for digit in code), NOW) is None


def test_every_code_of_the_window_is_compared_whatever_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    def note(one: str, other: str) -> bool:
        compared.append(one)
        return one == other

    monkeypatch.setattr("models.totp.hmac.compare_digest", note)
    current = totp.step_at(NOW)
    for step in (current - 1, current, current + 1, current + 9):
        compared.clear()
        matched_step(SECRET, totp.code_at(SECRET, step), NOW)
        assert len(compared) == 3


def test_a_secret_has_160_random_bits() -> None:
    made = {new_secret() for _ in range(50)}
    assert len(made) == 50
    assert {len(base64.b32decode(secret)) for secret in made} == {20}


def test_authenticators_are_told_secret_issuer_and_account() -> None:
    uri = urlsplit(provisioning_uri(SECRET, issuer="Espace & Fils", account="owner@example.org"))
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert uri.path == "/Espace%20%26%20Fils:owner%40example.org"
    assert parse_qs(uri.query) == {"secret": [SECRET], "issuer": ["Espace & Fils"]}
