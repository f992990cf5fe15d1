"""One kind of background work."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.core.db.engine import Sessions
from app.core.signals import WakeUp

LONGEST_REST: Final = 3.0
"""Seconds; however long a batch took, the next one has its turn by then."""
_SILENCE: Final = timedelta(seconds=30)
_SHORT: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of background work; ``run`` is one idempotent pass, ``next_instant`` when the next one is due.

    ``stop`` waits for what the passes have begun and left to go on behind. ``sessions``: those that tell how long it is
    to the next instant, where they are not the background's.

    ``rest``: of what may come later, a pass does a small batch. After one that has done something the job rests so many
    times as long as the pass took, and so do all others with a rest: that leaves room for what somebody waits for.
    ``own_turn``: it rests like these, but waits for the rest of none of them.
    """

    name: str
    what: str
    every: timedelta
    timeout: timedelta
    run: Callable[[], Awaitable[object]]
    next_instant: Callable[[], Awaitable[datetime | None]] | None = None
    wake_up: WakeUp | None = None
    stop: Callable[[], Awaitable[None]] | None = None
    sessions: Sessions | None = None
    rest: float = 0.0
    own_turn: bool = False

    @property
    def is_cut_off(self) -> bool:
        """Whether the pass that runs is ended at once when the process stops: it takes longer than anybody waits."""
        return self.own_turn and self.timeout > _SHORT

    @property
    def shares_its_turn(self) -> bool:
        """Whether it waits for the turns of others."""
        return bool(self.rest) and not self.own_turn

    def silence(self, jobs: Iterable["Job"] = ()) -> timedelta:
        """For how long it may give no sign of life: longer, where nobody waits for it.

        ``jobs``: of the process; those with which it shares a turn may have theirs first.
        """
        own = self.every + _SILENCE + (self.timeout if self.rest or self.timeout > _SHORT else timedelta())
        others = [job for job in jobs if job.shares_its_turn and job.name != self.name] if self.shares_its_turn else []
        return sum((job.timeout + timedelta(seconds=LONGEST_REST) for job in others), own)
