"""PER-1 to PER-8, PER-14. Granting, and what whoever received something sees and may do."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import update

from engine.bind import Bound
from models.account import Account
from models.activity import ActivityEvent
from models.column import table
from models.context import Context
from models.db import Db
from models.delivery import Delivery
from models.grant import AccountGrant, PermissionGrant, ServerGrant
from models.permission import AccountPermission, OverallPermission, Requirement, ServerPermission, mask_of
from models.profile import Profile
from models.refusal import NotFound
from models.viewer import Granted, Viewer
from resolvers.find import find
from schema.global_id import global_id
from tests.api import DELEGATE, FREE, OWNER, TECH, Answer, Api, profile_id, serving
from tests.granting import a_grant, a_server, an_account

GRANT = "grant { id owner { id } grantee { id email displayName } overall requiresTwoFactor"
GRANT += " accounts { account { name } permissions } servers { server { name } permissions } }"
SAVE = f"""mutation ($input: PermissionGrantSaveInput!) {{ permissionGrantSave(input: $input) {{
  {GRANT} userErrors {{ code message field }} }} }}"""
REVOKE = """mutation ($id: ID!) { permissionGrantRevoke(input: { grantId: $id }) {
  deletedId userErrors { code field } } }"""
RENOUNCE = """mutation ($id: ID!) { permissionGrantRenounce(input: { grantId: $id }) {
  deletedId userErrors { code field } } }"""
SEEN = "query ($id: ID!) { node(id: $id) { id } }"
NOBODY = "nobody-yet@example.org"
SITES, BILLING = AccountPermission.SITES, OverallPermission.BILLING


async def save(api: Api, email: str = DELEGATE.email, *, by: Any = OWNER, **given: Any) -> Any:
    """What saving a grant answers."""
    answer = await api.ask(SAVE, {"input": {"email": email, **given}}, token=await api.token(by))
    return answer.data["permissionGrantSave"]


async def sees(api: Api, token: str, kind: str, key: Any) -> bool:
    return bool((await api.ask(SEEN, {"id": global_id(kind, key)}, token=token)).data["node"])


async def refused(api: Api, email: str = DELEGATE.email, **given: Any) -> tuple[str, list[str] | None]:
    """Code and field of the one error; nothing is left behind."""
    before = [row for kind in (PermissionGrant, AccountGrant, ServerGrant) for row in await api.rows(kind)]
    saved = await save(api, email, **given)
    assert saved["grant"] is None
    after = [row for kind in (PermissionGrant, AccountGrant, ServerGrant) for row in await api.rows(kind)]
    assert after == before
    (error,) = saved["userErrors"]
    return error["code"], error["field"]


async def test_a_grant_is_saved_seen_by_both_and_on_record(api: Api) -> None:
    account, server = await an_account(api), await a_server(api)
    saved = await save(
        api,
        overall=["BILLING"],
        accounts=[{"accountId": global_id("Account", account), "permissions": ["USAGE", "SITES"]}],
        servers=[{"serverId": global_id("Server", server), "permissions": ["FIREWALL"]}],
        requiresTwoFactor=True,
    )
    assert saved["userErrors"] == []
    assert saved["grant"] | {"id": None} == {
        "id": None,
        "owner": {"id": profile_id(OWNER)},
        "grantee": {"id": profile_id(DELEGATE), "email": DELEGATE.email, "displayName": DELEGATE.email},
        "overall": ["BILLING"],
        "requiresTwoFactor": True,
        "accounts": [{"account": {"name": "shop"}, "permissions": ["USAGE", "SITES"]}],
        "servers": [{"server": {"name": "anvil"}, "permissions": ["FIREWALL"]}],
    }
    lists = """{ viewer { grantsGiven(first: 50) { nodes { id } } grantsReceived(first: 50) { nodes { id } } } }"""
    given = (await api.ask(lists, token=await api.token(OWNER))).data["viewer"]["grantsGiven"]["nodes"]
    received = (await api.ask(lists, token=await api.token(DELEGATE))).data["viewer"]["grantsReceived"]["nodes"]
    assert {"id": saved["grant"]["id"]} in given
    assert received == [{"id": saved["grant"]["id"]}]
    assert not await sees(api, await api.token(FREE), "PermissionGrant", (await api.rows(PermissionGrant))[-1].id)


async def test_saving_again_replaces_it_and_tells_what_changed(api: Api) -> None:
    account = await an_account(api)
    await a_grant(api, DELEGATE)
    first = await save(api, overall=["BILLING"])
    again = await save(api, accounts=[{"accountId": global_id("Account", account), "permissions": ["SITES"]}])
    assert again["grant"]["id"] == first["grant"]["id"]
    assert again["grant"]["overall"] == []
    event = [row for row in await api.rows(ActivityEvent) if row.kind == "grant.changed"][-1]
    assert event.owner_id == OWNER.key
    assert event.changes == {"overall": [["BILLING"], []], "accounts": [[], ["shop: SITES"]]}
    mails = [row for row in await api.rows(Delivery) if row.event_id == event.id]
    assert [(mail.template, mail.address) for mail in mails] == [("grant_received", DELEGATE.email)]


async def test_what_is_not_the_owners_is_not_found(api: Api) -> None:
    """PER-12. Somebody else's account is answered as none."""
    theirs, server = await an_account(api, "theirs", FREE), await a_server(api, "tongs", FREE)
    for key in (global_id("Account", theirs), global_id("Account", OWNER.key), "garbage", global_id("Server", server)):
        entry = {"accountId": key, "permissions": ["SITES"]}
        assert await refused(api, accounts=[entry]) == ("NOT_FOUND", ["input", "accounts", "0", "accountId"])
    for key in (global_id("Server", server), global_id("Account", theirs)):
        entry = {"serverId": key, "permissions": ["SSL"]}
        assert await refused(api, servers=[entry]) == ("NOT_FOUND", ["input", "servers", "0", "serverId"])


