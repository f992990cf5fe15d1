"""The one layer around every request: its id, its log line, its metric, and the last catch of what went wrong."""

import re
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.clock import monotonic
from app.core.db.pool import holder
from app.core.ids import new_id
from app.core.problems import Fault, Invalid, NotFound, PayloadTooLarge, Problem
from app.core.state import State
from app.core.text.messages import _
from app.core.web.cors import ASKER, add_fields
from app.core.web.edge.answer_headers import Fields, complete
from app.core.web.http import problem_of, problem_response

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_MAILS: Final = re.compile(r"/v1/ingest/[^/]{1,40}/email")
"""Where e-mails come in, which are larger than what else is sent."""
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
ONLY_HEAD: Final = "heliodesk.head"
"""In the scope of a HEAD, which looks like a GET otherwise."""
_QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_SHOWN: Final = 500
"""Characters of a path in the log."""
_log = structlog.get_logger("heliodesk.http")


class RequestLayer:
    """Pure ASGI middleware; it costs some microseconds.

    ``X-Request-Id`` is taken over or made, and sent back; ``traceparent`` (W3C) is logged as ``trace_id``. HEAD is
    answered as GET is, without the body (RFC 9110, 9.3.2).
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int, max_mail_bytes: int = 0) -> None:
        self.app, self._max_body_bytes = app, max_body_bytes
        self._max_mail_bytes = max_mail_bytes or max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        known = _identify(headers)
        tokens = structlog.contextvars.bind_contextvars(**known)
        nobody = holder.set(None)  # until the key is known
        try:
            await self._handle(_Exchange(scope, send, known["request_id"]), headers, receive)
        finally:
            holder.reset(nobody)
            structlog.contextvars.reset_contextvars(**tokens)

    async def _handle(self, exchange: "_Exchange", headers: Headers, receive: Receive) -> None:
        started = monotonic()
        try:
            _refuse_nul(exchange.scope)
            most = self._max_mail_bytes if _MAILS.fullmatch(exchange.scope["path"]) else self._max_body_bytes
            await self.app(exchange.scope, _limit(receive, headers, most), exchange.send)
        except Problem as problem:
            await exchange.fail(problem, receive)
        except Exception as error:
            # Nothing above may see it: the caller gets a problem without any detail, the log has it all.
            hidden = problem_of(error)
            if exchange.status:
                raise
            await exchange.fail(hidden, receive)
        _observe(exchange, monotonic() - started)


class _Exchange:
    """One request, with the status of its answer once that has begun (before: 0).

    ``method`` is the caller's; to the application a HEAD is a GET.
    """

    def __init__(self, scope: Scope, send: Send, request_id: str) -> None:
        self.method: str = scope["method"]
        self.scope: Scope = {**scope, "method": "GET", ONLY_HEAD: True} if self.method == "HEAD" else scope
        self._send, self._request_id, self.status = send, request_id, 0

    async def send(self, message: Message) -> None:
        """Pass on a part of the answer, its head with the request's id and what every answer has."""
        begins = message["type"] == "http.response.start"
        if begins:
            self.status = message["status"]
            fields: Fields = message.setdefault("headers", [])
            fields.append((b"x-request-id", self._request_id.encode()))
            complete(fields)
            if ASKER in self.scope:
                add_fields(self.scope, self.status, fields)
        if begins or self.method != "HEAD":
            await self._send(message)
        if begins and self.method == "HEAD":  # its end too: an answer that would stay open sees its reader go
            await self._send({"type": "http.response.body", "body": b""})

    async def fail(self, problem: Problem, receive: Receive) -> None:
        """Answer with a problem."""
        await problem_response(problem, self.scope)(self.scope, receive, self.send)


def _refuse_nul(scope: Scope) -> None:
    """Postgres cannot hold U+0000; a path with it names nothing."""
    if b"%00" in scope["query_string"]:
        raise Invalid(errors=[Fault(pointer="#/query", detail=_("Parameters cannot contain the character U+0000"))])
    if "\0" in scope["path"]:
        raise NotFound


def _limit(receive: Receive, headers: Headers, limit: int) -> Receive:
    """413 for a body above the limit, when it is read: by its declared length, else as soon as too much has come."""
    declared = headers.get("content-length")
    is_declared = declared is not None and declared.isdecimal()
    if is_declared and int(declared or 0) <= limit:
        return receive
    left = -1 if is_declared else limit

    async def counted() -> Message:
        nonlocal left
        message: Message = {} if left < 0 else await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise _too_large(limit)
        return message

    return counted


def _too_large(limit: int) -> Problem:
    """The refusal ends the connection: the rest of the body is not waited for."""
    return PayloadTooLarge(_("A body has at most {limit} bytes", limit=limit), headers={"Connection": "close"})


def _identify(headers: Headers) -> dict[str, str]:
    given = headers.get("x-request-id", "")
    known = {"request_id": given if _REQUEST_ID.fullmatch(given) else new_id("req")}
    trace = _TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    return known | {"trace_id": trace[1]} if trace else known


def _observe(exchange: _Exchange, seconds: float) -> None:
    scope, method, status = exchange.scope, exchange.method, exchange.status
    path = scope["path"]
    route = getattr(scope.get("route"), "path", "-")
    state: State = scope["app"].state.heliodesk
    state.metrics.requests.labels(method, route, status).observe(seconds)
    if path not in _QUIET:
        _log.info("request", method=method, path=path[:_SHOWN], status=status, ms=round(seconds * 1000, 1))
