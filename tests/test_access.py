"""TOK-5. Other services ask who may do what, with credentials of their own; customers' credentials get nothing."""

from typing import Any

import pytest
from sqlalchemy import update

from engine.bind import Bound
from models.column import table
from models.db import Db
from models.permission import AccountPermission, OverallPermission, ServerPermission
from models.profile import Profile
from models.secret import SecretKind, new_secret
from models.service import ServiceScope
from resolvers import service
from schema.global_id import global_id
from tests.api import DELEGATE, FREE, OWNER, Answer, Api, profile_id, serving
from tests.granting import a_grant, a_server, an_account

CHECK = """query ($input: AccessCheckInput!) { accessCheck(input: $input) {
  allowed authenticated reason missing message profileId } }"""
SITES, BILLING = AccountPermission.SITES, OverallPermission.BILLING
ELSEWHERE = "203.0.113.9"


async def credential(api: Api, *scopes: ServiceScope, networks: list[str] | None = None, name: str = "mail") -> str:
    async with Db(api.database) as db:
        return await service.add(db, name, list(scopes) or [ServiceScope.ACCESS_CHECK], networks or [])


async def staff(api: Api, secret: str | None, document: str, variables: Any = None, **headers: str) -> Answer:
    """The answer of the staff schema."""
    sent = {"accept": "application/graphql-response+json", **headers}
    if secret:
        sent["authorization"] = f"Bearer {secret}"
    response = await api.client.post(
        "/staff/graphql", json={"query": document, "variables": variables or {}}, headers=sent
    )
    return Answer(response.status_code, response.headers, response.json(), response.text)


async def asked(api: Api, secret: str, token: str, **input: Any) -> Any:
    """The decision about the holder of a token: on the account `shop`, unless something else is asked."""
    target = {"account": {"name": "shop", "permission": "SITES"}}
    given = {"token": token, "ipAddress": ELSEWHERE, "target": target, **input}
    return (await staff(api, secret, CHECK, {"input": given})).data["accessCheck"]


async def test_a_service_is_told_what_the_model_decides(api: Api) -> None:
    account = await an_account(api)
    await a_grant(api, DELEGATE, accounts={account: [SITES]})
    secret = await credential(api)
    owner, delegate, stranger = [await api.token(person) for person in (OWNER, DELEGATE, FREE)]
    assert (await asked(api, secret, owner))["allowed"]
    allowed = await asked(api, secret, delegate)
    assert allowed == {
        "allowed": True,
        "authenticated": True,
        "reason": None,
        "missing": None,
        "message": None,
        "profileId": profile_id(DELEGATE),
    }
    emails = {"account": {"id": global_id("Account", account), "permission": "EMAILS"}}
    refused = await asked(api, secret, delegate, target=emails)
    assert (refused["allowed"], refused["reason"], refused["missing"]) == (False, "PERMISSION_MISSING", "EMAILS")
    assert "EMAILS" in refused["message"]
    unknown = {"account": {"name": "nobody-has-it", "permission": "SITES"}}
    assert await asked(api, secret, stranger) == await asked(api, secret, stranger, target=unknown)


async def test_a_charge_needs_billing_as_well(api: Api) -> None:
    """PER-9."""
    account = await an_account(api)
    secret, token = await credential(api), await api.token(DELEGATE)
    await a_grant(api, DELEGATE, accounts={account: [SITES]})
    refused = await asked(api, secret, token, charged=True)
    assert (refused["allowed"], refused["missing"]) == (False, "BILLING")
    await a_grant(api, DELEGATE, BILLING, accounts={account: [SITES]})
    assert (await asked(api, secret, token, charged=True))["allowed"]
    await a_grant(api, DELEGATE, BILLING)
    assert not (await asked(api, secret, token, charged=True))["allowed"]


async def test_a_server_is_asked_by_its_own_permissions(api: Api) -> None:
    server = await a_server(api)
    await a_grant(api, DELEGATE, servers={server: [ServerPermission.FIREWALL]})
    secret, token = await credential(api), await api.token(DELEGATE)
    for permission, allowed in (("FIREWALL", True), ("SSL", False)):
        target = {"server": {"name": "anvil", "permission": permission}}
        assert (await asked(api, secret, token, target=target))["allowed"] is allowed


async def test_what_a_token_is_narrowed_to_counts(api: Api) -> None:
    account, other = await an_account(api), await an_account(api, "other")
    secret = await credential(api)
    only_here = (await api.api_token(OWNER, only_account_id=account)).secret
    only_there = (await api.api_token(OWNER, only_account_id=other)).secret
    read_only = (await api.api_token(OWNER, read_only=True)).secret
    assert (await asked(api, secret, only_here))["allowed"]
    assert not (await asked(api, secret, only_there))["allowed"]
    assert (await asked(api, secret, read_only))["reason"] == "TOKEN_SCOPE"
    assert (await asked(api, secret, read_only, writes=False))["allowed"]


