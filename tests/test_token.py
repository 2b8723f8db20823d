"""TOK-1 to TOK-4. API tokens: made, changed, revoked; how they call, and what they never may."""

import asyncio
import base64
import contextlib
from datetime import timedelta
from typing import Any

import httpx
import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    is_composite_type,
)
from sqlalchemy import select, update

from engine.bind import Bound
from engine.shape import STRAWBERRY
from models.activity import ActivityChannel, ActivityEvent, Author, Record
from models.clock import FrozenClock
from models.column import new_id, table
from models.context import Context
from models.db import Database, Db
from models.profile import Profile
from models.secret import SecretKind, fingerprint, is_well_formed, new_secret
from models.session import SessionEnded
from models.tables import metadata
from models.token import CREATED, PREFIX_LENGTH, ApiToken, TwoFactorNotEnabled, create_token
from models.viewer import Viewer
from resolvers.find import writing
from resolvers.token import revoke_all
from schema.directive import Authorize, Public
from schema.global_id import global_id
from schema.token import ApiTokenCreatePayload, ApiTokenRegeneratePayload
from tests.api import DELEGATE, FREE, GRAPHQL, OWNER, Answer, Api, profile_id, serving, unsaved
from tests.database import START
from tests.test_refresh import allow

FIELDS = "id name prefix ipAllowlist enabled readOnly onlyOwner { id } createdAt expiresAt lastUsedAt lastUsedFrom"
ERRORS = "userErrors { __typename code message field ... on LimitError { limit used } }"
CREATE = f"""mutation Create($input: ApiTokenCreateInput!) {{
  apiTokenCreate(input: $input) {{ apiToken {{ {FIELDS} }} secret {ERRORS} }} }}"""
CHANGE = f"""mutation Change($input: ApiTokenUpdateInput!) {{
  apiTokenUpdate(input: $input) {{ apiToken {{ {FIELDS} }} {ERRORS} }} }}"""
REGENERATE = f"""mutation Regenerate($id: ID!) {{
  apiTokenRegenerate(input: {{apiTokenId: $id}}) {{ apiToken {{ id prefix }} secret {ERRORS} }} }}"""
DELETE = f"""mutation Delete($id: ID!) {{
  apiTokenDelete(input: {{apiTokenId: $id}}) {{ deletedId {ERRORS} }} }}"""
MOVE = 'mutation { sandboxClockAdvance(input: {to: "2027-01-01T00:00:00Z"}) { userErrors { code } } }'
WHO = "{ viewer { id } session { id } }"
HISTORY = """{ viewer { activity(first: 1, filter: {action: "sandbox."}) {
  nodes { channel ipAddress apiToken { id } } } } }"""
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


async def made(api: Api, token: str, **given: Any) -> dict[str, Any]:
    answer = await api.ask(CREATE, {"input": {"name": "Scripts", **given}}, token=token)
    payload: dict[str, Any] = answer.data["apiTokenCreate"]
    return payload


async def changed(api: Api, token: str, id: str, **given: Any) -> dict[str, Any]:
    answer = await api.ask(CHANGE, {"input": {"apiTokenId": id, **given}}, token=token)
    payload: dict[str, Any] = answer.data["apiTokenUpdate"]
    return payload


def refusals(payload: dict[str, Any]) -> list[tuple[str, list[str] | None]]:
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


async def calls(api: Api, secret: str) -> bool:
    """Whether a token is accepted; one that is not is refused in one way only."""
    answer = await api.ask(WHO, token=secret)
    if answer.status == 200:
        return True
    assert (answer.status, answer.codes, answer.headers["www-authenticate"]) == (401, ["UNAUTHENTICATED"], "Bearer")
    return False


async def row(api: Api) -> ApiToken:
    (found,) = await api.rows(ApiToken)
    token: ApiToken = found
    return token


async def two_factor_off(api: Api) -> None:
    async with Db(api.database) as db:
        await db.note(update(table(Profile)).where(table(Profile).c.id == OWNER.key).values(two_factor_since=None))


