"""``/v1/ingest/{hook_id}``: where senders post to. Everything is stored first and looked at later."""

from dataclasses import replace
from typing import Annotated, Any, Final

import orjson
from fastapi import Path, Query, Request, Response, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from app.core.limits.callers import ORIGIN, Origin
from app.core.problems import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PayloadTooLarge,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
    message_of,
)
from app.core.state import State, StateDep
from app.core.web.credentials import Key
from app.core.web.edge.admission import in_the_senders_terms
from app.core.web.http import Decorator, Router, public_responses, responses
from app.core.web.replies import reply
from app.inbound import examples
from app.inbound.api import handshake
from app.inbound.documents import AcceptedPayload, EventAccepted, EventRefused
from app.inbound.formats import cloudevents, pagerduty
from app.inbound.formats.codings import decoded
from app.inbound.formats.parsing import parse, parse_strictly
from app.inbound.formats.signal import Unreadable
from app.inbound.readings import QUICK_BYTES
from app.inbound.usecases import receive
from app.inbound.usecases.receive import Posted, Received

_DESCRIPTION: Final = """\
A hook's key, `hd_hook_...`: as a bearer token, as the password of Basic, as the parameter `key`, or as PagerDuty's \
`routing_key`. A hook that checks signatures needs no key."""


class _HookKey(SecurityBase):
    """Documents how senders show who they are; ``usecases.receive`` checks it, for it depends on the hook."""

    model = HTTPBearer(description=_DESCRIPTION)
    scheme_name = "HookKey"

    async def __call__(self) -> None:
        """Nothing is known yet."""


router = Router(prefix="/v1/ingest", tags=["Hooks"], dependencies=[Security(_HookKey())])
HookPath = Annotated[str, Path(max_length=40, description="The hook's id")]
KeyQuery = Annotated[
    str | None, Query(alias="key", max_length=200, description="The hook's key, for senders that have no headers")
]
_ALL: Final = responses(
    BadRequest, Unauthorized, Forbidden, NotFound, Conflict, PayloadTooLarge, UnsupportedMediaType, Unavailable
)
_PROBLEMS: Final = {status: problem for status, problem in _ALL.items() if status != TooManyRequests.status}
"""A limit is a 503 here (``admission.in_the_senders_terms``), except for PagerDuty's clients."""
_ENQUEUED: Final = _ALL | {400: public_responses(BadRequest)[400] | {"model": EventRefused}}
BAD_EVENT: Final = {"status": "invalid event", "message": "Event object is invalid"}


def _body(kind: str, example: Any, **more: Any) -> dict[str, Any]:
    """``openapi_extra``: a body of which nothing is checked before it is stored."""
    media = {name: {"schema": {}, "example": shown} for name, shown in {kind: example, **more}.items()}
    return {"requestBody": {"required": True, "content": media}}


def _ingests(path: str, kind: str, example: Any, **more: Any) -> Decorator:
    """The route of a sender that hears what becomes of its payload by the receipt."""
    body = _body(kind, example, **more)
    return router.post(
        path, scope=None, status_code=202, response_model=AcceptedPayload, responses=_PROBLEMS, openapi_extra=body
    )


async def _receive(request: Request, state: StateDep, hook_id: str, name: str | None) -> Response:
    return _accepted(request, await _taken(request, state, await receive.posted(request, hook_id, name)))


async def _taken(request: Request, state: State, post: Posted) -> Received:
    """Receive it, and note for counting whether the hook knows who sent it."""
    origin: Origin | None = request.scope.get(ORIGIN)
    try:
        received = await receive.receive(state, post)
    except TooManyRequests as refusal:
        raise in_the_senders_terms(request.scope["path"], refusal) from None
    except (Unauthorized, Forbidden, NotFound):
        if origin:
            origin.refused()
        raise
    if origin:
        origin.taken(received.account_id)
    return received


def _accepted(request: Request, received: Received) -> Response:
    told: dict[str, Any] = {"receipt_id": received.receipt_id, "duplicate": received.duplicate}
    told |= {"refused": received.refused} if received.refused else {}
    told |= {"omissions": list(received.omissions)} if received.omissions else {}
    return reply(told, 202, request=request)


@_ingests("/{hook_id}", "application/json", examples.GENERIC)
async def ingest_payload(request: Request, state: StateDep, hook_id: HookPath, _key: KeyQuery = None) -> Response:
    """Ingest a payload.

    The payload is in the hook's own format. It is stored as it came and processed afterwards; a payload that cannot be
    understood is kept with its error.
    """
    return await _receive(request, state, hook_id, None)


