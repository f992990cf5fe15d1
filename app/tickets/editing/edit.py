"""A locked ticket under change, in memory: its clock, and everything that the transaction will write about it. Pure.

Every use case on a ticket locks it into a ``TicketEdit`` (``load.py``), caught up to the present, changes and saves it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from app.core.auth import Actor
from app.events import types
from app.events.event import Event
from app.events.people import People
from app.events.stub import Stub, after, stub_of
from app.plans.document.model import PlanDocument
from app.sla import deadlines as stored
from app.sla.clock.clock import Clock, Firing, next_firing
from app.sla.clock.deadline import Deadline
from app.sla.clock.terms import METRIC_ORDER
from app.sla.deadlines import Row
from app.tickets.record import TicketRecord

STAND_IN: Final = "escalation_contact"
"""Whom the operator has told instead of a manager whom an account does not have."""


@dataclass(slots=True)
class TicketEdit:
    """A ticket between its lock and its save; ``now`` was read after the lock (C09)."""

    ticket: TicketRecord
    clock: Clock
    document: PlanDocument
    contacts: Mapping[str, Any]
    """the account's ``manager`` and ``tam``, who are told of misses (W1, W4), and the operator's ``STAND_IN``"""
    now: datetime
    locale: str = "en"
    """the account's"""
    loaded: tuple[Deadline, ...] = ()
    ended: list[Deadline] = field(default_factory=list)
    """those that the clock need not look at again: a long run does not slow down with what it leaves behind"""
    events: list[Event] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    no_shows: list[Row] = field(default_factory=list)
    escalations: list[dict[str, Any]] = field(default_factory=list)
    reason: str | None = None
    """the reason that a person gave for a change of priority, or for withdrawing"""
    close_escalations: bool = False
    alerts: dict[str, Row] = field(default_factory=dict)
    """by id: new ones whole, others what has changed of them"""
    reassign: bool = False
    """a miss wants another engineer for the ticket (C15): who that is, is chosen when it is saved"""
    ends_call: bool = False
    """the service has resolved it, and its call, which only the database knows, ends when it is saved"""
    climbed: bool = False
    """it has moved to a higher tier, whose engineers go on with it: who that is, is chosen when it is saved (N2)"""
    descended: bool = False
    """it has moved to a lower tier, whose engineers go on with it where they can (N2)"""
    relieved: str | None = None
    """the engineer who has a ticket less by it: they may have room for one that waits"""
    retitled: bool = False
    rewritten: bool = False
    """what people have written in it was changed (``record.TEXTS``)"""
    touched: bool = False
    """there may be something to save although nothing was told"""
    postponed: bool = False
    """the sweep has put it aside; once it is saved, it is like any other again"""
    people: People = field(default_factory=dict)
    """engineers whom its events may name, as far as they are known without asking"""
    stub: Stub = field(init=False)
    """the ticket as the last event leaves it"""

    def __post_init__(self) -> None:
        self.stub = stub_of(self.ticket)

    def followed(self) -> Row:
        """The columns that follow from the clock, and from who works on the ticket (C17)."""
        columns = stored.followed(self.clock)
        wakes = [at for at in (columns["wake_at"], self.ticket.route_at) if at]
        return {**columns, "wake_at": min(wakes, default=None)}

    def next_firing(self) -> Firing | None:
        """What happens next by itself: by the clock, or to the expert, which comes before the misses of an instant."""
        own, at = next_firing(self.clock), self.ticket.route_at
        routed = Firing(at, False, len(METRIC_ORDER) + 1) if at else None
        return min((firing for firing in (own, routed) if firing), default=None)

    @property
    def deadlines(self) -> list[Deadline]:
        """All that was loaded or has come to be, live or ended."""
        return [*self.ended, *self.clock.deadlines]

    @property
    def reopened_by(self) -> Actor | None:
        """Who has it go on after it was resolved; None where nobody has."""
        return next((event.actor for event in self.events if isinstance(event.data, types.TicketReopened)), None)

    @property
    def is_reopened(self) -> bool:
        """Whether it was resolved before, and goes on."""
        return self.reopened_by is not None

    @property
    def is_behind(self) -> bool:
        """Whether the clock has something to do that was due by now."""
        firing = next_firing(self.clock)
        return firing is not None and firing.until <= self.now

    def tell(self, data: types.EventData, actor: Actor, at: datetime | None = None) -> int:
        """Add an event, at the present instant unless another is given; its ``sequence`` on the ticket."""
        self.stub = after(self.stub, self.ticket.id, data)
        self.events.append(Event(at or self.now, data, actor, self.stub))
        return self.ticket.sequence + len(self.events)

    def notifying(self, *roles: str) -> dict[str, Any]:
        """Whom an event tells, as members of a ``NotifyingEvent``: the account's people at the vendor in these roles.

        A TAM only where the add-on is bought (W1); for a manager who is not there, the operator's contact. A role for
        which there is nobody is ``unreachable``. Nobody is told of what a guest has opened, before somebody who is
        known has done something about it.
        """
        if self.ticket.unconfirmed:
            return {}
        with_tam = self.document.tells_tam(self.ticket.plan_addons)
        found = {role: self._contact(role) for role in roles if role != "tam" or with_tam}
        reached = [contact for contact in found.values() if contact]
        return {"notified": reached, "unreachable": [role for role, contact in found.items() if not contact]}

    def _contact(self, role: str) -> dict[str, Any] | None:
        for name in (role, STAND_IN) if role == "manager" else (role,):
            if contact := self.contacts.get(name):
                return {"role": name, **contact}
        return None

    def id_of(self, deadline: Deadline) -> str:
        """The stored id of the deadline that a clock event shows as it was."""
        key = (deadline.metric, deadline.subject, deadline.cycle)
        return next(d.id for d in self.clock.deadlines if (d.metric, d.subject, d.cycle) == key)
