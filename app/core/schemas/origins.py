"""Origins of pages (RFC 6454), as widget keys list them and as browsers send them. Pure."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints

from app.core.outgoing.targets import Unusable, read_target
from app.core.problems import invalid_value, message_of
from app.core.text.messages import _

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_ANY: Final = "*."
_SHAPE: Final = r"^https?://[^/?#@\s\\]{1,300}/?$"
_SUBDOMAINS: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_LABELS: Final = 2
"""Labels of a domain whose subdomains can be listed: those of a whole top-level domain cannot."""


def _origin(value: str) -> str:
    """The origin as browsers write it: lower case, the host in ASCII, without the scheme's own port."""
    if not re.fullmatch(_SHAPE, value, re.IGNORECASE):
        said = _(
            "An origin is a scheme, a host and perhaps a port, such as https://shop.example:8443, and nothing else"
        )
        raise invalid_value("origin", said)
    any_subdomain, plain = _without_star(value.rstrip("/"))
    try:
        target = read_target(plain)
    except Unusable as error:
        raise invalid_value("origin", message_of(error)) from error
    if any_subdomain and (target.scheme != "https" or not _has_subdomains(target.host)):
        said = _("A star stands for the subdomains of a domain, like https://*.example.com")
        raise invalid_value("origin", said)
    port = urlsplit(plain).port
    host = f"[{target.host}]" if ":" in target.host else target.host.lower().rstrip(".")
    ending = f":{port}" if port not in (None, _DEFAULT_PORTS[target.scheme]) else ""
    return f"{target.scheme}://{_ANY if any_subdomain else ''}{host}{ending}"


def _without_star(value: str) -> tuple[bool, str]:
    scheme, _separator, rest = value.partition("://")
    return rest.startswith(_ANY), f"{scheme.lower()}://{rest.removeprefix(_ANY)}"


def _has_subdomains(host: str) -> bool:
    labels = host.rstrip(".").split(".")
    return len(labels) >= _LABELS and not labels[-1].isdigit() and ":" not in host


_SCHEMA: Final[dict[str, Any]] = {"pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://[!-~]+$"}
Origin = Annotated[
    str,
    StringConstraints(max_length=300),
    AfterValidator(_origin),
    Field(json_schema_extra=_SCHEMA, examples=["https://app.example.com"]),
]
"""An origin such as ``https://shop.example:8443``, or ``https://*.example.com``: all subdomains of a domain."""


def is_listed(origin: str, origins: Iterable[str]) -> bool:
    """Whether the origin that a browser sends is one of these, or a subdomain of one with a star."""
    return any(origin == each or _is_below(origin, each) for each in origins)


def _is_below(origin: str, listed: str) -> bool:
    scheme, star, domain = listed.partition(_ANY)
    if not star or not origin.startswith(scheme) or not origin.endswith(f".{domain}"):
        return False
    return _SUBDOMAINS.fullmatch(origin[len(scheme) : -len(domain) - 1]) is not None