async def test_what_makes_no_grant_is_refused(api: Api) -> None:
    account, there = await an_account(api), await an_account(api, "there", server_id=await a_server(api))
    entry = {"accountId": global_id("Account", account), "permissions": ["SITES"]}
    assert await refused(api) == ("INVALID", None)
    assert await refused(api, accounts=[{**entry, "permissions": []}]) == ("INVALID", None)
    assert await refused(api, OWNER.email, overall=["BILLING"]) == ("INVALID_RECIPIENT", ["input", "email"])
    assert await refused(api, accounts=[entry, entry]) == ("INVALID", ["input", "accounts", "1", "accountId"])
    resources = {**entry, "permissions": ["RESOURCES"]}
    assert await refused(api, accounts=[resources]) == ("INVALID", ["input", "accounts", "0", "permissions"])
    nothing, foreign = {**entry, "permissions": []}, global_id("Account", await an_account(api, "theirs", FREE))
    places = [[nothing, {"accountId": foreign, "permissions": ["SITES"]}], [entry, {**nothing, "accountId": foreign}]]
    for entries in places:
        assert await refused(api, accounts=entries) == ("NOT_FOUND", ["input", "accounts", "1", "accountId"])
    on_server = {"accountId": global_id("Account", there), "permissions": ["RESOURCES"]}
    assert (await save(api, accounts=[on_server]))["userErrors"] == []


async def test_an_owner_grants_to_so_many_and_names_so_much(api: Api, bound: Bound) -> None:
    account, other = await an_account(api), await an_account(api, "other")
    given = len([row for row in await api.rows(PermissionGrant) if row.owner_id == OWNER.key])
    limits = {"grant_entries": 1, "grants_per_profile": given + 1}
    async with serving(api.database, bound, rate_limits=False, **limits) as small:
        entries = [{"accountId": global_id("Account", key), "permissions": ["SITES"]} for key in (account, other)]
        assert await refused(small, accounts=entries) == ("INVALID", ["input", "accounts"])
        assert (await save(small, FREE.email, overall=["BILLING"]))["userErrors"] == []
        assert (await refused(small, NOBODY, overall=["BILLING"]))[0] == "LIMIT_REACHED"
        assert (await save(small, FREE.email, overall=["ACCOUNT_MANAGEMENT"]))["userErrors"] == []


