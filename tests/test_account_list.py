"""Lists of accounts: filtered, in one of several orders, at a price that does not grow with the page."""

from datetime import timedelta
from typing import Any

import pytest

from app.demo_hosting import FORGE
from models.permission import ServerPermission
from tests.api import FREE, OWNER, Api
from tests.asked import statements
from tests.granting import a_grant, an_account
from tests.hosting import FORGE_ID

LIST = """query List($first: Int, $after: String, $filter: AccountFilter, $orderBy: AccountOrder) {
  viewer { accounts(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
    totalCount nodes { name } pageInfo { hasNextPage endCursor } } } }"""
ALL = ["atelier", "boutique", "forge-api", "forge-web"]


async def listed(api: Api, token: str, **variables: Any) -> list[str]:
    page = (await api.ask(LIST, variables, token=token)).data["viewer"]["accounts"]
    return [node["name"] for node in page["nodes"]]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ALL),
        ({"search": "FORGE"}, ["forge-api", "forge-web"]),
        ({"search": "e"}, ALL),
        ({"search": "%"}, []),
        ({"search": "_"}, []),
        ({"search": "/"}, []),
        ({"search": ""}, ALL),
        ({"location": "PUBLIC_CLOUD"}, ["atelier", "boutique"]),
        ({"location": "PRIVATE_CLOUD", "search": "api"}, ["forge-api"]),
        ({"status": ["ACTIVE", "ACTIVE"]}, ALL),
        ({"status": ["DELETING", "RENAMING"]}, []),
        ({"status": []}, []),
        ({"search": None, "location": None, "status": None}, ALL),
    ],
)
async def test_all_criteria_hold(api: Api, wanted: dict[str, Any], found: list[str]) -> None:
    assert await listed(api, await api.token(OWNER), filter=wanted) == found


ORDERS = [
    (None, ["a", "b", "c"]),
    ({}, ["a", "b", "c"]),
    ({"field": "NAME", "direction": "DESC"}, ["c", "b", "a"]),
    ({"field": "CREATED_AT"}, ["b", "a", "c"]),
    ({"field": "CREATED_AT", "direction": "DESC"}, ["c", "a", "b"]),
]


@pytest.fixture
async def three(api: Api, clock: Any) -> str:
    """A token of somebody with three accounts; names and ages are in other orders."""
    for name in ("b", "a", "c"):
        clock.move(timedelta(seconds=1))
        await an_account(api, f"three-{name}", owner=FREE)
    return await api.token(FREE)


@pytest.mark.parametrize(("order", "names"), ORDERS)
async def test_every_order_is_walked_page_by_page(
    api: Api, three: str, order: dict[str, str] | None, names: list[str]
) -> None:
    given, found, after = {"filter": {"search": "three-"}, "orderBy": order}, [], None
    for _ in names:
        page = (await api.ask(LIST, {**given, "first": 1, "after": after}, token=three)).data["viewer"]["accounts"]
        found += [node["name"].removeprefix("three-") for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert (found, page["pageInfo"]["hasNextPage"], page["totalCount"]) == (names, False, 3)


async def test_a_cursor_of_another_order_is_refused(api: Api, three: str) -> None:
    cursors = []
    for order, _ in ORDERS[1:]:
        page = await api.ask(LIST, {"first": 1, "orderBy": order}, token=three)
        cursors.append(page.data["viewer"]["accounts"]["pageInfo"]["endCursor"])
    for given, cursor in enumerate(cursors):
        for asked, (order, _) in enumerate(ORDERS[1:]):
            answer = await api.ask(LIST, {"first": 1, "orderBy": order, "after": cursor}, token=three)
            assert answer.codes == ([] if given == asked else ["BAD_USER_INPUT"])
    nonsense = await api.ask(LIST, {"orderBy": ORDERS[2][0], "after": "eyJhIjoxfQ"}, token=three)
    assert nonsense.codes == ["BAD_USER_INPUT"]


SCREEN = """query Screen($first: Int) { viewer { accounts(first: $first) { nodes {
  name defaultHostname location status owner { displayName } server { name health { status } }
  usage { diskUsedBytes } statistics { visits } resources { cpuCores } serverStatus { status }
  viewerActions viewerPermissions viewerCan(action: RENAME) { allowed } grants { totalCount }
  renamePreview(name: "elsewhere") { after } deletionPreview { accounts { id } } } } } }"""


async def test_a_page_of_fifty_costs_as_many_statements_as_one_of_ten(api: Api) -> None:
    for number in range(50):
        await an_account(api, f"many-{number:02d}", server_id=FORGE if number % 2 else None)
    token, counts = await api.token(OWNER), {}
    for first in (10, 50):
        await api.ask(SCREEN, {"first": 1}, token=token)
        with statements(api) as run:
            answer = await api.ask(SCREEN, {"first": first}, token=token)
        assert len(answer.data["viewer"]["accounts"]["nodes"]) == first
        counts[first] = len(run)
    assert counts[10] == counts[50]


async def test_the_accounts_of_a_server_are_for_whoever_sees_its_consumption(api: Api) -> None:
    document = "query On($id: ID!) { node(id: $id) { ... on Server { name accounts { nodes { name } } } } }"
    own = await api.ask(document, {"id": FORGE_ID}, token=await api.token(OWNER))
    assert [node["name"] for node in own.data["node"]["accounts"]["nodes"]] == ["forge-api", "forge-web"]
    await a_grant(api, FREE, servers={FORGE: [ServerPermission.CONSUMPTION]})
    seen = await api.ask(document, {"id": FORGE_ID}, token=await api.token(FREE))
    assert [node["name"] for node in seen.data["node"]["accounts"]["nodes"]] == ["forge-api", "forge-web"]
    await a_grant(api, FREE, servers={FORGE: [ServerPermission.SMTP]})
    refused = await api.ask(document, {"id": FORGE_ID}, token=await api.token(FREE))
    assert (refused.codes, refused.errors[0]["extensions"]["missing"]) == (["FORBIDDEN"], "ACCOUNT_MANAGEMENT")


async def test_a_search_longer_than_any_name_is_wrong_input(api: Api) -> None:
    document = "query ($search: String) { viewer { accounts(filter: { search: $search }) { totalCount } } }"
    answer = await api.ask(document, {"search": "%" * 40_000}, token=await api.token(OWNER))
    assert answer.codes == ["BAD_USER_INPUT"]
