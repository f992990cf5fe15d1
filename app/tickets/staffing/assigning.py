"""What decisions about experts and about ordinary work share: the roster, the choice, the assignment. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from app.core.auth import SERVICE
from app.events import types
from app.events.types.experts import EventCandidate
from app.roster.choose import Choice, Need
from app.tickets.editing.edit import TicketEdit
from app.tickets.staffing import handover
from app.tickets.staffing.route import MAX_EXPERTS, Route, is_exclusive, is_wanted
from app.tickets.staffing.staff import Release, Staff

_SHOWN: Final = 20
"""Candidates in one event."""
_NOTIFY_EVERY: Final = timedelta(hours=1)
"""How often at most the account's manager is told that nobody accepts a ticket (C20)."""


@dataclass(frozen=True, slots=True)
class Background:
    """What is known of a ticket beside its row: whom its account prefers, and what a hand-over note tells."""

    preferred: Sequence[str] = ()
    briefing: handover.Briefing = handover.NOTHING


@dataclass(slots=True)
class Assigning:
    """Gives tickets to engineers, and keeps the roster in step."""

    staff: Staff
    backgrounds: dict[str, Background] = field(default_factory=dict)
    """by ticket"""
    waiting: bool = False
    """whether tickets are queued that the dispatcher may not know"""

    def is_in_the_way(self, edit: TicketEdit, held: Collection[str]) -> bool:
        """Whether the ticket's engineer is one of those ``held``, and for another ticket."""
        expert = self.staff.experts.get(edit.ticket.assignee_id or "")
        ended = edit.ticket.status in ("resolved", "closed")
        elsewhere = expert is not None and expert.held_for not in (None, edit.ticket.id)
        return expert is not None and elsewhere and expert.id in held and not ended

    @staticmethod
    def notify(edit: TicketEdit, route: Route) -> tuple[dict[str, Any], datetime | None]:
        """Whom an event tells that the ticket waits, and when they were told last: at most once an hour."""
        if route.notified_at and edit.now < route.notified_at + _NOTIFY_EVERY:
            return {}, route.notified_at
        return edit.notifying("manager"), edit.now

    def assign(self, edit: TicketEdit, engineer_id: str | None, reason: str) -> None:
        """Give the ticket to an engineer, or to nobody; whoever was held for it is free."""
        ticket, before = edit.ticket, edit.ticket.assignee_id
        if before == engineer_id:
            return
        self.staff.let_go(before, ticket.id, Release.NOT_TAKEN)
        ticket.assignee_id = engineer_id
        edit.tell(types.TicketAssigned(before=before, after=engineer_id, reason=reason), SERVICE)
        self.staff.reassigned(before, engineer_id)

    def hand_over(self, edit: TicketEdit, left: Mapping[str, str | None], engineer_id: str, reason: str) -> None:
        """Give the ticket to an engineer to go on with. One who is new to it gets a note of how it stands (G7)."""
        ticket, staff = edit.ticket, self.staff
        staff.reassigned(ticket.assignee_id, engineer_id)
        ticket.assignee_id = engineer_id
        came = {"engineer_id": engineer_id, "region": staff.region_of(engineer_id, ticket.region_lock, edit.now)}
        edit.tell(types.TicketHandedOver(before=dict(left), after=came, reason=reason), SERVICE)
        if left["engineer_id"] == engineer_id:
            return
        briefing = self.backgrounds.get(ticket.id, Background()).briefing
        handover.note(edit, briefing, self._party(left), self._party(came), staff.experts[engineer_id].languages)

    def _party(self, party: Mapping[str, str | None]) -> str:
        person = self.staff.people.get(party["engineer_id"] or "")
        name = person.name if person else "-"
        return f"{name} ({party['region']})" if party["region"] else name

    @staticmethod
    def keep_route(edit: TicketEdit, route: Route) -> None:
        """Keep how the ticket's engineer is looked for."""
        edit.ticket.routing = route.document() | {"rank": edit.document.rank(edit.ticket.priority)}

    def next_poll(self, edit: TicketEdit, reason: str | None) -> datetime | None:
        """When to look whether somebody comes who may take it: of no use to one whose account holds too many."""
        return None if reason == MAX_EXPERTS else self.staff.next_look(edit.ticket.region_lock, edit.now)

    def choose(
        self,
        edit: TicketEdit,
        route: Route | None = None,
        *,
        present: str | None = None,
        leaving: str | None = None,
        of_tier: bool = False,
        tier: int | None = None,
    ) -> Choice:
        """Who would take the ticket; ``of_tier``: nobody of a lower tier than ``tier``, by default its own."""
        ticket, exclusive = edit.ticket, is_wanted(edit) and is_exclusive(edit)
        most = edit.document.routing.max_experts
        need = Need(
            ticket_id=ticket.id,
            tier=tier or ticket.tier,
            of_tier=of_tier,
            product=ticket.product,
            language=(ticket.requester.get("locale") or edit.locale).partition("-")[0],
            region_lock=ticket.region_lock,
            leaving=leaving,
            present=present,
            preferred=self.backgrounds.get(ticket.id, Background()).preferred,
            tried=route.tried if route else frozenset(),
            declined=route.declined if route else frozenset(),
            capped=bool(exclusive and most) and self.staff.held_elsewhere(ticket.account_id, ticket.id) >= (most or 0),
            exclusive=exclusive,
        )
        return self.staff.choose(need, edit.now)


def shown(choice: Choice) -> dict[str, Any]:
    """The candidates of a choice, as events tell them."""
    first = choice.candidates[:_SHOWN]
    candidates = [EventCandidate(engineer_id=c.engineer_id, taken=c.taken, reason=c.reason) for c in first]
    return {"candidates": candidates, "considered": len(choice.candidates)}
