"""How a ticket's expert is looked for, as the ticket keeps it; and whether there is anything to do about it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from app.tickets.editing.edit import TicketEdit
from app.tickets.record import TicketRecord

ROUTED: Final = frozenset({"new", "open", "waiting_on_customer"})
"""Statuses in which a ticket needs its expert: neither mitigated nor at its end."""
ROUND_EXHAUSTED: Final = "round_exhausted"
"""Everybody who may take the ticket was paged, and nobody accepted: the next round begins in a while (C20)."""
UNSTAFFED: Final = "unstaffed"
"""Nobody who may take the ticket is on shift and free."""
OWNER_HELD: Final = "owner_held"
"""The ticket's engineer works on another one and nothing else, and nobody else is there: it waits for them (G2)."""
MAX_EXPERTS: Final = "max_experts"
"""The account holds as many experts at once as its plan allows."""

SHIFT_ENDED: Final = "shift_ended"
"""The shift of the ticket's engineer has ended: the next one takes over (G7)."""
REGION_LOCK: Final = "region_lock"
"""The ticket was locked to a region in which its engineer, who is on shift, does not work (G7)."""

RouteState: TypeAlias = Literal["queued", "alerted", "engaged", "declined"]


@dataclass(frozen=True, slots=True)
class Route:
    """``tickets.routing``. ``alerted``: an expert was asked; ``engaged``: one works on it; ``queued``: it waits.

    ``declined`` lasts only until the next expert is chosen, in the same transaction.
    """

    state: RouteState
    since: datetime
    engineer_id: str | None = None
    alert_id: str | None = None
    """the last alert's; it is waited for while ``alerted``"""
    tried: frozenset[str] = frozenset()
    """who was asked in this round, and did not take it"""
    left: dict[str, str | None] | None = None
    """of a queued ticket whose engineer's shift has ended: that engineer and the region"""
    round: int = 1
    """the round of paging; they are counted from 1 again once somebody has accepted (C20)"""
    again_at: datetime | None = None
    """when the next round begins; None while this one is not exhausted"""
    declined: frozenset[str] = frozenset()
    """who said no in any round: they are asked last"""
    notified_at: datetime | None = None
    """when the account's manager was last told that it waits"""
    reason: str | None = None
    """what a queued ticket waits for: ``ROUND_EXHAUSTED``, ``UNSTAFFED``, ``MAX_EXPERTS`` or ``OWNER_HELD``"""
    tier: int | None = None
    """of ordinary work: the tier of whose engineers one is looked for (N2)"""
    left_for: str | None = None
    """why the engineer of ``left`` no longer has it: ``SHIFT_ENDED`` or ``REGION_LOCK``"""

    def document(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "state": self.state,
            "since": self.since,
            "engineer_id": self.engineer_id,
            "alert_id": self.alert_id,
            "tried": sorted(self.tried),
            "left": self.left,
            "round": self.round,
            "again_at": self.again_at,
            "declined": sorted(self.declined),
            "notified_at": self.notified_at,
            "reason": self.reason,
            "tier": self.tier,
            "left_for": self.left_for,
        }

    def is_pausing(self, now: datetime) -> bool:
        """Whether a round is exhausted and the next one has not begun yet."""
        return self.again_at is not None and now < self.again_at

    def next_round(self) -> "Route":
        """The round after this one, if it is exhausted: everybody may be asked again."""
        number = self.round + 1 if self.again_at else self.round
        return replace(self, round=number, tried=frozenset(), again_at=None)

    def going_on(self, now: datetime) -> "Route":
        """The round in which the next one is asked: a new one, where its time came while somebody was still asked."""
        return self.next_round() if self.again_at and self.again_at <= now else self


def route_of(ticket: TicketRecord) -> Route | None:
    """The ticket's route; None for one that nobody is looked for. What earlier versions stored knew no rounds."""
    stored: Mapping[str, Any] | None = ticket.routing
    if stored is None:
        return None
    return Route(
        state=stored["state"],
        since=_instant(stored["since"]),
        engineer_id=stored["engineer_id"],
        alert_id=stored["alert_id"],
        tried=frozenset(stored["tried"]),
        left=stored["left"],
        round=stored.get("round", 1),
        again_at=_instant(stored["again_at"]) if stored.get("again_at") else None,
        declined=frozenset(stored.get("declined", ())),
        notified_at=_instant(stored["notified_at"]) if stored.get("notified_at") else None,
        reason=stored.get("reason", UNSTAFFED if stored["state"] == "queued" else None),
        tier=stored.get("tier"),
        left_for=stored.get("left_for"),
    )


def _instant(stored: datetime | str) -> datetime:
    return datetime.fromisoformat(stored) if isinstance(stored, str) else stored


def is_exclusive(edit: TicketEdit) -> bool:
    """Whether the ticket's expert works on nothing else (G2)."""
    return edit.ticket.priority in edit.document.routing.exclusive


def follows_the_sun(edit: TicketEdit) -> bool:
    """Whether one region hands the ticket to the next (G7)."""
    return edit.ticket.priority in edit.document.routing.follow_the_sun


def is_wanted(edit: TicketEdit) -> bool:
    """Whether the ticket is to have an expert now."""
    wanted = edit.ticket.status in ROUTED and (is_exclusive(edit) or follows_the_sun(edit))
    return wanted and not edit.ticket.unconfirmed


def is_expired(edit: TicketEdit, route: Route) -> bool:
    """Whether the expert who was asked has not answered in time."""
    return route.state == "alerted" and any(
        deadline.subject == route.alert_id and deadline.state == "missed" and deadline.metric == "alert_ack"
        for deadline in edit.clock.deadlines
    )


def is_to_do(edit: TicketEdit) -> bool:
    """Whether the ticket's expert has to be looked at before it is saved: a glance, without any I/O."""
    if edit.ticket.unconfirmed:
        return False
    ticket, route = edit.ticket, route_of(edit.ticket)
    due = ticket.route_at is not None and ticket.route_at <= edit.now
    if ticket.sandbox and edit.relieved:
        return True  # of live ones, a pass of its own sees to what waits for whoever has room
    if not is_wanted(edit):
        other_engineer = edit.reassign or edit.is_reopened
        moved = edit.climbed or (edit.descended and ticket.assignee_id is not None)
        return due or route is not None or moved or (other_engineer and ticket.assignee_id is not None)
    if route is None or route.state in ("queued", "declined") or edit.reassign or edit.climbed:
        return True
    return due or ticket.assignee_id != route.engineer_id or is_expired(edit, route)
