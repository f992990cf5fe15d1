"""Experts for tickets (G2, G7, G8, C20): paged, held, handed over, freed. Pure: what it decides is written later.

One dispatcher sees the whole roster as it is under the roster's lock, and keeps it in step with what it decides.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import heapify, heappop, heappush

from app.core.auth import SERVICE
from app.events import types
from app.roster.choose import Choice, Expert, comes, on_duty, places, shift_end, stand_in
from app.tickets.editing import expert_alert
from app.tickets.editing.clock import catch_up
from app.tickets.editing.edit import TicketEdit
from app.tickets.staffing.assigning import shown
from app.tickets.staffing.ordinary import OrdinaryWork
from app.tickets.staffing.route import (
    MAX_EXPERTS,
    REGION_LOCK,
    ROUND_EXHAUSTED,
    SHIFT_ENDED,
    UNSTAFFED,
    Route,
    follows_the_sun,
    is_exclusive,
    is_expired,
    is_wanted,
    route_of,
)
from app.tickets.staffing.staff import Moves, Release

Place = tuple[bool, int, int, datetime, str]


@dataclass(slots=True)
class Dispatcher(OrdinaryWork):
    """Decides who works on which ticket."""

    def run(
        self, todo: Iterable[TicketEdit], known: Collection[TicketEdit], back: Iterable[str] = ()
    ) -> Iterator[TicketEdit]:
        """Restaff tickets, and then what follows from it for all ``known`` ones; each as it was looked at.

        ``back``: who has done other work since, and may be asked again by tickets that they did not take.
        """
        moves = self.staff.moves = Moves(back=set(back))
        pending, queue = list(todo), False
        while pending:
            taken, freed = set(moves.taken), set(moves.freed)
            for edit in self._in_turn(pending):
                if queue and edit.ticket.queued_at and not self.staff.idle():
                    continue
                self.restaff(edit)
                yield edit
            newly, queue = moves.taken - taken, bool(moves.freed - freed)
            pending = [
                edit
                for edit in known
                if self.is_in_the_way(edit, newly) or (queue and edit.ticket.queued_at is not None)
            ]

    def _in_turn(self, edits: Iterable[TicketEdit]) -> Iterator[TicketEdit]:
        """By their places in the queue, each as it is when the turn comes: its account may hold more by then."""
        turns = [(self.place(edit), edit) for edit in edits]
        heapify(turns)
        while turns:
            place, edit = heappop(turns)
            current = self.place(edit)
            if current > place:
                heappush(turns, (current, edit))
            else:
                yield edit

    def place(self, edit: TicketEdit) -> Place:
        """Where a ticket stands among those that want an expert; those that free somebody come before all.

        Accounts that hold fewer experts come first, so that however many P1s one account has, another's only one does
        not wait for them. Each account gets on by what it gives back, so none waits for ever.
        """
        ticket, wanted = edit.ticket, is_wanted(edit)
        held = self.staff.held_elsewhere(ticket.account_id, ticket.id) if wanted else 0
        return (wanted, held, edit.document.rank(ticket.priority), ticket.queued_at or edit.now, ticket.id)

    def choice_for(self, edit: TicketEdit) -> Choice:
        """Who would take the ticket now, were it nobody's; nothing changes."""
        return self.choose(edit)

    def restaff(self, edit: TicketEdit) -> None:
        """Bring one ticket's expert in line with what the ticket is now."""
        edit.now, edit.people = max(edit.now, self.staff.now), self.staff.people
        catch_up(edit)
        if edit.relieved:
            self.staff.relieved(edit.relieved)
            edit.relieved = None
        reassign, edit.reassign = edit.reassign, False
        if is_wanted(edit):
            self._staff(edit, reassign=reassign or (edit.climbed and not self.has_engineer_of_tier(edit)))
        elif not self.pass_on(edit, reassign=reassign):
            self._release(edit)
        edit.climbed = edit.descended = False
        self._set_timer(edit)
        edit.touched = True

    def _staff(self, edit: TicketEdit, *, reassign: bool) -> None:
        ticket, route = edit.ticket, route_of(edit.ticket)
        if route is None:
            self._search(edit, Route("queued", edit.now), "alerted", present=ticket.assignee_id)
        elif ticket.assignee_id != route.engineer_id:
            self._by_hand(edit, route)
        elif route.state == "queued":
            self._try_again(edit, route)
        elif is_expired(edit, route):
            self._cancel(edit, route, "expired")
            self._go_on(edit, route, "expired")
        elif route.state == "declined" or reassign:
            self._cancel(edit, route, "missed")
            self._go_on(edit, route, "declined" if route.state == "declined" else "missed")
        elif ticket.route_at is not None and ticket.route_at <= edit.now:
            self._end_shift(edit, route)

    def _go_on(self, edit: TicketEdit, route: Route, reason: str) -> None:
        """Whoever was asked does not take it: the next one is, in this round or in one that was due meanwhile."""
        asked = frozenset({route.engineer_id or ""} - {""})
        route = route.going_on(edit.now)
        declined = route.declined | (asked if reason == "declined" else frozenset())
        self._search(edit, replace(route, tried=route.tried | asked, declined=declined), reason)

    def _search(self, edit: TicketEdit, route: Route, reason: str, present: str | None = None) -> None:
        """Ask the best expert there is, or let the ticket wait."""
        choice = self.choose(edit, route, present=present)
        if choice.engineer_id is None:
            self._queue(edit, route, choice, reason)
        else:
            self.assign(edit, choice.engineer_id, reason)
            self._engage(edit, choice.engineer_id, route, choice)

    def _try_again(self, edit: TicketEdit, route: Route) -> None:
        """Somebody may be there now: for a ticket that was under way, this is a hand-over that had to wait."""
        due, free = route.again_at is not None and route.again_at <= edit.now, self.staff.idle()
        if not free and not due and not self.is_in_the_way(edit, self.staff.experts):
            return
        if due or route.again_at is None:
            route = route.next_round()
        else:
            came = {
                each.id for each in free if each.id in self.staff.moves.back or _has_come(each, route.since, edit.now)
            }
            route = replace(route, tried=route.tried - came)
        choice = self.choose(edit, route, leaving=route.left["region"] if route.left else None)
        if choice.engineer_id is None:
            self._queue(edit, route, choice, "alerted")
        elif route.left:
            self._hand_over(edit, route, route.left, choice.engineer_id, None)
        else:
            self.assign(edit, choice.engineer_id, "alerted")
            self._engage(edit, choice.engineer_id, route, choice)

    def _engage(self, edit: TicketEdit, engineer_id: str, route: Route, choice: Choice | None) -> None:
        """The engineer is held; asked by an alert where the plan has any and there was a ``choice`` to tell."""
        ticket = edit.ticket
        if is_exclusive(edit):
            self.staff.hold(engineer_id, ticket.account_id, ticket.id, edit.now)
        ticket.queued_at, ticket.region = None, self.staff.region_of(engineer_id, ticket.region_lock, edit.now)
        rules = edit.document.alert
        if rules and choice:
            alert_id = expert_alert.ask(edit, engineer_id, ticket.region, rules.accept, shown(choice))
            route = replace(route, engineer_id=engineer_id, alert_id=alert_id, left=None, left_for=None, reason=None)
            self.keep_route(edit, replace(route, state="alerted", since=edit.now))
        else:
            self.keep_route(edit, Route("engaged", edit.now, engineer_id))

    def _queue(self, edit: TicketEdit, route: Route, choice: Choice, reason: str) -> None:
        """Nobody is left to be asked: the ticket waits for the next round, for a shift, or for somebody to be freed."""
        ticket, before = edit.ticket, route_of(edit.ticket)
        new = before is None or before.state != "queued"
        if (before and new) or self.is_in_the_way(edit, self.staff.experts):
            self.assign(edit, None, reason)
        ticket.queued_at = edit.now if new else ticket.queued_at
        waiting = replace(route, state="queued", engineer_id=ticket.assignee_id, alert_id=None)
        waiting = replace(waiting, since=edit.now) if new else waiting
        hindrances = {candidate.reason for candidate in choice.candidates}
        if route.is_pausing(edit.now):
            self.keep_route(edit, replace(waiting, reason=ROUND_EXHAUSTED))
        elif "tried" in hindrances and "capped" not in hindrances:
            self._exhaust(edit, waiting, choice)
        else:
            self._wait(edit, waiting, choice, MAX_EXPERTS if "capped" in hindrances else UNSTAFFED)

    def _exhaust(self, edit: TicketEdit, route: Route, choice: Choice) -> None:
        """Everybody was paged and nobody accepted (C20): the next round begins a little later."""
        again_at = edit.now + edit.document.page_again_after
        told, notified_at = self.notify(edit, route)
        data = types.RoutingRoundExhausted(round=route.round, next_at=again_at, **told, **shown(choice))
        edit.tell(data, SERVICE)
        self.keep_route(edit, replace(route, reason=ROUND_EXHAUSTED, again_at=again_at, notified_at=notified_at))

    def _wait(self, edit: TicketEdit, route: Route, choice: Choice, reason: str) -> None:
        """Nobody can be asked at present: told once, however often the ticket is looked at meanwhile."""
        before = route_of(edit.ticket)
        if before and before.state == "queued" and before.reason == reason:
            self.keep_route(edit, replace(route, reason=reason, tried=frozenset()))
            return
        told, notified_at = self.notify(edit, route)
        data = types.RoutingUnstaffed(
            region_lock=edit.ticket.region_lock,
            reason=reason,
            next_at=self.next_poll(edit, reason),
            **told,
            **shown(choice),
        )
        edit.tell(data, SERVICE)
        self.keep_route(edit, replace(route, reason=reason, tried=frozenset(), notified_at=notified_at))

    def _by_hand(self, edit: TicketEdit, route: Route) -> None:
        """A person gave the ticket to somebody, who then need not be asked, or to nobody: the next one is asked."""
        ticket = edit.ticket
        self._cancel(edit, route, "assigned")
        self.staff.let_go(
            route.engineer_id, ticket.id, Release.NOT_TAKEN if ticket.assignee_id is None else Release.DONE
        )
        if ticket.assignee_id is None:
            self.keep_route(edit, replace(route, engineer_id=None))
            self._go_on(edit, route, "alerted")
        elif ticket.assignee_id in self.staff.experts:
            self._engage(edit, ticket.assignee_id, route, None)
        else:
            ticket.queued_at = None
            self.keep_route(edit, Route("engaged", edit.now, ticket.assignee_id))

    def _end_shift(self, edit: TicketEdit, route: Route) -> None:
        """The owner's shift has ended, or the ticket is locked to another region: who is there takes over (G7)."""
        ticket, owner = edit.ticket, self.staff.experts.get(route.engineer_id or "")
        present = owner is not None and on_duty(owner, edit.now)
        if owner and present and ticket.region_lock in (None, *places(owner, edit.now)):
            self.staff.moves.taken.add(owner.id)
            return
        left = {"engineer_id": ticket.assignee_id, "region": ticket.region}
        asked, reason = route.state == "alerted", REGION_LOCK if present else SHIFT_ENDED
        going = route.going_on(edit.now) if asked else Route("queued", edit.now, left=left)
        going = replace(going, left_for=reason)
        relief = stand_in(owner, edit.now) if owner else None
        choice = self.choose(edit, going, present=relief, leaving=ticket.region)
        self._cancel(edit, route, "handed_over")
        if choice.engineer_id is None:
            self._queue(edit, going, choice, reason)
        else:
            self._hand_over(edit, going, left, choice.engineer_id, choice if asked else None)

    def _hand_over(
        self, edit: TicketEdit, route: Route, left: dict[str, str | None], engineer_id: str, asked: Choice | None
    ) -> None:
        """The ticket goes on with the next shift, without a gap; who had it under way need not be ``asked``."""
        self.staff.let_go(edit.ticket.assignee_id, edit.ticket.id, Release.DONE)
        self.hand_over(edit, left, engineer_id, route.left_for or SHIFT_ENDED)
        self._engage(edit, engineer_id, route, asked)

    def _release(self, edit: TicketEdit) -> None:
        """The ticket needs no expert any more: whoever was held for it is free, and stays its engineer."""
        ticket, route = edit.ticket, route_of(edit.ticket)
        if route is None:
            return
        reason = ticket.status if ticket.status not in ("new", "open", "waiting_on_customer") else "lowered"
        self._cancel(edit, route, reason)
        self.staff.let_go(route.engineer_id, ticket.id, Release.DONE)
        ticket.routing = ticket.queued_at = None

    def _cancel(self, edit: TicketEdit, route: Route, reason: str) -> None:
        if route.state == "alerted" and route.alert_id and route.engineer_id:
            expert_alert.cancel(edit, route.alert_id, route.engineer_id, reason)

    def _set_timer(self, edit: TicketEdit) -> None:
        """When the ticket is looked at again for its expert's sake (C17)."""
        route, owner = route_of(edit.ticket), self.staff.experts.get(edit.ticket.assignee_id or "")
        if route is None:
            edit.ticket.route_at = None
        elif route.state == "queued":
            polls = (route.again_at, self.next_poll(edit, route.reason))
            edit.ticket.route_at = min((at for at in polls if at), default=None)
        else:
            edit.ticket.route_at = _leaves(owner, edit) if owner and follows_the_sun(edit) else None


def _leaves(owner: Expert, edit: TicketEdit) -> datetime | None:
    """When the ticket's engineer goes off shift, or is no longer in the region that the ticket is locked to."""
    lock = edit.ticket.region_lock
    return (shift_end(owner, edit.now, lock) if lock else None) or shift_end(owner, edit.now)


def _has_come(expert: Expert, since: datetime, now: datetime) -> bool:
    start = comes(expert, since)
    return start is not None and start <= now