# Making and changing


async def test_a_token_is_made_and_its_secret_shown_once(api: Api) -> None:
    token = await api.two_factor(OWNER)
    payload = await made(api, token, name="  Back-up   scripts ", ipAllowlist=["127.0.0.1"], readOnly=True)
    secret = payload["secret"]
    assert payload["userErrors"] == []
    assert is_well_formed(secret, SecretKind.API)
    assert payload["apiToken"] == {
        "id": payload["apiToken"]["id"],
        "name": "Back-up scripts",
        "prefix": secret[:PREFIX_LENGTH],
        "ipAllowlist": ["127.0.0.1/32"],
        "enabled": True,
        "readOnly": True,
        "onlyOwner": None,
        "createdAt": "2026-11-22T09:00:00Z",
        "expiresAt": None,
        "lastUsedAt": None,
        "lastUsedFrom": None,
    }
    assert (await row(api)).secret_hash == fingerprint(secret)
    async with Db(api.database) as db:
        stored = "".join([repr(await db.rows(select(each))) for each in metadata.sorted_tables])
    assert secret not in stored
    assert secret[PREFIX_LENGTH:] not in stored


async def test_without_two_factors_no_token_is_made_changed_or_replaced_but_one_is_revoked(api: Api) -> None:
    created = await api.api_token(OWNER)
    id, token = global_id("ApiToken", created.token.id), await api.token(OWNER)
    tried: list[tuple[str, dict[str, Any]]] = [
        (CREATE, {"input": {"name": "Scripts"}}),
        (CHANGE, {"input": {"apiTokenId": id, "name": "Other"}}),
        (REGENERATE, {"id": id}),
    ]
    for document, variables in tried:
        assert (await api.ask(document, variables, token=token)).codes == ["TWO_FACTOR_REQUIRED"]
    answer = await api.ask(DELETE, {"id": id}, token=token)
    assert answer.data["apiTokenDelete"] == {"deletedId": id, "userErrors": []}


async def test_a_session_of_two_factors_is_not_enough_once_the_profile_has_them_off(api: Api) -> None:
    token = await api.two_factor(OWNER)
    id = (await made(api, token))["apiToken"]["id"]
    await two_factor_off(api)
    for document, variables in (
        (CREATE, {"input": {"name": "Scripts"}}),
        (CHANGE, {"input": {"apiTokenId": id, "name": "Other"}}),
        (REGENERATE, {"id": id}),
    ):
        assert (await api.ask(document, variables, token=token)).codes == ["TWO_FACTOR_REQUIRED"]


def test_the_rule_asks_the_profile_again_under_its_lock() -> None:
    """Somebody may have turned the second factor off since the caller was recognised."""
    record, profile = Record(Author(), START, START), unsaved()
    secured = unsaved(two_factor_since=START)
    limits = {"used": 0, "limit": 1, "most_networks": 1}
    token = create_token(record, secured, values={"name": "Scripts"}, **limits).token
    with pytest.raises(TwoFactorNotEnabled):
        create_token(record, profile, values={"name": "Scripts"}, **limits)
    with pytest.raises(TwoFactorNotEnabled):
        token.update(record, {"name": "Other"}, profile=profile, most_networks=1)
    with pytest.raises(TwoFactorNotEnabled):
        token.regenerate(record, profile=profile)
    assert (token.name, len(list(record))) == ("Scripts", 1)


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"name": ""}, "INVALID", "name"),
        ({"name": " \t\n "}, "INVALID", "name"),
        ({"name": "x" * 81}, "INVALID", "name"),
        ({"expiresAt": "2026-11-22T09:00:00Z"}, "INVALID", "expiresAt"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "INVALID", "expiresAt"),
        ({"ipAllowlist": ["192.0.2.0/24", "198.51.100.0/24"]}, "INVALID", "ipAllowlist"),
        ({"ipAllowlist": ["126.0.0.0/7"]}, "INVALID", "ipAllowlist"),
        ({"ipAllowlist": ["2001:db8::/32"]}, "INVALID", "ipAllowlist"),
        ({"ipAllowlist": [f"127.0.0.{number}" for number in range(51)]}, "INVALID", "ipAllowlist"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value)[:30].replace("\\", "/"),
)
async def test_a_wrong_value_is_refused_at_its_field_new_or_changed(
    api: Api, given: dict[str, Any], code: str, field: str
) -> None:
    token = await api.two_factor(OWNER)
    await allow(api, ["127.0.0.0/8", "192.0.2.0/24"])
    id = (await made(api, token))["apiToken"]["id"]
    before = await row(api)
    expected = [(code, ["input", field])]
    assert refusals(await made(api, token, **given)) == expected
    assert refusals(await changed(api, token, id, **{"name": "Other", **given})) == expected
    assert await row(api) == before


