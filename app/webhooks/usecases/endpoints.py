"""What is done with endpoints: made, changed, tried, disabled, removed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import delete, func, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import Acting
from app.core.auth import SERVICE, Actor
from app.core.db.session import ring_after_commit
from app.core.db.statements.housekeeping import BATCH
from app.core.ids import new_id
from app.core.outgoing.addresses import Network, is_allowed, is_local, is_localhost, literal
from app.core.outgoing.targets import Unusable, read_target
from app.core.problems import Conflict, Fault, Invalid, message_of
from app.core.text.messages import Message, _, from_stored
from app.events.envelope import NO_ACCOUNT, instant
from app.events.event import Event
from app.events.types import INTERNAL_TYPES, WebhookDisabled, WebhookTest
from app.webhooks.models import DeliveryRow, WebhookEndpointRow
from app.webhooks.outbox.subscriptions import subscribe, unsubscribe
from app.webhooks.outbox.telling import tell
from app.webhooks.rules.patterns import check_globs
from app.webhooks.rules.pausing import direct_of
from app.webhooks.rules.signing import make_secret, rotated
from app.webhooks.schemas import WebhookEndpoint, WebhookEndpointFields

_MAX_TESTS: Final = 100
"""Tests of one endpoint that have not ended: one that never answers gathers no more of them."""


LAST_POSITION: Final = "coalesce(pg_sequence_last_value('events_position_seq'), 0)"
"""SQL: the last position in the feed that has been given out."""
_THROUGH_THE_API: Final = _("It was disabled through the API")
_LOOPBACK: Final = ip_network("127.0.0.0/8")


def endpoint_document(endpoint: WebhookEndpointRow, secret: str | None = None) -> dict[str, Any]:
    """The public form; ``secret`` only where it is shown for the one time."""
    reason = endpoint.disabled_reason
    document = WebhookEndpoint.model_validate(endpoint).model_dump()
    document["disabled_reason"] = None if reason is None else from_stored(reason)
    return document | {"secret": secret} if secret else document


def shown_to(who: Acting, endpoint: WebhookEndpointRow) -> dict[str, Any]:
    """The public form as this caller sees it: viewers see where the endpoint is, not the password in its URL."""
    document = endpoint_document(endpoint)
    return document | {"url": origin(endpoint.url)} if who.role == "viewer" else document


def check_url(url: str, allow_networks: Sequence[Network]) -> None:
    """422 for a target that could never be sent to. Where a name leads is vetted at each connection."""
    try:
        target = read_target(url)
    except Unusable as error:
        raise _invalid_url(message_of(error)) from error
    if not url.isascii():
        raise _invalid_url(
            _("Only ASCII is accepted: other characters are percent-encoded, and in a host's name written as xn--…")
        )
    host = target.host
    local = is_local(host, allow_networks)
    if target.scheme != "https" and not local:
        raise _invalid_url(
            _("Only https:// is accepted, or http:// to an address in a network that the operator allows"), _hint(host)
        )
    address = literal(host)
    if not local and (is_localhost(host) or (address and not is_allowed(address, allow_networks))):
        raise _invalid_url(_("Outgoing connections to this address are not allowed"), _hint(host))


def _hint(host: str) -> Message:
    """The setting that lets calls reach a private address, or a sentence without it where no setting would help."""
    address = ip_address("127.0.0.1") if is_localhost(host) else literal(host)
    if address is None:
        return _("HELIODESK_ALLOW_NETWORKS takes addresses, so the host has to be written as one, or be `localhost`")
    network = "127.0.0.0/8" if address in _LOOPBACK else str(ip_network(address))
    return _("The operator of the service can allow it: HELIODESK_ALLOW_NETWORKS={network}", network=network)


def _invalid_url(detail: Message, hint: Message | None = None) -> Invalid:
    fault = Fault(pointer="/url", detail=detail)
    if hint:
        fault["hint"] = hint
    return Invalid(errors=[fault])


async def create_endpoint(
    session: AsyncSession, fields: WebhookEndpointFields, *, account_id: str | None, now: datetime
) -> WebhookEndpointRow:
    """A new endpoint with its first secret. The caller has checked the URL and the quota."""
    endpoint = WebhookEndpointRow(
        id=new_id("wh"),
        account_id=account_id,
        url=fields.url,
        events=fields.events,
        format=fields.format,
        locale=fields.locale,
        projection=fields.projection,
        concurrency=fields.concurrency,
        rate=fields.rate,
        secrets=[make_secret()],
        enabled=fields.enabled,
        disabled_reason=None if fields.enabled else _THROUGH_THE_API,
        version=1,
        created_at=now,
        updated_at=now,
    )
    await _place(session, endpoint)
    session.add(endpoint)
    await session.flush()
    await subscribe(session, endpoint)
    return endpoint


async def _place(session: AsyncSession, endpoint: WebhookEndpointRow) -> None:
    """Send to it directly while its owner has few such endpoints, else from here on by ``catch_up``."""
    others = select(func.count()).where(
        WebhookEndpointRow.account_id.is_not_distinct_from(endpoint.account_id),
        WebhookEndpointRow.id != endpoint.id,
        WebhookEndpointRow.enabled,
        WebhookEndpointRow.direct,
    )
    endpoint.direct = (await session.scalar(others) or 0) < direct_of(endpoint.account_id or NO_ACCOUNT)
    endpoint.behind_from = None if endpoint.direct else await session.scalar(text(f"SELECT {LAST_POSITION}"))


async def update_endpoint(
    session: AsyncSession, endpoint: WebhookEndpointRow, fields: WebhookEndpointFields, actor: Actor, *, now: datetime
) -> None:
    """Write the fields; what is already on its way goes to the new URL. The caller has checked it.

    An endpoint that this disables gets nothing more, and the others that listen are told who did it.
    422 for a glob that matches nothing, unless the endpoint has had it before.
    """
    check_globs(fields.events, known=endpoint.events)
    endpoint.url, endpoint.events = fields.url, fields.events
    endpoint.format, endpoint.locale, endpoint.projection = fields.format, fields.locale, fields.projection
    if (endpoint.concurrency, endpoint.rate) != (fields.concurrency, fields.rate):
        endpoint.concurrency, endpoint.rate, endpoint.paced_until = fields.concurrency, fields.rate, None
        await _leave_places(session, endpoint.id, now)
    disabled = endpoint.enabled and not fields.enabled
    if disabled:
        endpoint.enabled, endpoint.disabled_reason = False, _THROUGH_THE_API
    elif fields.enabled:
        await _enable(session, endpoint)
    await _touch(session, endpoint, now)
    await subscribe(session, endpoint)
    if disabled:
        await _tell_disabled(session, endpoint, actor)


async def _leave_places(session: AsyncSession, endpoint_id: str, now: datetime) -> None:
    """What has a place at the rate of before is due now, and gets one at the new rate; others' locks are left alone."""
    waiting = (
        DeliveryRow.endpoint_id == endpoint_id,
        DeliveryRow.paced,
        DeliveryRow.claim_id.is_(None),
        DeliveryRow.next_attempt_at.is_not(None),
    )
    free = select(DeliveryRow.account_id, DeliveryRow.id).where(*waiting).with_for_update(skip_locked=True)
    ids = tuple_(DeliveryRow.account_id, DeliveryRow.id).in_(free)
    values = {"paced": False, "queued": True, "next_attempt_at": now}
    await session.execute(update(DeliveryRow).where(ids).values(values).execution_options(synchronize_session=False))
    ring_after_commit(session, "deliveries")


