import pytest
from pydantic import TypeAdapter, ValidationError

from app.core.schemas.origins import Origin, is_listed

ORIGIN: TypeAdapter[str] = TypeAdapter(Origin)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("HTTPS://App.Example.COM/", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("https://app.example.com:8443", "https://app.example.com:8443"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://localhost:80", "http://localhost"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("https://*.example.com", "https://*.example.com"),
        ("https://*.Example.com:8443", "https://*.example.com:8443"),
    ],
)
def test_an_origin_is_kept_as_browsers_write_it(given: str, kept: str) -> None:
    assert ORIGIN.validate_python(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "*",
        "null",
        "app.example.com",
        "ftp://app.example.com",
        "https://",
        "https://*",
        "https://*.com",
        "https://app.*.com",
        "https://*.*.example.com",
        "https://*example.com",
        "http://*.example.com",
        "https://*.192.0.2.1",
        "https://app.example.com/page",
        "https://app.example.com?",
        "https://app.example.com#",
        "https://me@app.example.com",
        "https://app.example.com:0",
        "https://app.example.com:99999",
        "https://app.example.com https://evil.example",
        "https://app.example.com\\",
    ],
)
def test_what_is_no_origin_is_refused(given: str) -> None:
    with pytest.raises(ValidationError):
        ORIGIN.validate_python(given)


LISTED = ("https://app.example.com", "https://*.shop.example", "https://*.shop.example:8443")


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com",
        "https://eu.shop.example",
        "https://a.b.shop.example",
        "https://eu.shop.example:8443",
    ],
)
def test_a_listed_page_is_known(origin: str) -> None:
    assert is_listed(origin, LISTED)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.evil.example",
        "https://evil.example",
        "https://shop.example",
        "https://evilshop.example",
        "http://eu.shop.example",
        "https://eu.shop.example:9443",
        "https://evil.example/.shop.example",
        "https://evil.example?.shop.example",
        "https://evil@eu.shop.example",
        "https://.shop.example",
    ],
)
def test_any_other_page_is_not(origin: str) -> None:
    assert not is_listed(origin, LISTED)
