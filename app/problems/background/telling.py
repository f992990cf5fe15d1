"""The background pass that tells tickets of their problem, and notices the targets that a problem misses.

What a ticket is to be told stands in its link, written in the transaction of the change. So a problem of a thousand
tickets is resolved at once, and its tickets are locked, told and saved some at a time. A ticket that somebody holds is
left to the next pass; one that cannot be told is tried again later, and holds up no other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import SERVICE, Actor
from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.errors import is_outage
from app.core.db.session import driver, glance, run, transaction
from app.core.db.tables import Row
from app.core.jobs.apart import apart
from app.core.metrics import Metrics
from app.core.text.language import Language
from app.events.types import ProblemTargetMissed, TicketProblemLinked
from app.problems import texts
from app.problems.models import ProblemRow
from app.problems.rules import NOT_OPENED, missed, next_due
from app.problems.usecases.handling import facts, tell_of, touch
from app.sla.clock.changes import Status
from app.tickets.editing import calls
from app.tickets.editing.clock import change_clock
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.load import lock_free
from app.tickets.editing.messages import add_message
from app.tickets.editing.service_messages import language_of
from app.tickets.rules import allowed
from app.tickets.save import staff_and_save
from app.tickets.schemas import NewMessage

BATCH: Final = 20
"""Tickets of one transaction."""
_MOST: Final = 50
"""Transactions of one pass."""
_PATIENCE: Final = 1.0
_UNTOLD: Final = """
SELECT ticket_id FROM problem_tickets WHERE tell_at <= clock_timestamp() ORDER BY tell_at, ticket_id LIMIT $1
"""
# Read once the tickets are locked: another replica may have told them meanwhile. A row for which one has waited is read
# as it is now, but what is joined to it in the same statement as it was before: so problems are read by another one.
_LOCK: Final = """
SELECT FROM problem_tickets WHERE ticket_id = ANY ($1::text[]) AND tell_at IS NOT NULL ORDER BY ticket_id FOR UPDATE
"""
_LINKS: Final = """
SELECT l.account_id, l.ticket_id, l.pending, p.id, p.number, p.title, p.state, p.workaround, p.resolution,
       p.translations, p.resolve_tickets, p.told_by
FROM problem_tickets AS l JOIN problems AS p ON p.id = l.problem_id
WHERE l.ticket_id = ANY ($1::text[]) AND l.tell_at IS NOT NULL ORDER BY l.ticket_id
"""
_TOLD: Final = """
UPDATE problem_tickets SET pending = '[]', tell_at = NULL WHERE ticket_id = ANY ($1::text[]) AND tell_at IS NOT NULL
"""
_LATER: Final = """
UPDATE problem_tickets SET tell_at = clock_timestamp() + interval '5 minutes'
WHERE ticket_id = ANY ($1::text[]) AND tell_at IS NOT NULL
"""
_NEXT: Final = """
SELECT least((SELECT min(tell_at) FROM problem_tickets WHERE tell_at IS NOT NULL),
             (SELECT min(wake_at) FROM problems WHERE wake_at IS NOT NULL))
"""


@dataclass(frozen=True, slots=True)
class Telling:
    """Tells the tickets of problems; any number of replicas may."""

    sessions: Sessions
    metrics: Metrics | None = None

    async def run_pass(self) -> int:
        """Tell tickets, some in each transaction, and notice missed targets; the number of tickets."""
        await notice_misses(self.sessions)
        told = 0
        for _ in range(_MOST):
            number = await self._tell_some()
            told += number
            if number < BATCH:
                break
        return told

    async def next_instant(self) -> datetime | None:
        """When a ticket is to be told, or a problem's target is due."""
        async with glance(self.sessions) as session:
            due: datetime | None = await (await driver(session)).fetchval(_NEXT)
        return due

    async def _tell_some(self) -> int:
        async with self.sessions() as session:
            ids = [row["ticket_id"] for row in await (await driver(session)).fetch(_UNTOLD, BATCH)]
        if not ids:
            return 0
        try:
            return await tell_these(self.sessions, ids)
        except Exception as error:
            if is_outage(error):
                raise
        return sum([await self._tell_one(ticket_id) for ticket_id in ids])

    async def _tell_one(self, ticket_id: str) -> int:
        told: list[int] = []
        with apart("problems", self.metrics, ticket_id=ticket_id):
            told.append(await tell_these(self.sessions, [ticket_id]))
        if not told:
            async with transaction(self.sessions) as session:
                await (await driver(session)).execute(_LATER, [ticket_id])
        return sum(told)


