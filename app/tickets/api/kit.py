"""The shape that all actions on a ticket share over HTTP: one use case, once, and the ticket as the answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias, TypeVar

from fastapi import Depends, Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import editor
from app.core.auth import Principal
from app.core.problems import (
    Conflict,
    Forbidden,
    IdempotencyMismatch,
    NotFound,
    PreconditionFailed,
    RequestInFlight,
)
from app.core.schemas import ActorRef
from app.core.state import State, StateDep
from app.core.web.deps import PrincipalDep
from app.core.web.http import IF_MATCH, Router, check_if_match, etag, responses
from app.core.web.idempotency import IDEMPOTENT, Answer, May, once
from app.tickets.api import examples
from app.tickets.editing.work import Work
from app.tickets.read import queries
from app.tickets.schemas import TicketId, TicketView
from app.tickets.usecases import lifecycle

Command = TypeVar("Command")
UseCase: TypeAlias = Callable[[AsyncSession, lifecycle.Caller, str, Command], Awaitable[Work]]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

TicketPath = Annotated[TicketId, Path(description="The ticket's id")]
ACTIONS: Final = responses(Forbidden, NotFound, Conflict, PreconditionFailed, RequestInFlight, IdempotencyMismatch)
ACTION_HEADERS: Final = {"parameters": [*IDEMPOTENT["parameters"], *IF_MATCH["parameters"]]}


@dataclass(frozen=True, slots=True)
class OnTicket:
    """A request to do something with one ticket."""

    request: Request
    state: State
    principal: Principal
    ticket_id: str

    async def __call__(self, use_case: UseCase[Command], command: Command) -> Response:
        """Run the use case: once for an Idempotency-Key, 412 for a stale If-Match. The answer is the ticket."""

        async def work(session: AsyncSession) -> Answer:
            done = await use_case(session, caller_of(self.request, self.principal), self.ticket_id, command)
            document = await queries.ticket_document(session, self.principal, done.ticket.id)
            return Answer(document, 200, etag(done.ticket.version))

        return await once(self.request, self.state, self.principal, work, may=may_write(self.principal, command))


def _on_ticket(request: Request, state: StateDep, principal: PrincipalDep, ticket_id: TicketPath) -> OnTicket:
    return OnTicket(request, state, principal, ticket_id)


OnTicketDep = Annotated[OnTicket, Depends(_on_ticket)]


def action(router: Router, name: str, summary: str) -> Callable[[Endpoint], Endpoint]:
    """The route of an action: ``POST /v1/tickets/{ticket_id}/<name>``."""
    return router.post(
        f"/v1/tickets/{{ticket_id}}/{name}",
        scope="tickets:write",
        response_model=TicketView,
        summary=summary,
        responses=ACTIONS | examples.shown(examples.TICKET),
        openapi_extra=ACTION_HEADERS,
    )


def may_write(principal: Principal, command: object) -> May:
    """Whether the caller may have done what it commands: with a person of the account, where the command names one."""
    actor: ActorRef | None = getattr(command, "actor", None)
    return lambda session: editor(session, principal, actor)


def caller_of(request: Request, principal: Principal) -> lifecycle.Caller:
    """The caller, with the version check that the request asks for."""
    return lifecycle.Caller(principal, lambda version: check_if_match(request, version))
