"""The layer in front of the routes that lets requests in: counted, in turn, and no more than their caller may have.

What is refused here has cost a look at a few headers: no query, no body, no route.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.auth import Principal
from app.core.db.queues import stepping_aside
from app.core.limits.callers import ORIGIN, Caller, Origin
from app.core.limits.inflight import DONE, Place
from app.core.problems import PayloadTooLarge, Problem, TooManyRequests, Unavailable, as_unavailable
from app.core.state import State
from app.core.web.callers import PRINCIPAL
from app.core.web.credentials import key_of
from app.core.web.edge.addresses import counted_address

_FREE: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""What monitoring asks for is always answered; to an address that asks very often, at a steady rate."""
_INGEST: Final = "/v1/ingest/"
_PAGERDUTY: Final = "/v2/enqueue"
_FAILED: Final = 400
_TOO_MUCH: Final = frozenset({TooManyRequests.status, Unavailable.status})
"""How callers who ask for too much are refused: those who go on at once are slowed down."""


class Admission:
    """Pure ASGI middleware. A request has a place from its head on; its body is read before it has its turn.

    So a slow sender holds up nobody whose turn it is, and once the last part of an answer is ready its turn is over: a
    slow reader holds up nobody either.
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
            await asyncio.sleep(state.limits.hold_free(_address(scope)))
            await self.app(scope, receive, send)
            return
        caller = await _caller(state, scope)
        try:
            place = _enter(state, caller)
        except TooManyRequests as refusal:
            state.metrics.refused.labels(refusal.members["quota"]).inc()
            await asyncio.sleep(state.limits.hold(caller))
            raise in_the_senders_terms(scope["path"], refusal) from None
        try:
            await self._work(_Visit(state, scope, send, caller, place), receive)
        except TooManyRequests as refusal:
            place.leave()
            await asyncio.sleep(state.limits.hold(caller))
            raise in_the_senders_terms(scope["path"], refusal) from None
        except PayloadTooLarge:
            place.leave()
            await asyncio.sleep(state.limits.hold(caller) if caller.is_stranger else 0)
            raise
        finally:
            place.leave()

    async def _work(self, visit: "_Visit", receive: Receive) -> None:
        scope = visit.scope
        if _has_body(scope):
            read = await _read(receive)
            if read is None:
                return  # whoever sent it is gone
            visit.state.limits.count_bytes(visit.caller, sum(len(message.get("body", b"")) for message in read))
            receive = _Again(read, receive).receive
            scope.pop(PRINCIPAL, None)  # while the body came, the key may have been revoked
        await visit.state.limits.turn(visit.caller, visit.place)
        scope[DONE] = visit.place.leave
        with stepping_aside(visit.place.aside):
            await self.app(scope, receive, visit.send)


@dataclass(frozen=True, slots=True)
class _Visit:
    """A request that has its place."""

    state: State
    scope: Scope
    to_caller: Send
    caller: Caller
    place: Place

    async def send(self, message: Message) -> None:
        """Pass on a part of the answer."""
        if message["type"] == "http.response.start":
            if message["status"] != TooManyRequests.status:  # which says more of the limit that is reached
                headers: list[tuple[bytes, bytes]] = message["headers"]
                headers += [(name.encode(), value.encode()) for name, value in self.caller.fields().items()]
            if message["status"] in _TOO_MUCH or (self.caller.is_stranger and message["status"] >= _FAILED):
                self.place.leave()
                await asyncio.sleep(self.state.limits.hold(self.caller))
        elif not message.get("more_body"):
            self.place.leave()
        await self.to_caller(message)


def _enter(state: State, caller: Caller) -> Place:
    place = state.limits.enter(caller)
    try:
        state.limits.count(caller)
    except Problem:
        place.leave()
        raise
    return place


async def _caller(state: State, scope: Scope) -> Caller:
    """Whose request it is, as far as counting goes."""
    shown, is_sent = key_of(Request(scope)), scope["path"].startswith(_INGEST)
    principal = await _principal(state, scope, shown.text) if shown and (is_sent or shown.carrier == "bearer") else None
    if is_sent and (principal is None or principal.kind == "hook"):
        return _sender(state, scope, principal)
    return state.limits.stranger(_address(scope)) if principal is None else state.limits.caller(principal)


async def _principal(state: State, scope: Scope, key: str) -> Principal | None:
    """Whose key it is or was; one that was never seen is looked up."""
    known = state.keyring.known(key)
    if known is None and state.keyring.is_plausible(key):
        known = scope[PRINCIPAL] = await state.keyring.first_seen(key)
    return known


def _sender(state: State, scope: Scope, principal: Principal | None) -> Caller:
    """Who sends to a hook: by its key or, where hooks take signatures, by what came from its address before."""
    if principal and principal.account_id:
        return state.limits.sender(principal.account_id)
    hook = scope["path"].removeprefix(_INGEST).partition("/")[0]
    origin = scope[ORIGIN] = Origin(state.limits.senders, f"{hook} {_address(scope)}".encode())
    account_id = origin.account_id
    return state.limits.sender(account_id) if account_id else state.limits.unknown_sender(_address(scope))


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return counted_address(client[0]) if client else "local"


def in_the_senders_terms(path: str, refusal: TooManyRequests) -> Problem:
    """What a sender of alerts understands: 503 where most give up at a 429; PagerDuty's clients know that one."""
    return as_unavailable(refusal) if path.startswith(_INGEST) and not path.endswith(_PAGERDUTY) else refusal


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


async def _read(receive: Receive) -> list[Message] | None:
    """The messages of the whole body; None when its sender went before its end."""
    messages: list[Message] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        messages.append(message)
        if not message.get("more_body"):
            return messages


class _Again:
    """A body that was read, once more; then what else comes."""

    def __init__(self, read: Sequence[Message], receive: Receive) -> None:
        self._read, self._receive = list(reversed(read)), receive

    async def receive(self) -> Message:
        return self._read.pop() if self._read else await self._receive()
