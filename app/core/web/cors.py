"""Pages of other origins: what browsers let them read of our answers (WHATWG Fetch, 3.3). No cookies are ever involved.

A preflight cannot carry a key, so it says of whatever page asks that the request may be sent, where visitors have such
an operation. The request itself shows a widget key, and only a page that this key lists gets the answer.
"""

from typing import Final

from fastapi import Request, Response
from starlette.datastructures import Headers
from starlette.routing import Route
from starlette.types import Scope

from app.core.schemas.origins import is_listed

Fields = list[tuple[bytes, bytes]]

READER: Final = "heliodesk.page"
"""In a request's scope: the origin of the page that may read the answer."""
ASKER: Final = "heliodesk.asker"
"""In the scope of a request that shows a widget key: the origin that it comes from, or an empty text."""
WIDGET_KEY: Final = "hd_widget_"
IDENTITY: Final = "Heliodesk-Identity"
"""The header in which a visitor shows who they are."""
MAX_AGE: Final = 7200
"""Seconds for which a browser need not ask again: the most that Chromium takes."""
_SENT: Final = (
    f"Authorization, {IDENTITY}, Content-Type, Idempotency-Key, If-Match, Last-Event-ID, Accept-Language, "
    "X-Request-Id, Traceparent"
)
_SHOWN: Final = (
    b"ETag, Link, Location, Idempotency-Replayed, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, "
    b"Content-Language, WWW-Authenticate, Date"
)
_VARY: Final = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
_UNKNOWN_KEY: Final = 401


def preflight(request: Request) -> Response | None:
    """The answer to a browser that asks whether a page may send a request; None where it does not ask, or may not."""
    origin, method = request.headers.get("origin"), request.headers.get("access-control-request-method")
    if request.method != "OPTIONS" or method is None or not _is_page(origin) or origin is None:
        return None
    path = request.scope["path"]
    routes = [each for each in request.app.routes if getattr(each, "visitors", ())]
    found = [each for each in routes if isinstance(each, Route) and each.path_regex.match(path)]
    methods = sorted({method for each in found for method in each.methods or ()})
    if method not in methods:
        return None
    headers = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": _SENT,
        "Access-Control-Max-Age": str(MAX_AGE),
        "Vary": _VARY,
    }
    return Response(status_code=204, headers=headers)


def _is_page(origin: str | None) -> bool:
    return origin is not None and origin.startswith(("https://", "http://")) and origin.isprintable()


def note_page(scope: Scope, origins: tuple[str, ...] | None) -> None:
    """Note from which page a request comes that shows a widget key, which lists these origins; None: it is unknown."""
    origin = Headers(scope=scope).get("origin", "")
    scope[ASKER] = origin
    if origins is not None and is_listed(origin, origins):
        scope[READER] = origin


def add_fields(scope: Scope, status: int, fields: Fields) -> None:
    """Say in an answer to a widget who may read it.

    That a key is not valid may be read by any page: it says nothing else, and lets a widget put itself away.
    """
    asker: str = scope[ASKER]
    reader = scope.get(READER) or (asker if status == _UNKNOWN_KEY and _is_page(asker) else None)
    _vary(fields)
    if reader:
        fields.append((b"access-control-allow-origin", reader.encode("latin-1")))
        fields.append((b"access-control-expose-headers", _SHOWN))


def _vary(fields: Fields) -> None:
    """Add the origin to what an answer depends on."""
    for number, (name, value) in enumerate(fields):
        if name.lower() == b"vary":
            fields[number] = (name, value + b", Origin")
            return
    fields.append((b"vary", b"Origin"))
