"""``Idempotency-Key``: a repeated POST is answered with what the first one was answered, and does nothing again.

The key's advisory lock, the work and the stored answer are one transaction, so a crash leaves either all or nothing.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeAlias

import orjson
from asyncpg import Connection
from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal
from app.core.db.engine import Sessions
from app.core.db.models import StoredAnswerRow
from app.core.db.session import driver, run
from app.core.db.statements.housekeeping import forget
from app.core.db.tables import Row
from app.core.problems import Conflict, Fault, IdempotencyMismatch, Invalid, RequestInFlight
from app.core.state import State
from app.core.text.messages import _
from app.core.web.replies import dump, reply

_KEY: Final = re.compile(r'"([ !#-~]{1,255})"|([!#-~]([ !#-~]{0,253}[!#-~])?)')
"""Printable ASCII without quotes: quoted (a structured-field string, RFC 9651) or bare."""
_JSON: Final = "application/json"

# The lock may be got just after another request has committed its answer and before this statement could see it:
# then the INSERT below finds the answer there, and this transaction is rolled back.
_CLAIM: Final = """
SELECT pg_try_advisory_xact_lock($3) AS free, a.body_hash, a.status, a.answer::text, a.headers::text,
       EXISTS (SELECT FROM stored_answers
               WHERE account_id = $4 AND key_hash = $5 AND created_at > now() - interval '24 hours') AS of_support
FROM (SELECT) AS one
LEFT JOIN stored_answers AS a
    ON a.account_id = $1 AND a.key_hash = $2 AND a.created_at > now() - interval '24 hours'
"""
_KEEP: Final = """
INSERT INTO stored_answers AS a (account_id, key_hash, body_hash, status, answer, headers, created_at)
VALUES ($1, $2, $3, $4, $5, $6, now())
ON CONFLICT (account_id, key_hash) DO UPDATE
SET body_hash = excluded.body_hash, status = excluded.status, answer = excluded.answer,
    headers = excluded.headers, created_at = excluded.created_at
WHERE a.created_at <= now() - interval '24 hours'
"""

_OVER: Final = "t.created_at <= now() - interval '24 hours'"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a use case answers: a 2xx with its body; ``withheld`` members are shown once and never stored."""

    body: dict[str, Any]
    status: int = 201
    headers: Mapping[str, str] = field(default_factory=dict)
    withheld: tuple[str, ...] = ("secret",)


Work: TypeAlias = Callable[[AsyncSession], Awaitable[Answer]]
May: TypeAlias = Callable[[AsyncSession], Awaitable[object]]
"""Raises what ``Work`` would raise for a caller who may not do it, and changes nothing."""


async def by_key_alone(_: AsyncSession) -> None:
    """``May`` of an operation that the key's kind alone decides, before the answers are looked for."""


IDEMPOTENT: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "pattern": f"^({_KEY.pattern})$"},
            "description": "Repeat a request safely: for 24 hours the same key and body give the first answer again",
            "example": "order-1842-opened",
        }
    ]
}
"""``openapi_extra`` of an operation that uses ``once``, which reads the header itself."""


_SUPPORT: Final = "-"
"""The namespace that all support keys shared in earlier versions."""
_WHOSE: Final = _(
    "A support key used this Idempotency-Key before the service was upgraded, and which one is not known: "
    "look whether it is done already, then use another key"
)


@dataclass(frozen=True, slots=True)
class _Claim:
    """Where an answer is kept: one namespace for all keys of an account, one for each key of support."""

    namespace: str
    key_hash: str
    lock: int
    body_hash: str
    earlier_hash: str | None
    """of a support key: where an earlier version would have kept it"""


async def once(request: Request, state: State, principal: Principal, work: Work, *, may: May) -> Response:
    """Run ``work`` in one transaction and answer it; with an Idempotency-Key, at most once in 24 hours.

    ``may`` decides whether this caller, who need not be the first one, gets to know anything about the first request.
    Raises 409 while that runs (at once: nothing waits), 422 when the key came with another body.
    """
    key = _read_key(request.headers.get("idempotency-key"))
    claim = _claim(request, principal, key, await request.body()) if key else None
    return await run(state.sessions, partial(_answer, request=request, claim=claim, work=work, may=may))


async def _answer(session: AsyncSession, *, request: Request, claim: _Claim | None, work: Work, may: May) -> Response:
    if claim is None:
        return _respond(request, await work(session))
    connection = await driver(session)
    place = (claim.namespace, claim.key_hash, claim.lock, _SUPPORT, claim.earlier_hash)
    found = await connection.fetchrow(_CLAIM, *place)
    if not found["free"] or found["status"] is not None or found["of_support"]:
        await may(session)
        return _replay(found, claim)
    answer = await work(session)
    response = _respond(request, answer)
    await _keep(connection, claim, answer, bytes(response.body))
    return response


async def forget_answers(sessions: Sessions) -> None:
    """Drop the answers whose 24 hours are over."""
    await forget(sessions, StoredAnswerRow, _OVER)


def _respond(request: Request, answer: Answer) -> Response:
    return reply(answer.body, answer.status, answer.headers, request=request)


def _read_key(header: str | None) -> str | None:
    if header is None:
        return None
    match = _KEY.fullmatch(header)
    if match is None:
        detail = _("An Idempotency-Key has 1 to 255 printable ASCII characters, quoted or not, and no quotes inside")
        raise Invalid(errors=[Fault(pointer="#/header/idempotency-key", detail=detail)])
    return match[1] or match[2]


def _claim(request: Request, principal: Principal, key: str, body: bytes) -> _Claim:
    namespace = principal.key_id if principal.is_support else principal.account_id or principal.key_id
    place = f"{request.method}\n{request.scope['path']}\n{key}"
    digest = _digest(namespace, place)
    earlier = _digest(_SUPPORT, place).hex() if principal.is_support and principal.account_id is None else None
    lock = int.from_bytes(digest[:8], signed=True)
    return _Claim(namespace, digest.hex(), lock, hashlib.sha256(body).hexdigest(), earlier)


def _digest(namespace: str, place: str) -> bytes:
    return hashlib.sha256(f"{namespace}\n{place}".encode()).digest()


def _replay(found: Row, claim: _Claim) -> Response:
    """The stored answer. 409 while another transaction holds the key, and where nobody knows whose answer it is."""
    if not found["free"]:
        raise RequestInFlight(headers={"Retry-After": "1"})
    if found["status"] is None:
        raise Conflict(_WHOSE)
    if found["body_hash"] != claim.body_hash:
        raise IdempotencyMismatch
    headers = orjson.loads(found["headers"]) | {"Idempotency-Replayed": "true"}
    return Response(found["answer"], found["status"], headers, _JSON)


async def _keep(connection: "Connection[Any]", claim: _Claim, answer: Answer, sent: bytes) -> None:
    if not answer.body.keys().isdisjoint(answer.withheld):
        sent = dump({name: value for name, value in answer.body.items() if name not in answer.withheld})
    headers = dump(dict(answer.headers)).decode()
    place = (claim.namespace, claim.key_hash, claim.body_hash)
    if await connection.execute(_KEEP, *place, answer.status, sent.decode(), headers) == "INSERT 0 0":
        raise RequestInFlight(headers={"Retry-After": "1"})