@_ingests("/{hook_id}/alertmanager", "application/json", examples.ALERTMANAGER)
async def ingest_alertmanager(request: Request, state: StateDep, hook_id: HookPath, _key: KeyQuery = None) -> Response:
    """Ingest alerts of Prometheus Alertmanager.

    Takes the payload of its webhook receiver, version 4. Each alert is identified by its `fingerprint`; repetitions are
    dropped.
    """
    return await _receive(request, state, hook_id, "alertmanager")


@_ingests("/{hook_id}/grafana", "application/json", examples.GRAFANA)
async def ingest_grafana(request: Request, state: StateDep, hook_id: HookPath, _key: KeyQuery = None) -> Response:
    """Ingest alerts of Grafana.

    Takes what its webhook contact point posts. The signature scheme `grafana` checks its HMAC.
    """
    return await _receive(request, state, hook_id, "grafana")


@_ingests(
    "/{hook_id}/cloudevents",
    cloudevents.STRUCTURED,
    examples.CLOUDEVENT,
    **{cloudevents.BATCH: [examples.CLOUDEVENT], "application/json": examples.GENERIC},
)
async def ingest_cloudevents(request: Request, state: StateDep, hook_id: HookPath, _key: KeyQuery = None) -> Response:
    """Ingest CloudEvents 1.0.

    Structured, batched, or binary (with the attributes in `ce-` headers, percent-encoded, and any data or none). The
    same `source` and `id` again is a duplicate. Senders that ask first, by `OPTIONS` with `WebHook-Request-Origin`,
    are answered with `WebHook-Allowed-Origin` and `WebHook-Allowed-Rate`, here and at a hook's other addresses.
    """
    return await _receive(request, state, hook_id, "cloudevents")


@_ingests("/{hook_id}/email", "message/rfc822", examples.EMAIL)
async def ingest_email(request: Request, state: StateDep, hook_id: HookPath, _key: KeyQuery = None) -> Response:
    """Ingest an e-mail.

    Takes a raw message (RFC 5322) of at most 25 MB, as Postfix's `pipe`, SES or an e-mail worker have it. It is found
    by its `Message-ID` and content when it is sent again. What becomes of it, the hook's `mail` and its receipt say.
    """
    return await _receive(request, state, hook_id, "email")


@router.post(
    "/{hook_id}/v2/enqueue",
    scope=None,
    status_code=202,
    response_model=EventAccepted,
    responses=_ENQUEUED,
    openapi_extra=_body("application/json", examples.PAGERDUTY),
)
async def enqueue_event(request: Request, state: StateDep, hook_id: HookPath, _key: KeyQuery = None) -> Response:
    """Enqueue an event in the shape of PagerDuty's Events API v2.

    For clients of PagerDuty, whose answers these are. The hook's key may be the event's `routing_key`.
    """
    post = await receive.posted(request, hook_id, "pagerduty")
    body = decoded(post.sent, post.headers.get("content-encoding"), state.settings.max_body_bytes).whole()
    try:
        event = _event_of(body, post.headers.get("content-type", ""))
    except Unreadable as error:
        return reply(BAD_EVENT | {"errors": [message_of(error)]}, BadRequest.status, request=request)
    if faults := pagerduty.faults(event):
        return reply(BAD_EVENT | {"errors": faults}, BadRequest.status, request=request)
    key = event.pop("routing_key", None)
    key = post.key or (Key(key, "body") if isinstance(key, str) else None)
    try:
        payload = orjson.dumps(event)
    except orjson.JSONEncodeError as error:
        return reply(BAD_EVENT | {"errors": [message_of(error)]}, BadRequest.status, request=request)
    received = await _taken(request, state, replace(post, key=key, payload=payload))
    dedup_key = event.get("dedup_key") or received.receipt_id
    return reply({"status": "success", "message": "Event processed", "dedup_key": dedup_key}, 202)


def _event_of(body: bytes, content_type: str) -> Any:
    """The event, whose key tells whose it is: so nobody has shown one yet, and a long body is read in no other way."""
    return parse(body, content_type).value if len(body) <= QUICK_BYTES else parse_strictly(body, content_type)


@router.options("/{hook_id}", scope=None, include_in_schema=False)
@router.options("/{hook_id}/alertmanager", scope=None, include_in_schema=False)
@router.options("/{hook_id}/grafana", scope=None, include_in_schema=False)
@router.options("/{hook_id}/cloudevents", scope=None, include_in_schema=False)
@router.options("/{hook_id}/email", scope=None, include_in_schema=False)
@router.options("/{hook_id}/v2/enqueue", scope=None, include_in_schema=False)
async def validate_ingest(request: Request, state: StateDep, hook_id: HookPath, _key: KeyQuery = None) -> Response:
    """Agree to being sent to: the handshake of CloudEvents' web hooks."""
    return await handshake.consent(request, state, hook_id)
