"""The SLA clock of one ticket as a fold (C07 to C18). Pure: ``advance(clock, change)`` and ``settle(clock, now)``.

Both give a new clock and the notices of what happened. Nothing here knows of databases, people or wall clocks.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import singledispatchmethod

from app.sla.changes import Answer, Apply, Ask, Change, Close, Message, Notice, Priority, Reopen, Status, Tier
from app.sla.deadline import OPEN_STATES, Deadline, Span, timed, with_span
from app.sla.terms import EFFECTS, METRIC_ORDER, PLAN_METRICS, Terms

ENDED_STATUSES = frozenset({"resolved", "closed"})
UNTIERED_STATUSES = ENDED_STATUSES | {"mitigated"}


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
    cycles: tuple[tuple[str, int], ...] = ()
    """how many cycles each metric has had"""
    deadlines: tuple[Deadline, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A clock after a change, and what happened on the way."""

    clock: Clock
    notices: tuple[Notice, ...]


def open_clock(terms: Terms, at: datetime, priority: str) -> Step:
    """The clock of a ticket opened at ``at``: what starts then is started (metrics table, C08)."""
    fold = _Fold(Clock(terms, "new", priority, 1, at, at))
    fold.start_missing(at, "opened")
    return fold.step()


def settle(clock: Clock, now: datetime) -> Step:
    """Let everything happen that is due: warnings up to and at ``now``, misses strictly before it (C06, C09)."""
    if (wake := wake_at(clock)) is None or wake > now:
        return Step(clock, ())
    fold = _Fold(clock)
    fold.settle(now)
    return fold.step()


def advance(clock: Clock, change: Change) -> Step:
    """Settle up to the change's instant, then apply it (C18). ``change.at`` is never before ``clock.last_at``."""
    fold = _Fold(clock)
    fold.settle(change.at)
    fold.last_at = max(fold.last_at, change.at)
    fold.apply(change)
    return fold.step()


def wake_at(clock: Clock) -> datetime | None:
    """The earliest next thing to do: a warning, a due instant, or the automatic close (C17)."""
    instants = [
        d.pending[0][0] if d.pending else d.due_at for d in clock.deadlines if d.state == "running" and d.due_at
    ]
    instants += [clock.close_at] if clock.close_at else []
    return min((at for at in instants if at), default=None)


