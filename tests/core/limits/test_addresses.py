from ipaddress import ip_network

import pytest
from uvicorn.middleware.proxy_headers import _TrustedHosts

from app.core.limits.addresses import counted_address, counted_network, in_both_forms


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
        ("x" * 500, "x" * 64),
        ("", ""),
    ],
)
def test_a_network_of_ipv6_counts_as_one(host: str, counted: str) -> None:
    assert counted_address(host) == counted


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2::1", "2001:db8:1::/48"),
        ("2001:db8:1:ffff::1", "2001:db8:1::/48"),
        ("2001:db8:2::1", "2001:db8:2::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("x" * 500, "x" * 64),
    ],
)
def test_one_party_may_hold_a_whole_network(host: str, counted: str) -> None:
    assert counted_network(host) == counted


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("198.51.100.7, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 10.0.0.2, 10.0.0.3", "203.0.113.9"),
        ("203.0.113.9:4711, 10.0.0.2:80", "203.0.113.9"),
        ("203.0.113.9, ::ffff:10.0.0.2", "203.0.113.9"),
        ("[2001:db8::1]:4711, [fd00::2]:80", "2001:db8::1"),
        ("203.0.113.9, unknown", "unknown"),
        ("10.0.0.2, 10.0.0.3", "10.0.0.2"),
    ],
)
def test_the_rightmost_address_that_is_no_proxys_is_the_clients(forwarded: str, client: str) -> None:
    proxies = _TrustedHosts(in_both_forms([ip_network("10.0.0.0/8"), ip_network("fd00::/8")]))
    assert proxies.get_trusted_client_address(forwarded)[0] == client
