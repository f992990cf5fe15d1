"""What experts do about alerts: take the ticket, or not (G2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import Query
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.schemas import EngineerId
from app.core.auth import Actor, Principal
from app.core.problems import Conflict, Forbidden, NotFound
from app.core.text.messages import _
from app.core.web.kit.deps import require_support
from app.core.web.kit.paging import Filter, Page, Slice, filtered
from app.events import types
from app.paging.queue import results
from app.roster.models import ExpertAlertRow
from app.sla.clock.changes import Answer, Status
from app.tickets.editing import calls, expert_alert
from app.tickets.editing.clock import change_clock
from app.tickets.editing.edit import TicketEdit
from app.tickets.models import TicketRow
from app.tickets.schemas import AlertRefusal, TicketId
from app.tickets.staffing.route import Route, is_expired, route_of
from app.tickets.usecases.caller import Caller, finish, start

BY_LINK: Final = _("Declined by the link in the message")
"""The reason where an engineer has declined without giving one: by a link."""
_COLUMNS: Final = (
    "id",
    "account_id",
    "ticket_id",
    "engineer_id",
    "state",
    "alerted_at",
    "accept_by",
    "ended_at",
    "reason",
)


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts a list shows."""

    ticket_id: Annotated[TicketId | None, Query()] = None
    engineer_id: Annotated[EngineerId | None, Query(description="An engineer's key lists its own")] = None
    state: Annotated[Literal["alerted", "accepted", "declined", "expired", "cancelled"] | None, Query()] = None


@dataclass(frozen=True, slots=True)
class _Answering:
    edit: TicketEdit
    actor: Actor
    alert: ExpertAlertRow
    route: Route


async def list_alerts(
    session: AsyncSession, principal: Principal, wanted: AlertFilter, page: Page
) -> Slice[ExpertAlertRow]:
    """A page of alerts, the newest first, and one more: an engineer's own, or all. 403 for customers."""
    require_support(principal)
    engineer_id = principal.engineer_id or wanted.engineer_id
    scope, filters = [], _filters(wanted, engineer_id)
    if wanted.ticket_id:
        account_id = select(TicketRow.account_id).where(TicketRow.id == wanted.ticket_id).scalar_subquery()
        scope = [ExpertAlertRow.account_id == account_id, ExpertAlertRow.ticket_id == wanted.ticket_id]
    elif engineer_id:
        scope = [ExpertAlertRow.engineer_id == engineer_id]
    return await filtered(session, ExpertAlertRow, scope, filters, page, "alerted_at", "id")


def _filters(wanted: AlertFilter, engineer_id: str | None) -> list[Filter]:
    """What an index does not lead to; the alerts of one ticket are few."""
    filters: list[Filter] = [lambda columns: columns.state == wanted.state] if wanted.state else []
    if wanted.ticket_id and engineer_id:
        filters.append(lambda columns: columns.engineer_id == engineer_id)
    return filters


async def alert_documents(session: AsyncSession, alerts: Sequence[ExpertAlertRow]) -> dict[str, dict[str, Any]]:
    """Alerts as the API shows them, by id."""
    pages = await results(session, [(alert.account_id, alert.id) for alert in alerts])
    return {
        alert.id: {name: getattr(alert, name) for name in _COLUMNS}
        | {"pages": pages[alert.id]}
        | ({"reason": BY_LINK} if alert.reason == BY_LINK else {})
        for alert in alerts
    }


def alert_place(alert: ExpertAlertRow) -> tuple[datetime, str]:
    """Where an alert stands in a list."""
    return alert.alerted_at, alert.id


async def accept(session: AsyncSession, caller: Caller, alert_id: str, _: object = None) -> ExpertAlertRow:
    """The expert takes the ticket: it is open, and a priority that was raised by itself gets its call now (C15)."""
    answering = await _answer(session, caller, alert_id)
    edit, actor, alert = answering.edit, answering.actor, answering.alert
    edit.tell(types.ExpertAccepted(alert_id=alert.id, engineer_id=alert.engineer_id), actor)
    expert_alert.end(edit, alert.id, "accepted")
    engaged = Route("engaged", edit.now, alert.engineer_id, alert.id)
    edit.ticket.routing = {**(edit.ticket.routing or {}), **engaged.document()}
    if edit.ticket.status == "new":
        change_clock(edit, Status(edit.now, "open", actor.kind), actor)
    if calls.wanted(edit) and await calls.joinable(session, edit) is None:
        await calls.ask_with_account(session, edit, actor)
    return await _answered(session, answering)


async def decline(session: AsyncSession, caller: Caller, alert_id: str, command: AlertRefusal) -> ExpertAlertRow:
    """The expert does not take the ticket, and says why: the next one is alerted at once."""
    answering = await _answer(session, caller, alert_id)
    edit, alert = answering.edit, answering.alert
    data = types.ExpertDeclined(alert_id=alert.id, engineer_id=alert.engineer_id, reason=command.reason)
    edit.tell(data, answering.actor)
    expert_alert.end(edit, alert.id, "declined", command.reason)
    edit.ticket.routing = {**(edit.ticket.routing or {}), "state": "declined"}
    return await _answered(session, answering)


async def _answer(session: AsyncSession, caller: Caller, alert_id: str) -> _Answering:
    """Lock the alert's ticket and end its clock. 403 for another engineer, 409 when it is not waited for."""
    require_support(caller.principal)
    alert = await session.scalar(select(ExpertAlertRow).where(ExpertAlertRow.id == alert_id))
    if alert is None:
        raise NotFound
    edit, actor = await start(session, caller, alert.ticket_id)
    await session.refresh(alert)
    if caller.principal.engineer_id not in (None, alert.engineer_id):
        raise Forbidden(_("Another engineer was alerted"))
    route = route_of(edit.ticket)
    if alert.state != "alerted" or route is None or is_expired(edit, route):
        state = "expired" if alert.state == "alerted" else alert.state
        raise Conflict(_("The alert is already {state}", state=state))
    change_clock(edit, Answer(edit.now, "alert_ack", alert.id, actor.kind), actor)
    return _Answering(edit, actor, alert, route)


async def _answered(session: AsyncSession, answering: _Answering) -> ExpertAlertRow:
    await finish(session, answering.edit)
    await session.refresh(answering.alert)
    return answering.alert
