"""PRO-6. Addresses and networks, and from where a profile may be used.

Networks are kept as text in one normal form: `192.0.2.0/24`, `2001:db8::/32`. An IPv4 address that comes in the clothes
of IPv6 (`::ffff:192.0.2.1`) is the IPv4 address, in lists as in requests.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from models.activity import Record, action
from models.profile import Profile
from models.refusal import Code, Refusal

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

FORM = re.compile(r"[0-9A-Fa-f:.]{2,45}(/[0-9]{1,3})?")
"""No netmasks and no zones, which the standard library would read as well."""
LONGEST = 128
"""Of an address, with its brackets, its zone and spaces around: what is remembered is not as long as callers like."""
MAPPED = IPv6Network("::ffff:0:0/96")
CHANGED = action(
    "profile.ip_allowlist_changed", "The networks allowed to sign in were changed", mail="ip_allowlist_changed"
)


class AddressNotAllowed(Exception):
    """PRO-6. A session or a token that is good is used from an address that its profile does not allow."""


class NotANetwork(ValueError):
    """Not an address or a network in CIDR form, or one whose address has bits beyond its prefix."""


class SelfLockout(Refusal):
    """PRO-6. The list would shut out whoever saves it."""

    code = Code.SELF_LOCKOUT
    message = "This list would lock you out: it does not hold your own address. Confirm to save it all the same."


@dataclass(eq=False)
class TooManyNetworks(Refusal):
    """PRO-6. The list is longer than what is looked through at every request."""

    code = Code.INVALID
    message = "At most {limit} networks can be listed."
    limit: int


@dataclass(eq=False)
class OutsideProfile(Refusal):
    """TOK-2. A token would be allowed where its profile is not."""

    code = Code.INVALID
    message = "{network} is not within the networks that the profile allows."
    network: str


def parsed(text: str) -> Address | None:
    """The address, IPv4-mapped ones unwrapped; None if malformed."""
    return _parsed(text) if len(text) <= LONGEST else None


@lru_cache(maxsize=4_096)
def _parsed(text: str) -> Address | None:
    try:
        address = ip_address(text.strip().removeprefix("[").removesuffix("]").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def neighbourhood(address: str) -> str:
    """What counts as one caller: an address, or 64 bits of IPv6; "" where it cannot be told."""
    found = parsed(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((found, 64), strict=False))
    return str(found) if found is not None else ""


def normal(text: str) -> str:
    """A network in its normal form, a lone address as one of its own; raises NotANetwork.

    Bits beyond the prefix are refused: 192.0.2.7/24 is one address to some and 256 to others.
    """
    tidy = text.strip()
    if not FORM.fullmatch(tidy):
        raise NotANetwork
    try:
        network = ip_network(tidy)
    except ValueError:
        raise NotANetwork from None
    return str(_unmapped(network))


def distinct(networks: Sequence[str], most: int) -> list[str]:
    """Each network once, in the order given; raises TooManyNetworks."""
    once = list(dict.fromkeys(networks))
    if len(once) > most:
        raise TooManyNetworks(most)
    return once


def allowed(networks: Sequence[str], address: str) -> bool:
    """PRO-6. Whether `address` is in one of the networks; without any, every address is. An unknown one is in none."""
    if not networks:
        return True
    caller = parsed(address)
    return caller is not None and any(caller in ip_network(network) for network in networks)


def check_within(networks: Sequence[str], outer: Sequence[str]) -> None:
    """TOK-2. Raises OutsideProfile for the first network that `outer` does not hold; an empty `outer` holds all."""
    wider = [ip_network(network) for network in outer]
    for network in networks if wider else ():
        if not any(_holds(each, ip_network(network)) for each in wider):
            raise OutsideProfile(network)


def restrict(
    profile: Profile, record: Record, networks: Sequence[str], *, address: str, confirmed: bool, most: int
) -> None:
    """PRO-6. Let the profile be used from these networks only, or from anywhere where there are none."""
    after = distinct(networks, most)
    if not confirmed and not allowed(after, address):
        raise SelfLockout
    before = profile.ip_allowlist
    profile.ip_allowlist = after
    record.happened(CHANGED, profile, changes={"ip_allowlist": (before, after)} if before != after else None)


def _unmapped(network: Network) -> Network:
    if isinstance(network, IPv6Network) and network.subnet_of(MAPPED):
        inner = int(network.network_address) & 0xFFFFFFFF
        return IPv4Network((inner, network.prefixlen - MAPPED.prefixlen))
    return network


def _holds(outer: Network, inner: Network) -> bool:
    if isinstance(outer, IPv4Network):
        return isinstance(inner, IPv4Network) and inner.subnet_of(outer)
    return isinstance(inner, IPv6Network) and inner.subnet_of(outer)
