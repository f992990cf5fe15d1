"""Sending again: one delivery, or all that an endpoint wants of a period, with the same ``webhook-id``."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.locks import AdvisoryLock, try_acquire
from app.core.db.session import driver, ring_after_commit
from app.core.limits.places import take_place
from app.core.problems import Conflict, Fault, Invalid
from app.core.settings import Settings
from app.core.text.messages import Message, _
from app.events.envelope import NO_ACCOUNT
from app.webhooks.delivery_schemas import ReplayPeriod
from app.webhooks.models import DeliveryRow, WebhookEndpointRow
from app.webhooks.outbox.fanout import DELIVERY_ID
from app.webhooks.rules.patterns import types_of
from app.webhooks.rules.quotas import PENDING

MAX_PERIOD: Final = timedelta(days=31)
MAX_EVENTS: Final = 10_000
"""So many events are sent again by one request: one transaction of well under a second."""

_COUNTED: Final = 100_000
"""Counting stops here."""

_WANTED: Final = """
SELECT e.account_id, e.id, e.ticket_id, e.sequence, e.position FROM events AS e
WHERE e.recorded_at >= $2 AND e.recorded_at < $3 AND ($4::text IS NULL OR e.account_id = $4 AND e.audience = 'public')
  AND CASE WHEN e.type = 'webhook.test' THEN e.data->>'endpoint_id' = $1 ELSE e.type = ANY ($5::text[]) END
"""
_COUNT: Final = f"SELECT count(*) FROM ({_WANTED} LIMIT {_COUNTED}) AS wanted"  # noqa: S608  statements of ours
_ALONE: Final = AdvisoryLock("replay", "hashtextextended($1, 0)")
"""One at a time for an endpoint, so that what each ticket's first event is cannot change underneath."""
# What another transaction holds is being sent at this moment, and what waits for its first attempt will be.
_SEND: Final = f"""
WITH wanted AS MATERIALIZED (
    SELECT e.*, {DELIVERY_ID.format(event="e.id", endpoint="$1")} AS delivery_id FROM ({_WANTED}) AS e
), free AS MATERIALIZED (
    SELECT d.account_id, d.id
    FROM deliveries AS d JOIN wanted AS e ON e.account_id = d.account_id AND e.delivery_id = d.id
    WHERE d.state <> 'pending' OR d.attempts > 0 FOR UPDATE OF d SKIP LOCKED
), sent AS MATERIALIZED (
    SELECT e.*, f.id IS NOT NULL AS known,
           CASE WHEN e.sequence IS NULL OR row_number() OVER (PARTITION BY e.ticket_id ORDER BY e.sequence) = 1
                THEN now() + row_number() OVER (ORDER BY e.position) * interval '1 microsecond' END AS due
    FROM wanted AS e LEFT JOIN free AS f ON f.account_id = e.account_id AND f.id = e.delivery_id
    WHERE f.id IS NOT NULL
       OR NOT EXISTS (SELECT FROM deliveries AS d WHERE d.account_id = e.account_id AND d.id = e.delivery_id)
), again AS (
    UPDATE deliveries AS d
    SET state = 'pending', attempts = 0, next_attempt_at = s.due, queued = s.due IS NOT NULL,
        paced = false, claim_id = NULL, finished_at = NULL
    FROM sent AS s WHERE s.known AND d.account_id = s.account_id AND d.id = s.delivery_id
)
INSERT INTO deliveries
    (account_id, id, endpoint_id, owner_id, event_id, ticket_id, sequence, next_attempt_at, queued)
SELECT account_id, delivery_id, $1, coalesce($4, '{NO_ACCOUNT}'), id, ticket_id, sequence, due, due IS NOT NULL
FROM sent WHERE NOT known
ON CONFLICT DO NOTHING
"""  # noqa: S608  statements of ours


async def redeliver(
    session: AsyncSession, delivery: DeliveryRow, endpoint: WebhookEndpointRow, *, now: datetime
) -> None:
    """Send a delivery again, at once, as if for the first time. 409 when its endpoint is disabled."""
    _check_enabled(endpoint)
    delivery.state, delivery.attempts, delivery.next_attempt_at = "pending", 0, now
    delivery.queued, delivery.paced, delivery.claim_id, delivery.finished_at = True, False, None, None
    await session.flush()
    ring_after_commit(session, "deliveries")


async def replay(
    session: AsyncSession, settings: Settings, endpoint: WebhookEndpointRow, period: ReplayPeriod, *, now: datetime
) -> dict[str, Any]:
    """Send all events again that the endpoint wants and that were recorded in a period; the answer's body.

    Also those that it never got. Each ticket's come in their order. 409 when it is disabled, while another request does
    the same, and where more deliveries would be pending than the account may have; 422 for a period that is empty, too
    long, or has too many events. The caller does not hold the endpoint's row: whoever records outcomes waits for it.
    """
    _check_enabled(endpoint)
    since, until = period.since, period.until or now
    if not timedelta(0) < until - since <= MAX_PERIOD:
        raise _invalid(_("The period ends after it begins, and has at most {days} days", days=MAX_PERIOD.days))
    connection = await driver(session)
    if not await try_acquire(session, _ALONE, endpoint.id):
        detail = _("Another request is sending events again to this endpoint: try again when it has ended")
        raise Conflict(detail, headers={"Retry-After": "5"})
    wanted = (endpoint.id, since, until, endpoint.account_id, types_of(endpoint.events))
    events = await connection.fetchval(_COUNT, *wanted)
    if events > MAX_EVENTS:
        raise _invalid(
            _(
                "The period has {number} events for this endpoint, and at most {most} are sent again at once",
                number=events,
                most=MAX_EVENTS,
            )
            if events < _COUNTED
            else _(
                "The period has {number} events or more for this endpoint, and at most {most} are sent again at once",
                number=_COUNTED,
                most=MAX_EVENTS,
            )
        )
    await take_place(session, PENDING, settings, endpoint.account_id, more=events)
    await connection.execute(_SEND, *wanted)
    ring_after_commit(session, "deliveries")
    return {"since": since, "until": until, "events": events}


def _check_enabled(endpoint: WebhookEndpointRow) -> None:
    if not endpoint.enabled:
        raise Conflict(_("The endpoint is disabled: enable it first"))


def _invalid(detail: Message) -> Invalid:
    return Invalid(errors=[Fault(pointer="/since", detail=detail)])
