import base64

import pytest
from fastapi import Request

from app.core.web.credentials import Key, key_of


def shown(authorization: bytes, query: bytes = b"") -> Key | None:
    headers = [(b"authorization", authorization)] if authorization else []
    return key_of(Request({"type": "http", "headers": headers, "query_string": query}))


@pytest.mark.parametrize(
    ("authorization", "key"),
    [
        (b"Bearer hd_a", Key("hd_a", "bearer")),
        (b"bearer  hd_a ", Key("hd_a", "bearer")),
        (b"Basic " + base64.b64encode(b"anybody:hd_a"), Key("hd_a", "basic")),
        (b"Basic " + base64.b64encode(b"no colon"), Key("", "basic")),
        (b"Basic " + base64.b64encode(b"anybody:\xff"), Key("", "basic")),
        (b"Basic \xff", Key("", "basic")),
        (b"Basic =", Key("", "basic")),
        (b"Digest a", None),
    ],
)
def test_the_key_is_a_bearer_token_or_the_password_of_basic(authorization: bytes, key: Key | None) -> None:
    assert shown(authorization) == key


def test_the_key_is_the_parameter_where_no_field_shows_one() -> None:
    assert shown(b"", b"key=hd_a") == Key("hd_a", "query")
    assert shown(b"", b"") is None
