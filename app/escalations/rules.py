"""Whether a promise that an escalation names is really broken (G5). Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

REPLIES: Final = frozenset({"first_response", "next_response", "update"})
PROMISES: Final[Mapping[str, frozenset[str]]] = {"no_update": REPLIES, "resolution_time": frozenset({"resolution"})}
"""The metrics whose deadlines a reason says were missed; other reasons name none."""
SHOWN: Final = 20
"""Breaches that an escalation lists at most, the last ones; it has the number of all."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A cycle of a metric that was missed."""

    metric: str
    cycle: int
    missed_at: datetime
    """its due instant"""
    ended_at: datetime | None
    """null: it is still open"""

    def document(self) -> dict[str, Any]:
        """As JSON, with instants as the API writes them."""
        return {
            "metric": self.metric,
            "cycle": self.cycle,
            "due_at": _written(self.missed_at),
            "ended_at": _written(self.ended_at) if self.ended_at else None,
        }


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def broken(reason: str, missed: Iterable[Breach], *, since: datetime | None) -> tuple[Breach, ...]:
    """What broke the promise behind ``reason``: open, or missed after ``since`` (None: ever), by instant."""
    named = (each for each in missed if each.metric in PROMISES.get(reason, ()))
    counting = (each for each in named if since is None or each.ended_at is None or each.missed_at > since)
    return tuple(sorted(counting, key=lambda each: (each.missed_at, each.metric, each.cycle)))


def verified(
    reason: str, *, promised: Collection[str], breaches: Collection[Breach], turns: int, exchanges: int | None
) -> bool | None:
    """Whether the promise behind ``reason`` was broken; None for a reason that names none, or a plan without it.

    ``promised`` are the metrics with a target at the ticket's priority; ``turns`` how often customer and engineer have
    taken turns, ``exchanges`` how often they may.
    """
    if reason == "too_many_exchanges":
        return None if exchanges is None else turns >= exchanges
    if breaches:
        return True
    return None if PROMISES.get(reason, frozenset()).isdisjoint(promised) else False
