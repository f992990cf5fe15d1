"""The handshake by which a sender of CloudEvents asks whether it may send (HTTP 1.1 Web Hooks for Event Delivery, 4).

It tells the sender that deliveries are expected here, and nothing about who may send: each delivery shows its key or
signature. Consent is answered at once, so the sender's ``WebHook-Request-Callback`` is never called.

A browser's CORS preflight is an ``OPTIONS`` too. It has ``Origin`` and ``Access-Control-Request-Method``, and never
``WebHook-Request-Origin``: what has none is no handshake, and is left to whoever answers preflights.
"""

import re
from typing import Final

from fastapi import HTTPException, Request, Response

from app.core.db.engine import lookup
from app.core.problems import BadRequest, Conflict, MethodNotAllowed, NotFound
from app.core.state import State
from app.core.text.messages import _

ORIGIN: Final = "webhook-request-origin"
_RATE: Final = "webhook-request-rate"
_NAME: Final = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_*-]+(?:\.[A-Za-z0-9_-]+)*(?::\d{1,5})?")
_NUMBER: Final = re.compile(r"[1-9]\d{0,8}", re.ASCII)
_ENABLED: Final = "SELECT (fields->>'enabled')::boolean FROM hooks WHERE id = $1"


async def consent(request: Request, state: State, hook_id: str) -> Response:
    """The answer to a handshake: the sender's origin, and how many deliveries a minute are taken.

    Raises 404 for a hook that is not there, 409 for one that is disabled, 400 for an origin that is no DNS name, and
    405 for an ``OPTIONS`` that is no handshake.
    """
    origin = request.headers.get(ORIGIN)
    if origin is None:
        raise HTTPException(MethodNotAllowed.status)
    if not _NAME.fullmatch(origin):
        raise BadRequest(_("WebHook-Request-Origin is not a DNS name"))
    async with lookup(state.engine) as connection:
        enabled = await connection.fetchval(_ENABLED, hook_id)
    if enabled is None:
        raise NotFound
    if not enabled:
        raise Conflict(_("The hook is disabled"))
    allowed = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": _granted(request, state)}
    return Response(status_code=200, headers=allowed | {"Allow": "POST"})


def _granted(request: Request, state: State) -> str:
    """Deliveries a minute: what the sender asks for, as far as the account's hooks take so many; `*`: any number."""
    most, asked = state.settings.rate_per_account, request.headers.get(_RATE, "").strip()
    if not _NUMBER.fullmatch(asked):
        return str(most) if most else "*"
    return str(min(int(asked), most) if most else int(asked))
