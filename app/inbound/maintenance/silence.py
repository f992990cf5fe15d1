"""Which alerts of a payload a maintenance window holds back, by what is known of them. Pure.

What fires in a ticket that is open goes on with it: it is told, and its end resolves it. Any other alert that fires is
held back, and known by its last state, so that one which was resolved in the meantime opens nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final

from app.core.text.messages import from_stored, to_stored
from app.inbound.decisions import ENDED, Alert, Known, Setting, heard, judge
from app.inbound.formats.signal import Link, Signal

SILENCED: Final = "silenced"
"""The outcome of an alert that is held back."""


@dataclass(slots=True)
class Held:
    """What becomes of a payload's signals. ``outcomes`` are of those that go no further, by their place."""

    outcomes: dict[int, str] = field(default_factory=dict)
    passed: list[Signal] = field(default_factory=list)
    """those that are acted on as ever"""
    kept: dict[str, tuple[Alert, Signal]] = field(default_factory=dict)
    """by key: what is to be remembered of alerts that are held back"""
    dropped: set[str] = field(default_factory=set)
    """the keys of those that are held back no more, since they are acted on with this payload"""

    def told(
        self, signals: Sequence[Signal], passed: Sequence[dict[str, Any]], shown: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """What each signal did, in their order: of those ``passed`` on, and of the others by ``shown``."""
        acted = iter(passed)
        return [
            shown[place] | {"outcome": self.outcomes[place]} if place in self.outcomes else next(acted)
            for place in range(len(signals))
        ]


def hold_back(
    signals: Sequence[Signal], known: Known, before: Mapping[str, Alert], setting: Setting, *, silenced: bool
) -> Held:
    """Judge each signal by what is held back of its alert ``before`` it; ``silenced``: a window is open."""
    held, alerts = Held(), dict(before)
    for place, signal in enumerate(signals):
        alert = known.alerts.get(signal.key) or known.alerts.get(signal.formerly or "")
        kept = alerts.get(signal.key)
        if signal.status == "firing":
            if silenced and not _goes_on(alert, known) and not (alert and setting.heard_at < alert.heard_at):
                _keep(held, alerts, place, signal, setting)
                continue
            if kept is not None:
                del alerts[signal.key]
                held.kept.pop(signal.key, None)
                held.dropped.add(signal.key)
        elif kept is not None and kept.status == "firing":
            _keep(held, alerts, place, signal, setting)
            if alert is None or alert.status != "firing":
                continue
            del held.outcomes[place]
        held.passed.append(signal)
    return held


def _keep(held: Held, alerts: dict[str, Alert], place: int, signal: Signal, setting: Setting) -> None:
    kept = alerts.get(signal.key)
    outcome = judge(signal, kept, None, setting)
    held.outcomes[place] = SILENCED if signal.status == "firing" and outcome != "outdated" else outcome
    if outcome == "outdated":
        return
    alerts[signal.key] = heard(signal, kept, SILENCED, outcome, setting.heard_at)
    held.kept[signal.key] = (alerts[signal.key], signal)
    held.dropped.discard(signal.key)


def _goes_on(alert: Alert | None, known: Known) -> bool:
    """Whether the alert fires in a ticket that is open."""
    if alert is None or alert.status != "firing":
        return False
    thread = known.threads.get(alert.incident_key)
    return thread is not None and thread.status not in ENDED


def stored_form(signal: Signal) -> dict[str, Any]:
    """A signal as it is stored, as JSON; ``messages`` are those of its texts that can be said in other languages."""
    messages = {"title": to_stored(signal.title), "links": [to_stored(link.text) for link in signal.links]}
    return asdict(signal) | {"silent": sorted(signal.silent), "messages": messages}


def signal_from(stored: Mapping[str, Any]) -> Signal:
    """The signal of its stored form; members that this version does not know are left out."""
    known = {each.name: stored[each.name] for each in fields(Signal) if each.name in stored}
    links, messages = tuple(Link(**link) for link in stored["links"]), stored.get("messages")
    if messages:
        known["title"] = _restored(known["title"], messages["title"])
        links = tuple(
            replace(link, text=_restored(link.text, message))
            for link, message in zip(links, messages["links"], strict=True)
        )
    return Signal(**{**known, "links": links, "silent": frozenset(stored["silent"])})


def _restored(text: str, message: Mapping[str, Any] | None) -> str:
    return from_stored(text, message) if message else text
