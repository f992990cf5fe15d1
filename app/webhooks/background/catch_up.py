"""Endpoints that are behind: their deliveries are made by a background pass, at the pace at which they take them.

An endpoint is behind while it is paused, because too many deliveries of its owner are pending, or where its owner has
enough others that are sent to directly (``pausing.direct_of``): what recording events costs is bounded, whatever an
account has.
``behind_from`` is the position in the feed up to which its deliveries are made. The feed is read up to its end alone,
where all is decided, and a delivery's id is the same however it comes to be: none is left out or made twice.

While one is behind, each commit of events wakes the pass, and its messages are some hundredths of a second later than
those of the others; those of a busy owner, some tenths. The job has a rest: however many events there are, most of
the time is left to everybody else, and four fifths of it while only busy owners are behind.

An endpoint that has caught up is sent to directly again. A transaction that began before may not have seen that, and
may record its events much later: until all of them have ended, and for a minute at least, what is recorded is looked
at here too, and what is missing is made.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import monotonic
from app.core.db.locks import AdvisoryLock, try_acquire
from app.core.db.session import driver, ring_after_commit, transaction
from app.core.db.tables import Row
from app.core.jobs.apart import apart
from app.core.state import State
from app.events.envelope import NO_ACCOUNT
from app.events.event import Event
from app.events.types import WebhookPaused, WebhookResumed, WebhookTest
from app.webhooks.outbox.fanout import DELIVERY_ID
from app.webhooks.outbox.telling import tell
from app.webhooks.rules.pausing import Loads, Waiting, direct_of, quota_of, to_pause
from app.webhooks.usecases.endpoints import LAST_POSITION, origin

AT_ONCE: Final = 100
"""Endpoints of one transaction."""
_EVENTS: Final = 100
"""Events that are looked at for each at most, fewer where that would make more than ``_DELIVERIES``."""
_DELIVERIES: Final = 2_000
_FEW: Final = 500
"""An endpoint gets no more while so many wait for their first attempt, and resumes once fewer are pending."""
_LISTENING: Final = 60.0
"""Seconds; then it listens anew."""
_REST_OF_BUSY: Final = 4.0
"""How much longer than a turn of those whose events make too many deliveries their rest is."""
_BREATHS: Final = 2
"""How much longer than a pass in vain the pause after it is."""
_GRACE: Final = timedelta(minutes=1)
"""By then, whoever has not seen that an endpoint is sent to directly has ended, or has written something: no statement
takes longer until it writes, and the resumption is committed by then."""
_ALONE: Final = AdvisoryLock("catch up", "hashtext('heliodesk catch up')")

# For these nobody is at work any more who may not have seen it; who does not say since when may be one of them. What
# the others have recorded is to be read once more, up to what ``_END`` says after it.
_SETTLED: Final = f"""
SELECT w.id FROM webhook_endpoints AS w
WHERE w.behind_from IS NOT NULL AND w.direct AND w.resumed_at < clock_timestamp() - $1::interval AND NOT EXISTS (
    SELECT FROM pg_stat_activity AS a WHERE a.datname = current_database() AND a.backend_xid IS NOT NULL
       AND coalesce(a.xact_start, '-infinity') < w.resumed_at + $1::interval
)
ORDER BY w.id LIMIT {AT_ONCE}
"""  # noqa: S608  a number of ours
_END: Final = "SELECT coalesce(max(position), 0) FROM events WHERE id > ''"
_OVER: Final = f"""
WITH waiting AS (
    SELECT d.*, w.direct, w.enabled FROM webhook_endpoints AS w JOIN (
        SELECT owner_id, endpoint_id, count(*) AS pending FROM deliveries WHERE state = 'pending' GROUP BY 1, 2
    ) AS d ON w.id = d.endpoint_id
)
SELECT owner_id, endpoint_id, pending, direct FROM waiting
WHERE enabled AND owner_id IN (
    SELECT owner_id FROM waiting GROUP BY 1
    HAVING sum(pending) > CASE WHEN owner_id = '{NO_ACCOUNT}' THEN $2::bigint ELSE $1::bigint END
)
"""  # noqa: S608  our own text
# An event with a later position may not have seen that the endpoint is paused: its delivery is there already.
# Here and below, an endpoint that a request holds has its turn with the next pass: nobody else waits for it.
_PAUSE: Final = f"""
UPDATE webhook_endpoints
SET direct = false, behind_from = coalesce(behind_from, {LAST_POSITION}),
    paused_at = clock_timestamp(), resumed_at = NULL
