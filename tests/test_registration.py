"""PRO-1, PRO-3, PRO-7. Signing up, confirming an address, changing it, and a password that was forgotten."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.mail import ascii_domain
from app.passwords import HashingPool
from app.setting_check import SANDBOX_SECRET
from models.activity import ActivityEvent
from models.clock import FrozenClock
from models.delivery import Delivery
from models.link import Link, LinkKind, link_token
from models.profile import Profile
from models.reset_request import ResetRequest
from models.session import Session
from tests.api import FREE, OWNER, PASSWORD, Answer, Api
from tests.asked import statements
from tests.mails import Box, sent

STRONG = "violet-harbour-sixteen-lamps"
NEW = "new@example.org"
REGISTER = """mutation($email: EmailAddress!, $password: String!, $terms: Boolean!) {
  profileRegister(input: {email: $email, password: $password, locale: FR, acceptTerms: $terms}) {
    userErrors { code message field } } }"""
VERIFY = "mutation($token: String!) { emailVerify(input: {token: $token}) { userErrors { code field } } }"
RESEND = """mutation($pending: Boolean!) { emailVerificationResend(input: {pending: $pending}) {
  security { pendingEmail } userErrors { code } } }"""
CHANGE = """mutation($email: EmailAddress!, $password: String!) {
  emailChange(input: {email: $email, currentPassword: $password}) {
    userErrors { code field } query { viewer { email security { pendingEmail } } } } }"""
ASK_RESET = "mutation($email: EmailAddress!) { passwordResetRequest(input: {email: $email}) { userErrors { code } } }"
RESET = """mutation($token: String!, $password: String!) {
  passwordReset(input: {token: $token, password: $password}) { userErrors { code field } } }"""
SIGN_IN = """mutation($email: EmailAddress!, $password: String!) {
  sessionCreate(input: {email: $email, password: $password, transport: BEARER}) {
    session { id } credentials { accessToken } userErrors { code } } }"""


async def registered(api: Api, email: str = NEW, password: str = STRONG, terms: bool = True) -> Answer:
    return await api.ask(REGISTER, {"email": email, "password": password, "terms": terms})


async def token_of(api: Api, kind: LinkKind) -> str:
    """The token of the newest link of this kind, as the mail carries it."""
    await sent(api.database)
    links = [link for link in await api.rows(Link) if link.kind is kind]
    return link_token(SANDBOX_SECRET, max(links, key=lambda link: link.id).id)


async def profile_of(api: Api, email: str) -> Any:
    return next((row for row in await api.rows(Profile) if row.email == email), None)


async def mails(api: Api) -> list[tuple[str, str | None]]:
    return [(row.template, row.address) for row in sorted(await api.rows(Delivery), key=lambda row: row.id)]


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is hashed: once for each answer."""
    done: list[str] = []
    hash_, matches = HashingPool.hash, HashingPool.matches

    async def counted_hash(pool: HashingPool, password: str) -> str:
        done.append("hash")
        return await hash_(pool, password)

    async def counted_matches(pool: HashingPool, password: str, hashed: str | None) -> bool:
        done.append("matches")
        return await matches(pool, password, hashed)

    monkeypatch.setattr(HashingPool, "hash", counted_hash)
    monkeypatch.setattr(HashingPool, "matches", counted_matches)
    return done


async def test_who_signs_up_confirms_the_address_and_signs_in(api: Api) -> None:
    assert (await registered(api)).data["profileRegister"]["userErrors"] == []
    profile = await profile_of(api, NEW)
    assert (profile.email_verified_at, profile.locale) == (None, "FR")
    assert await mails(api) == [("email_verification", NEW)]
    token = await token_of(api, LinkKind.EMAIL_VERIFICATION)
    assert (await api.ask(VERIFY, {"token": token})).data["emailVerify"]["userErrors"] == []
    assert (await profile_of(api, NEW)).email_verified_at is not None
    signed_in = await api.ask(SIGN_IN, {"email": NEW, "password": STRONG})
    assert signed_in.data["sessionCreate"]["session"]


