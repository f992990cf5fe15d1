"""The outbox: what has become of claimed deliveries. A few round trips, whatever their number.

The first attempts at the events of one ticket are made in turn, endpoint by endpoint: a delivery before its turn is
*parked*, without a ``next_attempt_at``, so that it costs no claim anything. Whoever ends a first attempt lets the next
one go. A claim that parks locks the row and the earlier one behind which it parks it, and then looks at both; whoever
ends that attempt waits for these locks, and so never misses what is being parked. An earlier row that somebody else
holds may be ending: what waits for it is looked at again a moment later.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import monotonic
from app.core.db.engine import Sessions
from app.core.db.session import driver, ring_after_commit, transaction
from app.core.db.statements.bulk import to_json
from app.core.db.statements.housekeeping import forget
from app.webhooks.models import DeliveryRow
from app.webhooks.outbox.attempts import DeliveryOutcome

_log = structlog.get_logger(__name__)

ATTEMPTS_KEPT: Final = 40
"""How many attempts of a delivery its log keeps, the newest: ten, and those of three times that it was sent again."""

_RECORD: Final = f"""
UPDATE deliveries AS d
SET state = r.state, attempts = r.attempts, next_attempt_at = r.next_attempt_at, last_attempt = r.last_attempt,
    paced = false, queued = false,
    earlier_attempts = CASE WHEN d.last_attempt IS NULL THEN d.earlier_attempts ELSE jsonb_path_query_array(
        coalesce(d.earlier_attempts, '[]') || d.last_attempt, '$[last - {ATTEMPTS_KEPT - 2} to last]') END,
    claim_id = NULL, finished_at = CASE WHEN r.state <> 'pending' THEN clock_timestamp() END
FROM jsonb_to_recordset($1::jsonb) AS r (account_id text, id text, claim_id text, state text, attempts int,
                                         next_attempt_at timestamptz, last_attempt jsonb, first boolean),
     (SELECT set_config('lock_timeout', '150ms', true),
             CASE WHEN $2 THEN set_config('synchronous_commit', 'off', true) END) AS hurry
WHERE d.account_id = r.account_id AND d.id = r.id AND d.claim_id = r.claim_id
RETURNING d.owner_id, d.endpoint_id, d.ticket_id, r.first AND d.sequence IS NOT NULL AS opens
"""  # noqa: S608  a number of ours
# The row is written even where it is due already: that is what waits for a claim that is about to park it.
_LET_GO: Final = """
UPDATE deliveries AS d
SET next_attempt_at = coalesce(d.next_attempt_at, clock_timestamp()), queued = d.queued OR d.next_attempt_at IS NULL
FROM unnest($1::text[], $2::text[], $3::text[]) AS s (owner_id, endpoint_id, ticket_id) CROSS JOIN LATERAL (
    SELECT n.account_id, n.id FROM deliveries AS n
    WHERE n.owner_id = s.owner_id AND n.endpoint_id = s.endpoint_id AND n.ticket_id = s.ticket_id
      AND n.sequence IS NOT NULL
      AND n.state = 'pending' AND n.attempts = 0
    ORDER BY n.sequence LIMIT 1
) AS next
WHERE d.account_id = next.account_id AND d.id = next.id
"""
# The first that waits in its ticket's line has its turn. Where its outcome is being recorded, it is not parked.
_STRANDED: Final = """
UPDATE deliveries AS d SET next_attempt_at = clock_timestamp(), queued = true
FROM (
    SELECT DISTINCT ON (owner_id, endpoint_id, ticket_id) account_id, id, next_attempt_at FROM deliveries
    WHERE state = 'pending' AND attempts = 0 AND sequence IS NOT NULL
    ORDER BY owner_id, endpoint_id, ticket_id, sequence
) AS first
WHERE first.next_attempt_at IS NULL AND d.account_id = first.account_id AND d.id = first.id
  AND d.state = 'pending' AND d.next_attempt_at IS NULL
