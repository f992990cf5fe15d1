"""Wake-ups between a write and the background pass that has to act on it, inside one process.

A transaction that commits something due at once or soon rings; the pass that listens polls the database.
Other replicas find out by their own poll (every 250 ms), so a wake-up is only ever a speed-up.
"""

from collections.abc import Callable


def _nobody() -> None:
    """Nobody listens in a process that runs no background passes."""


class WakeUp:
    """Wakes one background pass of this process."""

    def __init__(self) -> None:
        self._listener: Callable[[], None] = _nobody
        self.rings = 0

    def listen(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` at each ring; it must return at once."""
        self._listener = listener

    def ring(self) -> None:
        """Wake the pass."""
        self.rings += 1
        self._listener()


class WakeUps:
    """One wake-up for each kind of background pass that a request can make urgent."""

    def __init__(self) -> None:
        self.sweep = WakeUp()
        self.deliveries = WakeUp()
        self.behind = WakeUp()
        self.calls = WakeUp()
        self.notices = WakeUp()
        self.pages = WakeUp()
        self.mail_pages = WakeUp()
        self.events = WakeUp()
        self.receipts = WakeUp()
        self.experts = WakeUp()
        self.capacity = WakeUp()
        self.maintenance = WakeUp()
        self.problems = WakeUp()
        self.files = WakeUp()
        self.former_addresses = WakeUp()
        self.left: set[str] = set()
        """the ids of tickets that the sweep left to the pass that ``experts`` wakes"""
