"""The layer in front of the routes that lets requests in: counted, in turn, and no more than their caller may have.

What is refused here has cost a look at a few headers: no query, no body, no route.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.auth import Principal
from app.core.db.queues import stepping_aside
from app.core.limits.addresses import counted_address, counted_network
from app.core.limits.callers import ADDRESS, KNOWN, ORIGIN, Caller, Origin
from app.core.limits.inflight import DONE, Place
from app.core.problems import (
    PayloadTooLarge,
    Problem,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    as_unavailable,
)
from app.core.state import State
from app.core.text.messages import _
from app.core.web.callers import CHECKED, VISITING, found, lost
from app.core.web.cors import WIDGET_KEY, note_page
from app.core.web.credentials import key_of

_FREE: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""What monitoring asks for is always answered; to an address that asks very often, at a steady rate."""
_INGEST: Final = "/v1/ingest/"
_PAGERDUTY: Final = "/v2/enqueue"
_FAILED: Final = 400
_AT_ONCE: Final = 1.0
"""Seconds within which a body comes if its sender is in good order; after that the key is checked."""
_SMALL: Final = 2**16
"""Bytes of a body that are counted for an account before the key is checked."""
_TOO_MUCH: Final = frozenset({TooManyRequests.status, Unavailable.status})
"""How callers who ask for too much are refused: those who go on at once are slowed down."""