"""
_HEALTH: Final = """
WITH mine AS (SELECT id FROM webhook_endpoints WHERE id = ANY ($1::text[] || $2::text[]) ORDER BY id FOR UPDATE)
UPDATE webhook_endpoints AS w
SET failing_since = CASE WHEN w.id = ANY ($1::text[]) THEN NULL ELSE coalesce(failing_since, clock_timestamp()) END
FROM mine WHERE w.id = mine.id
"""
# Endpoint by endpoint, as the index has them: there is none over all deliveries by their end.
_OVER: Final = "t.created_at < now() - $1::interval AND t.finished_at < now() - $1::interval"
_OF_ENDPOINT: Final = f"t.endpoint_id = $2 AND {_OVER}"
_EACH: Final = """
WITH RECURSIVE each AS (
    SELECT min(endpoint_id) AS id FROM deliveries
    UNION ALL
    SELECT (SELECT min(endpoint_id) FROM deliveries WHERE endpoint_id > each.id) FROM each WHERE each.id IS NOT NULL
)
SELECT id FROM each WHERE id IS NOT NULL AND
"""
_GONE: Final = f"{_EACH} NOT EXISTS (SELECT FROM webhook_endpoints AS w WHERE w.id = each.id)"
_KEPT_LONG: Final = f"{_EACH} EXISTS (SELECT FROM deliveries AS t WHERE t.endpoint_id = each.id AND {_OVER})"
_LONG: Final = 8.0
"""Seconds after which what is left to forget is left to the next pass."""
RETENTION: Final = timedelta(days=30)
"""How long an ended delivery can be looked up and sent again."""


async def record_outcomes(session: AsyncSession, outcomes: Sequence[DeliveryOutcome]) -> None:
    """Write what became of deliveries, where the claim still holds, and since when their endpoints have failed.

    Where a first attempt ended, the next event of the ticket has its turn; the sender is woken after the commit. From
    here on the transaction waits for no lock longer than a moment, since everybody's outcomes wait for it.
    """
    connection = await driver(session)
    hurry = not any(one.disable for one in outcomes)
    recorded = await connection.fetch(_RECORD, to_json([one.row() for one in outcomes]), hurry)
    turns = {(row["owner_id"], row["endpoint_id"], row["ticket_id"]) for row in recorded if row["opens"]}
    if turns and await connection.execute(_LET_GO, *zip(*sorted(turns), strict=True)) != "UPDATE 0":
        ring_after_commit(session, "deliveries")
    delivered = {one.delivery.endpoint_id for one in outcomes if one.state == "delivered"}
    recovered = {one.delivery.endpoint_id for one in outcomes if one.delivery.failing_since} & delivered
    unsuccessful = [one for one in outcomes if one.state != "skipped" and not one.delivery.failing_since]
    failing = {one.delivery.endpoint_id for one in unsuccessful} - delivered
    if recovered or failing:
        await connection.execute(_HEALTH, list(recovered), list(failing))


async def let_stranded_go(sessions: Sessions) -> int:
    """Give their turn to deliveries for which nobody is left to do so: those of a process of another version.

    How many there were; each is more than a process of this version leaves behind.
    """
    async with transaction(sessions) as session:
        status = await (await driver(session)).execute(_STRANDED)
        number = int(status.rpartition(" ")[2])
        if number:
            ring_after_commit(session, "deliveries")
            _log.warning("deliveries had waited for a turn that nobody gave them", deliveries=number)
    return number


async def forget_deliveries(sessions: Sessions, seconds: float = _LONG) -> bool:
    """Drop deliveries that ended before the retention began, or whose endpoint is gone; their events stay for ever.

    It takes about so many ``seconds`` at most; whether something may be left for another pass.
    """
    async with sessions() as session:
        connection = await driver(session)
        old, gone = await connection.fetch(_KEPT_LONG, RETENTION), await connection.fetch(_GONE)
    until = monotonic() + seconds
    for which, arguments in [
        *((_OF_ENDPOINT, [RETENTION, one["id"]]) for one in old),
        *(("t.endpoint_id = $1", [one["id"]]) for one in gone),
    ]:
        if monotonic() < until:
            await forget(sessions, DeliveryRow, which, *arguments, until=until)
    return monotonic() >= until
