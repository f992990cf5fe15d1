"""What became of a ticket's promises, cycle by cycle, by its events. Pure.

A promise is kept from the start of its cycle until it is *settled*: met, met late, cancelled, or owed no more. A missed
cycle that a further one has replaced stays missed, and is settled when what was promised comes at last.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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
        # An event of a long history costs no more than one of a short one, by what is open, and by what is owed.
        self._open: dict[str, Promise] = {}
        self._owed: dict[str, dict[str | None, dict[str, Promise]]] = {}

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
            self._open.pop(promise.id, None)
            if promise.is_owed:
                self._owed.setdefault(promise.metric, {}).setdefault(promise.subject, {})[promise.id] = promise
            promise.outcome = "excluded" if data.get("unconfirmed") else "missed"
            lag = data["lag_ms"]
            promise.noticed_us = None if lag is None else (_read(data["noticed_at"]) - at) // _MICROSECOND
        elif kind == "cancelled":
            promise.outcome, promise.reason = "cancelled", data["reason"]
            promise.settled_at, promise.setting = at, setting
            self._leave(promise)
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
        if before := self._all.get(began.id):
            self._leave(before)
        self._all[began.id] = self._open[began.id] = began

    def _leave(self, promise: Promise) -> None:
        """It is neither open nor owed any more."""
        self._open.pop(promise.id, None)
        self._owed.get(promise.metric, {}).get(promise.subject, {}).pop(promise.id, None)

    def _keep(self, promise: Promise, at: datetime, setting: Setting) -> None:
        """What was promised has come: of this cycle, and of those before it that were missed."""
        if not promise.missed:
            promise.outcome, promise.setting = "met", setting
        elif promise.outcome == "missed":
            promise.outcome = "met_late"
        promise.settled_at, promise.kept = at, True
        self._leave(promise)
        self.come(at, promise.metric, promise.subject)

    def come(self, at: datetime, metric: str, subject: str | None = None) -> None:
        """What was owed of a metric has come, also where its running cycle was cancelled by another priority."""
        for promise in self._taken(metric, subject):
            promise.settled_at, promise.kept = at, True

    def end(self, at: datetime, metric: str | None = None, subject: str | None = None) -> None:
        """Nothing is owed any more: of the whole ticket, of a metric, or of one call, alert or escalation."""
        for promise in self._taken(metric, subject):
            promise.settled_at = at

    def _taken(self, metric: str | None, subject: str | None) -> Iterator[Promise]:
        """What was owed, and is not any more: of all or one metric, and of all or one subject."""
        for by_subject in [self._owed.get(metric, {})] if metric else list(self._owed.values()):
            for name in [subject] if subject else list(by_subject):
                yield from by_subject.pop(name, {}).values()

    def change_priority(self, priorities: Iterable[tuple[str | None, str]]) -> None:
        """Bring what runs to another priority: pairs of the one before (None: any) and the one after."""
        after = dict(priorities)
        for promise in self._open.values():
            if promise.metric not in _FIXED:
                promise.priority = after.get(promise.priority, after.get(None, promise.priority))


def facts(promises: Promises, now: Setting) -> Iterator[dict[str, Any]]:
    """The row of each cycle, and one for all updates of the incident; without the columns of the ticket itself."""
    counted, others, started_at = _Updates(), _Updates(), None
    for promise in promises:
        if promise.metric == UPDATE:
            (others if promise.outcome in ("cancelled", "excluded") else counted).take(promise)
            started_at = started_at or promise.started_at
        yield _fact(promise, now) | {"id": promise.id, "cycle": promise.cycle, "misses": int(promise.missed)}
    incident = counted if counted.last else others
    if incident.last:
        yield incident.fact(incident.last, now) | {"started_at": started_at}


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


@dataclass(slots=True)
class _Settled:
    """When the last of some promises was settled; None while one is not, or there is none."""

    last: datetime | None = None
    is_open: bool = False

    def take(self, at: datetime | None) -> None:
        self.is_open = self.is_open or at is None
        self.last = max(self.last, at) if self.last and at else self.last or at

    @property
    def at(self) -> datetime | None:
        return None if self.is_open else self.last


@dataclass(slots=True)
class _Updates:
    """The updates of an incident, one after the other.

    An incident has its updates in time when all of its update cycles were met (N7). It shows the first cycle that was
    missed; of one in time, the last that counts.
    """

    last: Promise | None = None
    missed: Promise | None = None
    misses: int = 0
    kept: bool = True
    outcomes: set[str] = field(default_factory=set)
    settled: _Settled = field(default_factory=_Settled)
    misses_settled: _Settled = field(default_factory=_Settled)

    def take(self, promise: Promise) -> None:
        """Take in the next cycle."""
        self.last = promise
        self.outcomes.add(promise.outcome)
        self.settled.take(promise.settled_at)
        if promise.outcome in ("missed", "met_late"):
            self.missed = self.missed or promise
            self.misses += 1
            self.kept = self.kept and promise.kept
            self.misses_settled.take(promise.settled_at)

    def fact(self, last: Promise, now: Setting) -> dict[str, Any]:
        """The row of the incident."""
        return _fact(self.missed or last, now) | {
            "id": None,
            "cycle": INCIDENT,
            "misses": self.misses,
            "outcome": self._outcome(),
            "settled_at": (self.misses_settled if self.missed else self.settled).at,
        }

    def _outcome(self) -> str:
        if self.missed:
            return "met_late" if self.kept else "missed"
        return next(outcome for outcome in ("open", "met", "excluded", "cancelled") if outcome in self.outcomes)


def _read(instant: str) -> datetime:
    return datetime.fromisoformat(instant)


def _instant(text: str | None) -> datetime | None:
    return _read(text) if text else None
