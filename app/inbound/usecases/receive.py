"""Receiving: who sends it is checked, the payload is stored as it came, and the sender has its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from asyncpg import Connection
from fastapi import Request

from app.core.auth import hash_key
from app.core.db.engine import lookup
from app.core.db.pool import holder
from app.core.db.session import driver, transaction
from app.core.ids import new_id
from app.core.outgoing.via import HEADER, read_via, refusal, write_via
from app.core.pieces import Pieces
from app.core.problems import Conflict, Forbidden, NotFound, TooManyRequests, Unauthorized
from app.core.settings import Settings
from app.core.state import State
from app.core.text.messages import Message, _, both
from app.core.web import credentials
from app.core.web.credentials import Key
from app.inbound import bodies, payloads
from app.inbound.formats import cloudevents
from app.inbound.formats.codings import MAX_RATIO, decoded
from app.inbound.formats.generic import Interpretation
from app.inbound.formats.signal import Unreadable, key_of
from app.inbound.formats.signatures import CARRIERS, SIGNED, Custom, Signed, is_signed
from app.inbound.mail.reading import fingerprint
from app.inbound.payloads import SIZE, UNCHECKED, Room
from app.inbound.quotas import ALL_HOOKS
from app.inbound.readings import QUICK_BYTES, Payload
from app.inbound.schemas import Signature

_KEPT_HEADERS: Final = frozenset(
    {"content-type", "user-agent", "x-request-id", "x-github-event", "x-github-delivery", "sentry-hook-resource"}
    | {"webhook-id", "webhook-timestamp", HEADER}
)
_KEPT_PREFIX: Final = "ce-"
_MAX_HEADER: Final = 1_000
_MAX_HEADERS: Final = 50
_PATIENCE: Final = "clock_timestamp() - interval '1 second'"
# Waiting receipts are counted once the first of them has waited for long, and no further than what decides: how much a
# burst leaves for a moment is of no concern, and costs nothing.
_OPEN: Final = f"""
SELECT h.account_id, h.fields->'signature' AS signature, h.fields->>'format' AS format,
       h.fields->'expressions' AS expressions,
       (h.fields->>'enabled')::boolean AS enabled, h.secrets, clock_timestamp() AS now,
       (SELECT id FROM installations) AS installation,
       EXISTS (SELECT FROM api_keys AS k
               WHERE k.secret_hash = $2 AND k.kind = 'hook' AND k.account_id = h.account_id
               AND (k.hook_id = h.id OR (k.hook_id IS NULL AND h.fields->'mail'->>'accounts' IS DISTINCT FROM 'all'))
               AND k.revoked_at IS NULL
               AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())) AS has_key,
       CASE WHEN (SELECT min(received_at) FROM receipts WHERE hook_id = h.id AND state = 'pending') < {_PATIENCE} THEN
           (SELECT count(*) FROM (SELECT FROM receipts WHERE hook_id = h.id AND state = 'pending' LIMIT $3) AS w)
       ELSE 0 END AS waiting,
       CASE WHEN (SELECT min(received_at) FROM receipts WHERE state = 'pending') < {_PATIENCE} THEN
           (SELECT count(*) FROM (
               SELECT FROM hooks AS o JOIN receipts AS r ON r.hook_id = o.id AND r.state = 'pending'
               WHERE o.account_id = h.account_id LIMIT $4) AS w)
       ELSE 0 END AS waiting_in_all,
       (SELECT coalesce(sum(bytes), 0)::bigint FROM hook_payloads AS p WHERE p.account_id = h.account_id) AS kept,
       CASE WHEN h.{UNCHECKED} THEN
           (SELECT coalesce(sum(p.bytes), 0)::bigint FROM hook_payloads AS p
            JOIN hooks AS o ON o.account_id = p.account_id AND o.id = p.hook_id
            WHERE p.account_id = h.account_id AND o.{UNCHECKED})
       END AS kept_unchecked
