"""The background pass that finds incidents which recur, among the tickets that were opened lately.

It looks at what is new only, and costs the opening of a ticket nothing. New tickets are compared with those of the day
before them that may be about the same product; those that report one incident are suggested as a problem, or join the
one that is known.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from app.articles.read.search import are_there_any
from app.consumers.consumer import Consumer
from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.session import driver
from app.core.db.statements.bulk import insert_rows
from app.core.db.statements.housekeeping import forget
from app.core.db.tables import Row
from app.core.process.cooperative import in_turns
from app.core.state import Feed
from app.core.text.folding import folded
from app.problems.alike.grouping import grouped
from app.problems.alike.incidents import Group, Incident
from app.problems.alike.likeness import NEWEST
from app.problems.alike.reading import may_say_nothing, terms_of
from app.problems.alike.weights import Weights
from app.problems.background import suggesting
from app.problems.background.solving import Solved, asked_by, look
from app.problems.models import IncidentWordRow, RecentIncidentRow

WINDOW: Final = timedelta(days=1)
"""Tickets of one incident are opened within this time of each other."""
BATCH: Final = 100
"""Events of one pass."""
_POOL: Final = 150
"""Tickets of a product with which new ones are compared: the newest of the window."""
_COMPARED: Final = 600
"""Tickets of all products with which those of one pass are compared."""
_MEMORY: Final = timedelta(days=14)
"""So long words are counted."""
READ: Final = 1_000
"""Characters of a description that are looked at."""
_NEW: Final = f"""
SELECT t.account_id, t.id, t.title, left(t.description, {READ}) AS description, t.product, t.requester, t.opened_at
FROM unnest($1::text[], $2::text[]) AS o (account_id, id) JOIN tickets AS t USING (account_id, id)
WHERE NOT t.sandbox AND NOT EXISTS (
    SELECT FROM recent_incidents AS r WHERE r.account_id = t.account_id AND r.ticket_id = t.id)
ORDER BY t.opened_at, t.id
"""  # noqa: S608  our own number
# A word that a language passes over has no lexeme in it.
TELLING: Final = """
SELECT w.word FROM unnest($1::text[]) AS w (word) WHERE ts_lexize('english_stem', w.word) <> '{}'
    AND ts_lexize('spanish_stem', w.word) <> '{}' AND ts_lexize('french_stem', w.word) <> '{}'
    AND ts_lexize('german_stem', w.word) <> '{}'
