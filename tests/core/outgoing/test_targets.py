import pytest

from app.core.outgoing.targets import Unusable, read_target

LABEL = "a" * 63
NAME = ".".join([LABEL] * 3 + ["b" * 61])

USABLE = [
    "https://example.com",
    "http://example.com/",
    "https://EXAMPLE.com:8443/a?b=c#d",
    "https://example.com.",
    "https://example.com:/",
    "https://example.com:1",
    "https://example.com:65535",
    "https://my_host.example.com/",
    "https://a--b.example.com/",
    "https://localhost:8080/",
    "https://192.0.2.1/",
    "https://[2001:db8::1]:8443/",
    "https://b\u00fccher.example/",
    "https://stra\u00dfe.example/",
    "https://xn--bcher-kva.example/",
    "https://xn--strae-oqa.example/",
    "https://1.example/",
    "https://3com.com/",
    f"https://{LABEL}.com/",
    f"https://{NAME}/",
]
UNUSABLE = {
    "https://xn--/": "hyphens",
    "https://a.xn--.com/": "hyphens",
    "https://xn--zz--.com/": "letters, digits and hyphens",
    "https://xn--a-ecp.ru/": "not a valid Internet name",
    "https://\u2603.example/": "not a valid Internet name",
    "https://a\u200d.example/": "invisible",
    "http://127.1": "four numbers",
    "http://2130706433/": "four numbers",
    "http://0x7f.1/": "four numbers",
    "http://0177.0.0.1/": "four numbers",
    "http://256.1.1.1/": "four numbers",
    "http://1.2.3.4.5/": "four numbers",
    "http://127.0.0.1./": "four numbers",
    "http://\u2460\u2461\u2466.1/": "four numbers",
    "https://224.0.0.251/": "many machines",
    "https://255.255.255.255/": "many machines",
    "https://[ff02::1]/": "many machines",
    "https://[::ffff:224.0.0.1]/": "many machines",
    "https://example.com:0/": "from 1 to 65535",
    "https://example.com:65536/": "from 1 to 65535",
    "https://example.com:99999/": "from 1 to 65535",
    "https://example.com:port/": "from 1 to 65535",
    "https://example.com:-1/": "from 1 to 65535",
    "https://a..b/": "empty part",
    "https://.example.com/": "empty part",
    "https://example.com../": "empty part",
    "https://./": "empty part",
    f"https://{LABEL}a.com/": "1 to 63",
    f"https://{NAME}b/": "253",
    "https://-a.example/": "hyphens",
    "https://a-.example/": "hyphens",
    "https://ex%20ample.com/": "hyphens",
    "https://a,b.example/": "hyphens",
    "https://*.example.com/": "hyphens",
    "https://me@example.com/": "user name",
    "https://me:secret@example.com/": "user name",
    "https://@example.com/": "user name",
    "https://exa mple.com/": "blanks",
    "https://example.com/a b": "blanks",
    "https://example.com/\n": "invisible",
    "https://example.com\\@b.example/": "backslashes",
    "https://[fe80::1%25eth0]/": "zone",
    "https://[::1/": "not a URL",
    "https://[]/": "URL|IPv6",
    "https://[1.2.3.4]/": "URL|IPv6",
    "https://": "needs a host",
    "https:///path": "needs a host",
    "https://:8443/": "needs a host",
    "https:example.com": "needs a host",
    "example.com": "begins with",
    "//example.com/": "begins with",
    "ftp://example.com/": "begins with",
    "javascript:alert(1)": "begins with",
    "": "begins with",
}


@pytest.mark.parametrize("url", USABLE)
def test_an_address_that_can_be_sent_to_is_taken(url: str) -> None:
    assert read_target(url).scheme == url.partition(":")[0]


@pytest.mark.parametrize(("url", "told"), UNUSABLE.items())
def test_an_address_that_could_never_be_sent_to_says_why(url: str, told: str) -> None:
    with pytest.raises(Unusable, match=told):
        read_target(url)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://EXAMPLE.com:8443/", "example.com"),
        ("https://[2001:DB8::1]/", "2001:db8::1"),
        ("https://b\u00fccher.example/", "xn--bcher-kva.example"),
        ("https://\u2460\u2461\u2466.0.0.1/", "127.0.0.1"),
        ("https://127\u30020\u30020\u30021/", "127.0.0.1"),
    ],
)
def test_the_host_is_what_goes_over_the_wire(url: str, host: str) -> None:
    assert read_target(url).host == host
