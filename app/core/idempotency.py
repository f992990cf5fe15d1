"""``Idempotency-Key``: a repeated POST is answered with what the first one was answered, and does nothing again.

The key's advisory lock, the work and the stored answer are one transaction, so a crash leaves either all or nothing.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import orjson
from asyncpg import Connection
from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal
from app.core.db import Again, Sessions, driver, transaction
from app.core.http import dump, reply
from app.core.problems import Fault, IdempotencyMismatch, Invalid, RequestInFlight, Unavailable
from app.core.state import State

_KEY: Final = re.compile(r'"([ !#-~]{1,255})"|([!#-~]([ !#-~]{0,253}[!#-~])?)')
"""Printable ASCII without quotes: quoted (a structured-field string, RFC 9651) or bare."""
_TRIES: Final = 5
_JSON: Final = "application/json"

# The lock may be got just after another request has committed its answer and before this statement could see it:
# then the INSERT below finds the answer there, and this transaction is rolled back.
_CLAIM: Final = """
SELECT pg_try_advisory_xact_lock($3) AS free, a.body_hash, a.status, a.answer::text, a.headers::text
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

_FORGET: Final = "DELETE FROM stored_answers WHERE created_at <= now() - interval '24 hours'"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a use case answers: a 2xx with its body; ``withheld`` members are shown once and never stored."""

    body: dict[str, Any]
    status: int = 201
    headers: Mapping[str, str] = field(default_factory=dict)
    withheld: tuple[str, ...] = ("secret",)


Work: TypeAlias = Callable[[AsyncSession], Awaitable[Answer]]
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


@dataclass(frozen=True, slots=True)
class _Claim:
    account_id: str
    key_hash: str
    lock: int
    body_hash: str


async def once(request: Request, state: State, principal: Principal, work: Work) -> Response:
    """Run ``work`` in one transaction and answer it; with an Idempotency-Key, at most once in 24 hours.

    Raises 409 while the first request runs (at once: nothing waits), 422 when the key came with another body.
    """
    key = _read_key(request.headers.get("idempotency-key"))
    claim = _claim(request, principal, key, await request.body()) if key else None
    for _ in range(_TRIES):
        with suppress(Again):
            return await _run(state, claim, work)
    raise Unavailable(headers={"Retry-After": "1"})


async def _run(state: State, claim: "_Claim | None", work: Work) -> Response:
    async with transaction(state.sessions) as session:
        if claim is None:
            return _respond(await work(session))
        connection = await driver(session)
        replay = await _replay(connection, claim)
        if replay is not None:
            return replay
        answer = await work(session)
        response = _respond(answer)
        await _keep(connection, claim, answer, bytes(response.body))
    return response


async def forget_answers(sessions: Sessions) -> None:
    """Drop the answers whose 24 hours are over."""
    async with transaction(sessions) as session:
        await (await driver(session)).execute(_FORGET)


def _respond(answer: Answer) -> Response:
    return reply(answer.body, answer.status, answer.headers)


def _read_key(header: str | None) -> str | None:
    if header is None:
        return None
    match = _KEY.fullmatch(header)
    if match is None:
        detail = "An Idempotency-Key has 1 to 255 printable ASCII characters, quoted or not, and no quotes inside"
        raise Invalid(errors=[Fault(pointer="#/header/idempotency-key", detail=detail)])
    return match[1] or match[2]


def _claim(request: Request, principal: Principal, key: str, body: bytes) -> _Claim:
    account = principal.account_id or "-"
    place = f"{account}\n{request.method}\n{request.scope['path']}\n{key}"
    digest = hashlib.sha256(place.encode()).digest()
    lock = int.from_bytes(digest[:8], signed=True)
    return _Claim(account, digest.hex(), lock, hashlib.sha256(body).hexdigest())


async def _replay(connection: "Connection[Any]", claim: _Claim) -> Response | None:
    """The stored answer, if there is one; 409 when another transaction holds the key."""
    found = await connection.fetchrow(_CLAIM, claim.account_id, claim.key_hash, claim.lock)
    if not found["free"]:
        raise RequestInFlight(headers={"Retry-After": "1"})
    if found["status"] is None:
        return None
    if found["body_hash"] != claim.body_hash:
        raise IdempotencyMismatch
    headers = orjson.loads(found["headers"]) | {"Idempotency-Replayed": "true"}
    return Response(found["answer"], found["status"], headers, _JSON)


async def _keep(connection: "Connection[Any]", claim: _Claim, answer: Answer, sent: bytes) -> None:
    if not answer.body.keys().isdisjoint(answer.withheld):
        sent = dump({name: value for name, value in answer.body.items() if name not in answer.withheld})
    headers = dump(dict(answer.headers)).decode()
    place = (claim.account_id, claim.key_hash, claim.body_hash)
    if await connection.execute(_KEEP, *place, answer.status, sent.decode(), headers) == "INSERT 0 0":
        raise RequestInFlight(headers={"Retry-After": "1"})