async def test_an_address_that_is_known_gets_the_same_answer_at_the_same_cost(api: Api, hashes: list[str]) -> None:
    unknown = await registered(api)
    first = list(hashes)
    known = await registered(api, OWNER.email)
    assert hashes == first * 2 == ["hash"] * 2
    assert (known.status, known.body) == (unknown.status, unknown.body)
    assert await mails(api) == [("email_verification", NEW), ("email_already_known", OWNER.email)]
    assert len([row for row in await api.rows(Profile) if row.email == OWNER.email]) == 1
    old = await api.ask(SIGN_IN, {"email": OWNER.email, "password": STRONG})
    assert old.data["sessionCreate"]["userErrors"][0]["code"] == "INVALID_CREDENTIALS"


async def test_two_who_sign_up_with_one_address_at_once_make_one_profile(api: Api) -> None:
    answers = await asyncio.gather(*(registered(api) for _ in range(5)))
    assert {answer.text for answer in answers if not answer.errors and not answer.data["profileRegister"]["userErrors"]}
    assert len([row for row in await api.rows(Profile) if row.email == NEW]) == 1


@pytest.mark.parametrize(
    ("password", "terms", "code", "field"),
    [("short", True, "WEAK_PASSWORD", "password"), (STRONG, False, "REQUIRED", "acceptTerms")],
)
async def test_what_is_not_good_enough_signs_nobody_up(
    api: Api, password: str, terms: bool, code: str, field: str
) -> None:
    (error,) = (await registered(api, password=password, terms=terms)).data["profileRegister"]["userErrors"]
    assert (error["code"], error["field"]) == (code, ["input", field])
    assert await profile_of(api, NEW) is None


async def test_a_link_works_once_for_a_while_and_only_whole(api: Api, clock: FrozenClock) -> None:
    await registered(api)
    token = await token_of(api, LinkKind.EMAIL_VERIFICATION)
    for wrong in ("", "x", token[:-1], token + "0", link_token("another key", (await api.rows(Link))[0].id)):
        answer = await api.ask(VERIFY, {"token": wrong})
        assert answer.data["emailVerify"]["userErrors"] == [{"code": "INVALID", "field": ["input", "token"]}]
    assert (await api.ask(RESET, {"token": token, "password": STRONG})).data["passwordReset"]["userErrors"]
    clock.move(timedelta(days=3))
    late = await api.ask(VERIFY, {"token": token})
    assert [error["code"] for error in late.data["emailVerify"]["userErrors"]] == ["EXPIRED"]
    assert (await profile_of(api, NEW)).email_verified_at is None


async def test_twenty_who_follow_one_link_follow_it_once(api: Api) -> None:
    await registered(api)
    token = await token_of(api, LinkKind.EMAIL_VERIFICATION)
    answers = await asyncio.gather(*(api.ask(VERIFY, {"token": token}) for _ in range(20)))
    codes = [[error["code"] for error in answer.data["emailVerify"]["userErrors"]] for answer in answers]
    assert sorted(codes) == [[]] + [["EXPIRED"]] * 19


async def test_an_address_is_changed_once_it_is_confirmed_and_the_old_one_is_told(api: Api) -> None:
    token = await api.token(OWNER)
    answer = await api.ask(CHANGE, {"email": NEW, "password": PASSWORD}, token=token)
    assert answer.data["emailChange"]["userErrors"] == []
    assert answer.data["emailChange"]["query"]["viewer"] == {
        "email": OWNER.email,
        "security": {"pendingEmail": NEW},
    }
    link = await token_of(api, LinkKind.EMAIL_CHANGE)
    assert (await api.ask(VERIFY, {"token": link})).data["emailVerify"]["userErrors"] == []
    assert (await profile_of(api, NEW)).id == OWNER.key
    assert await mails(api) == [("email_change", NEW), ("email_changed", OWNER.email)]
    (fact,) = [row for row in await api.rows(ActivityEvent) if row.kind == "profile.email_changed"]
    assert fact.changes == {"email": [OWNER.email, NEW]}


