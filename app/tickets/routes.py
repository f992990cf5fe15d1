"""How a ticket's expert is looked for, as the ticket keeps it; and whether there is anything to do about it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.tickets.record import TicketRecord
from app.tickets.work import Work

ROUTED: Final = frozenset({"new", "open", "waiting_on_customer"})
"""Statuses in which a ticket needs its expert: neither mitigated nor at its end."""


@dataclass(frozen=True, slots=True)
class Route:
    """``tickets.routing``. ``alerted``: an expert was asked; ``engaged``: one works on it; ``queued``: nobody is left.

    ``declined`` lasts only until the next expert is chosen, in the same transaction.
    """

    state: str
    since: datetime
    engineer_id: str | None = None
    alert_id: str | None = None
    """the last alert's; it is waited for while ``alerted``"""
    tried: frozenset[str] = frozenset()
    """who was asked in this round, and did not take it"""
    left: dict[str, str | None] | None = None
    """of a queued ticket whose engineer's shift has ended: that engineer and the region"""

    def document(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "state": self.state,
            "since": self.since,
            "engineer_id": self.engineer_id,
            "alert_id": self.alert_id,
            "tried": sorted(self.tried),
            "left": self.left,
        }


def route_of(ticket: TicketRecord) -> Route | None:
    """The ticket's route; None for one that nobody is looked for."""
    stored: Mapping[str, Any] | None = ticket.routing
    if stored is None:
        return None
    since = stored["since"]
    return Route(
        state=stored["state"],
        since=datetime.fromisoformat(since) if isinstance(since, str) else since,
        engineer_id=stored["engineer_id"],
        alert_id=stored["alert_id"],
        tried=frozenset(stored["tried"]),
        left=stored["left"],
    )


def is_exclusive(work: Work) -> bool:
    """Whether the ticket's expert works on nothing else (G2)."""
    return work.ticket.priority in work.document.routing.exclusive


def follows_the_sun(work: Work) -> bool:
    """Whether one region hands the ticket to the next (G7)."""
    return work.ticket.priority in work.document.routing.follow_the_sun


def is_wanted(work: Work) -> bool:
    """Whether the ticket is to have an expert now."""
    return work.ticket.status in ROUTED and (is_exclusive(work) or follows_the_sun(work))


def is_expired(work: Work, route: Route) -> bool:
    """Whether the expert who was asked has not answered in time."""
    return route.state == "alerted" and any(
        deadline.subject == route.alert_id and deadline.state == "missed" and deadline.metric == "alert_ack"
        for deadline in work.clock.deadlines
    )


def is_to_do(work: Work) -> bool:
    """Whether the ticket's expert has to be looked at before it is saved: a glance, without any I/O."""
    ticket, route = work.ticket, route_of(work.ticket)
    if not is_wanted(work):
        return route is not None or (work.reassign and ticket.assignee_id is not None)
    if route is None or route.state in ("queued", "declined") or work.reassign:
        return True
    due = ticket.route_at is not None and ticket.route_at <= work.now
    return due or ticket.assignee_id != route.engineer_id or is_expired(work, route)
