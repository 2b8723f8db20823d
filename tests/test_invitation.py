"""PER-7. Whoever was granted something before they had a profile: signing up, and what waited takes effect."""

from typing import Any

import pytest

from app.setting_check import SANDBOX_SECRET
from models.db import Db
from models.grant import PermissionGrant
from models.link import Link, LinkKind, link_token
from models.permission import OverallPermission
from models.profile import Profile
from models.setting import Figures
from resolvers.password import answer_requests
from schema.global_id import global_id
from tests.api import FREE, OWNER, PASSWORD, Api
from tests.granting import a_grant, an_account
from tests.test_grant import NOBODY, save, sees

REGISTER = """mutation ($input: ProfileRegisterInput!) { profileRegister(input: $input) {
  userErrors { code field } } }"""
SIGN_IN = """mutation ($email: EmailAddress!, $password: String!) {
  sessionCreate(input: { email: $email, password: $password, transport: BEARER }) {
    credentials { accessToken } userErrors { code } } }"""
NEW_PASSWORD = "correct horse battery staple 9"


async def invited(api: Api) -> tuple[Any, str]:
    """The account that the address without a profile may see one day, and the token of its mail."""
    account = await an_account(api)
    grant = await save(api, NOBODY, overall=["TECHNICAL_ACCOUNT"])
    assert grant["userErrors"] == []
    (link,) = [row for row in await api.rows(Link) if row.kind is LinkKind.INVITATION]
    return account, link_token(SANDBOX_SECRET, link.id)


async def register(api: Api, email: str = NOBODY, **given: Any) -> list[dict[str, Any]]:
    variables = {"email": email, "password": NEW_PASSWORD, "acceptTerms": True, **given}
    errors: list[dict[str, Any]] = (await api.ask(REGISTER, {"input": variables})).data["profileRegister"]["userErrors"]
    return errors


async def signed_in(api: Api, email: str = NOBODY, password: str = NEW_PASSWORD) -> str | None:
    answer = (await api.ask(SIGN_IN, {"email": email, "password": password})).data["sessionCreate"]
    return answer["credentials"]["accessToken"] if answer["credentials"] else None


async def test_whoever_follows_the_invitation_has_what_was_granted(api: Api) -> None:
    account, token = await invited(api)
    assert await signed_in(api, password="") is None
    assert await register(api, invitationToken=token) == []
    access = await signed_in(api)
    assert access is not None
    assert await sees(api, access, "Account", account)
    (profile,) = [row for row in await api.rows(Profile) if row.email == NOBODY]
    assert profile.invited_at is None


async def test_without_the_mail_nobody_gets_what_waits_for_its_reader(api: Api) -> None:
    """Signing up without the link sends it once more, to the address; what is answered is the same."""
    account, _ = await invited(api)
    assert await register(api) == []
    assert await signed_in(api) is None
    links = [row for row in await api.rows(Link) if row.address == NOBODY]
    assert [link.kind for link in links] == [LinkKind.INVITATION] * 2
    mine = "cedar lantern quilt harbour 12"
    assert await register(api, password=mine, invitationToken=link_token(SANDBOX_SECRET, links[-1].id)) == []
    access = await signed_in(api, password=mine)
    assert access is not None
    assert await sees(api, access, "Account", account)


async def test_whoever_reads_the_mail_takes_a_profile_that_a_stranger_made_of_their_address(api: Api) -> None:
    """The stranger signed up first, and is signed out: nothing of what waited was theirs for a moment."""
    assert await register(api) == []
    stranger = await signed_in(api)
    assert stranger is not None
    account, token = await invited(api)
    assert not await sees(api, stranger, "Account", account)
    mine = "cedar lantern quilt harbour 12"
    assert await register(api, password=mine, invitationToken=token) == []
    assert (await api.ask("{ viewer { id } }", token=stranger)).status == 401
    assert await signed_in(api) is None
    access = await signed_in(api, password=mine)
    assert access is not None
    assert await sees(api, access, "Account", account)


async def test_whoever_was_invited_is_forgotten_when_nothing_is_granted_any_more(api: Api) -> None:
    await invited(api)
    waiting = OverallPermission.TECHNICAL_ACCOUNT.bit
    (grant,) = [
        row for row in await api.rows(PermissionGrant) if row.overall == waiting and not row.requires_two_factor
    ]
    revoke = "mutation ($id: ID!) { permissionGrantRevoke(input: { grantId: $id }) { userErrors { code } } }"
    await api.ask(revoke, {"id": global_id("PermissionGrant", grant.id)}, token=await api.token(OWNER))
    assert [row for row in await api.rows(Profile) if row.email == NOBODY] == []


async def test_an_invitation_is_of_its_address_and_of_one_use(api: Api) -> None:
    _, token = await invited(api)
    path = ["input", "invitationToken"]
    assert await register(api, "another@example.org", invitationToken=token) == [{"code": "INVALID", "field": path}]
    assert await register(api, invitationToken=token[:-1] + "x") == [{"code": "INVALID", "field": path}]
    assert [row for row in await api.rows(Profile) if row.email == "another@example.org"] == []
    assert await register(api, invitationToken=token) == []
    assert await register(api, invitationToken=token) == [{"code": "EXPIRED", "field": path}]


async def test_an_invited_address_is_nobodys_to_who_asks_for_a_reset(api: Api) -> None:
    await invited(api)
    ask = "mutation ($email: EmailAddress!) { passwordResetRequest(input: { email: $email }) { userErrors { code } } }"
    await api.ask(ask, {"email": NOBODY})
    async with Db(api.database) as db:
        await answer_requests(db, Figures())
    assert [row for row in await api.rows(Link) if row.kind is LinkKind.PASSWORD_RESET] == []


TAKE = """mutation ($email: EmailAddress!, $password: String!) {
  emailChange(input: { email: $email, currentPassword: $password }) { userErrors { code } } }"""
VERIFY = "mutation ($token: String!) { emailVerify(input: { token: $token }) { userErrors { code } } }"


@pytest.mark.parametrize("had_one", [False, True], ids=["had nothing", "had something"])
async def test_who_takes_the_address_takes_over_what_was_granted_to_it(api: Api, had_one: bool) -> None:
    """One grant for each pair: what the same owner had given before stands."""
    account, _ = await invited(api)
    if had_one:
        await a_grant(api, FREE, OverallPermission.BILLING)
    token = await api.token(FREE)
    answer = await api.ask(TAKE, {"email": NOBODY, "password": PASSWORD}, token=token)
    assert answer.data["emailChange"]["userErrors"] == []
    (link,) = [row for row in await api.rows(Link) if row.kind is LinkKind.EMAIL_CHANGE]
    answer = await api.ask(VERIFY, {"token": link_token(SANDBOX_SECRET, link.id)})
    assert answer.data["emailVerify"]["userErrors"] == []
    assert [row.id for row in await api.rows(Profile) if row.email == NOBODY] == [FREE.key]
    (grant,) = [row for row in await api.rows(PermissionGrant) if row.grantee_id == FREE.key]
    held = OverallPermission.BILLING if had_one else OverallPermission.TECHNICAL_ACCOUNT
    assert grant.overall == held.bit
    assert await sees(api, await api.token(FREE), "Account", account)