async def test_a_change_to_an_address_in_use_looks_the_same_and_leads_nowhere(api: Api, hashes: list[str]) -> None:
    token = await api.token(OWNER)
    free = await api.ask(CHANGE, {"email": "free-address@example.org", "password": PASSWORD}, token=token)
    outcomes = await sent(api.database, box := Box())
    used = await api.ask(CHANGE, {"email": FREE.email, "password": PASSWORD}, token=token)
    assert hashes == ["matches"] * 2
    assert (
        used.text.replace(FREE.email, "free-address@example.org").partition('"extensions"')[0]
        == (free.text.partition('"extensions"')[0])
    )
    outcomes += await sent(api.database, box)
    assert [outcome.state.value for outcome in outcomes] == ["SENT"] * 3
    assert [message["To"] for message in box.messages] == ["free-address@example.org", FREE.email]
    asked = [("email_change", "free-address@example.org"), ("email_change", FREE.email)]
    assert await mails(api) == [*asked, ("email_already_known", FREE.email)]


async def test_an_address_that_was_taken_meanwhile_is_not_taken_over(api: Api) -> None:
    await api.ask(CHANGE, {"email": NEW, "password": PASSWORD}, token=await api.token(OWNER))
    link = await token_of(api, LinkKind.EMAIL_CHANGE)
    await registered(api)
    answer = await api.ask(VERIFY, {"token": link})
    assert [error["code"] for error in answer.data["emailVerify"]["userErrors"]] == ["CONFLICT"]
    assert (await profile_of(api, OWNER.email)).id == OWNER.key


async def test_a_confirmation_can_be_asked_for_again(api: Api) -> None:
    token = await api.token(OWNER)
    nothing = await api.ask(RESEND, {"pending": False}, token=token)
    assert [error["code"] for error in nothing.data["emailVerificationResend"]["userErrors"]] == ["CONFLICT"]
    await api.ask(CHANGE, {"email": NEW, "password": PASSWORD}, token=token)
    again = await api.ask(RESEND, {"pending": True}, token=token)
    assert again.data["emailVerificationResend"] == {"security": {"pendingEmail": NEW}, "userErrors": []}
    assert await mails(api) == [("email_change", NEW)] * 2


async def test_a_forgotten_password_is_replaced_and_every_session_ends(api: Api) -> None:
    token = await api.token(OWNER)
    assert (await api.ask(ASK_RESET, {"email": OWNER.email.upper()})).data["passwordResetRequest"]["userErrors"] == []
    link = await token_of(api, LinkKind.PASSWORD_RESET)
    assert (await api.ask(RESET, {"token": link, "password": STRONG})).data["passwordReset"]["userErrors"] == []
    assert (await api.ask("{ viewer { id } }", token=token)).status == 401
    assert all(session.ended_at for session in await api.rows(Session))
    assert (await api.ask(SIGN_IN, {"email": OWNER.email, "password": STRONG})).data["sessionCreate"]["session"]
    again = await api.ask(RESET, {"token": link, "password": STRONG + "!"})
    assert [error["code"] for error in again.data["passwordReset"]["userErrors"]] == ["EXPIRED"]


async def test_whether_an_address_is_known_is_not_told_by_a_reset(api: Api, hashes: list[str]) -> None:
    known = await api.ask(ASK_RESET, {"email": OWNER.email})
    unknown = await api.ask(ASK_RESET, {"email": "nobody@example.org"})
    assert (known.status, known.text.partition('"resetAt"')[0]) == (
        unknown.status,
        unknown.text.partition('"resetAt"')[0],
    )
    assert hashes == ["matches"] * 2
    assert await mails(api) == []
    await sent(api.database)
    assert await mails(api) == [("password_reset", OWNER.email)]
    assert await api.rows(ResetRequest) == []


@pytest.fixture
async def unverified(api: Api) -> str:
    """An address that somebody signed up with and never confirmed."""
    await registered(api, "unverified@example.org")
    return "unverified@example.org"


