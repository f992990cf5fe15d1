"""Which heads of requests are refused."""

import pytest

from app.core.web.edge.heads import fault

HOST = (b"host", b"a.example:8000")
BODY = (b"content-length", b"5")


@pytest.mark.parametrize(
    ("fields", "version", "upgrades", "said"),
    [
        ([HOST], "1.1", False, None),
        ([(b"host", b"[::1]:80"), BODY], "1.1", False, None),
        ([(b"host", b"")], "1.1", False, None),
        ([], "1.0", False, None),
        ([], "1.1", False, "exactly one Host"),
        ([HOST, HOST], "1.1", False, "exactly one Host"),
        ([HOST, HOST], "1.0", False, "exactly one Host"),
        ([(b"host", b"a b")], "1.1", False, "does not name"),
        ([(b"host", b"a/b")], "1.1", False, "does not name"),
        ([HOST, BODY], "1.1", True, "another protocol"),
        ([HOST, (b"content-length", b"0")], "1.1", True, None),
    ],
)
def test_a_head_names_one_host(
    fields: list[tuple[bytes, bytes]], version: str, *, upgrades: bool, said: str | None
) -> None:
    found = fault(fields, version, upgrades=upgrades)
    assert (found is None) == (said is None)
    assert said is None or said in str(found)
