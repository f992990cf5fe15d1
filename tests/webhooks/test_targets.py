"""What may be registered as a target, where the operator allows no private network."""

from ipaddress import ip_network

import pytest

from app.core.problems import Invalid
from app.webhooks.usecases.endpoints import check_url

HOSTS = [
    "localhost",
    "LOCALHOST.",
    "a.localhost",
    "127.0.0.1",
    "127.0.0.1.",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "127.1",
    "0.0.0.0",  # noqa: S104 - nothing binds to it here
    "169.254.169.254",
    "2852039166",
    "10.0.0.1",
    "192.168.1.1",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
    "[fd00:ec2::254]",
    "\u2460\u2461\u2466.0.0.1",
    "127\u30020\u30020\u30021",
]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_no_spelling_of_a_private_address_is_taken(scheme: str, host: str) -> None:
    with pytest.raises(Invalid):
        check_url(f"{scheme}://{host}/hook", [])
    with pytest.raises(Invalid):
        check_url(f"{scheme}://{host}/hook", [ip_network("172.16.0.0/12")])


@pytest.mark.parametrize(
    "url", ["https://me@example.com/", "https://me:secret@127.0.0.1/", "https://127.0.0.1@example.com/"]
)
def test_no_user_is_taken(url: str) -> None:
    with pytest.raises(Invalid):
        check_url(url, [ip_network("127.0.0.0/8")])


@pytest.mark.parametrize("url", ["https://example.com", "https://example.com.:8443/a?b=c#d", "https://8.8.8.8/"])
def test_others_are_taken(url: str) -> None:
    check_url(url, [])
