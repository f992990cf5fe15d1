"""``/v1/problems``: support's work on what is behind incidents that are alike."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypeAlias

from fastapi import Depends, Path, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.schemas import EngineerId
from app.core.clock import database_now
from app.core.problems import Conflict, Forbidden
from app.core.text.messages import _
from app.core.web.kit.merge_patch import PatchDep
from app.core.web.kit.operations import Call, Document, ResourceRouter, SupportCall
from app.core.web.kit.paging import PageDep
from app.problems.models import ProblemRow
from app.problems.read import queries
from app.problems.schemas import (
    NewProblem,
    Problem,
    ProblemAcceptance,
    ProblemDismissal,
    ProblemFields,
    ProblemId,
    ProblemLink,
    ProblemStateChange,
    ProblemTicket,
    State,
)
from app.problems.usecases import handling, links
from app.tickets.schemas import TicketId

router = ResourceRouter("problems", prefix="/v1/problems", tags=["Problems"])
ProblemPath = Annotated[ProblemId, Path(description="The problem's id")]
_Change: TypeAlias = Callable[..., Awaitable[None]]


async def _whole_desk(call: SupportCall) -> Call:
    if call.principal.account_id:
        raise Forbidden(_("Problems span accounts, and this key is of one account alone"))
    return call


DeskCall = Annotated[Call, Depends(_whole_desk)]
"""A call of support's that is not confined to a sandbox account."""


@router.create("", Problem, problems=[Conflict])
async def create_problem(call: DeskCall, body: NewProblem) -> Response:
    """Create a problem.

    For support. The engineer whose key this is owns it unless `owner_id` names another one. 409 for tickets of another
    problem.
    """

    async def create(session: AsyncSession) -> Document:
        now = await database_now(session)
        problem = await handling.open_problem(session, body, call.principal.actor, now=now)
        return await queries.document_of(session, problem)

    return await call.once(create)


@router.list("", Problem)
async def list_problems(
    call: DeskCall,
    page: PageDep,
    state: Annotated[list[State] | None, Query(max_length=10, description="Default: all but `dismissed`")] = None,
    owner_id: Annotated[EngineerId | None, Query()] = None,
) -> Response:
    """List problems.

    The newest first; those in the state `suggested` are what the service has found, and waits to be accepted.
    """
    query = partial(queries.problems_page, page=page, states=state or (), owner_id=owner_id)
    return await call.page_with(page, query, place=lambda row: (row.created_at, row.id), documents=queries.documents)


@router.show("/{problem_id}", Problem)
async def get_problem(call: DeskCall, problem_id: ProblemPath) -> Response:
    """Get a problem."""

    async def get(session: AsyncSession) -> Document:
        return await queries.document_of(session, await queries.problem_by_id(session, problem_id))

    return await call.read(get)


@router.update("/{problem_id}", Problem, ProblemFields, {"workaround": "Restart the agent once."}, problems=[Conflict])
async def update_problem(call: DeskCall, problem_id: ProblemPath, patch: PatchDep) -> Response:
    """Update a problem.

    A JSON Merge Patch (RFC 7396). Another workaround of a known error is told to each of its tickets. 409 once the
    problem is closed.
    """

    async def change(session: AsyncSession) -> Document:
        problem = await queries.problem_by_id(session, problem_id, lock=True)
        before = {name: getattr(problem, name) for name in ProblemFields.model_fields}
        fields = call.patched(patch, ProblemFields, before, problem.version)
        now = await database_now(session)
        await handling.update_problem(session, problem, fields, call.principal.actor, now=now)
        return await queries.document_of(session, problem)

    return await call.write(change)


@router.action("/{problem_id}/state", Problem, problems=[Conflict], repeatable=True, if_match=True)
async def set_problem_state(call: DeskCall, problem_id: ProblemPath, body: ProblemStateChange) -> Response:
    """Set a problem's state.

    A known error needs a workaround, a resolved problem a resolution: each of its tickets is told of it by a public
    message that begins in its customer's language. With `resolve_tickets` the tickets are resolved too. A resolved
    problem that comes back is `investigating` again.
    """
    return await _change(call, problem_id, handling.set_state, body)


@router.action("/{problem_id}/accept", Problem, problems=[Conflict], repeatable=True, if_match=True)
async def accept_problem(call: DeskCall, problem_id: ProblemPath, body: ProblemAcceptance) -> Response:
    """Accept a suggested problem.

    It is open, and its tickets are told. 409 for what is no suggestion; one that was dismissed can be accepted.
    """
    return await _change(call, problem_id, handling.accept, body)


@router.action("/{problem_id}/dismiss", Problem, problems=[Conflict], repeatable=True, if_match=True)
async def dismiss_problem(call: DeskCall, problem_id: ProblemPath, body: ProblemDismissal) -> Response:
    """Dismiss a suggested problem.

    Further tickets that are like its own are counted with it, and not suggested again. 409 for what is no suggestion.
    """
    return await _change(call, problem_id, handling.dismiss, body)


@router.action("/{problem_id}/tickets", Problem, problems=[Conflict], repeatable=True, if_match=True)
async def link_problem_tickets(call: DeskCall, problem_id: ProblemPath, body: ProblemLink) -> Response:
    """Link tickets to a problem.

    409 for tickets of another problem, for a suggestion, and once the problem is closed. Tickets that it has already
    change nothing.
    """
    return await _change(call, problem_id, handling.link_tickets, body)


@router.list("/{problem_id}/tickets", ProblemTicket)
async def list_problem_tickets(call: DeskCall, problem_id: ProblemPath, page: PageDep) -> Response:
    """List a problem's tickets.

    In the order in which they were linked, of all accounts.
    """
    query = partial(queries.tickets_page, problem_id=problem_id, page=page)
    return await call.page(page, query, place=lambda row: (row["linked_at"], row["id"]), document=dict)


@router.delete("/{problem_id}/tickets/{ticket_id}")
async def delete_problem_ticket(
    call: DeskCall, problem_id: ProblemPath, ticket_id: Annotated[TicketId, Path(description="The ticket's id")]
) -> Response:
    """Delete a ticket's link to a problem.

    The ticket's timeline tells it. 404 for a ticket that the problem does not have.
    """

    async def part(session: AsyncSession) -> None:
        problem = await queries.problem_by_id(session, problem_id)
        await links.unlink(session, problem, ticket_id, call.principal.actor)

    return await call.delete(part)


async def _change(call: Call, problem_id: str, change: _Change, command: Any) -> Response:
    async def work(session: AsyncSession) -> Document:
        problem: ProblemRow = await queries.problem_by_id(session, problem_id, lock=True)
        call.require_match(problem.version)
        now: datetime = await database_now(session)
        await change(session, problem, command, call.principal.actor, now=now)
        return await queries.document_of(session, problem)

    return await call.once(work)
