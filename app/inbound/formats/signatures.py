"""Whether a payload comes from somebody who shares the hook's secret: the schemes of several senders. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from app.webhooks.rules.signing import signature as standard_signature

Scheme: TypeAlias = Literal[
    "key", "bearer", "basic", "none", "grafana", "github", "sentry", "standard_webhooks", "hmac"
]
CARRIERS: Final[Mapping[str, tuple[str, ...]]] = {
    "key": ("bearer", "basic", "query", "body"),
    "bearer": ("bearer",),
    "basic": ("basic",),
}
"""Where a hook's key may be, by the scheme; the other schemes know no key."""
TOLERANCE: Final = timedelta(minutes=5)
"""How far the instant that a sender has signed may be from ours."""
GRAFANA_TIMESTAMP: Final = "x-grafana-alerting-timestamp"


@dataclass(frozen=True, slots=True)
class Signed:
    """A request as a signature is checked of it; ``headers`` have lower-case names."""

    headers: Mapping[str, str]
    body: Iterable[bytes]
    """in pieces"""
    now: datetime


@dataclass(frozen=True, slots=True)
class Custom:
    """Where a scheme of the sender's own has its HMAC-SHA256 over the body."""

    header: str = ""
    prefix: str = ""
    encoding: Literal["hex", "base64"] = "hex"


def is_signed(scheme: Scheme, secrets: Sequence[str], request: Signed, custom: Custom) -> bool:
    """Whether the request carries a right signature by one of the secrets in force. Comparisons take constant time."""
    if scheme == "hmac":
        return _has(request, secrets, custom)
    check = _CHECKS[scheme]
    return any(check(secret, request) for secret in secrets)


def _has(request: Signed, secrets: Sequence[str], custom: Custom) -> bool:
    given = request.headers.get(custom.header.lower(), "").strip()
    if not given.startswith(custom.prefix):
        return False
    digest = given.removeprefix(custom.prefix)
    if custom.encoding == "hex":
        return any(_is_hex(digest, _mac(secret, request.body)) for secret in secrets)
    return any(_same(digest, _mac(secret, request.body, "base64")) for secret in secrets)


def _mac(secret: str, content: Iterable[bytes], encoding: str = "hex") -> str:
    mac = hmac.new(secret.encode(), digestmod=hashlib.sha256)
    for piece in content:
        mac.update(piece)
    digest = mac.digest()
    return digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())


def _is_hex(given: str, right: str) -> bool:
    """Hexadecimal digits are equal in either case (RFC 4648, 8)."""
    return _same(given.lower(), right)


def _github(secret: str, request: Signed) -> bool:
    return _is_hex(request.headers.get("x-hub-signature-256", ""), f"sha256={_mac(secret, request.body)}")


def _sentry(secret: str, request: Signed) -> bool:
    return _is_hex(request.headers.get("sentry-hook-signature", ""), _mac(secret, request.body))


def _grafana(secret: str, request: Signed) -> bool:
    """Over the body, or over ``timestamp:body`` where Grafana was told to send a timestamp."""
    stamp = request.headers.get(GRAFANA_TIMESTAMP)
    content = request.body if stamp is None else (stamp.encode("utf-8", "replace") + b":", *request.body)
    right = _is_hex(request.headers.get("x-grafana-alerting-signature", ""), _mac(secret, content))
    return right and (stamp is None or _is_recent(stamp, request.now))


def _standard(secret: str, request: Signed) -> bool:
    """Standard Webhooks 1.0.0: one of the space-delimited signatures over ``id.timestamp.body``."""
    stamp, name = request.headers.get("webhook-timestamp", ""), request.headers.get("webhook-id", "")
    if not name or not _is_recent(stamp, request.now):
        return False
    right = standard_signature(secret, name, int(stamp), *request.body)
    return any(_same(given, right) for given in request.headers.get("webhook-signature", "").split(" "))


def _is_recent(stamp: str, now: datetime) -> bool:
    """Whether Unix seconds are near enough to now."""
    known = stamp.isascii() and stamp.isdecimal() and len(stamp) <= len("9999999999")
    return known and abs(now.timestamp() - int(stamp)) <= TOLERANCE.total_seconds()


_CHECKS: Final[Mapping[str, Callable[[str, Signed], bool]]] = {
    "grafana": _grafana,
    "github": _github,
    "sentry": _sentry,
    "standard_webhooks": _standard,
}
SIGNED: Final = frozenset({*_CHECKS, "hmac"})
"""Schemes with a secret that sender and hook share."""
