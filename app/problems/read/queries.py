"""Reading problems, for support."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.core.db.statements.rows import row_by_id
from app.core.db.tables import Row
from app.core.web.kit.paging import Filter, Page, Slice, filtered
from app.problems.models import ProblemRow
from app.problems.schemas import Problem, State

_COUNTS: Final = """
SELECT problem_id, count(*) AS tickets, count(tell_at) AS untold FROM problem_tickets
WHERE problem_id = ANY ($1::text[]) GROUP BY problem_id
"""
_TICKETS: Final = """
SELECT t.id, t.account_id, t.number, t.title, t.status, t.priority, t.opened_at, l.linked_at
FROM problem_tickets AS l JOIN tickets AS t ON t.account_id = l.account_id AND t.id = l.ticket_id
WHERE l.problem_id = $1 AND ($2::timestamptz IS NULL OR (l.linked_at, l.ticket_id) > ($2, $3))
ORDER BY l.linked_at, l.ticket_id LIMIT $4
"""


async def problem_by_id(session: AsyncSession, problem_id: str, *, lock: bool = False) -> ProblemRow:
    """The problem; with ``lock`` its row is held until the transaction ends. 404 where there is none."""
    return await row_by_id(session, ProblemRow, problem_id, lock=lock)


async def problems_page(
    session: AsyncSession, page: Page, states: Sequence[State], owner_id: str | None
) -> Slice[ProblemRow]:
    """A page of problems, the newest first; without ``states``, those that are not dismissed."""
    filters: list[Filter] = [lambda columns: columns.state.in_(states) if states else columns.state != "dismissed"]
    if owner_id:
        filters.append(lambda columns: columns.owner_id == owner_id)
    return await filtered(session, ProblemRow, [], filters, page, "created_at", "id")


async def documents(session: AsyncSession, problems: Sequence[ProblemRow]) -> Callable[[ProblemRow], dict[str, Any]]:
    """What shows one of these problems, with the number of its tickets."""
    rows = await (await driver(session)).fetch(_COUNTS, [problem.id for problem in problems])
    counts = {row["problem_id"]: (row["tickets"], row["untold"]) for row in rows}

    def document(problem: ProblemRow) -> dict[str, Any]:
        columns = {column.key: getattr(problem, column.key) for column in ProblemRow.__table__.columns}
        tickets, untold = counts.get(problem.id, (0, 0))
        return Problem.model_validate(columns | {"tickets": tickets, "untold": untold}).model_dump()

    return document


async def document_of(session: AsyncSession, problem: ProblemRow) -> dict[str, Any]:
    """One problem as the API shows it."""
    return (await documents(session, [problem]))(problem)


async def tickets_page(session: AsyncSession, problem_id: str, page: Page) -> Sequence[Row]:
    """A page of a problem's tickets in the order in which they were linked, and one more. 404 without the problem."""
    await problem_by_id(session, problem_id)
    at, ticket_id = page.place(datetime, str) or (None, None)
    rows = await (await driver(session)).fetch(_TICKETS, problem_id, at, ticket_id, page.limit + 1)
    return [dict(row) for row in rows]
