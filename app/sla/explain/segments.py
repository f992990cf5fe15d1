"""Why a deadline is due when it is: its countdowns, and its time in segments that add up (C19). Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import Final, Literal, TypeAlias

from app.calendars.hours import Calendar
from app.sla.clock.deadline import Countdown, Deadline, Span, countdowns
from app.sla.clock.terms import Target, Terms

MAX_WINDOWS: Final = 500
"""Open windows that are told one by one; where there are more, a span is one running segment with its working time."""

Kind: TypeAlias = Literal["running", "paused", "outside_hours", "not_counting"]
_NOTHING: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a countdown's time; ``priority`` is the ticket's. Only running ones have working time.

    ``not_counting`` is the time of a less urgent priority, in which this countdown does not run (C11).
    """

    kind: Kind
    start: datetime
    end: datetime
    working: timedelta
    priority: str


@dataclass(frozen=True, slots=True)
class Tally:
    """A countdown and what has become of it: ``consumed`` and ``remaining`` are working time on its calendar."""

    priority: str
    target: Target
    amount: timedelta
    consumed: timedelta
    remaining: timedelta
    due_at: datetime | None
    """when it ends by itself; None while it is paused"""


@dataclass(frozen=True, slots=True)
class Move:
    """What set a deadline's due instant, or moved it: ``kind`` is started, moved, paused or resumed."""

    kind: str
    at: datetime
    before: datetime | None
    after: datetime | None
    reason: str | None
    actor: Mapping[str, str]
    """who caused it, as events tell it"""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A deadline as it stands at ``now``, or as it stood when it ended or was missed."""

    deadline: Deadline
    now: datetime
    deciding: Tally
    others: tuple[Tally, ...]
    """the other countdowns that could have decided: of the current and the less urgent priorities (C11)"""
    segments: tuple[Segment, ...]
    """of the countdown that decides, from the cycle's start to its end, its due instant or now"""
    ahead: tuple[Segment, ...]
    """of a running one: from now to its due instant"""

    def total(self, kind: Kind) -> timedelta:
        """The elapsed time of all segments of a kind."""
        return sum((each.end - each.start for each in self.segments if each.kind == kind), _NOTHING)


def explain(deadline: Deadline, terms: Terms, now: datetime, *, room: int = MAX_WINDOWS) -> Explanation:
    """Explain a deadline of a clock that is caught up to ``now``, with at most ``room`` open windows.

    ``terms`` are those in force: now, or when it ended or was missed (C14: history is never rewritten).
    """
    spans = _spans(deadline, terms)
    last = spans[-1]
    stop = min(at for at in (deadline.ended_at, deadline.due_at, now) if at)
    start = stop if last.paused else last.at
    found = [(each.due(start), each) for each in countdowns(_with(deadline, spans), terms)]
    due, deciding = min(found, key=lambda each: each[0])
    windows = _Windows(deciding.target.calendar, room)
    runs = _runs(deciding, deadline, terms)
    ahead = windows.between(stop, due, last.priority) if deadline.state == "running" else ()
    tallies = [_tally(each, last, stop, None if last.paused else due) for due, each in found]
    return Explanation(
        deadline,
        now,
        tallies.pop(next(place for place, (_, each) in enumerate(found) if each is deciding)),
        tuple(tallies),
        tuple(_segments(spans, runs, windows, stop)),
        tuple(ahead),
    )


def _with(deadline: Deadline, spans: tuple[Span, ...]) -> Deadline:
    return deadline if spans is deadline.spans else replace(deadline, spans=spans)


def _spans(deadline: Deadline, terms: Terms) -> tuple[Span, ...]:
    """The spans up to the end, in priorities that the terms know.

    A cancelled cycle goes on getting spans, in case it revives (C12), and other names for them, should a plan be
    applied that renames priorities: those count as the deadline's own.
    """
    spans, end = deadline.spans, deadline.ended_at
    if deadline.state == "cancelled" and end:
        spans = tuple(span for span in spans if span.at < end)
        last = Span(end, deadline.priority, deadline.due_at is None)
        if not spans or replace(last, at=spans[-1].at) != spans[-1]:
            spans = (*spans, last)
    if all(span.priority in terms.priorities for span in spans):
        return spans
    return tuple(
        span if span.priority in terms.priorities else replace(span, priority=deadline.priority) for span in spans
    )


def _runs(deciding: Countdown, deadline: Deadline, terms: Terms) -> Callable[[Span], bool]:
    """Whether the countdown runs in a span that is not paused."""
    if deadline.fixed is not None:
        return lambda _: True
    rank = terms.rank(deciding.priority)
    return lambda span: terms.rank(span.priority) <= rank


def _tally(countdown: Countdown, last: Span, stop: datetime, due: datetime | None) -> Tally:
    used = _NOTHING if last.paused else countdown.target.calendar.working(last.at, stop)
    consumed = countdown.worked + used
    return Tally(
        countdown.priority,
        countdown.target,
        countdown.amount,
        consumed,
        max(countdown.amount - consumed, _NOTHING),
        due,
    )


def _segments(
    spans: Sequence[Span], runs: Callable[[Span], bool], windows: "_Windows", stop: datetime
) -> Iterator[Segment]:
    for span, following in pairwise((*spans, Span(stop, ""))):
        if span.at == following.at:
            continue
        if not runs(span):
            yield Segment("not_counting", span.at, following.at, _NOTHING, span.priority)
        elif span.paused:
            yield Segment("paused", span.at, following.at, _NOTHING, span.priority)
        else:
            yield from windows.between(span.at, following.at, span.priority)


class _Windows:
    """Cuts time into open windows and the time between them, as long as they are few enough to be read."""

    def __init__(self, calendar: Calendar, room: int) -> None:
        self._calendar = calendar
        self._room = room

    def between(self, start: datetime, end: datetime, priority: str) -> Iterator[Segment]:
        """The segments of ``[start, end)``, without gap or overlap."""
        if start == end:
            return
        if self._calendar.always_open:
            yield Segment("running", start, end, end - start, priority)
            return
        windows = list(islice(self._calendar.open_windows(start, end), self._room + 1))
        if len(windows) > self._room:
            yield Segment("running", start, end, self._calendar.working(start, end), priority)
            return
        self._room -= len(windows)
        reached = start
        for opens, closes in windows:
            if opens > reached:
                yield Segment("outside_hours", reached, opens, _NOTHING, priority)
            yield Segment("running", opens, closes, closes - opens, priority)
            reached = closes
        if reached < end:
            yield Segment("outside_hours", reached, end, _NOTHING, priority)
