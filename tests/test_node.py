"""Any object by its id, and what an id that leads nowhere is answered: always the same."""

import base64
import re
from typing import Any
from uuid import UUID

from graphql import ObjectTypeDefinitionNode, parse

from app.demo_hosting import ACCOUNT_KEYS
from engine.bind import Bound
from models.activity import ActivityEvent
from models.column import new_id
from models.intervention import Intervention
from models.issuer import Office
from models.migration import Migration
from models.setting import Figures
from schema.global_id import global_id
from tests.api import FREE, OWNER, STAFF, TECH, Api, profile_id, serving
from tests.asked import statements
from tests.booking import invoiced
from tests.granting import put
from tests.hosting import BOUTIQUE
from tests.paying import add_card, top_up
from tests.support import planned
from tests.test_export import ask
from tests.tickets import a_file
from tests.transferring import start

NODE = "query Find($id: ID!) { node(id: $id) { __typename id } }"
NODES = "query Find($ids: [ID!]!) { nodes(ids: $ids) { id } }"
PATHS = {
    "Profile": "{ viewer { id } }",
    "Session": "{ session { id } }",
    "Security": "{ viewer { security { id } } }",
    "ActivityEvent": "{ viewer { activity(first: 1) { nodes { id } } } }",
    "Sandbox": "{ sandbox { id } }",
    "ApiToken": '{ viewer { activity(first: 1, filter: {action: "token.created"}) { nodes { subject { id } } } } }',
    "Account": "{ viewer { accounts(first: 1) { nodes { id } } } }",
    "Server": "{ viewer { servers(first: 1) { nodes { id } } } }",
    "PermissionGrant": "{ viewer { grantsGiven(first: 1) { nodes { id } } } }",
    "Plan": "{ catalog { plans { id } } }",
    "Contract": "{ viewer { contracts { id } } }",
    "ServiceSubscription": "{ viewer { subscriptions(first: 1) { nodes { id } } } }",
    "Billing": "{ viewer { billing { id } } }",
    "LedgerEntry": "{ viewer { billing { ledger(first: 1) { nodes { id } } } } }",
    "Invoice": "{ viewer { billing { invoices(first: 1) { nodes { id } } } } }",
    "Payment": "{ viewer { billing { payments(first: 1) { nodes { id } } } } }",
    "CardPaymentMethod": "{ viewer { billing { paymentMethods { id } } } }",
    "Export": "",
    "Transfer": "{ viewer { transfers(first: 1) { nodes { id } } } }",
    "Alert": "{ viewer { alerts(first: 1) { nodes { id } } } }",
    "Migration": '{ account(name: "atelier") { scheduledMigration { id } } }',
    "Ticket": "{ viewer { tickets(first: 1) { nodes { id } } } }",
    "TicketMessage": "{ viewer { tickets(first: 1) { nodes { messages(first: 1) { nodes { id } } } } } }",
    "Attachment": '{ viewer { tickets(first: 1, filter: {search: "attached"}) { nodes { messages(first: 1) { nodes {'
    " attachments { id } } } } } } }",
    "Intervention": '{ server(name: "forge") { interventions { id } } }',
    "SandboxMail": "{ sandbox { mails(first: 1) { nodes { id } } } }",
}
"""How an object of each type is reached."""
OPEN = {"Plan"}
"""What anybody may see."""


def implementations(bound: Bound) -> set[str]:
    """The types that the printed schema says can be refetched."""
    definitions = parse(bound.schema.as_str()).definitions
    objects = [each for each in definitions if isinstance(each, ObjectTypeDefinitionNode)]
    interfaces = {each.name.value: [interface.name.value for interface in each.interfaces or ()] for each in objects}
    return {name for name, implemented in interfaces.items() if "Node" in implemented}


