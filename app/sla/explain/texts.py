"""An explanation as sentences for a person, in their language. Pure."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from app.core.text.language import Language
from app.core.text.messages import Message
from app.core.text.phrases import business_days, exact_length, length, moment
from app.plans.document.names import METRICS
from app.plans.document.naming import Names
from app.sla.explain.segments import Explanation, Kind, Move
from app.sla.explain.words import REASONS, SENTENCES

MAX_MOVES: Final = 3
"""Moves that the sentences tell, the newest; the data beside them has all."""

_UNCOUNTED: Final[tuple[Kind, ...]] = ("paused", "outside_hours", "not_counting")


class Reader(NamedTuple):
    """Whoever reads it."""

    zone: ZoneInfo
    language: Language


def told(explained: Explanation, moves: Sequence[Move], names: Names, version: int | None, reader: Reader) -> str:
    """The explanation in sentences; ``names`` are those of the plan, a ``version`` of None: it is not stored."""
    return " ".join(_Teller(explained, names, reader).sentences(moves, version))


class _Teller:
    """One explanation in one language."""

    def __init__(self, explained: Explanation, names: Names, reader: Reader) -> None:
        self._explained, self._deadline, self._names = explained, explained.deadline, names
        self._zone, self._language = reader
        self._when: Callable[[datetime], str] = partial(moment, zone=self._zone, language=self._language)

    def sentences(self, moves: Sequence[Move], version: int | None) -> Iterator[str]:
        """What is promised; since when, and what moved it; what has been used; how it stands or ended."""
        yield self._promise()
        if self._explained.deciding.priority != self._deadline.priority:
            current, deciding = self._deadline.priority, self._explained.deciding.priority
            yield self._say("sooner", current=self._names.priority(current), priority=self._names.priority(deciding))
        yield self._say("plan" if version else "draft", plan=self._names.plan, version=version)
        yield self._say("started", at=self._when(self._deadline.started_at))
        yield from self._moves(moves)
        yield from self._times()
        yield self._end()
        yield self._say("zone", zone=self._zone.key)

    def _say(self, name: str, **facts: object) -> str:
        return SENTENCES[name].to(self._language, **facts)

    def _promise(self) -> str:
        deciding = self._explained.deciding
        calendar, days = deciding.target.calendar, deciding.target.business_days
        amount = exact_length(deciding.amount, self._language)
        form = "always" if self._deadline.fixed else "always_at" if calendar.always_open else "hours_at"
        return self._say(
            "days_at" if days else form,
            metric=METRICS[self._deadline.metric],
            priority=self._names.priority(deciding.priority),
            target=business_days(days, self._language) if days else amount,
            amount=amount,
            zone=calendar.time_zone,
        )

    def _moves(self, moves: Sequence[Move]) -> Iterator[str]:
        moved = [(move, move.before, move.after) for move in moves if move.before and move.after]
        for move, before, after in moved[-MAX_MOVES:]:
            at, reason = self._when(move.at), self._reason(move.reason)
            yield self._say("moved", at=at, before=self._when(before), after=self._when(after), reason=reason)

    def _reason(self, reason: str | None) -> Message:
        """The reason as this metric means it, else as any does; a reason that only programs need is left open."""
        return REASONS.get(f"{self._deadline.metric}:{reason}") or REASONS.get(reason or "") or REASONS[""]

    def _times(self) -> Iterator[str]:
        deciding = self._explained.deciding
        if self._deadline.missed_at is None:
            yield self._say("used", consumed=length(deciding.consumed, self._language))
        if self._deadline.is_open and self._deadline.missed_at is None:
            yield self._say("left", remaining=length(deciding.remaining, self._language))
        for kind in _UNCOUNTED:
            if total := self._explained.total(kind):
                yield self._say(kind, length=length(total, self._language))

    def _end(self) -> str:
        deadline = self._deadline
        due = self._when(deadline.due_at) if deadline.due_at else None
        ended = self._when(deadline.ended_at) if deadline.ended_at else None
        until = deadline.ended_at or self._explained.now
        late = length(until - deadline.missed_at, self._language) if deadline.missed_at else None
        return self._say(self._ending(), due=due, ended=ended, late=late, reason=self._reason(deadline.reason))

    def _ending(self) -> str:
        state, due = self._deadline.state, self._deadline.due_at
        if state == "running":
            return "due"
        if state == "paused":
            return "waiting"
        if state == "met" and due is None:
            return "met_paused"
        return "missed_ended" if state == "missed" and self._deadline.ended_at else state
