"""Reading the feed page by page. No connection is held between two pages, whether or not somebody waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db.engine import lookup
from app.core.db.tables import Row
from app.core.problems import Gone
from app.core.state import State
from app.core.text.messages import _
from app.events.envelope import envelope
from app.feed.cursors import LATEST, Start, cursor_of
from app.feed.marks import OLDEST

REACH: Final = 5000
"""Events that one page looks at, at the most, for those that its reader wants."""

_PAGE: Final = f"""
SELECT * FROM (SELECT * FROM events WHERE {{scope}} ORDER BY position LIMIT {REACH}) AS e
WHERE e.audience = ANY ($3::text[]) AND ($4::text[] IS NULL OR e.type = ANY ($4::text[]))
  AND ($5::text IS NULL OR e.ticket_id = $5) AND ($6::boolean IS NULL OR e.sandbox = $6)
ORDER BY e.position LIMIT $7
"""  # noqa: S608  a number of ours
_REACHED: Final = f"SELECT position FROM events WHERE {{scope}} ORDER BY position OFFSET {REACH - 1} LIMIT 1"  # noqa: S608
_SCOPE: Final = "position > $1 AND position <= $2"
_OF_ALL: Final = f"id > '' AND {_SCOPE}"  # what the index wants to hear, see its model
PAGE: Final = _PAGE.format(scope=_OF_ALL)
PAGE_OF_ONE: Final = _PAGE.format(scope=f"account_id = $8 AND {_SCOPE}")
REACHED: Final = _REACHED.format(scope=_OF_ALL)
REACHED_OF_ONE: Final = _REACHED.format(scope=f"account_id = $3 AND {_SCOPE}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events a reader gets: those of one account or of all, of these audiences, and what filters leave."""

    account_id: str | None
    audiences: Sequence[str]
    types: Sequence[str] | None = None
    ticket_id: str | None = None
    sandbox: bool | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of a page; the position behind which to go on; and whether there is something to go on with now."""

    rows: Sequence[Row]
    after: int
    more: bool

    def documents(self) -> list[dict[str, Any]]:
        """The events as they are told, each with its cursor."""
        return [envelope(row) | {"cursor": cursor_of(row["position"])} for row in self.rows]


async def begin(state: State, start: Start) -> int:
    """The position behind which to read. ``Gone`` where the feed no longer has, or does not have yet, that place."""
    if start == LATEST:
        return await state.feed.settled()
    async with lookup(state.engine) as connection:
        oldest: int = await connection.fetchval(OLDEST, timedelta(days=state.settings.feed_retention))
    if start is None:
        return oldest
    if start < oldest:
        raise Gone(_("The feed goes back {days} days", days=state.settings.feed_retention))
    if start > state.feed.last:
        await state.feed.poll()
    if start > state.feed.last:
        raise Gone(_("The feed has not reached this cursor's place: the database has lost its newest events"))
    return start


async def read(engine: AsyncEngine, wanted: Wanted, *, after: int, upto: int, limit: int) -> Page:
    """The next wanted events behind ``after``, among the next 5,000 at the most, in the order of the feed."""
    if after >= upto:
        return Page((), after, more=False)
    of_one = (wanted.account_id,) if wanted.account_id else ()
    filters = (wanted.audiences, wanted.types, wanted.ticket_id, wanted.sandbox)
    far = upto - after > REACH
    async with lookup(engine, planned_anew=far) as connection:
        rows = await connection.fetch(PAGE_OF_ONE if of_one else PAGE, after, upto, *filters, limit + 1, *of_one)
        if len(rows) > limit:
            return Page(rows[:limit], rows[limit - 1]["position"], more=True)
        reached = None
        if far:
            reached = await connection.fetchval(REACHED_OF_ONE if of_one else REACHED, after, upto, *of_one)
    return Page(rows, max(after, upto) if reached is None else reached, more=reached is not None)
