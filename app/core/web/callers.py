"""Whose key a request shows."""

from typing import Final

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import Scope

from app.core.auth import Principal
from app.core.problems import Unauthorized
from app.core.state import get_state
from app.core.text.language import Language, choose_language
from app.core.text.messages import _

PRINCIPAL: Final = "heliodesk.principal"
"""In a request's scope: the principal of its key, once it has been looked up."""
CONFIRM: Final = "heliodesk.confirm"
"""In a request's scope: what checks its key, as long as that is only remembered to be valid."""


async def principal_of(request: Request) -> Principal:
    """Whose bearer token the request shows; it is looked up once in a request. Raises ``Unauthorized``."""
    known: Principal | None = request.scope.get(PRINCIPAL)
    if known is not None:
        return known
    key = bearer_of(request)
    state = await get_state(request)
    principal = request.scope[PRINCIPAL] = await state.keyring.principal(key)
    return principal


def bearer_of(request: Request) -> str:
    """The bearer token that the request shows. Raises ``Unauthorized`` where it shows none."""
    scheme, _space, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized(_("Send the header 'Authorization: Bearer <key>'"))
    return key.strip()


async def confirm(request: Request) -> None:
    """Check the key of a caller who is about to be told something, if that is yet to be done (401, 403)."""
    check = request.scope.pop(CONFIRM, None)
    if check:
        await check(request)


def language_of(scope: Scope) -> Language:
    """The language of whoever sent a request: by ``Accept-Language``, else that of the account whose key it shows."""
    principal: Principal | None = scope.get(PRINCIPAL)
    wanted = ", ".join(Headers(scope=scope).getlist("accept-language"))
    return choose_language(wanted, principal.locale if principal else None)