async def test_a_token_is_narrowed_to_an_owner_that_its_profile_has_rights_on(api: Api) -> None:
    token = await api.two_factor(OWNER)
    payload = await made(api, token, onlyOwnerId=profile_id(OWNER))
    assert payload["apiToken"]["onlyOwner"] == {"id": profile_id(OWNER)}
    assert await calls(api, payload["secret"])
    for wrong in (profile_id(FREE), global_id("Session", OWNER.key), "garbage", ""):
        refused = await made(api, token, onlyOwnerId=wrong)
        assert refusals(refused) == [("NOT_FOUND", ["input", "onlyOwnerId"])], wrong


async def test_what_a_change_leaves_out_stays_and_what_it_nulls_is_cleared(api: Api) -> None:
    token = await api.two_factor(OWNER)
    payload = await made(api, token, ipAllowlist=["127.0.0.1"], expiresAt="2027-01-01T00:00:00Z")
    id, secret = payload["apiToken"]["id"], payload["secret"]
    after = await changed(api, token, id, name="Other")
    assert after["apiToken"] == payload["apiToken"] | {"name": "Other"}
    after = await changed(api, token, id, ipAllowlist=None, expiresAt=None)
    assert after["apiToken"] == payload["apiToken"] | {"name": "Other", "ipAllowlist": [], "expiresAt": None}
    for cleared in ("name", "enabled"):
        assert refusals(await changed(api, token, id, **{cleared: None})) == [("REQUIRED", ["input", cleared])]
    told = sorted((each for each in await api.rows(ActivityEvent) if each.kind == "token.updated"), key=lambda e: e.id)
    assert [each.changes for each in told] == [
        {"name": ["Scripts", "Other"]},
        {"ip_allowlist": [["127.0.0.1/32"], []], "expires_at": ["2027-01-01T00:00:00+00:00", None]},
    ]
    assert await calls(api, secret)


async def test_every_deed_is_on_record_without_the_secret(api: Api) -> None:
    token = await api.two_factor(OWNER)
    payload = await made(api, token)
    id = payload["apiToken"]["id"]
    await changed(api, token, id, enabled=False)
    again = (await api.ask(REGENERATE, {"id": id}, token=token)).data["apiTokenRegenerate"]
    await api.ask(DELETE, {"id": id}, token=token)
    told = [each for each in await api.rows(ActivityEvent) if each.kind.startswith("token.")]
    assert sorted(each.kind for each in told) == [
        "token.created",
        "token.deleted",
        "token.regenerated",
        "token.updated",
    ]
    assert {(each.owner_id, each.actor_id) for each in told} == {(OWNER.key, OWNER.key)}
    assert not any(secret in repr(told) for secret in (payload["secret"], again["secret"]))


async def test_there_is_a_limit_that_holds_for_those_who_come_at_once(
    api: Api, database: Database, bound: Bound
) -> None:
    token = await api.two_factor(OWNER)
    await api.api_token(FREE)
    async with serving(database, bound, rate_limits=False, tokens_per_profile=2, operations_at_once=9) as limited:
        payloads = await asyncio.gather(*(made(limited, token) for _ in range(5)))
    refused = [payload["userErrors"][0] for payload in payloads if payload["userErrors"]]
    assert [(error["__typename"], error["code"], error["limit"], error["used"]) for error in refused] == [
        ("LimitError", "LIMIT_REACHED", 2, 2)
    ] * 3
    assert len([each for each in await api.rows(ApiToken) if each.profile_id == OWNER.key]) == 2


