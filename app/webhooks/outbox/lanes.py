"""What waits in the outbox: by its instant, or in a lane for a slot.

What is *scheduled* has an instant: a retry, a place at an endpoint's rate, the end of a lease. What may go as soon as
there is a slot is ``queued``, in the lane of its endpoint and its event's account. Which lanes there are is asked
without locks, by a loose scan that takes one step for a lane, however much waits in it, and one step for all lanes of
an owner or an endpoint that has all it may have. So a backlog costs a claim nothing.
"""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.webhooks.rules.sharing import START, Key, Lane, Share

_QUEUED_AT_ONCE: Final = 500
"""What is due at one instant is queued in so many pieces, each of some milliseconds."""
_MORE: Final = 50
"""Lanes that are looked at beyond those that a share could serve."""
_LAST: Final = "~"
"""Sorts behind every id."""

QUEUE: Final = f"""
UPDATE deliveries AS d SET queued = true FROM (
    SELECT account_id, id FROM deliveries
    WHERE NOT queued AND next_attempt_at <= (SELECT coalesce($1::timestamptz, clock_timestamp()))
    ORDER BY next_attempt_at LIMIT {_QUEUED_AT_ONCE} FOR UPDATE SKIP LOCKED
) AS due, (SELECT set_config('synchronous_commit', 'off', true)) AS hurry
WHERE d.account_id = due.account_id AND d.id = due.id
"""  # noqa: S608  a number of ours
ORDER: Final = "(NOT paced), (attempts = 0), next_attempt_at"
"""Of a lane: what has its place at the endpoint's rate goes ahead of what has none yet, and that may be a flood."""
_HEAD: Final = f"""
SELECT owner_id, endpoint_id, account_id, paced, attempts FROM deliveries
WHERE queued AND next_attempt_at IS NOT NULL AND (owner_id, endpoint_id, account_id) > ({{after}})
ORDER BY owner_id, endpoint_id, account_id, {ORDER} LIMIT 1
"""  # noqa: S608  our own text
_NEXT_LANE: Final = _HEAD.format(
    after=f"""
    l.owner_id,
    CASE WHEN l.owner_id = ANY ($4::text[]) THEN '{_LAST}' ELSE l.endpoint_id END,
    CASE WHEN l.endpoint_id = ANY ($5::text[]) THEN '{_LAST}' ELSE l.account_id END
"""
)
# Of those in a lane that have no place a retry comes first. It is a comparison, since that finds the index.
_UNPLACED_RETRY: Final = f"""
SELECT q.attempts > 0 FROM deliveries AS q
WHERE q.queued AND q.next_attempt_at IS NOT NULL AND q.owner_id = l.owner_id AND q.endpoint_id = l.endpoint_id
  AND q.account_id = l.account_id AND (NOT q.paced) >= true
ORDER BY {ORDER} LIMIT 1
"""  # noqa: S608  our own text
PLACES: Final = """ceil(extract(epoch FROM interval '1 second'
            - (greatest({free_at}, {now}) - {now})) * {rate})::int"""
"""How many places of a rate are free within the next second, from the first free one on; none where it is negative.

More are not given ahead: who comes next shares in what is free then, however much somebody else has waiting.
"""
_FREE: Final = PLACES.format(rate="w.rate", free_at="w.paced_until", now="coalesce($7::timestamptz, clock_timestamp())")
LANES: Final = f"""
WITH RECURSIVE lanes AS (
    SELECT *, 1 AS step FROM ({_HEAD.format(after="$1::text, $2::text, $3::text")}) AS first
    UNION ALL
    SELECT n.*, l.step + 1 FROM lanes AS l CROSS JOIN LATERAL ({_NEXT_LANE}) AS n WHERE l.step < $6
)
SELECT l.owner_id, l.endpoint_id, l.account_id,
       l.attempts > 0 OR (l.paced AND coalesce(({_UNPLACED_RETRY}), false)) AS retry,
       w.concurrency, CASE WHEN w.rate IS NOT NULL AND w.enabled THEN {_FREE} END AS places, l.paced
FROM lanes AS l LEFT JOIN webhook_endpoints AS w ON w.id = l.endpoint_id ORDER BY l.step
"""  # noqa: S608  our own text
_NEXT: Final = "SELECT min(next_attempt_at) FROM deliveries WHERE NOT queued AND next_attempt_at IS NOT NULL"


async def queue_due(session: AsyncSession, *, now: datetime | None = None) -> bool:
    """Put what is due at its instant into its lane; whether there may be more."""
    status: str = await (await driver(session)).execute(QUEUE, now)
    return status == f"UPDATE {_QUEUED_AT_ONCE}"


async def waiting(
    session: AsyncSession, share: Share, after: Key, *, now: datetime | None = None
) -> tuple[list[Lane], Key]:
    """Lanes behind ``after``, twice what the share could serve at most; and where to go on, ``START`` after all."""
    most = 2 * share.limit + _MORE
    found = await (await driver(session)).fetch(LANES, *after, share.full, share.busy, most, now)
    lanes = [Lane(*row) for row in found]
    return lanes, lanes[-1].key if len(lanes) == most else START


async def next_due(session: AsyncSession) -> datetime | None:
    """When something scheduled is due next; may have passed. None: nothing waits for an instant."""
    due: datetime | None = await (await driver(session)).fetchval(_NEXT)
    return due
