"""Alarms between a write and the background pass that has to act on it, inside one process.

A transaction that commits something due at once or soon rings; the pass that listens has a look at the database.
Other replicas find out by their own look (every 250 ms), so an alarm is only ever a speed-up.
"""

from collections.abc import Callable


def _nobody() -> None:
    """Nobody listens in a process that runs no background passes."""


class Alarm:
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


class Alarms:
    """One alarm for each kind of background pass that a request can make urgent."""

    def __init__(self) -> None:
        self.sweep = Alarm()
        self.deliveries = Alarm()
        self.calls = Alarm()
        self.notices = Alarm()
        self.pages = Alarm()
        self.mail_pages = Alarm()
        self.events = Alarm()
        self.receipts = Alarm()
        self.experts = Alarm()
        self.maintenance = Alarm()
        self.left: set[str] = set()
        """the ids of tickets that the sweep left to the pass that ``experts`` wakes"""
