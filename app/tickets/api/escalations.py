"""Escalations over HTTP: asked for on a ticket, then acknowledged, accepted, declined or withdrawn."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, TypeVar

from fastapi import Body, Depends, Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal
from app.core.db.session import transaction
from app.core.problems import NotFound
from app.core.schemas import Listing
from app.core.state import State, StateDep
from app.core.web.deps import PrincipalDep
from app.core.web.http import Router, responses
from app.core.web.idempotency import Answer, once
from app.core.web.paging import PageDep, listing
from app.escalations.models import Escalation
from app.escalations.records import escalation_document, of_ticket
from app.tickets.api import examples
from app.tickets.api.kit import ACTION_HEADERS, ACTIONS, TicketPath, caller_of, may_write
from app.tickets.read import queries
from app.tickets.schemas import AcceptEscalation, ActOnly, DeclineEscalation, Escalate, EscalationId, EscalationView
from app.tickets.usecases import escalate, lifecycle

router = Router(tags=["Escalations"])
Command = TypeVar("Command")
UseCase: TypeAlias = Callable[[AsyncSession, lifecycle.Caller, str, Command], Awaitable[Escalation]]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Escalating:
    """A request about an escalation."""

    request: Request
    state: State
    principal: Principal

    async def __call__(self, use_case: UseCase[Command], about: str, command: Command, status: int = 200) -> Response:
        """Run the use case on what ``about`` names: once for an Idempotency-Key. The answer is the escalation."""

        async def work(session: AsyncSession) -> Answer:
            escalation = await use_case(session, caller_of(self.request, self.principal), about, command)
            return Answer(dict(escalation_document(escalation)), status)

        return await once(self.request, self.state, self.principal, work, may=may_write(self.principal, command))


def _escalating(request: Request, state: StateDep, principal: PrincipalDep) -> Escalating:
    return Escalating(request, state, principal)


EscalatingDep = Annotated[Escalating, Depends(_escalating)]
EscalationPath = Annotated[EscalationId, Path(description="The escalation's id")]


def _route(path: str, summary: str, status: int = 200) -> Callable[[Endpoint], Endpoint]:
    return router.post(
        path,
        scope="escalations:write",
        status_code=status,
        response_model=EscalationView,
        summary=summary,
        responses=ACTIONS | examples.shown(examples.ESCALATION, status),
        openapi_extra=ACTION_HEADERS,
    )


@_route("/v1/tickets/{ticket_id}/escalations", "Escalate a ticket", 201)
async def create_escalation(
    escalating_: EscalatingDep,
    ticket_id: TicketPath,
    command: Annotated[
        Escalate, Body(examples=[{"reason": "no_update", "justification": "We have heard nothing for three hours"}])
    ],
) -> Response:
    """Ask for more, with a reason that the plan knows. The answer says whether the promise it names is broken now."""
    return await escalating_(escalate.escalate, ticket_id, command, 201)


@router.get(
    "/v1/tickets/{ticket_id}/escalations",
    scope="escalations:read",
    response_model=Listing[EscalationView],
    summary="List a ticket's escalations",
    responses=responses(NotFound) | examples.shown(examples.page_of(examples.ESCALATION)),
)
async def list_escalations(
    request: Request, state: StateDep, principal: PrincipalDep, page: PageDep, ticket_id: TicketPath
) -> Response:
    """All of them, oldest first."""
    async with transaction(state.sessions) as session:
        account_id = await queries.account_of_ticket(session, principal, ticket_id)
        rows = await of_ticket(session, account_id, ticket_id, page)
    return listing(request, page, rows, place=lambda row: (row.sequence, row.id), document=escalation_document)


@_route("/v1/escalations/{escalation_id}/acknowledge", "Acknowledge an escalation")
async def acknowledge_escalation(escalating_: EscalatingDep, escalation_id: EscalationPath) -> Response:
    """Support has seen it; its acknowledgement clock ends."""
    return await escalating_(escalate.acknowledge, escalation_id, None)


@_route("/v1/escalations/{escalation_id}/accept", "Accept an escalation")
async def accept_escalation(
    escalating_: EscalatingDep,
    escalation_id: EscalationPath,
    command: Annotated[AcceptEscalation, Body(examples=[{"message": "A database specialist takes over."}])],
) -> Response:
    """Do something about it: another priority (by default the one asked for), tier or assignee. Acknowledges it."""
    return await escalating_(escalate.accept, escalation_id, command)


@_route("/v1/escalations/{escalation_id}/decline", "Decline an escalation")
async def decline_escalation(
    escalating_: EscalatingDep,
    escalation_id: EscalationPath,
    command: Annotated[DeclineEscalation, Body(examples=[{"reason": "The fix is being rolled out now"}])],
) -> Response:
    """Do nothing about it, and say why."""
    return await escalating_(escalate.decline, escalation_id, command)


@_route("/v1/escalations/{escalation_id}/withdraw", "Withdraw an escalation")
async def withdraw_escalation(
    escalating_: EscalatingDep, escalation_id: EscalationPath, command: Annotated[ActOnly, Body(examples=[{}])]
) -> Response:
    """Whoever asked for it no longer does."""
    return await escalating_(escalate.withdraw, escalation_id, command)
