"""Alarms between a write and the background pass that has to act on it, inside one process.

A pass sleeps until an instant; a transaction that commits something due earlier moves the alarm forward.
Other replicas find out by their own look at the database (every 250 ms), so an alarm is only ever a speed-up.
"""

import asyncio


class Alarm:
    """Wakes one waiting pass, at once."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake the pass now, or make its next wait return at once."""
        self._event.set()

    async def wait(self, seconds: float) -> bool:
        """Wait until rung (True) or until ``seconds`` have passed (False)."""
        if not self._event.is_set():
            try:
                await asyncio.wait_for(self._event.wait(), max(seconds, 0.0))
            except TimeoutError:
                return False
        self._event.clear()
        return True


class Alarms:
    """One alarm for each kind of background pass that a request can make urgent."""

    def __init__(self) -> None:
        self.sweep = Alarm()
        self.deliveries = Alarm()
        self.calls = Alarm()
