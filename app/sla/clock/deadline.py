"""One cycle of one metric, and the arithmetic of its countdowns (C10, C11) and warnings (C16). Pure.

A deadline keeps its *spans*: from which instant on it was at which priority, running or paused. Everything else
about time follows from them, so a plan can be applied (C14) and a deadline explained without further records.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from app.calendars.hours import ALWAYS, Calendar
from app.sla.clock.frozen import changing
from app.sla.clock.terms import Target, Terms

OPEN_STATES: Final = frozenset({"running", "paused"})
REMINDER: Final = 0
"""In the place of a warning's share: who owes the answer is reminded of it."""
_NOTHING: Final = timedelta(0)
_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """From ``at`` on, until the next span: this priority, running or paused."""

    at: datetime
    priority: str
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """What the spans before the last come to, found when it is asked for and carried on as spans are added.

    So a change costs the same however many there were before it.
    """

    spans: tuple[Span, ...]
    terms: Terms
    sums: dict[tuple[Calendar, int], timedelta] = field(default_factory=dict)
    starts: dict[int, datetime] = field(default_factory=dict)
    amounts: dict[tuple[Target, datetime], timedelta] = field(default_factory=dict)

    def worked(self, calendar: Calendar, rank: int) -> timedelta:
        """Working time before the last span in which the ticket was as urgent as ``rank`` or more, and not paused."""
        known = self.sums.get((calendar, rank))
        if known is None:
            pairs = pairwise(self.spans)
            stretches = (calendar.working(span.at, end.at) for span, end in pairs if self._counts(span, rank))
            known = self.sums[calendar, rank] = sum(stretches, _NOTHING)
        return known

    def start(self, rank: int) -> datetime:
        """When the ticket was first as urgent as ``rank``, which it is in the last span."""
        known = self.starts.get(rank)
        if known is None:
            known = next(span.at for span in self.spans if self.terms.rank(span.priority) <= rank)
            self.starts[rank] = known
        return known

    def amount(self, target: Target, rank: int) -> timedelta:
        """The working time that a target is, from where the ticket was first as urgent as ``rank``."""
        if target.duration is not None:
            return target.duration
        start = self.start(rank)
        known = self.amounts.get((target, start))
        if known is None:
            known = self.amounts[target, start] = target.amount(start)
        return known

    def grown(self, spans: tuple[Span, ...]) -> "Past":
        """The same for ``spans``, which has one span more, or another one in the place of a last one of no length."""
        last, at = self.spans[-1], spans[-1].at
        if last.at == at:
            starts = {rank: start for rank, start in self.starts.items() if start < at}
            return Past(spans, self.terms, self.sums, starts, self.amounts)
        sums = {
            (calendar, rank): worked + (calendar.working(last.at, at) if self._counts(last, rank) else _NOTHING)
            for (calendar, rank), worked in self.sums.items()
        }
        return Past(spans, self.terms, sums, self.starts.copy(), self.amounts)

    def _counts(self, span: Span, rank: int) -> bool:
        return not span.paused and self.terms.rank(span.priority) <= rank


@dataclass(frozen=True, slots=True)
class Deadline:
    """One cycle of one metric of one ticket."""

    metric: str
    cycle: int
    priority: str
    started_at: datetime
    spans: tuple[Span, ...]
    subject: str = ""
    """the escalation, alert or call that an acknowledgement is about"""
    fixed: timedelta | None = None
    """of an acknowledgement: its length, 24x7, which no pause or priority changes"""
    state: str = "running"
    due_at: datetime | None = None
    missed_at: datetime | None = None
    ended_at: datetime | None = None
    stopped_by: str | None = None
    reason: str | None = None
    chain: int = 0
    """of an ``update``: how many cycles directly before it were missed (C15)"""
    warned: tuple[int, ...] = ()
    pending: tuple[tuple[datetime, int], ...] = ()
    """warnings to come: instant and share (or ``REMINDER``), ascending"""
    live: bool = True
    """not ended, or cancelled in a way that may revive (C12)"""
    id: str = field(default="", compare=False)
    noticed_at: datetime | None = field(default=None, compare=False)
    """when the miss was noticed: outside every comparison (C18)"""
    past: Past | None = field(default=None, compare=False, repr=False)
    """of these spans under the terms that timed it last; never stored"""

    @property
    def is_open(self) -> bool:
        """Running, paused, or missed and not yet ended."""
        return self.ended_at is None

    @property
    def movable(self) -> bool:
        """Whether priorities, pauses and plans move it: what is missed stays, and acknowledgements are fixed."""
        return self.live and self.fixed is None and self.state != "missed"