async def shown(api: Api, token: str, kind: str) -> str:
    """The id of the first object that the path to the type leads to."""
    if kind == "ApiToken":
        await api.api_token(OWNER)
    if kind in ("LedgerEntry", "Invoice", "Alert"):
        await invoiced(api.database, OWNER.key, 500, office=Office(Figures(), sandbox=True))
    if kind == "Attachment":
        await a_file(api)
    if kind == "Payment":
        await top_up(api, "10.00", {"oneTimeToken": "card_ok"})
    if kind == "Transfer":
        await start(api, BOUTIQUE, to=TECH)
    if kind == "CardPaymentMethod":
        await add_card(api, "card_ok")
    if kind == "Migration" and not await api.rows(Migration):
        of_account: Any = {"owner_id": OWNER.key, "account_id": ACCOUNT_KEYS["atelier"], "name": "atelier"}
        row = Migration(summary="Newer.", scheduled_for=api.database.clock.now().date(), **of_account)
        await put(api, Migration, **row.model_dump())
    if kind == "Export":
        return str((await ask(api))["export"]["id"])
    if kind == "Intervention" and not await api.rows(Intervention):
        await planned(api)
    found: Any = (await api.ask(PATHS[kind], token=token)).data
    while not isinstance(found, str):
        found = found[0] if isinstance(found, list) else next(iter(found.values()))
    return found


async def answer(api: Api, id: str, token: str | None) -> str:
    """All that comes for an id, but for the instant at which the allowance begins anew."""
    text = (await api.ask(NODE, {"id": id}, token=token)).text
    return re.sub(r'"resetAt":"[^"]+"', "", text)


# Found


async def test_every_object_is_found_by_the_id_it_shows(api: Api, bound: Bound) -> None:
    assert implementations(bound) == set(PATHS)
    token = await api.token(OWNER)
    for kind in PATHS:
        id = await shown(api, token, kind)
        assert (await api.ask(NODE, {"id": id}, token=token)).data["node"] == {"__typename": kind, "id": id}


async def test_an_id_is_the_same_tomorrow_and_in_another_process(api: Api, bound: Bound) -> None:
    """Clients keep ids: how they are made is never changed."""
    first, second = await api.token(OWNER), await api.token(OWNER)
    async with serving(api.database, bound, rate_limits=False) as other:
        for kind in ("Profile", "Sandbox"):
            assert await shown(api, first, kind) == await shown(other, second, kind)
    assert await shown(api, first, "Profile") == profile_id(OWNER) == "UHJvZmlsZToBkAAAAABwAIAAAAAAAAEB"


async def test_an_id_says_nothing_that_can_be_put_together(api: Api) -> None:
    token = await api.token(OWNER)
    for kind in PATHS:
        id = await shown(api, token, kind)
        assert re.fullmatch("[A-Za-z0-9_-]+", id)
        assert str(OWNER.key) not in id


async def test_a_fact_and_a_session_of_ones_own_are_found(api: Api) -> None:
    opened = await api.opened(OWNER)
    other = await api.opened(OWNER)
    told = next(row for row in await api.rows(ActivityEvent) if row.subject_id == opened.session.id)
    ids = [
        global_id("Session", opened.session.id),
        global_id("Session", other.session.id),
        global_id("ActivityEvent", told.id),
    ]
    found = await api.ask(NODES, {"ids": ids}, token=opened.secret)
    assert found.data["nodes"] == [{"id": id} for id in ids]


# Not found


async def foreign(api: Api) -> list[str]:
    """Ids of what others have, all of which exist."""
    other = await api.opened(FREE)
    events = [row.id for row in await api.rows(ActivityEvent) if row.owner_id == FREE.key]
    return [
        profile_id(FREE),
        profile_id(STAFF),
        global_id("Account", ACCOUNT_KEYS["hobby"]),
        global_id("Session", other.session.id),
        *(global_id("ActivityEvent", key) for key in events),
    ]


