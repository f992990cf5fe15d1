"""The background pass that finds incidents which are alike, among the tickets that were opened lately.

It looks at what is new only, and costs the opening of a ticket nothing. New tickets are compared with those of the
same product in the window before them; what is alike is suggested as a problem, or joins the one that is known. One
replica at a time holds the mark, and everything that follows from the tickets behind it is one transaction with it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final, NamedTuple, TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.db.statements.bulk import insert_rows
from app.core.db.statements.housekeeping import forget
from app.core.db.tables import Row
from app.core.process.cooperative import in_turns
from app.core.text.folding import folded
from app.problems import suggesting
from app.problems.likeness import IN_COMMON, Group, Incident, Weights, grouped, words_of
from app.problems.meanings import MEANINGS
from app.problems.models import IncidentWordRow, RecentIncidentRow

WINDOW: Final = timedelta(hours=3)
"""Incidents that are alike are opened within this time."""
BATCH: Final = 50
"""New tickets that one pass looks at."""
_POOL: Final = 500
"""Tickets of a product with which new ones are compared: the newest of the window."""
_MEMBERS: Final = 30
"""Tickets of a known problem with which new ones are compared: the newest."""
_LATE: Final = timedelta(seconds=30)
"""So long after the instant at which it was opened a ticket may be committed."""
_MEMORY: Final = timedelta(days=14)
"""So long words are counted."""
_READ: Final = 1_000
"""Characters of a description that are looked at."""
_MARK: Final = "incidents"
_NEW: Final = f"""
SELECT t.account_id, t.id, t.title, left(t.description, {_READ}) AS description, t.product, t.opened_at
FROM tickets AS t
WHERE t.sandbox = false AND t.opened_at >= $1 AND NOT EXISTS (
    SELECT FROM recent_incidents AS r WHERE r.account_id = t.account_id AND r.ticket_id = t.id)
ORDER BY t.opened_at, t.id LIMIT $2
"""  # noqa: S608  our own number
_BEGIN: Final = """
INSERT INTO detection_marks (name, opened_at) VALUES ($1, clock_timestamp() - $2::interval) ON CONFLICT DO NOTHING
"""
_LOCK: Final = "SELECT opened_at FROM detection_marks WHERE name = $1 FOR UPDATE SKIP LOCKED"
_ADVANCE: Final = "UPDATE detection_marks SET opened_at = greatest(opened_at, $2) WHERE name = $1"
# A word that a language passes over has no lexeme in it.
_TELLING: Final = """
SELECT w.word FROM unnest($1::text[]) AS w (word) WHERE w.word = ANY ($2::text[]) OR (
    ts_lexize('english_stem', w.word) <> '{}' AND ts_lexize('spanish_stem', w.word) <> '{}'
    AND ts_lexize('french_stem', w.word) <> '{}' AND ts_lexize('german_stem', w.word) <> '{}')
"""
_COUNT: Final = """
INSERT INTO incident_words AS w (word, day, tickets)
SELECT word, day, count(*) FROM unnest($1::text[], $2::date[]) AS n (word, day) GROUP BY word, day ORDER BY word, day
ON CONFLICT (word, day) DO UPDATE SET tickets = w.tickets + EXCLUDED.tickets
"""
_WEIGHTS: Final = """
SELECT word, sum(tickets)::int AS tickets FROM incident_words WHERE word = ANY ($1::text[]) AND day > $2 GROUP BY word
"""
_RECENT: Final = f"""
SELECT r.ticket_id, r.title, r.words, p.id AS problem_id, p.state
FROM recent_incidents AS r
LEFT JOIN problem_tickets AS l ON l.account_id = r.account_id AND l.ticket_id = r.ticket_id
LEFT JOIN problems AS p ON p.id = l.problem_id
WHERE r.product = $1 AND r.opened_at > $2 AND NOT r.parted
ORDER BY r.opened_at DESC, r.ticket_id LIMIT {_POOL}
"""  # noqa: S608  our own number
_ENDED: Final = ("resolved", "closed")
"""States of problems that nothing joins: what is like them is new."""


Words: TypeAlias = Mapping[str, str]
Grouping: TypeAlias = Callable[[Sequence[Group], Sequence[Incident], Weights], Awaitable[list[Group]]]


async def _here(groups: Sequence[Group], free: Sequence[Incident], weights: Weights) -> list[Group]:
    return grouped(groups, free, weights)


@dataclass(frozen=True, slots=True)
class Detection:
    """Finds recurring incidents; any number of replicas may."""

    sessions: Sessions
    group: Grouping = _here
    """how tickets are grouped: the service does it in a process of its own"""

    async def run_pass(self) -> int:
        """Look at the tickets that are new, some of them at most; how many."""
        return await self._look() if await self._is_anything_new() else 0

    async def _is_anything_new(self) -> bool:
        """Without a lock: most passes end here."""
        async with self.sessions() as session:
            connection = await driver(session)
            mark = await connection.fetchval("SELECT opened_at FROM detection_marks WHERE name = $1", _MARK)
            return mark is None or bool(await connection.fetch(_NEW, mark - _LATE, 1))

    async def _look(self) -> int:
        async with transaction(self.sessions) as session:
            connection = await driver(session)
            mark = await connection.fetchval(_LOCK, _MARK)
            if mark is None:
                await connection.execute(_BEGIN, _MARK, WINDOW)
                return 0
            new = await connection.fetch(_NEW, mark - _LATE, BATCH)
            if new:
                await _take_in(session, new, self.group)
                await connection.execute(_ADVANCE, _MARK, max(row["opened_at"] for row in new))
            return len(new)


class _Compared(NamedTuple):
    """What came of the comparison of one product's tickets."""

    product: str | None
    weights: Weights
    spelt: Mapping[str, str]
    changed: Sequence[Group]