WHERE id = (SELECT id FROM webhook_endpoints WHERE id = $1 AND enabled AND direct FOR NO KEY UPDATE SKIP LOCKED)
RETURNING account_id, url, paused_at
"""  # noqa: S608  our own text
_BEYOND: Final = f"""
UPDATE webhook_endpoints SET direct = false, behind_from = coalesce(behind_from, {LAST_POSITION})
WHERE id IN (
    SELECT w.id FROM webhook_endpoints AS w JOIN (
        SELECT id, account_id, row_number() OVER (PARTITION BY account_id ORDER BY created_at, id) AS place
        FROM webhook_endpoints
        WHERE enabled AND direct AND ($1::text[] IS NULL OR coalesce(account_id, '{NO_ACCOUNT}') = ANY ($1))
    ) AS placed ON placed.id = w.id AND place > CASE WHEN w.account_id IS NULL THEN $3::int ELSE $2::int END
    WHERE w.direct ORDER BY w.id FOR NO KEY UPDATE OF w SKIP LOCKED
)
"""  # noqa: S608  our own text
_OF = "d.owner_id = coalesce(w.account_id, '-') AND d.endpoint_id = w.id"
_PENDING: Final = f"SELECT FROM deliveries AS d WHERE d.state = 'pending' AND {_OF}"
# Those that wait for an earlier event of their ticket have no place in a lane, and are pending all the same. Where an
# endpoint is sent to directly again, what waits may wait for what is made here.
_READY: Final = f"""
SELECT w.id FROM webhook_endpoints AS w
WHERE w.enabled AND coalesce(w.account_id, '{NO_ACCOUNT}') <> ALL ($4::text[]) AND CASE
      WHEN w.behind_from < $1 THEN w.paused_at IS NOT NULL OR w.direct OR w.account_id IS NULL OR EXISTS (
          SELECT FROM events AS e
          WHERE e.account_id = w.account_id AND e.position > w.behind_from AND e.position <= $1)
      WHEN w.direct THEN w.id = ANY ($2::text[])
      WHEN w.paused_at IS NOT NULL THEN (SELECT count(*) FROM ({_PENDING} LIMIT $3) AS pending) < $3 END
  AND w.behind_from <= $1
  AND (w.direct OR (SELECT count(*) FROM ({_PENDING} AND d.attempts = 0 LIMIT $3) AS first) < $3
       AND (w.failing_since IS NULL OR NOT EXISTS ({_PENDING})))
ORDER BY w.behind_from, w.id LIMIT {AT_ONCE}
"""  # noqa: S608  our own text
# A test is for the endpoint whose owner asked for it, whatever the others want to hear of.
_SEEN: Final = f"""
SELECT account_id, id, ticket_id, sequence, type, audience, position,
       CASE type WHEN '{WebhookTest.type}' THEN data->>'endpoint_id' ELSE w.id END AS target
