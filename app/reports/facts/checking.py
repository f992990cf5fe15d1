"""Whether the stored facts are what the events give, and what the deadlines say: for ``heliodesk check``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.engine import Sessions
from app.core.db.session import driver, snapshot
from app.core.db.tables import Row
from app.reports.cells import CELLS, KEY, summed
from app.reports.facts.progress import HELD
from app.reports.facts.promises import INCIDENT, UPDATE
from app.reports.facts.storing import MARK, Faults, Key, counts
from app.reports.facts.summing import COUNTED, HASHES, months
from app.reports.models import ReportFactRow, ReportMomentRow

# A ticket of which there are events that are not counted yet is not looked at.
_COUNTED: Final = f"""
SELECT k.account_id, k.ticket_id FROM unnest($1::text[], $2::text[]) AS k (account_id, ticket_id)
JOIN tickets AS t ON t.account_id = k.account_id AND t.id = k.ticket_id
WHERE (SELECT e.position FROM events AS e WHERE e.account_id = t.account_id AND e.ticket_id = t.id
       ORDER BY e.sequence DESC LIMIT 1) <= (SELECT m.position FROM event_consumers AS m WHERE m.name = $3)
  AND NOT EXISTS (SELECT FROM report_recounts AS r WHERE r.account_id = t.account_id AND r.ticket_id = t.id
                  AND {HELD.format("r")})
"""  # noqa: S608  our own text
_STORED: Final = """
SELECT f.* FROM unnest($1::text[], $2::text[]) AS k (account_id, ticket_id)
JOIN {} AS f ON f.account_id = k.account_id AND f.ticket_id = k.ticket_id
"""
_DEADLINES: Final = _STORED.format("deadlines").replace(
    "f.*", "f.ticket_id, f.id, f.metric, f.cycle, f.priority, f.state, f.started_at, f.missed_at IS NOT NULL AS missed"
)
_KEY: Final = ", ".join(KEY)
_SUMS: Final = f"""
WITH {COUNTED}, waiting AS MATERIALIZED (SELECT * FROM report_sum_moves WHERE at >= $1 AND at < $2)
SELECT count(*) FROM (
    SELECT {_KEY} FROM (
        SELECT {_KEY}, number, misses FROM report_sums WHERE cell = ANY ($3::smallint[]) AND at >= $1 AND at < $2
        UNION ALL ({summed("TABLE waiting")})
        UNION ALL SELECT {_KEY}, -number, -misses FROM ({summed("TABLE counted")}) AS a
    ) AS s GROUP BY {_KEY} HAVING sum(number) <> 0 OR sum(misses) <> 0
) AS different
"""  # noqa: S608  our own names


@dataclass(frozen=True, slots=True)
class WrongFact:
    """Something that reports count wrongly."""

    ticket_id: str
    place: str
    stored: Any
    counted: Any

    def __str__(self) -> str:
        return f"{self.ticket_id} report {self.place}: stored {self.stored}, counted {self.counted}"


async def wrong_facts(sessions: Sessions, keys: Sequence[Key]) -> list[WrongFact]:
    """In what the facts and moments of these tickets are not what is counted anew, and the facts not the deadlines."""
    if not keys:
        return []
    async with snapshot(sessions) as session:
        connection = await driver(session)
        found = await connection.fetch(_COUNTED, *zip(*keys, strict=True), MARK)
        counted = [(row["account_id"], row["ticket_id"]) for row in found]
        if not counted:
            return []
        faults = Faults()
        tables = [_STORED.format(table.__tablename__) for table in (ReportFactRow, ReportMomentRow)]
        facts, moments = [await connection.fetch(statement, *zip(*counted, strict=True)) for statement in tables]
        anew = [each async for each in counts(session, counted, faults)]
        beside = await miscounted(session, counted)
    wrong = {ticket_id for _, ticket_id in faults}
    facts, moments = [[row for row in rows if row["ticket_id"] not in wrong] for rows in (facts, moments)]
    return [
        *(WrongFact(ticket_id, "as a whole", "any", repr(error)) for (_, ticket_id), error in faults.items()),
        *_differences("fact", facts, [row for each in anew for row in each.facts]),
        *_differences("moment", moments, [row for each in anew for row in each.moments]),
        *beside,
    ]


async def miscounted(session: AsyncSession, keys: Sequence[Key]) -> list[WrongFact]:
    """In what the events of these tickets and their deadlines disagree about the deadlines' outcomes."""
    if not keys:
        return []
    deadlines, faults = await (await driver(session)).fetch(_DEADLINES, *zip(*keys, strict=True)), Faults()
    facts = [row async for each in counts(session, keys, faults) for row in each.facts]
    wrong = {ticket_id for _, ticket_id in faults}
    return list(_beside([row for row in deadlines if row["ticket_id"] not in wrong], facts))


async def wrong_sums(sessions: Sessions) -> int:
    """How many of the sums are, with the moves that wait, not what the facts and moments come to."""
    wrong, cells = 0, [cell.number_of(moments=moments) for cell in CELLS for moments in (False, True)]
    async with snapshot(sessions) as session:
        connection = await driver(session)
        await connection.execute(HASHES)
        for begin, end in await months(session):
            wrong += await connection.fetchval(_SUMS, begin, end, cells)
    return wrong


def _differences(kind: str, stored: Sequence[Row], counted: Sequence[Row]) -> Iterator[WrongFact]:
    before, after = _by_id(stored), _by_id(counted)
    for id_ in sorted(before.keys() | after.keys()):
        old, new = before.get(id_), after.get(id_)
        if old is None or new is None:
            ticket_id = (old or new or {})["ticket_id"]
            yield WrongFact(ticket_id, f"{kind} {id_}", _existence(old), _existence(new))
            continue
        for name in new:
            if old[name] != new[name]:
                yield WrongFact(new["ticket_id"], f"{kind} {id_} {name}", old[name], new[name])


def _beside(deadlines: Sequence[Row], facts: Sequence[Row]) -> Iterator[WrongFact]:
    """In what the facts of cycles are not what the deadlines say."""
    told = {row["id"]: _of_fact(row) for row in facts if row["cycle"] != INCIDENT}
    known = {row["id"]: (row["ticket_id"], _of_deadline(row)) for row in deadlines}
    for id_, (ticket_id, said) in known.items():
        fact = told.get(id_)
        if fact != said and not (fact and fact[3] == "excluded" and said[4]):
            yield WrongFact(ticket_id, f"deadline {id_}", fact, said)


def _of_fact(row: Row) -> tuple[Any, ...]:
    own = (row["metric"], row["cycle"], row["priority"], row["outcome"], bool(row["misses"]))
    return (*own, *_start(row))


def _of_deadline(row: Row) -> tuple[Any, ...]:
    outcome = {"running": "open", "paused": "open"}.get(row["state"], row["state"])
    return (row["metric"], row["cycle"], row["priority"], outcome, row["missed"], *_start(row))


def _start(row: Row) -> tuple[Any, ...]:
    """When the cycle started; not of an update, whose first cycle the first response may begin anew."""
    return () if row["metric"] == UPDATE else (row["started_at"],)


def _by_id(rows: Sequence[Row]) -> Mapping[str, Row]:
    return {row["id"]: row for row in rows}


def _existence(row: Row | None) -> str:
    return "absent" if row is None else "there"
