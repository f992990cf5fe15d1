"""Ordinary work that needs another engineer: its own is taken for a P1 (G2), or it moves to the next tier (N2). Pure.

With somebody there it is handed over. Else it waits, and whoever leads the account's support is told: without an
engineer for one of its tier; in the name of its own engineer until that one is free.
"""

from dataclasses import dataclass, replace

from app.core.auth import SERVICE
from app.events import types
from app.roster.choose import Choice, on_duty
from app.sla.clock.cycles import ENDED_STATUSES
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.service_messages import write
from app.tickets.staffing.assigning import Assigning, shown
from app.tickets.staffing.route import OWNER_HELD, UNSTAFFED, Route, route_of
from app.tickets.texts import TIER_WAITS


@dataclass(slots=True)
class OrdinaryWork(Assigning):
    """Decides who goes on with tickets that have no expert of their own."""

    def pass_on(self, edit: TicketEdit, *, reassign: bool) -> bool:
        """See to an ordinary ticket; whether it goes on waiting for somebody."""
        ticket, route = edit.ticket, route_of(edit.ticket)
        if ticket.status in ENDED_STATUSES:
            return False
        if edit.climbed and not self.has_engineer_of_tier(edit):
            return self._to_tier(edit, Route("queued", edit.now, left=self._left(edit), tier=ticket.tier))
        if edit.descended and ticket.assignee_id:
            self._to_lower_tier(edit)
        if self.is_in_the_way(edit, self.staff.experts):
            return self._around(edit, route if route and route.reason == OWNER_HELD else None)
        if reassign and ticket.assignee_id:
            self._hand_on(edit)
        elif route and route.tier and ticket.assignee_id is None:
            return self._to_tier(edit, replace(route, tier=ticket.tier))
        elif route and route.reason == OWNER_HELD and ticket.assignee_id == route.engineer_id:
            return self._come_back(edit, route)
        return False

    def _left(self, edit: TicketEdit) -> dict[str, str | None]:
        return {"engineer_id": edit.ticket.assignee_id, "region": edit.ticket.region}

    def has_engineer_of_tier(self, edit: TicketEdit) -> bool:
        """Whether the ticket's engineer is of its tier, or of a higher one."""
        owner = self.staff.experts.get(edit.ticket.assignee_id or "")
        return owner is not None and owner.tier >= edit.ticket.tier

    def _to_tier(self, edit: TicketEdit, route: Route) -> bool:
        """Give the ticket to somebody of its tier, or to nobody: whoever had it is free (N2)."""
        before, left = edit.ticket.assignee_id, route.left or self._left(edit)
        tried = frozenset({before} if before else ())
        choice = self.choose(edit, replace(route, tried=tried), of_tier=True)
        if choice.engineer_id:
            self.hand_over(edit, left, choice.engineer_id, "tier")
            return False
        self.assign(edit, None, "tier")
        if edit.climbed:
            write(edit, TIER_WAITS, edit.now, tier=edit.ticket.tier)
        self._defer(edit, replace(route, reason=UNSTAFFED, engineer_id=None), choice)
        return True

    def _to_lower_tier(self, edit: TicketEdit) -> None:
        """Give the ticket to somebody of its tier, so that an engineer of a higher one is free; else they keep it."""
        owner = self.staff.experts.get(edit.ticket.assignee_id or "")
        if owner is None or owner.tier <= edit.ticket.tier:
            return
        higher = frozenset(one.id for one in self.staff.experts.values() if one.tier >= owner.tier)
        choice = self.choose(edit, Route("queued", edit.now, tried=higher), of_tier=True)
        if choice.engineer_id:
            self.hand_over(edit, self._left(edit), choice.engineer_id, "tier")

    def _around(self, edit: TicketEdit, waiting: Route | None) -> bool:
        """Its engineer is needed elsewhere: somebody else goes on, else it stays theirs in name (G2)."""
        owner = edit.ticket.assignee_id
        route = waiting or Route("queued", edit.now, engineer_id=owner, reason=OWNER_HELD)
        choice = self.choose(edit, replace(route, tried=frozenset({owner} if owner else ())))
        if choice.engineer_id:
            self.hand_over(edit, self._left(edit), choice.engineer_id, "exclusive")
            return False
        self._defer(edit, replace(route, engineer_id=owner), choice)
        return True

    def _defer(self, edit: TicketEdit, route: Route, choice: Choice) -> None:
        """Nobody else is there: told once, however often the ticket is looked at meanwhile."""
        ticket, before = edit.ticket, route_of(edit.ticket)
        ticket.queued_at = ticket.queued_at or edit.now
        if before and (before.state, before.reason, before.tier) == ("queued", route.reason, route.tier):
            self.keep_route(edit, replace(route, since=before.since, notified_at=before.notified_at))
            return
        told, notified_at = self.notify(edit, route)
        data = types.RoutingUnstaffed(
            region_lock=ticket.region_lock,
            reason=route.reason or UNSTAFFED,
            next_at=self.next_poll(edit, route.reason),
            **told,
            **shown(choice),
        )
        edit.tell(data, SERVICE)
        self.keep_route(edit, replace(route, notified_at=notified_at))

    def _come_back(self, edit: TicketEdit, route: Route) -> bool:
        """Its engineer is free again, and is told that the ticket has waited; whether one who is away is waited for."""
        owner = self.staff.experts.get(route.engineer_id or "")
        if owner and not on_duty(owner, edit.now):
            return self._around(edit, route)
        if owner:
            self.hand_over(edit, self._left(edit), owner.id, "owner_free")
        return False

    def _hand_on(self, edit: TicketEdit) -> None:
        """A miss wants another engineer (C15); with nobody there the ticket stays with its own."""
        before = edit.ticket.assignee_id
        choice = self.choose(edit, Route("queued", edit.now, tried=frozenset([before] if before else [])))
        if choice.engineer_id:
            self.hand_over(edit, self._left(edit), choice.engineer_id, "missed")
