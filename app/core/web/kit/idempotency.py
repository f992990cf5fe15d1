"""``Idempotency-Key``: a repeated POST is answered with what the first one was answered, and does nothing again.

The key's advisory lock, the work and the stored answer are one transaction, so a crash leaves either all or nothing.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeAlias

import orjson
from asyncpg import UniqueViolationError
from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal
from app.core.db.engine import Sessions
from app.core.db.models import StoredAnswerRow
from app.core.db.session import driver, run
from app.core.db.statements.bulk import Write, write
from app.core.db.statements.housekeeping import forget
from app.core.db.tables import Row
from app.core.problems import Conflict, Fault, IdempotencyMismatch, Invalid, RequestInFlight
from app.core.state import State
from app.core.text.messages import _
from app.core.web.callers import CONFIRM, NOTHING, Presumed
from app.core.web.replies import dump, reply

_KEY: Final = re.compile(r'"([ !#-~]{1,255})"|([!#-~]([ !#-~]{0,253}[!#-~])?)')
"""Printable ASCII without quotes: quoted (a structured-field string, RFC 9651) or bare."""
_JSON: Final = "application/json"
_SOON: Final = {"Retry-After": "1"}

# The lock may be got just after another request has committed its answer and before this statement could see it:
# then the INSERT below finds the answer there, and this transaction is rolled back.
_CLAIM: Final = """
SELECT pg_try_advisory_xact_lock($3) AS free, a.body_hash, a.status, a.answer::text, a.headers::text,
       a.created_at <= now() - interval '24 hours' AS over,
       EXISTS (SELECT FROM stored_answers
               WHERE account_id = $4 AND key_hash = $5 AND created_at > now() - interval '24 hours') AS of_support
FROM (SELECT) AS one
LEFT JOIN stored_answers AS a ON a.account_id = $1 AND a.key_hash = $2
"""
_DROP: Final = "DELETE FROM stored_answers WHERE account_id = $1 AND key_hash = $2"
_KEEP: Final = """
INSERT INTO stored_answers (account_id, key_hash, body_hash, status, answer, headers, created_at)
SELECT k.*, now() FROM jsonb_to_recordset($1::jsonb)
    AS k (account_id text, key_hash text, body_hash text, status int, answer jsonb, headers jsonb)
"""
_PLACE: Final = "pk_stored_answers"

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
            "description": "Repeat a request safely: for 24 hours the same key and body return the first answer again",
            "example": "order-1842-opened",
        }
    ]
}
"""``openapi_extra`` of an operation that uses ``once``, which reads the header itself."""


_SUPPORT: Final = "-"
"""The namespace that all support keys shared in earlier versions."""
_WHOSE: Final = _(
    "A support key used this Idempotency-Key before the service was upgraded, and it is not known which one: "
    "check whether the request was carried out, then use another key"
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


class Keeping:
    """Stores the answer of a request under its Idempotency-Key, if it has one, in the transaction of its work."""

    def __init__(self, request: Request, claim: _Claim | None) -> None:
        self._request, self._claim = request, claim
        self._made: tuple[Answer, Response] | None = None

    def beside(self, answer: Answer) -> Sequence[Write]:
        """What stores the answer, for a use case that knows it before its last write: one round trip for both."""
        response = _respond(self._request, answer)
        self._made = answer, response
        return [Write(_KEEP, [_kept(self._claim, answer, bytes(response.body))])] if self._claim else []

    @property
    def is_told(self) -> bool:
        """Whether there is an answer, and what stores it."""
        return self._made is not None

    @property
    def answer(self) -> Answer:
        """The answer that is stored."""
        return self._both[0]

    @property
    def response(self) -> Response:
        """The answer as it is sent."""
        return self._both[1]

    @property
    def _both(self) -> tuple[Answer, Response]:
        if self._made is None:
            raise LookupError("there is no answer yet")
        return self._made


def keeping_of(session: AsyncSession) -> Keeping:
    """What stores the answer of the request that is worked on in this transaction."""
    keeping: Keeping = session.info["keeping"]
    return keeping


async def once(request: Request, state: State, principal: Principal, work: Work, *, may: May) -> Response:
    """Run ``work`` in one transaction and answer it; with an Idempotency-Key, at most once in 24 hours.

    ``may`` decides whether this caller, who need not be the first one, gets to know anything about the first request.
    Raises 409 while that runs (at once: nothing waits), 422 when the key came with another body. A caller's key that is
    yet to be checked is so by the first statement of the transaction, which writes nothing for one that is not valid.
    """
    key = _read_key(request.headers.get("idempotency-key"))
    claim = _claim(request, principal, key, await request.body()) if key else None
    return await run(state.sessions, partial(_answer, request=request, claim=claim, work=work, may=may))


async def _answer(session: AsyncSession, *, request: Request, claim: _Claim | None, work: Work, may: May) -> Response:
    presumed: Presumed | None = request.scope.get(CONFIRM)
    if claim:
        found = await _claimed(session, claim, presumed)
        if not found["free"] or found["status"] is not None or found["of_support"]:
            await may(session)
            return _replay(found, claim)
    elif presumed:
        await presumed.ask(await driver(session), NOTHING)
    keeping = session.info["keeping"] = Keeping(request, claim)
    try:
        answer = await work(session)
        if not keeping.is_told:
            await write(session, *keeping.beside(answer))
    except UniqueViolationError as error:
        if error.constraint_name == _PLACE:
            raise RequestInFlight(headers=_SOON) from error
        raise
    return keeping.response


async def _claimed(session: AsyncSession, claim: _Claim, presumed: Presumed | None) -> Row:
    """What is stored in the answer's place, which is this transaction's if it is ``free``."""
    connection = await driver(session)
    place = (claim.namespace, claim.key_hash, claim.lock, _SUPPORT, claim.earlier_hash)
    found: Row = await (presumed.ask(connection, _CLAIM, *place) if presumed else connection.fetchrow(_CLAIM, *place))
    if not (found["free"] and found["over"]):
        return found
    await connection.execute(_DROP, claim.namespace, claim.key_hash)
    return {**found, "status": None}


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
    namespace = principal.namespace
    place = f"{request.method}\n{request.scope['path']}\n{key}"
    digest = _digest(namespace, place)
    earlier = _digest(_SUPPORT, place).hex() if principal.spans_accounts else None
    lock = int.from_bytes(digest[:8], signed=True)
    return _Claim(namespace, digest.hex(), lock, hashlib.sha256(body).hexdigest(), earlier)


def _digest(namespace: str, place: str) -> bytes:
    return hashlib.sha256(f"{namespace}\n{place}".encode()).digest()


def _replay(found: Row, claim: _Claim) -> Response:
    """The stored answer. 409 while another transaction holds the key, and where nobody knows whose answer it is."""
    if not found["free"]:
        raise RequestInFlight(headers=_SOON)
    if found["status"] is None:
        raise Conflict(_WHOSE)
    if found["body_hash"] != claim.body_hash:
        raise IdempotencyMismatch
    headers = orjson.loads(found["headers"]) | {"Idempotency-Replayed": "true"}
    return Response(found["answer"], found["status"], headers, _JSON)


def _kept(claim: _Claim, answer: Answer, sent: bytes) -> Row:
    if not answer.body.keys().isdisjoint(answer.withheld):
        sent = dump({name: value for name, value in answer.body.items() if name not in answer.withheld})
    return {
        "account_id": claim.namespace,
        "key_hash": claim.key_hash,
        "body_hash": claim.body_hash,
        "status": answer.status,
        "answer": orjson.Fragment(sent),
        "headers": dict(answer.headers),
    }
