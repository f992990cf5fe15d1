"""Which addresses an outgoing call may reach. Pure.

An explicit table instead of ``ipaddress.is_global``, whose answer depends on Python's version and is wrong for
multicast, 6to4, NAT64 and site-local addresses.
"""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from app.core.text.messages import Message, _

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_REFUSED_V4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's host agent on a public address
        "169.254.0.0/16",  # link-local, and clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_GLOBAL_V6: Final = IPv6Network("2000::/3")
"""All that has been given out to the Internet. Outside it: loopback, mapped IPv4, NAT64, unique and site local, ..."""

_REFUSED_V6: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: carries any IPv4 address
        "3fff::/20",  # documentation
    )
)
_LOOPBACK: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
SETTING: Final = "HELIODESK_ALLOW_NETWORKS"
"""What an operator sets to let calls reach more."""


def is_allowed(address: Address, allow_networks: Sequence[Network]) -> bool:
    """Whether a call may connect to this address: a global one, or one in a network that the operator allows."""
    plain = _unmapped(address)
    if any(plain in network for network in allow_networks):
        return True
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    return address in _GLOBAL_V6 and not any(address in network for network in _REFUSED_V6)


def unresolved(host: str) -> Message:
    """Why there is no call to a name that has no allowed address."""
    return _("{host} resolves to no address to which connections are allowed ({setting})", host=host, setting=SETTING)


def literal(host: str) -> Address | None:
    """The address that a URL's host spells, in any form that a socket would take (``2130706433``, ``0x7f.1``).

    None for a name. A final dot makes no difference.
    """
    bare = host.strip("[]").removesuffix(".")
    try:
        return ip_address(bare)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(bare))
    except (OSError, UnicodeEncodeError):
        return None


def is_localhost(host: str) -> bool:
    """Whether every resolver is to answer with the loopback address (RFC 6761, 6.3)."""
    return f".{host.rstrip('.').lower()}".endswith(".localhost")


def is_local(host: str, allow_networks: Sequence[Network]) -> bool:
    """Whether the host is an address in an allowed network, or ``localhost`` where loopback is allowed."""
    if is_localhost(host):
        return any(mine.version == net.version and net.overlaps(mine) for net in allow_networks for mine in _LOOPBACK)
    address = literal(host)
    return address is not None and any(_unmapped(address) in network for network in allow_networks)


def _unmapped(address: Address) -> Address:
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address
