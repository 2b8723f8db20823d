"""`/metrics`: figures for those who watch over the service, and for nobody else."""

from engine.compiler import INTROSPECTION
from tests.api import Api, serving


async def test_plans_and_fallbacks_are_counted(api: Api) -> None:
    async with serving(api.database, api.bound, metrics_networks=["127.0.0.0/8"]) as watched:
        for _ in range(3):
            await watched.ask("{ viewer { id } }")
        await watched.ask("{ __schema { queryType { name } } }")
        response = await watched.client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    figures = dict(line.rsplit(" ", 1) for line in response.text.splitlines() if not line.startswith("#"))
    assert figures['espace_plans_built_total{schema="customer"}'] == "1.0"
    assert figures['espace_plan_hits_total{schema="customer"}'] == "2.0"
    assert float(figures['espace_plan_build_seconds_total{schema="customer"}']) > 0
    assert figures[f'espace_plan_fallbacks_total{{reason="{INTROSPECTION}",schema="customer"}}'] == "1.0"
    assert figures['espace_plans_built_total{schema="staff"}'] == "0.0"
    assert float(figures["process_resident_memory_bytes"]) > 0


async def test_to_anybody_else_they_are_not_there(api: Api) -> None:
    assert (await api.client.get("/metrics")).status_code == 404
    async with serving(api.database, api.bound, metrics_networks=["198.51.100.0/24"]) as watched:
        response = await watched.client.get("/metrics", headers={"x-forwarded-for": "198.51.100.7"})
    assert (response.status_code, response.text) == (404, "Not Found")
