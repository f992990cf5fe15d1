"""Recorded tickets in the database, in short snapshots in which nothing can be written."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any, Final, TypeVar

import orjson
from asyncpg import Connection, QueryCanceledError

from app.backtests.heavy import Record
from app.backtests.plans import Stored
from app.core.db.engine import Sessions
from app.core.db.errors import driver_error, is_outage
from app.core.db.session import LONG, allow, driver, snapshot
from app.core.db.tables import Row
from app.sla.history import INPUTS, TOLD_BY_SERVICE

T = TypeVar("T")

PAGE: Final = 2_000
"""Keys of one statement."""
BATCH: Final = 200
"""Tickets of one snapshot."""
_TRIES: Final = 10
"""How often something is read that the database has no time for; a wait for a connection is one try."""
_CANCELLED: Final = 2
"""How often a statement is tried that takes longer than it may."""
_BREATH: Final = 2.0
"""Seconds between two of them."""
_BITS: Final = 2**31
_WHERE: Final = f"""
t.opened_at >= $1 AND t.opened_at < $2
AND CASE WHEN $3::text IS NULL THEN NOT t.sandbox ELSE t.account_id = $3 END
AND ($4::text IS NULL OR t.plan_key = $4)
AND ($5::bigint IS NULL OR hashtextextended(t.id, 0) & {_BITS - 1} < $5)
"""
_COUNT: Final = f"SELECT count(*) FROM tickets AS t WHERE {_WHERE}"  # noqa: S608  our own condition
_KEYS: Final = f"""
SELECT t.opened_at, t.id FROM tickets AS t
WHERE {_WHERE} AND ($6::timestamptz IS NULL OR (t.opened_at, t.id) > ($6, $7::text))
ORDER BY t.opened_at, t.id LIMIT {PAGE}
"""  # noqa: S608  our own condition
# What the clock derives is not read. The words of messages stay where they are.
_RECORDS: Final = """
SELECT t.account_id, t.id, t.number, t.status, t.priority, t.tier,
       greatest(coalesce(a.sandbox_now, clock_timestamp()), (t.clock ->> 'last_at')::timestamptz, e.told_at) AS now,
       t.clock::text AS clock, d.deadlines, e.events, e.pins
