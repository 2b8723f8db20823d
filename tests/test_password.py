"""PRO-4. Passwords: how strong they are, and changing one."""

import pytest

from app.settings import Settings
from models.activity import ActivityEvent
from models.profile import Profile
from models.refusal import Code
from models.session import Session
from models.strength import Guessable, Strength, TooLongPassword, TooShort, check_strength
from tests.api import OWNER, PASSWORD, Api

CHANGE = """mutation Change($current: String!, $new: String!) {
  passwordChange(input: {currentPassword: $current, newPassword: $new}) {
    profile { id } userErrors { code message field } } }"""
STRONG = "violet-harbour-sixteen-lamps"
SIGN_IN = """mutation($password: String!) {
  sessionCreate(input: {email: "owner@example.org", password: $password, transport: BEARER}) {
    session { id } userErrors { code } } }"""


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("short-one", TooShort),
        ("x" * 257, TooLongPassword),
        ("password1234", Guessable),
        ("aaaaaaaaaaaaaaaa", Guessable),
        ("123456789012345", Guessable),
        ("camille exemple", Guessable),
    ],
)
def test_a_weak_password_is_told_why(password: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        check_strength(password, ["camille exemple", "owner@example.org"])


@pytest.mark.parametrize(
    "password", [STRONG, "12 chevaux, 3 lunes", "パスワードは長いほど良い", "lamps under a violet harbour, " * 4]
)
def test_a_strong_password_is_taken(password: str) -> None:
    check_strength(password, ["owner@example.org", ""])


def test_the_figures_of_strength_are_settings() -> None:
    """PRO-4."""
    check_strength("short-one", [], Strength(least=8, score=0))
    with pytest.raises(TooShort) as refused:
        check_strength("violet-harbour-sixteen", [], Strength(least=30))
    assert refused.value.least == 30
    with pytest.raises(TooLongPassword):
        check_strength("violet-harbour-sixteen", [], Strength(most=20))
    defaults, usual = Settings(), Strength()
    figures = defaults.password_least_length, defaults.password_most_length, defaults.password_least_score
    assert figures == (usual.least, usual.most, usual.score)


async def test_a_changed_password_ends_the_other_sessions_and_is_the_one_that_counts(api: Api) -> None:
    token, other = await api.token(OWNER), await api.token(OWNER)
    answer = await api.ask(CHANGE, {"current": PASSWORD, "new": STRONG}, token=token)
    assert answer.data["passwordChange"]["userErrors"] == []
    assert (await api.ask("{ viewer { id } }", token=other)).status == 401
    assert (await api.ask("{ viewer { id } }", token=token)).data["viewer"]
    assert len([row for row in await api.rows(Session) if row.ended_at is None]) == 1
    old = await api.ask(SIGN_IN, {"password": PASSWORD})
    assert [error["code"] for error in old.data["sessionCreate"]["userErrors"]] == ["INVALID_CREDENTIALS"]
    assert (await api.ask(SIGN_IN, {"password": STRONG})).data["sessionCreate"]["userErrors"] == []
    (fact,) = [row for row in await api.rows(ActivityEvent) if row.kind == "profile.password_changed"]
    assert STRONG not in repr(fact)
    assert fact.changes == {}


@pytest.mark.parametrize(
    ("current", "new", "code", "field"),
    [
        ("wrong", STRONG, Code.INVALID_CREDENTIALS, "currentPassword"),
        (PASSWORD, "short", Code.WEAK_PASSWORD, "newPassword"),
        (PASSWORD, "Atelier Exemple", Code.WEAK_PASSWORD, "newPassword"),
    ],
)
async def test_what_is_refused_changes_nothing(api: Api, current: str, new: str, code: Code, field: str) -> None:
    token = await api.token(OWNER)
    await api.token(OWNER)
    before = await api.rows(Profile), await api.rows(Session)
    answer = await api.ask(CHANGE, {"current": current, "new": new}, token=token)
    (error,) = answer.data["passwordChange"]["userErrors"]
    assert (error["code"], error["field"]) == (code, ["input", field])
    assert (await api.rows(Profile), await api.rows(Session)) == before


async def test_two_passwords_cannot_be_tried_in_one_request(api: Api) -> None:
    document = """mutation($current: String!, $new: String!) {
      a: passwordChange(input: {currentPassword: "a", newPassword: $new}) { userErrors { code } }
      b: passwordChange(input: {currentPassword: $current, newPassword: $new}) { userErrors { code } } }"""
    answer = await api.ask(document, {"current": PASSWORD, "new": STRONG}, token=await api.token(OWNER))
    assert [answer.data[name]["userErrors"][0]["code"] for name in "ab"] == ["INVALID_CREDENTIALS", "TOO_MANY_ATTEMPTS"]
