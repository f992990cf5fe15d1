"""What the head of a request cannot say. Pure."""

import re
from collections.abc import Iterable
from typing import Final

from app.core.text.messages import Message, _

_HOST: Final = re.compile(rb"[A-Za-z0-9\-._~%!$&'()*+,;=:\[\]]*")
"""A host and a port, by their characters (RFC 3986, 3.2.2)."""
_LENGTHS: Final = frozenset({b"content-length", b"transfer-encoding"})
_OLD: Final = "1.0"


def asks_in_vain(method: bytes, fields: Iterable[tuple[bytes, bytes]], *, upgrades: bool) -> bool:
    """Whether a request with a body asks for another protocol, which may be ignored (RFC 9110, 7.8)."""
    return upgrades and method != b"CONNECT" and any(_announces_body(*field) for field in fields)


def without_upgrade(method: bytes, target: bytes, version: str, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The head again, as it would be without a wish for another protocol."""
    lines = [b"%s: %s\r\n" % field for field in fields if field[0] != b"upgrade"]
    return b"%s %s HTTP/%s\r\n%s\r\n" % (method, target, version.encode(), b"".join(lines))


def _announces_body(name: bytes, value: bytes) -> bool:
    return name in _LENGTHS and value.strip() != b"0"


def fault(fields: Iterable[tuple[bytes, bytes]], version: str, *, upgrades: bool) -> Message | None:
    """What is wrong with these fields of a request of HTTP ``version``, if anything is.

    A proxy in front may go by one ``Host``, and the application by another: so there is exactly one (RFC 9112, 3.2),
    and in HTTP/1.0 one at most.
    """
    hosts, announces_body = [], False
    for name, value in fields:
        if name == b"host":
            hosts.append(value)
        announces_body = announces_body or _announces_body(name, value)
    if len(hosts) != 1 and (hosts or version != _OLD):
        return _("A request must have exactly one Host field")
    if hosts and not _HOST.fullmatch(hosts[0].strip()):
        return _("The Host field does not name a host")
    if upgrades and announces_body:  # the parser would take the body for the next request
        return _("A request with a body cannot ask for another protocol")
    return None
