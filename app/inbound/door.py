"""Receiving: who sends it is checked, the payload is stored as it came, and the sender has its answer."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from asyncpg import Connection
from fastapi import Request

from app.core.auth import hash_key
from app.core.db import lookup
from app.core.ids import new_id
from app.core.pool import holder
from app.core.problems import Conflict, Forbidden, NotFound, Unauthorized, Unavailable
from app.core.state import State
from app.inbound.schemas import Signature
from app.inbound.signal import key_of
from app.inbound.signatures import CARRIERS, Custom, Signed, is_signed

_ALL_HOOKS: Final = 10
"""All hooks together may have so many times what one may have waiting."""
_KEPT_HEADERS: Final = frozenset(
    {"content-type", "user-agent", "x-request-id", "x-github-event", "x-github-delivery", "sentry-hook-resource"}
    | {"webhook-id", "webhook-timestamp"}
)
_KEPT_PREFIX: Final = "ce-"
_MAX_HEADER: Final = 1_000
_MAX_HEADERS: Final = 50
_PATIENCE: Final = "clock_timestamp() - interval '1 second'"
# Waiting receipts are counted once the first of them has waited for long, and no further than what decides: how much a
# burst leaves for a moment is of no concern, and costs nothing.
_OPEN: Final = f"""
SELECT h.account_id, h.fields->'signature' AS signature, h.fields->>'format' AS format,
       (h.fields->>'enabled')::boolean AS enabled, h.secrets, clock_timestamp() AS now,
       EXISTS (SELECT FROM api_keys AS k
               WHERE k.secret_hash = $2 AND k.kind = 'hook' AND k.account_id = h.account_id
               AND (k.hook_id IS NULL OR k.hook_id = h.id) AND k.revoked_at IS NULL
               AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())) AS has_key,
       CASE WHEN (SELECT min(received_at) FROM receipts WHERE hook_id = h.id AND state = 'pending') < {_PATIENCE} THEN
           (SELECT count(*) FROM (SELECT FROM receipts WHERE hook_id = h.id AND state = 'pending' LIMIT $3) AS w)
       ELSE 0 END AS waiting,
       CASE WHEN (SELECT min(received_at) FROM receipts WHERE state = 'pending') < {_PATIENCE} THEN
           (SELECT count(*) FROM (SELECT FROM receipts WHERE state = 'pending' LIMIT $4) AS w)
       ELSE 0 END AS waiting_in_all
FROM hooks AS h WHERE h.id = $1
"""  # noqa: S608  our own text
_STORE: Final = """
INSERT INTO receipts (account_id, id, hook_id, event_key, format, headers, body, size)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (account_id, hook_id, event_key) DO NOTHING RETURNING id
"""
_FIRST: Final = "SELECT id FROM receipts WHERE account_id = $1 AND hook_id = $2 AND event_key = $3"


@dataclass(frozen=True, slots=True)
class Key:
    """What a sender shows, and where it has it."""

    text: str
    carrier: str


@dataclass(frozen=True, slots=True)
class Posted:
    """What was posted to a hook's address; ``format`` is None where the address names none."""

    hook_id: str
    format: str | None
    headers: Mapping[str, str]
    body: bytes
    key: Key | None = None
    event_key: str | None = None
    """the sender's id of the event, where it has one"""


@dataclass(frozen=True, slots=True)
class Received:
    """The receipt of what was posted; ``duplicate``: of the same event that came before."""

    receipt_id: str
    duplicate: bool


async def posted(request: Request, hook_id: str, name: str | None) -> Posted:
    """What a request brings."""
    return Posted(hook_id, name, dict(request.headers), await request.body(), _key_of(request))


def _key_of(request: Request) -> Key | None:
    """The key of a request: a bearer token, the password of Basic, or the parameter ``key``."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return Key(rest.strip(), "bearer")
    if scheme.lower() == "basic":
        return Key(_password(rest.strip()), "basic")
    given = request.query_params.get("key")
    return Key(given, "query") if given else None


def _password(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


async def receive(state: State, post: Posted) -> Received:
    """Check, store, and wake the processing.

    Raises 401 for who shows no right key or signature, 403 and 404 for keys for something else, 409 for a hook that
    is disabled, 503 while more waits than is taken, and has for a second.
    """
    holder.set(post.hook_id)
    async with lookup(state.engine) as connection:
        hook = await _opened(connection, state.settings.hook_backlog, post)
        received = await _store(connection, hook, post) if hook else None
    if received is None:
        await _refuse(state, post)
        raise NotFound
    if not received.duplicate:
        state.alarms.receipts.ring()
    return received


async def _opened(connection: "Connection[Any]", backlog: int, post: Posted) -> Mapping[str, Any] | None:
    """The hook, which takes this; None when it is not there for the sender."""
    digest = hash_key(post.key.text) if post.key else b""
    hook = await connection.fetchrow(_OPEN, post.hook_id, digest, backlog, backlog * _ALL_HOOKS)
    if hook is None or not _is_admitted(hook, post):
        return None
    if not hook["enabled"]:
        raise Conflict("The hook is disabled")
    if hook["waiting"] >= backlog or hook["waiting_in_all"] >= backlog * _ALL_HOOKS:
        raise Unavailable("Too much waits to be processed", headers={"Retry-After": "5"})
    known: Mapping[str, Any] = hook
    return known


async def _store(connection: "Connection[Any]", hook: Mapping[str, Any], post: Posted) -> Received:
    """Keep what was posted: one statement, and so committed once it is answered."""
    event_key = post.event_key or _signed_id(hook["signature"], post.headers)
    place = (hook["account_id"], new_id("rcp"), post.hook_id, event_key)
    kept = orjson.dumps(kept_headers(post.headers)).decode()
    size, name = len(post.body), post.format or hook["format"]
    stored = await connection.fetchval(_STORE, *place, name, kept, post.body, size)
    if stored is None:
        first = await connection.fetchval(_FIRST, hook["account_id"], post.hook_id, event_key)
        return Received(first, duplicate=True)
    return Received(stored, duplicate=False)


def _is_admitted(hook: Mapping[str, Any], post: Posted) -> bool:
    signature = Signature.model_validate(hook["signature"])
    if signature.scheme == "none":
        return True
    if carriers := CARRIERS.get(signature.scheme):
        return bool(hook["has_key"]) and post.key is not None and post.key.carrier in carriers
    now: datetime = hook["now"]
    custom = Custom(signature.header or "", signature.prefix, signature.encoding)
    return is_signed(signature.scheme, hook["secrets"], Signed(post.headers, post.body, now), custom)


async def _refuse(state: State, post: Posted) -> None:
    """Say why: 401 without a valid key, 403 with one that is for something else. Another hook's sees nothing here."""
    if post.key is None:
        raise Unauthorized("This hook's key or signature is needed")
    principal = await state.authenticate(state.engine, post.key.text)
    if principal.kind != "hook":
        raise Forbidden(f"A key of the kind {principal.kind} is not taken here")


def _signed_id(signature: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
    """The id of a message of Standard Webhooks: the same at each of its attempts."""
    name = headers.get("webhook-id") if signature["scheme"] == "standard_webhooks" else None
    return key_of(name) if name else None


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """What is stored of a request's headers: what says what the payload is, and nothing that opens a door."""
    kept = {
        name: value[:_MAX_HEADER].replace("\0", "")
        for name, value in headers.items()
        if name in _KEPT_HEADERS or name.startswith(_KEPT_PREFIX)
    }
    return dict(list(kept.items())[:_MAX_HEADERS])
