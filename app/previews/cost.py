"""How long a preview takes to compute, told from what it asks for before anything is computed. Pure."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from app.plans.document.model import ALWAYS, PlanDocument, Target
from app.plans.document.words import TargetMetric
from app.previews.schemas import PreviewRequest

LIGHT: Final = 6.0
"""Milliseconds that a preview may hold the event loop."""
LONGEST_TEXT: Final = 32 * 1024
"""Bytes of a plan document that is read beside requests: twice those of the longest that is shipped."""

_A_CHANGE, _A_CYCLE, _A_WINDOW, _A_ROW = 0.06, 0.14, 0.005, 0.0015
"""Milliseconds for each; a window is an open one that is told, a row a day or window of a calendar's table."""
_YEARS: Final = 3
"""Of a table: that of the opening, the next, and one more for what is due late."""
_WEEK: Final = timedelta(days=7)
_HALF_A_DAY: Final = timedelta(hours=12)
_SHORTEST: Final = timedelta(seconds=1)
_NO_TIME: Final = timedelta(0)


def milliseconds(command: PreviewRequest, document: PlanDocument, *, compiled: bool) -> float:
    """An upper estimate of the time that it takes; ``compiled``: whether the plan's terms are at hand.

    Cycles of ``update`` follow each other for as long as nobody writes, and those of ``tier_escalation`` where the
    manager is told at the top tier; of the other metrics together there are about as many as changes, priorities and
    tiers.
    """
    last = command.changes[-1].at if command.changes else command.opened_at
    span = max((command.until or last) - command.opened_at, _NO_TIME)
    changes = len(command.changes)
    cycles = len(document.targets) + document.effective_tiers(command.addons) + _chained(document, span)
    told = max((_windows(document, target, span) for target in _targets(document)), default=0.0) * _A_WINDOW
    once = 0.0 if compiled else _rows(document) * _A_ROW
    return once + changes * (_A_CHANGE + told) + cycles * (_A_CYCLE + told)


def _targets(document: PlanDocument) -> Iterator[Target]:
    return (target for row in document.targets.values() for target in row.values())


def _chained(document: PlanDocument, span: timedelta) -> float:
    """How many cycles follow each other in this time without anybody's doing."""
    managed = document.top_tier == "manager"
    return _falling_due(document, "update", span) + managed * _falling_due(document, "tier_escalation", span)


def _falling_due(document: PlanDocument, metric: TargetMetric, span: timedelta) -> float:
    """How many may fall due in this time: working time takes no less, business days at least half a day."""
    every = [target.duration or _HALF_A_DAY for row in document.targets.values() if (target := row.get(metric))]
    return span / max(min(every), _SHORTEST) if every else 0.0


def _windows(document: PlanDocument, target: Target, span: timedelta) -> float:
    """The open windows of a deadline that starts in this time, up to its due instant."""
    name = document.calendar_name(target)
    if name == ALWAYS:
        return 1.0
    dates = [windows for windows in document.calendars[name].spec().weekly.values() if windows]
    minutes = sum(closes - opens for windows in dates for opens, closes in windows)
    weeks = (
        target.duration / timedelta(minutes=minutes) if target.duration else (target.business_days or 1) / len(dates)
    )
    return sum(map(len, dates)) * (span / _WEEK + weeks + 1)


def _rows(document: PlanDocument) -> int:
    """Of the tables of all calendars that a target has."""
    used = {document.calendar_name(target) for target in _targets(document)} - {ALWAYS}
    return _YEARS * sum(366 + 53 * sum(map(len, document.calendars[name].weekly.values())) for name in used)