FROM hooks AS h WHERE h.id = $1
"""  # noqa: S608  our own text
_STORE: Final = """
WITH stored AS (
    INSERT INTO receipts (account_id, id, hook_id, event_key, format, headers, body, size, state, error, processed_at,
                          messages)
    VALUES ($1::varchar, $2::varchar, $3, $4, $5, $6, {body}, $8,
            CASE WHEN $9::text IS NULL THEN 'pending' ELSE 'refused' END, $9::text,
            CASE WHEN $9::text IS NOT NULL THEN clock_timestamp() END,
            CASE WHEN $9::text IS NOT NULL THEN jsonb_build_object('error', $10::jsonb) END)
    ON CONFLICT (account_id, hook_id, event_key) DO NOTHING RETURNING id, {size} AS bytes
), counted AS (
    INSERT INTO hook_payloads AS p (account_id, hook_id, bytes) SELECT $1::varchar, $3, bytes FROM stored
    ON CONFLICT (account_id, hook_id) DO UPDATE SET bytes = p.bytes + excluded.bytes
)
SELECT id FROM stored
"""
_STORE_ONE, _STORE_SENT = (_STORE.format(body=body, size=SIZE) for body in (bodies.WHOLE, bodies.SENT))
_FIRST: Final = "SELECT id FROM receipts WHERE account_id = $1 AND hook_id = $2 AND event_key = $3"


@dataclass(frozen=True, slots=True)
class Posted:
    """What was posted to a hook's address; ``format`` is None where the address names none."""

    hook_id: str
    format: str | None
    headers: Mapping[str, str]
    sent: Pieces
    """the body as it was sent: what a signature covers"""
    key: Key | None = None
    payload: bytes | None = None
    """what is kept of it, where that is known already; else what it is without its content coding"""


@dataclass(frozen=True, slots=True)
class Received:
    """The receipt of what was posted; ``duplicate``: of the same event that came before.

    ``refused``: why nothing is made of it. ``omissions``: what it is made of without, as far as that is known at once.
    """

    receipt_id: str
    duplicate: bool
    account_id: str
    refused: Message | None = None
    omissions: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class _Content:
    body: Pieces
    event_key: str | None
    """the same for the same event"""


async def posted(request: Request, hook_id: str, name: str | None) -> Posted:
    """What a request brings; of a field that is there twice the first, but the whole way that it has come."""
    headers = dict(request.headers)
    if HEADER in headers:
        headers[HEADER] = write_via(request.headers.getlist(HEADER))
    return Posted(hook_id, name, headers, await Pieces.gathered(request.stream()), credentials.key_of(request))


async def receive(state: State, post: Posted) -> Received:
    """Check, store, and wake the processing.

    Raises 401 without a valid key or signature, 403 and 404 for keys meant for something else, 409 for a disabled hook,
    429 while the backlog has been full for a second, and where the account has no room for more;
    400, 413 and 415 as ``codings.decoded`` does.
    """
    holder.set(post.hook_id)
    received: Received | None = None
    async with lookup(state.engine) as connection:
        hook = await _opened(connection, state.settings, post)
        long = hook is not None and _takes_long(state.settings, post)
        if hook and not long:
            received = await _taken(connection, state.settings, hook, post, _content_of(state.settings, hook, post))
    if hook and long:
        received = await _taken_apart(state, hook, post)
    if received is None:
        await _refuse(state, post)
        raise NotFound
    if not received.duplicate and not received.refused:
        state.wake_ups.receipts.ring()
    return received


async def _taken_apart(state: State, hook: Mapping[str, Any], post: Posted) -> Received | None:
    """Take a large one: others have the connection while it is looked at, and the hook is opened again after that."""
    content = await state.threads.run(_content_of, state.settings, hook, post)
    if content is None:
        return None
    async with lookup(state.engine) as connection:
        again = await _opened_for(connection, state.settings, post, content)
        if again is None:
            return None
        if len(content.body) <= bodies.ONE:
            return await _kept(connection, again, post, content)
        if first := await connection.fetchval(_FIRST, again["account_id"], post.hook_id, content.event_key):
            return Received(first, duplicate=True, account_id=again["account_id"])
    return await _kept_in_pieces(state, again, post, content)


