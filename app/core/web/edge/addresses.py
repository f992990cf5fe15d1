"""Which address a request came from, for counting what has no valid key. Pure."""

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

_PREFIX: Final = 64
"""One customer of a provider has a whole /64 of IPv6 (RFC 6177), and can use another address for each request."""
_LONGEST: Final = 64


@lru_cache(maxsize=4096)
def counted_address(host: str) -> str:
    """Under which name the requests of ``host`` are counted: an IPv4 address, or a network of IPv6.

    An IPv4 address in the form of IPv6 is that address. What is no address, such as a proxy's word, stands for itself.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return host[:_LONGEST]
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), _PREFIX), strict=False))
