"""Experts for tickets (G2, G7, G8): alerted, held, handed over, freed. In memory: what it decides is written later.

One dispatcher sees the whole roster as it is under the roster's lock, and keeps it in step with what it decides.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from app.core.auth import SERVICE
from app.core.db import Row
from app.events import types
from app.events.expert_events import CandidateData
from app.roster.choose import Choice, Expert, Need, Roster, choose, next_available, on_duty, shift_end
from app.tickets import alerts, handover
from app.tickets.routes import Route, follows_the_sun, is_exclusive, is_expired, is_wanted, route_of
from app.tickets.work import Work

_SHOWN: Final = 20
"""Candidates in one event."""
_REFUSED: Final = 1
_DONE: Final = 2


@dataclass(frozen=True, slots=True)
class Background:
    """What is known of a ticket beside its row: whom its account prefers, and what a hand-over note tells."""

    preferred: Sequence[str] = ()
    briefing: handover.Briefing = handover.NOTHING


@dataclass(slots=True)
class Dispatcher:
    """The roster at ``now``, and what becomes of it."""

    now: datetime
    experts: dict[str, Expert]
    regions: Sequence[str]
    names: Mapping[str, str]
    backgrounds: dict[str, Background] = field(default_factory=dict)
    """by ticket"""
    holds: dict[str, Row | None] = field(default_factory=dict)
    """by engineer: a new hold, or None where one has ended"""
    held_before: frozenset[str] = frozenset()
    """who was held when the roster was read"""
    taken: set[str] = field(default_factory=set)
    """who is held now and may have other work"""
    freed: int = 0
    """whether somebody is free for the queue: after a refusal (1), or for a new round, after work that is done (2)"""

    def run(self, todo: Iterable[Work], known: Collection[Work], *, fresh: bool = False) -> list[Work]:
        """Settle tickets' experts, and then what follows from it for all ``known`` ones; those that were looked at.

        ``fresh``: a new round, in which whoever was tried before may be asked again.
        """
        seen: dict[str, Work] = {}
        pending, taken, freed = sorted(todo, key=queue_place), set[str](), 0
        while pending:
            for work in pending:
                self.settle(work, fresh=fresh)
                seen[work.ticket.id] = work
            newly, free = self.taken, self.freed
            taken, freed, fresh = taken | newly, max(freed, free), free == _DONE
            self.taken, self.freed = set(), 0
            pending = [work for work in known if self._is_in_the_way(work, newly)]
            pending += sorted((work for work in known if free and work.ticket.queued_at), key=queue_place)
        self.taken, self.freed = taken, freed
        return list(seen.values())

    def choice_for(self, work: Work) -> Choice:
        """Who would take the ticket now, were it nobody's; nothing changes."""
        return self._choose(work)

    def _is_in_the_way(self, work: Work, held: Collection[str]) -> bool:
        expert = self.experts.get(work.ticket.assignee_id or "")
        ended = work.ticket.status in ("resolved", "closed")
        elsewhere = expert is not None and expert.held_for not in (None, work.ticket.id)
        return expert is not None and elsewhere and expert.id in held and not ended

    def settle(self, work: Work, *, fresh: bool = False) -> None:
        """Bring one ticket's expert in line with what the ticket is now."""
        work.now = max(work.now, self.now)
        work.settle()
        reassign, work.reassign = work.reassign, False
        if is_wanted(work):
            self._staff(work, fresh=fresh, reassign=reassign)
        else:
            self._release(work)
            if reassign:
                self._hand_on(work, "missed")
            elif self._is_in_the_way(work, self.experts):
                self._hand_on(work, "exclusive")
        self._set_timer(work)
        work.touched = True

    def _staff(self, work: Work, *, fresh: bool, reassign: bool) -> None:
        ticket, route = work.ticket, route_of(work.ticket)
        due = ticket.route_at is not None and ticket.route_at <= work.now
        if route is None:
            self._place(work, "alerted", present=ticket.assignee_id)
        elif ticket.assignee_id != route.engineer_id:
            self._by_hand(work, route)
        elif route.state == "queued":
            self._try_again(work, route, frozenset() if fresh or due else route.tried)
        elif is_expired(work, route):
            self._cancel(work, route, "expired")
            self._place(work, "expired", self._tried(route))
        elif route.state == "declined" or reassign:
            self._cancel(work, route, "missed")
            self._place(work, "declined" if route.state == "declined" else "missed", self._tried(route))
        elif due:
            self._end_shift(work, route)

    @staticmethod
    def _tried(route: Route) -> frozenset[str]:
        return route.tried | {route.engineer_id or ""} - {""}

    def _place(self, work: Work, reason: str, tried: frozenset[str] = frozenset(), present: str | None = None) -> None:
        """Ask the best expert there is, or let the ticket wait."""
        choice = self._choose(work, tried=tried, present=present)
        if choice.engineer_id is None:
            self._queue(work, choice, tried, reason)
            return
        self._assign(work, choice.engineer_id, reason)
        self._engage(work, choice.engineer_id, tried, choice)

    def _try_again(self, work: Work, route: Route, tried: frozenset[str]) -> None:
        """Somebody may be there now: for a ticket that was under way, this is a hand-over that had to wait."""
        choice = self._choose(work, tried=tried, leaving=route.left["region"] if route.left else None)
        if choice.engineer_id and route.left:
            self._hand_over(work, route.left, choice.engineer_id, None)
        else:
            self._place(work, "alerted", tried)

    def _engage(self, work: Work, engineer_id: str, tried: frozenset[str], choice: Choice | None) -> None:
        """The engineer is held; asked by an alert where the plan has any and there was a ``choice`` to tell."""
        ticket = work.ticket
        self._hold(work, engineer_id)
        ticket.queued_at, ticket.region = None, self.experts[engineer_id].region
        rules, alert_id = work.document.alert, None
        if rules and choice:
            alert_id = alerts.ask(work, engineer_id, ticket.region, rules.accept, _shown(choice))
        self._route(work, Route("alerted" if alert_id else "engaged", work.now, engineer_id, alert_id, tried))

    def _queue(
        self,
        work: Work,
        choice: Choice,
        tried: frozenset[str],
        reason: str,
        left: dict[str, str | None] | None = None,
    ) -> None:
        """Nobody is left: the manager is told, once, and the ticket waits until somebody comes or is freed."""
        ticket, before = work.ticket, route_of(work.ticket)
        if before and before.engineer_id:
            self._assign(work, None, reason)
        if before is None or before.state != "queued":
            ticket.queued_at = work.now
            data = types.RoutingUnstaffed(
                region_lock=ticket.region_lock,
                next_at=next_available(self._need(work, tried), self._roster, work.now),
                told=work.told("manager"),
                **_shown(choice),
            )
            work.tell(data, SERVICE)
            self._route(work, Route("queued", work.now, ticket.assignee_id, None, tried, left))
        else:
            self._route(work, replace(before, tried=tried))

    def _by_hand(self, work: Work, route: Route) -> None:
        """A person gave the ticket to somebody, who then need not be asked, or to nobody: the next one is asked."""
        ticket = work.ticket
        self._cancel(work, route, "assigned")
        self._let_go(route.engineer_id, ticket.id, _DONE if ticket.assignee_id else _REFUSED)
        if ticket.assignee_id is None:
            self._route(work, replace(route, engineer_id=None))
            self._place(work, "alerted", self._tried(route))
        elif ticket.assignee_id in self.experts:
            self._engage(work, ticket.assignee_id, frozenset(), None)
        else:
            self._route(work, Route("engaged", work.now, ticket.assignee_id))

    def _end_shift(self, work: Work, route: Route) -> None:
        """The owner's shift has ended: the next region takes over, or nobody is there (G7)."""
        ticket, owner = work.ticket, self.experts.get(route.engineer_id or "")
        if owner and on_duty(owner, work.now) and ticket.region_lock in (None, owner.region):
            self.taken.add(owner.id)
            return
        left = {"engineer_id": ticket.assignee_id, "region": ticket.region}
        choice = self._choose(work, leaving=ticket.region)
        self._cancel(work, route, "handed_over")
        if choice.engineer_id is None:
            self._queue(work, choice, frozenset(), "shift_ended", left if route.state == "engaged" else None)
        else:
            self._hand_over(work, left, choice.engineer_id, choice if route.state == "alerted" else None)

    def _hand_over(self, work: Work, left: dict[str, str | None], engineer_id: str, asked: Choice | None) -> None:
        """The ticket goes on with the next shift, without a gap; who had it under way need not be ``asked``."""
        ticket = work.ticket
        self._let_go(ticket.assignee_id, ticket.id, _DONE)
        ticket.assignee_id = engineer_id
        came = {"engineer_id": engineer_id, "region": self.experts[engineer_id].region}
        work.tell(types.TicketHandedOver(before=left, after=came, reason="shift_ended"), SERVICE)
        briefing = self.backgrounds.get(ticket.id, Background()).briefing
        handover.note(work, briefing, self._party(left), self._party(came))
        self._engage(work, engineer_id, frozenset(), asked)

    def _party(self, party: Mapping[str, str | None]) -> str:
        name = self.names.get(party["engineer_id"] or "", "-")
        return f"{name} ({party['region']})" if party["region"] else name

    def _release(self, work: Work) -> None:
        """The ticket needs no expert any more: whoever was held for it is free, and stays its engineer."""
        ticket, route = work.ticket, route_of(work.ticket)
        if route is None:
            return
        reason = ticket.status if ticket.status not in ("new", "open", "waiting_on_customer") else "lowered"
        self._cancel(work, route, reason)
        self._let_go(route.engineer_id, ticket.id, _DONE)
        ticket.routing = ticket.queued_at = None

    def _hand_on(self, work: Work, reason: str) -> None:
        """Give ordinary work to somebody else; with nobody there, a missed one stays, and a held one's is unowned."""
        before = work.ticket.assignee_id
        choice = self._choose(work, tried=frozenset([before] if before else []))
        if choice.engineer_id or reason == "exclusive":
            self._assign(work, choice.engineer_id, reason)

    def _assign(self, work: Work, engineer_id: str | None, reason: str) -> None:
        """Give the ticket to an engineer, or to nobody; whoever was held for it is free."""
        ticket, before = work.ticket, work.ticket.assignee_id
        if before == engineer_id:
            return
        self._let_go(before, ticket.id, _REFUSED)
        ticket.assignee_id = engineer_id
        work.tell(types.TicketAssigned(before=before, after=engineer_id, reason=reason), SERVICE)
        for each, change in ((before, -1), (engineer_id, 1)):
            if each in self.experts:
                self.experts[each] = replace(self.experts[each], load=self.experts[each].load + change)

    def _hold(self, work: Work, engineer_id: str) -> None:
        ticket = work.ticket
        if not is_exclusive(work) or self.experts[engineer_id].held_for == ticket.id:
            return
        self.experts[engineer_id] = replace(self.experts[engineer_id], held_for=ticket.id)
        keys = {"engineer_id": engineer_id, "account_id": ticket.account_id, "ticket_id": ticket.id}
        self.holds[engineer_id] = keys | {"since": work.now}
        self.taken.add(engineer_id)

    def _let_go(self, engineer_id: str | None, ticket_id: str, why: int) -> None:
        expert = self.experts.get(engineer_id or "")
        if expert and expert.held_for == ticket_id:
            self.experts[expert.id] = replace(expert, held_for=None)
            self.holds[expert.id] = None
            self.freed = max(self.freed, why)

    def _cancel(self, work: Work, route: Route, reason: str) -> None:
        if route.state == "alerted" and route.alert_id and route.engineer_id:
            alerts.cancel(work, route.alert_id, route.engineer_id, reason)

    def _route(self, work: Work, route: Route) -> None:
        work.ticket.routing = route.document() | {"rank": work.document.rank(work.ticket.priority)}

    def _set_timer(self, work: Work) -> None:
        """When the ticket is looked at again for its expert's sake (C17)."""
        route, owner = route_of(work.ticket), self.experts.get(work.ticket.assignee_id or "")
        if route is None:
            work.ticket.route_at = None
        elif route.state == "queued":
            work.ticket.route_at = next_available(self._need(work, frozenset()), self._roster, work.now)
        else:
            work.ticket.route_at = shift_end(owner, work.now) if owner and follows_the_sun(work) else None

    @property
    def _roster(self) -> Roster:
        return Roster(tuple(self.experts.values()), self.regions)

    def _choose(
        self, work: Work, *, tried: frozenset[str] = frozenset(), present: str | None = None, leaving: str | None = None
    ) -> Choice:
        need = replace(self._need(work, tried), present=present, leaving=leaving)
        return choose(need, self._roster, work.now)

    def _need(self, work: Work, tried: frozenset[str]) -> Need:
        ticket = work.ticket
        return Need(
            ticket_id=ticket.id,
            tier=ticket.tier,
            product=ticket.product,
            language=(ticket.requester.get("locale") or work.locale).partition("-")[0],
            region_lock=ticket.region_lock,
            preferred=self.backgrounds.get(ticket.id, Background()).preferred,
            tried=tried,
            exclusive=is_wanted(work) and is_exclusive(work),
        )


def queue_place(work: Work) -> tuple[bool, int, datetime, str]:
    """Where a ticket stands among others that want an expert; those that free somebody come before all."""
    ticket = work.ticket
    return (is_wanted(work), work.document.rank(ticket.priority), ticket.queued_at or work.now, ticket.id)


def _shown(choice: Choice) -> dict[str, Any]:
    shown = choice.candidates[:_SHOWN]
    candidates = [CandidateData(engineer_id=c.engineer_id, taken=c.taken, why=c.why) for c in shown]
    return {"candidates": candidates, "considered": len(choice.candidates)}
