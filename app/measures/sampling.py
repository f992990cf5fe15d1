"""Samples what is stored for ``/metrics``, every few seconds and never while somebody scrapes.

Each number is one short walk of a partial index, and counting ends at ``MOST``: beyond it nobody decides otherwise.
Open tickets are counted in rounds of ``PAGE`` tickets a sample, and published when a round is over, so that a million
of them cost as much at a time as a few thousand.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import orjson

from app.core.clock import wall_now
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.metrics import Metrics
from app.core.state import Feed
from app.reports.facts.progress import number_left_out, seconds_behind
from app.tickets.staffing.route import OWNER_HELD

MOST: Final = 10_000
"""How far anything is counted that waits."""
PAGE: Final = 20_000
"""Open tickets that one sample looks at."""
_PRIORITIES: Final = 50
"""Priorities that are told one by one; plans name their own."""
_START: Final = (datetime(1970, 1, 1, tzinfo=UTC), "")

# A plan that reads a whole table is never right here, whatever the statistics of a fresh or a flooded table say.
_BEGIN: Final = "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)"
# Ordinary work waits there too, for somebody of its tier or for its own engineer: nobody is woken for it.
_NEEDS_EXPERT: Final = f"routing ->> 'tier' IS NULL AND routing ->> 'reason' IS DISTINCT FROM '{OWNER_HELD}'"
WAITING: Final = f"""
SELECT due.number AS due_backlog, due.oldest AS due_lag,
       unstaffed.number AS unstaffed, unstaffed.oldest AS unstaffed_for,
       deliveries.number AS deliveries, receipts.number AS receipts, receipts.oldest AS receipts_for,
       events.number AS events, jobs.number AS jobs
FROM (SELECT count(*) AS number, extract(epoch FROM clock_timestamp() - min(wake_at))::float8 AS oldest FROM (
          SELECT wake_at FROM tickets WHERE wake_at <= statement_timestamp() AND NOT sandbox ORDER BY wake_at LIMIT $1
      ) AS t) AS due,
     (SELECT count(*) AS number, extract(epoch FROM clock_timestamp() - min(queued_at))::float8 AS oldest FROM (
          SELECT queued_at FROM tickets
          WHERE queued_at IS NOT NULL AND NOT sandbox AND {_NEEDS_EXPERT} LIMIT $1
      ) AS t) AS unstaffed,
     (SELECT count(*) AS number FROM (SELECT FROM deliveries WHERE state = 'pending' LIMIT $1) AS d) AS deliveries,
     (SELECT count(*) AS number, extract(epoch FROM clock_timestamp() - min(received_at))::float8 AS oldest FROM (
          SELECT received_at FROM receipts WHERE state = 'pending' ORDER BY received_at LIMIT $1
      ) AS r) AS receipts,
     (SELECT count(*) AS number FROM (SELECT FROM postponed_events WHERE position > 0 LIMIT $1) AS e) AS events,
     (SELECT count(*) AS number FROM postponed_events WHERE position = 0) AS jobs
"""  # noqa: S608  our own text
OPEN: Final = """
WITH page AS MATERIALIZED (
    SELECT priority, opened_at, id FROM tickets
    WHERE NOT sandbox AND status NOT IN ('resolved', 'closed') AND (opened_at, id) > ($1, $2)
    ORDER BY opened_at, id LIMIT $3
)
SELECT (SELECT count(*) FROM page) AS number, last.opened_at, last.id,
       (SELECT json_object_agg(priority, number) FROM (
            SELECT priority, count(*) AS number FROM page GROUP BY priority
        ) AS p)::text AS priorities
FROM (SELECT opened_at, id FROM page ORDER BY opened_at DESC, id DESC LIMIT 1) AS last
"""


@dataclass(slots=True)
class Sampler:
    """Sets the gauges of one process. All replicas show the same, each as of its own last sample."""

    sessions: Sessions
    feed: Feed
    metrics: Metrics
    page: int = PAGE
    _place: tuple[datetime, str] = _START
    _counted: Counter[str] = field(default_factory=Counter)

    async def run_pass(self) -> None:
        """Take one sample."""
        async with transaction(self.sessions) as session:
            connection = await driver(session)
            await connection.execute(_BEGIN)
            waiting = await connection.fetchrow(WAITING, MOST)
            page = await connection.fetchrow(OPEN, *self._place, self.page)
            behind, left_out = await seconds_behind(connection), await number_left_out(connection)
        await self.feed.poll()
        gauges = self.metrics.stored
        gauges.due_backlog.set(waiting["due_backlog"])
        gauges.due_lag.set(max(waiting["due_lag"] or 0.0, 0.0))
        gauges.unstaffed.set(waiting["unstaffed"])
        gauges.unstaffed_for.set(max(waiting["unstaffed_for"] or 0.0, 0.0))
        gauges.deliveries.set(waiting["deliveries"])
        gauges.receipts.set(waiting["receipts"])
        gauges.receipts_for.set(max(waiting["receipts_for"] or 0.0, 0.0))
        gauges.postponed_events.set(waiting["events"])
        gauges.postponed_jobs.set(waiting["jobs"])
        gauges.reports_behind.set(behind)
        gauges.reports_left_out.set(left_out)
        gauges.feed_held.set(self.feed.held())
        if page is not None:
            self._counted.update(orjson.loads(page["priorities"]))
            self._place = (page["opened_at"], page["id"])
        if page is None or page["number"] < self.page:
            self._publish()
        gauges.sampled.set(wall_now().timestamp())

    def _publish(self) -> None:
        """A round is over: tell what it has counted, and begin the next one."""
        gauge = self.metrics.stored.open_tickets
        gauge.clear()
        for priority, number in self._counted.most_common(_PRIORITIES):
            gauge.labels(priority).set(number)
        if rest := self._counted.total() - sum(number for _, number in self._counted.most_common(_PRIORITIES)):
            gauge.labels("other").set(rest)
        self._counted.clear()
        self._place = _START
