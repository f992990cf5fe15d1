"""Reading the feed page by page. No connection is held between two pages, whether or not somebody waits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from app.accounts.reading import Question, Reader
from app.core.auth import Principal
from app.core.db.engine import lookup
from app.core.db.tables import Row
from app.core.problems import Gone
from app.core.state import State
from app.core.text.messages import _
from app.events.envelope_sql import current, envelope_sql
from app.feed.cursors import CURSOR_SQL, LATEST, Start
from app.feed.marks import OLDEST

REACH: Final = 5000
"""The most events that one page examines to find those that its reader wants."""

_ROWS: Final = f"""
SELECT e.id, e.position, e.type, {envelope_sql(cursor=CURSOR_SQL.format("e.position"))} AS body
FROM (SELECT * FROM events WHERE {{scope}} ORDER BY position LIMIT (SELECT {REACH})) AS e
WHERE e.position <= $2 AND e.audience = ANY ($3::text[]) AND ($4::text[] IS NULL OR e.type = ANY ($4::text[]))
  AND ($5::text IS NULL OR e.ticket_id = $5) AND ($6::boolean IS NULL OR e.sandbox = $6)
ORDER BY e.position LIMIT $7
"""  # noqa: S608  names and a number of ours
_REACHED: Final = f"SELECT position FROM events WHERE {{scope}} ORDER BY position OFFSET (SELECT {REACH - 1}) LIMIT 1"  # noqa: S608
_OF_ALL: Final = "id > '' AND position > $1"  # what the index wants to hear, see its model
_OF_ONE: Final = "account_id = $8 AND position > $1"
PAGE: Final = _ROWS.format(scope=_OF_ALL)
PAGE_OF_ONE: Final = _ROWS.format(scope=_OF_ONE)
_MARKED: Final = "(SELECT t.visitor_marks FROM tickets AS t WHERE t.account_id = e.account_id AND t.id = e.ticket_id)"
PAGE_OF_VISITOR: Final = PAGE_OF_ONE.replace(
    "WHERE e.position <= $2", f"WHERE e.position <= $2 AND {_MARKED} ?| $9::text[]"
)
REACHED: Final = _REACHED.format(scope=_OF_ALL)
REACHED_OF_ONE: Final = _REACHED.format(scope=_OF_ONE.replace("$8", "$2"))


def _whole(rows: str, reached: str, retention: str) -> str:
    """A page in one row: its events, the place up to which it has looked where it is short, and the oldest place."""
    return f"""
SELECT page.*, ({OLDEST.replace("$1", retention)}) AS oldest,
       CASE WHEN coalesce(cardinality(page.places), 0) < $7 THEN ({reached}) END AS reached
FROM (SELECT array_agg(r.position) AS places, array_agg(r.body) AS bodies FROM ({rows}) AS r) AS page
"""  # noqa: S608  statements of ours


_WHOLE: Final = _whole(PAGE, REACHED, "$8")
_WHOLE_OF_VISITOR: Final = _whole(PAGE_OF_VISITOR, REACHED_OF_ONE.replace("$2", "$8"), "$10")
_WHOLE_OF_ONE: Final = _whole(PAGE_OF_ONE, REACHED_OF_ONE.replace("$2", "$8"), "$9")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events a reader gets: those of one account or of all, of these audiences, and what filters leave.

    ``marks``: of a visitor, who gets those of the tickets that bear one of them.
    """

    account_id: str | None
    audiences: Sequence[str]
    types: Sequence[str] | None = None
    ticket_id: str | None = None
    sandbox: bool | None = None
    marks: tuple[str, ...] | None = None

    @property
    def scope(self) -> tuple[Any, ...]:
        """What the statements of a page take as parameters 8 and 9, where it is not of all accounts."""
        if self.account_id is None:
            return ()
        return (self.account_id,) if self.marks is None else (self.account_id, list(self.marks))

    def choose(self, of_all: str, of_one: str, of_visitor: str) -> str:
        """The statement for this reader, of three."""
        return (of_all, of_one, of_visitor)[len(self.scope)]

    @property
    def internal(self) -> bool:
        """Whether the reader is support, and so sees whole what customers see in part."""
        return "internal" in self.audiences

    @property
    def filters(self) -> tuple[Any, ...]:
        """What the statements of a page take as parameters 3 to 6."""
        return self.audiences, self.types, self.ticket_id, self.sandbox


