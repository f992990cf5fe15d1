"""Somebody says that an article solved it: a ticket that is open, or what they were about to ask."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.articles.models import ArticleRow
from app.articles.read.queries import article_by_id
from app.articles.usecases.editing import voter_of
from app.core.auth import Actor, Principal, for_customers
from app.core.ids import new_id
from app.core.problems import Conflict
from app.core.text.messages import _
from app.events.envelope import NO_ACCOUNT
from app.events.types import TicketSolutionLinked
from app.sla.clock.changes import Status
from app.solutions.models import SolutionRow
from app.solutions.schemas import NewSolution
from app.tickets.editing import calls
from app.tickets.editing.clock import change_clock
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.messages import add_message
from app.tickets.models import ENDED
from app.tickets.read.queries import account_of_ticket
from app.tickets.rules import allowed
from app.tickets.schemas import NewMessage
from app.tickets.usecases.caller import Caller, finish, start

_FACTS: Final = ("slug", "language", "title")
_INTERNAL: Final = "internal"
_LATELY: Final = timedelta(days=1)
"""Within which a ticket that somebody opens belongs to what an article has just solved for them."""


async def solve_ticket(session: AsyncSession, caller: Caller, ticket_id: str, command: NewSolution) -> TicketEdit:
    """Link the article to the ticket. A customer's ticket is resolved by it; support resolves it with a message.

    A ticket that is over, or to which the article is linked already, stays as it is but for the message. 409 for an
    article that is not published, whose title customers do not see.
    """
    edit, actor = await start(session, caller, ticket_id, command.actor)
    article = await article_by_id(session, caller.principal, command.article_id)
    if article.status != "published":
        raise Conflict(_("The article is not published"))
    ends = actor.kind == "customer" or command.message is not None
    solution = {"account_id": edit.ticket.account_id, "article_id": article.id, "ticket_id": ticket_id}
    known = actor.kind == "customer" and await _take_over(session, caller.principal, solution, edit.now)
    if known or await _note(session, solution, actor, edit.now):
        facts = {name: getattr(article, name) for name in _FACTS}
        edit.tell(TicketSolutionLinked(article_id=article.id, readers=article.audience, **facts), actor)
    if command.message is not None:
        add_message(edit, actor, actor.document(), NewMessage(body=command.message))
    if ends and edit.ticket.status not in ENDED and "resolved" in allowed(edit.ticket.status, actor.kind):
        change_clock(edit, Status(edit.now, "resolved", actor.kind), actor)
        await calls.end_with_ticket(session, edit)
    return await finish(session, edit)


async def note_deflection(
    session: AsyncSession, principal: Principal, article: ArticleRow, conversation: str | None, *, now: datetime
) -> None:
    """An article answered what somebody was about to ask: once in a conversation, and without one, once in a day.

    Where nothing tells people apart, as with an account's own key that names no conversation, each time counts.
    """
    solver = voter_of(principal)
    if conversation is None and solver != principal.key_id:
        conversation = now.date().isoformat()
    place = {"account_id": principal.account_id or NO_ACCOUNT, "solver": solver, "conversation": conversation}
    await _note(session, {"article_id": article.id, "ticket_id": None, **place}, principal.actor, now)
    await session.refresh(article, ["solved"])


async def _note(session: AsyncSession, solution: Mapping[str, str | None], actor: Actor, now: datetime) -> bool:
    """Note it; whether it was not noted before."""
    row = {**solution, "id": new_id("sol"), "actor": actor.document(), "created_at": now}
    noted = insert(SolutionRow).values(row).on_conflict_do_nothing().returning(SolutionRow.id)
    if await session.scalar(noted) is None:
        return False
    article = ArticleRow.id == solution["article_id"]
    await session.execute(update(ArticleRow).where(article).values(solved=ArticleRow.solved + 1))
    return True


async def _take_over(session: AsyncSession, principal: Principal, solution: Mapping[str, str], now: datetime) -> bool:
    """Whether the same person has said so just before the ticket was opened: then that was of this ticket, too."""
    mine = (
        select(SolutionRow.id)
        .where(
            SolutionRow.account_id == solution["account_id"],
            SolutionRow.article_id == solution["article_id"],
            SolutionRow.solver == voter_of(principal),
            SolutionRow.conversation.is_not(None),
            SolutionRow.ticket_id.is_(None),
            SolutionRow.created_at > now - _LATELY,
        )
        .order_by(SolutionRow.created_at.desc())
        .limit(1)
    )
    linked = exists().where(*(getattr(SolutionRow, name) == value for name, value in solution.items()))
    change = update(SolutionRow).where(SolutionRow.id == mine.scalar_subquery(), ~linked)
    taken = change.where(SolutionRow.account_id == solution["account_id"]).values(ticket_id=solution["ticket_id"])
    return await session.scalar(taken.returning(SolutionRow.id)) is not None


async def solutions_of(session: AsyncSession, principal: Principal, ticket_id: str) -> list[dict[str, Any]]:
    """The articles that solve a ticket, in the order in which that was said; for customers, those that they may read.

    404 when the caller has no such ticket.
    """
    account_id = await account_of_ticket(session, principal, ticket_id)
    query = (
        select(ArticleRow, SolutionRow.actor, SolutionRow.created_at)
        .join(SolutionRow, SolutionRow.article_id == ArticleRow.id)
        .where(SolutionRow.account_id == account_id, SolutionRow.ticket_id == ticket_id)
        .order_by(SolutionRow.created_at, SolutionRow.id)
    )
    rows: Sequence[Any] = (await session.execute(query)).all()
    return [
        {
            "article_id": article.id,
            **{name: getattr(article, name) for name in _FACTS},
            "actor": actor if principal.is_support else for_customers(actor),
            "created_at": at,
        }
        for article, actor, at in rows
        if principal.spans_accounts or article.audience != _INTERNAL
    ]
