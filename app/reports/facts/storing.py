"""Writing what is counted of tickets: their facts and moments, and by what the sums of these are to change.

Whoever writes holds the mark, so that a ticket is never written by what somebody else read of it earlier.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeAlias

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.core.db.statements.bulk import to_json
from app.core.db.tables import Base, Row
from app.core.process.cooperative import in_turns
from app.reports.facts.counting import READ, TEXTS, Counted, Counting
from app.reports.facts.summing import FACT_MOVES, MOMENT_MOVES, moved
from app.reports.models import ReportFactRow, ReportMomentRow

Key: TypeAlias = tuple[str, str]
"""``(account_id, id)`` of a ticket."""
Faults: TypeAlias = dict[Key, Exception]
"""Tickets whose events make no sense, and why."""

MARK: Final = "reports"
"""The name of whoever follows the events for reports."""
_PAGE: Final = 1000
"""Events that are read at once."""
_AT_ONCE: Final = 500
"""Rows of one statement."""
_log = structlog.get_logger(__name__)

# A page begins in the first ticket, behind what the page before had of it.
_EVENTS: Final = """
SELECT k.account_id, k.ticket_id, k.place, e.*
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (account_id, ticket_id, place)
CROSS JOIN LATERAL (
    SELECT e.id, e.sequence, e.type, e.timestamp, e.sandbox, e.data - $3::text[] AS data FROM events AS e
    WHERE e.account_id = k.account_id AND e.ticket_id = k.ticket_id AND e.type = ANY ($4)
      AND e.sequence > CASE k.place WHEN 1 THEN $5::int ELSE -1 END ORDER BY e.sequence LIMIT $6
) AS e LIMIT $6
"""


def _columns(table: type[Base], *but: str) -> list[str]:
    return [column.name for column in table.__table__.columns if column.name not in but]


def _upsert(table: type[Base]) -> str:
    """Insert the rows of ``$1``, or update those that are different."""
    name, columns, rest = table.__tablename__, _columns(table), _columns(table, "account_id", "id")
    return f"""
    INSERT INTO {name} AS t ({", ".join(columns)})
    SELECT {", ".join(columns)} FROM jsonb_populate_recordset(NULL::{name}, $1::jsonb)
    ON CONFLICT (account_id, id) DO UPDATE SET {", ".join(f"{each} = EXCLUDED.{each}" for each in rest)}
    WHERE ROW({", ".join(f"t.{each}" for each in rest)})
        IS DISTINCT FROM ROW({", ".join(f"EXCLUDED.{each}" for each in rest)})
    """  # noqa: S608  our own names


_PUT_FACTS: Final = moved(ReportFactRow.__tablename__, FACT_MOVES, _upsert(ReportFactRow))
_PUT_MOMENTS: Final = moved(ReportMomentRow.__tablename__, MOMENT_MOVES, _upsert(ReportMomentRow))


async def recount(session: AsyncSession, keys: Sequence[Key], faults: Faults) -> Counted:
    """Count these tickets by their events, and write what differs. The transaction holds the mark.

    Tickets whose events make no sense go to ``faults``, and what is stored of them stays.
    """
    all_ = Counted([], [])
    async for counted in counts(session, keys, faults):
        all_.facts.extend(counted.facts)
        all_.moments.extend(counted.moments)
    await put(session, all_)
    return all_


async def put(session: AsyncSession, counted: Counted) -> None:
    """Write what differs of these rows, some at a time. The transaction holds the mark."""
    connection = await driver(session)
    for statement, rows in ((_PUT_FACTS, counted.facts), (_PUT_MOMENTS, counted.moments)):
        for start in range(0, len(rows), _AT_ONCE):
            await connection.execute(statement, to_json(rows[start : start + _AT_ONCE]))


async def counts(
    session: AsyncSession, keys: Sequence[Key], faults: Faults, *, page: int = _PAGE
) -> AsyncIterator[Counted]:
    """What is counted of each of these tickets; one whose events make no sense is left out, and goes to ``faults``.

    Events are read as they are counted, a ``page`` at a time, and others have their turn meanwhile: a ticket may have
    very many.
    """
    under_way: _Try | None = None
    async for event in _events(session, keys, page):
        key = (event["account_id"], event["ticket_id"])
        if under_way is None or under_way.key != key:
            if under_way and (counted := await under_way.end()):
                yield counted
            under_way = _Try(key, faults)
        under_way.take(event)
    if under_way and (counted := await under_way.end()):
        yield counted


async def _events(session: AsyncSession, keys: Sequence[Key], size: int) -> AsyncIterator[Row]:
    """The events of these tickets, one ticket after the other."""
    connection, left, after = await driver(session), list(keys), -1
    while left:
        page = await connection.fetch(_EVENTS, *zip(*left, strict=True), TEXTS, READ, after, size)
        async for event in in_turns(page):
            yield event
        if len(page) < size:
            return
        left, after = left[page[-1]["place"] - 1 :], page[-1]["sequence"]


class _Try:
    """Counting a ticket whose events may make no sense."""

    def __init__(self, key: Key, faults: Faults) -> None:
        self.key, self._faults = key, faults
        self._counting = Counting(key[1])

    def take(self, event: Row) -> None:
        """Take in the next event."""
        with self._noted():
            if self.key not in self._faults:
                self._counting.take(event)

    async def end(self) -> Counted | None:
        """What is counted; None where the events make no sense."""
        with self._noted():
            if self.key not in self._faults:
                facts = [fact async for fact in in_turns(self._counting.facts())]
                return Counted(facts, [moment async for moment in in_turns(self._counting.moments())])
        return None

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            _log.error("a ticket cannot be counted", ticket_id=self.key[1], error=repr(error))
            self._faults[self.key] = error
