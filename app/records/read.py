"""Reading historical records: what customers may see of their tickets, in one statement."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import PersonRow
from app.accounts.queries import account_by_id
from app.core.clock import database_now
from app.core.db.session import driver
from app.core.db.statements.rows import row_by_id
from app.core.db.tables import Row
from app.events.types import INTERNAL_METRICS

MOST: Final = 500
"""Tickets of one record."""
READS: Final = 100
"""Articles of one record: those that were read last."""
_REACH: Final = 20_000
"""Tickets of an account that are looked at for those of one person."""
_RECORD: Final = f"""
SELECT t.id, t.number, t.title, t.product, t.status, t.priority, t.requester ->> 'name' AS requester, t.opened_at,
       t.resolved_at, p.number AS problem,
       (SELECT coalesce(jsonb_agg(d.metric ORDER BY d.missed_at), '[]') FROM deadlines AS d
        WHERE d.account_id = t.account_id AND d.ticket_id = t.id AND d.missed_at IS NOT NULL
          AND d.metric <> ALL ($6::text[])) AS missed,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
            'state', c.state, 'requested_at', c.requested_at, 'ended_at', c.ended_at) ORDER BY c.sequence), '[]')
        FROM calls AS c WHERE c.account_id = t.account_id AND c.ticket_id = t.id) AS calls,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', e.kind, 'reason', e.reason, 'state', e.state,
            'requested_at', e.requested_at, 'ended_at', e.ended_at) ORDER BY e.requested_at, e.id), '[]')
        FROM escalations AS e WHERE e.account_id = t.account_id AND e.ticket_id = t.id) AS escalations
FROM (
    SELECT * FROM (
        SELECT * FROM tickets WHERE account_id = $1 AND ($2::timestamptz IS NULL OR opened_at >= $2)
          AND ($3::timestamptz IS NULL OR opened_at < $3) ORDER BY opened_at DESC, id DESC LIMIT {_REACH}
    ) AS near WHERE $4::text IS NULL OR lower(near.requester ->> 'email') = $4
    ORDER BY opened_at DESC, id DESC LIMIT $5
) AS t
LEFT JOIN problem_tickets AS l ON l.account_id = t.account_id AND l.ticket_id = t.id
LEFT JOIN problems AS p ON p.id = l.problem_id AND p.state NOT IN ('suggested', 'dismissed')
ORDER BY t.opened_at DESC, t.id DESC
"""  # noqa: S608  our own number


_READ: Final = """
SELECT r.article_id, a.slug, a.language, a.title, p.name AS reader, r.times, r.first_read_at, r.last_read_at
FROM article_reads AS r JOIN articles AS a ON a.id = r.article_id
LEFT JOIN people AS p ON p.account_id = r.account_id AND p.id = r.reader
WHERE r.account_id = $1 AND ($2::timestamptz IS NULL OR r.last_read_at >= $2)
  AND ($3::timestamptz IS NULL OR r.first_read_at < $3) AND ($4::text IS NULL OR r.reader = $4)
  AND a.audience <> 'internal' AND a.status = 'published'
ORDER BY r.last_read_at DESC, r.article_id, r.reader LIMIT $5
"""


@dataclass(frozen=True, slots=True)
class Period:
    """Which tickets a record is of, by when they were opened."""

    since: datetime | None = None
    until: datetime | None = None


async def record_of(session: AsyncSession, account_id: str, person_id: str | None, period: Period) -> dict[str, Any]:
    """The record of the account, or of one of its people. 404 where there is no such person."""
    account = await account_by_id(session, account_id)
    person = await row_by_id(session, PersonRow, person_id, account_id=account_id) if person_id else None
    rows = await (await driver(session)).fetch(
        _RECORD,
        account_id,
        period.since,
        period.until,
        person.email if person else None,
        MOST + 1,
        sorted(INTERNAL_METRICS),
    )
    own = {
        "account_id": account_id,
        "name": person.name if person else account.name,
        "person_id": person_id,
        "email": person.email if person else None,
        "at": await database_now(session),
    }
    read = await (await driver(session)).fetch(_READ, account_id, period.since, period.until, person_id, READS)
    return own | _told(rows[:MOST]) | {"articles": [dict(row) for row in read], "more": len(rows) > MOST}


def _told(rows: Sequence[Row]) -> dict[str, Any]:
    tickets: list[Mapping[str, Any]] = [{**row, "missed": list(dict.fromkeys(row["missed"]))} for row in rows]
    totals = {name: sum(len(row[name]) for row in rows) for name in ("missed", "escalations", "calls")}
    return {
        "totals": {"tickets": len(rows)} | totals,
        "by_status": dict(Counter(row["status"] for row in rows)),
        "by_priority": dict(sorted(Counter(row["priority"] for row in rows).items())),
        "tickets": tickets,
    }
