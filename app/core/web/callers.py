"""Whose key a request shows."""

from typing import Final

from fastapi import Request

from app.core.auth import Principal
from app.core.problems import Unauthorized
from app.core.state import get_state

PRINCIPAL: Final = "heliodesk.principal"
"""In a request's scope: the principal of its key, once it has been looked up."""


async def principal_of(request: Request) -> Principal:
    """Whose bearer token the request shows; it is looked up once in a request. Raises ``Unauthorized``."""
    known: Principal | None = request.scope.get(PRINCIPAL)
    if known is not None:
        return known
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized("Send the header 'Authorization: Bearer <key>'")
    state = await get_state(request)
    principal = request.scope[PRINCIPAL] = await state.keyring.principal(key.strip())
    return principal