FROM events
"""  # noqa: S608  our own text
_MAKE: Final = f"""
WITH behind AS MATERIALIZED (
    SELECT id, account_id, behind_from FROM webhook_endpoints
    WHERE id = ANY ($1::text[]) AND enabled AND behind_from <= $2::bigint
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
), seen AS MATERIALIZED (
    SELECT w.id AS endpoint_id, coalesce(w.account_id, '{NO_ACCOUNT}') AS owner_id, e.*
    FROM behind AS w CROSS JOIN LATERAL (
        ({_SEEN} WHERE account_id = w.account_id AND position > w.behind_from AND position <= $2::bigint
         ORDER BY position LIMIT $3)
        UNION ALL
        ({_SEEN} WHERE w.account_id IS NULL AND id > '' AND position > w.behind_from AND position <= $2::bigint
         ORDER BY position LIMIT $3)
    ) AS e
), made AS (
    INSERT INTO deliveries
        (account_id, id, endpoint_id, owner_id, event_id, ticket_id, sequence, next_attempt_at, queued)
    SELECT e.account_id, {DELIVERY_ID.format(event="e.id", endpoint="e.endpoint_id")}, e.endpoint_id, e.owner_id, e.id,
           e.ticket_id, e.sequence, now() + row_number() OVER (ORDER BY e.position) * interval '1 microsecond', true
    FROM seen AS e JOIN webhook_subscriptions AS s
      ON s.account_id = e.owner_id AND s.type = e.type AND s.endpoint_id = e.endpoint_id
    WHERE (e.owner_id = '{NO_ACCOUNT}' OR e.audience = 'public') AND e.target = e.endpoint_id
    ON CONFLICT DO NOTHING
), reached AS (
    SELECT w.id, CASE WHEN count(e.id) < $3 THEN $2::bigint ELSE max(e.position) END AS position
    FROM behind AS w LEFT JOIN seen AS e ON e.endpoint_id = w.id GROUP BY w.id
)
UPDATE webhook_endpoints AS w
SET behind_from = CASE
    WHEN w.direct AND r.position >= $2::bigint AND w.id = ANY ($5::text[])
     AND w.resumed_at < clock_timestamp() - $4::interval THEN NULL
    ELSE r.position END
FROM reached AS r WHERE w.id = r.id AND w.enabled
RETURNING w.id, coalesce(w.account_id, '{NO_ACCOUNT}') AS owner_id,
    NOT w.direct AND r.position >= $2::bigint AS caught_up
"""  # noqa: S608  our own text
# Another replica may know that its owner is busy: what it has left behind is not resumed again and again.
_RESUME: Final = f"""
UPDATE webhook_endpoints AS w
SET direct = true, paused_at = NULL, resumed_at = clock_timestamp()
FROM webhook_endpoints AS before
WHERE w.id = $1 AND before.id = w.id AND w.enabled AND NOT w.direct AND (
    SELECT count(*) FROM webhook_endpoints AS o
    WHERE o.account_id IS NOT DISTINCT FROM w.account_id AND o.enabled AND o.direct
) < CASE WHEN before.resumed_at > clock_timestamp() - $4::interval THEN least($3::int, $5) ELSE $3 END
  AND (SELECT count(*) FROM ({_PENDING} LIMIT $2) AS pending) < $2
