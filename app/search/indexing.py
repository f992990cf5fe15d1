"""The background pass that keeps what the search looks at: it follows the events, from the first one on.

Opening a ticket and writing a message cost nothing by it, and what is written is found within some seconds. On a
database that has tickets already the pass works through their events, some at a time.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.consumers.consumer import Consumer
from app.core.db.engine import Sessions
from app.core.db.session import driver
from app.core.db.statements.bulk import upserted, write
from app.core.db.tables import Row
from app.core.process.cooperative import in_turns
from app.core.state import Feed
from app.events.envelope import NO_ACCOUNT
from app.search.models import READ, SearchTextRow
from app.search.words import vector

BATCH: Final = 100
"""Events of one pass."""
_TICKETS: Final = f"""
SELECT
    account_id, id, title, left(description, {READ}) AS description, number, external_ref, product, requester, tags,
    sandbox, opened_at
FROM tickets WHERE id = ANY ($1::text[])
"""  # noqa: S608  our own number
_MESSAGES: Final = f"""
SELECT m.account_id, m.id, m.ticket_id, left(m.body, {READ}) AS body, m.visibility, m.created_at, t.sandbox
FROM tickets AS t JOIN messages AS m ON m.account_id = t.account_id AND m.ticket_id = t.id
WHERE t.id = ANY ($1::text[]) AND m.id = ANY ($2::text[])
"""  # noqa: S608  our own number
_PROBLEMS: Final = """
SELECT id, number, title, description, product, workaround, resolution, created_at FROM problems
WHERE id = ANY ($1::text[])
"""
_OF_TICKETS: Final = ("ticket.opened", "ticket.updated")


class Indexing:
    """Keeps the index of the search; any number of replicas may, one at a time."""

    def __init__(self, sessions: Sessions, feed: Feed) -> None:
        self._consumer = Consumer("texts", sessions, feed, BATCH, of_old=True)

    async def run_pass(self) -> int:
        """Take in what the next events tell of; the number of events."""
        return await self._consumer.take(index)


async def index(session: AsyncSession, events: Sequence[Row]) -> None:
    """Write the texts of which these events tell, as they are by now."""
    connection = await driver(session)
    tickets = {event["ticket_id"] for event in events if event["type"] in _OF_TICKETS}
    posted = {event["message_id"]: event["ticket_id"] for event in events if event["type"] == "message.posted"}
    problems = {event["problem_id"] for event in events if event["type"].startswith("problem.")}
    rows: list[dict[str, Any]] = []
    if tickets:
        rows += [_ticket(row) async for row in in_turns(await connection.fetch(_TICKETS, tickets))]
    if posted:
        found = await connection.fetch(_MESSAGES, set(posted.values()), list(posted))
        rows += [_message(row) async for row in in_turns(found)]
    if problems:
        rows += [_problem(row) for row in await connection.fetch(_PROBLEMS, problems)]
    await write(session, upserted(SearchTextRow, rows))


def _ticket(row: Row) -> dict[str, Any]:
    requester = row["requester"]
    references = [row["number"], row["external_ref"], row["product"], requester.get("name"), requester.get("email")]
    words = vector(row["title"], [each for each in (*references, *row["tags"]) if each], row["description"])
    own = {"account_id": row["account_id"], "id": row["id"], "ticket_id": row["id"], "internal": False}
    return own | {"sandbox": row["sandbox"], "at": row["opened_at"], "words": words}


def _message(row: Row) -> dict[str, Any]:
    own = {name: row[name] for name in ("account_id", "id", "ticket_id")}
    told = {"internal": row["visibility"] != "public", "sandbox": row["sandbox"], "at": row["created_at"]}
    return own | told | {"words": vector("", (), row["body"])}


def _problem(row: Row) -> dict[str, Any]:
    text = " ".join(filter(None, (row["description"], row["workaround"], row["resolution"])))
    words = vector(row["title"], [each for each in (row["number"], row["product"]) if each], text)
    own = {"account_id": NO_ACCOUNT, "id": row["id"], "ticket_id": None, "internal": True}
    return own | {"sandbox": False, "at": row["created_at"], "words": words}
