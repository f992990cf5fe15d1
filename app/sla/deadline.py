"""One cycle of one metric, and the arithmetic of its countdowns (C10, C11) and warnings (C16). Pure.

A deadline keeps its *spans*: from which instant on it was at which priority, running or paused. Everything else
about time follows from them, so a plan can be applied (C14) and a deadline explained without further records.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from app.calendars.hours import ALWAYS, Calendar
from app.sla.terms import Target, Terms

OPEN_STATES: Final = frozenset({"running", "paused"})
_NOTHING: Final = timedelta(0)
_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """From ``at`` on, until the next span: this priority, running or paused."""

    at: datetime
    priority: str
    paused: bool = False


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
    """warnings to come: instant and share, ascending"""
    live: bool = True
    """not ended, or cancelled in a way that may revive (C12)"""
    id: str = field(default="", compare=False)
    noticed_at: datetime | None = field(default=None, compare=False)
    """when the miss was noticed: outside every comparison (C18)"""

    @property
    def is_open(self) -> bool:
        """Running, paused, or missed and not yet ended."""
        return self.ended_at is None

    @property
    def movable(self) -> bool:
        """Whether priorities, pauses and plans move it: what is missed stays, and acknowledgements are fixed."""
        return self.live and self.fixed is None and self.state != "missed"


@dataclass(frozen=True, slots=True)
class _End:
    at: datetime
    calendar: Calendar


def _ranks_below(terms: Terms, metric: str, priority: str) -> list[tuple[int, Target]]:
    """The targets whose countdowns decide at ``priority``: its own and those of the less urgent priorities."""
    lowest = terms.rank(priority)
    return [
        (rank, target)
        for rank, name in enumerate(terms.priorities)
        if rank >= lowest and (target := terms.target(metric, name))
    ]


def _left(spans: tuple[Span, ...], terms: Terms, rank: int, target: Target) -> timedelta:
    """Working time that the countdown of ``rank`` has left at the start of the last span (C11), never below zero."""
    runs = [terms.rank(span.priority) <= rank for span in spans]
    left = target.amount(spans[runs.index(True)].at)
    for (span, following), running in zip(pairwise(spans), runs, strict=False):
        if running and not span.paused:
            left -= target.calendar.working(span.at, following.at)
    return max(left, _NOTHING)


def _end(deadline: Deadline, terms: Terms) -> _End:
    """The earliest end among the countdowns that decide, were the last span to go on running."""
    last = deadline.spans[-1]
    if deadline.fixed is not None:
        return _End(last.at + deadline.fixed, ALWAYS)
    ends = [
        _End(target.calendar.due(last.at, _left(deadline.spans, terms, rank, target)), target.calendar)
        for rank, target in _ranks_below(terms, deadline.metric, last.priority)
    ]
    return min(ends, key=lambda end: end.at)


def remaining(deadline: Deadline, terms: Terms, now: datetime) -> timedelta | None:
    """Working time left at ``now`` of the countdown that decides; None once ended; zero once missed."""
    if not deadline.is_open:
        return None
    if deadline.state == "missed":
        return _NOTHING
    end = _end(deadline, terms)
    start = deadline.spans[-1].at if deadline.state == "paused" else max(now, deadline.spans[-1].at)
    return end.calendar.working(start, end.at) if start < end.at else _NOTHING


def _warnings(deadline: Deadline, terms: Terms, end: _End) -> tuple[tuple[datetime, int], ...]:
    """The warnings still to come, at shares of the unpaused working time from the start to the due instant (C16)."""
    last = deadline.spans[-1]
    before = sum(
        (
            end.calendar.working(span.at, following.at)
            for span, following in pairwise(deadline.spans)
            if not span.paused
        ),
        _NOTHING,
    )
    whole = before + end.calendar.working(last.at, end.at)
    goals = [(-(-(whole * share) // (100 * _TICK)) * _TICK, share) for share in terms.warn_at]
    return tuple(
        (end.calendar.due(last.at, goal - before), share)
        for goal, share in goals
        if goal > before and share not in deadline.warned
    )


def timed(deadline: Deadline, terms: Terms) -> Deadline:
    """The deadline with its state, due instant and warnings as its spans say: after a start, a move or a pause."""
    last = deadline.spans[-1]
    if last.paused:
        return replace(deadline, state="paused", priority=last.priority, due_at=None, pending=())
    end = _end(deadline, terms)
    return replace(
        deadline, state="running", priority=last.priority, due_at=end.at, pending=_warnings(deadline, terms, end)
    )


def with_span(deadline: Deadline, span: Span) -> Deadline:
    """The deadline with a further span; one of no length is replaced, so that nothing is gained at one instant."""
    spans = deadline.spans
    if spans[-1].at == span.at:
        spans = spans[:-1]
    return replace(deadline, spans=(*spans, span))