async def _kept_in_pieces(state: State, hook: Mapping[str, Any], post: Posted, content: _Content) -> Received | None:
    """Keep a large one; to send it takes a while, and so the hook is opened again after that."""
    account_id, receipt_id = hook["account_id"], new_id("rcp")
    async with transaction(state.sessions) as session:
        connection = await driver(session)
        await bodies.send(connection, account_id, receipt_id, content.body)
        again = await _opened_for(connection, state.settings, post, content)
        received = await _kept(connection, again, post, content, receipt_id) if again else None
        await bodies.sent(connection, account_id, receipt_id)
    return received


async def _opened_for(
    connection: "Connection[Any]", settings: Settings, post: Posted, content: _Content
) -> Mapping[str, Any] | None:
    """The hook, where it is there for the sender, enabled, and has room for this."""
    hook = await _opened(connection, settings, post)
    if hook is None:
        return None
    _require_open(settings, hook)
    await _require_room(connection, settings, hook, post, len(content.body))
    return hook


async def _opened(connection: "Connection[Any]", settings: Settings, post: Posted) -> Mapping[str, Any] | None:
    """The hook; None when it is not there for the sender. What a signature says of that is not known yet."""
    backlog = settings.hook_backlog
    digest = hash_key(post.key.text) if post.key else b""
    hook = await connection.fetchrow(_OPEN, post.hook_id, digest, backlog, backlog * ALL_HOOKS)
    if hook is None or not (_by_signature(hook) or _is_admitted(hook, post)):
        return None
    if not _by_signature(hook):
        _require_open(settings, hook)
    known: Mapping[str, Any] = hook
    return known


def _takes_long(settings: Settings, post: Posted) -> bool:
    """Whether it takes milliseconds to check its signature, to decode it, to find its own id, or to store it."""
    size = max(len(post.sent), len(post.payload or b""))
    if post.payload is None and post.headers.get("content-encoding"):
        size = max(size, min(_most(settings, post), len(post.sent) * MAX_RATIO))
    return size > bodies.ONE


def _content_of(settings: Settings, hook: Mapping[str, Any], post: Posted) -> _Content | None:
    """What is kept of it; None when its signature is not the sender's."""
    if _by_signature(hook):
        if not _is_admitted(hook, post):
            return None
        _require_open(settings, hook)
    coding, body = post.headers.get("content-encoding"), post.sent
    if post.payload is not None:
        body = Pieces.of(post.payload)
    elif coding:
        body = decoded(post.sent, coding, _most(settings, post))
    event_key = _event_key(_format_of(hook, post), post, body)
    return _Content(body, event_key or _signed_id(hook["signature"], post.headers))


def _most(settings: Settings, post: Posted) -> int:
    return settings.max_mail_bytes if post.format == "email" else settings.max_body_bytes


def _format_of(hook: Mapping[str, Any], post: Posted) -> str:
    return post.format or str(hook["format"])


async def _require_room(
    connection: "Connection[Any]", settings: Settings, hook: Mapping[str, Any], post: Posted, size: int
) -> None:
    try:
        payloads.require_room(Room(settings.hook_bytes, settings.unchecked_hook_bytes), hook, size)
    except TooManyRequests:
        await payloads.note_refusal(connection, hook["account_id"], post.hook_id)
        raise


def _require_open(settings: Settings, hook: Mapping[str, Any]) -> None:
    if not hook["enabled"]:
        raise Conflict(_("The hook is disabled"))
    backlog = settings.hook_backlog
    for used, most in ((hook["waiting"], backlog), (hook["waiting_in_all"], backlog * ALL_HOOKS)):
        if used >= most:
            raise TooManyRequests(
                _("Too many payloads are waiting to be processed"),
                headers={"Retry-After": "5"},
                quota="hook_backlog",
                value=most,
                used=used,
            )


