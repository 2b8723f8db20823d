"""ACC-10. Figures of the machines: the same each time, guarded one by one, and never a request that waits."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.demo_hosting import ACCOUNT_KEYS, FORGE
from app.gateways.simulator import SimulatedInfrastructure
from engine.bind import Bound
from models.infrastructure import Health, InfrastructureSilent, NoInfrastructure, Usage
from models.permission import AccountPermission, ServerPermission
from tests.api import FREE, OWNER, Api, serving
from tests.granting import a_grant
from tests.hosting import ATELIER, FORGE_ID, WEB

FIELDS = """query Figures($id: ID!) { node(id: $id) { ... on Account {
  usage { diskUsedBytes diskQuotaBytes measuredAt } statistics { visits trafficBytes measuredAt }
  resources { memoryMegabytes cpuCores diskGigabytes } serverStatus { status measuredAt } } } }"""
HEALTH = "query Health($id: ID!) { node(id: $id) { ... on Server { health { status measuredAt } } } }"


async def test_the_figures_of_an_account_are_the_same_each_time(api: Api) -> None:
    token = await api.token(OWNER)
    first, again = [(await api.ask(FIELDS, {"id": WEB}, token=token)).data["node"] for _ in range(2)]
    assert first == again
    assert 0 <= int(first["usage"]["diskUsedBytes"]) < int(first["usage"]["diskQuotaBytes"])
    assert first["resources"]["memoryMegabytes"] >= 1024
    other = (await api.ask(FIELDS, {"id": ATELIER}, token=token)).data["node"]
    assert other["usage"] != first["usage"]
    assert other["resources"] is None


async def test_a_server_and_the_accounts_on_it_are_as_well(api: Api) -> None:
    token = await api.token(OWNER)
    of_server = (await api.ask(HEALTH, {"id": FORGE_ID}, token=token)).data["node"]["health"]
    assert (await api.ask(FIELDS, {"id": WEB}, token=token)).data["node"]["serverStatus"] == of_server


@pytest.mark.parametrize(
    ("permission", "shown"),
    [
        (AccountPermission.USAGE, "usage"),
        (AccountPermission.STATISTICS, "statistics"),
        (AccountPermission.RESOURCES, "resources"),
        (AccountPermission.SSH, None),
    ],
)
async def test_each_figure_asks_for_its_own_permission(
    api: Api, permission: AccountPermission, shown: str | None
) -> None:
    await a_grant(api, FREE, accounts={ACCOUNT_KEYS["forge-web"]: [permission]})
    answer = await api.ask(FIELDS, {"id": WEB}, token=await api.token(FREE))
    found = answer.body["data"]["node"]
    assert {name for name, value in found.items() if value} == {shown, "serverStatus"} - {None}
    assert set(answer.codes) == {"FORBIDDEN"}


async def test_resources_and_health_are_also_for_those_of_the_server(api: Api) -> None:
    await a_grant(api, FREE, servers={FORGE: [ServerPermission.RESOURCES]})
    token = await api.token(FREE)
    assert (await api.ask(FIELDS, {"id": WEB}, token=token)).body["data"]["node"]["resources"]
    assert (await api.ask(HEALTH, {"id": FORGE_ID}, token=token)).codes == ["FORBIDDEN"]
    await a_grant(api, FREE, servers={FORGE: [ServerPermission.CONSUMPTION]})
    assert (await api.ask(HEALTH, {"id": FORGE_ID}, token=await api.token(FREE))).data["node"]["health"]


class Slow(SimulatedInfrastructure):
    """Answers after anybody's patience."""

    async def usage(self, accounts: Sequence[UUID], now: datetime) -> Mapping[UUID, Usage]:
        await asyncio.sleep(60)
        return {}

    async def shared_health(self, accounts: Sequence[UUID], now: datetime) -> Mapping[UUID, Health]:
        await asyncio.sleep(60)
        return {}


@pytest.mark.parametrize("infrastructure", [Slow(), NoInfrastructure()], ids=["slow", "silent"])
async def test_machines_that_do_not_tell_hold_nobody_up(
    api: Api, bound: Bound, infrastructure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.host.SimulatedInfrastructure", lambda: infrastructure)
    patience = timedelta(milliseconds=50)
    async with serving(api.database, bound, rate_limits=False, infrastructure_timeout=patience) as served:
        token = await served.token(OWNER)
        answer = await asyncio.wait_for(served.ask(FIELDS, {"id": ATELIER}, token=token), 5)
        found = answer.body["data"]["node"]
        assert found["usage"] is None
        assert found["serverStatus"]["status"] == "UNKNOWN"
        assert "UNAVAILABLE" in answer.codes
        assert {tuple(error["path"])[1] for error in answer.errors} <= {"usage", "statistics"}


async def test_one_call_tells_of_a_whole_page(api: Api, bound: Bound, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    class Counting(SimulatedInfrastructure):
        async def usage(self, accounts: Sequence[UUID], now: datetime) -> Mapping[UUID, Usage]:
            calls.append(len(accounts))
            if len(calls) > 1:
                raise InfrastructureSilent
            return await super().usage(accounts, now)

    counting = Counting()
    monkeypatch.setattr("app.host.SimulatedInfrastructure", lambda: counting)
    async with serving(api.database, bound, rate_limits=False) as served:
        token = await served.token(OWNER)
        await served.ask("{ viewer { accounts { nodes { usage { measuredAt } } } } }", token=token)
    assert calls == [4]
