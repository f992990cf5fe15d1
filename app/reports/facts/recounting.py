"""The background pass that counts tickets with long histories, and tries those again that could not be counted.

It reads a ticket's events without a lock, and writes what has changed in a transaction of its own: whoever counts
others goes on meanwhile. A ticket is claimed by the instant at which it is tried again, so what another replica or a
rebuild has counted in the meantime is never written over. The claim counts as a failure until it is done, so that a
ticket with which the process ends is noticed as well.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Final

import structlog
from asyncpg import Connection, CrashShutdownError, InterfaceError, InternalClientError, PostgresConnectionError

from app.consumers import marks
from app.consumers.postponed import BLAMED
from app.consumers.telling import told_if_possible
from app.core.db.causes import cause_of, within
from app.core.db.engine import Sessions
from app.core.db.errors import driver_error
from app.core.db.session import LONG, allow, allow_pauses, driver, transaction
from app.core.db.tables import Row
from app.reports.facts.counting import Counted
from app.reports.facts.leaving import ENDED, LONGEST, tell_of
from app.reports.facts.progress import HELD, TRIES
from app.reports.facts.storing import MARK, Faults, counts, put
from app.reports.facts.summing import sum_up

LIMIT: Final = 300.0
"""Seconds that counting one ticket may take."""
_LEASE: Final = 360
"""Seconds until it is tried again, after the first failure."""
_DOUBLINGS: Final = 4
_MOST_LOST: Final = 5
"""Tries in a row with which a ticket may lose the connection while the database is there: more are its own failures."""
_LOST: Final = (ConnectionError, InterfaceError, InternalClientError, PostgresConnectionError, CrashShutdownError)
_BREATH: Final = 10
"""Seconds until the next try, after one that says nothing about the ticket."""
EVENTS_A_SECOND: Final = 100
LONGEST_WAIT: Final = 300
"""Seconds. A ticket waits one for so many events of its history, but no longer than this: so one that goes on and on
takes a few hundredths of the time."""
NEXT: Final = f"clock_timestamp() + interval '1 second' * least({{}} / {EVENTS_A_SECOND}, {LONGEST_WAIT})"
"""When a ticket with so many events is counted, of which there is a new one."""
# Those that are left out come after those that hold up everybody's reports.
_CLAIM: Final = f"""
WITH f AS MATERIALIZED (
    SELECT w.account_id, w.ticket_id, w.error FROM report_recounts AS w WHERE w.due_at <= clock_timestamp()
    ORDER BY {HELD.format("w")} DESC, w.due_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE report_recounts AS r SET failures = r.failures + 1, error = NULL,
    due_at = clock_timestamp() + interval '1 second' * least({_LEASE} * 2 ^ least(r.failures, {_DOUBLINGS}), {LONGEST})
FROM f WHERE f.account_id = r.account_id AND f.ticket_id = r.ticket_id
RETURNING r.account_id, r.ticket_id, r.due_at, r.failures, f.error, clock_timestamp() AS now
"""  # noqa: S608  our own numbers
MAY_BE_SOONER: Final = f"""
({{0}}.failures >= {TRIES} AND ({{0}}.error <> '{ENDED}' OR ({{0}}.failures = {TRIES} AND {{0}}.error IS NULL
    AND {{0}}.due_at < clock_timestamp() + interval '{_LEASE * 2 ** (TRIES - 1) - _LEASE} seconds')))
"""
"""Whether what is new brings the next try of a ticket forward: not where that may end the process once more, nor while
the last of the tries may be under way."""
_CLAIMED: Final = "WHERE account_id = $1 AND ticket_id = $2 AND due_at = $3"
_DONE: Final = f"DELETE FROM report_recounts {_CLAIMED} RETURNING true"  # noqa: S608  our own text
_FAILED: Final = f"UPDATE report_recounts SET error = $4 {_CLAIMED} RETURNING clock_timestamp()"  # noqa: S608
# Operators have been told of the process that ended, and are not told once more.
_GIVE_BACK: Final = f"""
UPDATE report_recounts SET failures = failures - 1,
    error = coalesce($4, CASE WHEN failures > {TRIES} THEN '{ENDED}' END),
    due_at = clock_timestamp() + interval '{_BREATH} seconds' {_CLAIMED}
"""  # noqa: S608  our own text
_UPTO: Final = """
SELECT sequence FROM events WHERE account_id = $1 AND ticket_id = $2 ORDER BY sequence DESC LIMIT 1
"""
# What has come since it was read, as far as all that has happened has been looked at: the rest is noted in its turn.
_AGAIN: Final = f"""
INSERT INTO report_recounts (account_id, ticket_id, since, due_at)
SELECT e.account_id, e.ticket_id, e.recorded_at, {NEXT.format("e.sequence")} FROM events AS e
WHERE e.account_id = $1 AND e.ticket_id = $2 AND e.sequence > $3
  AND e.position <= (SELECT m.position FROM event_consumers AS m WHERE m.name = $4)
ORDER BY e.sequence LIMIT 1
"""  # noqa: S608  our own numbers
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Recounting:
    """Counts what waits, one ticket at a time; any number of replicas may."""

    sessions: Sessions
    limit: float = LIMIT
    _kept: Row | None = field(default=None, init=False)
    """a claim that could not be given back, because the database was away"""
    _lost: tuple[tuple[object, ...] | None, int] = field(default=(None, 0), init=False)
    """the ticket with which the connection was lost last, and how often in a row"""

    async def run_pass(self) -> int:
        """Count the ticket whose turn has come, if there is one; how many have been tried.

        What says nothing about the ticket is raised, and the ticket is tried again soon.
        """
        if self._kept:
            await self._give_back(self._kept)
        claimed = await self._claim()
        if claimed is None:
            return 0
        try:
            async with within(self.limit):
                await self._count(claimed)
            if self._lost[0] == _place(claimed)[:2]:
                self._lost = (None, 0)
        except asyncio.CancelledError:
            await self._give_back(claimed)
            raise
        except Exception as error:
            if cause_of(error) not in BLAMED and not self._is_lost_again(claimed, error):
                await self._give_back(claimed)
                raise
            _log.exception("a ticket could not be counted", ticket_id=claimed["ticket_id"])
            await self._failed(claimed, error)
        return 1

    def _is_lost_again(self, claimed: Row, error: Exception) -> bool:
        if not isinstance(driver_error(error), _LOST):
            return False
        key = _place(claimed)[:2]
        self._lost = (key, self._lost[1] + 1 if self._lost[0] == key else 1)
        return self._lost[1] > _MOST_LOST

    async def _claim(self) -> Row | None:
        async def put_down(*, told: bool) -> Row | None:
            async with transaction(self.sessions) as session:
                claimed: Row | None = await (await driver(session)).fetchrow(_CLAIM)
                if claimed and told and claimed["failures"] == TRIES + 1 and claimed["error"] is None:
                    await tell_of(session, claimed, claimed["now"], None)
            return claimed

        return await told_if_possible(put_down, told=True, job=MARK)

    async def _count(self, claimed: Row) -> None:
        key, faults = (claimed["account_id"], claimed["ticket_id"]), Faults()
        async with self.sessions() as session:
            await allow_pauses(session, self.limit)
            upto = await (await driver(session)).fetchval(_UPTO, *key)
            found = [each async for each in counts(session, [key], faults)]
        if faults:
            raise faults[key]
        async with transaction(self.sessions) as session:
            connection = await driver(session)
            await marks.wait(connection, MARK)
            if await connection.fetchval(_DONE, *_place(claimed)):
                await allow(session, LONG)
                await put(session, found[0] if found else Counted([], []))
                await connection.execute(_AGAIN, *key, upto, MARK)
                await sum_up(session)

    async def _give_back(self, claimed: Row) -> None:
        self._kept = claimed
        async with transaction(self.sessions) as session:
            await (await driver(session)).execute(_GIVE_BACK, *_place(claimed), claimed["error"])
        self._kept = None

    async def _failed(self, claimed: Row, error: Exception) -> None:
        async def put_down(*, told: bool) -> bool:
            async with transaction(self.sessions) as session:
                connection: Connection = await driver(session)
                now = await connection.fetchval(_FAILED, *_place(claimed), type(error).__name__)
                if now and told:
                    await tell_of(session, claimed, now, error)
            return now is not None

        await told_if_possible(put_down, told=claimed["failures"] == TRIES, job=MARK)


def _place(claimed: Row) -> tuple[object, ...]:
    return claimed["account_id"], claimed["ticket_id"], claimed["due_at"]