FROM tickets AS t
JOIN accounts AS a ON a.account_id = t.account_id
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(to_jsonb(d)), '[]')::text AS deadlines
    FROM deadlines AS d WHERE d.account_id = t.account_id AND d.ticket_id = t.id
) AS d
CROSS JOIN LATERAL (
    SELECT max(e.timestamp) AS told_at,
           convert_to(coalesce(json_agg(json_build_object(
        'type', e.type, 'timestamp', e.timestamp, 'actor', e.actor, 'data', e.data - $4::text[]
    ) ORDER BY e.sequence), '[]')::text, 'UTF8') AS events,
           coalesce(array_agg((CASE e.type WHEN 'ticket.opened' THEN e.data -> 'plan' ELSE e.data -> 'to' END)::text)
                    FILTER (WHERE e.type IN ('ticket.opened', 'plan.applied')), '{}') AS pins
    FROM events AS e
    WHERE e.account_id = t.account_id AND e.ticket_id = t.id
      AND e.type = ANY ($2) AND (e.actor ->> 'kind' <> 'service' OR e.type = ANY ($3))
) AS e
WHERE t.id = ANY ($1::text[])
ORDER BY t.opened_at, t.id
"""
_TEXTS: Final = ("body", "title", "description", "business_impact", "priority_reason", "requester")
_DOCUMENTS: Final = """
SELECT v.key, v.version, v.document::text AS document
FROM unnest($1::text[], $2::int[]) AS k (key, version)
JOIN plan_versions AS v ON v.key = k.key AND v.version = k.version
"""
_HOLIDAYS: Final = "SELECT id, dates FROM holiday_sets WHERE id = ANY ($1::text[])"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which tickets are meant: those opened in a period, of one account or of all that are live."""

    since: datetime
    until: datetime
    account_id: str | None = None
    from_key: str | None = None
    """only those on a version of this plan"""

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Of every statement that has the scope as its condition."""
        return self.since, self.until, self.account_id, self.from_key


@dataclass(slots=True)
class Known:
    """What has been read of plans and holidays in one run, none of which ever changes."""

    documents: dict[tuple[str, int], bytes] = field(default_factory=dict)
    holidays: dict[str, tuple[date, ...]] = field(default_factory=dict)


async def count(sessions: Sessions, scope: Scope) -> int:
    """How many tickets are in the scope."""
    return await patiently(partial(_count, sessions, scope))


async def _count(sessions: Sessions, scope: Scope) -> int:
    async with snapshot(sessions) as session:
        await allow(session, LONG)
        found: int = await (await driver(session)).fetchval(_COUNT, *scope.arguments, None)
        return found


async def batches(
    sessions: Sessions, scope: Scope, share: float, known: Known
) -> AsyncGenerator[tuple[list[Record], Stored], None]:
    """The tickets of the scope in the order of their opening, or a ``share`` of them that is the same each time.

    Each batch is one read-only transaction that has ended when the batch is handed out.
    """
    below = None if share >= 1 else round(share * _BITS)
    last: tuple[datetime | None, str | None] = (None, None)
    while True:
        keys = await patiently(partial(_keys, sessions, scope, below, last))
        for start in range(0, len(keys), BATCH):
            ids = [key["id"] for key in keys[start : start + BATCH]]
            yield await patiently(partial(_batch, sessions, ids, known))
        if len(keys) < PAGE:
            return
        last = (keys[-1]["opened_at"], keys[-1]["id"])


async def patiently(read: Callable[[], Awaitable[T]]) -> T:
    """What is read, also of a database that is busy, or away for a moment: a long backtest goes on after that."""
    cancelled = 0
    for _try in range(_TRIES - 1):
        try:
            return await read()
        except Exception as error:
            cancelled += isinstance(driver_error(error), QueryCanceledError)
            if not is_outage(error) or cancelled >= _CANCELLED:
                raise
        await asyncio.sleep(_BREATH)
    return await read()


async def _keys(
    sessions: Sessions, scope: Scope, below: int | None, last: tuple[datetime | None, str | None]
) -> list[Row]:
    async with snapshot(sessions) as session:
        await allow(session, LONG)
        return list(await (await driver(session)).fetch(_KEYS, *scope.arguments, below, *last))


async def _batch(sessions: Sessions, ids: list[str], known: Known) -> tuple[list[Record], Stored]:
    async with snapshot(sessions) as session:
        await allow(session, LONG)
        connection = await driver(session)
        rows = await connection.fetch(_RECORDS, ids, list(INPUTS), list(TOLD_BY_SERVICE), list(_TEXTS))
        pins = [orjson.loads(text) for text in {text for row in rows for text in row["pins"] if text}]
        stored = await _stored(connection, pins, known)
    return [Record(*(row[name] for name in Record._fields)) for row in rows], stored


async def _stored(connection: "Connection[Any]", pins: Iterable[Any], known: Known) -> Stored:
    """What these pins name."""
    named = {(one["key"], one["version"]) for one in pins}
    sets = {one["holiday_set"] for one in pins if one["holiday_set"]}
    if lacking := named - known.documents.keys():
        for row in await connection.fetch(_DOCUMENTS, *map(list, zip(*lacking, strict=True))):
            known.documents[row["key"], row["version"]] = row["document"].encode()
    if unknown := sets - known.holidays.keys():
        for row in await connection.fetch(_HOLIDAYS, list(unknown)):
            known.holidays[row["id"]] = tuple(map(date.fromisoformat, row["dates"]))
    return Stored(
        {name: known.documents[name] for name in named if name in known.documents},
        {name: known.holidays[name] for name in sets if name in known.holidays},
    )