async def _taken(
    connection: "Connection[Any]", settings: Settings, hook: Mapping[str, Any], post: Posted, content: _Content | None
) -> Received | None:
    """Keep what was posted: one statement, and so committed once it is answered.

    What goes round in a loop is kept too, and refused: its sender would only repeat what an error answers.
    """
    if content is None:
        return None
    await _require_room(connection, settings, hook, post, len(content.body))
    return await _kept(connection, hook, post, content)


async def _kept(
    connection: "Connection[Any]", hook: Mapping[str, Any], post: Posted, content: _Content, sent: str | None = None
) -> Received:
    """``sent``: the id for the receipt, where its body was sent in pieces."""
    body, name, event_key = content.body, _format_of(hook, post), content.event_key
    place = (hook["account_id"], sent or new_id("rcp"), post.hook_id, event_key)
    headers = kept_headers(post.headers)
    kept = orjson.dumps(headers).decode()
    refused = refusal(read_via(post.headers.get(HEADER)), hook["installation"])
    values = (name, kept, None if sent else body.whole(), len(body), *both(refused))
    stored = await connection.fetchval(_STORE_SENT if sent else _STORE_ONE, *place, *values)
    if stored is None:
        first = await connection.fetchval(_FIRST, hook["account_id"], post.hook_id, event_key)
        return Received(first, duplicate=True, account_id=hook["account_id"])
    omissions = () if refused else _omissions(name, body, headers, stored, hook["expressions"])
    return Received(stored, duplicate=False, account_id=hook["account_id"], refused=refused, omissions=omissions)


def _omissions(
    name: str, body: Pieces, headers: Mapping[str, str], receipt_id: str, expressions: Mapping[str, Any] | None
) -> tuple[Message, ...]:
    """What is left out of a payload that is read quickly; of others the receipt tells later."""
    if name == "email" or len(body) > QUICK_BYTES:
        return ()
    given = Interpretation({part: text for part, text in (expressions or {}).items() if text is not None})
    try:
        batch = Payload(name, body.whole(), headers, receipt_id, given).quickly()
    except Unreadable as error:
        return (error.reason,)
    return batch.omissions if batch else ()


def _event_key(name: str, post: Posted, body: Pieces) -> str | None:
    """The sender's own id of what it sends: a single CloudEvent has one, and an e-mail."""
    if name == "email":
        return fingerprint(body)
    if name != "cloudevents":
        return None
    try:
        return cloudevents.event_key(body.whole(), post.headers, QUICK_BYTES)
    except Unreadable:
        return None


def _by_signature(hook: Mapping[str, Any]) -> bool:
    """Whether a signature tells who sends, which has to be computed."""
    return hook["signature"]["scheme"] in SIGNED


def _is_admitted(hook: Mapping[str, Any], post: Posted) -> bool:
    signature = Signature.model_validate(hook["signature"])
    if signature.scheme == "none":
        return True
    if carriers := CARRIERS.get(signature.scheme):
        return bool(hook["has_key"]) and post.key is not None and post.key.carrier in carriers
    now: datetime = hook["now"]
    custom = Custom(signature.header or "", signature.prefix, signature.encoding)
    return is_signed(signature.scheme, hook["secrets"], Signed(post.headers, post.sent, now), custom)


async def _refuse(state: State, post: Posted) -> None:
    """Say why: 401 without a valid key, 403 with one that is for something else. Another hook's sees nothing here."""
    if post.key is None:
        raise Unauthorized(_("This hook's key or signature is needed"))
    principal = await state.keyring.principal(post.key.text)
    if principal.kind != "hook":
        raise Forbidden(_("A key of the kind {kind} is not accepted here", kind=principal.kind))


def _signed_id(signature: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
    """The id of a message of Standard Webhooks: the same at each of its attempts."""
    name = headers.get("webhook-id") if signature["scheme"] == "standard_webhooks" else None
    return key_of(name) if name else None


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """What is stored of a request's headers: what says what the payload is, and no credentials."""
    kept = {
        name: value[:_MAX_HEADER].replace("\0", "")
        for name, value in headers.items()
        if name in _KEPT_HEADERS or name.startswith(_KEPT_PREFIX)
    }
    return dict(list(kept.items())[:_MAX_HEADERS])
