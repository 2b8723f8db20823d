"""Whose address a request comes from, through proxies that may or may not be believed."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

from models.network import parsed


def client_address(peer: str, forwarded: Sequence[str], trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """The rightmost address that is not a trusted proxy's; "" where it cannot be told.

    `forwarded` holds the X-Forwarded-For headers in order. What stands further left was written by whoever sent it.
    """
    address = parsed(peer)
    hops = [hop.strip() for line in forwarded for hop in line.split(",")]
    while address is not None and hops and any(address in network for network in trusted):
        address = parsed(hops.pop())
    return str(address) if address is not None else ""
