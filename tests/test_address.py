"""Whose address a request comes from: what a proxy that is not ours claims is not believed."""

from ipaddress import ip_network

import httpx
import pytest

from app.address import client_address
from engine.bind import Bound
from models import network
from models.activity import ActivityEvent
from models.db import Database
from models.session import Session
from tests.api import GRAPHQL, OWNER, PASSWORD, Api, serving

PROXIES = [ip_network(network) for network in ("10.0.0.0/8", "192.0.2.10/32", "2001:db8:a::/48")]
SIGN_IN = """mutation { sessionCreate(input: {email: "%s", password: "%s", transport: BEARER}) {
  session { ipAddress } } }"""


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        # Nobody between us and the caller.
        ("198.51.100.7", [], "198.51.100.7"),
        ("2001:db8::1", [], "2001:db8::1"),
        ("198.51.100.7", ["203.0.113.9"], "198.51.100.7"),
        ("198.51.100.7", ["10.0.0.1"], "198.51.100.7"),
        # One proxy of ours, and several.
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("192.0.2.10", ["203.0.113.9"], "203.0.113.9"),
        ("192.0.2.11", ["203.0.113.9"], "192.0.2.11"),
        ("10.0.0.1", ["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9", "10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9,192.0.2.10 ,10.9.9.9"], "203.0.113.9"),
        ("2001:db8:a::1", ["2001:db8:b::2"], "2001:db8:b::2"),
        # What the caller wrote stands further left.
        ("10.0.0.1", ["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.3, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["garbage, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.7, 203.0.113.9, 192.0.2.10, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1, 192.0.2.11, 10.0.0.2"], "192.0.2.11"),
        ("2001:db8:a::1", ["2001:db8::7, 2001:db8:b::2"], "2001:db8:b::2"),
        ("203.0.113.9", ["198.51.100.7, 10.0.0.2"], "203.0.113.9"),
        # Several proxies of both families.
        ("10.0.0.1", ["203.0.113.9, 2001:db8:a::5"], "203.0.113.9"),
        ("2001:db8:a::1", ["2001:db8:b::2, 10.0.0.2, 192.0.2.10"], "2001:db8:b::2"),
        ("10.0.0.1", ["203.0.113.9", "2001:db8:a::5", "10.0.0.2"], "203.0.113.9"),
        # Just outside what is ours.
        ("9.255.255.255", ["203.0.113.9"], "9.255.255.255"),
        ("11.0.0.0", ["203.0.113.9"], "11.0.0.0"),
        ("2001:db8:9:ffff::1", ["203.0.113.9"], "2001:db8:9:ffff::1"),
        ("2001:db8:b::", ["203.0.113.9"], "2001:db8:b::"),
        # From inside.
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        # IPv4 in IPv6 clothes.
        ("::ffff:198.51.100.7", [], "198.51.100.7"),
        ("::ffff:10.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("::FFFF:CB00:7109", [], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9, ::ffff:10.0.0.2"], "203.0.113.9"),
        ("::ffff:192.0.2.10", ["203.0.113.9, ::ffff:c000:20a"], "203.0.113.9"),
        ("::ffff:192.0.2.11", ["203.0.113.9"], "192.0.2.11"),
        ("::10.0.0.1", ["203.0.113.9"], "::a00:1"),
        # Brackets and zones, as some proxies write them.
        ("10.0.0.1", ["[2001:db8::7]"], "2001:db8::7"),
        ("fe80::1%eth0", [], "fe80::1"),
        # One way of writing.
        ("2001:0DB8:0000::0001", [], "2001:db8::1"),
        ("10.0.0.1", [" 203.0.113.9 "], "203.0.113.9"),
    ],
)
def test_the_rightmost_address_that_is_not_ours_is_the_callers(peer: str, forwarded: list[str], address: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == address


@pytest.mark.parametrize(
    ("peer", "forwarded"),
    [
        ("", []),
        ("unix:", ["203.0.113.9"]),
        ("testclient", []),
        ("10.0.0.1", [""]),
        ("10.0.0.1", ["unknown"]),
        ("10.0.0.1", ["203.0.113.9, "]),
        ("10.0.0.1", ["203.0.113.9, _hidden"]),
        ("10.0.0.1", ["203.0.113.9, 999.1.1.1"]),
        ("10.0.0.1", ["203.0.113.9, 010.0.0.1"]),
        ("10.0.0.1", ["203.0.113.9, 10.0.0.0/8"]),
        ("10.0.0.1", ["203.0.113.9, 167772161"]),
        ("10.0.0.1", ["203.0.113.9, 10.0.0.2\x00"]),
        ("10.0.0.1", ["203.0.113.9, \u0661\u0660.0.0.2"]),
        ("10.0.0.1", ["203.0.113.9:4711"]),
        ("10.0.0.1", ["[2001:db8::7]:4711"]),
    ],
)
def test_what_does_not_parse_is_no_address(peer: str, forwarded: list[str]) -> None:
    """Skipping over it would believe what stands further left."""
    assert client_address(peer, forwarded, PROXIES) == ""


def test_what_is_longer_than_any_address_is_not_remembered() -> None:
    """What callers write is not kept in memory for them."""
    before = network._parsed.cache_info().currsize
    assert network.parsed(" " * 200 + "198.51.100.7") is None
    assert network._parsed.cache_info().currsize == before


def test_without_trusted_proxies_no_header_is_believed() -> None:
    assert client_address("10.0.0.1", ["203.0.113.9"], []) == "10.0.0.1"


def test_a_network_of_the_other_family_holds_nobody() -> None:
    assert client_address("10.0.0.1", ["203.0.113.9"], [ip_network("::/0")]) == "10.0.0.1"
    assert client_address("2001:db8::1", ["203.0.113.9"], [ip_network("0.0.0.0/0")]) == "2001:db8::1"


# Over HTTP


async def signed_in_from(served: Api, peer: str, *forwarded: str) -> str:
    """The address of a session that is opened by way of `peer`."""
    transport = httpx.ASGITransport(served.app, client=(peer, 4711))
    headers = [("accept", GRAPHQL), *(("x-forwarded-for", line) for line in forwarded)]
    async with httpx.AsyncClient(transport=transport, base_url="http://espace.test") as client:
        response = await client.post("/graphql", json={"query": SIGN_IN % (OWNER.email, PASSWORD)}, headers=headers)
    address: str = response.json()["data"]["sessionCreate"]["session"]["ipAddress"]
    return address


async def test_sessions_and_facts_bear_the_address_of_the_caller(api: Api, database: Database, bound: Bound) -> None:
    async with serving(database, bound, rate_limits=False, trusted_proxies="10.0.0.0/8") as served:
        assert await signed_in_from(served, "198.51.100.7", "203.0.113.9") == "198.51.100.7"
        assert await signed_in_from(served, "10.0.0.1", "1.1.1.1, 203.0.113.9", "10.0.0.2") == "203.0.113.9"
        assert await signed_in_from(served, "::ffff:203.0.113.8") == "203.0.113.8"
        assert await signed_in_from(served, "10.0.0.1", "garbage") == ""
    stored = {row.ip_address for row in await api.rows(Session)}
    told = {row.ip_address for row in await api.rows(ActivityEvent) if row.kind == "session.opened"}
    assert stored == {"198.51.100.7", "203.0.113.9", "203.0.113.8", ""}
    assert {address or "" for address in told} == stored


async def test_without_trusted_proxies_the_header_changes_nothing(api: Api) -> None:
    assert await signed_in_from(api, "10.0.0.1", "203.0.113.9") == "10.0.0.1"