@pytest.mark.parametrize("document", [ASK_RESET, REGISTER, CHANGE], ids=["reset", "sign-up", "change"])
async def test_the_same_statements_are_run_whoever_has_the_address(api: Api, document: str, unverified: str) -> None:
    """PRO-1, PRO-3, PRO-7. What is written takes longer than what is looked up: nothing more of it for some."""
    token = await api.token(OWNER) if document is CHANGE else None
    given = {"password": PASSWORD if document is CHANGE else STRONG, "terms": True}
    seen = []
    for email in ("nobody@example.org", FREE.email, unverified):
        variables = {name: value for name, value in (given | {"email": email}).items() if f"${name}" in document}
        with statements(api) as run:
            answer = await api.ask(document, variables, token=token)
        seen.append((run, answer.status, answer.text.replace(email, "").partition('"extensions"')[0]))
    assert seen[0] == seen[1] == seen[2]
    assert any(statement.startswith("INSERT") for statement in seen[0][0])


async def test_two_who_take_each_others_address_at_once_are_told_that_it_is_in_use(api: Api) -> None:
    """PRO-3. Neither holds the other up, whatever the database; nobody is answered that something broke."""
    pairs = [(OWNER, FREE), (FREE, OWNER)] * 10
    tokens = {person.key: await api.token(person) for person in (OWNER, FREE)}
    asked = ((tokens[who.key], {"email": other.email, "password": PASSWORD}) for who, other in pairs)
    answers = await asyncio.gather(*(api.ask(CHANGE, given, token=token) for token, given in asked))
    assert [(answer.status, answer.errors) for answer in answers] == [(200, [])] * 20
    rows = sorted(await api.rows(Link), key=lambda row: row.id)
    newest = [next(row for row in reversed(rows) if row.profile_id == who.key) for who, _ in pairs]
    followed = (api.ask(VERIFY, {"token": link_token(SANDBOX_SECRET, link.id)}) for link in newest)
    answers = await asyncio.gather(*followed)
    assert {answer.status for answer in answers} == {200}
    assert {answer.data["emailVerify"]["userErrors"][0]["code"] for answer in answers} == {"CONFLICT"}
    assert {(await profile_of(api, person.email)).id for person in (OWNER, FREE)} == {OWNER.key, FREE.key}


async def test_a_reset_is_over_after_an_hour(api: Api, clock: FrozenClock) -> None:
    await api.ask(ASK_RESET, {"email": OWNER.email})
    link = await token_of(api, LinkKind.PASSWORD_RESET)
    clock.move(timedelta(hours=1))
    late = await api.ask(RESET, {"token": link, "password": STRONG})
    assert [error["code"] for error in late.data["passwordReset"]["userErrors"]] == ["EXPIRED"]


async def test_before_the_address_is_confirmed_one_reads_and_changes_nothing(api: Api) -> None:
    """SPEC 17: sign in, read, see the mails, ask for another; nothing else."""
    await registered(api)
    session = (await api.ask(SIGN_IN, {"email": NEW, "password": STRONG})).data["sessionCreate"]["credentials"]
    token = session["accessToken"]
    assert (await api.ask("{ viewer { email emailVerified } sandbox { now } }", token=token)).data["viewer"] == {
        "email": NEW,
        "emailVerified": False,
    }
    update = 'mutation { profileUpdate(input: {identity: {city: "Lyon"}}) { userErrors { code } } }'
    refused = await api.ask(update, token=token)
    assert refused.codes == ["FORBIDDEN"]
    assert refused.errors[0]["extensions"]["reason"] == "EMAIL_NOT_VERIFIED"
    again = await api.ask(RESEND, {"pending": False}, token=token)
    assert again.data["emailVerificationResend"]["userErrors"] == []
    link = await token_of(api, LinkKind.EMAIL_VERIFICATION)
    assert (await api.ask(VERIFY, {"token": link}, token=token)).data["emailVerify"]["userErrors"] == []
    assert (await api.ask(update, token=token)).data["profileUpdate"]["userErrors"] == []
    end = "mutation { sessionDelete(input: {}) { userErrors { code } } }"
    assert (await api.ask(end, token=token)).data["sessionDelete"]["userErrors"] == []