async def test_somebody_elses_token_is_as_unknown_as_none(api: Api) -> None:
    foreign = await api.api_token(FREE)
    token = await api.two_factor(OWNER)
    for wrong in (global_id("ApiToken", foreign.token.id), global_id("ApiToken", OWNER.key), "garbage"):
        for document, variables in (
            (CHANGE, {"input": {"apiTokenId": wrong, "name": "Mine"}}),
            (REGENERATE, {"id": wrong}),
            (DELETE, {"id": wrong}),
        ):
            (payload,) = (await api.ask(document, variables, token=token)).data.values()
            assert refusals(payload) == [("NOT_FOUND", ["input", "apiTokenId"])]
    assert await calls(api, foreign.secret)


# Refused from the next request on


async def test_a_disabled_token_is_refused_until_it_is_enabled(api: Api) -> None:
    token = await api.two_factor(OWNER)
    payload = await made(api, token)
    id, secret = payload["apiToken"]["id"], payload["secret"]
    assert await calls(api, secret)
    await changed(api, token, id, enabled=False)
    assert not await calls(api, secret)
    await changed(api, token, id, enabled=True)
    assert await calls(api, secret)


async def test_a_token_ends_to_the_second_and_not_by_the_clock_of_the_sandbox(api: Api, clock: FrozenClock) -> None:
    secret = (await api.api_token(OWNER, expires_at=clock.now() + MINUTE)).secret
    assert (await api.ask(MOVE, token=secret)).data["sandboxClockAdvance"] == {"userErrors": []}
    clock.move(MINUTE - SECOND)
    assert await calls(api, secret)
    clock.move(SECOND)
    assert not await calls(api, secret)


async def test_a_secret_that_was_replaced_is_refused(api: Api) -> None:
    token = await api.two_factor(OWNER)
    payload = await made(api, token)
    again = (await api.ask(REGENERATE, {"id": payload["apiToken"]["id"]}, token=token)).data["apiTokenRegenerate"]
    assert again["apiToken"] == {"id": payload["apiToken"]["id"], "prefix": again["secret"][:PREFIX_LENGTH]}
    assert [await calls(api, secret) for secret in (payload["secret"], again["secret"])] == [False, True]


async def test_a_revoked_token_is_refused_and_gone(api: Api) -> None:
    created = await api.api_token(OWNER)
    assert await calls(api, created.secret)
    await api.ask(DELETE, {"id": global_id("ApiToken", created.token.id)}, token=await api.token(OWNER))
    assert not await calls(api, created.secret)
    assert await api.rows(ApiToken) == []


async def test_a_change_under_way_asks_again_whether_the_token_stands(api: Api, clock: FrozenClock) -> None:
    standing = (await api.api_token(OWNER, expires_at=clock.now() + MINUTE)).token.id
    disabled = (await api.api_token(OWNER, enabled=False)).token.id
    for key, stands in ((standing, True), (disabled, False), (new_id(), False)):
        viewer = Viewer(profile_id=OWNER.key, token_id=key)
        async with Db(api.database) as db:
            context = Context(db, viewer, clock, None, None)  # type: ignore[arg-type]
            with contextlib.nullcontext() if stands else pytest.raises(SessionEnded):
                async with writing(context) as write:
                    write.record.happened(CREATED, unsaved())


async def test_all_are_revoked_with_the_second_factor(api: Api) -> None:
    mine, other = await api.api_token(OWNER), await api.api_token(FREE)
    async with Db(api.database) as db, db.write() as write:
        await revoke_all(write, OWNER.key)
    assert [await calls(api, each.secret) for each in (mine, other)] == [False, True]


# Calling


def basic(user: str, password: str = "", encoding: str = "utf-8") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode(encoding)).decode()


