"""Escalations over HTTP: asked for on a ticket, then acknowledged, accepted, declined or withdrawn."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import Body, Path, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.web.http import Decorator
from app.core.web.kit.operations import Call, CallDep, Document, ResourceRouter
from app.core.web.kit.paging import PageDep
from app.core.web.kit.visits import CUSTOMERS, FOLLOWERS
from app.escalations.models import EscalationRow
from app.escalations.records import escalation_document, of_ticket
from app.tickets.api import examples
from app.tickets.api.kit import Command, TicketPath, UseCase, Visitors, act, step
from app.tickets.escalation_schemas import (
    Escalation,
    EscalationAcceptance,
    EscalationId,
    EscalationRefusal,
    NewEscalation,
)
from app.tickets.read import queries
from app.tickets.schemas import ActingPerson
from app.tickets.usecases import escalate

router = ResourceRouter("escalations", tags=["Escalations"])
EscalationPath = Annotated[EscalationId, Path(description="The escalation's id")]


def _route(path: str, summary: str, status: int = 200, visitors: Visitors = ()) -> Decorator:
    return step(
        router, path, Escalation, summary=summary, status=status, example=examples.ESCALATION, visitors=visitors
    )


async def _act(call: Call, use_case: UseCase[Command, EscalationRow], about: str, command: Command) -> Response:
    """Run the use case on what ``about`` names; the answer is the escalation."""

    async def show(_: AsyncSession, escalation: EscalationRow) -> Document:
        return dict(escalation_document(escalation, internal=call.principal.is_support))

    return await act(call, use_case, about, command, show)


@_route("/v1/tickets/{ticket_id}/escalations", "Create an escalation", 201, CUSTOMERS)
async def create_escalation(
    call: CallDep,
    ticket_id: TicketPath,
    command: Annotated[
        NewEscalation,
        Body(examples=[{"reason": "no_update", "justification": "We have heard nothing for three hours"}]),
    ],
) -> Response:
    """Escalate, for one of the plan's reasons. The answer says whether the promise it names is broken now."""
    return await _act(call, escalate.escalate, ticket_id, command)


@router.list(
    "/v1/tickets/{ticket_id}/escalations",
    Escalation,
    summary="List a ticket's escalations",
    visitors=FOLLOWERS,
    example=examples.ESCALATION,
)
async def list_escalations(call: CallDep, page: PageDep, ticket_id: TicketPath) -> Response:
    """All of them, oldest first."""

    async def query(session: AsyncSession) -> Sequence[EscalationRow]:
        account_id = await queries.account_of_ticket(session, call.principal, ticket_id)
        return await of_ticket(session, account_id, ticket_id, page)

    document = partial(escalation_document, internal=call.principal.is_support)
    return await call.page(page, query, place=lambda row: (row.sequence, row.id), document=document)


@_route("/v1/escalations/{escalation_id}/acknowledge", "Acknowledge an escalation")
async def acknowledge_escalation(call: CallDep, escalation_id: EscalationPath) -> Response:
    """Support has seen it; its acknowledgement clock ends."""
    return await _act(call, escalate.acknowledge, escalation_id, None)


@_route("/v1/escalations/{escalation_id}/accept", "Accept an escalation")
async def accept_escalation(
    call: CallDep,
    escalation_id: EscalationPath,
    command: Annotated[EscalationAcceptance, Body(examples=[{"message": "A database specialist takes over."}])],
) -> Response:
    """Act on it: set another priority (by default the requested one), tier or assignee. This acknowledges it, too."""
    return await _act(call, escalate.accept, escalation_id, command)


@_route("/v1/escalations/{escalation_id}/decline", "Decline an escalation")
async def decline_escalation(
    call: CallDep,
    escalation_id: EscalationPath,
    command: Annotated[EscalationRefusal, Body(examples=[{"reason": "The fix is being rolled out now"}])],
) -> Response:
    """Take no action, and say why."""
    return await _act(call, escalate.decline, escalation_id, command)


@_route("/v1/escalations/{escalation_id}/withdraw", "Withdraw an escalation", visitors=CUSTOMERS)
async def withdraw_escalation(
    call: CallDep, escalation_id: EscalationPath, command: Annotated[ActingPerson, Body(examples=[{}])]
) -> Response:
    """Whoever requested it takes it back."""
    return await _act(call, escalate.withdraw, escalation_id, command)
