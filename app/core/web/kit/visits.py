"""Visitors: whoever calls from a browser, by a key that is no secret. What they may call, and who they are."""

from typing import Any, Final

from fastapi import Request

from app.core.auth import Principal, VisitorKind
from app.core.limits.callers import ADDRESS
from app.core.problems import Forbidden, IdentityRefused
from app.core.schemas.origins import is_listed
from app.core.state import State, get_state
from app.core.text.messages import _
from app.core.web.callers import found
from app.core.web.cors import ASKER, IDENTITY

EVERYBODY: Final[tuple[VisitorKind, ...]] = ("person", "link", "follower", "guest")
"""Also those of whom nothing is known."""
FOLLOWERS: Final[tuple[VisitorKind, ...]] = ("person", "link", "follower")
"""Those who have a ticket."""
CUSTOMERS: Final[tuple[VisitorKind, ...]] = ("person", "link")
"""Those whom somebody has vouched for."""
OPENERS: Final[tuple[VisitorKind, ...]] = ("person", "guest")
PERSONS: Final[tuple[VisitorKind, ...]] = ("person",)


async def visit(request: Request, principal: Principal) -> Principal:
    """The visitor who shows a widget's or a ticket's key. 403 where visitors like this one have no business.

    401 (``identity-refused``) for an identity token that is no use: nobody is taken for somebody else, or for nobody.
    """
    admitted = request.scope["route"].visitors
    if not admitted:
        raise Forbidden(_("A {kind} key is not accepted here", kind=principal.kind))
    state = await get_state(request)
    if principal.widget:
        require_page(request, state, principal.widget.origins)
    address: str = request.scope.get(ADDRESS, "")
    known = await state.visitors.identify(principal, _shown(request, principal), address, request.path_params)
    found(request.scope, known)
    if known.visitor is None or known.visitor.kind not in admitted:
        raise Forbidden(_not_for(known))
    if known.visitor.kind in CUSTOMERS:
        state.limits.count_visitor(known)
    return known


def _shown(request: Request, principal: Principal) -> str | None:
    """What the visitor shows of who they are; a ticket's key says so itself."""
    shown = request.headers.getlist(IDENTITY) if principal.widget else []
    if len(shown) > 1:
        raise IdentityRefused("malformed", _("The request has more than one {header}", header=IDENTITY))
    return shown[0].strip() if shown else None


def require_page(request: Request, state: State, origins: tuple[str, ...]) -> None:
    """403 for a page that the key does not list, unless it is our own.

    A request without an origin is let through: browsers leave it out on our own pages alone, and whatever is no browser
    sends any origin that it likes.
    """
    origin = request.scope.get(ASKER) or request.headers.get("origin", "")
    own = state.settings.public_url
    if not origin or is_listed(origin, origins) or (own is not None and is_listed(origin, [_origin_of(own)])):
        return
    raise Forbidden(_("The key does not list the origin {origin}", origin=origin[:300]))


def _origin_of(url: Any) -> str:
    port = "" if url.port in (None, 80 if url.scheme == "http" else 443) else f":{url.port}"
    return f"{url.scheme}://{url.host}{port}"


def _not_for(principal: Principal) -> Any:
    if principal.visitor and principal.visitor.kind == "guest":
        return _("This is only for visitors who have identified themselves")
    return _("This ticket's key is not for that")