class _Fold:
    """A clock under change: mutable for the length of one step."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.terms, self.status, self.priority, self.tier = clock.terms, clock.status, clock.priority, clock.tier
        self.last_at, self.answered_at, self.close_at = clock.last_at, clock.answered_at, clock.close_at
        self.unanswered_since, self.updates_from = clock.unanswered_since, clock.updates_from
        self.reopened, self.cycles = clock.reopened, dict(clock.cycles)
        self.deadlines = list(clock.deadlines)
        self.notices: list[Notice] = []

    def step(self) -> Step:
        """Freeze what has become of the clock."""
        after = replace(
            self.clock,
            terms=self.terms,
            status=self.status,
            priority=self.priority,
            tier=self.tier,
            last_at=self.last_at,
            answered_at=self.answered_at,
            unanswered_since=self.unanswered_since,
            updates_from=self.updates_from,
            reopened=self.reopened,
            close_at=self.close_at,
            cycles=tuple(self.cycles.items()),
            deadlines=tuple(self.deadlines),
        )
        return Step(after, tuple(self.notices))

    # --- one deadline -------------------------------------------------------------------------------------------

    def tell(self, kind: str, at: datetime, deadline: Deadline | None = None, **facts: object) -> None:
        """Add a notice."""
        self.notices.append(Notice(kind, at, deadline, **facts))  # type: ignore[arg-type]  # Notice's own fields

    def put(self, old: Deadline, new: Deadline) -> Deadline:
        """Replace a deadline in place. Identity finds it: equal rows of another subject are another deadline."""
        self.deadlines[next(i for i, d in enumerate(self.deadlines) if d is old)] = new
        return new

    def find(self, metric: str, subject: str = "") -> Deadline | None:
        """The live deadline of a metric; there is at most one."""
        return next((d for d in self.deadlines if d.live and d.metric == metric and d.subject == subject), None)

    def live(self) -> list[Deadline]:
        """The live deadlines in metric order, which a stored clock and one that was folded share."""
        return sorted((d for d in self.deadlines if d.live), key=_order)

    def movable(self) -> list[Deadline]:
        """Those that priorities, pauses and plans move: what is missed stays, and acknowledgements are fixed."""
        return [d for d in self.live() if d.fixed is None and d.state != "missed"]

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
            self.put(deadline, replace(deadline, live=False))
            return
        state = "met_late" if deadline.state == "missed" else "met"
        ended = self.put(deadline, replace(deadline, state=state, ended_at=at, stopped_by=by, live=False, pending=()))
        self.tell(f"deadline.{state}", at, ended, by=by)

    def cancel(self, at: datetime, deadline: Deadline | None, reason: str, *, revivable: bool = False) -> None:
        """End a deadline without a result; what was missed ends as ``missed`` (C12, C13)."""
        if deadline is None:
            return
        if deadline.state not in OPEN_STATES:
            ended_at = deadline.ended_at or at
            self.put(deadline, replace(deadline, live=False, ended_at=ended_at))
            return
        ended = replace(
            deadline, state="cancelled", ended_at=at, reason=reason, due_at=None, pending=(), live=revivable
        )
        self.tell("deadline.cancelled", at, self.put(deadline, ended), reason=reason)

    def wanted(self, metric: str) -> bool:
        """Whether the metric's start event has happened and its stop has not (C12)."""
        if metric == "first_response":
            return self.answered_at is None and not self.reopened
        if metric == "next_response":
            return self.unanswered_since is not None
        if metric == "update":
            return self.updates_from is not None
        return metric == "resolution" or (self.tier < self.terms.tiers and self.status not in UNTIERED_STATUSES)

    def start_missing(self, at: datetime, reason: str) -> None:
        """Start, or revive, each metric that is wanted and has no cycle; a missed one stays as it is (C12)."""
        for metric in PLAN_METRICS:
            old = self.find(metric)
            if not self.wanted(metric) or (old and old.state in OPEN_STATES):
                continue
            if old is None:
                self.start(at, metric)
            elif old.state == "cancelled" and self.terms.target(metric, self.priority):
                revived = self.put(old, timed(replace(old, ended_at=None, reason=None), self.terms))
                self.tell("deadline.started", at, revived, reason=reason)
            elif old.state == "missed" and metric == "update":
                self.next_update(at, old)

    def next_update(self, at: datetime, missed: Deadline) -> None:
        """Go on with a chain of updates: the missed cycle ends, as missed, when the next one starts."""
        if self.terms.target("update", self.priority) and self.status not in ENDED_STATUSES:
            self.put(missed, replace(missed, ended_at=missed.due_at, live=False))
            self.start(at, "update", chain=missed.chain + 1)

    def respan(self, at: datetime, reason: str) -> None:
        """Bring every live deadline to the ticket's present priority and pause (C10 to C12)."""
        for deadline in self.movable():
            span = Span(at, self.priority, self.terms.pauses_in(self.status, deadline.metric))
            moved = self.put(deadline, with_span(deadline, span))
            if deadline.state in OPEN_STATES:
                if self.terms.target(deadline.metric, self.priority):
                    self.retime(at, moved, reason)
                else:
                    self.cancel(at, moved, reason, revivable=True)

    def retime(self, at: datetime, deadline: Deadline, reason: str) -> None:
        """Compute a deadline anew after its spans have grown, and tell what that did."""
        after = self.put(deadline, timed(deadline, self.terms))
        if after.state != deadline.state:
            kind = "deadline.paused" if after.state == "paused" else "deadline.resumed"
            self.tell(kind, at, after, before=deadline.due_at, after=after.due_at, reason=reason)
        elif after.due_at != deadline.due_at:
            self.tell("deadline.moved", at, after, before=deadline.due_at, after=after.due_at, reason=reason)

    # --- what is due --------------------------------------------------------------------------------------------

    def settle(self, now: datetime) -> None:
        """Do all that is due, in order: by instant, warnings before misses before the automatic close."""
        while True:
            running = [d for d in self.deadlines if d.state == "running"]
            warning = min((d.pending[0][0] for d in running if d.pending), default=None)
            due = min((d.due_at for d in running if d.due_at), default=None)
            if warning and warning <= now and (due is None or warning <= due):
                self.warn(warning, now)
            elif due and due < now:
                self.last_at = max(self.last_at, due)
                self.miss(due)
            elif self.close_at and self.close_at < now:
                self.last_at = max(self.last_at, self.close_at)
                self.apply(Close(self.close_at, "unanswered"))
            else:
                return

    def warn(self, at: datetime, now: datetime) -> None:
        """Record the warnings of an instant; one that comes together with its miss is not sent (C16)."""
        for deadline in sorted(self.deadlines, key=_order):
            if deadline.state == "running" and deadline.pending and deadline.pending[0][0] == at:
                share = deadline.pending[0][1]
                warned = replace(deadline, pending=deadline.pending[1:], warned=(*deadline.warned, share))
                self.put(deadline, warned)
                if deadline.due_at and now <= deadline.due_at:
                    self.tell("deadline.warning", at, warned, after=share)

    def miss(self, at: datetime) -> None:
        """Record every miss of one instant, then do each kind of effect once, then start new cycles (C15)."""
        due = sorted((d for d in self.deadlines if d.state == "running" and d.due_at == at), key=_order)
        leaving = [d for d in due if d.metric == "tier_escalation" and self.tier < self.terms.tiers]
        missed = [self.record_miss(at, d) for d in due if d not in leaving]
        causes: dict[str, Deadline | None] = {"next_tier": None} if leaving else {}
        for deadline in leaving:
            self.stop(at, deadline, "service")
        for deadline in missed:
            if deadline.chain == 0:
                causes |= {e: deadline for e in self.terms.on_miss.get(deadline.metric, ()) if e not in causes}
        before = self.priority
        for effect in EFFECTS:
            if effect in causes:
                self.effect(at, effect, causes[effect])
        for deadline in missed:
            self.follow(at, deadline, raised=self.priority != before)
        self.start_missing(at, "missed")

    def record_miss(self, at: datetime, deadline: Deadline) -> Deadline:
        """The deadline is past due: missed at its due instant, and open until something ends it (C06)."""
        missed = self.put(deadline, replace(deadline, state="missed", missed_at=at, pending=()))
        self.tell("deadline.missed", at, missed)
        return missed

    def effect(self, at: datetime, effect: str, cause: Deadline | None) -> None:
        """Do one kind of effect; what the clock cannot do itself is told to the shell."""
        if effect == "raise_priority":
            rank = self.terms.rank(self.priority)
            if rank > 0:
                self.set_priority(at, self.terms.priorities[rank - 1], "service", reason="missed")
        elif effect == "next_tier":
            self.set_tier(at, min(self.tier + 1, self.terms.tiers), "service")
        else:
            self.tell("effect", at, cause, reason=effect)
            if effect == "open_escalation" and cause and self.terms.acknowledge:
                self.apply(Ask(at, "escalation_ack", miss_subject(cause), self.terms.acknowledge))

    def follow(self, at: datetime, missed: Deadline, *, raised: bool) -> None:
        """Make way for what comes after a miss: updates are owed, or a faster resolution where the miss raised it."""
        if missed.metric == "first_response":
            self.updates_from = self.updates_from or at
        elif missed.metric == "resolution" and raised and self.faster_resolution():
            self.put(missed, replace(missed, ended_at=at, live=False))

    def faster_resolution(self) -> bool:
        """Whether a miss of the resolution raises the priority, and the present one has a target for it."""
        raises = "raise_priority" in self.terms.on_miss.get("resolution", ())
        return raises and self.terms.target("resolution", self.priority) is not None

    # --- what people and integrations do --------------------------------------------------------------------------

    @singledispatchmethod
    def apply(self, change: Change) -> None:
        """Apply one change, everything due before it being settled."""
        raise TypeError(change)

    @apply.register
    def _message(self, change: Message) -> None:
        if not change.public or self.status == "closed":
            return
        if change.author == "engineer":
            self.engineer_message(change.at)
        elif change.author == "customer":
            self.customer_message(change.at)

    def engineer_message(self, at: datetime) -> None:
        """Answer everything before this instant, and restart the update clock (metrics table)."""
        first = self.answered_at is None
        self.answered_at, self.unanswered_since = self.answered_at or at, None
        self.updates_from = self.updates_from or at
        if first:
            self.stop(at, self.find("first_response"), "engineer")
        self.stop(at, self.find("next_response"), "engineer")
        self.stop(at, self.find("update"), "engineer")
        if self.status == "new":
            self.set_status(at, "open", "engineer")
        self.start(at, "update")

    def customer_message(self, at: datetime) -> None:
        """Wait for an answer from the oldest unanswered message on; wake a waiting or resolved ticket."""
        if self.status == "resolved":
            self.reopen(at, "customer")
            return
        if self.status == "waiting_on_customer":
            self.set_status(at, "open", "customer")
        if self.answered_at and self.unanswered_since is None:
            self.unanswered_since = at
            self.start(at, "next_response")

    @apply.register
    def _status(self, change: Status) -> None:
        if self.status == "closed":
            return
        if change.status == "closed":
            self.close(change.at, "closed", change.by)
        elif self.status == "resolved" and change.status == "open":
            self.reopen(change.at, change.by)
        elif change.status != self.status:
            self.set_status(change.at, change.status, change.by)

    def set_status(self, at: datetime, status: str, by: str) -> None:
        """Change the status: ends, pauses, resumes, and the tier clock of a mitigated ticket (C10, C13)."""
        before, self.status = self.status, status
        self.tell("status", at, before=before, after=status, by=by)
        if status == "resolved":
            self.resolve(at, by)
            return
        if status == "mitigated":
            self.cancel(at, self.find("tier_escalation"), "mitigated")
        self.respan(at, status)
        if before == "mitigated" and self.wanted("tier_escalation"):
            self.start(at, "tier_escalation")

    def resolve(self, at: datetime, by: str) -> None:
        """Stop the resolution, cancel what else runs (C13); the ticket will close by itself."""
        self.stop(at, self.find("resolution"), by)
        self.end_all(at, "resolved")
        self.unanswered_since = None
        self.close_at = at + self.terms.close_after

    def end_all(self, at: datetime, reason: str) -> None:
        """Cancel whatever is live; a first response that never came is told apart (C13)."""
        for deadline in self.live():
            unanswered = deadline.metric == "first_response" and reason == "resolved"
            self.cancel(at, deadline, "resolved_by_sender" if unanswered else reason)

    @apply.register
    def _reopen(self, change: Reopen) -> None:
        self.reopen(change.at, "engineer")

    def reopen(self, at: datetime, by: str) -> None:
        """Start the clocks of a resolved ticket again; the first response never restarts (C13)."""
        if self.status != "resolved":
            return
        self.status, self.close_at, self.reopened = "open", None, True
        self.unanswered_since, self.updates_from = at, at
        self.tell("status", at, before="resolved", after="open", by=by, reason="reopened")
        self.start_missing(at, "reopened")

    @apply.register
    def _close(self, change: Close) -> None:
        self.close(change.at, change.reason, "service" if change.reason == "unanswered" else "engineer")

    def close(self, at: datetime, reason: str, by: str) -> None:
        """Close from any status: nothing runs any more (C13)."""
        before, self.status, self.close_at, self.unanswered_since = self.status, "closed", None, None
        if before != "closed":
            self.end_all(at, reason)
            self.tell("status", at, before=before, after="closed", by=by, reason=reason)

    @apply.register
    def _priority(self, change: Priority) -> None:
        self.set_priority(change.at, change.priority, change.by, reason="priority")
        self.start_missing(change.at, "priority")

    def set_priority(self, at: datetime, priority: str, by: str, *, reason: str) -> None:
        """Move every countdown to another priority (C11, C12)."""
        before, self.priority = self.priority, priority
        if before == priority:
            return
        self.tell("priority", at, before=before, after=priority, by=by, reason=reason)
        lowered = self.terms.rank(priority) > self.terms.rank(before)
        self.respan(at, "priority_lowered" if lowered else "priority_raised")

    @apply.register
    def _tier(self, change: Tier) -> None:
        self.set_tier(change.at, change.tier, change.by)
        self.start_missing(change.at, "tier")

    def set_tier(self, at: datetime, tier: int, by: str) -> None:
        """Move to another tier: up ends its clock well, down without a result; the new tier's starts after it (C13)."""
        before, self.tier = self.tier, tier
        if before == tier:
            return
        old = self.find("tier_escalation")
        if tier > before:
            self.stop(at, old, by)
        else:
            self.cancel(at, old, "tier")
        self.tell("tier", at, before=before, after=tier, by=by)

    @apply.register
    def _apply(self, change: Apply) -> None:
        """Recompute every live deadline from its start under other terms, never before this instant (C14)."""
        at, names = change.at, {**{p: p for p in change.terms.priorities}, **change.mapping}
        self.terms, self.priority = change.terms, names[self.priority]
        for deadline in self.movable():
            spans = tuple(replace(span, priority=names[span.priority]) for span in deadline.spans)
            self.put(deadline, replace(deadline, spans=spans))
        if self.tier >= self.terms.tiers:
            self.cancel(at, self.find("tier_escalation"), "plan")
        self.respan(at, "plan")
        self.start_missing(at, "plan")

    @apply.register
    def _ask(self, change: Ask) -> None:
        if self.status in ENDED_STATUSES or self.find(change.metric, change.subject):
            return
        asked = Deadline(
            change.metric,
            1,
            self.priority,
            change.at,
            (Span(change.at, self.priority),),
            subject=change.subject,
            fixed=change.within,
        )
        self.deadlines.append(deadline := timed(asked, self.terms))
        self.tell("deadline.started", change.at, deadline)

    @apply.register
    def _answer(self, change: Answer) -> None:
        asked = self.find(change.metric, change.subject)
        if change.cancel:
            self.cancel(change.at, asked, change.cancel)
        else:
            self.stop(change.at, asked, change.by)


def _order(deadline: Deadline) -> tuple[int, str, int]:
    return (METRIC_ORDER[deadline.metric], deadline.subject, deadline.cycle)


def miss_subject(missed: Deadline) -> str:
    """What the escalation that the service makes of a miss is filed under."""
    return f"{missed.metric}:{missed.cycle}" if not missed.subject else f"{missed.metric}:{missed.subject}"


def fold(clock: Clock, changes: Iterable[Change]) -> Step:
    """Replay changes in order (C18)."""
    notices: list[Notice] = []
    for change in changes:
        step = advance(clock, change)
        clock = step.clock
        notices += step.notices
    return Step(clock, tuple(notices))
