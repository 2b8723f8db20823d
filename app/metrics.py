"""Figures for whoever watches over the service: `/metrics`, as Prometheus reads it, for the networks that are named."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.address import client_address
from app.live import Lobbies
from app.settings import Settings
from engine.executor import Executor


class Plans(Collector):
    """What became of the operations of each schema."""

    def __init__(self, executors: Mapping[str, Executor]) -> None:
        self.executors = executors

    def collect(self) -> Iterator[Metric]:
        hits = CounterMetricFamily("espace_plan_hits", "Operations whose plan was there.", labels=["schema"])
        built = CounterMetricFamily("espace_plans_built", "Plans built.", labels=["schema"])
        seconds = CounterMetricFamily("espace_plan_build_seconds", "Time that building took.", labels=["schema"])
        fallbacks = CounterMetricFamily(
            "espace_plan_fallbacks", "Operations that graphql-core executed, by reason.", labels=["schema", "reason"]
        )
        for name, executor in self.executors.items():
            counters = executor.counters
            hits.add_metric([name], counters.hits)
            built.add_metric([name], counters.built)
            seconds.add_metric([name], counters.build_seconds)
            for reason, times in counters.fallbacks.items():
                fallbacks.add_metric([name, reason], times)
        yield from (hits, built, seconds, fallbacks)


class Followers(Collector):
    """Who follows what."""

    def __init__(self, lobbies: Lobbies) -> None:
        self.lobbies = lobbies

    def collect(self) -> Iterator[Metric]:
        seats = [seat for lobby in self.lobbies.each for seat in lobby.seats]
        yield GaugeMetricFamily("espace_live_connections", "Live connections.", len(seats))
        operations = sum(len(seat.watches) for seat in seats)
        yield GaugeMetricFamily("espace_live_operations", "Live operations.", operations)


def metrics_route(settings: Settings, executors: Mapping[str, Executor], lobbies: Lobbies) -> Route:
    """`/metrics`; to anybody else it is not there."""
    registry = CollectorRegistry()
    registry.register(Plans(executors))
    registry.register(Followers(lobbies))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)

    async def metrics(request: Request) -> Response:
        peer = request.client.host if request.client else ""
        address = client_address(peer, request.headers.getlist("x-forwarded-for"), settings.trusted_proxies)
        if not address or not any(ip_address(address) in network for network in settings.metrics_networks):
            return PlainTextResponse("Not Found", 404)
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return Route("/metrics", metrics)
