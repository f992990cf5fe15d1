"""What some signals mean for the tickets of a hook, by what was heard before. Pure.

An alert is known by its key. Heard again in the same state, of the same time that it fires, it is a repetition and
changes nothing. Alerts that share a ticket are an incident; it is over when none of them fires any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from app.inbound.formats.instants import is_before, is_same, nanoseconds_of
from app.inbound.formats.signal import Signal

Outcome: TypeAlias = Literal[
    "started", "restarted", "changed", "resolved", "acknowledged", "repeated", "unknown", "outdated"
]
ENDED: Final = frozenset({"resolved", "closed"})
_FIRES: Final = frozenset({"started", "restarted"})


@dataclass(frozen=True, slots=True)
class Alert:
    """The last that was heard of one alert."""

    key: str
    incident_key: str
    status: str
    starts_at: str | None
    """of what fires, or of what is over"""
    digest: str
    heard_at: datetime
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class Thread:
    """The ticket of an incident, or the one in which it goes on. ``own``: it was opened for this incident."""

    id: str
    status: str
    resolved_at: datetime | None = None
    own: bool = True


@dataclass(frozen=True, slots=True)
class Known:
    """What was heard before of the alerts in question, and of their incidents."""

    alerts: Mapping[str, Alert] = field(default_factory=dict)
    threads: Mapping[str, Thread] = field(default_factory=dict)
    """by incident: those that have had a ticket"""
    open: frozenset[str] = frozenset()
    """incidents that were not over"""
    firing: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """by incident: the keys of the alerts that fire"""


@dataclass(frozen=True, slots=True)
class Setting:
    """When it is, and what of the hook decides."""

    now: datetime
    """the account's instant"""
    heard_at: datetime
    """when the receipt came, real time"""
    by_group: bool = False
    window: timedelta = timedelta(0)
    complete: bool = True
    """the payload leaves no alert out"""


@dataclass(slots=True)
class Step:
    """What is to be done about one incident."""

    incident_key: str
    thread: Thread | None
    action: Literal["open", "reopen", "tell", "nothing"] = "nothing"
    signals: list[tuple[Outcome, Signal]] = field(default_factory=list)
    ends: bool = False

    @property
    def firing(self) -> list[Signal]:
        """The signals that fire, and say something new."""
        return [signal for _, signal in self.signals if signal.status == "firing"]


@dataclass(frozen=True, slots=True)
class Decision:
    """``outcomes`` stand beside the signals; ``alerts`` are to be remembered."""

    outcomes: tuple[tuple[Outcome, str], ...]
    """each with the key of its incident"""
    alerts: tuple[Alert, ...]
    steps: tuple[Step, ...]


def incident_key(signal: Signal, alert: Alert | None, *, by_group: bool) -> str:
    """Whose incident it is: the one in which it fires, else its group's where the hook says so, else its own."""
    if alert is not None and alert.status == "firing":
        return alert.incident_key
    return f"group:{signal.group}" if by_group and signal.group else f"alert:{signal.key}"


def decide(signals: Sequence[Signal], known: Known, setting: Setting) -> Decision:
    """Judge each signal by what was heard before it, then see what that makes of each incident."""
    alerts = dict(known.alerts)
    firing = {key: set(keys) for key, keys in known.firing.items()}
    _rename(signals, alerts, firing)
    steps: dict[str, Step] = {}
    outcomes: list[tuple[Outcome, str]] = []
    for signal in signals:
        alert = alerts.get(signal.key)
        key = incident_key(signal, alert, by_group=setting.by_group)
        outcome = judge(signal, alert, known.threads.get(key), setting)
        outcomes.append((outcome, key))
        if outcome == "outdated" or (outcome == "unknown" and signal.status == "acknowledged"):
            continue
        step = steps.setdefault(key, Step(key, known.threads.get(key)))
        alerts[signal.key] = heard(signal, alert, key, outcome, setting.heard_at)
        others = firing.get(key, set()) - {signal.key}
        firing[key] = others | {signal.key} if alerts[signal.key].status == "firing" else others
        if outcome not in ("repeated", "unknown"):
            step.signals.append((outcome, signal))
    for step in steps.values():
        _conclude(step, known, setting, still_firing=bool(firing.get(step.incident_key)))
    changed = tuple(alert for key, alert in alerts.items() if alert != known.alerts.get(key))
    return Decision(tuple(outcomes), changed, tuple(steps.values()))


def _rename(signals: Sequence[Signal], alerts: dict[str, Alert], firing: dict[str, set[str]]) -> None:
    """Let what fires under a key of an earlier version go on under the one that its resolve will have."""
    for signal in signals:
        former = alerts.get(signal.formerly) if signal.formerly else None
        if former is not None and former.status == "firing" and signal.key not in alerts:
            alerts[former.key] = replace(former, status="resolved")
            alerts[signal.key] = replace(former, key=signal.key)
            firing[former.incident_key] = firing.get(former.incident_key, set()) - {former.key} | {signal.key}


