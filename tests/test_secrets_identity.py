"""Of thirty secrets and more that go through every mutation of identity, none is seen where it does not belong."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Any

import pytest
from graphql import build_schema
from sqlalchemy import text
from structlog.testing import capture_logs

from app import worker
from app.setting_check import SANDBOX_SECRET
from app.settings import Settings
from engine.failure import log_failure
from models.clock import FrozenClock
from models.delivery import Delivery
from models.link import Link, link_token
from tests.api import OWNER, PASSWORD, Api
from tests.opening import on_plan, wanted
from tests.story import ME, NEW, Story
from tests.witness import CHAINS, IN_PLACE, Witness, document, readable, reprs, shows_secrets, takes_secrets

Attempt = tuple[str | None, dict[str, Any]]
"""The token that a mutation is called with, and its input."""


@pytest.fixture
def debugging(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Everything is logged: to be asked for before the database, which looks at it once."""
    caplog.set_level(logging.DEBUG)
    return caplog


@pytest.fixture
def story(debugging: pytest.LogCaptureFixture, api: Api, clock: FrozenClock) -> Story:
    return Story(Witness(api, build_schema(api.bound.schema.as_str())), clock)


async def everywhere(story: Story, logs: list[Any], debugging: pytest.LogCaptureFixture) -> dict[str, list[str]]:
    """Which secrets are found where. The libraries' logs tell hashes: that is why they are off."""
    witness = story.witness
    columns = await witness.stored()
    found = {
        place: witness.leaks(held, hashes=place in CHAINS or not IN_PLACE.search(place))
        for place, held in columns.items()
    }
    found["the log"] = witness.leaks("\n".join(map(repr, logs)))
    found["the libraries' logs"] = witness.leaks(debugging.text, hashes=False)
    return {place: what for place, what in found.items() if what} | witness.told()


# What happens as it should


async def test_no_secret_is_seen_where_it_does_not_belong(story: Story, debugging: pytest.LogCaptureFixture) -> None:
    with capture_logs() as logs:
        await story.whole()
    witness = story.witness
    assert len(witness.sent) >= 30
    assert await everywhere(story, logs, debugging) == {}
    assert takes_secrets(witness.schema) == witness.accepted == witness.refused
    assert shows_secrets(witness.schema) == witness.shown
    assert len(witness.box.messages) >= 8


async def test_no_object_shows_a_secret_of_its_own(story: Story) -> None:
    with reprs() as seen:
        await story.whole()
    await story.witness.stored()
    assert {name for name, _ in seen} >= {"ApiToken", "Asked", "Call", "Opened", "Profile", "SessionCreateInput"}
    found = {name: what for name, each in seen if (what := story.witness.leaks(each))}
    assert found == {}


# What fails in the middle


async def opening(story: Story, owner: str) -> dict[str, Any]:
    """An account that the owner could open."""
    api, password = story.witness.api, story.witness.plant(story.strong(), "a password")
    return await wanted(api, owner, await on_plan(api, "workbench", "small"), servicePassword=password)


async def attempts(story: Story) -> dict[str, Attempt]:
    """Everything that takes or makes a secret, so that it would succeed."""
    witness, owner = story.witness, await story.witness.api.token(OWNER)
    await story.act("emailChange", story.token, email=NEW, currentPassword=story.password)
    confirmation = await witness.link()
    await story.act("passwordResetRequest", email=ME)
    reset = await witness.link()
    challenge = (await story.sign_in())["challenge"]["challengeId"]
    mine, theirs = {"currentPassword": story.password}, {"currentPassword": PASSWORD}
    code = witness.plant(story.code(), "a code")
    first = witness.plant(story.code_of((await story.act("twoFactorEnroll", owner, **theirs))["secret"]), "a code")
    new = witness.plant(story.strong(), "a new password")
    return {
        "profileRegister": (None, {"email": "another@example.org", "password": new, "acceptTerms": True}),
        "emailVerify": (None, {"token": confirmation}),
        "emailChange": (story.token, {"email": "another@example.org", **mine}),
        "sessionCreate": (None, {"email": ME, "password": story.password}),
        "sessionVerifyTwoFactor": (None, {"challengeId": challenge, "code": story.recovery[1]}),
        "sessionRefresh": (None, {"refreshToken": story.refresh}),
        "passwordReset": (None, {"token": reset, "password": new}),
        "passwordChange": (story.token, {"newPassword": new, **mine}),
        "dataExport": (story.token, mine),
        "profileDelete": (story.token, {"confirmation": ME, "code": code, **mine}),
        "twoFactorEnroll": (owner, theirs),
        "twoFactorActivate": (owner, {"code": first}),
        "twoFactorDisable": (story.token, {"code": code, **mine}),
        "recoveryCodesRegenerate": (story.token, mine),
        "apiTokenCreate": (story.token, {"name": "Scripts"}),
        "apiTokenRegenerate": (story.token, {"apiTokenId": story.key}),
        "accountOpen": (owner, await opening(story, owner)),
    }