def altered(id: str) -> list[str]:
    """Other ways of writing an id, and what is nearly one."""
    raw = base64.urlsafe_b64decode(id + "=" * (-len(id) % 4))
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return [
        id + "=",
        id + "==",
        "=" + id,
        id + "A",
        id[:-1],
        id[1:],
        id.swapcase(),
        id.lower(),
        f" {id}",
        f"{id}\n",
        id[:10] + "\n" + id[10:],
        id[:10] + "." + id[10:],
        id[:-1] + last[(last.index(id[-1]) + 3) % 64],
        base64.b64encode(raw + b"\0").decode(),
        base64.urlsafe_b64encode(raw[:-1]).decode().rstrip("="),
        base64.urlsafe_b64encode(b"\xff\xfe:" + raw[-16:]).decode().rstrip("="),
        base64.urlsafe_b64encode(raw[:-16] + str(UUID(bytes=raw[-16:])).encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(raw.replace(b":", b"")).decode().rstrip("="),
    ]


NOT_IDS = ["", "garbage", "Profile", str(OWNER.key), f"Profile:{OWNER.key}", "1", "é", "💶", "A" * 10_000, "{}", "null"]
NOT_NODES = [
    "LegalIdentity",
    "RateLimit",
    "PageInfo",
    "SessionCreatePayload",
    "ActivityEventEdge",
    "ActivityEventConnection",
    "ActivityChange",
    "HiddenActor",
    "Query",
    "Mutation",
    "Node",
    "Actor",
    "SessionCreateInput",
    "ProfileKind",
    "String",
    "__Type",
    "Account",
    "Invoice",
    "profile",
    "PROFILE",
    "profile_event",
    "",
]


async def test_what_leads_nowhere_is_answered_the_same_whatever_the_reason(api: Api) -> None:
    token = await api.token(OWNER)
    wrong = [global_id(kind, new_id()) for kind in PATHS]
    wrong += [global_id(kind, OWNER.key) for kind in ("Session", "ActivityEvent", "Sandbox")]
    wrong += [global_id(kind, OWNER.key) for kind in NOT_NODES]
    wrong += await foreign(api)
    wrong += altered(profile_id(OWNER)) + NOT_IDS
    expected = await answer(api, global_id("Profile", new_id()), token)
    assert '"node":null' in expected
    assert "errors" not in expected
    assert [id for id in wrong if await answer(api, id, token) != expected] == []


async def test_without_a_session_nothing_is_found_but_what_is_open_to_all(api: Api) -> None:
    token = await api.token(OWNER)
    ids = {kind: await shown(api, token, kind) for kind in PATHS}
    expected = await answer(api, "garbage", None)
    assert {kind for kind, id in ids.items() if await answer(api, id, None) != expected} == OPEN


# Several


async def test_several_come_in_the_order_asked_each_as_often_as_asked(api: Api) -> None:
    token = await api.token(OWNER)
    mine = [await shown(api, token, kind) for kind in PATHS]
    wrong = ["garbage", profile_id(FREE), global_id("Profile", new_id()), global_id("Account", OWNER.key)]
    asked = [mine[2], wrong[0], mine[0], mine[0], wrong[1], mine[3], mine[1], wrong[2], mine[2], wrong[3], mine[0]]
    found = await api.ask(NODES, {"ids": asked}, token=token)
    assert found.data["nodes"] == [{"id": id} if id in mine else None for id in asked]
    assert (await api.ask(NODES, {"ids": []}, token=token)).data["nodes"] == []


async def test_a_hundred_at_most_are_found_at_once(api: Api) -> None:
    token = await api.token(OWNER)
    hundred = [profile_id(OWNER)] * 100
    assert (await api.ask(NODES, {"ids": hundred}, token=token)).data["nodes"] == [{"id": profile_id(OWNER)}] * 100
    refused = await api.ask(NODES, {"ids": [*hundred, profile_id(OWNER)]}, token=token)
    assert refused.codes == ["BAD_USER_INPUT"]
    assert refused.body.get("data") in (None, {"nodes": None})


async def test_several_cost_as_many_statements_as_there_are_types(api: Api) -> None:
    """Not one each."""
    token = await api.token(OWNER)
    for _ in range(10):
        await api.opened(OWNER)
    events = [global_id("ActivityEvent", row.id) for row in await api.rows(ActivityEvent)]
    mine = [id for id in events if (await api.ask(NODE, {"id": id}, token=token)).data["node"]]
    assert len(mine) > 10
    counted = []
    for ids in (mine[:1], mine):
        with statements(api) as run:
            assert len((await api.ask(NODES, {"ids": ids}, token=token)).data["nodes"]) == len(ids)
        counted.append(len(run))
    assert counted[0] == counted[1] > 0
