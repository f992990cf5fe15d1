from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.outgoing.addresses import is_allowed, is_local, literal

LOOPBACK = [ip_network("127.0.0.0/8")]
REFUSED = [
    "0.0.0.0",  # noqa: S104 - nothing binds to it here
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "168.63.129.16",
    "169.254.169.254",
    "172.31.255.255",
    "192.0.0.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.19.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "fd00:ec2::254",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
SPELLED = ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "0x7f000001", "017700000001", "127.0.0.1"]


@pytest.mark.parametrize("text", REFUSED)
def test_special_addresses_are_refused(text: str) -> None:
    assert not is_allowed(ip_address(text), [])


@pytest.mark.parametrize("text", ["8.8.8.8", "100.63.255.255", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::200e"])
def test_global_addresses_are_allowed(text: str) -> None:
    assert is_allowed(ip_address(text), [])


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_nothing_that_python_knows_as_special_is_allowed(address: IPv4Address | IPv6Address) -> None:
    special = not address.is_global or address.is_multicast or address.is_private
    assert not (special and is_allowed(address, []))


@pytest.mark.parametrize("text", ["127.0.0.1", "127.9.9.9", "::ffff:127.0.0.1"])
def test_an_operator_can_allow_a_network(text: str) -> None:
    assert is_allowed(ip_address(text), LOOPBACK)


@pytest.mark.parametrize("text", ["::1", "10.0.0.1", "::ffff:10.0.0.1"])
def test_allowing_one_network_allows_no_other(text: str) -> None:
    assert not is_allowed(ip_address(text), LOOPBACK)


@pytest.mark.parametrize("host", SPELLED)
def test_every_spelling_of_an_address_is_recognised(host: str) -> None:
    assert literal(host) == IPv4Address("127.0.0.1")


def test_ipv6_literals_may_stand_in_brackets() -> None:
    assert literal("[::1]") == IPv6Address("::1")


@pytest.mark.parametrize("host", ["example.com", "localhost", "", "1.2.3.4.5", "ex\u00e4mple.de", "256.256.256.256"])
def test_a_name_is_no_address(host: str) -> None:
    assert literal(host) is None


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "app.localhost", "127.0.0.1", "127.0.0.1.", "[::ffff:127.0.0.1]"]
)
def test_local_hosts_are_those_in_an_allowed_network(host: str) -> None:
    assert is_local(host, LOOPBACK)
    assert not is_local(host, [ip_network("10.0.0.0/8")])


def test_a_name_is_never_local() -> None:
    assert not any(is_local(name, LOOPBACK) for name in ("example.com", "mylocalhost", "localhost.example.com"))
