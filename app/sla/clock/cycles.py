"""A ticket's clock and the cycles of its metrics: how each starts, stops, pauses, moves, ends (C07 to C13). Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.sla.clock.changes import ClockEvent
from app.sla.clock.deadline import OPEN_STATES, Deadline, Span, changed, timed, timed_with_span, with_span
from app.sla.clock.frozen import changing
from app.sla.clock.terms import METRIC_ORDER, PLAN_METRICS, Terms

ENDED_STATUSES = frozenset({"resolved", "closed"})
UNTIERED_STATUSES = ENDED_STATUSES | {"mitigated"}


@dataclass(frozen=True, slots=True)
class Wait:
    """A ticket that waits for its customer under terms that end the wait."""

    since: datetime
    """when it began to wait, or its engineer last wrote while it did"""
    reminded: int = 0
    """how often the customer has been reminded since"""

    def remind_at(self, terms: Terms) -> datetime | None:
        """When the customer is next reminded."""
        lengths = terms.waiting.remind if terms.waiting else ()
        return self.since + lengths[self.reminded] if self.reminded < len(lengths) else None

    def resolve_at(self, terms: Terms) -> datetime | None:
        """When the ticket is resolved without an answer."""
        length = terms.waiting.resolve if terms.waiting else None
        return self.since + length if length else None


@dataclass(frozen=True, slots=True)
class Clock:
    """The facts that the rules need; ``deadlines`` holds at least the live ones."""

    terms: Terms
    status: str
    priority: str
    tier: int
    opened_at: datetime
    last_at: datetime
    answered_at: datetime | None = None
    """the first public message of an engineer after the opening"""
    unanswered_since: datetime | None = None
    """the oldest public customer message that waits for an answer, after the first response"""
    updates_from: datetime | None = None
    """the first response, the instant when it was missed, or a reopening: from here on updates are owed"""
    reopened: bool = False
    close_at: datetime | None = None
    """of a resolved ticket: when it closes by itself"""
    wait: Wait | None = None
    cycles: tuple[tuple[str, int], ...] = ()
    """how many cycles each metric has had"""
    deadlines: tuple[Deadline, ...] = ()

    @property
    def priorities(self) -> frozenset[str]:
        """Those that its terms have to know: the present one, and those by which a deadline may be computed again."""
        spans = (span for deadline in self.deadlines if deadline.movable for span in deadline.spans)
        return frozenset({self.priority, *(span.priority for span in spans)})

    @property
    def remind_at(self) -> datetime | None:
        """When the customer is next reminded that the ticket waits."""
        return self.wait.remind_at(self.terms) if self.wait else None

    @property
    def resolve_at(self) -> datetime | None:
        """When the ticket is resolved because its customer did not answer."""
        return self.wait.resolve_at(self.terms) if self.wait else None

    @property
    def turns(self) -> int:
        """How often the priority and the pauses have moved a live deadline: whoever loads the clock reads each turn."""
        return max((len(deadline.spans) - 1 for deadline in self.deadlines if deadline.movable), default=0)


changed_clock: Final = changing(Clock)
"""The clock with these members."""


@dataclass(frozen=True, slots=True)
class Step:
    """A clock after a change, and what happened on the way."""

    clock: Clock
    events: tuple[ClockEvent, ...]


class Cycles:
    """A clock under change, mutable for the length of one step: what can become of single deadlines."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.terms, self.status, self.priority, self.tier = clock.terms, clock.status, clock.priority, clock.tier
        self.last_at, self.answered_at, self.close_at = clock.last_at, clock.answered_at, clock.close_at
        self.unanswered_since, self.updates_from = clock.unanswered_since, clock.updates_from
        self.reopened, self.wait, self.cycles = clock.reopened, clock.wait, dict(clock.cycles)
        self.deadlines = list(clock.deadlines)
        self.events: list[ClockEvent] = []

    def step(self) -> Step:
        """Freeze what has become of the clock."""
        after = Clock(
            terms=self.terms,
            status=self.status,
            priority=self.priority,
            tier=self.tier,
            opened_at=self.clock.opened_at,
            last_at=self.last_at,
            answered_at=self.answered_at,
            unanswered_since=self.unanswered_since,
            updates_from=self.updates_from,
            reopened=self.reopened,
            close_at=self.close_at,
            wait=self.wait,
            cycles=tuple(self.cycles.items()),
            deadlines=tuple(self.deadlines),
        )
        return Step(after, tuple(self.events))

    def tell(self, kind: str, at: datetime, deadline: Deadline | None = None, **facts: object) -> None:
        """Add an event."""
        self.events.append(ClockEvent(kind, at, deadline, **facts))  # type: ignore[arg-type]  # ClockEvent's own fields

    def put(self, old: Deadline, new: Deadline) -> Deadline:
        """Replace a deadline in place. Identity finds it: equal rows of another subject are another deadline."""
        self.deadlines[next(i for i, d in enumerate(self.deadlines) if d is old)] = new
        return new

    def find(self, metric: str, subject: str = "") -> Deadline | None:
        """The live deadline of a metric; there is at most one."""
        return next((d for d in self.deadlines if d.live and d.metric == metric and d.subject == subject), None)

    def live(self) -> list[Deadline]:
        """The live deadlines in metric order, which a stored clock and one that was folded share."""
        return sorted((d for d in self.deadlines if d.live), key=order_of)

    def movable(self) -> list[Deadline]:
        """Those that priorities, pauses and plans move, in metric order."""
        return [d for d in self.live() if d.movable]

    def start(self, at: datetime, metric: str, *, chain: int = 0) -> None:
        """Start the next cycle of a metric, where the plan has a target and the ticket is not at its end (C08)."""
        if self.status in ENDED_STATUSES or not self.terms.target(metric, self.priority):
            return
        cycle = self.cycles[metric] = self.cycles.get(metric, 0) + 1
        span = Span(at, self.priority, self.terms.pauses_in(self.status, metric))
        deadline = timed(Deadline(metric, cycle, self.priority, at, (span,), chain=chain), self.terms)
        self.deadlines.append(deadline)
        self.tell("deadline.started", at, deadline)

    def stop(self, at: datetime, deadline: Deadline | None, by: str) -> None:
        """End a deadline well: ``met``, or ``met_late`` when it was missed before (C09)."""
        if deadline is None:
            return
        if deadline.state == "cancelled":
            self.put(deadline, changed(deadline, live=False))
            return
        state = "met_late" if deadline.state == "missed" else "met"
        ended = self.put(deadline, changed(deadline, state=state, ended_at=at, stopped_by=by, live=False, pending=()))
        self.tell(f"deadline.{state}", at, ended, by=by)

    def cancel(self, at: datetime, deadline: Deadline | None, reason: str, *, revivable: bool = False) -> None:
        """End a deadline without a result; what was missed ends as ``missed`` (C12, C13)."""
        if deadline is None:
            return
        if deadline.state not in OPEN_STATES:
            ended_at = deadline.ended_at or at
            self.put(deadline, changed(deadline, live=False, ended_at=ended_at))
            return
        ended = changed(deadline, state="cancelled", ended_at=at, reason=reason, pending=(), live=revivable)
        self.tell("deadline.cancelled", at, self.put(deadline, ended), reason=reason)

    def wanted(self, metric: str) -> bool:
        """Whether the metric's start event has happened and its stop has not (C12)."""
        if metric == "first_response":
            return self.answered_at is None and not self.reopened
        if metric == "next_response":
            return self.unanswered_since is not None
        if metric == "update":
            return self.updates_from is not None
        return metric == "resolution" or self.escalates

    @property
    def escalates(self) -> bool:
        """Whether the ticket moves on when it is due: to the next tier, or at the top to the account's manager."""
        further = self.tier < self.terms.tiers or self.terms.top_manager
        return further and self.status not in UNTIERED_STATUSES

    def start_missing(self, at: datetime, reason: str) -> None:
        """Start, or revive, each metric that is wanted and has no cycle; a missed one stays as it is (C12)."""
        for metric in PLAN_METRICS:
            old = self.find(metric)
            if not self.wanted(metric) or (old and old.state in OPEN_STATES):
                continue
            if old is None:
                self.start(at, metric)
            elif old.state == "cancelled" and self.terms.target(metric, self.priority):
                revived = self.put(old, timed(changed(old, ended_at=None, reason=None), self.terms))
                self.tell("deadline.started", at, revived, reason=reason)
            elif old.state == "missed" and metric == "update":
                self.next_update(at, old)

    def next_update(self, at: datetime, missed: Deadline) -> None:
        """Go on with a chain of updates: the missed cycle ends, as missed, when the next one starts."""
        if self.terms.target("update", self.priority) and self.status not in ENDED_STATUSES:
            self.put(missed, changed(missed, ended_at=missed.due_at, live=False))
            self.start(at, "update", chain=missed.chain + 1)

    def respan(self, at: datetime, reason: str) -> None:
        """Bring every live deadline to the ticket's present priority and pause (C10 to C12)."""
        for deadline in self.movable():
            last, span = deadline.spans[-1], Span(at, self.priority, self.terms.pauses_in(self.status, deadline.metric))
            if (last.priority, last.paused) == (span.priority, span.paused) and reason != "plan":
                continue  # other terms need a span of their own: nothing may be due before they were applied (C14)
            if deadline.state not in OPEN_STATES:
                self.put(deadline, with_span(deadline, span, self.terms))
            elif self.terms.target(deadline.metric, self.priority):
                self.retime(at, deadline, timed_with_span(deadline, span, self.terms), reason)
            else:
                moved = self.put(deadline, with_span(deadline, span, self.terms))
                self.cancel(at, moved, reason, revivable=True)

    def retime(self, at: datetime, before: Deadline, after: Deadline, reason: str) -> None:
        """Put what a further span has made of a deadline in its place, and tell what that did."""
        self.put(before, after)
        if after.state != before.state:
            kind = "deadline.paused" if after.state == "paused" else "deadline.resumed"
            self.tell(kind, at, after, before=before.due_at, after=after.due_at, reason=reason)
        elif after.due_at != before.due_at:
            self.tell("deadline.moved", at, after, before=before.due_at, after=after.due_at, reason=reason)


def order_of(deadline: Deadline) -> tuple[int, str, int]:
    """What decides between deadlines of one instant: metric, subject, cycle."""
    return (METRIC_ORDER[deadline.metric], deadline.subject, deadline.cycle)