async def test_a_suspended_profile_changes_nothing(api: Api) -> None:
    await an_account(api)
    secret, token = await credential(api), await api.token(OWNER)
    profiles = table(Profile)
    async with Db(api.database) as db:
        now = api.database.clock.now()
        await db.note(update(profiles).where(profiles.c.id == OWNER.key).values(suspended_at=now))
    assert (await asked(api, secret, token))["reason"] == "PROFILE_SUSPENDED"
    assert (await asked(api, secret, token, writes=False))["allowed"]


async def test_a_token_that_is_no_good_is_nobody(api: Api) -> None:
    await an_account(api)
    secret = await credential(api)
    token = (await api.api_token(OWNER, ip_allowlist=["192.0.2.0/24"])).secret
    for wrong, reason in (("x", None), (secret, None), (token[:-1] + "_", None), (token, "IP_NOT_ALLOWED")):
        decision = await asked(api, secret, wrong)
        assert (decision["allowed"], decision["authenticated"], decision["reason"]) == (False, False, reason)
        assert decision["profileId"] is None


@pytest.mark.parametrize("kind", ["nobody", "access", "api", "cookie", "garbage", "ended", "elsewhere"])
async def test_customers_credentials_get_nothing(api: Api, kind: str) -> None:
    """Not even the schema."""
    headers, secret = {}, None
    if kind in ("access", "api"):
        secret = await api.token(OWNER) if kind == "access" else (await api.api_token(OWNER)).secret
    elif kind == "cookie":
        headers["cookie"] = "espace_session=x"
    elif kind == "garbage":
        secret = "x"
    elif kind != "nobody":
        secret = await credential(api, networks=["198.51.100.0/24"] if kind == "elsewhere" else [])
        async with Db(api.database) as db:
            assert kind == "elsewhere" or await service.end(db, "mail")
    for document in ("{ __typename }", "{ __schema { types { name } } }"):
        answer = await staff(api, secret, document, **headers)
        assert answer.status == (401 if kind in ("nobody", "ended") else 403)
        assert "data" not in answer.body


async def test_a_service_gets_nothing_at_the_customers_endpoint(api: Api) -> None:
    secret = await credential(api)
    assert (await api.ask("{ viewer { id } }", token=secret)).status == 401


async def test_a_scope_is_needed(api: Api) -> None:
    secret = await credential(api, ServiceScope.PROVISIONING)
    given = {"token": "x", "ipAddress": ELSEWHERE, "target": {"account": {"name": "shop", "permission": "SITES"}}}
    answer = await staff(api, secret, CHECK, {"input": given})
    assert answer.codes == ["FORBIDDEN"]
    assert answer.errors[0]["extensions"]["missing"] == "ACCESS_CHECK"


async def test_a_target_is_named_once_and_well(api: Api) -> None:
    secret = await credential(api)
    for named in (
        {},
        {"name": "shop", "id": global_id("Account", OWNER.key)},
        {"id": "garbage"},
        {"id": profile_id(OWNER)},
    ):
        target = {"account": {"permission": "SITES", **named}}
        answer = await staff(api, secret, CHECK, {"input": {"token": "x", "ipAddress": ELSEWHERE, "target": target}})
        assert answer.codes == ["BAD_USER_INPUT"]


async def test_an_address_that_is_none_is_no_place_to_call_from(api: Api) -> None:
    secret, target = await credential(api), {"account": {"name": "shop", "permission": "SITES"}}
    for address in ("", "nonsense", "x" * 5000):
        answer = await staff(api, secret, CHECK, {"input": {"token": "x", "ipAddress": address, "target": target}})
        assert answer.codes == ["BAD_USER_INPUT"]


async def test_resources_are_asked_as_the_field_asks_for_them(api: Api) -> None:
    """PER-2. The permission on the server does as well; in the public cloud there are none, for nobody."""
    server = await a_server(api)
    await an_account(api)
    await an_account(api, "there", server_id=server)
    await a_grant(api, DELEGATE, OverallPermission.TECHNICAL_SERVER)
    secret, owner, delegate = await credential(api), await api.token(OWNER), await api.token(DELEGATE)
    asked_for = {name: {"account": {"name": name, "permission": "RESOURCES"}} for name in ("shop", "there")}
    allowed = [
        (await asked(api, secret, token, target=asked_for[name]))["allowed"]
        for name, token in (("shop", owner), ("there", owner), ("there", delegate))
    ]
    assert allowed == [False, True, True]


async def test_credentials_that_nobody_has_are_counted(api: Api, bound: Bound) -> None:
    """LIM-1. Each costs a look-up."""
    async with serving(api.database, bound, anonymous_per_minute=3) as counted:
        statuses = [(await staff(counted, new_secret(SecretKind.SERVICE), "{ __typename }")).status for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