async def tell_these(sessions: Sessions, ids: Sequence[str]) -> int:
    """Lock those of these tickets that are free, and tell them, in one transaction; how many."""

    async def work(session: AsyncSession) -> int:
        free, faulty = await lock_free(session, ids)
        edits, connection = {edit.ticket.id: edit for edit in free}, await driver(session)
        await connection.execute(_LATER, list(faulty))
        await connection.fetch(_LOCK, list(edits))
        links = await connection.fetch(_LINKS, list(edits))
        for link in links:
            await _tell(session, edits[link["ticket_id"]], link)
        told = [link["ticket_id"] for link in links]
        await connection.execute(_TOLD, told)
        if told:
            await staff_and_save(session, [edits[ticket_id] for ticket_id in told])
        return len(told)

    return await run(sessions, work, patience=_PATIENCE)


async def _tell(session: AsyncSession, edit: TicketEdit, link: Row) -> None:
    """Tell one ticket all that is pending, as far as it still holds."""
    if link["state"] in NOT_OPENED:
        return
    actor = Actor(**link["told_by"])
    edit.ticket.version += 1
    edit.ticket.unconfirmed = False
    if "link" in link["pending"]:
        edit.tell(_linked(link), actor)
    if edit.ticket.status == "closed":
        return
    if "resolution" in link["pending"] and link["resolution"]:
        text = texts.resolved(link["number"], link["title"], *_in_words(link, "resolution", edit))
        add_message(edit, actor, actor.document(), NewMessage(body=text))
        if link["resolve_tickets"] and "resolved" in allowed(edit.ticket.status, "engineer"):
            change_clock(edit, Status(edit.now, "resolved", actor.kind), actor)
            await calls.end_with_ticket(session, edit)
    elif "workaround" in link["pending"] and link["state"] == "known_error":
        text = texts.workaround(link["number"], link["title"], *_in_words(link, "workaround", edit))
        add_message(edit, actor, actor.document(), NewMessage(body=text))


def _in_words(link: Row, what: str, edit: TicketEdit) -> tuple[str, Language]:
    """What the engineer says, as far as it goes in the language of the ticket's requester, and that language."""
    language = language_of(edit)
    return texts.in_language(link[what], link["translations"].get(what, {}), language), language


def _linked(link: Row) -> TicketProblemLinked:
    names = ("number", "title", "state", "workaround")
    return TicketProblemLinked(problem_id=link["id"], **{name: link[name] for name in names})


async def notice_misses(sessions: Sessions) -> None:
    """Tell the targets of problems that are missed by now, each once."""
    due = select(ProblemRow).where(ProblemRow.wake_at.is_not(None)).order_by(ProblemRow.wake_at).limit(BATCH)
    async with transaction(sessions) as session:
        now = await database_now(session)
        query = due.where(ProblemRow.wake_at <= now).with_for_update(skip_locked=True)
        for problem in (await session.scalars(query)).all():
            await _miss(session, problem, now)


async def _miss(session: AsyncSession, problem: ProblemRow, now: datetime) -> None:
    targets: dict[str, Any] = dict(problem.targets)
    for state in missed(targets, now):
        targets[state] = targets[state] | {"missed": True}
        due_at = datetime.fromisoformat(targets[state]["due_at"])
        await tell_of(session, ProblemTargetMissed(**facts(problem), state=state, due_at=due_at), SERVICE, now)
    problem.targets, problem.wake_at = targets, next_due(targets)
    await touch(session, problem, now)
