"""Which tickets a problem has: found, linked by support, and parted again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Actor
from app.core.db.session import driver, ring_after_commit
from app.core.problems import Conflict, Fault, Invalid, NotFound
from app.core.text.messages import _
from app.events.log import record_last
from app.events.types import TicketProblemUnlinked
from app.problems.models import ProblemRow
from app.problems.rules import NOT_OPENED
from app.tickets.editing.load import lock
from app.tickets.save import staff_and_save

# A ticket of a suggestion is free to be linked; one of a problem is not.
_LINK: Final = """
INSERT INTO problem_tickets AS l (account_id, ticket_id, problem_id, linked_at, pending, tell_at)
SELECT t.account_id, t.id, $1::text, $3::timestamptz, '["link"]'::jsonb, $3::timestamptz
FROM tickets AS t WHERE t.id = ANY ($2::text[]) ORDER BY t.id
ON CONFLICT (account_id, ticket_id) DO UPDATE
SET problem_id = EXCLUDED.problem_id, linked_at = EXCLUDED.linked_at, pending = EXCLUDED.pending, tell_at = $3
WHERE l.problem_id <> $1 AND EXISTS (SELECT FROM problems AS p WHERE p.id = l.problem_id AND p.state = ANY ($4))
"""
_LINKED: Final = """
SELECT t.id, l.problem_id FROM tickets AS t
LEFT JOIN problem_tickets AS l ON l.account_id = t.account_id AND l.ticket_id = t.id
WHERE t.id = ANY ($1::text[])
"""
_TELL: Final = """
UPDATE problem_tickets SET pending = pending || to_jsonb($2::text), tell_at = coalesce(tell_at, $3)
WHERE problem_id = $1 AND NOT pending ? $2
"""
_PART: Final = "UPDATE recent_incidents SET parted = true WHERE account_id = $1 AND ticket_id = $2"
_UNLINK: Final = "DELETE FROM problem_tickets WHERE problem_id = $1 AND ticket_id = $2 RETURNING account_id"


async def link(session: AsyncSession, problem: ProblemRow, tickets: Sequence[str], *, now: datetime) -> int:
    """Link tickets, which will be told; how many were not linked before.

    422 for a ticket that does not exist, 409 for one of another problem, and for a problem that is closed. The
    tickets' own rows are left alone: each is locked, and told, by a pass of the background.
    """
    if problem.state == "closed":
        raise Conflict(_("The problem is closed"))
    connection = await driver(session)
    status = await connection.execute(_LINK, problem.id, list(tickets), now, list(NOT_OPENED))
    found = {row["id"]: row["problem_id"] for row in await connection.fetch(_LINKED, list(tickets))}
    faults = [
        Fault(pointer=f"/tickets/{place}", detail=_("There is no such ticket"))
        for place, ticket_id in enumerate(tickets)
        if ticket_id not in found
    ]
    if faults:
        raise Invalid(errors=faults)
    taken = sorted(ticket_id for ticket_id, problem_id in found.items() if problem_id != problem.id)
    if taken:
        raise Conflict(_("These tickets belong to another problem: {tickets}", tickets=taken))
    ring_after_commit(session, "problems")
    return int(status.rpartition(" ")[2])


async def tell_tickets(session: AsyncSession, problem: ProblemRow, what: str, *, now: datetime) -> None:
    """Have each ticket of the problem told: that it is linked (``link``), of the ``workaround`` or ``resolution``."""
    await (await driver(session)).execute(_TELL, problem.id, what, now)
    ring_after_commit(session, "problems")


async def unlink(session: AsyncSession, problem: ProblemRow, ticket_id: str, actor: Actor) -> None:
    """Part a ticket from the problem, and tell it on its timeline. 404 for a ticket that the problem does not have.

    The ticket is locked before the problem's link is touched, as the background does it too.
    """
    edit, connection = await lock(session, ticket_id), await driver(session)
    if edit is None or not await connection.fetchval(_UNLINK, problem.id, ticket_id):
        raise NotFound
    await connection.execute(_PART, edit.ticket.account_id, ticket_id)
    if problem.state not in NOT_OPENED:
        record_last(session)
        edit.tell(TicketProblemUnlinked(problem_id=problem.id, number=problem.number), actor)
        edit.ticket.version += 1
        await staff_and_save(session, [edit])
