"""Settings: every figure and address that an operator may change, as `ESPACE_<NAME>` in the environment.

Everything that is wrong is said at once. Production refuses what is only good for trying out.
"""

import os
import re
from dataclasses import fields, is_dataclass
from datetime import timedelta
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, IPvAnyNetwork, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.gateways.smtp import problems
from app.mode import Journal, Mode
from app.setting_check import SANDBOX_SECRET, wrong_together
from engine.measure import DocumentLimits
from engine.request import RequestLimits
from models import sqlite
from models.db import async_url
from models.duration import Duration
from models.network import allowed
from models.setting import Figures

PREFIX = "ESPACE_"
LOOPBACK = "127.0.0.1", "localhost", "::1"
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")


class WrongSettings(Exception):
    """The settings cannot be used; one line for each reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(Figures, BaseSettings):
    """Where the process listens and stores, whom it trusts, and how much it gives."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    mode: Mode = Field(default=Mode.SANDBOX, description="`sandbox` to try out and practise, `production` for real.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on.")
    public_url: str = Field(default="http://127.0.0.1:8000", description="Where people reach it, without a path.")
    origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins of browser applications that may send cookies, besides its own; separated by commas.",
    )
    database_url: str = Field(
        default="sqlite:///var/espace.sqlite",
        repr=False,
        description="`sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`.",
    )
    database_pool: int = Field(
        default=5, ge=1, description="Connections that are kept open, of each kind (reading, writing)."
    )
    sqlite_journal: Journal = Field(
        default=Journal.AUTO, description="`auto` is WAL where the SQLite library is safe with it, else `delete`."
    )
    secret_key: str = Field(
        default=SANDBOX_SECRET, min_length=32, repr=False, description="Signs what the service hands out."
    )
    tls_only_cookies: bool = Field(default=False, description="Cookies are sent over TLS only; production needs it.")
    cookie_domain: str | None = Field(
        default=None,
        description=(
            "Domain whose pages may read the cookie `espace_csrf`, such as `example.org`, for a browser application on"
            " another host of it; by default the service's own host."
        ),
    )
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = Field(
        default=(), description="Networks whose `X-Forwarded-For` is believed; separated by commas."
    )
    metrics_networks: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = Field(
        default=(), description="Networks that may read `/metrics`; separated by commas. By default nobody."
    )
    staff_networks: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = Field(
        default=(),
        description=(
            "Networks from which people of the staff reach `/staff/graphql`; separated by commas. By default from"
            " anywhere in a sandbox, and from nowhere in production."
        ),
    )
    worker_in_server: bool | None = Field(
        default=None, description="Run the worker inside the server; by default with SQLite only."
    )
    worker_interval: Duration = Field(
        default=timedelta(seconds=1), description="How often the worker looks for what is due."
    )
    shutdown_timeout: Duration = Field(
        default=timedelta(seconds=20), description="How long requests under way may take when the server stops."
    )
    live_connections: int = Field(default=2_000, ge=1, description="EVT-1. Live connections of one process.")
    live_connections_per_profile: int = Field(
        default=20,
        ge=1,
        description="EVT-1. Those of one profile in one process, and of one address before it says who calls.",
    )
    live_operations: int = Field(default=20, ge=1, description="EVT-1. Live operations of one connection.")
    live_queue: int = Field(
        default=1_000, ge=1, description="EVT-1. Answers that wait for a reader; one who has more is cut off."
    )
    live_answer_bytes: int = Field(default=262_144, ge=1, description="EVT-1. Size of one live answer, in bytes.")
    live_patience: Duration = Field(
        default=timedelta(seconds=30), description="EVT-1. How long one answer waits for its reader."
    )
    live_init_timeout: Duration = Field(
        default=timedelta(seconds=5), description="EVT-1. How long a connection may take to say who calls."
    )
    live_keep_alive: Duration = Field(
        default=timedelta(seconds=25),
        description="PER-14. How often a connection is pinged, and whether its session still stands is looked at.",
    )
    live_at_once: int = Field(
        default=4,
        ge=1,
        description="EVT-1. Connections that are told something at once, each by a database connection.",
    )
    live_catch_up: Duration = Field(
        default=timedelta(seconds=10),
        description="EVT-1. How often facts that no notice told of are looked for, with PostgreSQL.",
    )
    operations_at_once: int = Field(default=6, ge=1, description="LIM-1. Requests of one caller under way at once.")
    anonymous_per_minute: int = Field(default=10, ge=1, description="LIM-1. Operations per address without a session.")
    mutations_per_minute: int = Field(default=50, ge=1, description="LIM-1. Mutations per profile.")
    queries_per_minute: int = Field(default=250, ge=1, description="LIM-1. Queries per profile.")
    points_per_minute: int = Field(default=50_000, ge=1, description="LIM-2. Points of cost per profile.")
    service_operations_per_minute: int = Field(
        default=60_000, ge=1, description="TOK-5. Operations per service credential."
    )
    service_points_per_minute: int = Field(
        default=1_000_000, ge=1, description="TOK-5. Points of cost per service credential."
    )
    anonymous_points_per_minute: int = Field(default=5_000, ge=1, description="LIM-2. Points of cost per address.")
    requests: RequestLimits = Field(default=RequestLimits(), description="How large a request may be.")
    documents: DocumentLimits = Field(default=DocumentLimits(), description="LIM-2. What one document may ask for.")
    document_cache: int = Field(default=2_000, ge=1, description="Documents kept parsed and validated.")
    document_cache_bytes: int = Field(
        default=64 * 2**20, ge=1, description="Memory that they may take, in bytes, by estimate."
    )
    planner: bool = Field(default=True, description="Execute by plans; without, everything runs on graphql-core.")
    plan_cache: int = Field(default=2_000, ge=1, description="Plans kept ready.")
    plan_cache_bytes: int = Field(
        default=64 * 2**20, ge=1, description="Memory that they may take, in bytes, by estimate."
    )
    trusted_documents: Path | None = Field(default=None, description="JSON file of documents by their SHA-256.")
    trusted_only: bool = Field(default=False, description="Accept trusted documents and nothing else.")
    partial_success_status: bool = Field(
        default=False, description="Answer 294 where there are errors beside the data."
    )
    password_memory_kib: int = Field(default=19_456, ge=8, description="PRO-4. Memory of one password hash, KiB.")
    password_passes: int = Field(default=2, ge=1, description="PRO-4. Passes of one password hash.")
    password_least_length: int = Field(default=12, ge=8, description="PRO-4. Characters of a password at least.")
    password_most_length: int = Field(default=256, ge=64, description="PRO-4. Characters of a password at most.")
    password_least_score: int = Field(
        default=3, ge=0, le=4, description="PRO-4. How hard to guess a password is at least: zxcvbn's score, 0 to 4."
    )
    password_queue: int = Field(
        default=50, ge=1, description="PRO-4. Sign-ins that wait for a hash; more are told that the service is busy."
    )
    application_url: str = Field(
        default="", description="Where the links of mails lead to; by default where people reach the service."
    )
    mail_from: str = Field(default="Espace <noreply@espace.example>", description="EVT-3. Sender of mails.")
    mail_folder: Path = Field(
        default=Path("var/mail"), description="EVT-3. Folder that mails are written to where no server is named."
    )
    upload_folder: Path = Field(
        default=Path("var/uploads"),
        description="TIC-1. Folder that files are kept in; processes that serve one database share it.",
    )
    upload_seconds: int = Field(default=120, ge=1, description="TIC-1. How long a file may take to arrive, in seconds.")
    uploads_at_once: int = Field(default=8, ge=1, description="TIC-1. Files that one process takes at once.")
    smtp_url: str | None = Field(
        default=None,
        repr=False,
        description=(
            "EVT-3. Server that carries mails: `smtp://USER:PASSWORD@HOST:587` (STARTTLS), `smtps://…` (TLS), or"
            " `smtp+plain://HOST` without either."
        ),
    )
    vies_url: str | None = Field(
        default=None,
        description=(
            "BIL-7. Where VAT numbers are asked for: the address of VIES’s REST interface. By default the Commission’s"
            " in production, and in a sandbox a look at the number itself."
        ),
    )
    stripe_secret_key: str | None = Field(
        default=None,
        repr=False,
        description="BIL-10. Secret or restricted key of the account at Stripe that takes cards; by default, none.",
    )
    stripe_webhook_secret: str | None = Field(
        default=None, repr=False, description="BIL-10. What Stripe signs its notices with; goes with the key."
    )
    stripe_api_url: str = Field(
        default="https://api.stripe.com", description="BIL-10. Where Stripe is asked; another address is for tests."
    )
    log_format: str = Field(default="console", pattern="^(console|json)$", description="`console` or `json`.")

    @field_validator(
        "origins", "trusted_proxies", "metrics_networks", "staff_networks", "collection_retry_days", mode="before"
    )
    @classmethod
    def _separated(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("public_url", "origins", mode="after")
    @classmethod
    def _whole_origins(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for origin in (value,) if isinstance(value, str) else value:
            if not ORIGIN.fullmatch(origin):
                raise ValueError("an origin is a scheme, a host and perhaps a port, such as https://espace.example")
        return value

    @field_validator("application_url", mode="after")
    @classmethod
    def _application(cls, value: str) -> str:
        if value and not re.fullmatch(rf"({ORIGIN.pattern})(/[a-z0-9/._~-]*)?", value):
            raise ValueError("an address is an origin and perhaps a path, such as https://espace.example/app")
        return value.rstrip("/")

    @field_validator("mail_from", mode="after")
    @classmethod
    def _sender(cls, value: str) -> str:
        try:
            if not value.isprintable() or not Address(addr_spec=parseaddr(value)[1]).domain:
                raise ValueError
        except (ValueError, IndexError):
            raise ValueError("a sender is an address, such as Espace <noreply@espace.example>") from None
        return value

    @field_validator("smtp_url", mode="after")
    @classmethod
    def _server(cls, value: str | None) -> str | None:
        if value is not None and (wrong := next(problems(value), None)):
            raise ValueError(wrong)
        return value

    @field_validator("vies_url", mode="after")
    @classmethod
    def _register(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(rf"({ORIGIN.pattern})(/[A-Za-z0-9/._~-]*)?", value):
            raise ValueError("an address is an origin and perhaps a path, such as https://vies.example/rest-api")
        return value and value.rstrip("/")

    @field_validator("stripe_secret_key", mode="after")
    @classmethod
    def _stripe_key(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"(sk|rk)_(live|test)_[A-Za-z0-9_]{1,250}", value):
            raise ValueError("a key of Stripe’s begins with sk_live_, rk_live_, sk_test_ or rk_test_")
        return value

    @field_validator("stripe_webhook_secret", mode="after")
    @classmethod
    def _stripe_signature(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"whsec_[A-Za-z0-9+/=_-]{8,250}", value):
            raise ValueError("what Stripe signs with begins with whsec_")
        return value

    @field_validator("stripe_api_url", mode="after")
    @classmethod
    def _stripe_address(cls, value: str) -> str:
        parts = urlsplit(value) if ORIGIN.fullmatch(value) else None
        if parts is None or (parts.scheme == "http" and parts.hostname not in LOOPBACK):
            raise ValueError("an address is an origin by https, such as https://api.stripe.com, or on this machine")
        return value

    @field_validator("database_url", mode="after")
    @classmethod
    def _database(cls, value: str) -> str:
        async_url(value)
        return value

    @field_validator("rate_limits", mode="before")
    @classmethod
    def _switch(cls, value: Any) -> Any:
        return {"on": True, "off": False}.get(value.lower(), value) if isinstance(value, str) else value

    @model_validator(mode="before")
    @classmethod
    def _reached(cls, values: Any) -> Any:
        """Where nothing else is said, people reach it at the port that it listens on."""
        port = str(values.get("port", "")) if isinstance(values, dict) and "public_url" not in values else ""
        return {**values, "public_url": f"http://127.0.0.1:{port}"} if port.isdecimal() and port != "0" else values

    @model_validator(mode="after")
    def _together(self) -> Self:
        problems = list(wrong_together(self))
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def sandbox(self) -> bool:
        return self.mode is Mode.SANDBOX

    @property
    def journal_mode(self) -> str:
        """How SQLite keeps what is being written, in its own words."""
        return sqlite.journal_mode if self.sqlite_journal is Journal.AUTO else self.sqlite_journal.value.upper()

    def is_of_staff(self, address: str) -> bool:
        """Section 14. Whether people of the staff may call from this address."""
        if not self.staff_networks:
            return self.sandbox
        return allowed([str(network) for network in self.staff_networks], address)

    @property
    def links_lead_to(self) -> str:
        """Under which address the application shows what the links of mails do."""
        return self.application_url or self.public_url

    @property
    def has_worker(self) -> bool:
        """Whether the server runs the worker."""
        return self.database_url.startswith("sqlite") if self.worker_in_server is None else self.worker_in_server


def load() -> Settings:
    """The settings of this process; raises WrongSettings with everything that is wrong."""
    problems = [f"{name}: there is no such setting" for name in sorted(os.environ) if is_unknown(name)]
    settings, faults = _tried({})
    problems += faults
    if settings is None and (faulty := {re.split("__|:", line)[0] for line in faults}):
        # What each field has wrong hides what they have wrong together.
        sound = {
            name: field.default for name, field in Settings.model_fields.items() if PREFIX + name.upper() in faulty
        }
        problems += [fault for fault in _tried(sound)[1] if fault not in problems]
    if settings is None or problems:
        raise WrongSettings(problems)
    return settings


def _tried(instead: dict[str, Any]) -> tuple[Settings | None, list[str]]:
    try:
        return Settings(**instead), []
    except ValidationError as error:
        return None, [line for each in error.errors() for line in _lines(each)]


def is_unknown(name: str) -> bool:
    """Whether a variable looks like a setting and is none."""
    upper = name.upper()
    if not upper.startswith(PREFIX) or upper in NOT_SETTINGS:
        return False
    group, nested, part = upper.removeprefix(PREFIX).lower().partition("__")
    field = Settings.model_fields.get(group)
    if field is None or not nested:
        return field is None
    return not is_dataclass(field.default) or part not in {each.name for each in fields(field.default)}


NOT_SETTINGS = {"ESPACE_TEST_DATABASE_URL", "ESPACE_CAMPAIGN"}
"""Variables of the tests."""


def _lines(error: Any) -> list[str]:
    message = str(error["msg"]).removeprefix("Value error, ")
    place = "__".join(str(part) for part in error["loc"]).upper()
    return [f"{PREFIX}{place}: {message}"] if place else message.split("\n")
