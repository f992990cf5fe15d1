"""What became of a ticket's promises, cycle by cycle, by its events. Pure.

A promise is kept from the start of its cycle until it is *settled*: met, met late, cancelled, or owed no more. A missed
cycle that a further one has replaced stays missed, and is settled when what was promised comes at last.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

Row: TypeAlias = Mapping[str, Any]
INCIDENT: Final = 0
"""The ``cycle`` of what stands for all updates of an incident."""
UPDATE: Final = "update"
_MICROSECOND: Final = timedelta(microseconds=1)
_FIXED: Final = frozenset({"escalation_ack", "alert_ack", "call_join"})
"""What keeps the priority at which it began."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Under what a ticket stood at an instant."""

    priority: str
    plan_key: str
    plan_version: int
    tier: int = 1
    engineer_id: str | None = None

    def document(self) -> dict[str, Any]:
        """The columns that facts share."""
        return {
            "plan_key": self.plan_key,
            "plan_version": self.plan_version,
            "tier": self.tier,
            "engineer_id": self.engineer_id,
        }


@dataclass(slots=True)
class Promise:
    """One cycle under way."""

    id: str
    metric: str
    subject: str | None
    cycle: int
    priority: str
    started_at: datetime
    outcome: str = "open"
    reason: str | None = None
    missed: bool = False
    due_at: datetime | None = None
    settled_at: datetime | None = None
    kept: bool = False
    """what was promised came, if late"""
    noticed_us: int | None = None
    setting: Setting | None = None
    """under what it was decided; None: it is not"""

    @property
    def is_owed(self) -> bool:
        """It was missed, and what was promised has not come."""
        return self.missed and self.settled_at is None


class Promises:
    """All cycles of one ticket, as far as its events have been read."""

    def __init__(self) -> None:
        self._all: dict[str, Promise] = {}
        self._undecided: dict[str, Promise] = {}
        """those that are open or owed, so that an event of a long history costs no more than one of a short one"""

    def __iter__(self) -> Iterator[Promise]:
        return iter(self._all.values())

    def take(self, event: Row, setting: Setting) -> None:
        """Take in what an event says of a deadline."""
        kind = event["type"].removeprefix("deadline.")
        data, at = event["data"], event["timestamp"]
        if kind == "started":
            self._start(data)
            return
        promise = self._all[data["deadline_id"]]
        promise.priority = data["priority"]
        promise.due_at = _instant(data["due_at"]) or promise.due_at
        if kind == "missed":
            promise.missed, promise.setting = True, setting
            promise.outcome = "excluded" if data.get("unconfirmed") else "missed"
            lag = data["lag_ms"]
            promise.noticed_us = None if lag is None else (_read(data["noticed_at"]) - at) // _MICROSECOND
        elif kind == "cancelled":
            promise.outcome, promise.reason = "cancelled", data["reason"]
            promise.settled_at, promise.setting = at, setting
            self._undecided.pop(promise.id, None)
        else:
            self._keep(promise, at, setting)

    def _start(self, data: Row) -> None:
        """Start a cycle, or let a cancelled one go on."""
        began = Promise(
            data["deadline_id"],
            data["metric"],
            data.get("subject"),
            data["cycle"],
            data["priority"],
            _read(data["started_at"]),
        )
        self._all[began.id] = self._undecided[began.id] = began

    def _keep(self, promise: Promise, at: datetime, setting: Setting) -> None:
        """What was promised has come: of this cycle, and of those before it that were missed."""
        if not promise.missed:
            promise.outcome, promise.setting = "met", setting
        elif promise.outcome == "missed":
            promise.outcome = "met_late"
        promise.settled_at, promise.kept = at, True
        self._undecided.pop(promise.id, None)
        for earlier in self._owed(promise.metric, promise.subject):
            earlier.settled_at, earlier.kept = at, True
            del self._undecided[earlier.id]

    def end(self, at: datetime, metric: str | None = None, subject: str | None = None) -> None:
        """Nothing is owed any more: of the whole ticket, of a metric, or of one call, alert or escalation."""
        for promise in self._owed(metric, subject):
            promise.settled_at = at
            del self._undecided[promise.id]

    def _owed(self, metric: str | None, subject: str | None) -> Iterable[Promise]:
        return [
            promise
            for promise in self._undecided.values()
            if promise.is_owed and metric in (None, promise.metric) and subject in (None, promise.subject)
        ]

    def change_priority(self, priorities: Iterable[tuple[str | None, str]]) -> None:
        """Bring what runs to another priority: pairs of the one before (None: any) and the one after."""
        after = dict(priorities)
        for promise in self._undecided.values():
            if promise.outcome == "open" and promise.metric not in _FIXED:
                promise.priority = after.get(promise.priority, after.get(None, promise.priority))


def facts(promises: Promises, now: Setting) -> Iterator[dict[str, Any]]:
    """The row of each cycle, and one for all updates of the incident; without the columns of the ticket itself."""
    updates = []
    for promise in promises:
        if promise.metric == UPDATE:
            updates.append(promise)
        yield _fact(promise, now) | {"id": promise.id, "cycle": promise.cycle, "misses": int(promise.missed)}
    if updates:
        yield _incident(updates, now)


def _fact(promise: Promise, now: Setting) -> dict[str, Any]:
    return (promise.setting or now).document() | {
        "metric": promise.metric,
        "priority": promise.priority,
        "outcome": promise.outcome,
        "reason": promise.reason,
        "started_at": promise.started_at,
        "due_at": promise.due_at,
        "settled_at": promise.settled_at,
        "noticed_us": promise.noticed_us,
    }


def _incident(updates: list[Promise], now: Setting) -> dict[str, Any]:
    """An incident has its updates in time when all of its update cycles were met (N7).

    It shows the first cycle that was missed; of one in time, the last that counts.
    """
    counted = [each for each in updates if each.outcome not in ("cancelled", "excluded")] or updates
    missed = [each for each in counted if each.outcome in ("missed", "met_late")]
    shown = missed[0] if missed else counted[-1]
    settled = [each.settled_at for each in missed or counted]
    return _fact(shown, now) | {
        "id": None,
        "cycle": INCIDENT,
        "misses": len(missed),
        "outcome": _outcome(counted, missed),
        "started_at": updates[0].started_at,
        "settled_at": None if None in settled else max(each for each in settled if each),
    }


def _outcome(counted: list[Promise], missed: list[Promise]) -> str:
    if missed:
        return "met_late" if all(each.kept for each in missed) else "missed"
    outcomes = {each.outcome for each in counted}
    return next(outcome for outcome in ("open", "met", "excluded", "cancelled") if outcome in outcomes)


def _read(instant: str) -> datetime:
    return datetime.fromisoformat(instant)


def _instant(text: str | None) -> datetime | None:
    return _read(text) if text else None
