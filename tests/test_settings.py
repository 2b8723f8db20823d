"""Settings: what an operator writes is either understood or refused by name, and everything wrong is said at once."""

import os
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from app.reference import rows
from app.setting_check import SANDBOX_SECRET
from app.settings import Settings, WrongSettings, load
from engine.measure import DocumentLimits
from engine.request import RequestLimits
from models import sqlite
from models.bank_account import SAMPLE_IBAN
from models.setting import Figures

SECRET = "0123456789abcdef0123456789abcdef"
PRODUCTION = {
    "ESPACE_MODE": "production",
    "ESPACE_SECRET_KEY": SECRET,
    "ESPACE_TLS_ONLY_COOKIES": "true",
    "ESPACE_PUBLIC_URL": "https://espace.example",
    "ESPACE_BANK_IBAN": "DE89370400440532013000",
}
Loaded = Callable[..., Settings]


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Loaded:
    """The settings under these variables and no others."""
    monkeypatch.chdir(tmp_path)

    def under(variables: dict[str, str] | None = None, **more: str) -> Settings:
        for name in os.environ:
            if name.upper().startswith("ESPACE_"):
                monkeypatch.delenv(name)
        for name, value in {**(variables or {}), **more}.items():
            monkeypatch.setenv(name, value)
        return load()

    return under


def problems(loaded: Loaded, variables: dict[str, str] | None = None, **more: str) -> list[str]:
    """What is said of settings that cannot be used."""
    with pytest.raises(WrongSettings) as refused:
        loaded(variables, **more)
    assert str(refused.value).splitlines() == refused.value.problems
    return refused.value.problems


def named(lines: list[str]) -> list[str]:
    """The settings that the lines are about."""
    return sorted(line.partition(":")[0] for line in lines)


# What is understood


def test_nothing_needs_to_be_set(loaded: Loaded) -> None:
    settings = loaded()
    assert settings.model_fields_set == set()
    assert settings.sandbox
    assert (settings.anonymous_per_minute, settings.mutations_per_minute, settings.queries_per_minute) == (10, 50, 250)
    assert (settings.password_memory_kib, settings.password_passes) == (19_456, 2)


def test_lists_are_separated_by_commas(loaded: Loaded) -> None:
    settings = loaded(
        ESPACE_ORIGINS="https://a.example, https://b.example:8443,",
        ESPACE_TRUSTED_PROXIES="10.0.0.0/8,192.0.2.1, 2001:db8::/32",
    )
    assert settings.origins == ("https://a.example", "https://b.example:8443")
    assert settings.trusted_proxies == (
        ip_network("10.0.0.0/8"),
        ip_network("192.0.2.1/32"),
        ip_network("2001:db8::/32"),
    )
    assert loaded(ESPACE_ORIGINS="").origins == ()


def test_one_limit_among_several_is_named_after_two_underscores(loaded: Loaded) -> None:
    settings = loaded(ESPACE_DOCUMENTS__TOKENS="77", ESPACE_REQUESTS__BODY_BYTES="1000")
    assert settings.documents == DocumentLimits(tokens=77)
    assert settings.requests == RequestLimits(body_bytes=1000)


def test_spans_of_time_are_spelled_out(loaded: Loaded) -> None:
    assert loaded(ESPACE_SESSION_LIFETIME="PT90M").session_lifetime == timedelta(minutes=90)
    assert loaded(ESPACE_SESSION_LIFETIME="P7D").session_lifetime == timedelta(days=7)


@pytest.mark.parametrize(("text", "on"), [("off", False), ("on", True), ("OFF", False), ("false", False), ("1", True)])
def test_rate_limits_are_switched_in_words(loaded: Loaded, text: str, on: bool) -> None:
    assert loaded(ESPACE_RATE_LIMITS=text).rate_limits is on


def test_a_sandbox_may_do_without_limits(loaded: Loaded) -> None:
    assert not loaded(ESPACE_RATE_LIMITS="off").rate_limits


# What is refused


def test_everything_wrong_is_said_at_once(loaded: Loaded) -> None:
    lines = problems(
        loaded,
        ESPACE_PORT="99999",
        ESPACE_MODE="test",
        ESPACE_ANONYMOUS_PER_MINUTE="0",
        ESPACE_TRUSTED_PROXIES="10.0.0.0/8, 10.0.0.300",
        ESPACE_TRUSTED_ONLY="true",
        ESPACE_DOCUMENTS__TOKENS="many",
        ESPACE_REQUESTS__BODY_BYTES="-",
        ESPACE_SECRET_KEY="short",
        ESPACE_PROT="8000",
    )
    assert len(lines) == 9
    for name in ("PORT", "MODE", "ANONYMOUS_PER_MINUTE", "TRUSTED_ONLY", "DOCUMENTS__TOKENS", "SECRET_KEY", "PROT"):
        assert [line for line in lines if line.startswith(f"ESPACE_{name}:")], name
    assert [line for line in lines if line.startswith("ESPACE_TRUSTED_PROXIES")]