"""
_COUNT: Final = """
INSERT INTO incident_words AS w (word, day, tickets)
SELECT word, day, count(*) FROM unnest($1::text[], $2::date[]) AS n (word, day) GROUP BY word, day ORDER BY word, day
ON CONFLICT (word, day) DO UPDATE SET tickets = w.tickets + EXCLUDED.tickets
"""
_WEIGHTS: Final = """
SELECT word, sum(tickets)::int AS tickets FROM incident_words WHERE word = ANY ($1::text[]) AND day > $2 GROUP BY word
"""
# A ticket without a product may be about any, and some customers name another than the one that fails, so the newest of
# all products are compared too. A problem is known by its newest tickets, whichever of them are in the pool.
_RECENT: Final = f"""
WITH pool AS MATERIALIZED (
    SELECT r.* FROM unnest($1::text[]) AS p (product) CROSS JOIN LATERAL (
        SELECT * FROM recent_incidents AS r WHERE r.product = p.product AND r.opened_at > $2 AND NOT r.parted
        ORDER BY r.opened_at DESC, r.ticket_id LIMIT {_POOL}
    ) AS r
    UNION ALL
    SELECT * FROM (
        SELECT * FROM recent_incidents AS r
        WHERE r.product <> ALL ($1::text[]) AND r.opened_at > $2 AND NOT r.parted
        ORDER BY r.opened_at DESC, r.ticket_id LIMIT {_POOL}
    ) AS r
), compared AS MATERIALIZED (
    SELECT r.*, l.problem_id FROM pool AS r
    LEFT JOIN problem_tickets AS l ON l.account_id = r.account_id AND l.ticket_id = r.ticket_id
    ORDER BY r.opened_at DESC, r.ticket_id LIMIT {_COMPARED}
), shown AS (
    SELECT * FROM compared
    UNION
    SELECT m.* FROM (SELECT DISTINCT problem_id FROM compared WHERE problem_id IS NOT NULL) AS s
    CROSS JOIN LATERAL (
        SELECT r.*, l.problem_id FROM problem_tickets AS l
        JOIN recent_incidents AS r ON r.account_id = l.account_id AND r.ticket_id = l.ticket_id
        WHERE l.problem_id = s.problem_id AND r.opened_at > $2 AND NOT r.parted
        ORDER BY l.linked_at DESC, l.ticket_id LIMIT {NEWEST}
    ) AS m
)
SELECT r.ticket_id, r.product, r.title, r.words, r.solutions, r.supposed, r.opened_at, r.problem_id, p.state
FROM shown AS r LEFT JOIN problems AS p ON p.id = r.problem_id
ORDER BY r.opened_at DESC, r.ticket_id
"""  # noqa: S608  our own numbers
_ENDED: Final = ("resolved", "closed")
"""States of problems that nothing joins: what is like them is new."""


Words: TypeAlias = Mapping[str, str]
Grouping: TypeAlias = Callable[[Sequence[Group], Sequence[Incident], Sequence[str], Weights], Awaitable[list[Group]]]


async def _here(groups: Sequence[Group], free: Sequence[Incident], new: Sequence[str], weights: Weights) -> list[Group]:
    return grouped(groups, free, new, weights)


class Detection:
    """Finds recurring incidents; any number of replicas may, one at a time."""

    def __init__(self, sessions: Sessions, feed: Feed, group: Grouping = _here) -> None:
        """``group`` is how tickets are grouped: the service does it in a process of its own."""
        self._consumer = Consumer("incidents", sessions, feed, BATCH, types=("ticket.opened",))
        self._group = group

    async def run_pass(self) -> int:
        """Look at the tickets that the next events have opened; the number of events."""
        return await self._consumer.take(self._look)

    async def _look(self, session: AsyncSession, events: Sequence[Row]) -> None:
        opened = [(each["account_id"], each["ticket_id"]) for each in events]
        new = await (await driver(session)).fetch(_NEW, *map(list, zip(*opened, strict=True)))
        if new:
            await _take_in(session, new, self._group)


class _Compared(NamedTuple):
    """What came of a comparison."""

    weights: Weights
    spelt: Mapping[str, str]
    changed: Sequence[Group]


async def _take_in(session: AsyncSession, new: Sequence[Row], group: Grouping) -> None:
    """Remember new tickets, and see which of them report one incident."""
    texts = [(terms_of(row["title"]), terms_of(row["description"])) async for row in in_turns(new)]
    telling = await _telling(session, texts)
    solving = await _solving(session, new)
    rows = [_remembered(*each, telling) for each in zip(new, texts, solving, strict=True)]
    await insert_rows(session, RecentIncidentRow, rows)
    counted = [(word, row["opened_at"].date()) for row in rows for word in ("", *row["words"])]
    await (await driver(session)).execute(_COUNT, *map(list, zip(*counted, strict=True)))
    now = await database_now(session)
    compared = await _compare(session, rows, group, now=now)
    for found in compared.changed:
        await suggesting.save(session, found, compared.weights, compared.spelt, now=now)


async def _telling(session: AsyncSession, texts: Sequence[tuple[Words, Words]]) -> set[str]:
    """Of all plain words of these tickets, those that say something."""
    words = {word for text in texts for part in text for term, word in part.items() if may_say_nothing(term)}
    return {row["word"] for row in await (await driver(session)).fetch(TELLING, list(words))}


async def _solving(session: AsyncSession, new: Sequence[Row]) -> list[Solved]:
    """What the articles say of each ticket, where there are articles."""
    if not await are_there_any(session):
        return [Solved() for _ in new]
    return [await look(session, asked_by(*_asked(row))) for row in new]


def _asked(row: Row) -> tuple[str, str, str | None, str | None]:
    return row["title"], row["description"], row["product"], row["requester"].get("locale")


def _remembered(row: Row, texts: tuple[Words, Words], solving: Solved, telling: set[str]) -> dict[str, Any]:
    title, description = texts
    said = {term: word for term, word in title.items() if word in telling or not may_say_nothing(term)}
    words = {term: word for term, word in description.items() if word in telling or not may_say_nothing(term)} | said
    own = {"account_id": row["account_id"], "ticket_id": row["id"], "opened_at": row["opened_at"]}
    found = {"solutions": solving.solutions, "supposed": solving.supposed}
    return own | found | {"product": folded(row["product"] or ""), "title": list(said), "words": words}


async def _compare(session: AsyncSession, new: Sequence[Row], group: Grouping, *, now: datetime) -> _Compared:
    """Compare new tickets with those before them that may be about the same products."""
    products = {row["product"] for row in new}
    since = min(row["opened_at"] for row in new) - WINDOW
    rows = await (await driver(session)).fetch(_RECENT, [*products | {""}], since)
    groups: dict[str, Group] = {}
    free: list[Incident] = []
    async for row in in_turns(rows):
        if row["problem_id"] is None:
            free.append(_incident(row))
        elif row["state"] not in _ENDED:
            members = groups.setdefault(row["problem_id"], Group(row["problem_id"])).members
            if len(members) < NEWEST:
                members.insert(0, _incident(row))
    opened = [(row["opened_at"].timestamp() / 60, row["product"]) for row in rows]
    weights = await _weights(session, free, list(groups.values()), opened, now)
    fresh = [row["ticket_id"] for row in new]
    changed = await group(list(groups.values()), free[::-1], fresh, weights)
    return _Compared(weights, _spelt(rows), changed)


def _spelt(rows: Sequence[Row]) -> dict[str, str]:
    """How each term is spelt at its shortest."""
    spelt: dict[str, str] = {}
    for row in rows:
        for term, word in row["words"].items():
            spelt[term] = min(spelt.get(term, word), word, key=lambda each: (len(each), each))
    return spelt


def _incident(row: Row) -> Incident:
    minute = row["opened_at"].timestamp() / 60
    texts = (frozenset(row["title"]), frozenset(row["words"]))
    return Incident(row["ticket_id"], row["product"], minute, *texts, row["solutions"], row["supposed"])


async def _weights(
    session: AsyncSession,
    free: Sequence[Incident],
    groups: Sequence[Group],
    opened: Sequence[tuple[float, str]],
    now: datetime,
) -> Weights:
    members = [member for group in groups for member in group.members]
    words = {"", *(term for each in (*free, *members) for term in each.terms)}
    rows = await (await driver(session)).fetch(_WEIGHTS, list(words), (now - _MEMORY).date())
    counts: Mapping[str, int] = {row["word"]: row["tickets"] for row in rows}
    return Weights(counts.get("", 0), counts, opened)


async def forget_incidents(sessions: Sessions) -> None:
    """Drop what is remembered of tickets that nothing is compared with any more, and old counts of words."""
    await forget(sessions, RecentIncidentRow, "t.opened_at < now() - interval '1 day'")
    await forget(sessions, IncidentWordRow, "t.day < now() - interval '15 days'")
