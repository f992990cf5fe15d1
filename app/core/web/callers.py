"""Whose key a request shows."""

from typing import Final

from fastapi import Request

from app.core.auth import Principal
from app.core.problems import Unauthorized
from app.core.state import get_state

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
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized("Send the header 'Authorization: Bearer <key>'")
    return key.strip()


async def confirm(request: Request) -> None:
    """Check the key of a caller who is about to be told something, if that is yet to be done (401, 403)."""
    check = request.scope.pop(CONFIRM, None)
    if check:
        await check(request)