def test_what_production_refuses_is_said_beside_what_cannot_be_read(loaded: Loaded) -> None:
    lines = problems(loaded, ESPACE_MODE="production", ESPACE_PORT="none")
    assert named(lines) == [
        "ESPACE_BANK_IBAN",
        "ESPACE_PORT",
        "ESPACE_PUBLIC_URL",
        "ESPACE_SECRET_KEY",
        "ESPACE_TLS_ONLY_COOKIES",
    ]


def test_an_account_whose_check_digits_are_others_is_refused(loaded: Loaded) -> None:
    assert named(problems(loaded, ESPACE_BANK_IBAN="DE89370400440532013001")) == ["ESPACE_BANK_IBAN"]


def test_days_of_collections_are_written_as_they_are_printed(loaded: Loaded) -> None:
    printed = {name: default for name, default, _ in rows()}["ESPACE_COLLECTION_RETRY_DAYS"]
    assert printed == "`3,7,14`"
    assert loaded(ESPACE_COLLECTION_RETRY_DAYS=printed.strip("`")).collection_retry_days == (3, 7, 14)
    assert loaded(ESPACE_COLLECTION_RETRY_DAYS="").collection_retry_days == ()
    for wrong in ("3,x", "0", "[3,7]"):
        assert problems(loaded, ESPACE_COLLECTION_RETRY_DAYS=wrong)


@pytest.mark.parametrize("name", ["INVOICE", "CREDIT_NOTE"])
def test_two_kinds_of_numbers_never_begin_alike(loaded: Loaded, name: str) -> None:
    assert named(problems(loaded, {f"ESPACE_{name}_PREFIX": "R"})) == ["ESPACE_RECEIPT_PREFIX"]


@pytest.mark.parametrize("name", ["ESPACE_NO_SUCH_THING", "ESPACE_", "espace_prot", "ESPACE_LOG_FORMATS"])
def test_a_name_that_is_no_setting_is_refused(loaded: Loaded, name: str) -> None:
    lines = problems(loaded, {name: "1"})
    assert len(lines) == 1
    assert lines[0].startswith(f"{name}: ")


def test_a_limit_that_is_none_is_refused(loaded: Loaded) -> None:
    assert "ESPACE_DOCUMENTS__TOKEN" in problems(loaded, ESPACE_DOCUMENTS__TOKEN="7")[0]
    assert "ESPACE_PORT__X" in problems(loaded, ESPACE_PORT__X="7")[0]


def test_names_of_others_are_left_alone(loaded: Loaded) -> None:
    assert loaded(ESPACES="1", MY_ESPACE_PORT="x", PORT="nothing").model_fields_set == set()


def test_strangers_can_never_use_up_every_reset(loaded: Loaded) -> None:
    assert "ESPACE_RESET_EMAIL_INTERVAL" in problems(loaded, ESPACE_RESET_EMAIL_INTERVAL="PT61M")[0]
    loaded(ESPACE_RESET_EMAIL_INTERVAL="PT60M")


@pytest.mark.parametrize(("domain", "fits"), [("espace.example", True), ("example", True), ("pace.example", False)])
def test_cookies_are_of_the_domain_that_the_service_is_in(loaded: Loaded, domain: str, fits: bool) -> None:
    given = {"ESPACE_PUBLIC_URL": "https://espace.example", "ESPACE_COOKIE_DOMAIN": domain}
    if fits:
        assert loaded(given).cookie_domain == domain
    else:
        assert "ESPACE_COOKIE_DOMAIN" in problems(loaded, given)[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ESPACE_SECRET_KEY", SANDBOX_SECRET),
        ("ESPACE_TLS_ONLY_COOKIES", "false"),
        ("ESPACE_PUBLIC_URL", "http://espace.example"),
        ("ESPACE_RATE_LIMITS", "off"),
        ("ESPACE_SECRET_KEY", f"{SANDBOX_SECRET} "),
        ("ESPACE_PASSWORD_MEMORY_KIB", "8"),
        ("ESPACE_ORIGINS", "http://app.example"),
        ("ESPACE_VIES_URL", "http://vies.example"),
        ("ESPACE_TRUSTED_PROXIES", "0.0.0.0/0"),
        ("ESPACE_BANK_IBAN", SAMPLE_IBAN),
    ],
)
def test_production_refuses_what_is_for_trying_out(loaded: Loaded, name: str, value: str) -> None:
    assert not loaded(PRODUCTION).sandbox
    assert named(problems(loaded, PRODUCTION, **{name: value})) == [name]