class Admission:
    """Pure ASGI middleware. A request has a place from its head on; its body is read before it has its turn.

    So a slow sender holds up nobody whose turn it is. A slow reader holds up nobody either: the turn is over once
    the first part of an answer is ready, and its place when the last one is.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or raise the problem that says why not."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state: State = scope["app"].state.heliodesk
        if scope["path"] in _FREE:
            await asyncio.sleep(state.limits.hold_free(*_whence(scope)))
            await self.app(scope, receive, send)
            return
        caller, key = await _caller(state, scope)
        scope[KNOWN] = not caller.is_stranger
        sends = _has_body(scope)
        try:
            place = _enter(state, caller, sends=sends)
        except TooManyRequests as refusal:
            state.metrics.refused.labels(refusal.members["quota"]).inc()
            raise await _told_to(state, scope, caller, key, refusal) from None
        try:
            visit = _Visit(state, scope, send, caller, key, place)
            if sends:
                read = await _read(receive, visit.check_key)
                if not await visit.takes(read):
                    return
                receive = _Again(read, receive).receive
            await self._work(visit, receive)
        except TooManyRequests as refusal:
            place.leave()
            raise await _told_to(state, scope, caller, key, refusal) from None
        except PayloadTooLarge:
            place.leave()
            await asyncio.sleep(state.limits.hold(caller) if caller.is_stranger else 0)
            raise
        finally:
            place.leave()

    async def _work(self, visit: "_Visit", receive: Receive) -> None:
        await visit.state.limits.turn(visit.caller, visit.place)
        visit.scope[DONE] = visit.place.leave
        with stepping_aside(visit.place.aside):
            await self.app(visit.scope, receive, visit.send)


@dataclass(frozen=True, slots=True)
class _Visit:
    """A request that has its place."""

    state: State
    scope: Scope
    to_caller: Send
    caller: Caller
    key: str | None
    """by which the caller is counted, where it is by one"""
    place: Place

    async def check_key(self) -> None:
        """401 unless the key by which the caller is counted is valid; who is counted without one is let through."""
        if self.key:
            found(self.scope, await self.state.keyring.principal(self.key))

    async def takes(self, read: Sequence[Message]) -> bool:
        """Count a body, and have a place among the requests in progress; False where its sender left before its end.

        A body that came at once and is small is counted by what the process remembers of the key. Any other one costs
        the account nothing before the key has been checked.
        """
        lost(self.scope)  # the key may have been revoked while the body came
        size = sum(len(message.get("body", b"")) for message in read)
        if read[-1]["type"] == "http.disconnect":
            if self.key:
                self.state.keyring.doubt(self.key)
            return False
        if size > _SMALL and self.caller.sent:
            await self.check_key()
        self.state.limits.count_bytes(self.caller, size)
        self.state.limits.received(self.caller, self.place)
        return True

    async def send(self, message: Message) -> None:
        """Pass on a part of the answer."""
        if message["type"] == "http.response.start":
            if self._tells_rates(message["status"]):
                headers: list[tuple[bytes, bytes]] = message["headers"]
                headers += [(name.encode(), value.encode()) for name, value in self.caller.fields().items()]
            if message["status"] in _TOO_MUCH or (self.caller.is_stranger and message["status"] >= _FAILED):
                self.place.leave()
                await asyncio.sleep(self.state.limits.hold(self.caller))
        elif message.get("more_body"):
            self.place.rest()  # its reader may be slow
        else:
            self.place.leave()
        await self.to_caller(message)

    def _tells_rates(self, status: int) -> bool:
        """Whether an answer says what is left of the caller's rates; a 429 says more of the one that is reached.

        Whoever shows a key that was not found to be valid for this very answer learns nothing of an account's.
        """
        return status != TooManyRequests.status and (self.caller.is_stranger or CHECKED in self.scope)


def _enter(state: State, caller: Caller, *, sends: bool) -> Place:
    place = state.limits.enter(caller, sends=sends)
    try:
        state.limits.count(caller)
    except Problem:
        place.leave()
        raise
    return place


async def _told_to(state: State, scope: Scope, caller: Caller, key: str | None, refusal: TooManyRequests) -> Problem:
    """What a caller who asks for too much is told, after a while where there are many.

    The refusal has figures of the account, so it is for those alone whose key is valid. Others are told that theirs is
    not, and are counted by their address from then on.
    """
    await asyncio.sleep(state.limits.hold(caller))
    if key and not caller.is_stranger and await state.keyring.among_others(key) is None:
        return Unauthorized(_("This API key is not valid"))
    return in_the_senders_terms(scope["path"], refusal)


async def _caller(state: State, scope: Scope) -> tuple[Caller, str | None]:
    """Whose request it is, as far as counting goes, and the key that says so."""
    shown, is_sent = key_of(Request(scope)), scope["path"].startswith(_INGEST)
    principal = await _principal(state, scope, shown.text) if shown and (is_sent or shown.carrier == "bearer") else None
    key = shown.text if shown and principal else None
    if principal and principal.kind in VISITING:
        scope[ADDRESS], network = _whence(scope)
        if principal.widget:
            note_page(scope, principal.widget.origins)
        return state.limits.visitor(scope[ADDRESS], network), key
    if shown and shown.text.startswith(WIDGET_KEY):
        note_page(scope, None)
    if is_sent and (principal is None or principal.kind == "hook"):
        return _sender(state, scope, principal), key
    return (state.limits.stranger(*_whence(scope)) if principal is None else state.limits.caller(principal)), key


async def _principal(state: State, scope: Scope, key: str) -> Principal | None:
    """Whose key it is or was; one that was never seen is looked up."""
    known = state.keyring.known(key)
    if known is None and state.keyring.is_plausible(key):
        known = await state.keyring.among_others(key)
        if known:
            found(scope, known)
    return known


def _sender(state: State, scope: Scope, principal: Principal | None) -> Caller:
    """Who sends to a hook: by its key or, where hooks take signatures, by what came from its address before."""
    if principal and principal.account_id:
        return state.limits.sender(principal.account_id, principal.key_id)
    hook = scope["path"].removeprefix(_INGEST).partition("/")[0]
    address, network = _whence(scope)
    name = f"{hook} {address}"
    origin = scope[ORIGIN] = Origin(state.limits.senders, name.encode())
    account_id = origin.account_id
    return state.limits.sender(account_id, name) if account_id else state.limits.unknown_sender(address, network)


def _whence(scope: Scope) -> tuple[str, str]:
    """The address and the network that a request counts for, where it counts for no key."""
    client = scope.get("client")
    return (counted_address(client[0]), counted_network(client[0])) if client else ("local", "local")


def in_the_senders_terms(path: str, refusal: TooManyRequests) -> Problem:
    """What a sender of alerts understands: 503 where most give up at a 429; PagerDuty's clients know that one."""
    return as_unavailable(refusal) if path.startswith(_INGEST) and not path.endswith(_PAGERDUTY) else refusal


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


async def _read(receive: Receive, late: Callable[[], Awaitable[None]]) -> list[Message]:
    """The messages of the whole body, or up to where its sender left; ``late`` is asked if it does not come at once."""
    messages: list[Message] = []
    try:
        async with asyncio.timeout(_AT_ONCE):
            await _read_on(receive, messages)
    except TimeoutError:
        await late()
        await _read_on(receive, messages)
    return messages


async def _read_on(receive: Receive, messages: list[Message]) -> None:
    while not messages or messages[-1].get("more_body"):
        messages.append(await receive())


class _Again:
    """A body that was read, once more; then what else comes."""

    def __init__(self, read: Sequence[Message], receive: Receive) -> None:
        self._read, self._receive = list(reversed(read)), receive

    async def receive(self) -> Message:
        return self._read.pop() if self._read else await self._receive()