async def _take_in(session: AsyncSession, new: Sequence[Row], group: Grouping) -> None:
    """Remember new tickets, and see which of them are like others."""
    texts = [(words_of(row["title"]), words_of(row["description"])) async for row in in_turns(new)]
    telling = await _telling(session, texts)
    rows = [_remembered(row, *words, telling) for row, words in zip(new, texts, strict=True)]
    await insert_rows(session, RecentIncidentRow, rows)
    counted = [(word, row["opened_at"].date()) for row in rows for word in ("", *row["words"])]
    await (await driver(session)).execute(_COUNT, *map(list, zip(*counted, strict=True)))
    names = {folded(row["product"] or ""): row["product"] for row in new}
    now = await database_now(session)
    by_product = groupby(sorted(rows, key=lambda row: row["product"]), key=lambda row: row["product"])
    compared = [await _compare(session, names[product], list(own), group, now=now) for product, own in by_product]
    for product, weights, spelt, changed in compared:  # from here on the events that are written hold up the feed
        for found in changed:
            await suggesting.save(session, found, product, weights, spelt, now=now)


async def _telling(session: AsyncSession, texts: Sequence[tuple[Words, Words]]) -> set[str]:
    """Of all words of these tickets, those that say something."""
    words = {word for text in texts for part in text for word in part.values()}
    meant = [word for word in words if word[:5] in MEANINGS]
    return {row["word"] for row in await (await driver(session)).fetch(_TELLING, list(words), meant)}


def _remembered(row: Row, title: Words, description: Words, telling: set[str]) -> dict[str, Any]:
    said = {stem: word for stem, word in title.items() if word in telling}
    words = {stem: word for stem, word in description.items() if word in telling} | said
    own = {"account_id": row["account_id"], "ticket_id": row["id"], "opened_at": row["opened_at"]}
    return own | {"product": folded(row["product"] or ""), "title": list(said), "words": words}


async def _compare(
    session: AsyncSession, product: str | None, new: Sequence[Row], group: Grouping, *, now: datetime
) -> _Compared:
    """Compare new tickets of one product with those before them."""
    since = min(row["opened_at"] for row in new) - WINDOW
    rows = await (await driver(session)).fetch(_RECENT, folded(product or ""), since)
    incidents = {row["ticket_id"]: _incident(row) for row in rows}
    fresh = [incidents[row["ticket_id"]] for row in new if row["ticket_id"] in incidents]
    groups: dict[str, Group] = {}
    free = []
    for row in rows:
        if row["problem_id"] is None:
            free.append(incidents[row["ticket_id"]])
        elif row["state"] not in _ENDED:
            members = groups.setdefault(row["problem_id"], Group(row["problem_id"])).members
            if len(members) < _MEMBERS:
                members.append(incidents[row["ticket_id"]])
    near = [
        one async for one in in_turns(reversed(free)) if any(len(one.words & new.words) >= IN_COMMON for new in fresh)
    ]
    weights = await _weights(session, near, list(groups.values()), now)
    changed = await group(list(groups.values()), near, weights) if near else []
    spelt = {stem: word for row in rows for stem, word in row["words"].items()}
    return _Compared(product, weights, spelt, changed)


def _is_near(one: Incident, fresh: Sequence[Incident]) -> bool:
    """Whether it may be like one of the new tickets, or is one of them."""
    return any(len(one.words & other.words) >= IN_COMMON for other in fresh)


def _incident(row: Row) -> Incident:
    return Incident(row["ticket_id"], frozenset(row["title"]), frozenset(row["words"]))


async def _weights(session: AsyncSession, free: Sequence[Incident], groups: Sequence[Group], now: datetime) -> Weights:
    members = [member for group in groups for member in group.members]
    words = {"", *(word for each in (*free, *members) for word in each.words)}
    rows = await (await driver(session)).fetch(_WEIGHTS, list(words), (now - _MEMORY).date())
    counts: Mapping[str, int] = {row["word"]: row["tickets"] for row in rows}
    return Weights(counts.get("", 0), counts)


async def forget_incidents(sessions: Sessions) -> None:
    """Drop what is remembered of tickets that nothing is compared with any more, and old counts of words."""
    await forget(sessions, RecentIncidentRow, "t.opened_at < now() - interval '1 day'")
    await forget(sessions, IncidentWordRow, "t.day < now() - interval '15 days'")