def test_production_refuses_a_log_that_can_corrupt(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "wal_is_safe", True)
    assert loaded(PRODUCTION, ESPACE_SQLITE_JOURNAL="wal").journal_mode == "WAL"
    monkeypatch.setattr(sqlite, "wal_is_safe", False)
    assert named(problems(loaded, PRODUCTION, ESPACE_SQLITE_JOURNAL="wal")) == ["ESPACE_SQLITE_JOURNAL"]
    assert loaded(PRODUCTION, ESPACE_SQLITE_JOURNAL="delete").journal_mode == "DELETE"
    assert loaded(ESPACE_SQLITE_JOURNAL="wal").journal_mode == "WAL"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ESPACE_BILLING_ZONE", "Europe/Lutece"),
        ("ESPACE_PUBLIC_URL", "espace.example"),
        ("ESPACE_PUBLIC_URL", "https://espace.example/area/"),
        ("ESPACE_ORIGINS", "app.example"),
        ("ESPACE_ORIGINS", "https://app.example/"),
        ("ESPACE_ORIGINS", "*"),
        ("ESPACE_DATABASE_URL", "mysql://localhost/espace"),
        ("ESPACE_SESSION_LIFETIME", "-PT1S"),
        ("ESPACE_ACCESS_TOKEN_LIFETIME", "PT0S"),
        ("ESPACE_WORKER_INTERVAL", "PT0S"),
        ("ESPACE_CLOCK_ADVANCE_LIMIT", "-P1D"),
    ],
)
def test_what_could_never_work_is_refused_at_the_start(loaded: Loaded, name: str, value: str) -> None:
    assert named(problems(loaded, {name: value})) == [name]


STRIPE = {"ESPACE_STRIPE_SECRET_KEY": "sk_live_51Abc", "ESPACE_STRIPE_WEBHOOK_SECRET": "whsec_hunter2hunter2"}


def test_production_takes_cards_with_both_secrets_of_stripe(loaded: Loaded) -> None:
    settings = loaded(PRODUCTION, **STRIPE)
    assert (settings.stripe_secret_key, settings.stripe_webhook_secret) == tuple(STRIPE.values())
    assert "sk_live" not in f"{settings!r}{settings}"
    assert "hunter2" not in f"{settings!r}{settings}"
    assert loaded(PRODUCTION).stripe_secret_key is None
    assert loaded(PRODUCTION, **STRIPE, ESPACE_STRIPE_API_URL="http://127.0.0.1:8420").stripe_api_url


@pytest.mark.parametrize(
    ("missing", "mode", "about"),
    [
        ("ESPACE_STRIPE_WEBHOOK_SECRET", PRODUCTION, ["ESPACE_STRIPE_WEBHOOK_SECRET"]),
        ("ESPACE_STRIPE_SECRET_KEY", PRODUCTION, ["ESPACE_STRIPE_SECRET_KEY"]),
        ("ESPACE_STRIPE_SECRET_KEY", {}, ["ESPACE_STRIPE_SECRET_KEY"]),
        ("", {}, ["ESPACE_STRIPE_SECRET_KEY"]),
    ],
)
def test_one_secret_of_stripe_or_any_in_a_sandbox_is_refused(
    loaded: Loaded, missing: str, mode: dict[str, str], about: list[str]
) -> None:
    given = {name: value for name, value in STRIPE.items() if name != missing}
    assert named(problems(loaded, mode, **given)) == about


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ESPACE_STRIPE_SECRET_KEY", "pk_live_hunter2"),
        ("ESPACE_STRIPE_SECRET_KEY", "sk_live_hunter2\nX"),
        ("ESPACE_STRIPE_WEBHOOK_SECRET", "hunter2hunter2"),
        ("ESPACE_STRIPE_API_URL", "http://stripe.example"),
        ("ESPACE_STRIPE_API_URL", "https://hunter2@stripe.example/v1"),
    ],
)
def test_what_is_none_of_stripes_is_refused_and_not_shown(loaded: Loaded, name: str, value: str) -> None:
    lines = problems(loaded, PRODUCTION, **{**STRIPE, name: value})
    assert name in named(lines)
    assert "hunter2" not in "\n".join(lines)


# What is shown


def test_the_secret_is_not_shown(loaded: Loaded) -> None:
    settings = loaded(PRODUCTION, ESPACE_DATABASE_URL="postgresql://espace:hunter2@localhost/espace")
    assert SECRET not in f"{settings!r} {settings}"
    assert "hunter2" not in f"{settings!r} {settings}"


def test_what_is_refused_does_not_show_its_value(loaded: Loaded) -> None:
    lines = problems(loaded, ESPACE_SECRET_KEY="hunter2", ESPACE_PORT="hunter2", ESPACE_DATABASE_POOL="hunter2")
    assert len(lines) == 3
    assert "hunter2" not in "\n".join(lines)
    with pytest.raises(ValidationError) as refused:
        Settings(secret_key="hunter2")
    assert "hunter2" not in str(refused.value)


def described() -> list[Any]:
    return [pytest.param(field.description, id=name) for name, field in Settings.model_fields.items()]


@pytest.mark.parametrize("description", described())
def test_every_setting_says_what_it_is_for(description: str | None) -> None:
    assert description
    assert description.endswith(".")


def test_every_figure_of_the_rules_is_a_setting() -> None:
    assert set(Figures.model_fields) <= set(Settings.model_fields)


def test_settings_do_not_change(loaded: Loaded) -> None:
    settings = loaded()
    with pytest.raises(ValidationError):
        settings.port = 1


def test_links_lead_to_the_port_that_it_listens_on() -> None:
    assert Settings(port=8901).public_url == "http://127.0.0.1:8901"
    assert Settings(port=8901, public_url="http://espace.test").public_url == "http://espace.test"
    assert Settings(port=0).public_url == Settings().public_url == "http://127.0.0.1:8000"