async def test_revoked_rights_are_gone_with_the_next_request(api: Api) -> None:
    """PER-14."""
    account = await an_account(api)
    grant = await a_grant(api, DELEGATE, accounts={account: [SITES]})
    token = await api.token(DELEGATE)
    assert await sees(api, token, "Account", account)
    answer = await api.ask(REVOKE, {"id": global_id("PermissionGrant", grant)}, token=await api.token(OWNER))
    assert answer.data["permissionGrantRevoke"] == {"deletedId": global_id("PermissionGrant", grant), "userErrors": []}
    assert not await sees(api, token, "Account", account)
    assert not await sees(api, token, "Profile", OWNER.key)
    assert not [row for row in await api.rows(AccountGrant) if row.grant_id == grant]


async def test_a_holder_gives_up_everything_at_once_and_nobody_else_does(api: Api) -> None:
    """PER-8."""
    account = await an_account(api)
    grant = await a_grant(api, DELEGATE, BILLING, accounts={account: [SITES]})
    variables = {"id": global_id("PermissionGrant", grant)}
    by_owner = await api.ask(RENOUNCE, variables, token=await api.token(OWNER))
    assert [error["extensions"]["reason"] for error in by_owner.errors] == ["OWNER_ONLY"]
    by_holder = await api.ask(REVOKE, variables, token=await api.token(DELEGATE))
    assert [error["extensions"]["reason"] for error in by_holder.errors] == ["OWNER_ONLY"]
    by_stranger = await api.ask(RENOUNCE, variables, token=await api.token(FREE))
    expected = {"deletedId": None, "userErrors": [{"code": "NOT_FOUND", "field": ["input", "grantId"]}]}
    assert by_stranger.data["permissionGrantRenounce"] == expected
    done = await api.ask(RENOUNCE, variables, token=await api.token(DELEGATE))
    assert done.data["permissionGrantRenounce"] == {"deletedId": variables["id"], "userErrors": []}
    assert grant not in [row.id for row in await api.rows(PermissionGrant)]
    event = [row for row in await api.rows(ActivityEvent) if row.kind == "grant.renounced"][-1]
    assert (event.owner_id, event.actor_id) == (OWNER.key, DELEGATE.key)


async def test_a_flagged_grant_sleeps_until_the_second_factor(api: Api) -> None:
    """PER-6."""
    account = await an_account(api)
    await a_grant(api, TECH, BILLING, accounts={account: [SITES]}, flagged=True)
    query = "query ($id: ID!) { node(id: $id) { ... on Profile { displayName identity { city } } } }"
    variables = {"id": profile_id(OWNER)}
    one = await api.token(TECH)
    assert not await sees(api, one, "Account", account)
    asleep = await api.ask(query, variables, token=one)
    assert asleep.codes == ["TWO_FACTOR_REQUIRED"]
    assert asleep.body["data"]["node"] == {"displayName": OWNER.email, "identity": None}
    two = await api.two_factor(TECH)
    assert await sees(api, two, "Account", account)
    awake = (await api.ask(query, variables, token=two)).data["node"]
    assert awake == {"displayName": "Atelier Exemple", "identity": {"city": "Paris"}}


async def test_what_an_unverified_address_received_waits(api: Api) -> None:
    """PER-7."""
    account = await an_account(api)
    await a_grant(api, FREE, accounts={account: [SITES]})
    profiles, verified = table(Profile), {}
    for email_verified_at in (None, api.database.clock.now()):
        async with Db(api.database) as db:
            is_free = profiles.c.id == FREE.key
            await db.note(update(profiles).where(is_free).values(email_verified_at=email_verified_at))
        verified[email_verified_at is not None] = await sees(api, await api.token(FREE), "Account", account)
    assert verified == {False: False, True: True}


