"""Hooks whose oldest receipt has failed, and is tried again later: what follows it waits, as a hook's receipts do."""

from dataclasses import dataclass, field

from app.core.clock import monotonic
from app.core.jobs.backoff import wait_after


@dataclass(frozen=True, slots=True)
class _Rest:
    receipt_id: str
    failures: int
    ends: float


@dataclass(slots=True)
class Resting:
    """Remembered by each process for itself: a restart tries again at once."""

    _rests: dict[str, _Rest] = field(default_factory=dict)

    def fail(self, hook_id: str, receipt_id: str) -> int:
        """Let the hook rest, longer each time that the same receipt fails; the number of its failures in a row."""
        before = self._rests.get(hook_id)
        failures = before.failures + 1 if before and before.receipt_id == receipt_id else 1
        self._rests[hook_id] = _Rest(receipt_id, failures, monotonic() + wait_after(failures).total_seconds())
        return failures

    def hooks(self) -> list[str]:
        """Those that rest."""
        now = monotonic()
        return [hook_id for hook_id, rest in self._rests.items() if rest.ends > now]

    def over(self, hook_id: str) -> None:
        """The receipt went through, or is not tried again."""
        self._rests.pop(hook_id, None)