@dataclass(frozen=True, slots=True)
class Page:
    """The events of a page; the position behind which to go on; and whether there is something to go on with now.

    Each row has ``id``, ``position``, ``type`` and ``body``: the event as it is told, with its cursor.
    """

    rows: Sequence[Row]
    after: int
    more: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A page as it is sent."""

    bodies: Sequence[str]
    after: int
    more: bool


async def begin(state: State, start: Start) -> int:
    """The position behind which to read. ``Gone`` where the feed no longer has, or does not have yet, that place."""
    if start == LATEST:
        return await state.feed.decided()
    async with lookup(state.engine) as connection:
        oldest: int = await connection.fetchval(OLDEST, timedelta(days=state.settings.feed_retention))
    if start is None:
        return oldest
    if start > state.feed.last:
        await state.feed.poll()
    return _kept(state, start, oldest)


def _kept(state: State, start: int, oldest: int) -> int:
    if start < oldest:
        raise Gone(_("The feed goes back {days} days", days=state.settings.feed_retention))
    if start > state.feed.last:
        raise Gone(_("The feed has not reached this cursor's place: the database has lost its newest events"))
    return start


async def tell(reader: Reader, wanted: Callable[[Principal], Wanted], start: Start, limit: int) -> Told:
    """What the caller gets from ``start`` on, in one statement. ``Gone`` as above.

    A page that is full, or ends where it has looked at enough, is told without asking how far the feed is: this
    process knows of everything on it.
    """
    feed = reader.state.feed
    if start != LATEST and feed.position is not None and feed.position - (start or 0) > limit:
        told = await _told(reader, wanted, start, feed.position, limit)
        if told.more:
            return told
    return await _told(reader, wanted, start, await feed.decided(), limit)


async def _told(reader: Reader, wanted: Callable[[Principal], Wanted], start: Start, upto: int, limit: int) -> Told:
    after = upto if start == LATEST else start or 0
    retention = timedelta(days=reader.state.settings.feed_retention)
    found = await reader.read(lambda principal: page_of(wanted(principal), after, upto, limit, retention))
    if start is None and found["oldest"] > after:
        return await _told(reader, wanted, found["oldest"], upto, limit)
    if start != LATEST:
        _kept(reader.state, after, found["oldest"])
    places, reached, internal = found["places"] or (), found["reached"], wanted(reader.principal).internal
    bodies = [current(body, internal=internal) for body in found["bodies"] or ()]
    if len(places) > limit:
        return Told(bodies[:limit], places[limit - 1], more=True)
    if reached is not None and reached <= upto:
        return Told(bodies, reached, more=True)
    return Told(bodies, max(after, upto), more=False)


def page_of(wanted: Wanted, after: int, upto: int, limit: int, retention: timedelta) -> Question:
    """``places`` and ``bodies`` of a page, and one event more; ``reached``: where its reach ended before it was full.

    ``oldest`` is the place behind which the feed begins.
    """
    values = (after, upto, *wanted.filters, limit + 1, *wanted.scope, retention)
    return Question(wanted.choose(_WHOLE, _WHOLE_OF_ONE, _WHOLE_OF_VISITOR), values)


async def read(engine: AsyncEngine, wanted: Wanted, *, after: int, upto: int, limit: int) -> Page:
    """The next wanted events behind ``after``, among at most the next 5,000, in the order of the feed."""
    if after >= upto:
        return Page((), after, more=False)
    of_one = wanted.scope[:1]
    async with lookup(engine) as connection:
        statement = wanted.choose(PAGE, PAGE_OF_ONE, PAGE_OF_VISITOR)
        found = await connection.fetch(statement, after, upto, *wanted.filters, limit + 1, *wanted.scope)
        rows = [{**row, "body": current(row["body"], internal=wanted.internal)} for row in found]
        if len(rows) > limit:
            return Page(rows[:limit], rows[limit - 1]["position"], more=True)
        reached = None
        if upto - after > REACH:
            reached = await connection.fetchval(REACHED_OF_ONE if of_one else REACHED, after, *of_one)
    if reached is None or reached > upto:
        return Page(rows, upto, more=False)
    return Page(rows, reached, more=True)
