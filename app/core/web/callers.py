"""Whose key a request shows, and how it is checked."""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any, Final, TypeAlias

from asyncpg import Connection
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import Headers
from starlette.types import Scope

from app.core.auth import Principal
from app.core.clock import monotonic
from app.core.db.session import driver, sealed
from app.core.db.tables import Row
from app.core.keys.keyring import Keyring
from app.core.problems import Problem, Unauthorized, Unavailable
from app.core.state import get_state
from app.core.text.language import Language, choose_language
from app.core.text.messages import _

PRINCIPAL: Final = "heliodesk.principal"
"""In a request's scope: the principal of its key, once it has been looked up."""
CONFIRM: Final = "heliodesk.confirm"
"""In a request's scope: its ``Presumed`` key, which each try of a transaction checks by its first statement."""
CHECKED: Final = "heliodesk.checked"
"""In a request's scope: when its key was last looked up and found valid, by the monotonic clock."""
FRESH: Final = 1.0
"""Seconds for which a look-up of the key is good enough to commit: a write that takes longer may wait for a lock."""
NOTHING: Final = "SELECT"
"""The statement of ``Presumed.ask`` that finds nothing but whose key it is."""

Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]
"""What answers the requests of one route."""
VISITING: Final = ("widget", "ticket")
"""The kinds of keys that visitors have."""
_TRIES: Final = 3
"""How often a request is handled whose caller's key changes meanwhile."""
_SOON: Final = {"Retry-After": "1"}


class KeyChanged(Exception):
    """The key is not what the process remembers of it: the request is handled again, for the principal it has."""


@dataclass(frozen=True, slots=True)
class Presumed:
    """A key that the process remembers, and its ``principal`` as remembered: a statement is yet to check it.

    Both checks raise ``Unauthorized`` where the key is not valid, and ``KeyChanged`` where it stands for another
    principal, as after a change of its role.
    """

    scope: Scope
    keyring: Keyring
    key: str
    principal: Principal

    async def ask(self, connection: "Connection[Any]", sql: str, *values: Any) -> Row:
        """The one row of a statement that checks the key besides; null in each column where it finds none."""
        principal, row = await self.keyring.ask(connection, self.key, sql, *values)
        self._take(principal)
        return row

    async def confirm(self) -> None:
        """Check the key by a statement of its own."""
        self._take(await self.keyring.principal(self.key))

    def _take(self, principal: Principal) -> None:
        same = principal == self.principal.stored
        found(self.scope, self.principal if same else principal)
        if not same:
            self.scope.pop(CONFIRM, None)
            raise KeyChanged


def found(scope: Scope, principal: Principal) -> None:
    """The key of a request has been looked up, and stands for this principal."""
    scope[PRINCIPAL], scope[CHECKED] = principal, monotonic()


def lost(scope: Scope) -> None:
    """What is known of a request's key may have ceased to hold."""
    scope.pop(PRINCIPAL, None)
    scope.pop(CHECKED, None)


async def principal_of(request: Request) -> Principal:
    """Whose bearer token the request shows; it is looked up once in a request. Raises ``Unauthorized``."""
    known: Principal | None = request.scope.get(PRINCIPAL)
    if known is not None:
        return known
    key = bearer_of(request)
    state = await get_state(request)
    principal = await state.keyring.principal(key)
    found(request.scope, principal)
    return principal


async def presume(request: Request) -> Principal:
    """``principal_of``, but that a key which the process remembers is left to a later statement to check.

    That is the first statement of what is done for the caller (``Presumed.ask``); nobody is told anything before it.
    Who a visitor is has to be asked anyway, so their key is checked first.
    """
    scope = request.scope
    if CONFIRM not in scope:
        key, keyring = bearer_of(request), (await get_state(request)).keyring
        known = None if PRINCIPAL in scope else keyring.known(key)
        if known is None or known.kind in VISITING:
            return await principal_of(request)
        scope[CONFIRM] = Presumed(scope, keyring, key, known)
    presumed: Presumed = scope[CONFIRM]
    return presumed.principal


def bearer_of(request: Request) -> str:
    """The bearer token that the request shows. Raises ``Unauthorized`` where it shows none."""
    scheme, _space, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized(_("Send the header 'Authorization: Bearer <key>'"))
    return key.strip()


async def confirm(request: Request) -> None:
    """Check the key of a caller who is about to be told something, if that is yet to be done."""
    presumed: Presumed | None = request.scope.get(CONFIRM)
    if presumed and CHECKED not in request.scope:
        await presumed.confirm()


async def check_again(request: Request) -> None:
    """Check the key of a caller whose answer takes long, unless that was done a moment ago. 401 if it is not valid."""
    if monotonic() - request.scope.get(CHECKED, -inf) >= FRESH:
        found(request.scope, await (await get_state(request)).keyring.principal(bearer_of(request)))


async def handle_checked(handle: Handler, request: Request) -> Response:
    """What the handler answers, once the caller's key has been checked; it is asked again where the key has changed."""
    for _try in range(_TRIES):
        with suppress(KeyChanged), sealed(partial(_check_before_commit, request)):
            return await _confirmed(handle, request)
    raise Unavailable(headers=_SOON)


async def _confirmed(handle: Handler, request: Request) -> Response:
    """What the handler answers, once the caller's key has been checked. Raises ``KeyChanged``."""
    try:
        response = await handle(request)
    except (Problem, RequestValidationError):
        await confirm(request)
        raise
    await confirm(request)
    return response


async def _check_before_commit(request: Request, session: AsyncSession) -> None:
    """Check the caller's key in the transaction, unless that was done a moment ago.

    So a write commits no later than a moment after its key was revoked, however long it waits for a lock, and an
    operation that never looks at the key of a presumed caller commits nothing for it.
    """
    scope = request.scope
    presumed: Presumed | None = scope.get(CONFIRM)
    known = presumed.principal if presumed else scope.get(PRINCIPAL)
    checked: float | None = scope.get(CHECKED)
    if known is None or (checked is not None and monotonic() - checked < FRESH):
        return
    keyring = (await get_state(request)).keyring
    try:
        principal, _row = await keyring.ask(await driver(session), bearer_of(request), NOTHING)
    except Unauthorized:
        lost(scope)  # the answer is to nobody whom the service knows
        raise
    same = principal == known.stored
    found(scope, known if same else principal)
    if not same:
        if checked is None:
            scope.pop(CONFIRM, None)
            raise KeyChanged
        raise Unavailable(headers=_SOON)  # not handled again: an earlier transaction may have committed


def language_of(scope: Scope) -> Language:
    """The language of whoever sent a request: by ``Accept-Language``, else that of the account whose key it shows."""
    return language_for_principal(scope, scope.get(PRINCIPAL))


def language_for_principal(scope: Scope, principal: Principal | None) -> Language:
    """``language_of`` a caller who is remembered as this principal."""
    return choose_language(wanted_language(scope), principal.locale if principal else None)


def wanted_language(scope: Scope) -> str:
    """What a request says in ``Accept-Language``, which may come in several fields."""
    return ", ".join(Headers(scope=scope).getlist("accept-language"))
