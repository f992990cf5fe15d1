"""The records of alerts on a ticket under change: asked, answered, no longer waited for."""

from datetime import timedelta
from typing import Any

from app.core.auth import SERVICE
from app.core.ids import new_id
from app.events import types
from app.sla.clock.changes import Answer, Ask
from app.tickets.editing.clock import change_clock
from app.tickets.editing.edit import TicketEdit


def ask(edit: TicketEdit, engineer_id: str, region: str | None, within: timedelta, chosen: dict[str, Any]) -> str:
    """Ask an expert to take the ticket, and start the clock of the answer; the id of the alert."""
    alert_id = new_id("alr")
    names = {"alert_id": alert_id, "engineer_id": engineer_id}
    accept_by = edit.now + within
    urgency = "low" if edit.document.rank(edit.ticket.priority) else "high"
    data = types.ExpertAlerted(**names, region=region, accept_by=accept_by, urgency=urgency, **chosen)
    told = edit.tell(data, SERVICE)
    change_clock(edit, Ask(edit.now, "alert_ack", alert_id, within), SERVICE)
    edit.alerts[alert_id] = {
        "account_id": edit.ticket.account_id,
        "id": alert_id,
        "ticket_id": edit.ticket.id,
        "sequence": told,
        "engineer_id": engineer_id,
        "state": "alerted",
        "alerted_at": edit.now,
        "accept_by": accept_by,
        "ended_at": None,
        "reason": None,
    }
    return alert_id


def end(edit: TicketEdit, alert_id: str, state: str, reason: str | None = None) -> None:
    """The alert is over: ``accepted``, ``declined``, ``expired`` or ``cancelled``."""
    known = edit.alerts.get(alert_id) or {"account_id": edit.ticket.account_id, "id": alert_id}
    edit.alerts[alert_id] = {**known, "state": state, "ended_at": edit.now, "reason": reason}


def cancel(edit: TicketEdit, alert_id: str, engineer_id: str, reason: str) -> None:
    """The answer is no longer waited for: it did not come in time (``expired``), or is not needed."""
    end(edit, alert_id, "expired" if reason == "expired" else "cancelled", reason)
    edit.tell(types.ExpertCancelled(alert_id=alert_id, engineer_id=engineer_id, reason=reason), SERVICE)
    change_clock(edit, Answer(edit.now, "alert_ack", alert_id, cancel=reason), SERVICE)
