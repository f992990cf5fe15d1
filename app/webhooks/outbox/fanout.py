"""From an event to its deliveries: the outbox is filled in the transaction that records the event."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import ring_after_commit
from app.core.db.statements.bulk import Write, write
from app.core.db.tables import Row
from app.events.envelope import NO_ACCOUNT

DELIVERY_ID: Final = "'dlv_' || substr({event}, 5, 13) || substr(md5({event} || {endpoint}), 1, 13)"
"""A delivery's id in SQL: the event's time in front, and the same however often it is computed."""

_FAN_OUT: Final = f"""
INSERT INTO deliveries
    (account_id, id, endpoint_id, owner_id, event_id, ticket_id, sequence, next_attempt_at, queued)
SELECT account_id, {DELIVERY_ID.format(event="id", endpoint="endpoint_id")}, endpoint_id, owner_id, id,
       ticket_id, sequence, CASE WHEN due THEN now() END, due
FROM (
    SELECT e.account_id, e.id, e.ticket_id, e.sequence, w.id AS endpoint_id,
           coalesce(w.account_id, '{NO_ACCOUNT}') AS owner_id, e.sequence IS NULL
               OR row_number() OVER (PARTITION BY w.id, e.ticket_id ORDER BY e.sequence) = 1 AS due
    FROM jsonb_to_recordset($1::jsonb)
      AS e (account_id text, id text, ticket_id text, sequence int, type text, audience text, target text)
    {{heard_by}}
    WHERE w.enabled AND {{ready}}
) AS heard
"""  # noqa: S608  an expression of ours
_ALL: Final = _FAN_OUT.format(
    ready="w.direct",
    heard_by=f"""
JOIN webhook_subscriptions AS s
  ON s.account_id = ANY (ARRAY['{NO_ACCOUNT}', CASE WHEN e.audience = 'public' THEN e.account_id END])
 AND s.type = e.type
JOIN webhook_endpoints AS w ON w.id = s.endpoint_id
""",
)
_ONE: Final = _FAN_OUT.format(
    ready="true",
    heard_by="""
JOIN webhook_endpoints AS w
  ON w.id = e.target AND (w.account_id IS NULL OR w.account_id = e.account_id AND e.audience = 'public')
""",
)
_NEEDED: Final = ("account_id", "id", "ticket_id", "sequence", "type", "audience")


def fanned_out(events: Sequence[Row], *, only: str | None = None) -> Write:
    """The write of one delivery for each event and each enabled endpoint that wants it.

    An account's endpoint hears its own account's public events; an operator's endpoint hears all. A delivery's id
    has the event's time in front, so that deliveries sort by time, and is the same however often it is computed.
    For an endpoint that is behind, ``catch_up`` makes them later. Of a ticket's events only the first is due at once:
    the others have their turn after it (``outbox``).
    ``only`` one endpoint hears it, whatever its globs.
    """
    rows = [{name: event[name] for name in _NEEDED} | {"target": only} for event in events]
    return Write(_ONE if only else _ALL, rows)


async def fan_out(session: AsyncSession, events: Sequence[Row], *, only: str | None = None) -> None:
    """``fanned_out``, at once; the sender is woken after the commit."""
    if await write(session, fanned_out(events, only=only)):
        ring_after_commit(session, "deliveries")
