"""``/v1/alerts``: experts are asked to take a ticket now, and answer."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeAlias, TypeVar

from fastapi import Body, Depends, Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal
from app.core.db.session import snapshot, transaction
from app.core.problems import Forbidden, NotFound
from app.core.schemas import Listing
from app.core.state import State, StateDep
from app.core.web.deps import PrincipalDep
from app.core.web.http import Router, reply, responses
from app.core.web.idempotency import Answer, once
from app.core.web.paging import PageDep, listing
from app.roster.models import Alert
from app.roster.schemas import CandidatesDocument
from app.tickets.api import examples
from app.tickets.api.kit import ACTION_HEADERS, ACTIONS, TicketPath, caller_of, may_write
from app.tickets.read.candidates import candidates
from app.tickets.schemas import AlertId, AlertView, DeclineAlert
from app.tickets.usecases import answer_alert, lifecycle
from app.tickets.usecases.answer_alert import AlertFilter

router = Router(tags=["Roster"])
Command = TypeVar("Command")
UseCase: TypeAlias = Callable[[AsyncSession, lifecycle.Caller, str, Command], Awaitable[Alert]]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
AlertPath = Annotated[AlertId, Path(description="The alert's id")]


class Alerted:
    """A request about an alert."""

    def __init__(self, request: Request, state: StateDep, principal: PrincipalDep) -> None:
        self._request: Request = request
        self._state: State = state
        self._principal: Principal = principal

    async def __call__(self, use_case: UseCase[Command], alert_id: str, command: Command) -> Response:
        """Run the use case: once for an Idempotency-Key. The answer is the alert."""

        async def work(session: AsyncSession) -> Answer:
            alert = await use_case(session, caller_of(self._request, self._principal), alert_id, command)
            documents = await answer_alert.alert_documents(session, [alert])
            return Answer(documents[alert.id], 200)

        return await once(self._request, self._state, self._principal, work, may=may_write(self._principal, command))


AlertedDep = Annotated[Alerted, Depends()]


def _answer(name: str, summary: str) -> Callable[[Endpoint], Endpoint]:
    return router.post(
        f"/v1/alerts/{{alert_id}}/{name}",
        scope="alerts:write",
        response_model=AlertView,
        summary=summary,
        responses=ACTIONS | examples.shown(examples.ALERT),
        openapi_extra=ACTION_HEADERS,
    )


@router.get(
    "/v1/tickets/{ticket_id}/candidates",
    scope="tickets:read",
    response_model=CandidatesDocument,
    summary="See who could take a ticket",
    responses=responses(Forbidden, NotFound),
)
async def list_candidates(state: StateDep, principal: PrincipalDep, ticket_id: TicketPath) -> Response:
    """For support: every engineer by rank, with what decided or what hinders. As the choice is made for a P1."""
    async with snapshot(state.sessions) as session:
        return reply(await candidates(session, principal, ticket_id))


@router.get(
    "/v1/alerts",
    scope="alerts:read",
    response_model=Listing[AlertView],
    summary="List alerts",
    responses=responses(Forbidden) | examples.shown(examples.page_of(examples.ALERT)),
)
async def list_alerts(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    page: PageDep,
    wanted: Annotated[AlertFilter, Depends()],
) -> Response:
    """For support, the newest first: an engineer's own with their key, else all."""
    async with transaction(state.sessions) as session:
        rows = await answer_alert.list_alerts(session, principal, wanted, page)
        documents = await answer_alert.alert_documents(session, rows.rows)
    return listing(request, page, rows, place=answer_alert.alert_place, document=lambda alert: documents[alert.id])


@_answer("accept", "Accept an alert")
async def accept_alert(alerted: AlertedDep, alert_id: AlertPath) -> Response:
    """The expert takes the ticket. With the expert's key, or by support for them."""
    return await alerted(answer_alert.accept, alert_id, None)


@_answer("decline", "Decline an alert")
async def decline_alert(
    alerted: AlertedDep,
    alert_id: AlertPath,
    command: Annotated[DeclineAlert, Body(examples=[{"reason": "I am on a train"}])],
) -> Response:
    """The expert does not take the ticket: the next one is alerted at once."""
    return await alerted(answer_alert.decline, alert_id, command)