async def rotate_secret(
    session: AsyncSession, endpoint: WebhookEndpointRow, overlap: timedelta, *, now: datetime
) -> str:
    """A new secret. Messages are signed with it, and for the overlap with those before it too."""
    ends = [datetime.fromisoformat(end) for end in endpoint.secrets_until]
    endpoint.secrets, ends = rotated(endpoint.secrets, ends, now + overlap)
    endpoint.secrets_until = [instant(end) for end in ends]
    await _touch(session, endpoint, now)
    return endpoint.secrets[0]


async def enable_endpoint(session: AsyncSession, endpoint: WebhookEndpointRow, *, now: datetime) -> None:
    """Send to it again, from now on: what failed meanwhile is sent again only when asked for."""
    await _enable(session, endpoint)
    endpoint.failing_since = None
    await _touch(session, endpoint, now)


async def _enable(session: AsyncSession, endpoint: WebhookEndpointRow) -> None:
    if not endpoint.enabled:
        await _place(session, endpoint)
        endpoint.paused_at = None
        endpoint.enabled, endpoint.disabled_reason, endpoint.failing_since = True, None, None


async def _touch(session: AsyncSession, endpoint: WebhookEndpointRow, now: datetime) -> None:
    endpoint.version, endpoint.updated_at = endpoint.version + 1, now
    await session.flush()


