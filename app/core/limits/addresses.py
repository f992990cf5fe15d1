"""Which address a request came from, for counting what has no valid key. Pure."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

_PREFIX: Final = 64
"""One customer of a provider has a whole /64 of IPv6 (RFC 6177), and can use another address for each request."""
_LONGEST: Final = 64
_MAPPED: Final = 96
_SITE: Final = {4: 24, 6: 48}
"""One party may hold a whole network: a /48 of IPv6 is what a site gets at most (RFC 6177), a /24 the least of IPv4
that is announced."""


@lru_cache(maxsize=4096)
def counted_address(host: str) -> str:
    """Under which name the requests of ``host`` are counted: an IPv4 address, or a network of IPv6.

    An IPv4 address in the form of IPv6 is that address. What is no address, such as a proxy's word, stands for itself.
    """
    address = _address(host)
    if address is None:
        return host[:_LONGEST]
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), _PREFIX), strict=False))


@lru_cache(maxsize=4096)
def counted_network(host: str) -> str:
    """The network of which ``host`` is, as one party may hold it: a /24 of IPv4, a /48 of IPv6."""
    address = _address(host)
    return host[:_LONGEST] if address is None else str(ip_network((address, _SITE[address.version]), strict=False))


def in_both_forms(networks: Iterable[IPv4Network | IPv6Network]) -> list[str]:
    """The networks, and those of IPv4 as IPv6 writes them (``::ffff:0:0/96``): a proxy may name addresses like that."""
    given = list(networks)
    of_v4 = [network for network in given if isinstance(network, IPv4Network)]
    mapped = [f"::ffff:{network.network_address}/{_MAPPED + network.prefixlen}" for network in of_v4]
    return [*map(str, given), *mapped]


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address
