"""What may become of a problem, and what that takes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.core.problems import Conflict, Fault, Invalid
from app.core.text.messages import Message, _, pgettext

NOT_OPENED: Final = ("suggested", "dismissed")
"""States of what has not become a problem: customers do not see it."""
STATES: Final[Mapping[str, Message]] = {
    "suggested": pgettext("problem", "suggested"),
    "dismissed": pgettext("problem", "dismissed"),
    "open": pgettext("problem", "open"),
    "investigating": pgettext("problem", "under investigation"),
    "known_error": pgettext("problem", "known error"),
    "resolved": pgettext("problem", "resolved"),
    "closed": pgettext("problem", "closed"),
}
_FOLLOWING: Final[Mapping[str, tuple[str, ...]]] = {
    "suggested": (),
    "dismissed": (),
    "open": ("investigating", "known_error", "resolved", "closed"),
    "investigating": ("known_error", "resolved", "closed"),
    "known_error": ("investigating", "resolved", "closed"),
    "resolved": ("investigating", "closed"),
    "closed": (),
}
_REACHED: Final[Mapping[str, tuple[str, ...]]] = {
    "known_error": ("known_error", "resolved", "closed"),
    "resolved": ("resolved", "closed"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """A problem as a change of its state would leave it."""

    before: str
    after: str
    owner_id: str | None
    workaround: str | None
    resolution: str | None


def check_step(step: Step) -> None:
    """409 for a state that does not follow; 422 without an owner, and without the text that the state is about."""
    if step.after not in _FOLLOWING[step.before]:
        raise Conflict(
            _(
                "A problem that is {state} cannot become {wanted}",
                state=STATES[step.before],
                wanted=STATES[step.after],
            )
        )
    faults = []
    if step.owner_id is None and step.after != "closed":
        faults.append(Fault(pointer="/owner_id", detail=_("A problem under investigation needs an owner")))
    if step.after == "known_error" and not step.workaround:
        faults.append(Fault(pointer="/workaround", detail=_("A known error needs a workaround")))
    if step.after == "resolved" and not step.resolution:
        faults.append(Fault(pointer="/resolution", detail=_("A resolved problem needs a resolution")))
    if faults:
        raise Invalid(errors=faults)


def targets_from(lengths: Mapping[str, timedelta], opened_at: datetime) -> dict[str, Any]:
    """What is stored of the targets of a problem that was opened at this instant."""
    return {
        state: {"due_at": (opened_at + length).isoformat(), "missed": False, "reached": False}
        for state, length in lengths.items()
    }


def reached(targets: Mapping[str, Any], state: str) -> dict[str, Any]:
    """The targets once the problem is in this state: one that it falls behind again stays reached."""
    return {
        name: target | {"reached": target["reached"] or state in _REACHED[name]} for name, target in targets.items()
    }


def missed(targets: Mapping[str, Any], now: datetime) -> list[str]:
    """The targets that are missed at ``now`` and that nobody has been told of, in the order in which they were due."""
    due = sorted((_due(target), name) for name, target in targets.items() if _is_open(target))
    return [name for at, name in due if at <= now]


def next_due(targets: Mapping[str, Any]) -> datetime | None:
    """When the next target is due that is neither reached nor missed."""
    return min((_due(target) for target in targets.values() if _is_open(target)), default=None)


def _is_open(target: Mapping[str, Any]) -> bool:
    return not target["missed"] and not target["reached"]


def _due(target: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(target["due_at"])
