"""The shape that all actions on a ticket share over HTTP: one use case, once, and the ticket as the answer."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal
from app.core.http import IF_MATCH, check_if_match, etag, responses
from app.core.idempotency import IDEMPOTENT, Answer, once
from app.core.problems import (
    Conflict,
    Forbidden,
    IdempotencyMismatch,
    NotFound,
    PreconditionFailed,
    RequestInFlight,
)
from app.core.state import State
from app.tickets import lifecycle, queries
from app.tickets.schemas import TicketId
from app.tickets.work import Work

TicketPath = Annotated[TicketId, Path(description="The ticket's id")]
ACTIONS: Final = responses(Forbidden, NotFound, Conflict, PreconditionFailed, RequestInFlight, IdempotencyMismatch)
ACTION_HEADERS: Final = {"parameters": [*IDEMPOTENT["parameters"], *IF_MATCH["parameters"]]}
Action = Callable[[AsyncSession, lifecycle.Caller], Awaitable[Work]]


async def act(request: Request, state: State, principal: Principal, action: Action) -> Response:
    """Run an action on a ticket and answer with the ticket: once for an Idempotency-Key, 412 for a stale If-Match."""

    async def work(session: AsyncSession) -> Answer:
        done = await action(session, caller_of(request, principal))
        document = await queries.ticket_document(session, principal, done.ticket.id)
        return Answer(document, 200, etag(done.ticket.version))

    return await once(request, state, principal, work)


def caller_of(request: Request, principal: Principal) -> lifecycle.Caller:
    """The caller, with the version check that the request asks for."""
    return lifecycle.Caller(principal, lambda version: check_if_match(request, version))