async def test_a_token_calls_as_its_profile_and_has_no_session(api: Api) -> None:
    secret = (await api.api_token(OWNER)).secret
    for authorization in (f"Bearer {secret}", basic(secret), basic(f"{secret} customer={OWNER.email}")):
        answer = await api.ask(WHO, authorization=authorization)
        assert answer.data == {"viewer": {"id": profile_id(OWNER)}, "session": None}


async def test_a_basic_credential_is_never_challenged(api: Api) -> None:
    unknown = new_secret(SecretKind.API)
    for authorization in (basic(unknown), basic(unknown, "x"), basic("owner@example.org", "x"), "Basic !"):
        answer = await api.ask(WHO, authorization=authorization)
        assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"])
        assert answer.headers["www-authenticate"] == "Bearer"
    answer = await api.ask(WHO, authorization=basic(f"{unknown} account=Atelier"))
    assert (answer.status, answer.codes, "www-authenticate" in answer.headers) == (400, ["BAD_REQUEST"], False)


async def asked_from(api: Api, address: str, secret: str) -> Answer:
    transport = httpx.ASGITransport(api.app, client=(address, 4711))
    headers = {"accept": GRAPHQL, "authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://espace.test", headers=headers) as client:
        response = await client.post("/graphql", json={"query": WHO})
    return Answer(response.status_code, response.headers, response.json(), response.text)


@pytest.mark.parametrize(
    ("of_profile", "of_token", "address", "status"),
    [
        ([], [], "198.51.100.7", 200),
        ([], ["192.0.2.0/24"], "192.0.2.7", 200),
        ([], ["192.0.2.0/24"], "::ffff:192.0.2.7", 200),
        ([], ["192.0.2.0/24"], "192.0.3.7", 403),
        (["192.0.2.0/24"], [], "192.0.2.7", 200),
        (["192.0.2.0/24"], [], "192.0.3.7", 403),
        (["192.0.2.0/24"], ["192.0.2.0/28"], "192.0.2.7", 200),
        (["192.0.2.0/24"], ["192.0.2.0/28"], "192.0.2.77", 403),
        (["192.0.2.0/28"], ["192.0.2.0/24"], "192.0.2.77", 403),
        ([], ["2001:db8::/64"], "2001:db8::9", 200),
        ([], ["2001:db8::/64"], "2001:db8:0:1::9", 403),
    ],
)
async def test_both_lists_have_to_hold_the_address(
    api: Api, of_profile: list[str], of_token: list[str], address: str, status: int
) -> None:
    secret = (await api.api_token(OWNER, ip_allowlist=of_token)).secret
    await allow(api, of_profile)
    answer = await asked_from(api, address, secret)
    assert (answer.status, answer.codes) == (status, [] if status == 200 else ["IP_NOT_ALLOWED"])


async def test_the_last_use_is_written_once_a_minute(api: Api, clock: FrozenClock) -> None:
    secret = (await api.api_token(OWNER)).secret
    written = []
    for seconds in (30, 29, 1, 59, 60):
        for address in ("192.0.2.7", "192.0.2.8"):
            await asked_from(api, address, secret)
        found = await row(api)
        assert found.last_used_at is not None
        written.append((found.last_used_at.strftime("%H:%M:%S"), found.last_used_from))
        clock.move(timedelta(seconds=seconds))
        async with Db(api.database) as db:
            await db.note(update(table(ApiToken)).values(last_used_from="0.0.0.0"))
    assert written == [
        ("09:00:00", "192.0.2.7"),
        ("09:00:00", "0.0.0.0"),
        ("09:00:00", "0.0.0.0"),
        ("09:01:00", "192.0.2.7"),
        ("09:01:00", "0.0.0.0"),
    ]