async def test_an_address_without_a_profile_is_answered_as_one_with(api: Api) -> None:
    """PER-7. Nobody is told by a grant who has a profile."""

    def shape(answer: Answer) -> Any:
        grant = answer.data["permissionGrantSave"]["grant"]
        return grant | {"id": len(grant["id"]), "grantee": sorted(grant["grantee"])}

    token, shapes = await api.token(OWNER), []
    for email in (FREE.email, NOBODY):
        answer = await api.ask(SAVE, {"input": {"email": email, "overall": ["BILLING"]}}, token=token)
        grantee = answer.data["permissionGrantSave"]["grant"]["grantee"]
        assert (grantee["email"], grantee["displayName"]) == (email, email)
        shapes.append((answer.status, shape(answer)))
    assert shapes[0] == shapes[1]
    kinds = [row.kind for row in await api.rows(ActivityEvent) if row.kind.startswith("grant.")]
    assert kinds[-2:] == ["grant.saved", "grant.saved"]
    mails = {row.address: row.template for row in await api.rows(Delivery)}
    assert (mails[FREE.email], mails[NOBODY]) == ("grant_received", "grant_invitation")


async def test_two_who_save_at_once_make_one_grant(api: Api) -> None:
    token = await api.token(OWNER)
    given = {"input": {"email": NOBODY, "overall": ["BILLING"]}}
    answers = await asyncio.gather(*(api.ask(SAVE, given, token=token) for _ in range(5)))
    assert len({answer.data["permissionGrantSave"]["grant"]["id"] for answer in answers}) == 1
    assert len([row for row in await api.rows(Profile) if row.email == NOBODY]) == 1


async def test_a_right_that_was_taken_back_meanwhile_is_asked_again_under_the_lock(api: Api) -> None:
    """PER-14. What was loaded with the request does not count where something changes."""
    account = await an_account(api)
    stale = Viewer(profile_id=DELEGATE.key, granted={OWNER.key: Granted(accounts={account: mask_of(SITES)})})
    async with Db(api.database) as db:
        context = Context(db, stale, api.database.clock, None, None, requirement=Requirement(account=(SITES,)))  # type: ignore[arg-type]
        with pytest.raises(NotFound):
            async with db.write() as write:
                await find(context, write, Account, account, "account_id")


async def test_a_holder_sees_what_they_hold(api: Api) -> None:
    """PER-13."""
    query = """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Profile { held: viewerPermissions viewerIsOwner }
      ... on Account { on: viewerPermissions viewerIsOwner }
      ... on Server { at: viewerPermissions viewerIsOwner } } }"""
    server = await a_server(api)
    account, there = await an_account(api), await an_account(api, "there", server_id=server)
    kinds = (("Profile", OWNER.key), ("Account", account), ("Account", there), ("Server", server))
    ids = {"ids": [global_id(kind, key) for kind, key in kinds]}
    await a_grant(api, DELEGATE, BILLING, accounts={account: [SITES]}, servers={server: [ServerPermission.RESOURCES]})
    nodes = (await api.ask(query, ids, token=await api.token(DELEGATE))).data["nodes"]
    assert [next(iter(node.values())) for node in nodes] == [["BILLING"], ["SITES"], [], ["RESOURCES"]]
    assert not any(node["viewerIsOwner"] for node in nodes)
    await a_grant(api, DELEGATE, OverallPermission.TECHNICAL_ACCOUNT)
    nodes = (await api.ask(query, ids, token=await api.token(DELEGATE))).data["nodes"]
    assert [len(next(iter(node.values()))) if node else None for node in nodes] == [1, 19, 20, None]
    nodes = (await api.ask(query, ids, token=await api.token(OWNER))).data["nodes"]
    assert [len(next(iter(node.values()))) for node in nodes] == [4, 19, 20, 10]
    assert all(node["viewerIsOwner"] for node in nodes)