async def test_a_link_ends_with_what_it_was_sent_for(api: Api) -> None:
    """A mistyped address, or whoever knew the password once, must not take the profile over later."""
    token = await api.token(OWNER)
    await api.ask(CHANGE, {"email": "mistyped@example.org", "password": PASSWORD}, token=token)
    mistyped = await token_of(api, LinkKind.EMAIL_CHANGE)
    await api.ask(CHANGE, {"email": NEW, "password": PASSWORD}, token=token)
    answer = await api.ask(VERIFY, {"token": mistyped})
    assert [error["code"] for error in answer.data["emailVerify"]["userErrors"]] == ["EXPIRED"]

    pending = await token_of(api, LinkKind.EMAIL_CHANGE)
    await api.ask(ASK_RESET, {"email": OWNER.email})
    first = await token_of(api, LinkKind.PASSWORD_RESET)
    await api.ask(ASK_RESET, {"email": OWNER.email})
    second = await token_of(api, LinkKind.PASSWORD_RESET)
    assert (await api.ask(RESET, {"token": second, "password": STRONG})).data["passwordReset"]["userErrors"] == []
    late = await api.ask(RESET, {"token": first, "password": STRONG + "!"})
    assert [error["code"] for error in late.data["passwordReset"]["userErrors"]] == ["EXPIRED"]
    late = await api.ask(VERIFY, {"token": pending})
    assert [error["code"] for error in late.data["emailVerify"]["userErrors"]] == ["EXPIRED"]
    assert (await profile_of(api, OWNER.email)).pending_email is None


async def test_a_reset_refuses_what_is_known_of_the_owner(api: Api) -> None:
    await api.ask(ASK_RESET, {"email": OWNER.email})
    link = await token_of(api, LinkKind.PASSWORD_RESET)
    answer = await api.ask(RESET, {"token": link, "password": "Atelier Exemple"})
    assert answer.data["passwordReset"]["userErrors"] == [{"code": "WEAK_PASSWORD", "field": ["input", "password"]}]


async def test_the_history_does_not_tell_either_whether_an_address_is_in_use(api: Api) -> None:
    token = await api.token(OWNER)
    box = Box()
    for email in (FREE.email, NEW):
        await api.ask(CHANGE, {"email": email, "password": PASSWORD}, token=token)
        await sent(api.database, box)
    history = await api.ask(
        "{ viewer { activity(first: 2) { nodes { action summary changes { name } } } } }", token=token
    )
    of_new, of_used = history.data["viewer"]["activity"]["nodes"]
    assert of_new == of_used
    assert {message["To"] for message in box.messages} == {NEW, FREE.email}


async def test_mails_are_read_by_people_and_not_by_tokens(api: Api) -> None:
    """TOK-3. Whoever reads them can set a new password."""
    await api.two_factor()
    token = (await api.api_token()).secret
    await api.ask(ASK_RESET, {"email": OWNER.email})
    await sent(api.database)
    answer = await api.ask("{ sandbox { mails { totalCount nodes { token } } } }", token=token)
    assert answer.data["sandbox"]["mails"] == {"totalCount": 0, "nodes": []}


@pytest.mark.parametrize("spelling", ["NEW@example.org", "new@\uff45xample.org", "new@\u24d4xample.org"])
async def test_one_mailbox_has_one_profile_however_it_is_spelled(api: Api, spelling: str) -> None:
    await registered(api)
    await registered(api, spelling)
    assert len([row for row in await api.rows(Profile) if row.email.startswith("new@")]) == 1


def test_a_domain_with_a_sharp_s_is_not_another() -> None:
    assert ascii_domain("user@fa\u00df.de") == "user@xn--fa-hia.de"
    assert ascii_domain("user@example.org") == "user@example.org"
