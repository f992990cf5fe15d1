"""The live call, and escalations of a ticket, over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Body, Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Actor, Principal
from app.core.db import transaction
from app.core.deps import PrincipalDep
from app.core.http import Router, reply, responses
from app.core.idempotency import Answer, once
from app.core.problems import NotFound
from app.core.schemas import ActorRef, Listing
from app.core.state import State, StateDep
from app.escalations.records import escalation_document, of_ticket
from app.tickets import calls, examples, lifecycle, queries
from app.tickets.actions import ACTION_HEADERS, ACTIONS, TicketPath, act, caller_of
from app.tickets.schemas import ActOnly, CallsView, DeclineCall, EscalationId, EscalationView, JoinCall, TicketView
from app.tickets.views import call_view
from app.tickets.work import Work

router = Router(tags=["Tickets"])
Change = Callable[[AsyncSession, Work, Actor], Awaitable[None]]


@router.get(
    "/v1/tickets/{ticket_id}/call",
    response_model=CallsView,
    summary="Read a ticket's call",
    responses=responses(NotFound) | examples.shown({"call": examples.CALL, "earlier": []}),
)
async def read_call(state: StateDep, principal: PrincipalDep, ticket_id: TicketPath) -> Response:
    """The active call (or the last one), and the earlier ones."""
    async with transaction(state.sessions) as session:
        rows = await queries.list_calls(session, principal, ticket_id)
    views = [call_view(row) for row in rows]
    return reply({"call": views[0] if views else None, "earlier": views[1:]})


@router.post(
    "/v1/tickets/{ticket_id}/call",
    response_model=TicketView,
    summary="Ask for a live call",
    responses=ACTIONS | examples.shown(examples.TICKET),
    openapi_extra=ACTION_HEADERS,
)
async def request_call(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    ticket_id: TicketPath,
    command: Annotated[ActOnly, Body(examples=[{}])],
) -> Response:
    """A new call, where none is active. The customer's own link is used where there is one."""
    return await _on_call(request, state, principal, ticket_id, command.actor, calls.request)


@router.post(
    "/v1/tickets/{ticket_id}/call/join",
    response_model=TicketView,
    summary="Join the call",
    responses=ACTIONS | examples.shown(examples.TICKET),
    openapi_extra=ACTION_HEADERS,
)
async def join_call(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    ticket_id: TicketPath,
    command: Annotated[JoinCall, Body(examples=[{"participant": "customer"}])],
) -> Response:
    """Tell that somebody is in the call. The customer is expected by `join_by`."""

    async def joined(session: AsyncSession, work: Work, actor: Actor) -> None:
        await calls.join(session, work, actor, command.participant)

    return await _on_call(request, state, principal, ticket_id, command.actor, joined)


@router.post(
    "/v1/tickets/{ticket_id}/call/decline",
    response_model=TicketView,
    summary="Decline the call",
    responses=ACTIONS | examples.shown(examples.TICKET),
    openapi_extra=ACTION_HEADERS,
)
async def decline_call(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    ticket_id: TicketPath,
    command: Annotated[DeclineCall, Body(examples=[{"reason": "Our network is down, call our desk instead"}])],
) -> Response:
    """The customer will not join, and says why."""

    async def declined(session: AsyncSession, work: Work, actor: Actor) -> None:
        await calls.decline(session, work, actor, command.reason)

    return await _on_call(request, state, principal, ticket_id, command.actor, declined)


@router.post(
    "/v1/tickets/{ticket_id}/call/end",
    response_model=TicketView,
    summary="End the call",
    responses=ACTIONS | examples.shown(examples.TICKET),
    openapi_extra=ACTION_HEADERS,
)
async def end_call(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    ticket_id: TicketPath,
    command: Annotated[ActOnly, Body(examples=[{}])],
) -> Response:
    """The call is over; the ticket goes on."""
    return await _on_call(request, state, principal, ticket_id, command.actor, calls.end)


async def _on_call(
    request: Request, state: State, principal: Principal, ticket_id: str, actor: ActorRef | None, change: Change
) -> Response:
    async def action(session: AsyncSession, caller: lifecycle.Caller) -> Work:
        work, who = await lifecycle.start(session, caller, ticket_id, actor)
        await change(session, work, who)
        return await lifecycle.finish(session, work)

    return await act(request, state, principal, action)


@router.get(
    "/v1/tickets/{ticket_id}/escalations",
    response_model=Listing[EscalationView],
    summary="List a ticket's escalations",
    responses=responses(NotFound) | examples.shown(examples.page_of(examples.ESCALATION)),
)
async def list_escalations(state: StateDep, principal: PrincipalDep, ticket_id: TicketPath) -> Response:
    """All of them, oldest first."""
    async with transaction(state.sessions) as session:
        account_id = await queries.account_of_ticket(session, principal, ticket_id)
        found = await of_ticket(session, account_id, ticket_id)
    return reply({"items": [escalation_document(each) for each in found], "next_cursor": None})


@router.post(
    "/v1/escalations/{escalation_id}/acknowledge",
    response_model=EscalationView,
    summary="Acknowledge an escalation",
    responses=ACTIONS | examples.shown(examples.ESCALATION),
    openapi_extra=ACTION_HEADERS,
)
async def acknowledge_escalation(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    escalation_id: Annotated[EscalationId, Path(description="The escalation's id")],
) -> Response:
    """Support has seen it; its acknowledgement clock ends."""

    async def work(session: AsyncSession) -> Answer:
        caller = caller_of(request, principal)
        return Answer(dict(escalation_document(await lifecycle.acknowledge(session, caller, escalation_id))), 200)

    return await once(request, state, principal, work)
