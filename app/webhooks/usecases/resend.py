"""Sending again: one delivery, or all that an endpoint wants of a period, with the same ``webhook-id``."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from asyncpg import Connection
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

MAX_LOOKED_AT: Final = 200_000
"""So many events of its owner are looked at for those that the endpoint wants: a fraction of a second."""
_LEEWAY: Final = timedelta(hours=1)
"""How much later than its instant an event may have got its place in the feed: no transaction takes so long."""

_PLACE: Final = """
WITH RECURSIVE halves (low, high) AS (
    SELECT 0::bigint, coalesce(pg_sequence_last_value('events_position_seq'), 0) + 1
    UNION ALL
    SELECT CASE WHEN earlier THEN middle + 1 ELSE low END, CASE WHEN earlier THEN high ELSE middle END
    FROM (SELECT low, high, (low + high) / 2 AS middle FROM halves WHERE low < high) AS half
    CROSS JOIN LATERAL (
        SELECT coalesce((SELECT recorded_at FROM events WHERE id > '' AND position >= middle ORDER BY position LIMIT 1)
                        < $1::timestamptz + $2, false) AS earlier
    ) AS found
)
SELECT low FROM halves WHERE low = high
"""
"""The place in the feed of the first event from an instant on, and some leeway. Places follow instants about."""
_OF_ALL: Final = "id > '' AND position >= $6 AND position < $7"  # what the index wants to hear, see its model
_OF_ONE: Final = "account_id = $4 AND position >= $6 AND position < $7"
_LOOKED_AT: Final = f"SELECT * FROM events WHERE {{scope}} ORDER BY position LIMIT {MAX_LOOKED_AT + 1}"  # noqa: S608
_WANTED: Final = """
e.recorded_at >= $2 AND e.recorded_at < $3 AND ($4::text IS NULL OR e.account_id = $4 AND e.audience = 'public')
  AND CASE WHEN e.type = 'webhook.test' THEN e.data->>'endpoint_id' = $1 ELSE e.type = ANY ($5::text[]) END
"""
_COUNT: Final = f"""
SELECT count(*) AS looked_at, count(*) FILTER (WHERE {_WANTED}) AS wanted FROM ({_LOOKED_AT}) AS e
"""  # noqa: S608  statements of ours
_ALONE: Final = AdvisoryLock("replay", "hashtextextended($1, 0)")
"""One at a time for an endpoint, so that what each ticket's first event is cannot change underneath."""
# What another transaction holds is being sent at this moment, and what waits for its first attempt will be.
_SEND: Final = f"""
WITH wanted AS MATERIALIZED (
    SELECT e.account_id, e.id, e.ticket_id, e.sequence, e.position,
           {DELIVERY_ID.format(event="e.id", endpoint="$1")} AS delivery_id
    FROM ({_LOOKED_AT}) AS e WHERE {_WANTED}
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
    leeway = ((since, -_LEEWAY), (until, _LEEWAY))
    begin, end = [await connection.fetchval(_PLACE, *each) for each in leeway]
    if not endpoint.direct and endpoint.behind_from is not None:
        end = min(end, endpoint.behind_from + 1)  # what comes after it is made by catch_up, in its order
    wanted = (endpoint.id, since, until, endpoint.account_id, types_of(endpoint.events), begin, end)
    scope = _OF_ALL if endpoint.account_id is None else _OF_ONE
    events = await _counted(connection, scope, wanted)
    await take_place(session, PENDING, settings, endpoint.account_id, more=events)
    await connection.execute(_SEND.format(scope=scope), *wanted)
    ring_after_commit(session, "deliveries")
    return {"since": since, "until": until, "events": events}


async def _counted(connection: "Connection[Any]", scope: str, wanted: Sequence[Any]) -> int:
    """How many events the endpoint wants of its period; 422 where that, or what is looked at for it, is too much."""
    found = await connection.fetchrow(_COUNT.format(scope=scope), *wanted)
    if found["looked_at"] > MAX_LOOKED_AT:
        raise _invalid(
            _("The period has more than {most} events to look through: ask for a shorter one", most=MAX_LOOKED_AT)
        )
    if found["wanted"] > MAX_EVENTS:
        raise _invalid(
            _(
                "The period has {number} events for this endpoint, and at most {most} are sent again at once",
                number=found["wanted"],
                most=MAX_EVENTS,
            )
        )
    number: int = found["wanted"]
    return number


def _check_enabled(endpoint: WebhookEndpointRow) -> None:
    if not endpoint.enabled:
        raise Conflict(_("The endpoint is disabled: enable it first"))


def _invalid(detail: Message) -> Invalid:
    return Invalid(errors=[Fault(pointer="/since", detail=detail)])