async def delete_endpoint(session: AsyncSession, endpoint: WebhookEndpointRow) -> None:
    """Remove an endpoint with its deliveries, but for those that a sender holds at this moment.

    Waiting for them would be a deadlock: whoever records their outcomes waits for the endpoint's row. They end soon.
    Of very many, ``forget_deliveries`` drops the rest: what is removed here is held until all of it is.
    """
    await session.delete(endpoint)
    await session.flush()
    await unsubscribe(session, endpoint)
    free = select(DeliveryRow.account_id, DeliveryRow.id).where(DeliveryRow.endpoint_id == endpoint.id).limit(BATCH)
    ids = tuple_(DeliveryRow.account_id, DeliveryRow.id).in_(free.with_for_update(skip_locked=True))
    await session.execute(delete(DeliveryRow).where(ids).execution_options(synchronize_session=False))


async def send_test(
    session: AsyncSession, endpoint: WebhookEndpointRow, event_type: str | None, actor: Actor, *, now: datetime
) -> str:
    """Send the endpoint alone a ``webhook.test`` event, whatever its globs; the event's id.

    What it is sent is the example of ``event_type``, where one is asked for. 409 when it is disabled, and while many
    tests of it are pending; 422 where an account's endpoint asks for an event that is internal.
    """
    if not endpoint.enabled:
        raise Conflict(_("The endpoint is disabled: enable it first"))
    if endpoint.account_id and event_type in INTERNAL_TYPES:
        raise Invalid(errors=[Fault(pointer="/event_type", detail=_("An account's endpoint gets public events only"))])
    mine = (DeliveryRow.owner_id == (endpoint.account_id or NO_ACCOUNT), DeliveryRow.endpoint_id == endpoint.id)
    pending = select(func.count()).where(*mine, DeliveryRow.state == "pending", DeliveryRow.ticket_id.is_(None))
    if (await session.execute(pending)).scalar_one() >= _MAX_TESTS:
        raise Conflict(_("{most} tests of this endpoint are still pending: wait until it answers", most=_MAX_TESTS))
    event = Event(now, WebhookTest(endpoint_id=endpoint.id, event_type=event_type), actor)
    told: str = (await tell(session, endpoint.account_id, event, only=endpoint.id))["id"]
    return told


async def disable(session: AsyncSession, endpoint_id: str, reason: str) -> None:
    """Send an endpoint nothing more, until its owner enables it; what is due for it will fail.

    Its account's other endpoints, and the operator's, hear of it.
    """
    values = {"enabled": False, "disabled_reason": reason, "version": WebhookEndpointRow.version + 1}
    disabled = (
        await session.execute(
            update(WebhookEndpointRow)
            .where(WebhookEndpointRow.id == endpoint_id, WebhookEndpointRow.enabled)
            .values(**values, updated_at=func.clock_timestamp())
            .returning(WebhookEndpointRow)
            .execution_options(populate_existing=True)
        )
    ).scalar_one_or_none()
    if disabled:
        await _tell_disabled(session, disabled)


async def _tell_disabled(session: AsyncSession, endpoint: WebhookEndpointRow, actor: Actor = SERVICE) -> None:
    reason = endpoint.disabled_reason or ""
    data = WebhookDisabled(endpoint_id=endpoint.id, url=origin(endpoint.url), reason=reason)
    await tell(session, endpoint.account_id, Event(endpoint.updated_at, data, actor))


def origin(url: str) -> str:
    """Where an endpoint is; the path and query of a chat's URL are its password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/"
