"""What becomes of a group of tickets that are alike: a suggestion, more tickets of one, or a problem by itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import SERVICE
from app.core.db.session import driver, ring_after_commit
from app.events.types import ProblemSuggested
from app.events.types.problems import SuggestedTicket
from app.problems.alike.evidence import reason
from app.problems.alike.grouping import is_worth_telling
from app.problems.alike.incidents import Group
from app.problems.alike.weights import Weights
from app.problems.models import ProblemRow
from app.problems.usecases.handling import become_open, count_of, facts, new_problem, rules_of, tell_of, touch

_TITLE: Final = "Recurring incident"
_SHOWN: Final = 50
# A ticket that support has linked to another problem meanwhile stays there.
_JOIN: Final = """
INSERT INTO problem_tickets (account_id, ticket_id, problem_id, linked_at, pending, tell_at)
SELECT r.account_id, r.ticket_id, $1::text, $3::timestamptz, $4::jsonb, $5::timestamptz FROM recent_incidents AS r
WHERE r.ticket_id = ANY ($2::text[]) AND NOT r.parted ORDER BY r.ticket_id ON CONFLICT DO NOTHING
"""
_SUGGESTED: Final = f"""
SELECT t.id AS ticket_id, t.account_id, t.number, t.title FROM problem_tickets AS l
JOIN tickets AS t ON t.account_id = l.account_id AND t.id = l.ticket_id
WHERE l.problem_id = $1 ORDER BY t.opened_at, t.id LIMIT {_SHOWN}
"""  # noqa: S608  our own number
_PRODUCT: Final = """
SELECT t.product FROM problem_tickets AS l
JOIN tickets AS t ON t.account_id = l.account_id AND t.id = l.ticket_id
WHERE l.problem_id = $1 AND t.product IS NOT NULL GROUP BY t.product ORDER BY count(*) DESC, t.product LIMIT 1
"""
# What guests open counts once somebody has dealt with it.
_CONFIRMED: Final = """
SELECT count(*) FROM problem_tickets AS l JOIN tickets AS t ON t.account_id = l.account_id AND t.id = l.ticket_id
WHERE l.problem_id = $1 AND NOT t.unconfirmed
"""


async def save(
    session: AsyncSession, group: Group, weights: Weights, spelt: Mapping[str, str], *, now: datetime
) -> None:
    """Keep a group that is new or has grown; tell of it, and open it where a plan wants that."""
    problem = await _problem(session, group, now)
    if problem is None:
        return
    before = await count_of(session, problem)
    await _join(session, problem, group, now)
    after = await count_of(session, problem)
    if after == before or problem.state == "dismissed":
        return
    if problem.state != "suggested":
        ring_after_commit(session, "problems")
        return
    problem.words = reason(group.members, weights, spelt)
    if problem.product is None:
        await _name(session, problem)
    await touch(session, problem, now)
    if is_worth_telling(before, after):
        await _tell(session, problem, after, now)
    await _open_above_threshold(session, problem, now)


async def _problem(session: AsyncSession, group: Group, now: datetime) -> ProblemRow | None:
    """What the group is known as, held until the transaction ends; None where it has ended meanwhile."""
    if group.key is not None:
        known = select(ProblemRow).where(ProblemRow.id == group.key).with_for_update()
        problem = await session.scalar(known.execution_options(populate_existing=True))
        return None if problem is None or problem.state in ("resolved", "closed") else problem
    problem = new_problem(SERVICE, now=now, title=_TITLE, state="suggested", source="suggestion", opened_at=None)
    session.add(problem)
    await session.flush()
    return problem


async def _name(session: AsyncSession, problem: ProblemRow) -> None:
    """Name the product that most of the problem's tickets name."""
    problem.product = await (await driver(session)).fetchval(_PRODUCT, problem.id)
    if problem.product is not None and problem.title == _TITLE:
        problem.title = f"{_TITLE}: {problem.product}"


async def _join(session: AsyncSession, problem: ProblemRow, group: Group, now: datetime) -> None:
    """Link the group's tickets; those of an open problem are told of it."""
    told = problem.state not in ("suggested", "dismissed")
    pending, at = ('["link"]', now) if told else ("[]", None)
    ids = [member.ticket_id for member in group.members]
    await (await driver(session)).execute(_JOIN, problem.id, ids, now, pending, at)


async def _tell(session: AsyncSession, problem: ProblemRow, count: int, now: datetime) -> None:
    rows = await (await driver(session)).fetch(_SUGGESTED, problem.id)
    tickets = [SuggestedTicket.model_validate(dict(row)) for row in rows]
    suggested = ProblemSuggested(**facts(problem), words=problem.words, count=count, tickets=tickets)
    await tell_of(session, suggested, SERVICE, now)


async def _open_above_threshold(session: AsyncSession, problem: ProblemRow, now: datetime) -> None:
    thresholds = [rules.threshold for rules in await rules_of(session, problem) if rules.threshold]
    if thresholds and await (await driver(session)).fetchval(_CONFIRMED, problem.id) >= min(thresholds):
        problem.source = "automatic"
        await become_open(session, problem, SERVICE, now=now)