changed: Final = changing(Deadline)
"""The deadline with these members."""


@dataclass(frozen=True, slots=True)
class Countdown:
    """The countdown of one priority as it stands at the start of the last span (C11)."""

    priority: str
    target: Target
    amount: timedelta
    """the working time that the target is, from where this countdown started"""
    worked: timedelta
    """how much of it the spans before the last have used; an applied plan can make it more than the whole (C14)"""

    @property
    def left(self) -> timedelta:
        """Working time that is left, never below zero."""
        return max(self.amount - self.worked, _NOTHING)

    def due(self, start: datetime) -> datetime:
        """When it ends if it runs from ``start`` on."""
        return self.target.calendar.due(start, self.left)


def countdowns(deadline: Deadline, terms: Terms) -> list[Countdown]:
    """The countdowns that decide at the last span's priority: its own and those of the less urgent ones (C11)."""
    return _countdowns(deadline, deadline.spans[-1], _past(deadline, terms))


def _countdowns(deadline: Deadline, last: Span, past: Past) -> list[Countdown]:
    terms = past.terms
    if deadline.fixed is not None:
        return [Countdown(last.priority, Target(ALWAYS, deadline.fixed), deadline.fixed, _NOTHING)]
    targets, own = terms.targets[deadline.metric], terms.rank(last.priority)
    return [
        Countdown(name, target, past.amount(target, rank), past.worked(target.calendar, rank))
        for rank, name in enumerate(terms.priorities[own:], own)
        if (target := targets.get(name))
    ]


def _past(deadline: Deadline, terms: Terms) -> Past:
    known = deadline.past
    return known if known and known.spans is deadline.spans and known.terms is terms else Past(deadline.spans, terms)


def _warnings(
    warned: tuple[int, ...], start: datetime, past: Past, calendar: Calendar, due: datetime
) -> tuple[tuple[datetime, int], ...]:
    """The warnings still to come, at shares of the unpaused working time from the start to the due instant (C16)."""
    shares = past.terms.warn_at
    if not shares:
        return ()
    before = past.worked(calendar, len(past.terms.priorities))
    whole = before + calendar.working(start, due)
    goals = [(-(-(whole * share) // (100 * _TICK)) * _TICK, share) for share in shares]
    return tuple(
        (calendar.due(start, goal - before), share) for goal, share in goals if goal > before and share not in warned
    )


def timed(deadline: Deadline, terms: Terms) -> Deadline:
    """The deadline with its state, due instant and warnings as its spans say: after a start, a move or a pause."""
    return _timed(deadline, deadline.spans, _past(deadline, terms))


def with_span(deadline: Deadline, span: Span, terms: Terms) -> Deadline:
    """The deadline with a further span; one of no length is replaced, so that nothing is gained at one instant."""
    spans = _grown(deadline, span)
    return changed(deadline, spans=spans, past=_past(deadline, terms).grown(spans))


def timed_with_span(deadline: Deadline, span: Span, terms: Terms) -> Deadline:
    """Both at once."""
    spans = _grown(deadline, span)
    return _timed(deadline, spans, _past(deadline, terms).grown(spans))


def _grown(deadline: Deadline, span: Span) -> tuple[Span, ...]:
    spans = deadline.spans
    return (*(spans[:-1] if spans[-1].at == span.at else spans), span)


def _timed(deadline: Deadline, spans: tuple[Span, ...], past: Past) -> Deadline:
    last = spans[-1]
    if last.paused:
        return changed(
            deadline, spans=spans, past=past, state="paused", priority=last.priority, due_at=None, pending=()
        )
    ends = [(each.due(last.at), each.target.calendar) for each in _countdowns(deadline, last, past)]
    due, calendar = min(ends, key=_first)
    return changed(
        deadline,
        spans=spans,
        past=past,
        state="running",
        priority=last.priority,
        due_at=due,
        pending=_warnings(deadline.warned, last.at, past, calendar, due),
    )


def _first(end: tuple[datetime, Calendar]) -> datetime:
    return end[0]
