"""A story of one profile, told rightly and wrongly: it goes through every mutation of identity."""

import base64
from datetime import timedelta
from typing import Any

from models import totp
from models.clock import FrozenClock
from models.column import new_id
from models.link import link_token
from models.recovery_code import new_codes
from models.secret import SecretKind, new_secret
from models.tables import metadata
from schema.global_id import global_id
from tests.api import OWNER
from tests.opening import on_plan, wanted
from tests.witness import Witness

ME, NEW = "planted@example.org", "planted-anew@example.org"
INVITED = "planted-invited@example.org"
MINUTE = timedelta(minutes=1)
WHO = "{ viewer { id } session { id } }"
MOVE = 'mutation { sandboxClockAdvance(input: {to: "2027-01-01T00:00:00Z"}) { userErrors { code } } }'
ELSEWHERE = ["192.0.2.0/24"]


class Story:
    """What a person does with a profile, rightly and wrongly, from signing up to turning two factors off."""

    def __init__(self, witness: Witness, clock: FrozenClock) -> None:
        self.witness, self.act, self.clock = witness, witness.act, clock
        self.numbers = iter(range(10, 1000))
        self.password = self.token = self.refresh = self.factor = self.api_token = self.key = ""
        self.recovery: list[str] = []

    def strong(self) -> str:
        return f"quartz-heron-{next(self.numbers)}-cistern-ledger"

    def weak(self) -> str:
        return f"weak-{next(self.numbers)}"

    def code(self) -> str:
        """The code of now; the next one is another."""
        self.clock.move(MINUTE)
        return self.code_of(self.factor)

    def code_of(self, factor: str) -> str:
        return totp.code_at(factor, totp.step_at(self.clock.now()))

    def wrong_code(self) -> str:
        step = totp.step_at(self.clock.now())
        taken = {totp.code_at(self.factor, step + away) for away in range(-5, 6)} | self.witness.secrets.keys()
        return next(code for number in range(7919, 10**6, 7919) if (code := f"{number:06d}") not in taken)

    async def sign_in(self, **given: Any) -> dict[str, Any]:
        """A bearer session, or the challenge before it."""
        words = {"email": ME, "password": self.password, "transport": "BEARER", **given}
        payload = await self.act("sessionCreate", **words)
        self.keep(payload)
        return payload

    def keep(self, payload: dict[str, Any]) -> None:
        if credentials := payload.get("credentials"):
            self.token, self.refresh = credentials["accessToken"], credentials["refreshToken"]

    async def signs_up(self) -> None:
        self.password = self.strong()
        for email, password, terms in (
            (ME, self.weak(), True),
            (ME, self.strong(), False),
            (ME, self.password, True),
            (OWNER.email, self.strong(), True),
        ):
            await self.act("profileRegister", email=email, password=password, acceptTerms=terms)
        token = await self.witness.link()
        for each in (link_token("another key", new_id()), f"torn{next(self.numbers)}", token, token):
            await self.act("emailVerify", token=each)

    async def is_invited(self) -> None:
        owner = await self.witness.api.token(OWNER)
        await self.act("permissionGrantSave", owner, email=INVITED, overall=["BILLING"])
        token = await self.witness.link()
        for each in (f"torn{next(self.numbers)}", token):
            given = {"email": INVITED, "password": self.strong(), "acceptTerms": True}
            await self.act("profileRegister", **given, invitationToken=each)

    async def opens_an_account(self) -> None:
        """As the demo's owner, who has accepted the contracts."""
        api, owner = self.witness.api, await self.witness.api.token(OWNER)
        wish = await on_plan(api, "planted", "small")
        for password in (self.weak(), self.strong()):
            await self.act("accountOpen", owner, **await wanted(api, owner, wish, servicePassword=password))

    async def signs_in(self) -> None:
        await self.sign_in(password=self.strong())
        await self.sign_in(email="nobody@example.org", password=self.strong())
        await self.sign_in(transport="COOKIE")
        await self.sign_in()
        for each in (new_secret(SecretKind.REFRESH), f"torn{next(self.numbers)}"):
            await self.act("sessionRefresh", refreshToken=each)
        used = self.refresh
        self.keep(await self.act("sessionRefresh", refreshToken=used))
        await self.act("sessionRefresh", refreshToken=used)
        await self.sign_in()

    async def changes_the_password(self) -> None:
        new, change = self.strong(), "passwordChange"
        await self.act(change, self.token, currentPassword=self.strong(), newPassword=self.strong())
        await self.act(change, self.token, currentPassword=self.password, newPassword=self.weak())
        await self.act(change, None, currentPassword=self.strong(), newPassword=self.strong())
        await self.act(change, self.token, currentPassword=self.password, newPassword=new)
        self.password = new
        await self.act("passwordResetRequest", email="nobody@example.org")
        await self.act("passwordResetRequest", email=ME)
        token, self.password = await self.witness.link(), self.strong()
        for each, password in (
            (token, self.weak()),
            (new_secret(SecretKind.LINK), self.strong()),
            (token, self.password),
            (token, self.strong()),
        ):
            await self.act("passwordReset", token=each, password=password)
        await self.sign_in()

    async def changes_the_address(self) -> None:
        for email, password in ((NEW, self.strong()), (OWNER.email, self.password), (NEW, self.password)):
            await self.act("emailChange", self.token, email=email, currentPassword=password)
        await self.act("emailVerificationResend", self.token, pending=True)
        await self.act("emailVerify", token=await self.witness.link())
        await self.act("emailChange", self.token, email=ME, currentPassword=self.password)
        await self.act("emailVerify", token=await self.witness.link())

    async def turns_on_two_factors(self) -> None:
        await self.act("twoFactorEnroll", self.token, currentPassword=self.strong())
        for _ in range(2):
            payload = await self.act("twoFactorEnroll", self.token, currentPassword=self.password)
            self.factor = payload["secret"]
        await self.act("twoFactorActivate", self.token, code=self.wrong_code())
        await self.act("twoFactorActivate", self.token, code=self.code())
        await self.act("recoveryCodesRegenerate", self.token, currentPassword=self.strong())
        payload = await self.act("recoveryCodesRegenerate", self.token, currentPassword=self.password)
        self.recovery = payload["recoveryCodes"]

    async def answers_challenges(self) -> None:
        challenge = (await self.sign_in())["challenge"]["challengeId"]
        code = self.code()
        for each, given in (
            (new_secret(SecretKind.CHALLENGE), self.wrong_code()),
            (f"torn{next(self.numbers)}", new_codes()[0]),
            (challenge, self.wrong_code()),
            (challenge, new_codes()[0]),
            (challenge, code),
            (challenge, code),
        ):
            self.keep(await self.act("sessionVerifyTwoFactor", challengeId=each, code=given))
        challenge = (await self.sign_in(transport="COOKIE"))["challenge"]["challengeId"]
        await self.act("sessionVerifyTwoFactor", challengeId=challenge, code=self.recovery[0])

    async def makes_tokens(self) -> None:
        await self.act("apiTokenCreate", self.token, name=" ")
        payload = await self.act("apiTokenCreate", self.token, name="Scripts")
        old, self.key = payload["secret"], payload["apiToken"]["id"]
        await self.calls_with(old)
        for given in ({"name": " "}, {"name": "Programs"}):
            await self.act("apiTokenUpdate", self.token, apiTokenId=self.key, **given)
        payload = await self.act("apiTokenRegenerate", self.token, apiTokenId=self.key)
        self.api_token = payload["secret"]
        for each in (old, self.api_token, self.witness.plant(new_secret(SecretKind.API), "an unknown API token")):
            await self.calls_with(each)
        foreign = global_id("ApiToken", new_id())
        for name in ("apiTokenUpdate", "apiTokenRegenerate", "apiTokenDelete"):
            await self.act(name, self.token, apiTokenId=foreign)
        spare = await self.act("apiTokenCreate", self.token, name="Spare", readOnly=True)
        await self.calls_with(spare["secret"])
        await self.act("apiTokenDelete", self.token, apiTokenId=spare["apiToken"]["id"])
        await self.calls_with(spare["secret"])

    async def calls_with(self, secret: str) -> None:
        """As a Bearer and with Basic; rightly, and in ways that are refused."""
        for query in (WHO, MOVE):
            await self.witness.ask(query, token=secret)
        for words in (f"{secret}:", f"{secret} customer={OWNER.email}:", f"{secret} account=7:", f"{secret}:{secret}"):
            given = base64.b64encode(words.encode()).decode()
            await self.witness.ask(WHO, authorization=f"Basic {given}")
        await self.witness.ask(WHO, authorization=f"Token {secret}")

    async def narrows_networks(self) -> None:
        for confirmed in (False, True):
            await self.act("ipAllowlistUpdate", self.token, networks=ELSEWHERE, allowSelfLockout=confirmed)
        await self.sign_in()
        await self.act("sessionRefresh", refreshToken=self.refresh)
        await self.calls_with(self.token)
        await self.calls_with(self.api_token)
        async with self.witness.api.database.writing() as connection:
            profile = metadata.tables["profile"]
            await connection.execute(profile.update().where(profile.c.email == ME).values(ip_allowlist=[]))
        await self.act("ipAllowlistUpdate", self.token, networks=[])

    async def turns_two_factors_off(self) -> None:
        for password, code in (
            (self.strong(), self.code()),
            (self.password, self.wrong_code()),
            (self.password, new_codes()[0]),
            (self.password, self.code()),
        ):
            await self.act("twoFactorDisable", self.token, currentPassword=password, code=code)
        await self.calls_with(self.api_token)
        await self.act("sessionDelete", self.token)
        await self.witness.ask(WHO, token=self.token)

    async def takes_along_what_is_held(self) -> None:
        for password in (self.strong(), self.password):
            await self.act("dataExport", self.token, currentPassword=password)

    async def leaves(self) -> None:
        await self.sign_in()
        for confirmation, password in ((ME, self.strong()), ("somebody", self.password), (ME, self.password)):
            given = {"confirmation": confirmation, "currentPassword": password, "code": self.wrong_code()}
            await self.act("profileDelete", self.token, **given)

    async def up_to_two_factors(self) -> None:
        await self.is_invited()
        await self.opens_an_account()
        await self.signs_up()
        await self.signs_in()
        await self.changes_the_password()
        await self.changes_the_address()
        await self.turns_on_two_factors()
        await self.answers_challenges()
        await self.makes_tokens()

    async def whole(self) -> None:
        await self.up_to_two_factors()
        await self.witness.stored()
        await self.narrows_networks()
        await self.takes_along_what_is_held()
        await self.turns_two_factors_off()
        await self.witness.link()
        await self.leaves()