async def test_what_a_token_does_is_told_as_its_deed(api: Api) -> None:
    created = await api.api_token(OWNER)
    assert (await api.ask(MOVE, token=created.secret)).data["sandboxClockAdvance"] == {"userErrors": []}
    told = next(each for each in await api.rows(ActivityEvent) if each.kind.startswith("sandbox."))
    assert (told.channel, told.actor_id, told.token_id, told.session_id) == (
        ActivityChannel.API_TOKEN,
        OWNER.key,
        created.token.id,
        None,
    )
    token, id = await api.token(OWNER), global_id("ApiToken", created.token.id)
    (shown,) = (await api.ask(HISTORY, token=token)).data["viewer"]["activity"]["nodes"]
    assert shown == {"channel": "API_TOKEN", "ipAddress": "127.0.0.1", "apiToken": {"id": id}}
    (shown,) = (await api.ask(HISTORY, token=created.secret)).data["viewer"]["activity"]["nodes"]
    assert shown["apiToken"] is None
    await api.ask(DELETE, {"id": id}, token=token)
    (shown,) = (await api.ask(HISTORY, token=token)).data["viewer"]["activity"]["nodes"]
    assert (shown["channel"], shown["apiToken"]) == ("API_TOKEN", None)


# Narrower than its profile


CREDENTIALS_AND_IDENTITY = (
    *("profile", "password", "email", "twoFactor", "recoveryCodes", "session", "apiToken", "ipAllowlist"),
    *("permissionGrantSave", "permissionGrantRevoke", "accountDelete", "serverDelete", "dataExport"),
)


def literal(kind: GraphQLInputType) -> str:
    """Some value of an input type, as a document writes it."""
    if isinstance(kind, GraphQLNonNull):
        return literal(kind.of_type)
    if isinstance(kind, GraphQLList):
        return "[]"
    if isinstance(kind, GraphQLEnumType):
        return str(next(iter(kind.values)))
    if isinstance(kind, GraphQLInputObjectType) and kind.extensions[STRAWBERRY].is_one_of:
        name, field = next(iter(kind.fields.items()))
        return f"{{{name}: {literal(field.type)}}}"
    if isinstance(kind, GraphQLInputObjectType):
        return "{" + given(kind.fields) + "}"
    known = {"Boolean": "true", "Int": "1", "EmailAddress": '"a@example.org"', "IPNetwork": '"192.0.2.1"'}
    known |= {"UUID": '"0190cafe-0002-7001-8000-000000000000"', "Decimal": '"10"'}
    return known.get(kind.name, '"2027-01-01T00:00:00Z"' if kind.name == "DateTime" else '"x"')


def given(fields: Any) -> str:
    """What is required of arguments or of the fields of an input."""
    needed = {name: each for name, each in fields.items() if isinstance(each.type, GraphQLNonNull)}
    without_default = {name: each for name, each in needed.items() if each.default_value is UNDEFINED}
    return ", ".join(f"{name}: {literal(each.type)}" for name, each in without_default.items())


UNDEFINED = GraphQLArgument(GraphQLNonNull(GraphQLList(GraphQLEnumType("E", {"A": None})))).default_value


def document(kind: str, name: str, field: GraphQLField) -> str:
    arguments = given(field.args)
    selection = " { __typename }" if is_composite_type(get_named_type(field.type)) else ""
    return f"{kind.lower()} {{ {name}{f'({arguments})' if arguments else ''}{selection} }}"


def roots(bound: Bound, kind: str) -> dict[str, GraphQLField]:
    fields: dict[str, GraphQLField] = bound.graphql.type_map[kind].fields  # type: ignore[attr-defined]
    return fields


def guard(bound: Bound, kind: str, name: str) -> Any:
    return bound.shapes[kind].fields[name].guard


def reasons(answer: Answer) -> list[tuple[str, str | None]]:
    return [(error["extensions"]["code"], error["extensions"].get("reason")) for error in answer.errors]


async def test_a_read_only_token_runs_no_mutation_at_all(api: Api) -> None:
    secret = (await api.api_token(OWNER, read_only=True)).secret
    before = len(await api.rows(ActivityEvent))
    for name, field in roots(api.bound, "Mutation").items():
        answer = await api.ask(document("Mutation", name, field), token=secret)
        assert reasons(answer) == [("FORBIDDEN", "TOKEN_SCOPE")], (name, answer.text)
        assert answer.body["data"] == {name: None}
    assert len(await api.rows(ActivityEvent)) == before