def judge(signal: Signal, alert: Alert | None, thread: Thread | None, setting: Setting) -> Outcome:
    """What a signal is, beside the last that was heard of its alert."""
    if alert is not None and setting.heard_at < alert.heard_at:
        return "outdated"
    if alert is None or alert.status != "firing":
        return _after_nothing(signal, alert, setting)
    if signal.status == "resolved":
        return "outdated" if _is_stale(signal, alert) else "resolved"
    if signal.status == "acknowledged":
        return "acknowledged"
    if _is_restart(signal, alert, ended=thread is not None and thread.status in ENDED):
        return "restarted"
    return "repeated" if signal.digest == alert.digest else "changed"


def _is_stale(signal: Signal, alert: Alert) -> bool:
    """Whether a resolve is of an earlier time that the alert fired: it ended before what fires began."""
    return is_before(signal.ends_at, alert.starts_at) and not (
        signal.starts_at and is_same(signal.starts_at, alert.starts_at)
    )


def _is_restart(signal: Signal, alert: Alert, *, ended: bool) -> bool:
    """Whether this is another time that an alert fires.

    The same start, or an earlier one, is told again, late, or by another replica of the sender. Where there is none,
    somebody's ending of the ticket tells one time from the next.
    """
    told = signal.starts_at or signal.at
    if told and alert.starts_at and (is_same(told, alert.starts_at) or is_before(told, alert.starts_at)):
        return False
    return ended or (signal.starts_at is not None and alert.starts_at is not None)


def _after_nothing(signal: Signal, alert: Alert | None, setting: Setting) -> Outcome:
    """What a signal is of an alert that does not fire."""
    if signal.status == "firing":
        return "outdated" if alert is not None and _is_over(signal, alert, setting) else "started"
    return "repeated" if signal.status == "resolved" and alert is not None else "unknown"


def _is_over(signal: Signal, alert: Alert, setting: Setting) -> bool:
    """Whether the resolve of what this tells was heard before it: it began no later than what is over.

    That holds within the hook's window only. A sender that gave an alert up and finds it again tells it with its first
    start, and goes on telling it; a delivery that was overtaken comes soon, and once.
    """
    if setting.heard_at - alert.heard_at >= setting.window:
        return False
    told = signal.starts_at or signal.at
    same = nanoseconds_of(told) is not None and is_same(told, alert.starts_at)
    return same or is_before(told, alert.starts_at)


def heard(signal: Signal, alert: Alert | None, key: str, outcome: Outcome, heard_at: datetime) -> Alert:
    """What is remembered of an alert once a signal was heard."""
    if alert is not None and outcome in ("repeated", "acknowledged"):
        repeats = alert.repeats + (outcome == "repeated")
        starts_at = _latest_start(signal, alert) if outcome == "repeated" else alert.starts_at
        return replace(alert, repeats=repeats, heard_at=heard_at, starts_at=starts_at)
    status = "firing" if signal.status == "firing" else "resolved"
    starts_at = signal.starts_at or signal.at
    if alert is not None and outcome == "changed":
        starts_at = _latest_start(signal, alert)
    if status == "resolved":
        starts_at = starts_at or (alert.starts_at if alert else None) or signal.ends_at
    return Alert(signal.key, key, status, starts_at, signal.digest, heard_at)


def _latest_start(signal: Signal, alert: Alert) -> str | None:
    """What a resolve is measured by: the latest start, or telling, of what fires."""
    known = signal.starts_at or signal.at
    return known if alert.starts_at is None or is_before(alert.starts_at, known) else alert.starts_at


def _conclude(step: Step, known: Known, setting: Setting, *, still_firing: bool) -> None:
    """Say what is to be done with the ticket, and whether the incident is over."""
    outcomes = {outcome for outcome, _ in step.signals}
    if outcomes & _FIRES:
        step.action = _place(step.thread, setting)
    elif outcomes & {"changed", "acknowledged"} and step.thread and step.thread.status not in ENDED:
        step.action = "tell"
    begun = step.action in ("open", "reopen") or step.incident_key in known.open
    step.ends = begun and setting.complete and not still_firing


def _place(thread: Thread | None, setting: Setting) -> Literal["open", "reopen", "tell"]:
    """Where alerts go that begin to fire: on with their ticket, back to it, or to a new one."""
    if thread is None or thread.status == "closed":
        return "open"
    if thread.status != "resolved":
        return "tell"
    since = setting.now - thread.resolved_at if thread.resolved_at else setting.window
    return "reopen" if since < setting.window else "open"