async def test_who_is_suspended_grants_nothing_and_takes_back(api: Api) -> None:
    """PRO-12."""
    grant, profiles = await a_grant(api, DELEGATE, BILLING), table(Profile)
    async with Db(api.database) as db:
        now = api.database.clock.now()
        await db.note(update(profiles).where(profiles.c.id == OWNER.key).values(suspended_at=now))
    token = await api.token(OWNER)
    answer = await api.ask(SAVE, {"input": {"email": FREE.email, "overall": ["BILLING"]}}, token=token)
    assert [error["extensions"]["reason"] for error in answer.errors] == ["PROFILE_SUSPENDED"]
    answer = await api.ask(REVOKE, {"id": global_id("PermissionGrant", grant)}, token=token)
    assert answer.data["permissionGrantRevoke"]["userErrors"] == []


async def test_grants_are_counted_since_each_may_send_a_mail(api: Api, bound: Bound) -> None:
    """PER-5. For one address, and in all; another owner's are not counted with them."""
    limits = {"grants_per_address": 2, "grants_at_once": 3}
    async with serving(api.database, bound, **limits) as counted:
        given = {"overall": ["BILLING"]}
        addresses = [FREE.email, FREE.email, FREE.email, DELEGATE.email, TECH.email]
        saved = [await save(counted, email, **given) for email in addresses]
        by_another = await save(counted, OWNER.email, by=FREE, **given)
    codes = [[error["code"] for error in each["userErrors"]] for each in (*saved, by_another)]
    assert codes == [[], [], ["TOO_MANY_ATTEMPTS"], [], ["TOO_MANY_ATTEMPTS"], []]


async def test_the_id_of_a_grantee_does_not_tell_since_when_there_is_one(api: Api) -> None:
    """PER-7. It is random, and not one that begins with the time."""
    await save(api, NOBODY, overall=["BILLING"])
    (made,) = [row for row in await api.rows(Profile) if row.email == NOBODY]
    assert made.id.version == 4


async def test_what_was_given_up_is_gone_in_the_same_answer(api: Api) -> None:
    account = await an_account(api)
    grant = await a_grant(api, DELEGATE, accounts={account: [SITES]})
    document = """mutation ($grant: ID!, $account: ID!) { permissionGrantRenounce(input: { grantId: $grant }) {
      query { node(id: $account) { id } } userErrors { code } } }"""
    variables = {"grant": global_id("PermissionGrant", grant), "account": global_id("Account", account)}
    answer = await api.ask(document, variables, token=await api.token(DELEGATE))
    assert answer.data["permissionGrantRenounce"] == {"query": {"node": None}, "userErrors": []}


async def test_an_entry_that_gives_nothing_is_left_out(api: Api) -> None:
    account, other = await an_account(api), await an_account(api, "other")
    given = {account: ["SITES"], other: []}
    entries = [{"accountId": global_id("Account", key), "permissions": names} for key, names in given.items()]
    saved = await save(api, FREE.email, accounts=entries)
    assert saved["grant"]["accounts"] == [{"account": {"name": "shop"}, "permissions": ["SITES"]}]


async def test_what_another_owner_granted_meanwhile_keeps_whoever_was_invited(api: Api) -> None:
    """PER-7. One takes back while the other saves: nothing of the other's goes with the profile."""
    for _ in range(5):
        first = (await save(api, NOBODY, overall=["BILLING"]))["grant"]["id"]
        taken_back = api.ask(REVOKE, {"id": first}, token=await api.token(OWNER))
        answers = await asyncio.gather(taken_back, save(api, NOBODY, by=FREE, overall=["BILLING"]))
        assert answers[1]["userErrors"] == []
        (kept,) = [row for row in await api.rows(PermissionGrant) if row.owner_id == FREE.key]
        assert kept.grantee_id in [row.id for row in await api.rows(Profile) if row.email == NOBODY]
        await api.ask(REVOKE, {"id": global_id("PermissionGrant", kept.id)}, token=await api.token(FREE))
        assert [row for row in await api.rows(Profile) if row.email == NOBODY] == []
