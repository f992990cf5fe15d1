"""Recording events: in the transaction that changes what they tell of."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver, record_behind_all
from app.core.db.statements.bulk import Write, inserted, write
from app.core.db.tables import Row
from app.core.ids import new_id
from app.core.outgoing.via import write_via
from app.events.event import Event
from app.events.models import EventRow
from app.events.people import ENGINEERS, People, named
from app.events.types import audience_of
from app.events.types.data import dump, fitted

_LAST: Final = "recorded last"
_COLUMNS: Final = ", ".join(each.name for each in EventRow.__table__.columns if each.server_default is None)
_ASIDE: Final = f"CREATE TEMPORARY TABLE told ON COMMIT DROP AS SELECT {_COLUMNS} FROM events WITH NO DATA"  # noqa: S608
_PUT: Final = f"INSERT INTO told SELECT {_COLUMNS} FROM jsonb_populate_recordset(NULL::events, $1::jsonb)"  # noqa: S608
_RECORD: Final = f"INSERT INTO events ({_COLUMNS}) SELECT {_COLUMNS} FROM told ORDER BY id"  # noqa: S608  our own


def event_row(event: Event, *, account_id: str, ticket_id: str | None, sequence: int | None, sandbox: bool) -> Row:
    """The row of an event. Its id is made here: events sort by id in the order of these calls."""
    return {
        "account_id": account_id,
        "id": new_id("evt"),
        "ticket_id": ticket_id,
        "ticket": event.ticket,
        "sequence": sequence,
        "type": event.data.type,
        "timestamp": event.at,
        "actor": event.actor.document(),
        "audience": audience_of(event.data),
        "sandbox": sandbox,
        "data": dump(event.data),
    }


def with_names(row: Row, people: People) -> Row:
    """The row of an event with the names of these people beside their ids."""
    if row["type"] not in ENGINEERS:
        return row
    return {**row, "data": fitted(named(row["type"], row["data"], people))}


VIA: Final = """coalesce(e.via, CASE WHEN e.actor->>'kind' = 'service' THEN o.via END) AS via,
       (SELECT id FROM installations) AS installation"""
"""The way that what is sent about an event ``e`` has come so far, and this installation, which is its next step."""
VIA_FROM: Final = """LEFT JOIN events AS o
  ON o.account_id = e.account_id AND o.ticket_id = e.ticket_id AND o.sequence = 1"""
"""Where that is read from: what the service does to a ticket by itself follows from how it was opened."""


def came_via(session: AsyncSession, via: Sequence[str]) -> None:
    """What this transaction records follows from a message that has come through these installations."""
    session.info["via"] = write_via(via) or None


def with_via(session: AsyncSession, rows: list[Row]) -> list[Row]:
    """The rows of events with what ``came_via`` said of their transaction."""
    via = session.info.get("via")
    return [{**row, "via": via} for row in rows] if via else rows


def recorded(rows: Sequence[Row]) -> Write:
    """The write of events. They are never changed afterwards."""
    return inserted(EventRow, rows)


def record_last(session: AsyncSession) -> None:
    """Have all events of this transaction recorded by its last statement, since the feed waits for it from then on.

    For what goes on after it has changed tickets: it answers with what it reads again, or changes others. It cannot
    read its events itself. What others wait for in turn (``do_last``) comes before that.
    """
    if _LAST not in session.info:
        session.info[_LAST] = []
        record_behind_all(session, partial(_record, session))


def recorded_in(session: AsyncSession, rows: Sequence[Row]) -> Write:
    """``recorded`` where this transaction does not record its events at its end, as ``record_last`` has asked."""
    if _LAST not in session.info:
        return recorded(rows)
    session.info[_LAST] += rows
    return recorded([])


async def _record(session: AsyncSession) -> None:
    rows: list[Row] = session.info.pop(_LAST)  # what is told from here on is recorded at once
    if any("via" in row for row in rows):  # some were told before that was known
        rows = [{"via": None, **row} for row in rows]
    await write(session, recorded(rows))


class Aside:
    """Events of one transaction that are put aside until its end: no feed waits for it meanwhile.

    What is recorded then has been read and laid out by the database before, which takes as long as recording it.
    """

    def __init__(self) -> None:
        self.is_empty = True
        """whether nothing has been put aside"""

    async def put(self, session: AsyncSession, rows: Sequence[Row]) -> None:
        """Put rows aside."""
        if self.is_empty:
            await (await driver(session)).execute(_ASIDE)
            self.is_empty = False
        await write(session, Write(_PUT, rows))

    async def record(self, session: AsyncSession) -> None:
        """Record them in the order of their ids."""
        await (await driver(session)).execute(_RECORD)