async def failing(story: Story, tried: dict[str, Attempt]) -> set[str]:
    """Try each; which ended with a defect."""
    witness, failed = story.witness, set()
    for name, (token, given) in tried.items():
        answer = await witness.ask(document(witness.schema, name), {"input": given}, token=token)
        if answer.codes == ["INTERNAL"]:
            failed.add(name)
    return failed


def breaking(monkeypatch: pytest.MonkeyPatch, witness: Witness, *culprits: str) -> None:
    """Let these raise an error that tells every secret."""

    def broken(*_: object, **__: object) -> Any:
        told = " ".join(witness.secrets)
        raise RuntimeError(told) from ValueError(told)

    for culprit in culprits:
        monkeypatch.setattr(culprit, broken)


CULPRITS = {
    "app.passwords.HashingPool.check": {"profileRegister", "passwordChange", "passwordReset"},
    "app.passwords.HashingPool.hash": {"profileRegister", "passwordChange", "passwordReset"},
    "app.passwords.HashingPool.matches": {"sessionCreate", "passwordChange", "emailChange", "twoFactorDisable"},
    "app.vault.KeyVault.open": {"twoFactorActivate", "twoFactorDisable"},
    "app.vault.KeyVault.seal": {"twoFactorEnroll"},
    "models.db.Write.flush": {"emailVerify"},
    "models.db.Write.lock_one": {"profileRegister", "emailVerify"},
}
"""What can fail before a fact is stated, and whom that fails at least."""


async def test_what_fails_in_the_middle_tells_nothing(
    story: Story, debugging: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with capture_logs() as logs:
        await story.up_to_two_factors()
        tried = await attempts(story)
        assert {name for name, _ in takes_secrets(story.witness.schema) | shows_secrets(story.witness.schema)} == set(
            tried
        )
        for culprit, concerned in CULPRITS.items():
            with monkeypatch.context() as patched:
                breaking(patched, story.witness, culprit)
                assert await failing(story, {name: tried[name] for name in sorted(concerned)}) == concerned
        breaking(monkeypatch, story.witness, "models.activity.Record.happened")
        assert await failing(story, tried) == set(tried)
    assert await everywhere(story, logs, debugging) == {}
    assert {log["exc_type"] for log in logs} == {"RuntimeError"}


@asynccontextmanager
async def without_history(api: Api) -> AsyncIterator[None]:
    """A database that cannot write the facts down."""
    async with api.database.writing() as connection:
        await connection.execute(text("ALTER TABLE activity_event RENAME TO elsewhere"))
    yield
    async with api.database.writing() as connection:
        await connection.execute(text("ALTER TABLE elsewhere RENAME TO activity_event"))


async def test_what_the_database_refuses_is_not_repeated(
    story: Story, debugging: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[str] = []

    def noting(event: str, error: BaseException, **rest: str) -> None:
        errors.append(f"{error!r} {error} {error.__cause__!r} {error.__cause__} {error.__context__!r}")
        log_failure(event, error, **rest)

    monkeypatch.setattr("engine.execute.log_failure", noting)
    with capture_logs() as logs:
        await story.up_to_two_factors()
        tried = await attempts(story)
        async with without_history(story.witness.api):
            assert await failing(story, tried) == set(tried)
    assert await everywhere(story, logs, debugging) == {}
    assert len(errors) == len(tried)
    assert story.witness.leaks("\n".join(errors)) == []


class Quoting:
    """A mailer that fails and repeats what it was given."""

    async def send(self, message: EmailMessage) -> None:
        raise RuntimeError(readable(message))


@pytest.mark.parametrize("culprit", ["mailer", "app.mail.Letters.write"])
async def test_a_mail_that_fails_tells_nothing(
    story: Story, debugging: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, culprit: str
) -> None:
    witness = story.witness
    await story.act("profileRegister", email=ME, password=story.strong(), acceptTerms=True)
    (link,) = await witness.api.rows(Link)
    witness.plant(link_token(SANDBOX_SECRET, link.id), "a link")
    monkeypatch.setattr(worker, "mailer_of", lambda settings: Quoting())
    if culprit != "mailer":
        breaking(monkeypatch, witness, culprit)
    with capture_logs() as logs:
        await worker.work_once(witness.api.database, Settings())
    assert [(log["event"], log["exc_type"]) for log in logs] == [("delivery_failed", "RuntimeError")]
    assert [row.last_error for row in await witness.api.rows(Delivery)] == ["RuntimeError"]
    assert await everywhere(story, logs, debugging) == {}