async def test_a_token_runs_no_mutation_that_is_for_sessions(api: Api) -> None:
    secret = (await api.api_token(OWNER)).secret
    shut = 0
    for name, field in roots(api.bound, "Mutation").items():
        stated = guard(api.bound, "Mutation", name)
        if isinstance(stated, Authorize) and stated.requirement.interactive:
            answer = await api.ask(document("Mutation", name, field), token=secret)
            assert reasons(answer) == [("FORBIDDEN", "TOKEN_SCOPE")], name
            shut += 1
    assert shut >= 6


def test_what_concerns_credentials_identity_and_grants_is_for_sessions(bound: Bound) -> None:
    """What is public takes a secret of its own, and acts as whoever holds that."""
    for name in roots(bound, "Mutation"):
        stated = guard(bound, "Mutation", name)
        if name.startswith(CREDENTIALS_AND_IDENTITY) and not isinstance(stated, Public):
            assert stated.requirement.interactive, name


@pytest.mark.parametrize("read_only", [True, False])
async def test_a_token_reads_every_root_that_is_not_for_sessions(api: Api, read_only: bool) -> None:
    secret = (await api.api_token(OWNER, read_only=read_only)).secret
    for name, field in roots(api.bound, "Query").items():
        stated = guard(api.bound, "Query", name)
        shut = isinstance(stated, Authorize) and stated.requirement.interactive
        answer = await api.ask(document("Query", name, field), token=secret)
        assert (("FORBIDDEN", "TOKEN_SCOPE") in reasons(answer)) is shut, (name, answer.text)


async def test_no_token_sees_tokens(api: Api) -> None:
    created = await api.api_token(OWNER)
    document, id = "query Find($id: ID!) { node(id: $id) { id } }", global_id("ApiToken", created.token.id)
    assert (await api.ask(document, {"id": id}, token=await api.token(OWNER))).data["node"] == {"id": id}
    assert (await api.ask(document, {"id": id}, token=await api.token(DELEGATE))).data["node"] is None
    assert (await api.ask(document, {"id": id}, token=created.secret)).data["node"] is None


async def test_a_token_narrowed_to_another_owner_sees_nothing_of_its_profile(api: Api) -> None:
    secret = (await api.api_token(OWNER, only_owner_id=FREE.key)).secret
    answer = await api.ask("{ viewer { id } sandbox { id } }", token=secret)
    assert answer.body["data"] == {"viewer": None, "sandbox": None}


async def test_a_token_that_signs_in_goes_on_as_the_session(api: Api) -> None:
    """And takes neither the second factor nor the narrowness of the token with it."""
    secret = (await api.api_token(OWNER)).secret
    answer = await api.ask(
        """mutation { sessionCreate(input: {email: "free@example.org", password: "espace-demo-2026", transport: BEARER})
        { userErrors { code } query { viewer { id } session { twoFactorVerified } } } }""",
        token=secret,
    )
    assert answer.data["sessionCreate"]["query"] == {
        "viewer": {"id": profile_id(FREE)},
        "session": {"twoFactorVerified": False},
    }
    told = next(
        each for each in await api.rows(ActivityEvent) if each.kind == "session.opened" and each.owner_id == FREE.key
    )
    assert (told.channel, told.token_id) == (ActivityChannel.SESSION, None)


# No repr


async def test_no_repr_shows_a_token(api: Api) -> None:
    created = await api.api_token(OWNER)
    holders = [
        created,
        created.token,
        ApiTokenCreatePayload.of(api_token=created.token.id, secret=created.secret),
        ApiTokenRegeneratePayload.of(api_token=created.token.id, secret=created.secret),
    ]
    shown = "".join(f"{each!r}{each}" for each in holders)
    assert created.secret[PREFIX_LENGTH:] not in shown
    assert fingerprint(created.secret) not in shown
