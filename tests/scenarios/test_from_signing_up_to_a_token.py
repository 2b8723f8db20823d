"""A person signs up, confirms the address, turns on two factors, makes a token, and a script uses it."""

import base64
from datetime import timedelta
from typing import Any

import pyotp

from app.settings import Settings
from app.worker import work_once
from models.clock import FrozenClock
from tests.api import Api

PASSWORD = "violet-harbour-sixteen-lamps"
SIGN_IN = """mutation($password: String!) { sessionCreate(input: {
  email: "ada@example.org", password: $password, transport: BEARER }) {
    credentials { accessToken } challenge { challengeId } userErrors { code } } }"""


async def test_from_signing_up_to_a_token(api: Api, clock: FrozenClock) -> None:
    session = await signed_up(api)
    await confirmed(api, session)
    totp, recovery_codes = await enrolled(api, clock, session)
    session = await signed_in_with_two_factors(api, clock, totp)
    secret = await a_token_for_a_script(api, session)

    # The whole of it is in the history, and no secret is.
    everything = "{ viewer { activity(first: 50) { nodes { action summary changes { after } } } } }"
    history = await api.ask(everything, token=session)
    actions = {node["action"] for node in history.data["viewer"]["activity"]["nodes"]}
    assert {"profile.registered", "profile.email_verified", "session.opened"} <= actions
    for hidden in (PASSWORD, totp.secret, secret, *recovery_codes):
        assert hidden not in history.text


async def done(api: Api, name: str, document: str, token: str | None = None, **variables: Any) -> dict[str, Any]:
    """The payload of a mutation that succeeds."""
    payload: dict[str, Any] = (await api.ask(document, variables, token=token)).data[name]
    assert payload.get("userErrors", []) == []
    return payload


async def signed_up(api: Api) -> str:
    """Signing up says nothing but that a mail is on its way; one may sign in at once."""
    document = """mutation($password: String!) { profileRegister(input: {
      email: "ada@example.org", password: $password, locale: FR, acceptTerms: true }) { userErrors { code } } }"""
    await done(api, "profileRegister", document, password=PASSWORD)
    credentials: dict[str, str] = (await done(api, "sessionCreate", SIGN_IN, password=PASSWORD))["credentials"]
    return credentials["accessToken"]


async def confirmed(api: Api, session: str) -> None:
    """In a sandbox the mail is read through the API."""
    await work_once(api.database, Settings())
    answer = await api.ask("{ sandbox { mails { nodes { template token } } } }", token=session)
    (mail,) = answer.data["sandbox"]["mails"]["nodes"]
    assert mail["template"] == "email_verification"
    document = "mutation($token: String!) { emailVerify(input: {token: $token}) { userErrors { code } } }"
    assert (await api.ask(document, {"token": mail["token"]})).data["emailVerify"]["userErrors"] == []
    assert (await api.ask("{ viewer { emailVerified } }", token=session)).data["viewer"]["emailVerified"] is True


async def enrolled(api: Api, clock: FrozenClock, session: str) -> tuple[pyotp.TOTP, list[str]]:
    """A secret, a first code, ten recovery codes."""
    document = """mutation($password: String!) { twoFactorEnroll(input: {currentPassword: $password}) {
      secret otpauthUri qrSvg userErrors { code } } }"""
    shown = await done(api, "twoFactorEnroll", document, session, password=PASSWORD)
    assert shown["otpauthUri"].startswith("otpauth://totp/")
    assert "<svg" in shown["qrSvg"]
    totp = pyotp.TOTP(shown["secret"])
    document = """mutation($code: String!) { twoFactorActivate(input: {code: $code}) {
      security { twoFactorEnabled recoveryCodesLeft } recoveryCodes userErrors { code } } }"""
    activated = await done(api, "twoFactorActivate", document, session, code=totp.at(clock.now()))
    assert activated["security"] == {"twoFactorEnabled": True, "recoveryCodesLeft": 10}
    assert len(set(activated["recoveryCodes"])) == 10
    return totp, activated["recoveryCodes"]


async def signed_in_with_two_factors(api: Api, clock: FrozenClock, totp: pyotp.TOTP) -> str:
    """Signing in asks for the second factor now."""
    clock.move(timedelta(seconds=30))  # A code is never accepted twice: the next one is waited for.
    asked = await done(api, "sessionCreate", SIGN_IN, password=PASSWORD)
    assert asked["credentials"] is None
    document = """mutation($id: ID!, $code: String!) { sessionVerifyTwoFactor(input: {challengeId: $id, code: $code}) {
      session { twoFactorVerified } credentials { accessToken } userErrors { code } } }"""
    given = {"id": asked["challenge"]["challengeId"], "code": totp.at(clock.now())}
    verified = await done(api, "sessionVerifyTwoFactor", document, **given)
    assert verified["session"] == {"twoFactorVerified": True}
    session: str = verified["credentials"]["accessToken"]
    return session


async def a_token_for_a_script(api: Api, session: str) -> str:
    """Shown once, used as Bearer and as Basic; it never manages credentials."""
    document = """mutation { apiTokenCreate(input: {name: "backup script", readOnly: true}) {
      apiToken { name prefix } secret userErrors { code } } }"""
    created = await done(api, "apiTokenCreate", document, session)
    secret: str = created["secret"]
    assert secret.startswith(created["apiToken"]["prefix"])
    answer = await api.ask("{ viewer { email security { twoFactorEnabled } } }", token=secret)
    assert answer.body["data"]["viewer"] == {"email": "ada@example.org", "security": None}
    assert answer.codes == ["FORBIDDEN"]
    basic = base64.b64encode(f"{secret}:".encode()).decode()
    answer = await api.ask("{ viewer { email } }", authorization=f"Basic {basic}")
    assert answer.data["viewer"] == {"email": "ada@example.org"}
    return secret