RETURNING w.account_id, w.url, w.resumed_at, before.paused_at
"""  # noqa: S608  our own text


async def pause_over_quota(state: State) -> int:
    """Pause endpoints of those who have too many deliveries pending; how many."""
    quota = state.settings.max_pending_deliveries
    async with transaction(state.sessions) as session:
        rows = await (await driver(session)).fetch(_OVER, quota, quota_of(NO_ACCOUNT, quota))
    owners: dict[str, list[Waiting]] = defaultdict(list)
    for row in rows:
        owners[row["owner_id"]].append(Waiting(row["endpoint_id"], row["pending"], row["direct"]))
    paused = 0
    for owner, waiting in owners.items():
        most = quota_of(owner, quota)
        pending = {one.endpoint_id: one.pending for one in waiting}
        for endpoint_id in to_pause(waiting, most):
            with apart("pause endpoints", state.metrics, endpoint_id=endpoint_id):
                async with transaction(state.sessions) as session:
                    paused += await _pause(session, endpoint_id, pending[endpoint_id], most)
    return paused


async def _pause(session: AsyncSession, endpoint_id: str, pending: int, quota: int) -> int:
    row = await (await driver(session)).fetchrow(_PAUSE, endpoint_id)
    if row is None:
        return 0
    data = WebhookPaused(endpoint_id=endpoint_id, url=origin(row["url"]), pending=pending, quota=quota)
    await tell(session, row["account_id"], Event(row["paused_at"], data))
    return 1


async def leave_behind(session: AsyncSession, busy: Collection[str] | None = None) -> None:
    """Endpoints beyond those that each owner may have sent to directly are sent to by ``catch_up`` from now on.

    Of the ``busy`` owners alone, where they are given: those beyond the fewer that these may have.
    """
    owners = None if busy is None else [*busy]
    of_account, of_operators = (direct_of(owner, busy=busy is not None) for owner in ("", NO_ACCOUNT))
    await (await driver(session)).execute(_BEYOND, owners, of_account, of_operators)


class CatchingUp:
    """``catch_up`` as a job: when a commit of events may have brought something for endpoints that are behind."""

    def __init__(self, state: State, loads: Loads, *, rest: float = _REST_OF_BUSY) -> None:
        """``loads`` tells who is busy; such owners rest so many times as long as their turn took."""
        self._state, self._loads, self._rest = state, loads, rest
        self._turn_of_busy = 0.0
        self._next_turn: asyncio.TimerHandle | None = None
        self._news = False
        self._listening: asyncio.Task[None] | None = None

    async def run_pass(self) -> int:
        """For how many endpoints something was done."""
        started, seen = monotonic(), self._state.feed.position or 0
        if busy := self._loads.busy(started):
            async with transaction(self._state.sessions) as session:
                await leave_behind(session, busy)
        resting = busy if started < self._turn_of_busy else set[str]()
        news, self._news = self._news, False
        done = await catch_up(self._state, busy, resting, known=news)
        if busy and not resting:
            self._have_rest(self._rest * (monotonic() - started))
        if done == 0 and (self._listening is None or self._listening.done()):
            breath = _BREATHS * (monotonic() - started)
            self._listening = asyncio.create_task(self._listen(seen, breath), name="catch up")
        return done or 0

    def _have_rest(self, seconds: float) -> None:
        """Give busy owners their next turn after so long."""
        self._turn_of_busy = monotonic() + seconds
        if self._next_turn:
            self._next_turn.cancel()
        self._next_turn = asyncio.get_running_loop().call_later(seconds, self._state.wake_ups.behind.ring)

    async def _listen(self, beyond: int, breath: float) -> None:
        """Wake the job at the next events. The breath bounds what passes in vain cost beside events of others."""
        await asyncio.sleep(breath)
        while not await self._state.feed.news(beyond, None, _LISTENING):
            pass
        self._news = True
        self._state.wake_ups.behind.ring()

    async def stop(self) -> None:
        """Listen no longer, and wake nobody."""
        if self._next_turn:
            self._next_turn.cancel()
        if self._listening:
            self._listening.cancel()
            await asyncio.wait([self._listening])


async def catch_up(
    state: State, busy: Collection[str] = (), resting: Collection[str] = (), *, known: bool = False
) -> int | None:
    """Make the next deliveries of endpoints that are behind and take what they get; for how many. None: none is.

    Of ``busy`` owners fewer are sent to directly again. ``resting`` ones have nothing made.
    The end of the feed is asked for, unless it is ``known`` since just now.
    """
    async with transaction(state.sessions) as session:
        connection = await driver(session)
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM webhook_endpoints WHERE behind_from IS NOT NULL)"):
            return None
        settled = [row["id"] for row in await connection.fetch(_SETTLED, _GRACE)]
        end = await connection.fetchval(_END) if settled else 0
    if not known:
        await state.feed.poll()
    position = state.feed.position
    if position is None:
        return 0
    if position < end:
        settled = []
    async with transaction(state.sessions) as session:
        if not await try_acquire(session, _ALONE):
            return 0
        connection = await driver(session)
        few = min(_FEW, state.settings.max_pending_deliveries // 2)
        ready = [row["id"] for row in await connection.fetch(_READY, position, settled, few, [*resting])]
        if not ready:
            return 0
        events = min(_EVENTS, few, _DELIVERIES // len(ready))
        reached = await connection.fetch(_MAKE, ready, position, events, _GRACE, settled)
        if reached:
            await _resume(session, reached, few, busy)
            ring_after_commit(session, "deliveries")
    return len(reached)


async def _resume(session: AsyncSession, reached: Sequence[Row], few: int, busy: Collection[str]) -> None:
    """Send directly to those that have caught up: where few are pending, and their owners may have one more."""
    for endpoint in reached:
        if not endpoint["caught_up"]:
            continue
        owner = endpoint["owner_id"]
        most, while_busy = direct_of(owner, busy=owner in busy), direct_of(owner, busy=True)
        row = await (await driver(session)).fetchrow(_RESUME, endpoint["id"], few, most, _GRACE, while_busy)
        if row and row["paused_at"]:
            data = WebhookResumed(endpoint_id=endpoint["id"], url=origin(row["url"]))
            await tell(session, row["account_id"], Event(row["resumed_at"], data))
