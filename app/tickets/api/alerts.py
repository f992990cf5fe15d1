"""``/v1/alerts``: experts are asked to take a ticket now, and answer."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

from fastapi import Body, Depends, Path, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import snapshot
from app.core.web.http import Decorator
from app.core.web.kit.operations import Call, CallDep, Document, ResourceRouter
from app.core.web.kit.paging import PageDep
from app.core.web.kit.queries import Filled
from app.roster.models import ExpertAlertRow
from app.roster.schemas import TicketCandidates
from app.tickets.api import examples
from app.tickets.api.kit import Command, TicketPath, UseCase, act, step
from app.tickets.read.candidates import candidates
from app.tickets.schemas import Alert, AlertId, AlertRefusal
from app.tickets.usecases import answer_alert
from app.tickets.usecases.answer_alert import AlertFilter

router = ResourceRouter("alerts", tags=["Roster"])
AlertPath = Annotated[AlertId, Path(description="The alert's id")]


def _answer(name: str, summary: str) -> Decorator:
    return step(router, f"/v1/alerts/{{alert_id}}/{name}", Alert, summary=summary, example=examples.ALERT)


async def _act(call: Call, use_case: UseCase[Command, ExpertAlertRow], alert_id: str, command: Command) -> Response:
    """Run the use case; the answer is the alert."""
    return await act(call, use_case, alert_id, command, _show)


async def _show(session: AsyncSession, alert: ExpertAlertRow) -> Document:
    documents = await answer_alert.alert_documents(session, [alert])
    return documents[alert.id]


@router.show(
    "/v1/tickets/{ticket_id}/candidates",
    TicketCandidates,
    summary="List candidates for a ticket",
    scope="tickets:read",
)
async def list_candidates(call: CallDep, ticket_id: TicketPath) -> Response:
    """For support: every engineer by rank, with what decided or what rules them out, by the same rules as for a P1."""
    return await call.read(partial(candidates, principal=call.principal, ticket_id=ticket_id), snapshot)


@router.list("/v1/alerts", Alert, summary="List alerts", example=examples.ALERT)
async def list_alerts(
    call: CallDep, page: PageDep, wanted: Annotated[AlertFilter, Depends(Filled(AlertFilter))]
) -> Response:
    """For support, the newest first: an engineer's own with their key, else all."""

    async def documents(
        session: AsyncSession, alerts: Sequence[ExpertAlertRow]
    ) -> Callable[[ExpertAlertRow], Document]:
        found = await answer_alert.alert_documents(session, alerts)
        return lambda alert: found[alert.id]

    query = partial(answer_alert.list_alerts, principal=call.principal, wanted=wanted, page=page)
    return await call.page_with(page, query, place=answer_alert.alert_place, documents=documents)


@_answer("accept", "Accept an alert")
async def accept_alert(call: CallDep, alert_id: AlertPath) -> Response:
    """The expert takes the ticket: with the expert's own key, or support does so on their behalf."""
    return await _act(call, answer_alert.accept, alert_id, None)


@_answer("decline", "Decline an alert")
async def decline_alert(
    call: CallDep,
    alert_id: AlertPath,
    command: Annotated[AlertRefusal, Body(examples=[{"reason": "I am on a train"}])],
) -> Response:
    """The expert declines the ticket, and the next one is alerted at once."""
    return await _act(call, answer_alert.decline, alert_id, command)
