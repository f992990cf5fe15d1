"""An explanation as the API shows it: its data, and beside it the text. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

from app.calendars.hours import format_duration
from app.plans.document.naming import Names
from app.sla.clock.terms import Target
from app.sla.explain.segments import Explanation, Move, Segment, Tally
from app.sla.explain.texts import Reader, told

_iso: Final = lru_cache(maxsize=4096)(format_duration)


def explanation(
    explained: Explanation, moves: Sequence[Move], plan: Mapping[str, Any], names: Names, reader: Reader
) -> dict[str, Any]:
    """The JSON object: durations ISO 8601, instants UTC; ``plan`` is ``{key, version}``, with these names."""
    return {
        "plan": plan,
        "time_zone": reader.zone.key,
        "countdown": _countdown(explained.deciding),
        "other_countdowns": [_countdown(each) for each in explained.others],
        "segments": _segments(explained.segments),
        "ahead": _segments(explained.ahead),
        "moves": [_move(move) for move in moves],
        "language": reader.language,
        "text": told(explained, moves, names, plan["version"], reader),
    }


def iso(length: timedelta | None) -> str | None:
    """An ISO 8601 duration, or null."""
    return None if length is None else _iso(length)


def _countdown(tally: Tally) -> dict[str, Any]:
    calendar = tally.target.calendar
    return {
        "priority": tally.priority,
        "target": _written(tally.target),
        "working_time": _iso(tally.amount),
        "calendar": {"name": calendar.name, "time_zone": calendar.time_zone},
        "consumed": _iso(tally.consumed),
        "remaining": _iso(tally.remaining),
        "due_at": tally.due_at,
    }


def _written(target: Target) -> str | dict[str, int]:
    """As a plan document writes it, less the calendar, which is told beside it."""
    return _iso(target.duration) if target.duration else {"business_days": target.business_days or 1}


def _segments(segments: Iterable[Segment]) -> list[dict[str, Any]]:
    return [
        {
            "kind": segment.kind,
            "from": segment.start,
            "to": segment.end,
            "working_time": _iso(segment.working),
            "priority": segment.priority,
        }
        for segment in segments
    ]


def _move(move: Move) -> dict[str, Any]:
    return {
        "kind": move.kind,
        "at": move.at,
        "from": move.before,
        "to": move.after,
        "reason": move.reason,
        "actor": move.actor,
    }
